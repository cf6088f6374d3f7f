/* Crash windows:
 *   while a file is written     .NAME.part: swept at the next start of the task
 *   after the sync, no name     the same
 *   named, no row in the book   made again; the rename puts the same lines in its place
 *   after the rows              the task goes on behind them */
#include "gateway/recon/shards.h"
#include "gateway/base/digest.h"
#include "crypto/openpgp.h"
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/packing/packing.h"
#include "gateway/common/paths.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, MOST_CHUNKS = 24, MOST_THREADS = 4, GROUP_SHARDS = 64, NICE = 5, SEAL_SECONDS = 3600 };
static const gint64 GROUP_WAIT = 500 * 1000; /* microseconds: a group that does not fill is committed after this */

typedef struct {
  ReconShard *row;
  GQueue chunks; /* GByteArray*, in order */
  gboolean is_ended, is_made;
  int fd; /* the file, while it has no name */
} Job;

struct Shards {
  ShardsOptions options;
  gboolean is_bare; /* neither packed nor encrypted: the lines' digests are the file's */
  pthread_t threads[MOST_THREADS + 1];
  guint n_threads;
  GByteArray *lines; /* the producer's */
  Job *current;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  GQueue waiting;   /* Job*: no worker yet */
  GQueue jobs;      /* Job*: all that are not in the book, in order */
  GPtrArray *spare; /* GByteArray* */
  guint chunks;     /* under way */
  gboolean ending, stopping;
  GError *failure;
};

void recon_be_nice(void) {
  long thread = syscall(SYS_gettid);
  setpriority(PRIO_PROCESS, (id_t)thread, NICE);
  syscall(SYS_ioprio_set, 1 /* of a thread */, thread, (2 << 13 | 7) /* best effort, the last of it */);
}

static void job_free(Job *job) {
  if (job->fd >= 0)
    close(job->fd);
  for (GByteArray *chunk; (chunk = g_queue_pop_head(&job->chunks));)
    g_byte_array_unref(chunk);
  recon_shard_free(job->row);
  g_free(job);
}

static void fail(Shards *shards, GError *error) { /* takes it */
  pthread_mutex_lock(&shards->lock);
  if (!shards->failure)
    shards->failure = g_steal_pointer(&error);
  pthread_cond_broadcast(&shards->changed);
  pthread_mutex_unlock(&shards->lock);
  g_clear_error(&error);
}

static gboolean is_over(const Shards *shards) {
  return shards->failure || shards->stopping;
} /* under the lock */

/* --- A worker: one shard after the other */

static GByteArray *next_chunk(Shards *shards, Job *job) {
  pthread_mutex_lock(&shards->lock);
  while (g_queue_is_empty(&job->chunks) && !job->is_ended && !is_over(shards))
    pthread_cond_wait(&shards->changed, &shards->lock);
  GByteArray *chunk = is_over(shards) ? NULL : g_queue_pop_head(&job->chunks);
  pthread_mutex_unlock(&shards->lock);
  return chunk;
}

static void give_back(Shards *shards, GByteArray *chunk) {
  g_byte_array_set_size(chunk, 0);
  pthread_mutex_lock(&shards->lock);
  g_ptr_array_add(shards->spare, chunk);
  shards->chunks--;
  pthread_cond_broadcast(&shards->changed);
  pthread_mutex_unlock(&shards->lock);
}

static char *part_path(const Shards *shards, const Job *job) {
  return g_strdup_printf("%s/.%s.part", shards->options.folder, job->row->name);
}

static int create_part(const Shards *shards, const Job *job, GError **error) {
  g_autofree char *path = part_path(shards, job);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    sallyport_error_errno(error, errno, "create %s", path);
  return fd;
}

/* The lines into the file (or what is packed from), with their digests. */
static gboolean take_lines(Shards *shards, Job *job, int fd, GError **error) {
  guint8 sha256[DIGEST_SHA256_SIZE], md5[DIGEST_MD5_SIZE];
  Digest *ours = digest_new(DIGEST_SHA256), *theirs = digest_new(DIGEST_MD5);
  gboolean ok = TRUE;
  for (GByteArray *chunk; (chunk = next_chunk(shards, job));) {
    digest_update(ours, chunk->data, chunk->len);
    if (shards->is_bare)
      digest_update(theirs, chunk->data, chunk->len);
    job->row->plain_size += chunk->len;
    ok = ok && files_write_all(fd, chunk->data, chunk->len, error);
    give_back(shards, chunk);
  }
  digest_finish(ours, sha256);
  digest_finish(theirs, md5);
  job->row->plain_sha256 = digest_hex(sha256, sizeof sha256);
  if (shards->is_bare) {
    job->row->size = job->row->plain_size;
    job->row->sha256 = g_strdup(job->row->plain_sha256);
    job->row->md5 = digest_hex(md5, sizeof md5);
  }
  return ok;
}

typedef struct {
  int fd;
  guint64 at;
} FileSource;

static gssize read_file(gpointer user, void *into, gsize limit, GError **error) {
  FileSource *source = user;
  ssize_t got;
  do
    got = pread(source->fd, into, limit, (off_t)source->at);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    sallyport_error_errno(error, errno, "read a shard");
  else
    source->at += (guint64)got;
  return got;
}

static gboolean seal(const Shards *shards, int from, int to, GError **error) {
  const ConfOpenpgp *keys = &shards->options.encrypt_to->openpgp;
  OpenpgpSealOptions options = {.home = shards->options.gnupg_home,
                                .encrypt_to = (const char *const *)keys->encrypt_to,
                                .sign_with = keys->sign_with ? keys->sign_with : keys->decrypt_with,
                                .passphrase_file = secret_path(keys->passphrase_file),
                                .deadline = SEAL_SECONDS};
  FileSource source = {from, 0};
  OpenpgpSealed sealed;
  return openpgp_seal(&options, read_file, &source, to, &sealed, error);
}

/* What is served, from the lines: packed first, then sealed. */
static gboolean wrap(const Shards *shards, Job *job, int lines, GError **error) {
  PackOptions pack = {.packing = shards->options.packing};
  gboolean packs = pack.packing != CONF_PACK_NONE, seals = shards->options.encrypt_to != NULL;
  int packed = packs && seals ? files_open_unnamed(shards->options.folder, error) : -1;
  gboolean ok = !(packs && seals) || packed >= 0;
  if (ok && packs)
    ok = packing_pack(&pack, lines, seals ? packed : job->fd, error);
  if (ok && seals)
    ok = seal(shards, packs ? packed : lines, job->fd, error);
  if (packed >= 0)
    close(packed);
  return ok;
}

static gboolean digest_served(Job *job, GError **error) {
  guint8 sha256[DIGEST_SHA256_SIZE], md5[DIGEST_MD5_SIZE];
  off_t size = lseek(job->fd, 0, SEEK_END);
  if (size < 0 || !digest_file_both(job->fd, sha256, md5, error))
    return size >= 0 ? FALSE : sallyport_error_errno(error, errno, "the size of a shard");
  job->row->size = (guint64)size;
  job->row->sha256 = digest_hex(sha256, sizeof sha256);
  job->row->md5 = digest_hex(md5, sizeof md5);
  return TRUE;
}

static gboolean make(Shards *shards, Job *job, GError **error) {
  if ((job->fd = create_part(shards, job, error)) < 0)
    return FALSE;
  if (shards->is_bare)
    return take_lines(shards, job, job->fd, error);
  int lines = files_open_unnamed(shards->options.folder, error);
  gboolean ok = lines >= 0 && take_lines(shards, job, lines, error);
  pthread_mutex_lock(&shards->lock);
  gboolean over = is_over(shards);
  pthread_mutex_unlock(&shards->lock);
  ok = ok && !over && wrap(shards, job, lines, error) && digest_served(job, error);
  if (lines >= 0)
    close(lines);
  return ok;
}

static void *work(void *user) {
  Shards *shards = user;
  recon_be_nice();
  for (;;) {
    g_autoptr(GError) error = NULL;
    pthread_mutex_lock(&shards->lock);
    while (g_queue_is_empty(&shards->waiting) && !shards->ending && !is_over(shards))
      pthread_cond_wait(&shards->changed, &shards->lock);
    Job *job = is_over(shards) ? NULL : g_queue_pop_head(&shards->waiting);
    pthread_mutex_unlock(&shards->lock);
    if (!job)
      return NULL;
    gboolean ok = make(shards, job, &error);
    if (ok)
      sync_file_range(job->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* begins what the sync will wait for */
    pthread_mutex_lock(&shards->lock);
    job->is_made = ok && !is_over(shards);
    pthread_cond_broadcast(&shards->changed);
    pthread_mutex_unlock(&shards->lock);
    if (!ok && error)
      fail(shards, g_steal_pointer(&error));
  }
}

/* --- The committer */

static GPtrArray *made_in_order(Shards *shards) { /* under the lock */
  GPtrArray *made = g_ptr_array_new();
  for (GList *at = shards->jobs.head; at && ((Job *)at->data)->is_made && made->len < GROUP_SHARDS; at = at->next)
    g_ptr_array_add(made, at->data);
  return made;
}

typedef struct {
  const Shards *shards;
  const GPtrArray *jobs;
} Commit;

static gboolean commit_change(BookTransaction *tx, gpointer data, GError **error) {
  const Commit *commit = data;
  for (guint i = 0; i < commit->jobs->len; i++)
    if (!recon_add_shard(tx, commit->shards->options.task, ((Job *)commit->jobs->pdata[i])->row, error))
      return FALSE;
  return TRUE;
}

static gboolean name_file(const Shards *shards, Job *job, GError **error) {
  g_autofree char *part = part_path(shards, job),
                  *final = g_build_filename(shards->options.folder, job->row->name, NULL);
  if (rename(part, final) != 0)
    return sallyport_error_errno(error, errno, "rename %s", part);
  fault_point("recon-after-shard-rename");
  close(job->fd);
  job->fd = -1;
  return TRUE;
}

static gboolean commit(Shards *shards, const GPtrArray *jobs, GError **error) {
  for (guint i = 0; i < jobs->len; i++)
    if (!files_sync(((Job *)jobs->pdata[i])->fd, ((Job *)jobs->pdata[i])->row->name, error))
      return FALSE;
  fault_point("recon-after-shard-sync");
  for (guint i = 0; i < jobs->len; i++)
    if (!name_file(shards, jobs->pdata[i], error))
      return FALSE;
  if (!files_sync_folder(shards->options.folder, error))
    return FALSE;
  fault_point("recon-before-shard-commit");
  Commit change = {shards, jobs};
  if (!book_write(shards->options.book, commit_change, &change, error))
    return FALSE;
  fault_point("recon-after-shard-commit");
  return TRUE;
}

/* Until a group is full, or has waited, or nothing more comes. */
static GPtrArray *wait_for_group(Shards *shards) {
  gint64 until = 0;
  for (;;) {
    GPtrArray *made = made_in_order(shards);
    gboolean is_end = is_over(shards) || (shards->ending && made->len == g_queue_get_length(&shards->jobs));
    if (is_end || made->len == GROUP_SHARDS || (made->len > 0 && until > 0 && g_get_monotonic_time() >= until))
      return made;
    until = made->len == 0 ? 0 : until ? until : g_get_monotonic_time() + GROUP_WAIT;
    g_ptr_array_unref(made);
    gint64 next = g_get_monotonic_time() + GROUP_WAIT;
    clock_condition_wait(&shards->changed, &shards->lock, next);
  }
}

static void *commit_all(void *user) {
  Shards *shards = user;
  recon_be_nice();
  for (;;) {
    g_autoptr(GError) error = NULL;
    pthread_mutex_lock(&shards->lock);
    g_autoptr(GPtrArray) jobs = wait_for_group(shards);
    gboolean over = is_over(shards);
    pthread_mutex_unlock(&shards->lock);
    if (over || jobs->len == 0)
      return NULL;
    if (!commit(shards, jobs, &error)) {
      fail(shards, g_steal_pointer(&error));
      return NULL;
    }
    pthread_mutex_lock(&shards->lock);
    for (guint i = 0; i < jobs->len; i++)
      job_free(g_queue_pop_head(&shards->jobs));
    pthread_cond_broadcast(&shards->changed);
    pthread_mutex_unlock(&shards->lock);
  }
}

/* --- The producer's side */

static gboolean start_thread(Shards *shards, void *(*run)(void *), GError **error) {
  int number = pthread_create(&shards->threads[shards->n_threads], NULL, run, shards);
  if (number)
    return sallyport_error_errno(error, number, "start a thread");
  shards->n_threads++;
  return TRUE;
}

Shards *shards_start(const ShardsOptions *options, GError **error) {
  Shards *shards = g_new0(Shards, 1);
  shards->options = *options;
  shards->is_bare = options->packing == CONF_PACK_NONE && !options->encrypt_to;
  shards->spare = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
  shards->lines = g_byte_array_sized_new(CHUNK + CHUNK / 2);
  pthread_mutex_init(&shards->lock, NULL);
  clock_condition_init(&shards->changed);
  guint threads = CLAMP(options->threads, 1, MOST_THREADS);
  gboolean ok = start_thread(shards, commit_all, error);
  for (guint i = 0; ok && i < threads; i++)
    ok = start_thread(shards, work, error);
  if (ok)
    return shards;
  shards_abandon(shards);
  return NULL;
}

void shards_begin(Shards *shards, const char *name) {
  Job *job = g_new0(Job, 1);
  job->fd = -1;
  job->row = recon_shard_new(shards->options.first++);
  job->row->name = g_strdup(name);
  g_queue_init(&job->chunks);
  shards->current = job;
  pthread_mutex_lock(&shards->lock);
  g_queue_push_tail(&shards->waiting, job);
  g_queue_push_tail(&shards->jobs, job);
  pthread_cond_broadcast(&shards->changed);
  pthread_mutex_unlock(&shards->lock);
}

GByteArray *shards_lines(Shards *shards) {
  return shards->lines;
}

static GByteArray *spare_chunk(Shards *shards) { /* under the lock */
  if (shards->spare->len == 0)
    return g_byte_array_sized_new(CHUNK + CHUNK / 2);
  return g_ptr_array_steal_index(shards->spare, shards->spare->len - 1);
}

/* Also bounds the files that are open and not yet durable. */
static gboolean pass_on(Shards *shards, gboolean is_end, GError **error) {
  pthread_mutex_lock(&shards->lock);
  while (!is_over(shards) && (shards->chunks >= MOST_CHUNKS || g_queue_get_length(&shards->jobs) > 3 * GROUP_SHARDS))
    pthread_cond_wait(&shards->changed, &shards->lock);
  if (shards->failure)
    g_propagate_error(error, g_error_copy(shards->failure));
  gboolean ok = !is_over(shards);
  if (ok && shards->lines->len > 0) {
    g_queue_push_tail(&shards->current->chunks, shards->lines);
    shards->chunks++;
    shards->lines = spare_chunk(shards);
  }
  if (ok && is_end)
    shards->current->is_ended = TRUE;
  pthread_cond_broadcast(&shards->changed);
  pthread_mutex_unlock(&shards->lock);
  return ok;
}

gboolean shards_flush(Shards *shards, GError **error) {
  return shards->lines->len < CHUNK || pass_on(shards, FALSE, error);
}

gboolean shards_end(Shards *shards, guint64 records, gint64 total, char *position, GError **error) {
  shards->current->row->records = records; /* nobody reads these before the shard has ended */
  shards->current->row->total = total;
  shards->current->row->cursor = position;
  return pass_on(shards, TRUE, error);
}

static void join(Shards *shards, gboolean stop) {
  pthread_mutex_lock(&shards->lock);
  shards->ending = TRUE;
  shards->stopping |= stop;
  pthread_cond_broadcast(&shards->changed);
  pthread_mutex_unlock(&shards->lock);
  for (guint i = 0; i < shards->n_threads; i++)
    pthread_join(shards->threads[i], NULL);
}

static void shards_free(Shards *shards) {
  for (Job *job; (job = g_queue_pop_head(&shards->jobs));)
    job_free(job);
  g_queue_clear(&shards->waiting);
  g_ptr_array_unref(shards->spare);
  g_byte_array_unref(shards->lines);
  g_clear_error(&shards->failure);
  pthread_mutex_destroy(&shards->lock);
  pthread_cond_destroy(&shards->changed);
  g_free(shards);
}

gboolean shards_finish(Shards *shards, GError **error) {
  join(shards, FALSE);
  gboolean ok = shards->failure == NULL;
  if (!ok)
    g_propagate_error(error, g_steal_pointer(&shards->failure));
  shards_free(shards);
  return ok;
}

void shards_abandon(Shards *shards) {
  join(shards, TRUE);
  shards_free(shards);
}
