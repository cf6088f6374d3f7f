/* Deliver: carries out the intents of an answer: the sealed file, what goes with it (signature, digest), then its
 * marker. sealed → answered. Where they go is what was decided (decided.h), whatever the configuration says by now.
 *
 * Each looks first whether its effect is there already (remote_put.h), so that all may be run again.
 *   crash before the commit            the next run finds all of them there, and only commits */
#include "gateway/base/faultpoint.h"
#include "gateway/flow/decided.h"
#include "gateway/common/remote_put.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PUT "put"
#define MARKER "put-marker"

static gboolean has_marker(const GPtrArray *intents) {
  for (guint i = 0; i < intents->len; i++)
    if (g_str_equal(((const BookIntent *)intents->pdata[i])->kind, MARKER))
      return TRUE;
  return FALSE;
}

static gboolean put_answer(Step *step, const GPtrArray *intents, const BookIntent *intent, const char *from,
                           GError **error) {
  int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open %s", from);
  gsize length;
  const char *name = g_bytes_get_data(step->file->name, &length);
  g_autofree char *item = g_strndup(name, length);
  RemotePut remote = {.courier = step->courier,
                      .scratch = step->flow->paths->out,
                      .to = intent->to,
                      .owner = intent->file,
                      .fd = fd,
                      .size = intent->size,
                      .sha256 = intent->sha256,
                      .pace = step->flow->pace,
                      .about = step->feed->conf->source.ready == CONF_READY_LISTED ? item : NULL,
                      .replace = step->feed->conf->feedback.if_exists == CONF_EXISTS_REPLACE,
                      .marker_follows = has_marker(intents),
                      .direct = step->feed->conf->feedback.write == CONF_WRITE_DIRECT,
                      .vanishes = step->feed->conf->feedback.vanishes == CONF_VANISHES_DELIVERED};
  gboolean ok = remote_put(&remote, error);
  close(fd);
  return ok;
}

typedef struct {
  Step *step;
  GPtrArray *intents;
} Delivered;

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

/* What belongs to the answer: what a file was handed on with has its own step. */
static gboolean carry_out(Step *step, const GPtrArray *intents, const BookIntent *intent, GError **error) {
  if (intent->state == INTENT_DONE)
    return TRUE;
  if (!decided_is_here(step, intent, error))
    return FALSE;
  g_autofree char *from = g_str_equal(intent->kind, MARKER) ? NULL : decided_source(step, intent);
  return from ? put_answer(step, intents, intent, from, error)
              : remote_put_marker(step->courier, step->flow->paths->out, intent->to, error);
}

gboolean flow_deliver(Step *step, GError **error) {
  g_autoptr(GPtrArray) intents = book_intents(step->reader, step->file->id, error);
  if (!intents)
    return FALSE;
  for (guint i = 0; i < intents->len; i++)
    if (!carry_out(step, intents, intents->pdata[i], error))
      return FALSE;
  Delivered delivered = {step, intents};
  FileState from = step->file->state;
  step->file->due_at = g_get_real_time();
  fault_point("deliver-before-commit");
  if (!book_write(step->flow->book, delivered_change, &delivered, error)) {
    step->file->state = from;
    return FALSE;
  }
  flow_log(step, step->file->feedback_name);
  return TRUE;
}

/* --- Once more */

static char *kept_answer(const Step *step, const BookIntent *intent) {
  g_autofree char *name = g_path_get_basename(intent->from);
  return lane_path_archive_answer(step->flow->paths, name, step->file->seen_at);
}

static gboolean is_kept(const Step *step, const BookIntent *intent, GError **error) {
  g_autofree char *path = kept_answer(step, intent);
  return access(path, R_OK) == 0 ||
         sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                             "the answer %s is not in our archive: %s (node { archive-days } says for how long it is)",
                             step->file->feedback_name, g_strerror(errno));
}

gboolean flow_may_resend(Step *step, char **endpoint, GError **error) {
  g_autoptr(GPtrArray) intents = book_intents(step->reader, step->file->id, error);
  *endpoint = NULL;
  for (guint i = 0; intents && i < intents->len; i++) {
    const BookIntent *intent = intents->pdata[i];
    if (!g_str_equal(intent->kind, PUT))
      continue;
    if (!is_kept(step, intent, error))
      return FALSE;
    if (!*endpoint)
      *endpoint = g_strdup(intent->endpoint);
  }
  if (!intents || *endpoint)
    return intents != NULL;
  const char *original = step->file->duplicate_of;
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "file %s has no answer of its own%s%s", step->file->id,
                             original ? ": that of the original goes again by resend " : "", original ? original : "");
}

static gboolean put_again(Step *step, const GPtrArray *intents, const BookIntent *intent, GError **error) {
  gboolean is_marker = g_str_equal(intent->kind, MARKER);
  if (!is_marker && !g_str_equal(intent->kind, PUT))
    return TRUE;
  if (!decided_is_here(step, intent, error))
    return FALSE;
  g_autofree char *from = is_marker ? NULL : kept_answer(step, intent);
  return is_marker ? remote_put_marker(step->courier, step->flow->paths->out, intent->to, error)
                   : put_answer(step, intents, intent, from, error);
}

gboolean flow_resend(Step *step, GError **error) {
  g_autoptr(GPtrArray) intents = book_intents(step->reader, step->file->id, error);
  gboolean ok = intents != NULL;
  remote_put_forget(step->flow->paths->out, step->file->id); /* a person has decided */
  for (guint i = 0; ok && i < intents->len; i++)
    ok = put_again(step, intents, intents->pdata[i], error);
  remote_put_forget(step->flow->paths->out, step->file->id);
  return ok;
}
