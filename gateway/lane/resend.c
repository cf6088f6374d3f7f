/* An answer that was delivered, sent once more because somebody asks for it: the very bytes, from our archive, to where
 * they went. It is no step of the file, which stays closed: what comes of it stands in the history, and nothing is
 * tried again by itself. A crash in between leaves a temporary name at the partner's, as of any delivery; whoever
 * asked finds nothing in the history, and asks again. */
#include "gateway/common/log.h"
#include "gateway/lane/lane_private.h"

typedef struct {
  Task task;
  Lane *lane;
  Feed *feed;
  BookFile *file;
  char *endpoint, *who, *reason;
} ResendTask;

static void resend_end(Task *task) {
  ResendTask *run = (ResendTask *)task;
  book_file_free(run->file);
  g_free(run->endpoint);
  g_free(run->who);
  g_free(run->reason);
  g_free(run);
}

typedef struct {
  const char *event, *file, *detail;
} Note;

static gboolean note_change(BookTransaction *tx, gpointer data, GError **error) {
  const Note *note = data;
  return book_audit(tx, note->event, note->file, note->detail, error);
}

static void note_outcome(const ResendTask *run, const GError *failure) {
  g_autoptr(GError) error = NULL;
  g_autofree char *detail = g_strdup_printf("%s by %s%s%s%s%s", run->file->feedback_name, run->who,
                                            run->reason ? ": " : "", run->reason ? run->reason : "",
                                            failure ? ": failed: " : "", failure ? failure->message : "");
  Note note = {failure ? "resend-failed" : "resent", run->file->id, detail};
  if (failure)
    log_event(LOG_ERROR, "resend-failed", {"feed", run->file->feed}, {"file", run->file->id},
              {"name", run->file->feedback_name}, {"error", failure->message});
  else
    log_event(LOG_INFO, "resent", {"feed", run->file->feed}, {"file", run->file->id},
              {"name", run->file->feedback_name});
  if (!book_write(run->lane->flow.book, note_change, &note, &error))
    log_event(LOG_WARNING, "not-noted", {"file", run->file->id}, {"error", error->message});
}

static void run_resend(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  ResendTask *run = (ResendTask *)task;
  g_autoptr(GError) error = failure ? g_error_copy(failure) : NULL;
  Step step = {.flow = &run->lane->flow,
               .feed = run->feed,
               .reader = reader,
               .courier = courier,
               .endpoint = run->endpoint,
               .file = run->file};
  if (!error && !flow_resend(&step, &error)) { /* it says why */
  }
  note_outcome(run, error);
  resend_end(task);
}

gboolean lane_resend(Lane *lane, BookFile *file, const char *who, const char *reason, GError **error) {
  g_autofree char *endpoint = NULL;
  Feed *feed = feeds_find(lane->feeds, file->feed);
  if (!feed)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "feed %s of file %s is not in the configuration any more",
                               file->feed, file->id);
  g_autoptr(BookReader) reader = book_reader_open(lane->paths->book, error);
  Step step = {.flow = &lane->flow, .feed = feed, .reader = reader, .file = file};
  if (!reader || !flow_may_resend(&step, &endpoint, error))
    return FALSE;
  EndpointPool *pool = feeds_pool_named(lane->feeds, endpoint);
  if (!pool)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "the answer went to endpoint %s, which this lane does not use any more", endpoint);
  BookFile *own = book_find_file(reader, file->id, error);
  if (!own)
    return FALSE;
  ResendTask *run = g_new0(ResendTask, 1);
  *run = (ResendTask){.task = {.run = run_resend, .drop = resend_end},
                      .lane = lane,
                      .feed = feed,
                      .file = own,
                      .endpoint = g_steal_pointer(&endpoint),
                      .who = g_strdup(who),
                      .reason = g_strdup(reason)};
  endpoint_pool_add(pool, &run->task);
  return TRUE;
}
