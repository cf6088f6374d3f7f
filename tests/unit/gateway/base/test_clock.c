/* Waits that go by the monotonic clock. */
#include "gateway/base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean is_set;
} Flag;

static void make(Flag *flag) {
  pthread_mutex_init(&flag->lock, NULL);
  clock_condition_init(&flag->changed);
  flag->is_set = FALSE;
}

static void end(Flag *flag) {
  pthread_cond_destroy(&flag->changed);
  pthread_mutex_destroy(&flag->lock);
}

static void *set(void *user) {
  Flag *flag = user;
  pthread_mutex_lock(&flag->lock);
  flag->is_set = TRUE;
  pthread_cond_signal(&flag->changed);
  pthread_mutex_unlock(&flag->lock);
  return NULL;
}

static void a_wait_ends_when_its_time_has_come(void **state) {
  (void)state;
  Flag flag;
  make(&flag);
  gint64 until = g_get_monotonic_time() + 20000;
  pthread_mutex_lock(&flag.lock);
  while (clock_condition_wait(&flag.changed, &flag.lock, until))
    ;
  assert_true(g_get_monotonic_time() >= until);
  assert_false(clock_condition_wait(&flag.changed, &flag.lock, until - G_USEC_PER_SEC)); /* it is over already */
  pthread_mutex_unlock(&flag.lock);
  end(&flag);
}

static void a_signal_ends_a_wait_long_before(void **state) {
  (void)state;
  Flag flag;
  pthread_t thread;
  make(&flag);
  gint64 until = g_get_monotonic_time() + 600 * G_USEC_PER_SEC;
  gboolean in_time = TRUE;
  pthread_mutex_lock(&flag.lock);
  assert_int_equal(pthread_create(&thread, NULL, set, &flag), 0);
  while (!flag.is_set && in_time)
    in_time = clock_condition_wait(&flag.changed, &flag.lock, until);
  assert_true(in_time);
  pthread_mutex_unlock(&flag.lock);
  pthread_join(thread, NULL);
  end(&flag);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wait_ends_when_its_time_has_come),
      cmocka_unit_test(a_signal_ends_a_wait_long_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
