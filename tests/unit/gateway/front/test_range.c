/* What a Range header asks for: RFC 9110, 14. */
#include "gateway/front/front_private.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
  const char *header;
  guint64 size;
  RangeKind kind;
  guint64 first, last;
} Row;

static void each_form_of_a_range_is_resolved_against_the_size(void **state) {
  (void)state;
  static const Row rows[] = {
      {"bytes=0-0", 10, RANGE_PART, 0, 0}, {"bytes=0-9", 10, RANGE_PART, 0, 9},
      {"bytes=3-", 10, RANGE_PART, 3, 9},  {"bytes=3-99", 10, RANGE_PART, 3, 9},
      {"bytes=-4", 10, RANGE_PART, 6, 9},  {"bytes=-40", 10, RANGE_PART, 0, 9},
      {"BYTES=9-9", 10, RANGE_PART, 9, 9}, {"bytes=4294967296-", 8589934592, RANGE_PART, 4294967296, 8589934591},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    ByteRange range = {0};
    assert_int_equal(range_parse(rows[i].header, rows[i].size, &range), rows[i].kind);
    assert_int_equal(range.first, rows[i].first);
    assert_int_equal(range.last, rows[i].last);
  }
}

static void a_range_behind_the_end_cannot_be_satisfied(void **state) {
  (void)state;
  ByteRange range;
  assert_int_equal(range_parse("bytes=10-", 10, &range), RANGE_UNSATISFIABLE);
  assert_int_equal(range_parse("bytes=10-20", 10, &range), RANGE_UNSATISFIABLE);
  assert_int_equal(range_parse("bytes=-0", 10, &range), RANGE_UNSATISFIABLE);
  assert_int_equal(range_parse("bytes=0-", 0, &range), RANGE_UNSATISFIABLE);
  assert_int_equal(range_parse("bytes=-1", 0, &range), RANGE_UNSATISFIABLE);
}

static void what_is_not_understood_is_answered_with_the_whole(void **state) {
  (void)state;
  static const char *const headers[] = {NULL,
                                        "",
                                        "bytes",
                                        "bytes=",
                                        "bytes=-",
                                        "bytes=a-b",
                                        "bytes=5-3",
                                        "bytes=0-1,3-4",
                                        "lines=0-1",
                                        "bytes= 0-1",
                                        "bytes=99999999999999999999-",
                                        "bytes=0-18446744073709551616",
                                        "bytes=0-1 ",
                                        "bytes=--1",
                                        "bytes=1-2-3"};
  for (gsize i = 0; i < G_N_ELEMENTS(headers); i++) {
    ByteRange range;
    assert_int_equal(range_parse(headers[i], 10, &range), RANGE_WHOLE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_form_of_a_range_is_resolved_against_the_size),
                                     cmocka_unit_test(a_range_behind_the_end_cannot_be_satisfied),
                                     cmocka_unit_test(what_is_not_understood_is_answered_with_the_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
