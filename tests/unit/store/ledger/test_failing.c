/* Each statement of SQLite that is interrupted, and each allocation that fails: the ledger says AGAIN, answers nothing
 * wrong, and what was not posted is posted the next time, once. */
#include "tests/unit/store/failing_sqlite.h"
#include "store/ledger_scan.h"
#include "tests/unit/store/ledger/ledger_fixture.h"

enum { RECORDS = 60, BATCHES = 24 };

static void assert_again(const GError *error, FailingKind kind, int n) {
  if (sallyport_error_code(error) != SALLYPORT_ERROR_AGAIN)
    fail_msg("%d %d: %s", (int)kind, n, error ? error->message : "no error");
}

/* Batches whose ranges touch each other: some are found by their range, some loose, some by the table of keys. */
static void fill(const char *folder, guint shards) {
  Ledger *ledger = open_ledger(folder, shards);
  for (guint i = 0; i < BATCHES; i++) {
    RecordBlock *block = new_block(RECORDS);
    for (guint j = 0; j < RECORDS; j++) {
      g_autofree char *key = g_strdup_printf("k-%05u", i < 18 ? 100 * i + j : 37 * j + i - 18);
      g_autofree char *account = g_strdup_printf("M%02u", j % 7);
      add_record(block, j + 1, key, account, 10);
    }
    Outcome outcome = post(ledger, "f", i + 1, block, NULL);
    assert_null(outcome.error);
  }
  assert_true(ledger_fold(ledger, TRUE, NULL));
  ledger_close(ledger);
}

static gboolean count_entry(gpointer user, const LedgerEntry *entry) {
  (void)entry;
  ++*(guint *)user;
  return TRUE;
}

static gboolean wants_all(gpointer user, const char *file, GError **error) {
  (void)user, (void)file, (void)error;
  return TRUE;
}

static gboolean scan_all(const char *folder, GError **error) {
  guint shards;
  g_autofree gint64 *positions = ledger_positions(folder, "miles", &shards, error);
  if (!positions)
    return FALSE;
  g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_add(files, g_strdup("f"));
  if (!ledger_keep_posted(folder, "miles", positions, shards, files, error))
    return FALSE;
  const LedgerScanOptions options = {.folder = folder,
                                     .name = "miles",
                                     .positions = positions,
                                     .shards = shards,
                                     .from = "2026-01-01",
                                     .to = "2026-12-31",
                                     .wanted = wants_all};
  g_autoptr(LedgerScan) scan = ledger_scan_open(&options, error);
  const LedgerScanGroup *group = NULL;
  gboolean ok = scan != NULL;
  do
    ok = ok && ledger_scan_next(scan, &group, error);
  while (ok && group);
  return ok;
}

/* Everything that a reader is asked. What is answered is right. */
static gboolean read_all(const char *folder, guint entries, GError **error) {
  static const LedgerFilter filters[] = {
      {0}, {.account = "M01"}, {.key = "k-00101"}, {.file = "f", .batch = 3}, {.id = 5}, {.file = "f", .line = 7}};
  LedgerFacts facts;
  LedgerTotals totals;
  gint64 balance;
  gboolean exists, room;
  if (!ledger_facts_read(folder, "miles", &facts, error))
    return FALSE;
  LedgerReader *reader = ledger_reader_open(folder, "miles", error);
  gboolean ok = reader && ledger_balance(reader, "M01", &exists, &balance, NULL, error) &&
                ledger_has_room(reader, 5, &room, error) && ledger_totals(reader, "f", &totals, error);
  if (ok)
    assert_int_equal(totals.entries, entries);
  for (guint i = 0; i < G_N_ELEMENTS(filters) && ok; i++) {
    guint n = 0;
    ok = ledger_entries(reader, &filters[i], count_entry, &n, error);
    if (ok)
      assert_true(n > 0);
  }
  GHashTable *each = ok ? ledger_totals_between(reader, "a", "z", error) : NULL;
  ok = each && ledger_totals(reader, NULL, &totals, error) && ledger_verify(reader, error);
  if (each)
    g_hash_table_unref(each);
  ledger_reader_close(reader);
  return ok && scan_all(folder, error);
}

static guint entries_of(const char *folder) {
  LedgerReader *reader = open_reader(folder);
  LedgerTotals totals;
  assert_true(ledger_totals(reader, "f", &totals, NULL));
  ledger_reader_close(reader);
  return (guint)totals.entries;
}

static void what_cannot_be_read_is_said_so_and_never_answered_wrongly(void **state) {
  fill(*state, 2);
  guint entries = entries_of(*state), failed = 0;
  for (FailingKind kind = FAILING_STATEMENT; kind < FAILING_KINDS; kind++) {
    gboolean again = TRUE;
    for (int n = 1; again; n = failing_next(n)) {
      g_autoptr(GError) error = NULL;
      failing_arm(kind, n);
      gboolean ok = read_all(*state, entries, &error);
      again = failing_disarm();
      failed += !ok;
      if (!ok)
        assert_again(error, kind, n);
    }
  }
  assert_true(failed > 40);
}

/* One way through posting: opening, a range of its own, one that touches many, a key that is there already, folding. */
static gboolean post_all(const char *folder, GError **error) {
  static const struct {
    guint first, step;
  } batches[] = {{0, 1}, {5000, 1}, {10, 97}, {0, 1}, {11, 97}};
  Ledger *ledger = ledger_open(&(LedgerOptions){.folder = folder, .name = "miles", .shards = 1}, error);
  gboolean ok = ledger != NULL;
  for (guint i = 0; i < G_N_ELEMENTS(batches) && ok; i++) {
    RecordBlock *block = new_block(RECORDS);
    for (guint j = 0; j < RECORDS; j++) {
      g_autofree char *key = g_strdup_printf("p-%05u", batches[i].first + j * batches[i].step);
      add_record(block, j + 1, key, "M77", 1);
    }
    guint8 verdicts[RECORDS], none[RECORDS] = {0};
    ok = ledger_check_keys(ledger, "g", block, &ledger_columns, none, verdicts, error);
    Outcome outcome = post(ledger, "g", i + 1, block, NULL);
    if (outcome.error)
      g_propagate_error(ok ? error : NULL, outcome.error);
    ok = ok && !outcome.error;
  }
  ok = ok && ledger_fold(ledger, TRUE, error);
  ledger_close(ledger);
  return ok;
}

static void what_could_not_be_posted_is_posted_once_the_next_time(void **state) {
  guint failed = 0;
  gint64 whole = -1;
  for (FailingKind kind = FAILING_STATEMENT; kind < FAILING_KINDS; kind++) {
    gboolean again = TRUE;
    for (int n = 1; again; n += 1 + n / 8) {
      g_autoptr(GError) error = NULL;
      g_autofree char *folder = g_strdup_printf("%s/%d-%d", (char *)*state, (int)kind, n);
      assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
      failing_arm(kind, n);
      gboolean ok = post_all(folder, &error);
      again = failing_disarm();
      failed += !ok;
      if (!ok)
        assert_again(error, kind, n);
      g_clear_error(&error);
      if (!ok && !post_all(folder, &error))
        fail_msg("%d %d: %s", (int)kind, n, error->message);
      LedgerReader *reader = open_reader(folder);
      LedgerTotals totals;
      assert_true(ledger_totals(reader, "g", &totals, NULL));
      ledger_reader_close(reader);
      whole = whole < 0 ? (gint64)totals.entries : whole;
      assert_int_equal(totals.entries, whole);
      assert_verified(folder);
    }
  }
  assert_true(failed > 10);
}

int main(void) {
  failing_install();
  const struct CMUnitTest tests[] = {
      with_folder(what_cannot_be_read_is_said_so_and_never_answered_wrongly),
      with_folder(what_could_not_be_posted_is_posted_once_the_next_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
