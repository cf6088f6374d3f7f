/* Alarms that stand in the book, and end by themselves: the disk of the state is short for the book, an interface fails
 * with as little as is configured, an endpoint cannot be connected to. */
#include "gateway/processors/http/http_throttle.h"
#include "transfer/courier.h"
#include "gateway/watch/watch_private.h"
#include "tests/unit/store/book/book_fixture.h"
#include "tests/unit/store/small_disk.h"
#include <fcntl.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static gboolean long_row(BookTransaction *tx, gpointer data, GError **error) {
  return book_audit(tx, "lane", NULL, data, error);
}

/* Writes until the disk is full, and the log is found not to fit into the book. */
static gboolean run_short(Book *book) {
  g_autofree char *text = g_strnfill(2000, 'x'), *shortage = NULL;
  for (guint i = 0; i < 100000 && book_write(book, long_row, text, NULL); i++)
    ;
  for (guint i = 0; i < 200 && !(shortage = book_shortage(book)); i++)
    g_usleep(50000);
  return shortage != NULL;
}

static AlarmState state_after_a_look(Watch *watch) {
  watch_look_at_space(watch);
  return alarms_refresh(watch->host->alarms, watch->reader, NULL)
             ? alarms_state(watch->host->alarms, "disk-short", "points")
             : ALARM_CLEARED;
}

/* The look whose alarm has cleared, within 10 seconds. */
static gboolean clears(Watch *watch) {
  for (guint i = 0; i < 200; i++) {
    if (state_after_a_look(watch) == ALARM_CLEARED)
      return TRUE;
    g_usleep(50000);
  }
  return FALSE;
}

/* Then there is room for a change again, not for the log in the book. */
static int on_disk(const char *folder) {
  g_autofree char *path = g_build_filename(folder, "book.db", NULL), *tip = g_build_filename(folder, "tip", NULL);
  const ConfLane lane = {.name = (char *)"points"};
  Book *book = book_open(path, tip, NULL);
  LaneHost host = {.lane = &lane, .book = book, .alarms = alarms_new(book, 0)};
  Watch watch = {.host = &host, .reader = book ? book_reader_open(path, NULL) : NULL};
  if (!watch.reader || state_after_a_look(&watch) != ALARM_CLEARED)
    return 1;
  if (!fill_disk(folder, 6 * MIB) || !run_short(book) || !fill_disk(folder, MIB / 4))
    return 2;
  if (state_after_a_look(&watch) != ALARM_STANDING)
    return 3;
  empty_disk(folder);
  if (!clears(&watch))
    return 4;
  alarms_free(host.alarms);
  book_reader_close(watch.reader);
  book_close(book);
  return 0;
}

static void a_disk_that_is_short_for_the_book_is_an_alarm_until_there_is_room(void **state) {
  on_a_small_disk(((Fixture *)*state)->folder, "20m", on_disk);
}

/* --- An interface that is called with as little as is configured */

static void call(AccrualService *service, PressureOutcome outcome) {
  static const gint stopping = 0;
  PressureCall one;
  accrual_service_resume(service);
  assert_true(accrual_service_begin(service, G_USEC_PER_SEC, &stopping, &one));
  accrual_service_sent(service, &one);
  accrual_service_end(service, &one, &(PressureEnd){.outcome = outcome, .records = 10, .retry_after = -1});
  accrual_service_resume(service);
}

static AlarmState after(Watch *watch, const Feed *feed, gint64 seconds) {
  watch_look_at_service(watch, feed, (1000 + seconds) * G_USEC_PER_SEC);
  assert_true(alarms_refresh(watch->host->alarms, watch->reader, NULL));
  return alarms_state(watch->host->alarms, "interface-failing", "core/main");
}

/* The looks say what time it is. */
static void an_interface_that_fails_for_five_minutes_is_an_alarm_until_a_quiet_minute(void **state) {
  Fixture *f = *state;
  const ConfLane lane = {.name = (char *)"points"};
  const ConfBatch batch = {.size_min = 10, .size_max = 10, .threads_min = 1, .threads_max = 1};
  Feed feed = {.service = accrual_service_new("core/main", &batch)};
  LaneHost host = {.lane = &lane, .book = f->book, .alarms = alarms_new(f->book, 0)};
  Watch watch = {.host = &host,
                 .reader = book_reader_open(f->path, NULL),
                 .pressed = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free)};
  assert_non_null(watch.reader);
  for (guint at = 0; at <= 300; at += 50) {
    call(feed.service, PRESSURE_FAILED);
    assert_int_equal(after(&watch, &feed, at), ALARM_CLEARED);
  }
  call(feed.service, PRESSURE_FAILED);
  assert_int_equal(after(&watch, &feed, 350), ALARM_STANDING);
  call(feed.service, PRESSURE_GOOD);
  assert_int_equal(after(&watch, &feed, 400), ALARM_STANDING);
  assert_int_equal(after(&watch, &feed, 411), ALARM_CLEARED);
  for (guint at = 500; at < 1000; at += 70) { /* now and then is no trouble */
    call(feed.service, PRESSURE_FAILED);
    assert_int_equal(after(&watch, &feed, at), ALARM_CLEARED);
    assert_int_equal(after(&watch, &feed, at + 61), ALARM_CLEARED);
  }
  g_hash_table_unref(watch.pressed);
  book_reader_close(watch.reader);
  alarms_free(host.alarms);
  accrual_service_free(feed.service);
}

/* --- An endpoint: a folder that is not there, then it is */

typedef struct {
  Task task;
  gint *ran;
} Counted;

static void count_run(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  (void)reader, (void)courier, (void)failure;
  g_atomic_int_inc(((Counted *)task)->ran);
}

static void count_drop(Task *task) {
  (void)task;
}

static void work(EndpointPool *pool) {
  gint ran = 0;
  Counted task = {.task = {.run = count_run, .drop = count_drop}, .ran = &ran};
  endpoint_pool_reset(pool);
  endpoint_pool_add(pool, &task.task);
  while (!g_atomic_int_get(&ran))
    g_usleep(1000);
}

static AlarmState endpoint_after(Watch *watch, gint64 seconds) {
  watch_look_at_endpoints(watch, (1000 + seconds) * G_USEC_PER_SEC);
  assert_true(alarms_refresh(watch->host->alarms, watch->reader, NULL));
  return alarms_state(watch->host->alarms, "endpoint-failing", "bank/main");
}

static void an_endpoint_that_fails_for_five_minutes_is_an_alarm_until_it_is_connected_to(void **state) {
  Fixture *f = *state;
  g_autofree char *root = g_build_filename(f->folder, "partner", NULL);
  const EndpointPoolOptions options = {.endpoint = {.kind = COURIER_LOCAL, .name = "bank/main", .folder = root},
                                       .connections = 1,
                                       .book_path = f->path};
  EndpointPool *pool = endpoint_pool_start(&options, NULL);
  assert_non_null(pool);
  g_autoptr(GPtrArray) pools = g_ptr_array_new();
  g_ptr_array_add(pools, pool);
  const ConfLane lane = {.name = (char *)"points"};
  Feeds feeds = {.pools = pools};
  LaneHost host = {.lane = &lane, .book = f->book, .alarms = alarms_new(f->book, 0), .feeds = &feeds};
  Watch watch = {.host = &host,
                 .reader = book_reader_open(f->path, NULL),
                 .failing_since = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free)};
  work(pool);
  assert_int_equal(endpoint_after(&watch, 0), ALARM_CLEARED);
  assert_int_equal(endpoint_after(&watch, 300), ALARM_CLEARED);
  assert_int_equal(endpoint_after(&watch, 301), ALARM_STANDING);
  assert_int_equal(g_mkdir(root, 0700), 0);
  work(pool);
  assert_int_equal(endpoint_after(&watch, 302), ALARM_CLEARED);
  assert_true(endpoint_pool_stop(pool, 5));
  endpoint_pool_free(pool);
  g_hash_table_unref(watch.failing_since);
  book_reader_close(watch.reader);
  alarms_free(host.alarms);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_disk_that_is_short_for_the_book_is_an_alarm_until_there_is_room, make_fixture,
                                      tear_down),
      cmocka_unit_test_setup_teardown(an_interface_that_fails_for_five_minutes_is_an_alarm_until_a_quiet_minute,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_endpoint_that_fails_for_five_minutes_is_an_alarm_until_it_is_connected_to,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
