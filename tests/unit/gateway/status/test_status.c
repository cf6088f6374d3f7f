/* What a lane's book and the lane itself say at one moment, put together. */
#include "gateway/status/status.h"
#include "tests/unit/store/book/book_fixture.h"

static void put(Fixture *f, const char *feed, const char *name, FileState to) {
  BookFile *file = make_file(feed, name);
  file->records = 10;
  add_file(f->book, file);
  if (to == FILE_HELD)
    advance(f->book, file, FILE_HELD);
  else
    advance_to(f->book, file, to);
  book_file_free(file);
}

/* A lane of one feed, "points"; nobody listens on its control socket. */
typedef struct {
  ConfFeed feed;
  ConfLane conf;
  LanePaths paths;
  StatusLane of;
} Lane;

static void look(const Fixture *f, Lane *lane, LaneStatus *status) {
  GError *error = NULL;
  *lane = (Lane){.feed = {.name = (char *)"points"},
                 .conf = {.name = (char *)"lane", .feeds = g_ptr_array_new()},
                 .paths = {.control = (char *)"/nowhere/lane.sock"}};
  g_ptr_array_add(lane->conf.feeds, &lane->feed);
  lane->of = (StatusLane){.conf = &lane->conf, .paths = &lane->paths, .reader = book_reader_open(f->path, &error)};
  no_error(error);
  assert_true(lane_status_read(&lane->of, status, &error));
  no_error(error);
}

static void end(Lane *lane, LaneStatus *status) {
  lane_status_clear(status);
  book_reader_close(lane->of.reader);
  g_ptr_array_unref(lane->conf.feeds);
}

static void a_feed_s_files_are_counted_by_what_they_need(void **state) {
  Fixture *f = *state;
  Lane lane;
  LaneStatus status;
  FeedStatus feed;
  put(f, "points", "A", FILE_ADMITTED);
  put(f, "points", "B", FILE_FETCHED);
  put(f, "points", "C", FILE_HELD);
  put(f, "other", "D", FILE_ADMITTED);
  look(f, &lane, &status);
  lane_status_feed(&status, "points", &feed);
  assert_int_equal(feed.under_way, 2);
  assert_int_equal(feed.held, 1);
  assert_int_equal(feed.closed, 0);
  assert_null(feed.poll);
  end(&lane, &status);
}

static void a_lane_that_does_not_answer_has_no_next_poll(void **state) {
  Fixture *f = *state;
  Lane lane;
  LaneStatus status;
  FeedStatus feed;
  look(f, &lane, &status);
  assert_null(status.answer);
  assert_null(lane_status_told(&status, "points", "pressure"));
  lane_status_feed(&status, "points", &feed);
  assert_true(feed.next_poll == 0);
  status.answer = json_pack("{s:[{s:s, s:I}, {s:s, s:I, s:{}}]}", "feeds", "feed", "other", "next_poll",
                            (json_int_t)5000, "feed", "points", "next_poll", (json_int_t)7000, "pressure");
  lane_status_feed(&status, "points", &feed);
  assert_true(feed.next_poll == 7000);
  assert_non_null(lane_status_told(&status, "points", "pressure"));
  assert_null(lane_status_told(&status, "other", "pressure"));
  end(&lane, &status);
}

static void live_files_of_a_feed_that_is_gone_are_named(void **state) {
  Fixture *f = *state;
  Lane lane;
  LaneStatus status;
  put(f, "gone", "A", FILE_ADMITTED);
  put(f, "gone", "B", FILE_HELD);
  put(f, "gone", "C", FILE_CLOSED);
  put(f, "points", "D", FILE_ADMITTED);
  look(f, &lane, &status);
  json_t *without = lane_status_without_feed(&status);
  assert_int_equal(json_object_size(without), 1);
  assert_int_equal(json_integer_value(json_object_get(without, "gone")), 2);
  json_decref(without);
  end(&lane, &status);
}

static void a_lane_without_a_book_is_no_error(void **state) {
  (void)state;
  GError *error = NULL;
  LaneStatus status;
  LanePaths paths = {.control = (char *)"/nowhere/lane.sock"};
  ConfLane conf = {.name = (char *)"lane", .feeds = g_ptr_array_new()};
  FeedStatus feed;
  assert_true(lane_status_read(&(StatusLane){.conf = &conf, .paths = &paths}, &status, &error));
  no_error(error);
  lane_status_feed(&status, "points", &feed);
  assert_int_equal(feed.under_way, 0);
  json_t *without = lane_status_without_feed(&status);
  assert_int_equal(json_object_size(without), 0);
  json_decref(without);
  lane_status_clear(&status);
  g_ptr_array_unref(conf.feeds);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_feed_s_files_are_counted_by_what_they_need, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_lane_that_does_not_answer_has_no_next_poll, set_up, tear_down),
      cmocka_unit_test_setup_teardown(live_files_of_a_feed_that_is_gone_are_named, set_up, tear_down),
      cmocka_unit_test(a_lane_without_a_book_is_no_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
