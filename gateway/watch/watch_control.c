/* What is asked of a lane about its alarms: in the control server's thread. */
#include "gateway/common/control.h"
#include "gateway/common/log.h"
#include "gateway/watch/watch_private.h"
#include "store/book_watch.h"

typedef struct {
  const char *who, *id;
  gboolean ends;
} Acknowledgement;

static gboolean acknowledge_change(BookTransaction *tx, gpointer data, GError **error) {
  const Acknowledgement *request = data;
  return book_acknowledge_alarm(tx, request->id, request->who, request->ends, error);
}

/* An event is over when somebody has seen it; a condition is when it ends. */
static json_t *acknowledge_request(const LaneHost *host, gpointer watch, const char *who, const json_t *json) {
  static const char *const events[] = {"file-rejected", "recon-failed", "rates-missing",
                                       "replay-mismatch", "full-file-unrouted", "full-file-refused", "test", NULL};
  const char *kind = json_string_value(json_object_get(json, "kind"));
  Acknowledgement request = {.who = who,
                             .id = json_string_value(json_object_get(json, "alarm")),
                             .ends = kind && (g_str_has_prefix(kind, "sequence-") || g_strv_contains(events, kind))};
  g_autoptr(GError) error = NULL;
  if (!request.id)
    return control_refusal(SALLYPORT_ERROR_FILE, "no alarm is named");
  if (!book_write(host->book, acknowledge_change, &request, &error))
    return control_failure(error);
  log_event(LOG_INFO, "operator", {"event", "acknowledge"}, {"by", who}, {"alarm", request.id});
  watch_wake(watch);
  return json_pack("{s:b, s:s}", "ok", 1, "alarm", request.id);
}

static gboolean test_change(BookTransaction *tx, gpointer data, GError **error) {
  const AlarmCall *call = data;
  return book_clear_alarm(tx, call->kind, call->subject, 0, error) && book_raise_alarm(tx, call, error);
}

static json_t *test_request(const LaneHost *host, gpointer watch, const char *who, const json_t *json) {
  (void)json;
  g_autofree char *subject = g_strdup_printf("lane %s", host->lane->name), *text = g_strdup_printf("a test by %s", who);
  AlarmCall call = {.kind = "test", .subject = subject, .text = text, .ways = teller_ways(&host->conf->alarms)};
  g_autoptr(GError) error = NULL;
  if (!book_write(host->book, test_change, &call, &error))
    return control_failure(error);
  watch_wake(watch);
  return json_pack("{s:b, s:s, s:s}", "ok", 1, "kind", call.kind, "subject", subject);
}

const LaneRequest watch_requests[] = {{"acknowledge", acknowledge_request}, {"test-alarm", test_request}, {0}};
