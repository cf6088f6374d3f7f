#include "store/staging/block_codec.h"
#include "tests/unit/store/staging/block_fixture.h"

static void a_column_that_is_not_put_is_null(void **state) {
  (void)state;
  static const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT};
  g_autoptr(RecordBlock) block = record_block_new(2, types, 3);
  gsize length;
  assert_int_equal(record_block_begin(block, 7), 0);
  record_block_put_text(block, 2, "abc", 3);
  record_block_end(block);
  assert_int_equal(record_block_begin(block, 8), 1);
  record_block_put_integer(block, 1, -5);
  record_block_put_text(block, 0, "", 0);
  record_block_end(block);
  assert_true(record_block_is_null(block, 0, 0));
  assert_true(record_block_is_null(block, 1, 0));
  assert_memory_equal(record_block_text(block, 2, 0, &length), "abc", 3);
  assert_false(record_block_is_null(block, 0, 1));
  assert_int_equal(record_block_integer(block, 1, 1), -5);
  assert_true(record_block_is_null(block, 2, 1));
  record_block_text(block, 2, 1, &length);
  assert_int_equal(length, 0);
  assert_false(record_block_has_room(block));
}

static void of_two_puts_the_second_counts(void **state) {
  (void)state;
  static const BlockType types[] = {BLOCK_TEXT, BLOCK_TEXT};
  g_autoptr(RecordBlock) block = record_block_new(3, types, 2);
  gsize length;
  record_block_begin(block, 1);
  record_block_put_text(block, 0, "longer text", 11);
  record_block_put_text(block, 1, "x", 1);
  record_block_put_text(block, 0, "short", 5);
  record_block_put_null(block, 1);
  record_block_end(block);
  assert_memory_equal(record_block_text(block, 0, 0, &length), "short", 5);
  assert_int_equal(length, 5);
  assert_true(record_block_is_null(block, 1, 0));
  assert_int_equal(block->text_bytes, 5);
}

static void a_faulty_record_has_all_columns_null_and_its_fault(void **state) {
  (void)state;
  static const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER};
  g_autoptr(RecordBlock) block = record_block_new(3, types, 2);
  for (guint i = 0; i < 3; i++) {
    record_block_begin(block, i + 1);
    record_block_put_text(block, 0, "text", 4);
    record_block_put_integer(block, 1, 1);
    if (i == 1)
      record_block_end_faulty(block, 1, "L004-too-long-a-code", g_strdup("why"));
    else
      record_block_end(block);
  }
  assert_true(record_block_is_null(block, 0, 1) && record_block_is_null(block, 1, 1));
  assert_int_equal(record_block_integer(block, 1, 1), 0);
  assert_null(record_block_fault(block, 0));
  assert_null(record_block_fault(block, 2));
  assert_string_equal(record_block_fault(block, 1)->reason, "why");
  assert_string_equal(record_block_fault(block, 1)->code, "L004-to");
  record_block_clear(block);
  assert_int_equal(block->count + block->faults->len + block->text_bytes, 0);
}

static void much_text_ends_a_block_early(void **state) {
  (void)state;
  static const BlockType types[] = {BLOCK_TEXT};
  static char text[1 << 20];
  memset(text, 'x', sizeof text);
  g_autoptr(RecordBlock) block = record_block_new(100, types, 1);
  while (record_block_has_room(block)) {
    record_block_begin(block, 1);
    record_block_put_text(block, 0, text, sizeof text);
    record_block_end(block);
  }
  assert_int_equal(block->count, 4);
}

static void what_was_encoded_is_decoded_whole_or_in_parts(void **state) {
  (void)state;
  GError *error = NULL;
  for (guint round = 0; round < 60; round++) {
    guint count = round < 3 ? round : block_random(300);
    g_autoptr(RecordBlock) block = random_block(count, block_random(1000), round % 2);
    guint from = block_random(count + 1), n = block_random(count - from + 1);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)"before", 6);
    block_encode(block, from, n, bytes);
    assert_int_equal(block_encoded_count(bytes->data + 6, bytes->len - 6), n);
    g_autoptr(RecordBlock) into = record_block_new(n + 1, random_types, RANDOM_COLUMNS);
    add_random(into, 5);
    guint at = block_random(n + 1);
    assert_true(block_decode(bytes->data + 6, bytes->len - 6, 0, at, into, &error));
    assert_true(block_decode(bytes->data + 6, bytes->len - 6, at, n - at, into, &error));
    assert_int_equal(into->count, n + 1);
    for (guint i = 0; i < n; i++)
      assert_same_record(block, from + i, into, i + 1);
    gsize text = 0;
    for (guint c = 0; c < RANDOM_COLUMNS; c++)
      text += random_types[c] == BLOCK_TEXT ? into->columns[c].ends[n] : 0;
    assert_int_equal(into->text_bytes, text);
  }
}

static void changed_or_cut_bytes_are_refused(void **state) {
  (void)state;
  g_autoptr(RecordBlock) block = random_block(40, 1, TRUE);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  block_encode(block, 0, 40, bytes);
  guint step = MAX(bytes->len / 3000, 1);
  for (guint at = 0; at < bytes->len; at += at < 200 ? 1 : step) {
    g_autoptr(GError) error = NULL;
    g_autoptr(RecordBlock) into = record_block_new(40, random_types, RANDOM_COLUMNS);
    g_autofree guint8 *changed = g_malloc(bytes->len);
    memcpy(changed, bytes->data, bytes->len);
    changed[at] ^= (guint8)(1u << block_random(8));
    assert_false(block_decode(changed, bytes->len, 0, 40, into, &error));
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
    assert_int_equal(into->count + into->text_bytes, 0);
    g_clear_error(&error);
    g_autofree guint8 *cut = g_malloc(MAX(at, 1));
    memcpy(cut, bytes->data, at);
    assert_false(block_decode(cut, at, 0, 40, into, &error));
  }
}

static void other_columns_or_more_records_are_refused(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autoptr(RecordBlock) block = random_block(10, 1, FALSE);
  g_autoptr(RecordBlock) fewer = record_block_new(20, random_types, RANDOM_COLUMNS - 1);
  g_autoptr(RecordBlock) same = record_block_new(20, random_types, RANDOM_COLUMNS);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  block_encode(block, 0, 10, bytes);
  assert_false(block_decode(bytes->data, bytes->len, 0, 10, fewer, &error));
  g_clear_error(&error);
  assert_false(block_decode(bytes->data, bytes->len, 5, 6, same, &error));
  g_clear_error(&error);
  assert_false(block_decode(bytes->data, bytes->len, 11, 0, same, &error));
  assert_int_equal(same->count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_column_that_is_not_put_is_null),
      cmocka_unit_test(of_two_puts_the_second_counts),
      cmocka_unit_test(a_faulty_record_has_all_columns_null_and_its_fault),
      cmocka_unit_test(much_text_ends_a_block_early),
      cmocka_unit_test(what_was_encoded_is_decoded_whole_or_in_parts),
      cmocka_unit_test(changed_or_cut_bytes_are_refused),
      cmocka_unit_test(other_columns_or_more_records_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
