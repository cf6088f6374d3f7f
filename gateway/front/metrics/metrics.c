/* The routes. Lanes may be slow to answer: one thread asks them, and who wants to know waits without a thread for an
 * answer that was begun after its question. */
#include "gateway/front/metrics/metrics.h"

enum { TOLD_WITHIN = 20 /* seconds */ };

typedef struct {
  const Conf *conf;
  Waits *waits;
  pthread_t thread;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  gboolean is_ending, all_up;
  gint64 wanted_at, begun_at; /* monotonic: of the latest question; of what `text` says */
  char *text;
} MetricsLook;

static void *look(void *user) {
  MetricsLook *looking = user;
  pthread_mutex_lock(&looking->lock);
  while (!looking->is_ending) {
    if (looking->begun_at >= looking->wanted_at) {
      pthread_cond_wait(&looking->changed, &looking->lock);
      continue;
    }
    gint64 began = g_get_monotonic_time();
    gboolean all_up;
    pthread_mutex_unlock(&looking->lock);
    GString *text = metrics_text(looking->conf, &all_up);
    pthread_mutex_lock(&looking->lock);
    g_free(looking->text);
    looking->text = g_string_free(text, FALSE);
    looking->all_up = all_up;
    looking->begun_at = began;
    pthread_mutex_unlock(&looking->lock);
    front_wake(looking->waits, looking);
    pthread_mutex_lock(&looking->lock);
  }
  pthread_mutex_unlock(&looking->lock);
  return NULL;
}

static void metrics_look_free(gpointer data) {
  MetricsLook *looking = data;
  pthread_mutex_lock(&looking->lock);
  looking->is_ending = TRUE;
  pthread_cond_signal(&looking->changed);
  pthread_mutex_unlock(&looking->lock);
  pthread_join(looking->thread, NULL);
  pthread_mutex_destroy(&looking->lock);
  pthread_cond_destroy(&looking->changed);
  g_free(looking->text);
  g_free(looking);
}

static gpointer metrics_look_new(Front *front, GError **error) {
  MetricsLook *looking = g_new0(MetricsLook, 1);
  looking->conf = front->conf;
  looking->waits = front->waits;
  pthread_mutex_init(&looking->lock, NULL);
  pthread_cond_init(&looking->changed, NULL);
  int number = pthread_create(&looking->thread, NULL, look, looking);
  if (number == 0)
    return looking;
  sallyport_error_errno(error, number, "front: start a thread");
  g_free(looking);
  return NULL;
}

/* Copies what was begun after the question; FALSE: there is none yet. */
static gboolean take_text(MetricsLook *looking, gint64 asked_at, char **text, gboolean *all_up) {
  pthread_mutex_lock(&looking->lock);
  gboolean is_there = looking->begun_at >= asked_at;
  if (is_there) {
    *text = g_strdup(looking->text);
    *all_up = looking->all_up;
  } else if (looking->wanted_at < asked_at) {
    looking->wanted_at = asked_at;
    pthread_cond_signal(&looking->changed);
  }
  pthread_mutex_unlock(&looking->lock);
  return is_there;
}

static enum MHD_Result route_metrics(FrontRequest *request, char **words) {
  g_autoptr(GError) error = NULL;
  MetricsLook *looking = front_own(request->front, "metrics", metrics_look_new, metrics_look_free, &error);
  char *text;
  gboolean all_up;
  (void)words;
  if (!looking)
    return front_trouble(request, error);
  if (!request->waits_for)
    front_wait_for(request, looking, TOLD_WITHIN);
  if (take_text(looking, request->began, &text, &all_up)) {
    const FrontHeader headers[] = {{MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4"}, {NULL, NULL}};
    return front_answer_text(request, MHD_HTTP_OK, text, headers);
  }
  return front_wait(request) ? MHD_YES
                             : front_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "no lane answers; ask again");
}

static enum MHD_Result route_ready(FrontRequest *request, char **words) {
  g_autoptr(GError) error = NULL;
  MetricsLook *looking = front_own(request->front, "metrics", metrics_look_new, metrics_look_free, &error);
  g_autofree char *text = NULL;
  gboolean all_up = FALSE;
  (void)words;
  if (looking && !request->waits_for)
    front_wait_for(request, looking, TOLD_WITHIN);
  if (looking && !take_text(looking, request->began, &text, &all_up) && front_wait(request))
    return MHD_YES;
  return all_up ? front_answer_json(request, MHD_HTTP_OK, json_pack("{s:s}", "status", "ready"))
                : front_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not every lane answers");
}

static enum MHD_Result route_health(FrontRequest *request, char **words) {
  (void)words;
  return front_answer_json(request, MHD_HTTP_OK, json_pack("{s:s}", "status", "healthy"));
}

const FrontRoute front_metrics_routes[] = {{"GET", "/metrics", route_metrics, front_is_watcher, NULL},
                                           {"GET", "/healthz", route_health, front_is_anybody, NULL},
                                           {"GET", "/readyz", route_ready, front_is_anybody, NULL},
                                           {0}};
