/* Crash windows:
 *   while a file is uploaded        a temporary name on the requester's side, overwritten by the next try
 *   after a rename                  the file is there with our size and digest (read back): taken as pushed
 *   between files                   the book knows how far it is, some seconds behind; what it does not know is looked
 *                                   at again
 *   before the task is noted        everything is there; the next try looks at the last files only, and notes it
 * The requester acts on the manifest (or the marker), which comes when all else is there. */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/remote_path.h"
#include "gateway/common/remote_put.h"
#include "gateway/recon/names.h"
#include "gateway/recon/ways.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 64, SLICE_SECONDS = 5 };

typedef struct {
  const ReconHost *host;
  const ConfReconcile *reconcile;
  ReconTask *task;
  Courier *courier;
  char *folder;
  gint64 until;
  guint pushed; /* shards that are there, which the book does not know of yet */
} Push;

static char *remote_path(const Push *push, const char *name) {
  return remote_path_join(push->reconcile->push_path, name, strlen(name));
}

static gboolean put_open(const Push *push, const char *name, int fd, GError **error) {
  g_autofree char *path = remote_path(push, name);
  struct stat local;
  if (fstat(fd, &local) != 0)
    return sallyport_error_errno(error, errno, "stat %s", name);
  const RemotePut put = {.courier = push->courier,
                         .scratch = push->folder,
                         .to = path,
                         .owner = push->task->id,
                         .fd = fd,
                         .size = (guint64)local.st_size,
                         .marker_follows = TRUE, /* the manifest comes last */
                         .before_rename = "recon-push-before-rename",
                         .after_rename = "recon-push-after-rename"};
  return remote_put(&put, error);
}

static gboolean put_file(const Push *push, const char *name, GError **error) {
  g_autofree char *local = g_build_filename(push->folder, name, NULL);
  int fd = open(local, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "open %s: %s", local, g_strerror(errno));
  gboolean ok = put_open(push, name, fd, error);
  close(fd);
  return ok;
}

static gboolean note_shards(BookTransaction *tx, gpointer data, GError **error) {
  const Push *push = data;
  return recon_note_pushed_shards(tx, push->task->id, push->pushed, error);
}

/* What was pushed is noted also when something failed behind it. */
static gboolean put_shards(Push *push, gboolean *more, GError **error) {
  gboolean ok = TRUE;
  *more = FALSE;
  for (guint last = 0; ok && !*more;) {
    g_autoptr(GPtrArray) page = recon_shards_after(push->host->reader, push->task->id, last, PAGE, error);
    if (!page)
      return FALSE;
    for (guint i = 0; ok && !*more && i < page->len; i++) {
      const ReconShard *shard = page->pdata[i];
      last = shard->number;
      if (shard->pushed)
        continue;
      ok = put_file(push, shard->name, error);
      push->pushed = ok ? shard->number : push->pushed;
      *more = ok && g_get_monotonic_time() > push->until;
    }
    if (page->len < PAGE)
      break;
  }
  g_autoptr(GError) unnoted = NULL;
  if (push->pushed > 0 && !book_write(push->host->book, note_shards, push, ok ? error : &unnoted))
    return FALSE;
  return ok;
}

/* --- The place. Which shards lie there is known of one place only: with another endpoint or folder configured
 * meanwhile, all of them are to be brought there before the manifest is. What the place was lies beside them. crash
 * between the book and the name   it is forgotten once more, which costs another look at what is there */

static gboolean forget_shards(BookTransaction *tx, gpointer task, GError **error) {
  return recon_forget_pushed_shards(tx, task, error);
}

static gboolean name_place(const char *path, const char *place, GError **error) {
  g_autofree char *part = g_strconcat(path, ".part", NULL);
  int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "create %s", part);
  gboolean ok = files_write_all(fd, place, strlen(place), error) && files_sync(fd, part, error);
  close(fd);
  return ok && (rename(part, path) == 0 || sallyport_error_errno(error, errno, "rename %s", part));
}

static gboolean keep_to_place(const Push *push, GError **error) {
  const ConfPartner *requester = conf_partner(push->host->conf, push->reconcile->requester);
  const ConfEndpoint *endpoint = conf_endpoint(requester, push->reconcile->push_endpoint);
  g_autofree char *path = g_build_filename(push->folder, ".pushed-to", NULL), *before = NULL;
  g_autofree char *place = g_strdup_printf("%s %s", endpoint->url, push->reconcile->push_path);
  gboolean is_known = g_file_get_contents(path, &before, NULL, NULL);
  if (is_known && strcmp(before, place) == 0)
    return TRUE;
  return (!is_known || book_write(push->host->book, forget_shards, push->task->id, error)) &&
         name_place(path, place, error);
}

static gboolean put_beside(const Push *push, GError **error) {
  g_autofree char *text = g_strconcat(push->task->manifest_name, ".txt", NULL),
                  *path = g_build_filename(push->folder, text, NULL);
  gboolean with_text = access(path, F_OK) == 0;
  g_auto(GStrv) files = recon_manifest_files(push->task->manifest_name, with_text);
  for (guint i = 0; files[i]; i++) {
    if (!files[i + 1])
      fault_point("recon-push-before-manifest");
    if (!put_file(push, files[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean put_marker(const Push *push, GError **error) {
  const char *template = push->reconcile->push_marker;
  if (!template)
    return TRUE;
  g_auto(GStrv) parts = g_strsplit(template, "{name}", -1);
  g_autofree char *name = g_strjoinv(push->task->manifest_name, parts), *path = remote_path(push, name);
  return remote_put_marker(push->courier, push->folder, path, error);
}

static gboolean pushed_change(BookTransaction *tx, gpointer data, GError **error) {
  return recon_note_way(tx, data, RECON_WAS_PUSHED, error);
}

gboolean recon_push(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, Courier *courier,
                    gboolean *more, GError **error) {
  Push push = {.host = host,
               .reconcile = reconcile,
               .task = task,
               .courier = courier,
               .until = g_get_monotonic_time() + SLICE_SECONDS * G_USEC_PER_SEC};
  push.folder = recon_folder(host->paths->folder, task->id);
  gboolean ok = keep_to_place(&push, error) && put_shards(&push, more, error);
  if (ok && !*more) {
    ok = put_beside(&push, error) && put_marker(&push, error);
    fault_point("recon-push-before-commit");
    ok = ok && book_write(host->book, pushed_change, task, error);
  }
  g_free(push.folder);
  return ok;
}
