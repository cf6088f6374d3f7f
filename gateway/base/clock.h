/* Conditions whose waits go by the monotonic clock: a wall clock that is set neither ends nor stretches them. */
#pragma once
#include <glib.h>
#include <pthread.h>

void clock_condition_init(pthread_cond_t *condition);
/* Waits, holding the lock as every wait does, until it is signalled or g_get_monotonic_time() has come to `until`
 * (microseconds). FALSE: the time is over. It may also wake up for no reason: the caller looks again. */
gboolean clock_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, gint64 until);
