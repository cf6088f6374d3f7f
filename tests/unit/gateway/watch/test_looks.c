/* The disk of the state is short for the book: an alarm that stands in the book, and ends by itself. */
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_disk_that_is_short_for_the_book_is_an_alarm_until_there_is_room, make_fixture,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
