/* Differences in a feed's layout: delimited with its quoting, and fixed with its widths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/records/differences.h"
#include "tests/unit/gateway/records/layouts.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* Header, one line of each kind, trailer. The caller frees. */
static char *written(ConfLayout *conf, const char *key) {
  GError *error = NULL;
  static const Wide ours = -1250, theirs = 5;
  ConfFeedback feedback = {0};
  Layout *layout = layout_new(conf, &error);
  int fd = memfd_create("differences", MFD_CLOEXEC);
  DifferenceWriter *writer = difference_writer_new(layout, &feedback, "ref", fd, &error);
  assert_non_null(writer);
  DifferenceLine line = {
      .key = key, .key_length = strlen(key), .word = "amount", .ours = &ours, .theirs = &theirs, .scale = 2};
  DifferenceTotals totals = {
      .differences = 3, .ours = 10, .theirs = 11, .total_ours = 12345, .total_theirs = -1, .scale = 2};
  assert_true(difference_writer_header(writer, "daily 2026-11-20", &error));
  assert_true(difference_writer_line(writer, &line, &error));
  line.word = "missing-theirs";
  line.theirs = NULL;
  assert_true(difference_writer_line(writer, &line, &error));
  line.word = "missing-ours";
  line.theirs = &theirs;
  line.ours = NULL;
  assert_true(difference_writer_line(writer, &line, &error));
  line = (DifferenceLine){.key = key, .key_length = strlen(key), .word = "account", .our_text = "M1"};
  assert_true(difference_writer_line(writer, &line, &error));
  assert_true(difference_writer_trailer(writer, &totals, &error));
  difference_writer_free(writer);
  layout_free(layout);
  gsize length = (gsize)lseek(fd, 0, SEEK_END);
  char *text = g_malloc0(length + 1);
  assert_int_equal(pread(fd, text, length, 0), length);
  close(fd);
  return text;
}

static void delimited_lines_have_the_feeds_delimiter(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:text points:int", NULL);
  g_autofree char *text = written(conf, "r1");
  assert_string_equal(text, "H|daily "
                            "2026-11-20\nD|r1|amount|-12.50|0.05\nD|r1|missing-theirs|-12.50|\nD|r1|missing-ours||0."
                            "05\nD|r1|account|M1|\nT|3|10|123.45|11|-0.01\n");
  layouts_free(conf);
}

static void fixed_lines_are_as_wide_as_they_are_in_each_line_of_a_kind(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:text@6 points:int@5>0", NULL);
  conf->kind = CONF_LAYOUT_FIXED;
  g_autofree char *text = written(conf, "r1");
  g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
  assert_string_equal(lines[1], "Dr1    amount                       -12.50                 0.05");
  assert_string_equal(lines[2], "Dr1    missing-theirs               -12.50                     ");
  assert_string_equal(lines[3], "Dr1    missing-ours                                        0.05");
  assert_int_equal(strlen(lines[0]), 101);
  assert_string_equal(lines[4], "Dr1    account       M1                                        ");
  assert_int_equal(strlen(lines[5]), 1 + 5 * 21);
  layouts_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(delimited_lines_have_the_feeds_delimiter),
                                     cmocka_unit_test(fixed_lines_are_as_wide_as_they_are_in_each_line_of_a_kind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
