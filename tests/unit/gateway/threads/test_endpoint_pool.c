/* Queues, workers and pools. The couriers are this program too: a stand-in that does what the endpoint's host says
 * (refuse the login, be down, say nothing, be fine), and adds a byte to the file that the endpoint's user names for
 * each connection. */
#include "gateway/threads/endpoint_pool.h"
#include "gateway/threads/workers.h"
#include "gateway/threads/crew.h"
#include "gateway/common/log.h"
#include "tests/unit/folder.h"
#include "transfer/wire/wire.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct {
  char *folder, *book, *tip, *count;
} Fixture;

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  f->folder = g_dir_make_tmp("work-XXXXXX", NULL);
  f->book = g_build_filename(f->folder, "book.db", NULL);
  f->tip = g_build_filename(f->folder, "tip", NULL);
  f->count = g_build_filename(f->folder, "connections", NULL);
  Book *book = book_open(f->book, f->tip, NULL);
  assert_non_null(book);
  book_close(book);
  *state = f;
  return 0;
}

static Fixture *left; /* to a thread that was abandoned: it may read what it was started with as long as it likes */

static int tear_down(void **state) {
  Fixture *f = *state;
  if (f == left)
    return 0;
  folder_remove(f->folder);
  g_free(f->folder);
  g_free(f->book);
  g_free(f->tip);
  g_free(f->count);
  g_free(f);
  return 0;
}

/* --- Tasks that say what became of them */

typedef struct {
  gint ran, dropped, connected, refused_login, failed;
  gint hold;
} Told;
typedef struct {
  Task task;
  Told *told;
} Telling;

static void tell_run(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  Told *told = ((Telling *)task)->told;
  assert_non_null(reader);
  while (g_atomic_int_get(&told->hold))
    g_usleep(1000);
  if (courier)
    g_atomic_int_inc(&told->connected);
  if (failure)
    g_atomic_int_inc(failure->code == SALLYPORT_ERROR_LOGIN ? &told->refused_login : &told->failed);
  g_atomic_int_inc(&told->ran);
  g_free(task);
}

static void tell_drop(Task *task) {
  g_atomic_int_inc(&((Telling *)task)->told->dropped);
  g_free(task);
}

static Task *telling(Told *told) {
  Telling *task = g_new0(Telling, 1);
  *task = (Telling){.task = {.run = tell_run, .drop = tell_drop}, .told = told};
  return &task->task;
}

static void wait_for(const gint *value, gint wanted) {
  for (guint i = 0; i < 5000 && g_atomic_int_get(value) < wanted; i++)
    g_usleep(1000);
  assert_int_equal(g_atomic_int_get(value), wanted);
}

/* --- Workers */

static void workers_run_what_is_added_and_drop_what_is_left_at_the_end(void **state) {
  const Fixture *f = *state;
  Told told = {0};
  Workers *workers = workers_start(2, f->book, NULL);
  assert_non_null(workers);
  for (guint i = 0; i < 50; i++)
    workers_add(workers, telling(&told));
  wait_for(&told.ran, 50);
  g_atomic_int_set(&told.hold, 1);
  for (guint i = 0; i < 10; i++)
    workers_add(workers, telling(&told));
  g_usleep(20000);
  g_atomic_int_set(&told.hold, 0);
  workers_stop(workers);
  assert_int_equal(told.ran + told.dropped, 60);
  assert_int_equal(told.connected + told.failed, 0);
}

static void *stop_workers(void *workers) {
  workers_stop(workers);
  return NULL;
}

static void the_end_waits_for_the_task_under_way_and_for_no_other(void **state) {
  const Fixture *f = *state;
  Told told = {.hold = 1};
  pthread_t stopper;
  Workers *workers = workers_start(1, f->book, NULL);
  workers_add(workers, telling(&told));
  workers_add(workers, telling(&told));
  g_usleep(20000);
  assert_int_equal(pthread_create(&stopper, NULL, stop_workers, workers), 0);
  wait_for(&told.dropped, 1);
  assert_int_equal(told.ran, 0);
  g_atomic_int_set(&told.hold, 0);
  pthread_join(stopper, NULL);
  assert_int_equal(told.ran, 1);
}

/* --- Pools */

static EndpointPool *start(const Fixture *f, const char *host, guint connections, guint idle_seconds) {
  g_autoptr(GError) error = NULL;
  EndpointPoolOptions options = {
      .endpoint = {.kind = COURIER_LOCAL, .name = "bank/main", .host = host, .user = f->count, .folder = "/"},
      .connections = connections,
      .idle_seconds = idle_seconds,
      .book_path = f->book};
  EndpointPool *pool = endpoint_pool_start(&options, &error);
  assert_null(error);
  return pool;
}

static void end(EndpointPool *pool) {
  assert_true(endpoint_pool_stop(pool, 5));
  endpoint_pool_free(pool);
}

static gint connections(const Fixture *f) {
  struct stat status;
  return stat(f->count, &status) == 0 ? (gint)status.st_size : 0;
}

/* Its texts are gone. */
static EndpointPoolStatus status_of(EndpointPool *pool) {
  EndpointPoolStatus status;
  endpoint_pool_status(pool, &status);
  g_clear_pointer(&status.problem, g_free);
  g_clear_pointer(&status.describe, g_free);
  return status;
}

static void one_connection_serves_many_tasks_and_is_closed_when_idle(void **state) {
  const Fixture *f = *state;
  Told told = {0};
  EndpointPool *pool = start(f, "fine", 1, 1);
  for (guint i = 0; i < 20; i++)
    endpoint_pool_add(pool, telling(&told));
  wait_for(&told.connected, 20);
  assert_int_equal(connections(f), 1);
  assert_int_equal(status_of(pool).connected, 1);
  assert_int_equal(status_of(pool).state, ENDPOINT_POOL_GOOD);
  for (guint i = 0; i < 400 && status_of(pool).connected > 0; i++)
    g_usleep(10000);
  assert_int_equal(status_of(pool).connected, 0);
  endpoint_pool_add(pool, telling(&told));
  wait_for(&told.connected, 21);
  assert_int_equal(connections(f), 2);
  end(pool);
}

static void after_a_failed_connection_none_is_tried_before_its_back_off(void **state) {
  const Fixture *f = *state;
  Told told = {0};
  EndpointPool *pool = start(f, "down", 2, 60);
  for (guint i = 0; i < 10; i++)
    endpoint_pool_add(pool, telling(&told));
  wait_for(&told.failed, 10);
  assert_int_equal(connections(f), 1);
  assert_int_equal(status_of(pool).state, ENDPOINT_POOL_WAITING);
  endpoint_pool_reset(pool);
  assert_int_equal(status_of(pool).state, ENDPOINT_POOL_GOOD);
  endpoint_pool_add(pool, telling(&told));
  wait_for(&told.failed, 11);
  assert_int_equal(connections(f), 2);
  end(pool);
}

static void three_refused_logins_open_the_breaker_until_it_is_reset(void **state) {
  const Fixture *f = *state;
  Told told = {0};
  EndpointPool *pool = start(f, "refuse", 3, 60);
  for (guint i = 0; i < 600 && status_of(pool).state != ENDPOINT_POOL_BREAKER; i++) {
    endpoint_pool_add(pool, telling(&told));
    g_usleep(10000);
  }
  assert_int_equal(status_of(pool).state, ENDPOINT_POOL_BREAKER);
  assert_int_equal(connections(f), 3);
  gint before = g_atomic_int_get(&told.refused_login);
  g_usleep(1000 * 1000);
  for (guint i = 0; i < 10; i++)
    endpoint_pool_add(pool, telling(&told));
  g_usleep(100000);
  assert_true(g_atomic_int_get(&told.refused_login) >= before + 10);
  assert_int_equal(connections(f), 3);
  endpoint_pool_reset(pool);
  endpoint_pool_add(pool, telling(&told));
  for (guint i = 0; i < 2000 && connections(f) < 4; i++)
    g_usleep(1000);
  assert_int_equal(connections(f), 4);
  end(pool);
}

/* "one": the server takes one connection at a time, as MySecureShell does by its own configuration. */
static void a_server_that_takes_one_connection_gets_one(void **state) {
  const Fixture *f = *state;
  Told told = {.hold = 1};
  EndpointPoolStatus status;
  EndpointPool *pool = start(f, "one", 3, 60);
  for (guint i = 0; i < 30; i++)
    endpoint_pool_add(pool, telling(&told));
  for (guint i = 0; i < 5000 && connections(f) < 3; i++)
    g_usleep(1000);
  assert_int_equal(connections(f), 3);
  g_atomic_int_set(&told.hold, 0);
  wait_for(&told.connected, 30);
  assert_int_equal(told.failed + told.refused_login, 0);
  endpoint_pool_status(pool, &status);
  assert_int_equal(status.state, ENDPOINT_POOL_FEWER);
  assert_int_equal(status.connected, 1);
  assert_int_equal(status.resting, 2);
  assert_non_null(strstr(status.problem, "it takes 1 connection at a time and refuses one more; connections = 1"));
  g_free(status.problem);
  g_free(status.describe);
  assert_int_equal(connections(f), 3); /* and no other was tried */
  endpoint_pool_reset(pool);
  for (guint i = 0; i < 1000 && status_of(pool).state != ENDPOINT_POOL_GOOD; i++)
    g_usleep(1000);
  assert_int_equal(status_of(pool).state, ENDPOINT_POOL_GOOD);
  end(pool);
}

static void a_thread_that_rests_does_not_hold_up_the_end(void **state) {
  const Fixture *f = *state;
  Told told = {.hold = 1};
  EndpointPool *pool = start(f, "one", 2, 60);
  for (guint i = 0; i < 4; i++)
    endpoint_pool_add(pool, telling(&told));
  for (guint i = 0; i < 5000 && status_of(pool).resting == 0; i++)
    g_usleep(1000);
  assert_int_equal(status_of(pool).resting, 1);
  g_atomic_int_set(&told.hold, 0);
  wait_for(&told.connected, 4);
  end(pool);
}

static void what_is_added_after_the_end_is_dropped(void **state) {
  const Fixture *f = *state;
  Told told = {0};
  EndpointPool *pool = start(f, "fine", 1, 60);
  assert_true(endpoint_pool_stop(pool, 1));
  endpoint_pool_add(pool, telling(&told));
  endpoint_pool_add_first(pool, telling(&told));
  assert_int_equal(told.dropped, 2);
  assert_int_equal(told.ran, 0);
  endpoint_pool_free(pool);
}

/* The thread cannot be ended, and must touch nothing any more. (The pool stays until the process ends, as it must.)
 */
static void a_server_that_says_nothing_does_not_hold_up_the_end(void **state) {
  const Fixture *f = left = *state;
  static Told told;
  EndpointPool *pool = start(f, "silent", 2, 60);
  endpoint_pool_add(pool, telling(&told));
  endpoint_pool_add(pool, telling(&told));
  for (guint i = 0; i < 2000 && connections(f) < 1; i++)
    g_usleep(1000);
  assert_int_equal(connections(f), 1);
  gint64 before = g_get_monotonic_time();
  assert_false(endpoint_pool_stop(pool, 1));
  assert_true(g_get_monotonic_time() - before < 3 * G_USEC_PER_SEC);
  assert_int_equal(told.ran, 0);
}

/* --- A crew */

static void count_in(gpointer data) {
  g_atomic_int_inc((gint *)data);
}

static void a_crew_is_as_large_as_asked_and_one_at_least(void **state) {
  (void)state;
  static const guint asked[] = {0, 1, 2, 7};
  for (guint i = 0; i < G_N_ELEMENTS(asked); i++) {
    gint count = 0;
    crew_run(asked[i], count_in, &count);
    assert_int_equal(count, MAX(asked[i], 1));
  }
}

/* --- The stand-in */

/* As long as the process lives. */
static gboolean is_the_only_one(const WireMessage *open_message) {
  g_autofree char *count = wire_string(open_message->user), *path = g_strconcat(count, ".lock", NULL);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void note_connection(const WireMessage *open_message) {
  g_autofree char *path = wire_string(open_message->user);
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, ".", 1) != 1)
    _exit(1);
  close(fd);
}

static int stand_in(void) {
  g_autofree WireBuffer *buffer = g_new(WireBuffer, 1);
  WireMessage message;
  if (wire_receive(3, -1, buffer, &message) != WIRE_GOT_MESSAGE)
    return 1;
  g_autofree char *host = wire_string(message.host);
  if (g_str_equal(host, "one") && is_the_only_one(&message))
    g_free(host), host = g_strdup("fine");
  note_connection(&message);
  WireMessage answer = {.type = WIRE_READY, .fd = -1, .text = wire_text("a stand-in")};
  if (!g_str_equal(host, "fine"))
    answer = (WireMessage){.type = WIRE_FAILED,
                           .fd = -1,
                           .code = g_str_equal(host, "refuse") ? SALLYPORT_ERROR_LOGIN : SALLYPORT_ERROR_AGAIN,
                           .text = wire_text("no"),
                           .lost = 1};
  if (g_str_equal(host, "silent") || !wire_send_waiting(3, &answer, NULL) || !g_str_equal(host, "fine"))
    return wire_receive(3, g_str_equal(host, "silent") ? -1 : 0, buffer, &message) == WIRE_GOT_END ? 0 : 1;
  while (wire_receive(3, -1, buffer, &message) == WIRE_GOT_MESSAGE)
    continue;
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "courier") == 0)
    return stand_in();
  log_setup((LogLevel)-1, FALSE, NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(workers_run_what_is_added_and_drop_what_is_left_at_the_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_end_waits_for_the_task_under_way_and_for_no_other, set_up, tear_down),
      cmocka_unit_test_setup_teardown(one_connection_serves_many_tasks_and_is_closed_when_idle, set_up, tear_down),
      cmocka_unit_test_setup_teardown(after_a_failed_connection_none_is_tried_before_its_back_off, set_up, tear_down),
      cmocka_unit_test_setup_teardown(three_refused_logins_open_the_breaker_until_it_is_reset, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_server_that_takes_one_connection_gets_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_thread_that_rests_does_not_hold_up_the_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_added_after_the_end_is_dropped, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_server_that_says_nothing_does_not_hold_up_the_end, set_up, tear_down),
      cmocka_unit_test(a_crew_is_as_large_as_asked_and_one_at_least),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
