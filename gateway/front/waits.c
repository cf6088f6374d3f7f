/* Requests that wait for something hold no thread: the connection is suspended, and the route's handler is called again
 * from its beginning when somebody says that it has come, or when the request's time is over. What is waited for is a
 * pointer that is only compared, so that neither side need outlive the other. Nothing that comes between the look and
 * the wait is missed: it makes the handler look once more.
 *
 * A client that goes away meanwhile is noticed when its time is over: a suspended connection is not looked at. */
#include "gateway/front/front_private.h"

struct Waits {
  pthread_mutex_t lock;
  GHashTable *requests; /* FrontRequest*: all that wait for something, suspended or in their handlers */
  gboolean is_ending;
};

Waits *waits_new(void) {
  Waits *waits = g_new0(Waits, 1);
  pthread_mutex_init(&waits->lock, NULL);
  waits->requests = g_hash_table_new(g_direct_hash, g_direct_equal);
  return waits;
}

void waits_free(Waits *waits) {
  g_hash_table_unref(waits->requests);
  pthread_mutex_destroy(&waits->lock);
  g_free(waits);
}

void front_wait_for(FrontRequest *request, gconstpointer what, guint seconds) {
  Waits *waits = request->front->waits;
  pthread_mutex_lock(&waits->lock);
  request->waits_for = what;
  request->waits_until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
  g_hash_table_add(waits->requests, request);
  pthread_mutex_unlock(&waits->lock);
}

void front_wait_forget(FrontRequest *request) {
  Waits *waits = request->front->waits;
  pthread_mutex_lock(&waits->lock);
  g_hash_table_remove(waits->requests, request);
  pthread_mutex_unlock(&waits->lock);
}

/* Under the lock, as is all that concerns is_suspended: the library takes each resumption once only. */
static void resume(FrontRequest *request) {
  request->is_woken = !request->is_suspended;
  if (request->is_suspended)
    MHD_resume_connection(request->connection);
  request->is_suspended = FALSE;
}

gboolean front_wait(FrontRequest *request) {
  Waits *waits = request->front->waits;
  pthread_mutex_lock(&waits->lock);
  gboolean waited = !waits->is_ending && g_get_monotonic_time() < request->waits_until;
  if (waited) {
    request->is_suspended = TRUE;
    MHD_suspend_connection(request->connection);
    if (request->is_woken)
      resume(request);
  }
  pthread_mutex_unlock(&waits->lock);
  return waited;
}

static gboolean is_for(const FrontRequest *request, gconstpointer what, gint64 now) {
  return what ? request->waits_for == what : request->is_suspended && now >= request->waits_until;
}

static void wake(Waits *waits, gconstpointer what, gint64 now) {
  GHashTableIter all;
  gpointer request;
  pthread_mutex_lock(&waits->lock);
  g_hash_table_iter_init(&all, waits->requests);
  while (g_hash_table_iter_next(&all, &request, NULL))
    if (is_for(request, what, now))
      resume(request);
  pthread_mutex_unlock(&waits->lock);
}

void front_wake(Waits *waits, gconstpointer what) {
  wake(waits, what, 0);
}

void front_wake_late(Waits *waits, gint64 now) {
  wake(waits, NULL, now);
}

void waits_end(Waits *waits) {
  pthread_mutex_lock(&waits->lock);
  waits->is_ending = TRUE;
  pthread_mutex_unlock(&waits->lock);
  wake(waits, NULL, G_MAXINT64);
}
