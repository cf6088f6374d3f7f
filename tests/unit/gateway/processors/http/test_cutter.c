/* Batches cut off validation's ranges: at most x records each, all full but the last, and nothing lost between them. */
#include "gateway/processors/http/cutter.h"
#include "gateway/records/exceptions.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { AMOUNT = 0 };
static const LedgerColumns columns = {.amount = AMOUNT};

/* Every seventh record is rejected, every eleventh a duplicate; record r stands at line r + 1 and has the amount 10 r.
 */
static gboolean is_refused(guint64 record, Outcome *outcome) {
  *outcome = record % 7 == 0 ? OUTCOME_REJECTED : OUTCOME_DUPLICATE;
  return record % 7 == 0 || record % 11 == 0;
}

static BookBatch *make_range(guint64 first, guint64 last, guint number) {
  BookBatch *range = g_new0(BookBatch, 1);
  ExceptionPacker *packer = exception_packer_new();
  *range = (BookBatch){.first = first, .last = last, .first_line = first + 1, .last_line = last + 1, .number = number};
  for (guint64 record = first; record <= last; record++) {
    Outcome outcome;
    if (is_refused(record, &outcome)) {
      exception_packer_add(packer, &(RecordException){.record = record,
                                                      .line = record + 1,
                                                      .outcome = outcome,
                                                      .code = (char *)"E1",
                                                      .reason = (char *)"why"});
      *(outcome == OUTCOME_REJECTED ? &range->rejected : &range->duplicates) += 1;
    } else {
      range->accepted++;
      range->amount += (gint64)record * 10;
    }
  }
  range->exceptions = exception_packer_finish(packer);
  return range;
}

static GPtrArray *ranges_of(guint64 records, guint size) {
  GPtrArray *ranges = g_ptr_array_new_with_free_func((GDestroyNotify)book_batch_free);
  for (guint64 first = 1; first <= records; first += size)
    g_ptr_array_add(ranges, make_range(first, MIN(first + size - 1, records), 0));
  return ranges;
}

static RecordBlock *read_block(guint64 first, guint count, guint64 records) {
  static const BlockType types[] = {BLOCK_INTEGER};
  RecordBlock *block = record_block_new(count + 1, types, 1);
  block->first = first;
  for (guint64 record = first; record <= MIN(first + count, records); record++) {
    record_block_begin(block, record + 1);
    record_block_put_integer(block, AMOUNT, (gint64)record * 10);
    record_block_end(block);
  }
  return block;
}

static void same_batch(const BookBatch *cut, guint64 first, guint64 last) {
  BookBatch *wanted = make_range(first, last, 0);
  assert_int_equal(cut->first, first);
  assert_int_equal(cut->last, last);
  assert_int_equal(cut->first_line, first + 1);
  assert_int_equal(cut->last_line, last + 1);
  assert_int_equal(cut->accepted, wanted->accepted);
  assert_int_equal(cut->rejected, wanted->rejected);
  assert_int_equal(cut->duplicates, wanted->duplicates);
  assert_true(cut->amount == wanted->amount);
  assert_true((cut->exceptions == NULL) == (wanted->exceptions == NULL));
  if (wanted->exceptions)
    assert_true(g_bytes_equal(cut->exceptions, wanted->exceptions));
  book_batch_free(wanted);
}

/* Cuts the whole file at sizes that change from batch to batch; their number. */
static guint cut_all(guint64 records, guint range, const guint *sizes, guint n_sizes) {
  g_autoptr(GPtrArray) ranges = ranges_of(records, range);
  Cutter *cutter = cutter_new(ranges);
  guint64 first, expected = 1;
  guint count, number = 0;
  while (cutter_next(cutter, sizes[number % n_sizes], &first, &count)) {
    GError *error = NULL;
    Slice slice;
    g_autoptr(RecordBlock) block = read_block(first, count, records);
    assert_int_equal(first, expected);
    assert_int_equal(count, MIN(sizes[number % n_sizes], records - first + 1));
    assert_true(cutter_slice(cutter, count, block, &columns, &slice, &error));
    assert_int_equal(slice.batch->number, ++number);
    same_batch(slice.batch, first, first + count - 1);
    if (slice.rest)
      same_batch(slice.rest, first + count, slice.rest->last);
    for (guint i = 0; i < count; i++) {
      Outcome outcome;
      assert_int_equal(slice.skip[i], is_refused(first + i, &outcome));
    }
    expected = first + count;
    cutter_advance(cutter, &slice);
    slice_clear(&slice);
  }
  assert_int_equal(expected, records + 1);
  cutter_free(cutter);
  return number;
}

static void batches_are_full_but_the_last(void **state) {
  (void)state;
  static const guint x = 2500;
  assert_int_equal(cut_all(2499, 5000, &x, 1), 1);
  assert_int_equal(cut_all(2500, 5000, &x, 1), 1);
  assert_int_equal(cut_all(2501, 5000, &x, 1), 2);
  assert_int_equal(cut_all(12500, 5000, &x, 1), 5);
  assert_int_equal(cut_all(1, 5000, &x, 1), 1);
}

static void x_may_change_with_every_batch_and_reach_over_ranges(void **state) {
  (void)state;
  static const guint sizes[] = {100, 37, 250, 1, 99, 100, 300};
  for (guint64 records = 1; records < 700; records += 41)
    cut_all(records, 100, sizes, G_N_ELEMENTS(sizes));
}

static void what_was_cut_before_is_left_alone_and_numbers_go_on(void **state) {
  (void)state;
  g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func((GDestroyNotify)book_batch_free);
  g_ptr_array_add(batches, make_range(1, 20, 1));
  g_ptr_array_add(batches, make_range(21, 40, 2));
  g_ptr_array_add(batches, make_range(41, 50, 0));
  Cutter *cutter = cutter_new(batches);
  guint64 first;
  guint count;
  Slice slice;
  assert_true(cutter_next(cutter, 100, &first, &count));
  assert_int_equal(first, 41);
  assert_int_equal(count, 10);
  g_autoptr(RecordBlock) block = read_block(first, count, 50);
  assert_true(cutter_slice(cutter, count, block, &columns, &slice, NULL));
  assert_int_equal(slice.batch->number, 3);
  slice_clear(&slice);
  cutter_free(cutter);
}

static void a_block_that_lacks_records_is_told(void **state) {
  (void)state;
  GError *error = NULL;
  g_autoptr(GPtrArray) ranges = ranges_of(50, 100);
  g_autoptr(RecordBlock) block = read_block(1, 20, 10);
  Cutter *cutter = cutter_new(ranges);
  Slice slice;
  assert_false(cutter_slice(cutter, 20, block, &columns, &slice, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
  slice_clear(&slice);
  cutter_free(cutter);
  g_clear_error(&error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(batches_are_full_but_the_last),
      cmocka_unit_test(x_may_change_with_every_batch_and_reach_over_ranges),
      cmocka_unit_test(what_was_cut_before_is_left_alone_and_numbers_go_on),
      cmocka_unit_test(a_block_that_lacks_records_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
