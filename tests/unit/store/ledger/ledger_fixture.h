/* A ledger in a folder of its own, batches made by hand, and posting that waits for its result. */
#pragma once
#include "store/ledger.h"
#include "tests/unit/folder.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { COLUMN_ACCOUNT, COLUMN_AMOUNT, COLUMN_KEY, COLUMN_DATE, COLUMNS };
static const LedgerColumns ledger_columns = {
    .account = COLUMN_ACCOUNT, .amount = COLUMN_AMOUNT, .key = COLUMN_KEY, .business_date = -1};

#define with_folder(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

static inline Ledger *open_ledger(const char *folder, guint shards) {
  GError *error = NULL;
  Ledger *ledger = ledger_open(&(LedgerOptions){.folder = folder, .name = "miles", .shards = shards}, &error);
  if (!ledger)
    fail_msg("ledger_open: %s", error->message);
  return ledger;
}

static inline LedgerReader *open_reader(const char *folder) {
  GError *error = NULL;
  LedgerReader *reader = ledger_reader_open(folder, "miles", &error);
  if (!reader)
    fail_msg("ledger_reader_open: %s", error->message);
  return reader;
}

static inline RecordBlock *new_block(guint capacity) {
  static const BlockType types[COLUMNS] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT, BLOCK_TEXT};
  return record_block_new(capacity, types, COLUMNS);
}

static inline void add_record(RecordBlock *block, guint64 line, const char *key, const char *account, gint64 amount) {
  record_block_begin(block, line);
  if (key)
    record_block_put_text(block, COLUMN_KEY, key, strlen(key));
  if (account)
    record_block_put_text(block, COLUMN_ACCOUNT, account, strlen(account));
  record_block_put_integer(block, COLUMN_AMOUNT, amount);
  record_block_end(block);
}

/* Records first … first+count-1 of a file: keys PREFIX-number, 97 accounts, amount = number. */
static inline RecordBlock *numbered_block(const char *prefix, guint first, guint count) {
  RecordBlock *block = new_block(MAX(count, 1));
  for (guint i = first; i < first + count; i++) {
    g_autofree char *key = g_strdup_printf("%s-%08u", prefix, i);
    g_autofree char *account = g_strdup_printf("M%06u", i * 7919 % 97);
    add_record(block, i + 1, key, account, i);
  }
  return block;
}

static inline gint64 numbered_sum(guint first, guint count) {
  gint64 sum = 0;
  for (guint i = first; i < first + count; i++)
    sum += i;
  return sum;
}

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean done;
  LedgerResult result;
  GError *error;
} Outcome;

static inline void outcome_init(Outcome *outcome) {
  *outcome = (Outcome){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static inline void note_outcome(gpointer user, const LedgerBatch *batch, const LedgerResult *result,
                                const GError *error) {
  (void)batch;
  Outcome *outcome = user;
  pthread_mutex_lock(&outcome->lock);
  outcome->result = *result;
  outcome->error = error ? g_error_copy(error) : NULL;
  outcome->done = TRUE;
  pthread_cond_signal(&outcome->changed);
  pthread_mutex_unlock(&outcome->lock);
}

static inline void wait_outcome(Outcome *outcome) {
  pthread_mutex_lock(&outcome->lock);
  while (!outcome->done)
    pthread_cond_wait(&outcome->changed, &outcome->lock);
  pthread_mutex_unlock(&outcome->lock);
}

/* Takes the block; `skip` is copied. */
static inline void submit(Ledger *ledger, const char *file, guint number, RecordBlock *block, const guint8 *skip,
                          Outcome *outcome) {
  LedgerBatch *batch = ledger_batch_new();
  batch->file = g_strdup(file);
  batch->batch = number;
  batch->business_date = g_strdup("2026-11-20");
  batch->columns = ledger_columns;
  batch->block = block;
  if (skip) {
    batch->skip = g_new(guint8, MAX(block->count, 1));
    memcpy(batch->skip, skip, block->count);
  }
  outcome_init(outcome);
  ledger_submit(ledger, batch, note_outcome, outcome);
}

static inline Outcome post(Ledger *ledger, const char *file, guint number, RecordBlock *block, const guint8 *skip) {
  Outcome outcome;
  submit(ledger, file, number, block, skip, &outcome);
  wait_outcome(&outcome);
  return outcome;
}

static inline LedgerResult post_well(Ledger *ledger, const char *file, guint number, RecordBlock *block) {
  Outcome outcome = post(ledger, file, number, block, NULL);
  if (outcome.error)
    fail_msg("posting: %s", outcome.error->message);
  return outcome.result;
}

static inline void assert_balance(const char *folder, const char *account, gint64 expected, guint64 expected_entries) {
  LedgerReader *reader = open_reader(folder);
  gboolean exists;
  gint64 balance;
  guint64 entries;
  GError *error = NULL;
  if (!ledger_balance(reader, account, &exists, &balance, &entries, &error))
    fail_msg("ledger_balance: %s", error->message);
  assert_int_equal(balance, expected);
  assert_int_equal(entries, expected_entries);
  assert_int_equal(exists, expected_entries > 0);
  ledger_reader_close(reader);
}

static inline void assert_totals(const char *folder, const char *file, guint64 expected_entries, gint64 expected) {
  LedgerReader *reader = open_reader(folder);
  LedgerTotals totals;
  GError *error = NULL;
  if (!ledger_totals(reader, file, &totals, &error))
    fail_msg("ledger_totals: %s", error->message);
  assert_int_equal(totals.entries, expected_entries);
  assert_true(totals.amount == expected);
  ledger_reader_close(reader);
}

static inline void assert_verified(const char *folder) {
  LedgerReader *reader = open_reader(folder);
  GError *error = NULL;
  if (!ledger_verify(reader, &error))
    fail_msg("ledger_verify: %s", error->message);
  ledger_reader_close(reader);
}
