/* What is asked of a lane about its reference tables: rollbacks, and loads of local files. Each takes the table's place
 * at the key gate, as a file of a feed does, and is done in a thread of its own, one at a time: a table may be large,
 * and the lane answers others meanwhile.
 *
 * The audit's row comes first: it says what somebody was about to do. A crash behind it, before the version's commit,
 * has changed nothing; a version that a person has made is never without it. */
#include "gateway/processors/reference/reference.h"
#include "gateway/common/control.h"
#include "gateway/common/log.h"
#include "gateway/flow/try.h"
#include "gateway/processors/processors.h"
#include "gateway/processors/reference/loading.h"
#include <errno.h>
#include <time.h>

#define OWNER "operator"

typedef struct {
  const LaneHost *host;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread;
  gboolean has_thread, running;
  gint64 number;   /* of the job that runs, or ran last */
  json_t *request; /* its */
  char *who;
  json_t *answer; /* of the one that ran last */
} ReferenceService;

static const char *asked(const ReferenceService *service, const char *what) {
  return json_string_value(json_object_get(service->request, what));
}

/* --- The audit's row */

typedef struct {
  const char *event, *name, *detail;
} Audit;

static gboolean audit_change(BookTransaction *tx, gpointer data, GError **error) {
  const Audit *audit = data;
  return book_audit(tx, audit->event, audit->name, audit->detail, error);
}

static gboolean write_audit(const ReferenceService *service, const char *event, const char *what, GError **error) {
  const char *name = asked(service, "name"), *reason = asked(service, "reason");
  g_autofree char *detail =
      g_strdup_printf("%s, by %s%s%s", what, service->who, reason ? ": " : "", reason ? reason : "");
  log_event(LOG_INFO, "operator", {"event", event}, {"by", service->who}, {"reference", name}, {"detail", what},
            {"reason", reason ? reason : ""});
  return book_write(service->host->book, audit_change, &(Audit){event, name, detail}, error);
}

static json_t *tell_version(const ReferenceService *service, gint64 number, const char *detail) {
  return json_pack("{s:b, s:s, s:I, s:s}", "ok", 1, "reference", asked(service, "name"), "version",
                   (json_int_t)number, "detail", detail);
}

/* --- A rollback */

static json_t *roll_back(const ReferenceService *service, const ConfFeed *feed) {
  const LaneHost *host = service->host;
  g_autoptr(GError) error = NULL;
  g_autofree char *scratch = reference_scratch(host->paths, OWNER);
  gint64 number = 0, to = json_integer_value(json_object_get(service->request, "version"));
  g_autofree char *what = g_strdup_printf("back to the rows of version %" G_GINT64_FORMAT, to);
  ReferenceRollback rollback = {.folder = host->paths->folder,
                                .name = feed->reference.name,
                                .scratch = scratch,
                                .to = to,
                                .by = service->who};
  if (!write_audit(service, "reference-rollback", what, &error) || !reference_roll_back(&rollback, &number, &error))
    return control_failure(error);
  g_autofree char *detail = g_strdup_printf("version %" G_GINT64_FORMAT " of %s has the rows of version "
                                            "%" G_GINT64_FORMAT,
                                            number, feed->reference.name, to);
  return tell_version(service, number, detail);
}

/* --- A local file */

typedef struct {
  const ReferenceService *service;
  gint64 number;
  char *words;
} Taking;

static gboolean take_file(gpointer user, const ProcessorStaged *staged, ProcessorVerdict *verdict, GError **error) {
  Taking *taking = user;
  const ReferenceService *service = taking->service;
  g_autofree char *scratch = reference_scratch(service->host->paths, OWNER);
  ReferenceReport report;
  ReferenceLoading loading = {.lane = staged->lane,
                              .feed = staged->feed,
                              .layout = staged->layout,
                              .folder = staged->folder,
                              .staged = staged->path,
                              .scratch = scratch,
                              .by = service->who,
                              .anyway = json_is_true(json_object_get(service->request, "anyway"))};
  if (!reference_judge(&loading, verdict, &report, error))
    return FALSE;
  if (verdict->to != FILE_VALIDATED)
    return TRUE;
  g_free(taking->words);
  taking->words = reference_report_words(staged->feed->reference.name, &report);
  g_autofree char *what = g_strdup_printf("%s: %s", asked(service, "path"), taking->words);
  return write_audit(service, "reference-load", what, error) && reference_put(&loading, &taking->number, error);
}

/* Something is busy, or is only being made: as a feed's file it would be tried again, too. */
enum { TRIES = 5, PAUSE = 500000 };

static gboolean try_load(const FlowTryOptions *options, FlowTryReport *report, GError **error) {
  for (guint i = 1;; i++) {
    GError *why = NULL;
    if (flow_try(options, report, &why))
      return TRUE;
    if (i == TRIES || sallyport_error_code(why) != SALLYPORT_ERROR_AGAIN) {
      g_propagate_error(error, why);
      return FALSE;
    }
    g_clear_error(&why);
    flow_try_report_clear(report);
    g_usleep(PAUSE);
  }
}

static json_t *load(const ReferenceService *service, const ConfFeed *feed) {
  g_autoptr(GError) error = NULL;
  FlowTryReport report;
  Taking taking = {.service = service};
  FlowTryOptions options = {.conf = service->host->conf,
                            .feed = feed,
                            .processor = processor_of(feed),
                            .path = asked(service, "path"),
                            .is_plain = json_is_true(json_object_get(service->request, "plain")),
                            .take = take_file,
                            .user = &taking};
  const char *reason = NULL, *code = NULL;
  json_t *answer = NULL;
  if (!try_load(&options, &report, &error))
    answer = control_failure(error);
  else if ((code = flow_try_code(&report, &reason)))
    answer = control_refusal(SALLYPORT_ERROR_FILE, "%s %s; nothing was changed", code, reason ? reason : "");
  else
    answer = tell_version(service, taking.number, taking.words);
  flow_try_report_clear(&report);
  g_free(taking.words);
  return answer;
}

/* --- Jobs */

/* The first feed that loads the table, or the one that was named. */
static const ConfFeed *feed_of(const LaneHost *host, const json_t *request) {
  const char *name = json_string_value(json_object_get(request, "name")),
             *wanted = json_string_value(json_object_get(request, "feed"));
  for (guint i = 0; i < host->lane->feeds->len; i++) {
    const ConfFeed *feed = host->lane->feeds->pdata[i];
    if (feed->process == CONF_PROCESS_REFERENCE && g_strcmp0(feed->reference.name, name) == 0 &&
        (!wanted || g_strcmp0(feed->name, wanted) == 0))
      return feed;
  }
  return NULL;
}

static void *work(void *data) {
  ReferenceService *service = data;
  const ConfFeed *feed = feed_of(service->host, service->request);
  json_t *answer = asked(service, "path") ? load(service, feed) : roll_back(service, feed);
  keygate_release(service->host->gate, OWNER);
  pthread_mutex_lock(&service->lock);
  service->answer = answer;
  service->running = FALSE;
  pthread_cond_signal(&service->changed);
  pthread_mutex_unlock(&service->lock);
  return NULL;
}

static void clear_job(ReferenceService *service) {
  if (service->has_thread)
    pthread_join(service->thread, NULL);
  service->has_thread = FALSE;
  g_clear_pointer(&service->request, json_decref);
  g_clear_pointer(&service->answer, json_decref);
  g_clear_pointer(&service->who, g_free);
}

static json_t *begin(ReferenceService *service, const char *name, const char *who, const json_t *request) {
  if (service->running)
    return control_refusal(SALLYPORT_ERROR_FILE, "another load or rollback of an operator is under way: ask again");
  if (!keygate_reserve(service->host->gate, reference_gate(name), OWNER, NULL, NULL)) {
    keygate_release(service->host->gate, OWNER);
    return control_refusal(SALLYPORT_ERROR_FILE, "a file is being loaded into %s: ask again when it is done", name);
  }
  clear_job(service);
  service->request = json_deep_copy(request);
  service->who = g_strdup(who);
  service->number++;
  service->has_thread = service->running = pthread_create(&service->thread, NULL, work, service) == 0;
  if (service->running)
    return json_pack("{s:b, s:I}", "ok", 1, "job", (json_int_t)service->number);
  keygate_release(service->host->gate, OWNER);
  return control_refusal(SALLYPORT_ERROR_AGAIN, "there is no thread for it now");
}

static json_t *begin_request(const LaneHost *host, gpointer data, const char *who, const json_t *request) {
  ReferenceService *service = data;
  const char *name = json_string_value(json_object_get(request, "name"));
  if (!service || !feed_of(host, request))
    return control_refusal(SALLYPORT_ERROR_FILE, "this lane has no reference table \"%s\"", name ? name : "");
  pthread_mutex_lock(&service->lock);
  json_t *answer = begin(service, name, who, request);
  pthread_mutex_unlock(&service->lock);
  return answer;
}

static json_t *load_request(const LaneHost *host, gpointer data, const char *who, const json_t *request) {
  const char *path = json_string_value(json_object_get(request, "path")),
             *reason = json_string_value(json_object_get(request, "reason"));
  if (!path || !g_path_is_absolute(path) || !reason || !*reason)
    return control_refusal(SALLYPORT_ERROR_FILE, "a load needs the file's whole path, and a reason");
  return begin_request(host, data, who, request);
}

static json_t *job_request(const LaneHost *host, gpointer data, const char *who, const json_t *request) {
  ReferenceService *service = data;
  (void)host, (void)who;
  gint64 number = json_integer_value(json_object_get(request, "job"));
  json_t *answer = NULL;
  if (service) {
    pthread_mutex_lock(&service->lock);
    if (service->number == number && service->running)
      answer = json_pack("{s:b, s:b}", "ok", 1, "running", 1);
    else if (service->number == number && service->answer)
      answer = json_deep_copy(service->answer);
    pthread_mutex_unlock(&service->lock);
  }
  return answer ? answer
                : control_refusal(SALLYPORT_ERROR_UNCERTAIN,
                                  "nothing is known of it any more: sallyport refdata list shows what was made");
}

/* --- The service */

static gpointer start(const LaneHost *host, GError **error) {
  (void)error;
  gboolean any = FALSE;
  for (guint i = 0; i < host->lane->feeds->len; i++)
    any |= ((const ConfFeed *)host->lane->feeds->pdata[i])->process == CONF_PROCESS_REFERENCE;
  if (!any)
    return NULL;
  ReferenceService *service = g_new0(ReferenceService, 1);
  service->host = host;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&service->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&service->lock, NULL);
  return service;
}

static gboolean stop(gpointer data, guint grace_seconds) {
  ReferenceService *service = data;
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)grace_seconds;
  pthread_mutex_lock(&service->lock);
  while (service->running && pthread_cond_timedwait(&service->changed, &service->lock, &until) != ETIMEDOUT)
    continue;
  gboolean is_over = !service->running;
  pthread_mutex_unlock(&service->lock);
  return is_over;
}

static void free_service(gpointer data) {
  ReferenceService *service = data;
  clear_job(service);
  pthread_cond_destroy(&service->changed);
  pthread_mutex_destroy(&service->lock);
  g_free(service);
}

static const LaneRequest requests[] = {
    {"reference-rollback", begin_request}, {"reference-load", load_request}, {"reference-job", job_request}, {0}};
const LaneService reference_service = {
    .name = "reference", .start = start, .stop = stop, .free = free_service, .requests = requests};
