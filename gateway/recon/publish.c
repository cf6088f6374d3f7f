/* Crash windows: each file is written aside, synced and renamed, in the order of recon_manifest_files, with the
 * manifest last; then the folder is synced and the task done. A crash anywhere before that leaves the task running: it
 * is published again, with the same manifest (its time is the snapshot's); nothing is served or pushed of a task that
 * is not done. */
#include "gateway/recon/publish.h"
#include "gateway/base/digest.h"
#include "crypto/openpgp.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/recon/manifest.h"
#include "gateway/recon/names.h"
#include "gateway/recon/snapshot.h"
#include "store/book_recon_late.h"
#include "store/book_watch.h"
#include "gateway/common/paths.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 500, PIECE = 64 * 1024, SIGN_SECONDS = 180 };

typedef struct {
  const ReconHost *host;
  const ConfReconcile *reconcile;
  ReconTask *task;
  ReconManifest *manifest; /* without its shards, which are read in pages */
  char *folder, *name;
  guint shards;
  const ConfPartner *requester;
} Publishing;

/* Of shards in pages, so that memory does not grow with their number. */
typedef gboolean (*ShardVisit)(gpointer user, const ReconShard *shard, GError **error);
static gboolean each_shard(const ReconHost *host, const char *task, ShardVisit visit, gpointer user, GError **error) {
  for (guint last = 0;;) {
    g_autoptr(GPtrArray) page = recon_shards_after(host->reader, task, last, PAGE, error);
    if (!page)
      return FALSE;
    for (guint i = 0; i < page->len; i++)
      if (!visit(user, page->pdata[i], error))
        return FALSE;
    if (page->len < PAGE)
      return TRUE;
    last = ((const ReconShard *)page->pdata[PAGE - 1])->number;
  }
}

static gboolean add_up(gpointer user, const ReconShard *shard, GError **error) {
  Publishing *publishing = user;
  ReconTask *task = publishing->task;
  g_autofree char *path = g_build_filename(publishing->folder, shard->name, NULL);
  struct stat status;
  if (stat(path, &status) != 0 || (guint64)status.st_size != shard->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "%s is not the %" G_GUINT64_FORMAT " bytes that were made durable: the disk has lost it",
                               path, shard->size);
  publishing->shards++;
  task->records += shard->records;
  return !__builtin_add_overflow(task->total, shard->total, &task->total) ||
         sallyport_error_set(error, SALLYPORT_ERROR_FILE, "the total of all shards leaves 64 bits");
}

/* --- Files */

typedef struct {
  FILE *file;
  Digest *sha256, *md5;
  GString *text;
  const Publishing *publishing;
  guint64 size;
  gboolean is_text; /* the delimited form */
} Output;

static gboolean output_pass(Output *output, GError **error) {
  digest_update(output->sha256, output->text->str, output->text->len);
  digest_update(output->md5, output->text->str, output->text->len);
  output->size += output->text->len;
  gboolean ok = fwrite(output->text->str, 1, output->text->len, output->file) == output->text->len;
  g_string_truncate(output->text, 0);
  return ok || sallyport_error_errno(error, errno, "write");
}

static char *part_of(const Publishing *publishing, const char *name) {
  return g_strdup_printf("%s/.%s.part", publishing->folder, name);
}

static gboolean open_output(const Publishing *publishing, const char *name, Output *output, GError **error) {
  g_autofree char *path = part_of(publishing, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  *output = (Output){.file = fd >= 0 ? fdopen(fd, "w") : NULL, .publishing = publishing};
  if (!output->file)
    return sallyport_error_errno(error, errno, "create %s", path);
  output->sha256 = digest_new(DIGEST_SHA256);
  output->md5 = digest_new(DIGEST_MD5);
  output->text = g_string_sized_new(PIECE);
  return TRUE;
}

typedef struct {
  char *sha256, *md5;
  guint64 size;
} Digests;
static void digests_clear(Digests *digests) {
  g_free(digests->sha256);
  g_free(digests->md5);
}

static gboolean close_output(Output *output, gboolean ok, Digests *digests, GError **error) {
  guint8 sha256[DIGEST_SHA256_SIZE], md5[DIGEST_MD5_SIZE];
  ok = ok && output_pass(output, error);
  if (ok && fflush(output->file) != 0)
    ok = sallyport_error_errno(error, errno, "write");
  ok = ok && files_sync(fileno(output->file), "what is published", error);
  fclose(output->file);
  g_string_free(output->text, TRUE);
  digest_finish(output->sha256, sha256);
  digest_finish(output->md5, md5);
  if (digests)
    *digests = (Digests){digest_hex(sha256, sizeof sha256), digest_hex(md5, sizeof md5), output->size};
  return ok;
}

static gboolean put_name(const Publishing *publishing, const char *name, GError **error) {
  g_autofree char *part = part_of(publishing, name), *final = g_build_filename(publishing->folder, name, NULL);
  return rename(part, final) == 0 || sallyport_error_errno(error, errno, "rename %s", part);
}

/* --- What is in them */

static gboolean put_shard(gpointer user, const ReconShard *shard, GError **error) {
  Output *output = user;
  const Publishing *publishing = output->publishing;
  const char *front = publishing->reconcile->serve ? publishing->host->conf->front.url : NULL;
  g_autofree char *url = front ? recon_object_url(front, shard->object) : recon_relative_url(shard->name);
  ReconManifestShard told = {.number = shard->number,
                             .name = shard->name,
                             .url = url,
                             .size = shard->size,
                             .md5 = shard->md5,
                             .sha256 = shard->sha256,
                             .plain_size = shard->plain_size,
                             .plain_sha256 = shard->plain_sha256,
                             .records = shard->records,
                             .total = shard->total};
  (output->is_text ? recon_manifest_text_add : recon_manifest_add)(publishing->manifest, &told, publishing->shards,
                                                                   output->text);
  return output->text->len < PIECE || output_pass(output, error);
}

static gboolean put_sha256(gpointer user, const ReconShard *shard, GError **error) {
  Output *output = user;
  g_string_append_printf(output->text, "%s  %s\n", shard->sha256, shard->name);
  return output->text->len < PIECE || output_pass(output, error);
}

static gboolean put_md5(gpointer user, const ReconShard *shard, GError **error) {
  Output *output = user;
  g_string_append_printf(output->text, "%s  %s\n", shard->md5, shard->name);
  return output->text->len < PIECE || output_pass(output, error);
}

static gboolean write_manifest(const Publishing *publishing, const char *name, gboolean is_text, Digests *digests,
                               GError **error) {
  Output output;
  if (!open_output(publishing, name, &output, error))
    return FALSE;
  output.is_text = is_text;
  if (is_text)
    recon_manifest_text_begin(publishing->manifest, publishing->shards, output.text);
  else
    recon_manifest_begin(publishing->manifest, publishing->shards, output.text);
  gboolean ok = each_shard(publishing->host, publishing->task->id, put_shard, &output, error);
  if (is_text)
    recon_manifest_text_end(publishing->manifest, publishing->shards, output.text);
  else
    recon_manifest_end(publishing->shards, output.text);
  return close_output(&output, ok, digests, error);
}

/* The manifest stands in them, too: so they are never empty, which the coreutils take for damage. */
static gboolean write_sums(const Publishing *publishing, const char *name, ShardVisit visit,
                           const char *manifest_digest, GError **error) {
  Output output;
  if (!open_output(publishing, name, &output, error))
    return FALSE;
  gboolean ok = each_shard(publishing->host, publishing->task->id, visit, &output, error);
  g_string_append_printf(output.text, "%s  %s\n", manifest_digest, publishing->name);
  return close_output(&output, ok, NULL, error);
}

static gssize read_fd(gpointer user, void *into, gsize limit, GError **error) {
  ssize_t got;
  do
    got = read(*(int *)user, into, limit);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    sallyport_error_errno(error, errno, "read what is to be signed");
  return got;
}

/* Of FOLDER/.NAME.part, which is not published yet. */
static gboolean sign(const Publishing *publishing, const char *name, GError **error) {
  const ConfOpenpgp *keys = &publishing->requester->openpgp;
  g_autofree char *from = part_of(publishing, name), *signature = g_strconcat(name, ".asc", NULL),
                  *to = part_of(publishing, signature);
  OpenpgpSealOptions options = {.home = publishing->host->conf->node.gnupg_home,
                                .sign_with = keys->sign_with ? keys->sign_with : keys->decrypt_with,
                                .passphrase_file = secret_path(keys->passphrase_file),
                                .deadline = SIGN_SECONDS,
                                .armor = TRUE};
  OpenpgpSealed sealed;
  int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
      out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok = (in >= 0 && out >= 0) || sallyport_error_errno(error, errno, "open %s", in < 0 ? from : to);
  ok = ok && openpgp_sign_detached(&options, read_fd, &in, out, &sealed, error) && files_sync(out, to, error);
  if (in >= 0)
    close(in);
  if (out >= 0)
    close(out);
  return ok;
}

static gboolean write_all(Publishing *publishing, GError **error) {
  g_autofree char *text = g_strconcat(publishing->name, ".txt", NULL),
                  *sha256 = g_strconcat(publishing->name, ".sha256", NULL),
                  *md5 = g_strconcat(publishing->name, ".md5", NULL);
  Digests digests = {0}, of_text = {0};
  gboolean with_text = publishing->reconcile->delimited_manifest;
  gboolean ok = write_manifest(publishing, publishing->name, FALSE, &digests, error) &&
                sign(publishing, publishing->name, error);
  if (with_text)
    ok = ok && write_manifest(publishing, text, TRUE, &of_text, error) && sign(publishing, text, error);
  ok = ok && write_sums(publishing, sha256, put_sha256, digests.sha256, error) &&
       write_sums(publishing, md5, put_md5, digests.md5, error);
  publishing->task->manifest_size = digests.size;
  g_free(publishing->task->manifest_sha256);
  publishing->task->manifest_sha256 = g_strdup(digests.sha256);
  digests_clear(&digests);
  digests_clear(&of_text);
  return ok;
}

static gboolean name_all(const Publishing *publishing, GError **error) {
  g_auto(GStrv) files = recon_manifest_files(publishing->name, publishing->reconcile->delimited_manifest);
  for (guint i = 0; files[i]; i++) {
    if (!files[i + 1])
      fault_point("recon-before-manifest-rename");
    if (!put_name(publishing, files[i], error))
      return FALSE;
  }
  fault_point("recon-after-manifest-rename");
  return files_sync_folder(publishing->folder, error);
}

/* --- Done */

static guint supplemented(const ReconTask *task) {
  ReconSnapshot snapshot;
  guint version = recon_snapshot_read(task->snapshot, &snapshot) ? snapshot.supplements : 0;
  recon_snapshot_clear(&snapshot);
  return version;
}

static ReconManifest *describe_task(const Publishing *publishing, gint64 made_at) {
  const ConfReconcile *reconcile = publishing->reconcile;
  const ReconTask *task = publishing->task;
  const ConfRead *read = &reconcile->read;
  ReconManifest *manifest = recon_manifest_new();
  manifest->requester = g_strdup(task->requester);
  manifest->type = g_strdup(task->type);
  manifest->period = g_strdup(task->period);
  manifest->version = task->version;
  manifest->supplements = supplemented(task);
  manifest->made_at = made_at / G_USEC_PER_SEC;
  manifest->columns = g_strdupv(read->columns);
  manifest->amount = read->amount && g_strv_contains((const char *const *)read->columns, read->amount)
                         ? g_strdup(read->amount)
                         : NULL;
  manifest->scale = manifest->amount ? task->scale : 0;
  manifest->delimiter = g_strdup(reconcile->delimiter);
  manifest->charset = g_strdup(reconcile->charset);
  manifest->line_end = g_strdup(reconcile->line_end);
  manifest->quote = reconcile->quote;
  manifest->header_line = reconcile->header_line;
  manifest->threshold = reconcile->threshold;
  manifest->compression = reconcile->compress == CONF_SHARD_GZIP   ? RECON_COMPRESS_GZIP
                          : reconcile->compress == CONF_SHARD_ZSTD ? RECON_COMPRESS_ZSTD
                                                                   : RECON_COMPRESS_NONE;
  manifest->encrypted = reconcile->encrypt;
  manifest->records = task->records;
  manifest->total = task->total;
  return manifest;
}

gboolean recon_settle_late(BookTransaction *tx, const ReconHost *host, const ReconTask *task, GError **error) {
  g_autofree char *subject = recon_late_subject(task->name, task->period);
  ReconSnapshot snapshot;
  gboolean ok = book_clear_alarm(tx, RECON_LATE_ALARM, subject, host->alarm_ways, error) &&
                book_clear_alarm(tx, RECON_FAILED_ALARM, subject, host->alarm_ways, error);
  if (recon_snapshot_read(task->snapshot, &snapshot) && ok && snapshot.sequence >= 0)
    ok = recon_look_again_from(tx, snapshot.sequence, error);
  recon_snapshot_clear(&snapshot);
  return ok;
}

static gboolean done_change(BookTransaction *tx, gpointer data, GError **error) {
  Publishing *publishing = data;
  ReconTask *task = publishing->task;
  g_autofree char *total = recon_decimal(task->total, task->scale);
  g_autofree char *detail = g_strdup_printf("%" G_GUINT64_FORMAT " records, total %s, %u shards, manifest sha256 %s",
                                            task->records, total, task->shards, task->manifest_sha256);
  return recon_advance_task(tx, task, RECON_DONE, detail, error) &&
         recon_settle_late(tx, publishing->host, task, error);
}

static gboolean finish(Publishing *publishing, GError **error) {
  ReconTask *task = publishing->task;
  task->shards = publishing->shards;
  task->done_at = g_get_real_time();
  task->due_at = task->done_at;
  task->attempts = 0;
  g_clear_pointer(&task->problem, g_free);
  g_free(task->manifest_name);
  task->manifest_name = g_strdup(publishing->name);
  task->pushed_at = publishing->reconcile->push_endpoint ? 0 : -1;
  task->told_at = publishing->reconcile->status_endpoint ? 0 : -1;
  fault_point("recon-before-done");
  if (!book_write(publishing->host->book, done_change, publishing, error)) {
    task->done_at = 0;
    return FALSE;
  }
  fault_point("recon-after-done");
  return TRUE;
}

gboolean recon_publish(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, gint64 made_at,
                       GError **error) {
  Publishing publishing = {
      .host = host, .reconcile = reconcile, .task = task, .requester = conf_partner(host->conf, reconcile->requester)};
  task->records = 0;
  task->total = 0;
  publishing.folder = recon_folder(host->paths->folder, task->id);
  publishing.name = recon_manifest_name(reconcile, task, error);
  gboolean ok = publishing.name && each_shard(host, task->id, add_up, &publishing, error);
  publishing.manifest = describe_task(&publishing, made_at);
  ok = ok && write_all(&publishing, error) && name_all(&publishing, error) && finish(&publishing, error);
  recon_manifest_free(publishing.manifest);
  g_free(publishing.folder);
  g_free(publishing.name);
  return ok;
}

/* --- The version before */

typedef struct {
  BookReader *reader;
  const char *before;
  gboolean differs;
} VersionChange;

static gboolean compare_shard(gpointer user, const ReconShard *shard, GError **error) {
  VersionChange *comparison = user;
  g_autoptr(GPtrArray) same = recon_shards_after(comparison->reader, comparison->before, shard->number - 1, 1, error);
  if (!same)
    return FALSE;
  const ReconShard *other = same->len ? same->pdata[0] : NULL;
  comparison->differs |= !other || other->number != shard->number || other->records != shard->records ||
                         strcmp(other->plain_sha256, shard->plain_sha256) != 0;
  return TRUE;
}

static gboolean count_shard(gpointer user, const ReconShard *shard, GError **error) {
  (void)shard, (void)error;
  ++*(guint *)user;
  return TRUE;
}

gboolean recon_is_unchanged(const ReconHost *host, const ReconTask *task, gboolean *unchanged, GError **error) {
  ReconFilter filter = {.name = task->name, .period = task->period, .version = task->version - 1};
  guint ours = 0, theirs = 0;
  *unchanged = FALSE;
  if (task->version == 1)
    return TRUE;
  if (supplemented(task)) {
    *unchanged = each_shard(host, task->id, count_shard, &ours, error) && ours == 0;
    return ours > 0 || *unchanged;
  }
  g_autoptr(GPtrArray) before = recon_tasks(host->reader, &filter, error);
  if (!before)
    return FALSE;
  if (before->len == 0 || ((ReconTask *)before->pdata[0])->state != RECON_DONE)
    return TRUE;
  VersionChange comparison = {.reader = host->reader, .before = ((ReconTask *)before->pdata[0])->id};
  if (!each_shard(host, task->id, compare_shard, &comparison, error) ||
      !each_shard(host, task->id, count_shard, &ours, error) ||
      !each_shard(host, comparison.before, count_shard, &theirs, error))
    return FALSE;
  *unchanged = !comparison.differs && ours == theirs;
  return TRUE;
}
