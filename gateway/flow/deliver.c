/* Deliver: carries out the intents of an answer: the sealed file, then its marker. Then the file is `answered`.
 *
 * Each looks first whether its effect is there already, so that it may be run again after a crash or a lost reply at any point:
 *   crash while uploading              a temporary name on the partner's side, which the next run overwrites
 *   crash or cut after the rename      the target has our size and our SHA-256 (read back): taken as delivered
 *   the target is there, other bytes   the feed's policy: refuse (tried again until a person has looked) or replace
 *   crash before the commit            the next run finds both there, and only commits */
#include "crypto/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/flow/flow.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The hidden name beside the target under which it is uploaded: the same at every try. */
static char *temporary_name(const char *to, const char *file) {
  g_autofree char *folder = g_path_get_dirname(to), *name = g_path_get_basename(to);
  gboolean is_bare = strchr(to, '/') == NULL;
  g_autofree char *hidden = g_strdup_printf(".%.200s.%s.part", name, file);
  return is_bare ? g_steal_pointer(&hidden) : flow_remote_path(folder, hidden, strlen(hidden));
}

/* Whether the remote file has these very bytes: it is read back, since a size proves little. */
static gboolean is_ours(Step *step, const BookIntent *intent, gboolean *ours, GError **error) {
  guint64 end = 0, size = 0;
  guint8 digest[DIGEST_SHA256_SIZE];
  int copy = files_open_unnamed(step->flow->paths->out, error);
  if (copy < 0)
    return FALSE;
  CourierGet get = {.path = intent->to, .size_limit = intent->size + 1, .fd = copy};
  gboolean ok = courier_get(step->courier, &get, &end, error) && digest_file_sha256(copy, 0, G_MAXUINT64, digest, &size, error);
  close(copy);
  g_autofree char *hex = digest_hex(digest, sizeof digest);
  *ours = ok && size == intent->size && g_strcmp0(hex, intent->sha256) == 0;
  return ok;
}

static gboolean is_there(Step *step, const BookIntent *intent, gboolean *there, GError **error) {
  CourierStat stat;
  *there = FALSE;
  if (!courier_stat(step->courier, intent->to, &stat, error))
    return FALSE;
  if (!stat.exists)
    return TRUE;
  if (stat.size == intent->size && !is_ours(step, intent, there, error))
    return FALSE;
  if (!*there && step->feed->conf->feedback.if_exists == CONF_EXISTS_REFUSE)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                               "%s exists on the partner's side with other content; remove it there, or set if-exists = replace, then retry", intent->to);
  return TRUE;
}

static gboolean upload(Step *step, const BookIntent *intent, const char *temporary, GError **error) {
  int fd = open(intent->from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open %s", intent->from);
  CourierPut put = {.path = temporary, .fd = fd, .size = intent->size};
  gboolean ok = courier_put(step->courier, &put, error);
  close(fd);
  return ok;
}

static gboolean put(Step *step, const BookIntent *intent, GError **error) {
  gboolean there;
  if (!is_there(step, intent, &there, error))
    return FALSE;
  if (there)
    return TRUE;
  g_autofree char *temporary = temporary_name(intent->to, intent->file);
  if (!upload(step, intent, temporary, error))
    return FALSE;
  fault_point("deliver-before-rename");
  CourierRename rename = {.from = temporary, .to = intent->to,
                          .if_exists = step->feed->conf->feedback.if_exists == CONF_EXISTS_REPLACE ? COURIER_TARGET_REPLACE : COURIER_TARGET_REFUSE};
  if (!courier_rename(step->courier, &rename, error))
    return FALSE;
  fault_point("deliver-after-rename");
  return TRUE;
}

/* An empty file under its final name: there is nothing in it that could be half written. */
static gboolean put_marker(Step *step, const BookIntent *intent, GError **error) {
  CourierStat stat;
  if (!courier_stat(step->courier, intent->to, &stat, error))
    return FALSE;
  if (stat.exists)
    return TRUE;
  int empty = files_open_unnamed(step->flow->paths->out, error);
  if (empty < 0)
    return FALSE;
  CourierPut put = {.path = intent->to, .fd = empty, .size = 0};
  gboolean ok = courier_put(step->courier, &put, error);
  close(empty);
  fault_point("deliver-after-marker");
  return ok;
}

typedef struct { Step *step; GPtrArray *intents; } Delivered;

static gboolean delivered_change(BookTransaction *tx, gpointer data, GError **error) {
  const Delivered *delivered = data;
  for (guint i = 0; i < delivered->intents->len; i++) {
    const BookIntent *intent = delivered->intents->pdata[i];
    if (intent->state == INTENT_PENDING && !book_finish_intent(tx, intent->id, NULL, error))
      return FALSE;
  }
  g_autofree char *detail = g_strdup_printf("%s delivered", delivered->step->file->feedback_name);
  return book_advance_file(tx, delivered->step->file, FILE_ANSWERED, detail, error);
}

static gboolean carry_out(Step *step, const BookIntent *intent, GError **error) {
  if (intent->state == INTENT_DONE)
    return TRUE;
  return g_str_equal(intent->kind, "put-marker") ? put_marker(step, intent, error) : put(step, intent, error);
}

gboolean flow_deliver(Step *step, GError **error) {
  g_autoptr(GPtrArray) intents = book_intents(step->reader, step->file->id, error);
  if (!intents)
    return FALSE;
  for (guint i = 0; i < intents->len; i++)
    if (!carry_out(step, intents->pdata[i], error))
      return FALSE;
  Delivered delivered = {step, intents};
  FileState from = step->file->state;
  step->file->due_at = g_get_real_time();
  fault_point("deliver-before-commit");
  if (!book_write(step->flow->book, delivered_change, &delivered, error)) {
    step->file->state = from;
    return FALSE;
  }
  flow_tell(step, step->file->feedback_name);
  return TRUE;
}
