/* What is asked of a lane about reconciliation: in the control server's thread, with a reader of its own. */
#include "gateway/common/control.h"
#include "gateway/common/log.h"
#include "gateway/common/remote_put.h"
#include "gateway/recon/names.h"
#include "gateway/recon/recon_private.h"
#include <string.h>

static json_t *answer(const ReconTask *task, gboolean made) {
  return json_pack("{s:b, s:s, s:s, s:s, s:s, s:i, s:b}", "ok", 1, "task", task->id, "name", task->name, "period",
                   task->period, "state", recon_state_word(task->state), "version", (int)task->version, "made", made);
}

/* A day names its month, where the block's periods are months. */
static char *period_asked(const ReconBlock *block, const char *date) {
  char from[11], to[11];
  Day day;
  if (recon_period_dates(date, block->conf, from, to))
    return g_strdup(date);
  return day_parse(date, &day) ? recon_period_of(block->conf, day) : NULL;
}

static gboolean add_change(BookTransaction *tx, gpointer data, GError **error) {
  return recon_add_task(tx, data, error);
}
static gboolean again_change(BookTransaction *tx, gpointer data, GError **error) {
  return recon_advance_task(tx, data, RECON_PENDING, "asked for by hand", error);
}

static json_t *add_task(Recon *recon, const ReconBlock *block, const char *period, guint version) {
  g_autoptr(GError) error = NULL;
  g_autoptr(ReconTask) task = recon_task_new();
  task->name = g_strdup(block->conf->name);
  task->requester = g_strdup(block->conf->requester);
  task->type = g_strdup(block->conf->type);
  task->period = g_strdup(period);
  task->version = version;
  if (!book_write(recon->host->book, add_change, task, &error))
    return control_failure(error);
  recon_wake(recon);
  return answer(task, TRUE);
}

static json_t *take_up(Recon *recon, ReconTask *task) {
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = recon_folder(recon->host->paths->folder, task->id);
  task->attempts = 0;
  task->due_at = g_get_real_time();
  remote_put_forget(folder, task->id);
  if (!book_write(recon->host->book, again_change, task, &error))
    return control_failure(error);
  recon_wake(recon);
  return answer(task, TRUE);
}

static json_t *run_request(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  Recon *recon = service;
  (void)host;
  const char *name = json_string_value(json_object_get(request, "name")),
             *date = json_string_value(json_object_get(request, "date"));
  gboolean again = json_is_true(json_object_get(request, "again"));
  const ReconBlock *block = recon && name ? recon_block(recon, name) : NULL;
  g_autofree char *period = block && date ? period_asked(block, date) : NULL;
  char from[11], to[11];
  if (!block)
    return control_refusal(SALLYPORT_ERROR_FILE, "this lane has no reconcile \"%s\"", name ? name : "");
  if (!period || !recon_period_dates(period, block->conf, from, to))
    return control_refusal(SALLYPORT_ERROR_FILE, "\"%s\" is no date; 2026-11-20, or 2026-11 for a month",
                           date ? date : "");
  g_autofree char *today = day_text(day_at(block->schedule->zone, g_get_real_time()));
  if (strcmp(from, today) > 0)
    return control_refusal(SALLYPORT_ERROR_FILE, "%s has not begun yet", period);
  log_event(LOG_INFO, "operator", {"event", again ? "recon-again" : "recon-run"}, {"by", who}, {"reconcile", name},
            {"period", period});
  g_autoptr(GError) error = NULL;
  g_autoptr(BookReader) reader = book_reader_open(recon->host->paths->book, &error);
  ReconFilter filter = {.name = name, .period = period};
  g_autoptr(GPtrArray) tasks = reader ? recon_tasks(reader, &filter, &error) : NULL;
  if (!tasks)
    return control_failure(error);
  ReconTask *last = tasks->len ? tasks->pdata[0] : NULL; /* the highest version first */
  if (!last || (last->state == RECON_DONE && again))
    return add_task(recon, block, period, last ? last->version + 1 : 1);
  return last->state == RECON_FAILED ? take_up(recon, last) : answer(last, FALSE);
}

/* --- What the front tells of a requester: it fetched a manifest, or acknowledged all of it. The lane may have no
 * reconcile block any more. */

typedef struct {
  const ReconTask *task;
  ReconRequesterDid did;
} RequesterDid;

static gboolean requester_change(BookTransaction *tx, gpointer data, GError **error) {
  const RequesterDid *change = data;
  return recon_note_requester(tx, change->task, change->did, error);
}

static json_t *note_requester(const LaneHost *host, const json_t *request, ReconRequesterDid did) {
  const char *id = json_string_value(json_object_get(request, "task"));
  g_autoptr(GError) error = NULL;
  g_autoptr(BookReader) reader = id ? book_reader_open(host->paths->book, &error) : NULL;
  g_autoptr(ReconTask) task = reader ? recon_find_task(reader, id, &error) : NULL;
  if (!error && !task)
    return control_refusal(SALLYPORT_ERROR_FILE, "there is no reconciliation task %s in lane %s",
                           id ? id : "(none named)", host->lane->name);
  RequesterDid change = {task, did};
  if (error || !book_write(host->book, requester_change, &change, &error))
    return control_failure(error);
  log_event(LOG_INFO, did == RECON_REQUESTER_FETCHED ? "recon-fetched" : "recon-acknowledged", {"name", task->name},
            {"period", task->period}, {"version", log_number(task->version)}, {"requester", task->requester});
  return json_pack("{s:b, s:s}", "ok", 1, "task", task->id);
}

static json_t *fetched_request(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  (void)service, (void)who;
  return note_requester(host, request, RECON_REQUESTER_FETCHED);
}

static json_t *acknowledged_request(const LaneHost *host, gpointer service, const char *who, const json_t *request) {
  (void)service, (void)who;
  return note_requester(host, request, RECON_REQUESTER_ACKNOWLEDGED);
}

const LaneRequest recon_requests[] = {
    {"recon-run", run_request}, {"recon-fetched", fetched_request}, {"recon-acknowledged", acknowledged_request}, {0}};

json_t *recon_status(gpointer service) {
  Recon *recon = service;
  json_t *list = json_array();
  pthread_mutex_lock(&recon->lock);
  g_autofree char *working = g_strdup(recon->working);
  pthread_mutex_unlock(&recon->lock);
  for (guint i = 0; i < recon->blocks->len; i++) {
    const ReconBlock *block = recon->blocks->pdata[i];
    json_array_append_new(list, json_pack("{s:s, s:I}", "reconcile", block->conf->name, "next_due",
                                          (json_int_t)recon_next_due(block->schedule, g_get_real_time())));
  }
  return json_pack("{s:s?, s:o}", "working", working, "blocks", list);
}
