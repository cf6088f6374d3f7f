/* Random blocks of records, and their comparison. */
#pragma once
#include "store/block.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static guint64 block_seed = 1;
static inline guint block_random(guint below) {
  block_seed = block_seed * G_GUINT64_CONSTANT(6364136223846793005) + G_GUINT64_CONSTANT(1442695040888963407);
  return (guint)((block_seed >> 33) % below);
}

/* Kinds of columns: one length, short, up to 300 bytes, up to 70,000 bytes, all null, often null, small and large
 * numbers. */
enum { RANDOM_COLUMNS = 8 };
static const BlockType random_types[RANDOM_COLUMNS] = {BLOCK_TEXT, BLOCK_TEXT,    BLOCK_TEXT,    BLOCK_TEXT,
                                                       BLOCK_TEXT, BLOCK_INTEGER, BLOCK_INTEGER, BLOCK_INTEGER};

static inline void put_random(RecordBlock *block, guint column) {
  static char text[70000];
  static const guint lengths[] = {10, 20, 300, 70000, 0};
  if (column == 4 || (column != 0 && column != 5 && !block_random(9)))
    return;
  if (random_types[column] == BLOCK_INTEGER) {
    gint64 small = (gint64)block_random(2000) - 1000, large = (gint64)((guint64)small << 40);
    record_block_put_integer(block, column,
                             column == 5       ? small
                             : column == 6     ? large
                             : block_random(2) ? G_MININT64
                                               : G_MAXINT64);
    return;
  }
  guint length = column == 0 ? 10 : column == 3 && block_random(50) ? block_random(5) : block_random(lengths[column]);
  memset(text, 'a' + (int)block_random(26), length);
  record_block_put_text(block, column, text, length);
}

static inline void add_random(RecordBlock *block, guint64 line) {
  record_block_begin(block, line);
  for (guint i = 0; i < RANDOM_COLUMNS; i++)
    put_random(block, i);
  if (block_random(40))
    record_block_end(block);
  else
    record_block_end_faulty(block, (gint)block_random(RANDOM_COLUMNS) - 1, "L004", g_strdup("bad"));
}

static inline RecordBlock *random_block(guint count, guint64 line, gboolean gaps) {
  RecordBlock *block = record_block_new(MAX(count, 1), random_types, RANDOM_COLUMNS);
  for (guint i = 0; i < count; i++)
    add_random(block, line += 1 + (gaps ? block_random(3) : 0));
  return block;
}

/* Record i of one is record j of the other, whatever way it came there. */
static inline void assert_same_record(const RecordBlock *a, guint i, const RecordBlock *b, guint j) {
  assert_int_equal(a->lines[i], b->lines[j]);
  for (guint column = 0; column < a->n_columns; column++) {
    assert_int_equal(record_block_is_null(a, column, i), record_block_is_null(b, column, j));
    if (a->columns[column].type == BLOCK_INTEGER) {
      assert_int_equal(record_block_integer(a, column, i), record_block_integer(b, column, j));
      continue;
    }
    gsize a_length, b_length;
    const char *a_text = record_block_text(a, column, i, &a_length),
               *b_text = record_block_text(b, column, j, &b_length);
    assert_int_equal(a_length, b_length);
    assert_memory_equal(a_text, b_text, a_length);
  }
}

static inline void assert_same_fault(const RecordBlock *a, guint i, const RecordBlock *b, guint j) {
  const BlockFault *one = record_block_fault(a, i), *other = record_block_fault(b, j);
  assert_int_equal(one != NULL, other != NULL);
  if (!one)
    return;
  assert_int_equal(one->field, other->field);
  assert_string_equal(one->code, other->code);
  assert_string_equal(one->reason, other->reason);
}
