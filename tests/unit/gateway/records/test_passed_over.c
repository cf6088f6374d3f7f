/* Lines to pass over: counted, and nothing else; the first and last other line begin and end the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static const char *const beginnings[] = {"#", "9999", NULL};

typedef struct {
  ConfLinesBy by;
  ConfQuote quote;
  const char *header, *trailer, *text, *end;
} Case;

static guint64 count_passed(const Layout *layout, const char *text) {
  LayoutChunk *chunk = layout_chunk_new(layout);
  guint64 passed = 0;
  for (gsize offset = 0, end; offset < strlen(text); offset = end) {
    end = layout_next_chunk(layout, (const guint8 *)text, strlen(text), offset, 1);
    LayoutSpan span = {.text = (const guint8 *)text,
                       .offset = offset,
                       .end = end,
                       .is_first = offset == 0,
                       .is_last = end == strlen(text)};
    layout_parse(layout, &span, chunk);
    passed += chunk->passed_over;
  }
  layout_chunk_free(chunk);
  return passed;
}

static void expect(const Case *of, guint64 passed) {
  ConfLayout *conf = layouts_conf("|", of->header, of->by ? "- key:text n:int" : "D key:text n:int", of->trailer);
  conf->lines_by = of->by;
  conf->quote = of->quote;
  conf->pass_over = (ConfPassOver){
      .present = TRUE, .beginning = (char **)(gsize)beginnings, .blank = TRUE, .ctrl_z = TRUE};
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  assert_non_null(layout);
  for (gsize wanted = 1; wanted < 200; wanted = wanted * 3 + 1) {
    g_autofree char *told = layouts_tell(layout, of->text, strlen(of->text), wanted);
    g_autofree char *end = g_strdup_printf("= %s\n", of->end);
    if (!g_str_has_suffix(told, end))
      fail_msg("%s, %lu at a time: %s", of->text, (gulong)wanted, told);
  }
  assert_int_equal(count_passed(layout, of->text), passed);
  layouts_free(conf);
}

static void they_are_counted_and_nothing_else(void **state) {
  (void)state;
  static const char *const h = "H of:text", *const t = "T n:int#count";
  expect(&(Case){0, 0, h, t, "H|x\n#|1\nD|a|1\n\n \t\nD|b|2\n9999\nT|2\n", "8 lines, 2 records, ok"}, 4);
  expect(&(Case){0, 0, h, t, "# x\n\nH|x\nD|a|1\nT|1\n#\n\n\x1a", "8 lines, 1 records, ok"}, 5);
  expect(&(Case){0, 0, h, t, "H|x\r\n\r\nD|a|1\r\nT|1\r\n999999\r\n", "5 lines, 1 records, ok"}, 2);
  expect(&(Case){0, 0, h, t, "# x\nD|a|1\nH|x\nT|1\n", "4 lines, 1 records, T007 in 3"}, 1);
  expect(&(Case){0, 0, h, t, "H|x\nT|1\n#\nD|a|1\n", "4 lines, 1 records, T008 in 4"}, 1);
  expect(&(Case){0, 0, h, t, "H|x\nD|a|1\nD|#|x\nT|2\n", "4 lines, 2 records, ok"}, 0);
  expect(&(Case){0, 0, h, t, "H|x\n\x1a\nD|a|1\nT|1\n", "4 lines, 2 records, T003 in 4"}, 0);
  expect(&(Case){0, 0, h, t, "#\n#\n", "2 lines, 0 records, T001 in 1"}, 2);
}

static void by_position_header_and_trailer_are_the_first_and_last_other_line(void **state) {
  (void)state;
  static const char *const h = "- a:text b:text", *const t = "- n:int#count";
  static const ConfLinesBy by = CONF_LINES_BY_POSITION;
  expect(&(Case){by, 0, h, t, "#1\n#2\nkey|n\na|1\n#\nb|2\n2\n#\n\n", "9 lines, 2 records, ok"}, 4);
  expect(&(Case){by, 0, h, NULL, "#1\n#2\na|1\nb|2\n", "4 lines, 1 records, T010 in 3"}, 2);
  expect(&(Case){by, 0, h, NULL, "#1\nkey|n\na|1\n#end", "4 lines, 1 records, ok"}, 2);
  expect(&(Case){by, 0, h, NULL, "#1\nkey|n\na|1", "3 lines, 1 records, T012 in 3"}, 1);
}

/* A quote in such a line opens no value, and a line within a value is none. */
static void quotes_do_not_reach_into_or_out_of_them(void **state) {
  (void)state;
  static const char text[] = "#|\"\nD|a|1\n#|\"\nD|\"b\n#\n\nc\"|2\nD|d|3\n";
  expect(&(Case){0, CONF_QUOTE_RFC4180, NULL, NULL, text, "8 lines, 3 records, ok"}, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_are_counted_and_nothing_else),
      cmocka_unit_test(by_position_header_and_trailer_are_the_first_and_last_other_line),
      cmocka_unit_test(quotes_do_not_reach_into_or_out_of_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
