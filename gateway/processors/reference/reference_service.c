/* What is asked of a lane about its reference tables. A rollback takes the table's place at the key gate, as a file
 * that is loaded does; the audit's row comes behind the version, which has who made it in it. */
#include "gateway/processors/reference/reference.h"
#include "gateway/common/control.h"
#include "gateway/common/log.h"
#include "store/reference.h"

#define OWNER "rollback"

typedef struct {
  const char *name, *detail;
} Audit;

static gboolean audit_change(BookTransaction *tx, gpointer data, GError **error) {
  const Audit *audit = data;
  return book_audit(tx, "reference-rollback", audit->name, audit->detail, error);
}

static gboolean has_table(const LaneHost *host, const char *name) {
  for (guint i = 0; i < host->lane->feeds->len; i++) {
    const ConfFeed *feed = host->lane->feeds->pdata[i];
    if (feed->process == CONF_PROCESS_REFERENCE && g_strcmp0(feed->reference.name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

static json_t *roll_back(const LaneHost *host, const char *name, gint64 to, const char *who) {
  g_autoptr(GError) error = NULL;
  g_autofree char *scratch = reference_scratch(host->paths, OWNER);
  gint64 number = 0;
  ReferenceRollback rollback = {
      .folder = host->paths->folder, .name = name, .scratch = scratch, .to = to, .by = who};
  if (!reference_roll_back(&rollback, &number, &error))
    return control_failure(error);
  g_autofree char *detail = g_strdup_printf("version %" G_GINT64_FORMAT " has the rows of version %" G_GINT64_FORMAT
                                            ", by %s",
                                            number, to, who);
  log_event(LOG_INFO, "operator", {"event", "reference-rollback"}, {"by", who}, {"reference", name},
            {"version", log_number(number)}, {"to", log_number(to)});
  if (!book_write(host->book, audit_change, &(Audit){name, detail}, &error))
    return control_failure(error);
  return json_pack("{s:b, s:s, s:I}", "ok", 1, "reference", name, "version", (json_int_t)number);
}

static json_t *rollback_request(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  (void)service;
  const char *name = json_string_value(json_object_get(request, "name"));
  gint64 to = json_integer_value(json_object_get(request, "version"));
  if (!has_table(host, name))
    return control_refusal(SALLYPORT_ERROR_FILE, "this lane has no reference table \"%s\"", name ? name : "");
  if (!keygate_reserve(host->gate, reference_gate(name), OWNER, NULL, NULL)) {
    keygate_release(host->gate, OWNER);
    return control_refusal(SALLYPORT_ERROR_FILE, "a file is being loaded into %s: ask again when it is done", name);
  }
  json_t *answer = roll_back(host, name, to, who);
  keygate_release(host->gate, OWNER);
  return answer;
}

static gpointer start_nothing(const LaneHost *host, GError **error) {
  (void)host, (void)error;
  return NULL;
}

static const LaneRequest requests[] = {{"reference-rollback", rollback_request}, {0}};
const LaneService reference_service = {.name = "reference", .start = start_nothing, .requests = requests};
