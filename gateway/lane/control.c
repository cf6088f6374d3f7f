/* What the control socket's requests do. It runs in the control server's thread: changes go through the book's one
 * writer, as compare-and-set on the state, so that a step that is under way at the same moment either wins or is let
 * go. */
#include "gateway/common/codes.h"
#include "gateway/flow/processor.h"
#include "gateway/flow/step.h"
#include "gateway/lane/lane_private.h"
#include "gateway/common/log.h"
#include "gateway/common/remote_put.h"
#include "gateway/processors/http/http_throttle.h"
#include <string.h>

typedef struct {
  Lane *lane;
  const char *who, *reason;
  BookFile *file;
  FileState to;
  const char *event;
} Request;

static gboolean move_change(BookTransaction *tx, gpointer data, GError **error) {
  const Request *request = data;
  const char *code = request->to == FILE_HELD ? CODE_HELD_BY_HAND " " : "", *reason = request->reason;
  g_autofree char *detail = g_strdup_printf("%s%s by %s%s%s", code, request->event, request->who, reason ? ": " : "",
                                            reason ? reason : "");
  if (request->to == request->file->state)
    return book_note_file(tx, request->file, detail, error);
  return book_advance_file(tx, request->file, request->to, detail, error);
}

static json_t *done(Lane *lane, const BookFile *file) {
  lane_wake(lane);
  return json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "file", file->id, "name", file->name_shown, "state",
                   file_state_word(file->state));
}

static json_t *move(Request *request) {
  g_autoptr(GError) error = NULL;
  FileState from = request->file->state;
  request->file->due_at = g_get_real_time();
  if (!book_write(request->lane->flow.book, move_change, request, &error))
    return control_failure(error);
  log_event(LOG_INFO, "operator", {"event", request->event}, {"by", request->who}, {"file", request->file->id},
            {"from", file_state_word(from)}, {"state", file_state_word(request->file->state)},
            {"reason", request->reason ? request->reason : ""});
  return done(request->lane, request->file);
}

static json_t *cannot(const Request *request) {
  return control_refusal(SALLYPORT_ERROR_FILE, "%s cannot be done to file %s: it is %s", request->event,
                         request->file->id, file_state_word(request->file->state));
}

static json_t *do_hold(Request *request) {
  if (!file_state_may_become(request->file->state, FILE_HELD))
    return cannot(request);
  request->to = FILE_HELD;
  request->file->held_from = request->file->state;
  flow_set_reason(request->file, CODE_HELD_BY_HAND, request->reason ? request->reason : "held by hand");
  return move(request);
}

static gboolean needs_reason(const Request *request) {
  const Feed *feed = feeds_find(request->lane->feeds, request->file->feed);
  const char *codes = feed ? feed->processor->needs_reason : NULL;
  g_autofree char *code = g_strconcat(request->file->reason_code ? request->file->reason_code : "", " ", NULL);
  return codes && strstr(codes, code) && !request->reason;
}

static json_t *do_release(Request *request) {
  if (request->file->state != FILE_HELD)
    return cannot(request);
  if (needs_reason(request))
    return control_refusal(SALLYPORT_ERROR_FILE, "what is held for %s is released with --reason TEXT, for the audit",
                           request->file->reason_code);
  request->to = request->file->held_from;
  return move(request);
}

static json_t *do_reject(Request *request) {
  if (!file_state_may_become(request->file->state, FILE_REJECTED))
    return cannot(request);
  request->to = FILE_REJECTED;
  flow_set_reason(request->file, CODE_REJECTED_BY_HAND, request->reason ? request->reason : "rejected by hand");
  return move(request);
}

/* A retry leaves the state as it is, so that comparing it does not protect what the file's own thread writes meanwhile
 * (its batches, its tries). Therefore the file is claimed as if it were under way, and read
 * again. */
static gboolean claim(Lane *lane, BookFile *file) {
  pthread_mutex_lock(&lane->lock);
  gboolean is_free = !g_hash_table_contains(lane->active, file->id);
  if (is_free)
    g_hash_table_insert(lane->active, file->id, file);
  pthread_mutex_unlock(&lane->lock);
  return is_free;
}

static void unclaim(Lane *lane, const BookFile *file) {
  pthread_mutex_lock(&lane->lock);
  g_hash_table_remove(lane->active, file->id);
  pthread_mutex_unlock(&lane->lock);
}

static json_t *retry_claimed(Request *request) {
  g_autoptr(GError) error = NULL;
  g_autoptr(BookReader) reader = book_reader_open(request->lane->paths->book, &error);
  g_autoptr(BookFile) file = reader ? book_find_file(reader, request->file->id, &error) : NULL;
  if (!file)
    return control_failure(error);
  Request again = *request;
  again.file = file;
  if (file_state_is_terminal(file->state) || file->state == FILE_HELD)
    return cannot(&again);
  again.to = file->state;
  file->attempts = 0;
  remote_put_forget(request->lane->paths->out, file->id);
  remote_put_forget(request->lane->paths->stage, file->id);
  book_file_set_wait(file, FILE_WAIT_NOTHING, NULL, NULL);
  return move(&again);
}

/* An operator has acted: whatever waited for that does not wait any more. */
static void reset_endpoints(const Feed *feed) {
  endpoint_pool_reset(feed->source);
  endpoint_pool_reset(feed->feedback);
  if (feed->process)
    endpoint_pool_reset(feed->process);
  if (feed->service)
    accrual_service_resume(feed->service);
}

static json_t *do_retry(Request *request) {
  if (file_state_is_terminal(request->file->state) || request->file->state == FILE_HELD)
    return cannot(request);
  const Feed *feed = feeds_find(request->lane->feeds, request->file->feed);
  if (feed) {
    reset_endpoints(feed);
  }
  if (!claim(request->lane, request->file))
    return done(request->lane, request->file); /* it is being tried at this moment */
  json_t *answer = retry_claimed(request);
  unclaim(request->lane, request->file);
  lane_wake(request->lane);
  return answer;
}

static json_t *on_file(Lane *lane, const char *who, const json_t *request, const char *event,
                       json_t *(*act)(Request *)) {
  const char *id = json_string_value(json_object_get(request, "file"));
  g_autoptr(GError) error = NULL;
  g_autoptr(BookReader) reader = id ? book_reader_open(lane->paths->book, &error) : NULL;
  g_autoptr(BookFile) file = reader ? book_find_file(reader, id, &error) : NULL;
  if (error)
    return control_failure(error);
  if (!file)
    return control_refusal(SALLYPORT_ERROR_FILE, "there is no file %s in lane %s", id ? id : "(none named)",
                           lane->name);
  Request change = {.lane = lane,
                    .who = who,
                    .reason = json_string_value(json_object_get(request, "reason")),
                    .file = file,
                    .event = event};
  return act(&change);
}

static json_t *poll_request(const LaneHost *host, gpointer user, const char *who, const json_t *request) {
  Lane *lane = user;
  (void)host, (void)who;
  const char *name = json_string_value(json_object_get(request, "feed"));
  Feed *feed = name ? feeds_find(lane->feeds, name) : NULL;
  if (!feed)
    return control_refusal(SALLYPORT_ERROR_FILE, "there is no feed %s in lane %s", name ? name : "(none named)",
                           lane->name);
  reset_endpoints(feed);
  lane_poll_now(lane, feed);
  return json_pack("{s:b, s:s}", "ok", 1, "feed", name);
}

static json_t *feeds_status(Lane *lane) {
  json_t *list = json_array();
  pthread_mutex_lock(&lane->lock);
  for (guint i = 0; i < lane->feeds->feeds->len; i++) {
    const Feed *feed = lane->feeds->feeds->pdata[i];
    json_t *object = json_pack("{s:s, s:I, s:b, s:s, s:s}", "feed", feed->conf->name, "next_poll",
                               (json_int_t)feed->next_poll, "polling", feed->polling, "source",
                               endpoint_pool_name(feed->source), "feedback", endpoint_pool_name(feed->feedback));
    if (feed->service)
      json_object_set_new(object, "pressure", accrual_service_json(feed->service, &feed->conf->batch));
    json_array_append_new(list, object);
  }
  pthread_mutex_unlock(&lane->lock);
  return list;
}

static json_t *endpoints_status(Lane *lane) {
  static const char *const words[] = {
      [ENDPOINT_POOL_GOOD] = "good",       [ENDPOINT_POOL_FEWER] = "fewer",
      [ENDPOINT_POOL_WAITING] = "waiting", [ENDPOINT_POOL_BREAKER] = "breaker"};
  json_t *list = json_array();
  for (guint i = 0; i < lane->feeds->pools->len; i++) {
    EndpointPool *pool = lane->feeds->pools->pdata[i];
    EndpointPoolStatus status;
    endpoint_pool_status(pool, &status);
    json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:s?, s:s?}", "endpoint", endpoint_pool_name(pool),
                                          "state", words[status.state], "connected", (int)status.connected, "queued",
                                          (int)status.queued, "problem", status.problem, "server", status.describe));
    g_free(status.problem);
    g_free(status.describe);
  }
  return list;
}

/* Only the ids: the files themselves belong to the threads that work on them, and are read from the book. */
static json_t *under_way(Lane *lane) {
  json_t *list = json_array();
  GHashTableIter iterator;
  gpointer id, file;
  pthread_mutex_lock(&lane->lock);
  g_hash_table_iter_init(&iterator, lane->active);
  while (g_hash_table_iter_next(&iterator, &id, &file))
    json_array_append_new(list, json_string(id));
  pthread_mutex_unlock(&lane->lock);
  return list;
}

static json_t *status_request(const LaneHost *host, gpointer user, const char *who, const json_t *request) {
  Lane *lane = user;
  (void)host, (void)who, (void)request;
  json_t *status = json_pack("{s:b, s:s, s:i, s:I, s:i, s:o, s:o, s:o}", "ok", 1, "lane", lane->name, "pid",
                             (int)getpid(), "since", (json_int_t)lane->started_at, "threads", (int)lane->flow.threads,
                             "feeds", feeds_status(lane), "couriers", endpoints_status(lane), "working",
                             under_way(lane));
  services_add_status(lane->services, status);
  return status;
}

static json_t *hold_request(const LaneHost *host, gpointer lane, const char *who, const json_t *request) {
  (void)host;
  return on_file(lane, who, request, "hold", do_hold);
}

static json_t *release_request(const LaneHost *host, gpointer lane, const char *who, const json_t *request) {
  (void)host;
  return on_file(lane, who, request, "release", do_release);
}

static json_t *reject_request(const LaneHost *host, gpointer lane, const char *who, const json_t *request) {
  (void)host;
  return on_file(lane, who, request, "reject", do_reject);
}

static json_t *retry_request(const LaneHost *host, gpointer lane, const char *who, const json_t *request) {
  (void)host;
  return on_file(lane, who, request, "retry", do_retry);
}

static json_t *do_resend(Request *request) {
  g_autoptr(GError) error = NULL;
  if (request->file->state != FILE_CLOSED)
    return cannot(request);
  const Feed *feed = feeds_find(request->lane->feeds, request->file->feed);
  if (feed)
    endpoint_pool_reset(feed->feedback);
  if (!lane_resend(request->lane, request->file, request->who, request->reason, &error))
    return control_failure(error);
  log_event(LOG_INFO, "operator", {"event", request->event}, {"by", request->who}, {"file", request->file->id},
            {"reason", request->reason ? request->reason : ""});
  return done(request->lane, request->file);
}

static json_t *resend_request(const LaneHost *host, gpointer lane, const char *who, const json_t *request) {
  (void)host;
  return on_file(lane, who, request, "resend", do_resend);
}

static const LaneRequest own_requests[] = {{"status", status_request},
                                           {"poll", poll_request},
                                           {"hold", hold_request},
                                           {"release", release_request},
                                           {"reject", reject_request},
                                           {"retry", retry_request},
                                           {"resend", resend_request},
                                           {0}};

json_t *lane_request(gpointer user, const char *who, const json_t *request) {
  Lane *lane = user;
  const char *name = json_string_value(json_object_get(request, "do"));
  for (const LaneRequest *row = own_requests; name && row->name; row++)
    if (strcmp(row->name, name) == 0)
      return row->answer(&lane->host, lane, who, request);
  json_t *answer = name ? services_answer(lane->services, &lane->host, name, who, request) : NULL;
  return answer ? answer : control_refusal(SALLYPORT_ERROR_FILE, "unknown request \"%s\"", name ? name : "");
}
