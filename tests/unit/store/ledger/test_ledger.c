#include "tests/unit/store/ledger/ledger_fixture.h"
#include "store/ledger/ledger_private.h"

static void a_posted_batch_is_in_the_ledger_with_its_sums(void **state) {
  Ledger *ledger = open_ledger(*state, 0);
  LedgerResult result = post_well(ledger, "f1", 1, numbered_block("K", 0, 2500));
  assert_int_equal(result.posted, 2500);
  assert_int_equal(result.amount, numbered_sum(0, 2500));
  assert_int_equal(result.refused, 0);
  assert_totals(*state, NULL, 2500, numbered_sum(0, 2500));
  assert_totals(*state, "f1", 2500, numbered_sum(0, 2500));
  assert_totals(*state, "f2", 0, 0);
  assert_verified(*state);
  ledger_close(ledger);
  assert_totals(*state, NULL, 2500, numbered_sum(0, 2500));
  assert_verified(*state);
}

static void a_batch_posted_twice_counts_once(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  post_well(ledger, "f1", 1, numbered_block("K", 0, 1000));
  for (int i = 0; i < 3; i++) {
    LedgerResult again = post_well(ledger, "f1", 1, numbered_block("K", 0, 1000));
    assert_int_equal(again.posted, 1000);
    assert_int_equal(again.amount, numbered_sum(0, 1000));
    assert_int_equal(again.refused, 0);
  }
  ledger_close(ledger);
  ledger = open_ledger(*state, 2);
  assert_int_equal(post_well(ledger, "f1", 1, numbered_block("K", 0, 1000)).posted, 1000);
  ledger_close(ledger);
  assert_totals(*state, "f1", 1000, numbered_sum(0, 1000));
  assert_verified(*state);
}

static void a_half_posted_batch_is_completed(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  g_autofree guint8 *half = g_new0(guint8, 1000);
  for (guint i = 0; i < 1000; i++)
    half[i] = i % 3 != 0;
  assert_int_equal(post(ledger, "f1", 1, numbered_block("K", 0, 1000), half).result.posted, 334);
  LedgerResult whole = post_well(ledger, "f1", 1, numbered_block("K", 0, 1000));
  assert_int_equal(whole.posted, 1000);
  assert_int_equal(whole.amount, numbered_sum(0, 1000));
  assert_int_equal(whole.refused, 0);
  ledger_close(ledger);
  assert_totals(*state, NULL, 1000, numbered_sum(0, 1000));
  assert_verified(*state);
}

static void other_batch_limits_after_a_restart_post_nothing_twice(void **state) {
  Ledger *ledger = open_ledger(*state, 3);
  for (guint i = 0; i < 4; i++)
    post_well(ledger, "f1", i + 1, numbered_block("K", i * 500, 500));
  ledger_close(ledger);
  ledger = open_ledger(*state, 3);
  guint posted = 0;
  for (guint i = 0; i < 4; i++)
    posted += post_well(ledger, "f1", i + 1, numbered_block("K", i * 700, 700)).posted;
  assert_int_equal(posted, 2800);
  ledger_close(ledger);
  assert_totals(*state, NULL, 2800, numbered_sum(0, 2800));
  assert_verified(*state);
}

static void skipped_records_are_not_posted(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  guint8 skip[10] = {[3] = 1, [7] = 2};
  Outcome outcome = post(ledger, "f1", 1, numbered_block("K", 0, 10), skip);
  assert_null(outcome.error);
  assert_int_equal(outcome.result.posted, 8);
  assert_int_equal(outcome.result.amount, 45 - 3 - 7);
  guint8 all[10];
  memset(all, 1, sizeof all);
  outcome = post(ledger, "f1", 2, numbered_block("L", 0, 10), all);
  assert_null(outcome.error);
  assert_int_equal(outcome.result.posted, 0);
  ledger_close(ledger);
}

static void a_key_of_another_file_is_refused_in_whatever_shard_it_would_be(void **state) {
  Ledger *ledger = open_ledger(*state, 4);
  post_well(ledger, "f1", 1, numbered_block("K", 0, 200));
  for (guint i = 0; i < 50; i++) {
    RecordBlock *block = new_block(2);
    g_autofree char *account = g_strdup_printf("other-%u", i);
    add_record(block, 1, "K-00000100", account, 5);
    add_record(block, 2, "K-00000150", account, 5);
    LedgerResult result = post_well(ledger, "f2", i + 1, block);
    assert_int_equal(result.posted, 0);
    assert_int_equal(result.refused, 2);
  }
  /* The same file and another line, or another amount, is no repetition either. */
  RecordBlock *block = new_block(2);
  add_record(block, 900, "K-00000100", "M000000", 100);
  add_record(block, 151, "K-00000150", "M000000", 151);
  assert_int_equal(post_well(ledger, "f1", 9, block).refused, 2);
  ledger_close(ledger);
  assert_totals(*state, NULL, 200, numbered_sum(0, 200));
  assert_verified(*state);
}

static void of_one_key_twice_in_a_batch_the_first_counts(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  for (int again = 0; again < 2; again++) {
    RecordBlock *block = new_block(4);
    add_record(block, 1, "b", "one", 1);
    add_record(block, 2, "a", "two", 10);
    add_record(block, 3, "b", "three", 100);
    add_record(block, 4, "a", "two", 10);
    LedgerResult result = post_well(ledger, "f1", 1, block);
    assert_int_equal(result.posted, 2);
    assert_int_equal(result.amount, 11);
    assert_int_equal(result.refused, 2);
  }
  ledger_close(ledger);
  assert_verified(*state);
}

static void a_record_without_key_account_or_amount_is_refused(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  RecordBlock *block = new_block(4);
  add_record(block, 1, NULL, "one", 1);
  add_record(block, 2, "k2", NULL, 1);
  record_block_begin(block, 3);
  record_block_put_text(block, COLUMN_KEY, "k3", 2);
  record_block_put_text(block, COLUMN_ACCOUNT, "one", 3);
  record_block_end(block);
  add_record(block, 4, "", "", 7);
  LedgerResult result = post_well(ledger, "f1", 1, block);
  assert_int_equal(result.posted, 1);
  assert_int_equal(result.refused, 3);
  ledger_close(ledger);
  assert_verified(*state);
}

static void keys_are_judged_against_all_other_files(void **state) {
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  post_well(ledger, "f1", 1, numbered_block("K", 0, 100));
  g_autoptr(RecordBlock) block = new_block(4);
  g_autofree char *real = g_strdup_printf("M%06u", 5u * 7919 % 97);
  add_record(block, 1, "K-00000005", real, 5);
  add_record(block, 2, "K-00000006", "elsewhere", 6);
  add_record(block, 3, "K-00000007", real, 700);
  add_record(block, 4, "K-00000100", real, 1);
  guint8 verdicts[4], skip[4] = {0, 1, 0, 0};
  assert_true(ledger_check_keys(ledger, "f2", block, &ledger_columns, NULL, verdicts, &error));
  assert_int_equal(verdicts[0], LEDGER_KEY_POSTED);
  assert_int_equal(verdicts[1], LEDGER_KEY_CONFLICT);
  assert_int_equal(verdicts[2], LEDGER_KEY_CONFLICT);
  assert_int_equal(verdicts[3], LEDGER_KEY_NEW);
  assert_true(ledger_check_keys(ledger, "f2", block, &ledger_columns, skip, verdicts, &error));
  assert_int_equal(verdicts[1], LEDGER_KEY_NEW);
  assert_true(ledger_check_keys(ledger, "f1", block, &ledger_columns, NULL, verdicts, &error));
  for (int i = 0; i < 4; i++)
    assert_int_equal(verdicts[i], LEDGER_KEY_NEW);
  ledger_close(ledger);
}

static void numbers_serve_as_keys_and_accounts(void **state) {
  static const BlockType types[] = {BLOCK_INTEGER, BLOCK_INTEGER, BLOCK_TEXT};
  GError *error = NULL;
  LedgerColumns columns = {.key = 0, .account = 0, .amount = 1, .business_date = 2};
  Ledger *ledger = open_ledger(*state, 2);
  LedgerBatch *batch = ledger_batch_new();
  batch->file = g_strdup("f1");
  batch->batch = 1;
  batch->columns = columns;
  batch->block = record_block_new(2, types, 3);
  for (gint64 i = 0; i < 2; i++) {
    record_block_begin(batch->block, (guint64)i + 1);
    record_block_put_integer(batch->block, 0, -8 + i);
    record_block_put_integer(batch->block, 1, 50);
    record_block_put_text(batch->block, 2, "2026-01-02", 10);
    record_block_end(batch->block);
  }
  Outcome outcome;
  outcome_init(&outcome);
  ledger_submit(ledger, batch, note_outcome, &outcome);
  wait_outcome(&outcome);
  assert_null(outcome.error);
  assert_int_equal(outcome.result.posted, 2);
  assert_balance(*state, "-8", 50, 1);
  g_autoptr(RecordBlock) block = record_block_new(1, types, 3);
  record_block_begin(block, 1);
  record_block_put_integer(block, 0, -7);
  record_block_put_integer(block, 1, 50);
  record_block_end(block);
  guint8 verdict;
  assert_true(ledger_check_keys(ledger, "f2", block, &columns, NULL, &verdict, &error));
  assert_int_equal(verdict, LEDGER_KEY_POSTED);
  ledger_close(ledger);
}

static void a_balance_is_exact_before_between_and_after_folds(void **state) {
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  gint64 balance = 0;
  guint64 entries = 0;
  for (guint round = 0; round < 6; round++) {
    g_autofree char *prefix = g_strdup_printf("R%u", round);
    post_well(ledger, prefix, 1, numbered_block(prefix, 0, 970));
    for (guint i = 0; i < 970; i++)
      if (i * 7919 % 97 == 42) {
        balance += i;
        entries++;
      }
    assert_balance(*state, "M000042", balance, entries);
    if (round % 2)
      assert_true(ledger_fold(ledger, TRUE, &error));
    assert_balance(*state, "M000042", balance, entries);
    assert_balance(*state, "nobody", 0, 0);
    assert_verified(*state);
  }
  ledger_close(ledger);
  assert_balance(*state, "M000042", balance, entries);
  assert_verified(*state);
}

static void many_small_folds_stay_exact(void **state) {
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  for (guint i = 0; i < 60; i++) {
    post_well(ledger, "f", i + 1, numbered_block("K", i * 97, 97));
    assert_true(ledger_fold(ledger, TRUE, &error));
  }
  LedgerReader *reader = open_reader(*state);
  for (guint account = 0; account < 97; account++) {
    g_autofree char *name = g_strdup_printf("M%06u", account);
    gboolean exists;
    gint64 balance, expected = 0;
    guint64 entries;
    for (guint i = 0; i < 60 * 97; i++)
      expected += i * 7919 % 97 == account ? i : 0;
    assert_true(ledger_balance(reader, name, &exists, &balance, &entries, &error));
    assert_int_equal(balance, expected);
    assert_int_equal(entries, 60);
  }
  assert_true(ledger_verify(reader, &error));
  ledger_reader_close(reader);
  ledger_close(ledger);
}

static void a_balance_beyond_64_bits_posts_nothing_of_its_batch(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  RecordBlock *block = new_block(1);
  add_record(block, 1, "k1", "rich", G_MAXINT64);
  assert_int_equal(post_well(ledger, "f1", 1, block).posted, 1);
  block = new_block(12);
  for (guint i = 0; i < 11; i++) {
    g_autofree char *key = g_strdup_printf("p%u", i);
    add_record(block, i + 1, key, key, 1);
  }
  add_record(block, 12, "p-last", "rich", 1);
  LedgerResult result = post_well(ledger, "f2", 1, block);
  assert_true(result.overflow);
  assert_int_equal(result.posted, 0);
  assert_totals(*state, "f2", 0, 0);
  /* Others go on, and what brings the balance back into its range is posted. */
  block = new_block(2);
  add_record(block, 1, "q1", "poor", -5);
  add_record(block, 2, "q2", "rich", -5);
  result = post_well(ledger, "f3", 1, block);
  assert_false(result.overflow);
  assert_int_equal(result.posted, 2);
  assert_balance(*state, "rich", G_MAXINT64 - 5, 2);
  ledger_close(ledger);
  ledger = open_ledger(*state, 2);
  block = new_block(1);
  add_record(block, 1, "r1", "rich", 6);
  assert_true(post_well(ledger, "f4", 1, block).overflow);
  block = new_block(1);
  add_record(block, 1, "r2", "rich", 5);
  assert_int_equal(post_well(ledger, "f5", 1, block).posted, 1);
  assert_balance(*state, "rich", G_MAXINT64, 3);
  assert_verified(*state);
  ledger_close(ledger);
}

static gboolean reader_has_room(void **state, gint64 moved) {
  LedgerReader *reader = open_reader(*state);
  gboolean has_room;
  assert_true(ledger_has_room(reader, moved, &has_room, NULL));
  ledger_reader_close(reader);
  return has_room;
}

static void what_is_promised_and_posted_together_leaves_room_for_no_more_than_64_bits(void **state) {
  enum { POSTED = 1000 };
  Ledger *ledger = open_ledger(*state, 2);
  RecordBlock *block = new_block(1);
  add_record(block, 1, "k1", "one", -POSTED);
  post_well(ledger, "f0", 1, block);
  gint64 room = G_MAXINT64 - 1 - POSTED;
  assert_false(ledger_promise(ledger, "f1", room + 1));
  assert_true(ledger_promise(ledger, "f1", room));
  assert_true(ledger_promise(ledger, "f1", room)); /* its own does not count twice */
  assert_false(ledger_promise(ledger, "f2", 1));
  assert_true(ledger_promise(ledger, "f1", room - 1));
  assert_true(ledger_promise(ledger, "f2", 1));
  ledger_forget_promise(ledger, "f1");
  assert_true(ledger_promise(ledger, "f3", room - 1));
  assert_false(ledger_promise(ledger, "f3", G_MAXINT64)); /* one that is refused is gone, too */
  assert_true(ledger_promise(ledger, "f4", room - 1));
  assert_true(reader_has_room(state, room));
  assert_false(reader_has_room(state, room + 1));
  ledger_close(ledger);
}

static void totals_of_files_are_told_at_once_and_may_leave_64_bits(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  static const char *const files[] = {"fa", "fb", "fc", "fd"};
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    RecordBlock *block = new_block(3);
    for (guint j = 0; j < 3; j++) {
      g_autofree char *key = g_strdup_printf("%s-%u", files[i], j), *account = g_strdup_printf("m%u-%u", i, j);
      add_record(block, j + 1, key, account, j == 0 ? 5 : i == 3 ? -7 : G_MAXINT64 / 3);
    }
    post_well(ledger, files[i], 1, block);
  }
  ledger_close(ledger);
  LedgerReader *reader = open_reader(*state);
  GHashTable *totals = ledger_totals_between(reader, "fb", "fd", NULL);
  assert_non_null(totals);
  assert_int_equal(g_hash_table_size(totals), 3);
  const LedgerTotals *b = g_hash_table_lookup(totals, "fb"), *d = g_hash_table_lookup(totals, "fd");
  assert_int_equal(b->entries, 3);
  assert_true(b->amount == 5 + 2 * (Wide)(G_MAXINT64 / 3));
  assert_int_equal(d->entries, 3);
  assert_true(d->amount == -9);
  g_hash_table_unref(totals);
  LedgerTotals all;
  assert_true(ledger_totals(reader, NULL, &all, NULL));
  assert_int_equal(all.entries, 12);
  assert_true(all.amount == 15 - 9 + 5 + 6 * (Wide)(G_MAXINT64 / 3) - 5 && all.amount > G_MAXINT64);
  ledger_reader_close(reader);
}

static void a_batch_whose_amounts_leave_64_bits_is_an_overflow(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  RecordBlock *block = new_block(2);
  add_record(block, 1, "k1", "one", G_MAXINT64);
  add_record(block, 2, "k2", "two", 1);
  LedgerResult result = post_well(ledger, "f1", 1, block);
  assert_true(result.overflow);
  block = new_block(1);
  add_record(block, 1, "k1", "one", G_MININT64);
  assert_true(post_well(ledger, "f1", 1, block).overflow);
  assert_totals(*state, NULL, 0, 0);
  ledger_close(ledger);
}

static void another_number_of_shards_is_a_configuration_error(void **state) {
  g_autoptr(GError) error = NULL;
  ledger_close(open_ledger(*state, 3));
  assert_null(ledger_open(&(LedgerOptions){.folder = *state, .name = "miles", .shards = 2}, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  ledger_close(open_ledger(*state, 3));
}

static Ledger *open_with_scale(const char *folder, guint scale, GError **error) {
  return ledger_open(&(LedgerOptions){.folder = folder, .name = "miles", .shards = 2, .scale = scale}, error);
}

static void a_ledger_keeps_its_scale_from_its_first_entry_on(void **state) {
  g_autoptr(GError) error = NULL;
  LedgerFacts facts;
  ledger_close(open_with_scale(*state, 3, NULL));
  Ledger *ledger = open_with_scale(*state, 0, &error); /* nothing is credited yet */
  assert_non_null(ledger);
  post_well(ledger, "f1", 1, numbered_block("k", 1, 3));
  ledger_close(ledger);
  assert_null(open_with_scale(*state, 2, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  assert_non_null(strstr(error->message, "amounts have 0 decimals, and the configuration says 2"));
  g_clear_error(&error);
  assert_true(ledger_facts_read(*state, "miles", &facts, &error));
  assert_true(facts.has_scale);
  assert_int_equal(facts.scale, 0);
  assert_int_equal(facts.shards, 2);
  assert_int_equal(facts.entries, 3);
}

static void amounts_of_another_scale_are_neither_posted_nor_compared(void **state) {
  g_autoptr(GError) error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  RecordBlock *block = numbered_block("k", 1, 3);
  LedgerColumns columns = {
      .account = COLUMN_ACCOUNT, .amount = COLUMN_AMOUNT, .key = COLUMN_KEY, .business_date = -1, .scale = 2};
  guint8 verdicts[3];
  assert_false(ledger_check_keys(ledger, "f1", block, &columns, NULL, verdicts, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  record_block_free(block);
  ledger_close(ledger);
}

static void set_scale(const char *folder, guint shard, const char *value) {
  g_autofree char *path = ledger_shard_path(folder, "miles", shard);
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE}, NULL);
  if (value)
    assert_true(ledger_fact_set(db, "scale", value, NULL));
  else
    assert_true(db_run(db, "DELETE FROM ledger WHERE name = 'scale'", NULL));
  db_close(db);
}

static void a_ledger_of_a_program_that_kept_no_scale_takes_it_when_it_is_opened(void **state) {
  g_autoptr(GError) error = NULL;
  LedgerFacts facts;
  Ledger *ledger = open_ledger(*state, 2);
  post_well(ledger, "f1", 1, numbered_block("k", 1, 3));
  ledger_close(ledger);
  set_scale(*state, 0, NULL);
  set_scale(*state, 1, NULL);
  assert_true(ledger_facts_read(*state, "miles", &facts, &error));
  assert_false(facts.has_scale);
  ledger = open_with_scale(*state, 2, &error);
  assert_non_null(ledger);
  ledger_close(ledger);
  assert_null(open_with_scale(*state, 0, &error));
}

static void shards_of_different_scales_are_found(void **state) {
  g_autoptr(GError) error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  post_well(ledger, "f1", 1, numbered_block("k", 1, 30));
  ledger_close(ledger);
  set_scale(*state, 1, "2");
  LedgerReader *reader = open_reader(*state);
  assert_false(ledger_verify(reader, &error));
  assert_non_null(strstr(error->message, "shard 1 has another scale than shard 0"));
  ledger_reader_close(reader);
}

static void a_ledger_is_open_once(void **state) {
  g_autoptr(GError) error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  assert_null(ledger_open(&(LedgerOptions){.folder = *state, .name = "miles"}, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
  ledger_close(ledger);
  ledger_close(open_ledger(*state, 2));
}

static void a_missing_shard_is_never_made_again(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  post_well(ledger, "f1", 1, numbered_block("K", 0, 100));
  ledger_close(ledger);
  for (int i = 0; i < 2; i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *away = g_strdup_printf("mv '%s'/miles.ledger-%d.db '%s'/away", (char *)*state, i, (char *)*state);
    g_autofree char *back = g_strdup_printf("mv '%s'/away '%s'/miles.ledger-%d.db", (char *)*state, (char *)*state, i);
    assert_int_equal(system(away), 0);
    for (int again = 0; again < 2; again++) {
      assert_null(ledger_open(&(LedgerOptions){.folder = *state, .name = "miles"}, &error));
      assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
      g_clear_error(&error);
      assert_null(ledger_reader_open(*state, "miles", &error));
      g_clear_error(&error);
    }
    assert_int_equal(system(back), 0);
  }
  ledger_close(open_ledger(*state, 2));
  assert_totals(*state, NULL, 100, numbered_sum(0, 100));
}

static void a_ledger_that_is_not_there_has_no_reader(void **state) {
  g_autoptr(GError) error = NULL;
  assert_null(ledger_reader_open(*state, "miles", &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      with_folder(a_posted_batch_is_in_the_ledger_with_its_sums),
      with_folder(a_batch_posted_twice_counts_once),
      with_folder(a_half_posted_batch_is_completed),
      with_folder(other_batch_limits_after_a_restart_post_nothing_twice),
      with_folder(skipped_records_are_not_posted),
      with_folder(a_key_of_another_file_is_refused_in_whatever_shard_it_would_be),
      with_folder(of_one_key_twice_in_a_batch_the_first_counts),
      with_folder(a_record_without_key_account_or_amount_is_refused),
      with_folder(keys_are_judged_against_all_other_files),
      with_folder(numbers_serve_as_keys_and_accounts),
      with_folder(a_balance_is_exact_before_between_and_after_folds),
      with_folder(many_small_folds_stay_exact),
      with_folder(a_balance_beyond_64_bits_posts_nothing_of_its_batch),
      with_folder(what_is_promised_and_posted_together_leaves_room_for_no_more_than_64_bits),
      with_folder(totals_of_files_are_told_at_once_and_may_leave_64_bits),
      with_folder(a_batch_whose_amounts_leave_64_bits_is_an_overflow),
      with_folder(another_number_of_shards_is_a_configuration_error),
      with_folder(a_ledger_keeps_its_scale_from_its_first_entry_on),
      with_folder(amounts_of_another_scale_are_neither_posted_nor_compared),
      with_folder(a_ledger_of_a_program_that_kept_no_scale_takes_it_when_it_is_opened),
      with_folder(shards_of_different_scales_are_found),
      with_folder(a_ledger_is_open_once),
      with_folder(a_missing_shard_is_never_made_again),
      with_folder(a_ledger_that_is_not_there_has_no_reader),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
