/* Ctrl-C. A signal ends the courier that is at work, which fails the call that waits for it; from then on only what
 * cleans up runs. A thread waits for signals, since nothing in a handler may do that. At a terminal the couriers get
 * Ctrl-C, too, and end by it: whoever cleans up tries again with another. */
#include "gateway/cli/doctor/doctor.h"
#include <pthread.h>
#include <signal.h>

static struct {
  pthread_mutex_t lock;
  Courier *at_work;
  gboolean is_stopped;
} stop = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *wait_for_signals(gpointer signals) {
  int number;
  while (sigwait(signals, &number) == 0) {
    pthread_mutex_lock(&stop.lock);
    stop.is_stopped = TRUE;
    if (stop.at_work)
      courier_abort(stop.at_work);
    pthread_mutex_unlock(&stop.lock);
  }
  return NULL;
}

void doctor_watch_signals(void) {
  static sigset_t signals;
  pthread_t thread;
  sigemptyset(&signals);
  for (const int *number = (const int[]){SIGINT, SIGTERM, SIGHUP, 0}; *number; number++)
    sigaddset(&signals, *number);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  if (pthread_create(&thread, NULL, wait_for_signals, &signals) == 0)
    pthread_detach(thread);
}

gboolean doctor_is_stopped(void) {
  pthread_mutex_lock(&stop.lock);
  gboolean stopped = stop.is_stopped;
  pthread_mutex_unlock(&stop.lock);
  return stopped;
}

static void set_at_work(Courier *courier) {
  pthread_mutex_lock(&stop.lock);
  stop.at_work = courier;
  if (courier && stop.is_stopped)
    courier_abort(courier);
  pthread_mutex_unlock(&stop.lock);
}

gboolean doctor_connect(Doctor *doctor, gboolean to_clean_up, GError **error) {
  doctor_disconnect(doctor);
  doctor->courier = courier_open(&doctor->endpoint, error);
  if (doctor->courier && !to_clean_up)
    set_at_work(doctor->courier);
  return doctor->courier != NULL;
}

void doctor_disconnect(Doctor *doctor) {
  set_at_work(NULL);
  courier_close(doctor->courier);
  doctor->courier = NULL;
}
