/* The stream of a day's entries: its order, its dates, its end at fixed positions, and going on behind any entry. */
#include "store/ledger_scan.h"
#include "store/ledger/queries.sql.h"
#include "store/db/db.h"
#include "tests/unit/store/ledger/ledger_fixture.h"

typedef struct {
  const char *folder, *from, *to;
  const gint64 *positions;
  guint shards;
  const char *file;
  guint batch;
  guint64 line;
  const char *unwanted;
} Asked;

static gboolean is_wanted(gpointer user, const char *file, GError **error) {
  (void)error;
  return strcmp(file, ((const Asked *)user)->unwanted) != 0;
}

/* "FILE/BATCH:LINE=KEY " of every entry, in the order in which they come. */
static char *scan(const Asked *asked) {
  GError *error = NULL;
  GString *text = g_string_new(NULL);
  LedgerScanOptions options = {.folder = asked->folder,
                               .name = "miles",
                               .positions = asked->positions,
                               .shards = asked->shards,
                               .from = asked->from,
                               .to = asked->to,
                               .after_file = asked->file,
                               .after_batch = asked->batch,
                               .after_line = asked->line,
                               .wanted = asked->unwanted ? is_wanted : NULL,
                               .user = (gpointer)asked};
  g_autoptr(LedgerScan) stream = ledger_scan_open(&options, &error);
  if (!stream)
    fail_msg("%s", error->message);
  for (const LedgerScanGroup *group;;) {
    if (!ledger_scan_next(stream, &group, &error))
      fail_msg("%s", error->message);
    if (!group)
      break;
    for (guint i = 0; i < group->n; i++) {
      const LedgerScanPosting *posting = &group->postings[group->entries[i].posting];
      gsize length;
      const char *key = record_block_text(posting->block, LEDGER_SCAN_KEY, group->entries[i].record, &length);
      g_string_append_printf(text, "%s/%u:%" G_GUINT64_FORMAT "=%.*s ", group->file, group->batch,
                             posting->block->lines[group->entries[i].record], (int)length, key);
    }
  }
  return g_string_free(text, FALSE);
}

static gint64 *positions(const char *folder, guint *shards) {
  GError *error = NULL;
  gint64 *all = ledger_positions(folder, "miles", shards, &error);
  if (!all)
    fail_msg("%s", error->message);
  return all;
}

static void post_dated(Ledger *ledger, const char *file, guint number, const char *day, RecordBlock *block,
                       gboolean own) {
  LedgerBatch *batch = ledger_batch_new();
  Outcome outcome;
  batch->file = g_strdup(file);
  batch->batch = number;
  batch->business_date = g_strdup(day);
  batch->columns = ledger_columns;
  batch->columns.business_date = own ? COLUMN_DATE : -1;
  batch->block = block;
  outcome_init(&outcome);
  ledger_submit(ledger, batch, note_outcome, &outcome);
  wait_outcome(&outcome);
  assert_null(outcome.error);
  assert_int_equal(outcome.result.refused, 0);
}

static RecordBlock *dated_block(const char *prefix, guint count, const char *const *dates) {
  RecordBlock *block = new_block(count);
  for (guint i = 0; i < count; i++) {
    g_autofree char *key = g_strdup_printf("%s%u", prefix, i), *account = g_strdup_printf("M%u", i);
    record_block_begin(block, i + 2);
    record_block_put_text(block, COLUMN_KEY, key, strlen(key));
    record_block_put_text(block, COLUMN_ACCOUNT, account, strlen(account));
    record_block_put_integer(block, COLUMN_AMOUNT, i + 1);
    if (dates[i])
      record_block_put_text(block, COLUMN_DATE, dates[i], strlen(dates[i]));
    record_block_end(block);
  }
  return block;
}

static void entries_come_by_file_and_line_whatever_shard_they_are_in(void **state) {
  Ledger *ledger = open_ledger(*state, 3);
  post_dated(ledger, "b", 1, "2026-11-20", numbered_block("B", 0, 40), FALSE);
  post_dated(ledger, "a", 2, "2026-11-20", numbered_block("A", 40, 40), FALSE);
  post_dated(ledger, "a", 1, "2026-11-20", numbered_block("A", 0, 40), FALSE);
  post_dated(ledger, "c", 1, "2026-11-21", numbered_block("C", 0, 40), FALSE);
  guint shards;
  g_autofree gint64 *all = positions(*state, &shards);
  g_autoptr(GString) expected = g_string_new(NULL);
  for (guint i = 0; i < 80; i++)
    g_string_append_printf(expected, "a/%u:%u=A-%08u ", i / 40 + 1, i + 1, i);
  for (guint i = 0; i < 40; i++)
    g_string_append_printf(expected, "b/1:%u=B-%08u ", i + 1, i);
  g_autofree char *seen = scan(
      &(Asked){.folder = *state, .from = "2026-11-20", .to = "2026-11-20", .positions = all, .shards = shards});
  assert_string_equal(seen, expected->str);
  g_autofree char *without = scan(&(Asked){
      .folder = *state, .from = "2026-11-20", .to = "2026-11-20", .positions = all, .shards = shards, .unwanted = "a"});
  assert_string_equal(without, strstr(expected->str, "b/1:1="));
  g_autofree char *month = scan(
      &(Asked){.folder = *state, .from = "2026-11-01", .to = "2026-11-30", .positions = all, .shards = shards});
  assert_true(g_str_has_prefix(month, expected->str));
  assert_non_null(strstr(month, "c/1:40=C-00000039 "));
  ledger_close(ledger);
}

static void reading_goes_on_behind_any_entry(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  for (guint i = 0; i < 4; i++)
    post_dated(ledger, "f", i + 1, "2026-11-20", numbered_block("K", i * 7, 7), FALSE);
  guint shards;
  g_autofree gint64 *all = positions(*state, &shards);
  Asked asked = {.folder = *state, .from = "2026-11-20", .to = "2026-11-20", .positions = all, .shards = shards};
  g_autofree char *whole = scan(&asked);
  for (guint line = 1; line <= 28; line++) {
    asked.file = "f";
    asked.batch = (line - 1) / 7 + 1;
    asked.line = line;
    g_autofree char *rest = scan(&asked), *first = g_strdup_printf("f/%u:%u=", line / 7 + 1, line + 1);
    assert_string_equal(rest, line < 28 ? strstr(whole, first) : "");
  }
  ledger_close(ledger);
}

static void what_is_posted_behind_the_positions_is_not_read(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  post_dated(ledger, "f", 1, "2026-11-20", numbered_block("A", 0, 20), FALSE);
  guint shards;
  g_autofree gint64 *before = positions(*state, &shards);
  Asked asked = {.folder = *state, .from = "2026-11-20", .to = "2026-11-20", .positions = before, .shards = shards};
  g_autofree char *first = scan(&asked);
  post_dated(ledger, "e", 1, "2026-11-20", numbered_block("B", 0, 20), FALSE);
  post_dated(ledger, "f", 2, "2026-11-20", numbered_block("C", 20, 20), FALSE);
  g_autofree char *again = scan(&asked);
  assert_string_equal(first, again);
  g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GError *error = NULL;
  g_hash_table_add(files, g_strdup("e"));
  g_hash_table_add(files, g_strdup("f"));
  assert_true(ledger_keep_posted(*state, "miles", before, shards, files, &error));
  assert_int_equal(g_hash_table_size(files), 1);
  assert_true(g_hash_table_contains(files, "f"));
  ledger_close(ledger);
}

static void entries_with_dates_of_their_own_are_found_by_these(void **state) {
  static const char *const alike[] = {"2026-11-19", "2026-11-19", "2026-11-19"}, *const mixed[] = {"2026-11-19",
                                                                                                   "2026-11-20", NULL,
                                                                                                   "2026-12-01"};
  Ledger *ledger = open_ledger(*state, 2);
  post_dated(ledger, "a", 1, "2026-11-20", dated_block("A", 3, alike), TRUE);
  post_dated(ledger, "b", 1, "2026-11-20", dated_block("B", 4, mixed), TRUE);
  guint shards;
  g_autofree gint64 *all = positions(*state, &shards);
  g_autofree char *the19th = scan(
      &(Asked){.folder = *state, .from = "2026-11-19", .to = "2026-11-19", .positions = all, .shards = shards});
  assert_string_equal(the19th, "a/1:2=A0 a/1:3=A1 a/1:4=A2 b/1:2=B0 ");
  g_autofree char *the20th = scan(
      &(Asked){.folder = *state, .from = "2026-11-20", .to = "2026-11-20", .positions = all, .shards = shards});
  assert_string_equal(the20th, "b/1:3=B1 b/1:4=B2 ");
  g_autofree char *december = scan(
      &(Asked){.folder = *state, .from = "2026-12-01", .to = "2026-12-31", .positions = all, .shards = shards});
  assert_string_equal(december, "b/1:5=B3 ");
  ledger_close(ledger);
}

static void a_day_is_found_by_index_in_the_order_of_the_stream(void **state) {
  ledger_close(open_ledger(*state, 1));
  g_autofree char *path = g_strdup_printf("%s/miles.ledger-0.db", (char *)*state),
                  *sql = db_named(ledger_queries_sql, "scan-day");
  GError *error = NULL;
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_READ}, &error);
  g_autofree char *plan = db_plan(db, sql, &error);
  assert_non_null(strstr(plan, "posting_date"));
  assert_null(strstr(plan, "TEMP B-TREE"));
  db_close(db);
}

/* Version 1 of the schema had neither the index nor the column. */
static const char version_1[] =
    "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; BEGIN;"
    "DROP INDEX posting_date; DROP INDEX posting_file; DROP INDEX posting_zone; DROP INDEX posting_loose;"
    "ALTER TABLE posting RENAME TO newer;"
    "CREATE TABLE posting(first INTEGER PRIMARY KEY, file TEXT NOT NULL, batch INTEGER NOT NULL, business_date TEXT, "
    "posted_at INTEGER NOT NULL,"
    " count INTEGER NOT NULL, amount INTEGER NOT NULL, gross INTEGER NOT NULL, min_key TEXT NOT NULL, max_key TEXT NOT "
    "NULL, zone INTEGER NOT NULL);"
    "INSERT INTO posting SELECT first, file, batch, business_date, posted_at, count, amount, gross, min_key, max_key, "
    "zone FROM newer;"
    "DROP TABLE newer;"
    "CREATE INDEX posting_file ON posting(file, batch, count, amount);"
    "CREATE INDEX posting_zone ON posting(min_key, max_key, zone) WHERE zone = 0;"
    "CREATE INDEX posting_loose ON posting(min_key, max_key, zone) WHERE zone = 2;"
    "COMMIT; PRAGMA user_version = 1";

static void a_ledger_of_the_version_before_is_brought_up_to_date_and_read(void **state) {
  Ledger *ledger = open_ledger(*state, 1);
  post_dated(ledger, "a", 1, "2026-11-20", numbered_block("A", 0, 5), FALSE);
  ledger_close(ledger);
  g_autofree char *path = g_strdup_printf("%s/miles.ledger-0.db", (char *)*state);
  GError *error = NULL;
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE}, &error);
  if (!db_run(db, version_1, &error))
    fail_msg("%s", error->message);
  db_close(db);
  ledger = open_ledger(*state, 1);
  post_dated(ledger, "b", 1, "2026-11-20", numbered_block("B", 0, 1), FALSE);
  guint shards;
  g_autofree gint64 *all = positions(*state, &shards);
  g_autofree char *seen = scan(
      &(Asked){.folder = *state, .from = "2026-11-20", .to = "2026-11-20", .positions = all, .shards = shards});
  assert_string_equal(
      seen, "a/1:1=A-00000000 a/1:2=A-00000001 a/1:3=A-00000002 a/1:4=A-00000003 a/1:5=A-00000004 b/1:1=B-00000000 ");
  ledger_close(ledger);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      with_folder(entries_come_by_file_and_line_whatever_shard_they_are_in),
      with_folder(reading_goes_on_behind_any_entry),
      with_folder(what_is_posted_behind_the_positions_is_not_read),
      with_folder(entries_with_dates_of_their_own_are_found_by_these),
      with_folder(a_day_is_found_by_index_in_the_order_of_the_stream),
      with_folder(a_ledger_of_the_version_before_is_brought_up_to_date_and_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
