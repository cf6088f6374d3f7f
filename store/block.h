/* A block of records: the unit in which records move between the layout's parser, staging, rules, ledger and feedback.
 *
 * Columns are arrays, so that a consumer touches only what it reads and a block is stored and loaded by a few copies.
 * Text, enumerations, dates and time stamps are text (UTF-8, already checked; dates as 2026-11-20, time stamps as ISO
 * 8601 with offset); integers and decimals are 64-bit integers, decimals scaled by their column (12.30 at scale 2 is
 * 1230). A record that could not be parsed has all columns null and a fault. One thread uses a block at a time; it is
 * reused. */
#pragma once
#include <glib.h>

typedef enum { BLOCK_TEXT, BLOCK_INTEGER } BlockType;

typedef struct {
  BlockType type;
  gint64 *integers; /* BLOCK_INTEGER: one per record */
  guint32 *ends;    /* BLOCK_TEXT: where record i's text ends in bytes; it begins at ends[i-1], or 0 */
  guint8 *bytes;    /* BLOCK_TEXT: all texts, one after the other */
  gsize bytes_capacity;
  guint8 *nulls; /* one per record: 1 = absent (then the integer is 0, the text empty) */
} BlockColumn;

/* Why a record was refused by the parser: what the feedback and `show` say. Codes are the layout's ("L004"), reasons
 * for people. */
typedef struct {
  guint32 record; /* index in the block */
  gint16 field;   /* column index; -1: the line as a whole */
  char code[8];
  char *reason; /* owned; never holds the value of a masked field */
} BlockFault;

typedef struct {
  guint64 first; /* ordinal of the first record in its file, from 1 */
  guint count, capacity;
  gsize text_bytes; /* of all text columns together: a writer of blocks ends one early when this has grown large */
  guint64 *lines;   /* line number in the file at which each record begins, from 1 */
  guint n_columns;
  BlockColumn *columns;
  GArray *faults; /* BlockFault, ascending by record */
} RecordBlock;

/* A block for up to `capacity` records with these columns. The caller frees. */
RecordBlock *record_block_new(guint capacity, const BlockType *types, guint n_columns);
void record_block_free(RecordBlock *block);
void record_block_clear(RecordBlock *block); /* no records; memory is kept */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecordBlock, record_block_free)

/* Appending one record: begin, one put per column in any order (a column that is not put is null, one that is put twice
 * holds the second), then end. record_block_begin doubles nothing: the caller checks record_block_has_room. The texts
 * of a column may hold 4 GiB in one block; has_room sees to it that they do not come near, for records below 1 GiB. */
guint record_block_begin(RecordBlock *block, guint64 line);
void record_block_put_text(RecordBlock *block, guint column, const void *bytes, gsize length);
/* Behind the text that the record has in this column already. */
void record_block_append_text(RecordBlock *block, guint column, const void *bytes, gsize length);
void record_block_put_null(RecordBlock *block, guint column);
void record_block_put_integer(RecordBlock *block, guint column, gint64 value);
void record_block_end(RecordBlock *block);
/* Instead of end: the record that was begun is kept with all columns null and this fault. Takes `reason`. */
void record_block_end_faulty(RecordBlock *block, gint field, const char *code, char *reason);
/* A record that has been ended gets this fault; its columns are the caller's matter. It is the last one. Takes
 * `reason`. */
void record_block_add_fault(RecordBlock *block, guint record, gint field, const char *code, char *reason);
/* This text, or number, for each of the first `n` records: they have none in this column yet. */
void record_block_fill_text(RecordBlock *block, guint column, guint n, const void *bytes, gsize length);
void record_block_fill_integer(RecordBlock *block, guint column, guint n, gint64 value);
/* The fault of a record; NULL when it has none. */
const BlockFault *record_block_fault(const RecordBlock *block, guint record);

/* Room for one more record, and not so much text yet that the block should be passed on. */
#define RECORD_BLOCK_TEXT_LIMIT ((gsize)4 << 20)
static inline gboolean record_block_has_room(const RecordBlock *block) {
  return block->count < block->capacity && block->text_bytes < RECORD_BLOCK_TEXT_LIMIT;
}

static inline gboolean record_block_is_faulty(const RecordBlock *block, guint record) {
  return block->faults->len > 0 && record_block_fault(block, record);
}

static inline const char *record_block_text(const RecordBlock *block, guint column, guint record, gsize *length) {
  const BlockColumn *c = &block->columns[column];
  guint32 start = record ? c->ends[record - 1] : 0;
  *length = c->ends[record] - start;
  return (const char *)c->bytes + start;
}
static inline gint64 record_block_integer(const RecordBlock *block, guint column, guint record) {
  return block->columns[column].integers[record];
}
static inline gboolean record_block_is_null(const RecordBlock *block, guint column, guint record) {
  return block->columns[column].nulls[record] != 0;
}
