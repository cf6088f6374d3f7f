#include "gateway/common/log.h"
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Runs with standard error going to an unnamed file; what was written is read back. */
static int real_stderr, captured;

static void begin_capture(void) {
  char path[] = "/tmp/sallyport-log-XXXXXX";
  captured = mkstemp(path);
  assert_true(captured >= 0);
  unlink(path);
  real_stderr = dup(STDERR_FILENO);
  fcntl(captured, F_SETFL, O_APPEND | O_RDWR);
  dup2(captured, STDERR_FILENO);
}

static char *end_capture(void) {
  off_t size = lseek(captured, 0, SEEK_END);
  char *text = g_malloc0((gsize)size + 1);
  assert_int_equal(pread(captured, text, (gsize)size, 0), size);
  dup2(real_stderr, STDERR_FILENO);
  close(real_stderr);
  close(captured);
  return text;
}

static void a_text_line_has_time_level_event_lane_and_pairs(void **state) {
  (void)state;
  log_setup(LOG_INFO, FALSE, "points");
  begin_capture();
  log_event(LOG_INFO, "file-staged", {"feed", "acme"}, {"records", log_number(-12)});
  g_autofree char *text = end_capture();
  assert_true(g_regex_match_simple(
      "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info file-staged lane=points feed=acme records=-12\\n$",
      text, 0, 0));
}

static void a_level_below_the_set_one_writes_nothing(void **state) {
  (void)state;
  log_setup(LOG_WARNING, FALSE, NULL);
  begin_capture();
  log_event(LOG_INFO, "poll", {"feed", "acme"});
  g_autofree char *text = end_capture();
  assert_string_equal(text, "");
}

static void a_pair_without_value_is_left_out(void **state) {
  (void)state;
  log_setup(LOG_INFO, FALSE, NULL);
  begin_capture();
  log_event(LOG_INFO, "poll", {"feed", NULL}, {"file", "x"});
  g_autofree char *text = end_capture();
  assert_null(strstr(text, "feed"));
  assert_non_null(strstr(text, " file=x\n"));
}

static void a_hostile_value_stays_on_one_line_and_in_its_quotes(void **state) {
  (void)state;
  log_setup(LOG_INFO, FALSE, NULL);
  begin_capture();
  log_event(LOG_INFO, "poll", {"name", "a\nfake=\"1\" \x1b[31m\xff"});
  g_autofree char *text = end_capture();
  assert_non_null(strstr(text, "name=\"a\\x0afake=\\\"1\\\" \\x1b[31m\\xff\"\n"));
  assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void a_value_is_bounded_to_500_characters(void **state) {
  (void)state;
  g_autofree char *longer = g_strnfill(100000, 'x');
  log_setup(LOG_INFO, FALSE, NULL);
  begin_capture();
  log_event(LOG_INFO, "poll", {"name", longer});
  g_autofree char *text = end_capture();
  assert_true(strlen(text) < 600);
}

static void the_json_form_parses_and_keeps_numbers_and_texts_apart(void **state) {
  (void)state;
  log_setup(LOG_DEBUG, TRUE, "points");
  begin_capture();
  log_event(LOG_DEBUG, "poll", {"partner", "123"}, {"listed", log_number(G_MININT64)}, {"name", "q\"\\\n\xff"});
  g_autofree char *text = end_capture();
  json_t *line = json_loads(text, 0, NULL);
  assert_non_null(line);
  assert_string_equal(json_string_value(json_object_get(line, "level")), "debug");
  assert_string_equal(json_string_value(json_object_get(line, "lane")), "points");
  assert_string_equal(json_string_value(json_object_get(line, "partner")), "123");
  assert_true(json_integer_value(json_object_get(line, "listed")) == G_MININT64);
  assert_string_equal(json_string_value(json_object_get(line, "name")), "q\"\\\\x0a\\xff");
  json_decref(line);
}

static void *write_many(void *data) {
  for (int i = 0; i < 500; i++)
    log_event(LOG_INFO, "many", {"who", (const char *)data}, {"n", log_number(i)});
  return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state) {
  (void)state;
  pthread_t threads[4];
  static char names[4][8] = {"one", "two", "three", "four"};
  log_setup(LOG_INFO, TRUE, NULL);
  begin_capture();
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, write_many, names[i]);
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  g_autofree char *text = end_capture();
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  assert_int_equal(g_strv_length(lines), 2001);
  for (int i = 0; i < 2000; i++) {
    json_t *line = json_loads(lines[i], 0, NULL);
    assert_non_null(line);
    json_decref(line);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_line_has_time_level_event_lane_and_pairs),
      cmocka_unit_test(a_level_below_the_set_one_writes_nothing),
      cmocka_unit_test(a_pair_without_value_is_left_out),
      cmocka_unit_test(a_hostile_value_stays_on_one_line_and_in_its_quotes),
      cmocka_unit_test(a_value_is_bounded_to_500_characters),
      cmocka_unit_test(the_json_form_parses_and_keeps_numbers_and_texts_apart),
      cmocka_unit_test(lines_of_several_threads_do_not_mix),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
