#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/records/exceptions.h"
#include <string.h>
#include <cmocka.h>

static void what_is_packed_comes_back(void **state) {
  (void)state;
  ExceptionPacker *packer = exception_packer_new();
  for (guint64 i = 1; i <= 1000; i++) {
    RecordException exception = {.record = i * i * 7,
                                 .line = i % 10 ? i * i * 7 + 1 : i,
                                 .outcome = i % 2 ? OUTCOME_REJECTED : OUTCOME_DUPLICATE,
                                 .code = i % 3 ? (char *)"E012" : (char *)"E012,E013",
                                 .reason = i % 5 ? (char *)"points out of range" : NULL};
    exception_packer_add(packer, &exception);
  }
  exception_packer_add(
      packer, &(RecordException){
                  .record = G_MAXUINT64, .line = G_MAXUINT64, .outcome = OUTCOME_REJECTED, .code = (char *)"L004"});
  g_autoptr(GBytes) packed = exception_packer_finish(packer);
  ExceptionCursor *cursor = exception_cursor_new(packed);
  for (guint64 i = 1; i <= 1000; i++) {
    const RecordException *exception = exception_cursor_next(cursor, NULL);
    assert_non_null(exception);
    assert_int_equal(exception->record, i * i * 7);
    assert_int_equal(exception->line, i % 10 ? i * i * 7 + 1 : i);
    assert_int_equal(exception->outcome, i % 2 ? OUTCOME_REJECTED : OUTCOME_DUPLICATE);
    assert_string_equal(exception->code, i % 3 ? "E012" : "E012,E013");
    assert_string_equal(exception->reason, i % 5 ? "points out of range" : "");
  }
  const RecordException *last = exception_cursor_next(cursor, NULL);
  assert_true(last->record == G_MAXUINT64 && last->line == G_MAXUINT64);
  g_autoptr(GError) error = NULL;
  assert_null(exception_cursor_next(cursor, &error));
  assert_null(error);
  exception_cursor_free(cursor);
}

static void what_is_left_of_a_record_comes_back_too(void **state) {
  (void)state;
  static const RecordException given[] = {
      {.record = 1, .line = 2, .outcome = OUTCOME_REJECTED, .code = (char *)"E1", .key = (char *)"k,1",
       .account = (char *)"",
       .has_amount = TRUE, .amount = G_MININT64},
      {.record = 2, .line = 3, .outcome = OUTCOME_DUPLICATE, .code = (char *)"K001"},
      {.record = 5, .line = 6, .outcome = OUTCOME_REJECTED, .code = (char *)"E1", .has_amount = TRUE, .amount = -7}};
  ExceptionPacker *packer = exception_packer_new();
  for (guint i = 0; i < G_N_ELEMENTS(given); i++)
    exception_packer_add(packer, &given[i]);
  g_autoptr(GBytes) packed = exception_packer_finish(packer);
  ExceptionCursor *cursor = exception_cursor_new(packed);
  for (guint i = 0; i < G_N_ELEMENTS(given); i++) {
    const RecordException *told = exception_cursor_next(cursor, NULL);
    assert_true(told->record == given[i].record && told->outcome == given[i].outcome);
    assert_true(g_strcmp0(told->key, given[i].key) == 0 && g_strcmp0(told->account, given[i].account) == 0);
    assert_true(told->has_amount == given[i].has_amount && told->amount == given[i].amount);
  }
  exception_cursor_free(cursor);
}

static void what_an_earlier_release_packed_is_read(void **state) {
  (void)state;
  static const guint8 packed[] = {1, 1, 3, 8, 1, 0, 2, 'E', '1', 1, 3, 'w', 'h', 'y'};
  g_autoptr(GBytes) bytes = g_bytes_new_static(packed, sizeof packed);
  g_autoptr(GError) error = NULL;
  ExceptionCursor *cursor = exception_cursor_new(bytes);
  const RecordException *told = exception_cursor_next(cursor, &error);
  assert_non_null(told);
  assert_true(told->record == 3 && told->line == 4 && told->outcome == OUTCOME_REJECTED && !told->key &&
              !told->account && !told->has_amount);
  assert_string_equal(told->reason, "why");
  assert_null(exception_cursor_next(cursor, &error));
  assert_null(error);
  exception_cursor_free(cursor);
}

static void nothing_packs_to_nothing(void **state) {
  (void)state;
  assert_null(exception_packer_finish(exception_packer_new()));
  g_autoptr(GError) error = NULL;
  ExceptionCursor *cursor = exception_cursor_new(NULL);
  assert_null(exception_cursor_next(cursor, &error));
  assert_null(error);
  exception_cursor_free(cursor);
}

static void repeated_rejections_cost_a_few_bytes_each(void **state) {
  (void)state;
  ExceptionPacker *packer = exception_packer_new();
  for (guint64 i = 1; i <= 5000; i++)
    exception_packer_add(packer, &(RecordException){.record = i,
                                                    .line = i + 1,
                                                    .outcome = OUTCOME_REJECTED,
                                                    .code = (char *)"E012",
                                                    .reason = (char *)"points out of range"});
  g_autoptr(GBytes) packed = exception_packer_finish(packer);
  assert_in_range(g_bytes_get_size(packed), 1, 5000 * 5 + 40);
}

static void truncated_bytes_are_a_storage_error(void **state) {
  (void)state;
  ExceptionPacker *packer = exception_packer_new();
  for (guint64 i = 1; i <= 3; i++)
    exception_packer_add(packer, &(RecordException){.record = i * 300,
                                                    .line = i * 300,
                                                    .outcome = OUTCOME_REJECTED,
                                                    .code = (char *)"E012",
                                                    .reason = (char *)"why"});
  g_autoptr(GBytes) packed = exception_packer_finish(packer);
  for (gsize length = 0; length < g_bytes_get_size(packed); length++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(packed, 0, length);
    ExceptionCursor *cursor = exception_cursor_new(cut);
    while (exception_cursor_next(cursor, &error)) {}
    assert_non_null(error);
    assert_int_equal(error->code, SALLYPORT_ERROR_STORAGE);
    exception_cursor_free(cursor);
  }
}

static void damaged_bytes_never_read_wild(void **state) {
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(7);
  ExceptionPacker *packer = exception_packer_new();
  for (guint64 i = 1; i <= 20; i++)
    exception_packer_add(packer, &(RecordException){.record = i * 3,
                                                    .line = i * 4,
                                                    .outcome = OUTCOME_DUPLICATE,
                                                    .code = (char *)"K001",
                                                    .reason = i % 2 ? (char *)"a" : (char *)"b"});
  g_autoptr(GBytes) packed = exception_packer_finish(packer);
  gsize length;
  const guint8 *good = g_bytes_get_data(packed, &length);
  for (int round = 0; round < 20000; round++) {
    g_autofree guint8 *bad = g_memdup2(good, length);
    for (int i = g_rand_int_range(random, 1, 4); i > 0; i--)
      bad[g_rand_int_range(random, 0, (gint32)length)] = (guint8)g_rand_int_range(random, 0, 256);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new(bad, length);
    ExceptionCursor *cursor = exception_cursor_new(bytes);
    guint64 before = 0;
    for (const RecordException *exception; (exception = exception_cursor_next(cursor, &error));
         before = exception->record) {
      assert_true(exception->record > before);
      assert_true(strlen(exception->code) < length && strlen(exception->reason) < length);
    }
    assert_true(!error || error->code == SALLYPORT_ERROR_STORAGE);
    exception_cursor_free(cursor);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_packed_comes_back),
      cmocka_unit_test(what_is_left_of_a_record_comes_back_too),
      cmocka_unit_test(what_an_earlier_release_packed_is_read),
      cmocka_unit_test(nothing_packs_to_nothing),
      cmocka_unit_test(repeated_rejections_cost_a_few_bytes_each),
      cmocka_unit_test(truncated_bytes_are_a_storage_error),
      cmocka_unit_test(damaged_bytes_never_read_wild),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
