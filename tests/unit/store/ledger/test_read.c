/* Reading a ledger: entries by every filter, odd accounts in order, while it is being written, and by index. */
#include "store/ledger/queries.sql.h"
#include "store/ledger/sort_private.h"
#include "store/db/db.h"
#include "tests/unit/store/ledger/ledger_fixture.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  GArray *ids, *lines, *amounts;
  gint64 sum;
  const char *expected_account, *expected_key;
} Seen;

static gboolean see(gpointer user, const LedgerEntry *entry) {
  Seen *seen = user;
  g_array_append_val(seen->ids, entry->id);
  g_array_append_val(seen->lines, entry->line);
  seen->sum += entry->amount;
  if (seen->expected_account)
    assert_string_equal(entry->account, seen->expected_account);
  if (seen->expected_key)
    assert_string_equal(entry->key, seen->expected_key);
  assert_string_equal(entry->business_date, "2026-11-20");
  assert_true(entry->posted_at > G_GINT64_CONSTANT(1700000000000000));
  return TRUE;
}

static guint count_entries(LedgerReader *reader, LedgerFilter filter, Seen *out) {
  Seen seen = {.ids = g_array_new(FALSE, FALSE, sizeof(gint64)),
               .lines = g_array_new(FALSE, FALSE, sizeof(guint64)),
               .expected_account = filter.account,
               .expected_key = filter.key};
  GError *error = NULL;
  if (!ledger_entries(reader, &filter, see, &seen, &error))
    fail_msg("%s", error->message);
  guint n = seen.ids->len;
  if (out)
    *out = seen;
  if (!out || n == 0) {
    g_array_unref(seen.ids);
    g_array_unref(seen.lines);
  }
  return n;
}

static void free_seen(Seen *seen) {
  g_array_unref(seen->ids);
  g_array_unref(seen->lines);
}

static void entries_are_found_by_every_filter(void **state) {
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 3);
  for (guint i = 0; i < 4; i++) {
    post_well(ledger, "f1", i + 1, numbered_block("K", i * 97, 97));
    post_well(ledger, "f2", i + 1, numbered_block("L", i * 97, 97));
    if (i == 1)
      assert_true(ledger_fold(ledger, TRUE, &error));
  }
  LedgerReader *reader = open_reader(*state);
  Seen seen;
  assert_int_equal(count_entries(reader, (LedgerFilter){0}, NULL), 776);
  assert_int_equal(count_entries(reader, (LedgerFilter){.limit = 10}, NULL), 10);
  assert_int_equal(count_entries(reader, (LedgerFilter){.file = "f1"}, NULL), 388);
  assert_int_equal(count_entries(reader, (LedgerFilter){.file = "f1", .batch = 3}, NULL), 97);
  assert_int_equal(count_entries(reader, (LedgerFilter){.file = "f1", .batch = 3, .line = 200}, NULL), 1);
  assert_int_equal(count_entries(reader, (LedgerFilter){.file = "f1", .line = 200}, NULL), 1);
  assert_int_equal(count_entries(reader, (LedgerFilter){.file = "f1", .batch = 2, .line = 200}, NULL), 0);
  assert_int_equal(count_entries(reader, (LedgerFilter){.file = "f3"}, NULL), 0);
  assert_int_equal(count_entries(reader, (LedgerFilter){.account = "M000011"}, NULL), 8);
  assert_int_equal(count_entries(reader, (LedgerFilter){.account = "M000011", .limit = 3}, NULL), 3);
  assert_int_equal(count_entries(reader, (LedgerFilter){.account = "M000011", .file = "f2"}, NULL), 4);
  assert_int_equal(count_entries(reader, (LedgerFilter){.account = "M000011", .file = "f2", .batch = 4}, NULL), 1);
  assert_int_equal(count_entries(reader, (LedgerFilter){.account = "nobody"}, NULL), 0);
  assert_int_equal(count_entries(reader, (LedgerFilter){.key = "K-00000300"}, &seen), 1);
  gint64 id = g_array_index(seen.ids, gint64, 0);
  assert_int_equal(g_array_index(seen.lines, guint64, 0), 301);
  free_seen(&seen);
  assert_int_equal(count_entries(reader, (LedgerFilter){.id = id}, &seen), 1);
  assert_int_equal(seen.sum, 300);
  free_seen(&seen);
  assert_int_equal(count_entries(reader, (LedgerFilter){.key = "K-00000300", .file = "f2"}, NULL), 0);
  assert_int_equal(count_entries(reader, (LedgerFilter){.id = id, .file = "f2"}, NULL), 0);
  assert_int_equal(count_entries(reader, (LedgerFilter){.key = "K-"}, NULL), 0);
  static const gint64 wrong[] = {1000000, -5, (gint64)77 << 56, ((gint64)1 << 56), G_MAXINT64};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_int_equal(count_entries(reader, (LedgerFilter){.id = wrong[i]}, NULL), 0);
  ledger_reader_close(reader);
  ledger_close(ledger);
}

static void every_entry_has_an_id_of_its_own(void **state) {
  Ledger *ledger = open_ledger(*state, 3);
  for (guint i = 0; i < 5; i++)
    post_well(ledger, "f1", i + 1, numbered_block("K", i * 100, 100));
  ledger_close(ledger);
  LedgerReader *reader = open_reader(*state);
  Seen seen;
  assert_int_equal(count_entries(reader, (LedgerFilter){0}, &seen), 500);
  g_autoptr(GHashTable) ids = g_hash_table_new(g_int64_hash, g_int64_equal);
  for (guint i = 0; i < 500; i++)
    assert_true(g_hash_table_add(ids, &g_array_index(seen.ids, gint64, i)));
  free_seen(&seen);
  ledger_reader_close(reader);
}

static guint64 seed = 7;
static guint random_below(guint n) {
  seed = seed * G_GUINT64_CONSTANT(6364136223846793005) + G_GUINT64_CONSTANT(1442695040888963407);
  return (guint)((seed >> 33) % n);
}

/* Accounts with long common beginnings, one the beginning of the other, empty, and with high bytes. */
static void odd_account(char *text, gsize size) {
  static const char *const beginnings[] = {"", "M", "ACCOUNT-NUMBER-", "ACCOUNT-NUMBER-0000000000", "\xe8\x80\x81"};
  guint digits = random_below(12);
  gsize at = g_strlcpy(text, beginnings[random_below(5)], size);
  for (guint i = 0; i < digits; i++)
    text[at++] = (char)('0' + random_below(3));
  text[at] = 0;
}

static void accounts_are_sorted_as_bytes_and_equal_ones_keep_their_order(void **state) {
  (void)state;
  for (guint round = 0; round < 40; round++) {
    guint n = random_below(400);
    FoldItem items[400];
    g_autoptr(GByteArray) texts = g_byte_array_new();
    g_byte_array_append(texts, (const guint8 *)"", 1);
    for (guint i = 0; i < n; i++) {
      char text[64];
      odd_account(text, sizeof text);
      items[i] = (FoldItem){.text = texts->len, .length = (guint32)strlen(text)};
      g_byte_array_append(texts, (const guint8 *)text, items[i].length);
    }
    g_autofree guint32 *order = ledger_sort_items(items, n, texts->data);
    for (guint i = 1; i < n; i++) {
      const FoldItem *a = &items[order[i - 1]], *b = &items[order[i]];
      int compared = memcmp(texts->data + a->text, texts->data + b->text, MIN(a->length, b->length));
      if (!compared)
        compared = (a->length > b->length) - (a->length < b->length);
      assert_true(compared < 0 || (compared == 0 && order[i - 1] < order[i]));
    }
  }
}

static void odd_accounts_have_exact_balances_through_folds_and_merges(void **state) {
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  guint line = 0;
  for (guint i = 0; i < 40; i++) {
    guint n = 1 + random_below(1 + 300 * (i % 3));
    RecordBlock *block = new_block(n);
    for (guint j = 0; j < n; j++) {
      char account[64], key[16];
      odd_account(account, sizeof account);
      g_snprintf(key, sizeof key, "%010u", ++line);
      add_record(block, line, key, account, (gint64)random_below(100) - 20);
      gint64 *sum = g_hash_table_lookup(sums, account);
      if (!sum)
        g_hash_table_insert(sums, g_strdup(account), sum = g_new0(gint64, 1));
      *sum += record_block_integer(block, COLUMN_AMOUNT, j);
    }
    assert_int_equal(post_well(ledger, "f", i + 1, block).posted, n);
    if (i % 4 != 3)
      assert_true(ledger_fold(ledger, TRUE, &error));
  }
  LedgerReader *reader = open_reader(*state);
  GHashTableIter iter;
  gpointer account, sum;
  g_hash_table_iter_init(&iter, sums);
  while (g_hash_table_iter_next(&iter, &account, &sum)) {
    gboolean exists;
    gint64 balance;
    guint64 entries;
    Seen seen;
    assert_true(ledger_balance(reader, account, &exists, &balance, &entries, &error));
    assert_int_equal(balance, *(gint64 *)sum);
    assert_int_equal(count_entries(reader, (LedgerFilter){.account = account}, &seen), entries);
    assert_int_equal(seen.sum, balance);
    free_seen(&seen);
  }
  assert_true(ledger_verify(reader, &error));
  ledger_reader_close(reader);
  ledger_close(ledger);
}

/* A hot account fills many blocks of a run. */
static void an_account_with_most_entries_is_read_whole(void **state) {
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 1);
  for (guint i = 0; i < 5; i++) {
    RecordBlock *block = new_block(2000);
    for (guint j = 0; j < 2000; j++) {
      char key[16], account[16];
      g_snprintf(key, sizeof key, "%010u", i * 2000 + j);
      g_snprintf(account, sizeof account, "A%04u", j);
      add_record(block, j + 1, key, j % 10 ? "A0500" : account, 1);
    }
    post_well(ledger, "f", i + 1, block);
    assert_true(ledger_fold(ledger, TRUE, &error));
  }
  assert_balance(*state, "A0500", 5 * 1801, 5 * 1801);
  assert_balance(*state, "A0490", 5, 5);
  assert_balance(*state, "A0510", 5, 5);
  assert_balance(*state, "A0000", 5, 5);
  assert_balance(*state, "A1990", 5, 5);
  assert_balance(*state, "A0501", 0, 0);
  ledger_close(ledger);
}

/* Another process posts and folds, while this one reads: each batch is seen whole within its shard, balances never go
 * back. */
static void a_reader_in_another_process_sees_consistent_balances(void **state) {
  ledger_close(open_ledger(*state, 2));
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    Ledger *ledger = open_ledger(*state, 2);
    for (guint i = 0; i < 60; i++) {
      post_well(ledger, "f", i + 1, numbered_block("K", i * 970, 970));
      if (i % 3 == 0 && !ledger_fold(ledger, TRUE, NULL))
        abort();
    }
    ledger_close(ledger);
    _exit(0);
  }
  LedgerReader *reader = open_reader(*state);
  GError *error = NULL;
  guint64 before = 0;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    gboolean exists;
    gint64 balance;
    guint64 entries;
    if (!ledger_balance(reader, "M000013", &exists, &balance, &entries, &error))
      fail_msg("%s", error->message);
    assert_true(entries >= before);
    assert_int_equal(entries % 10, 0);
    before = entries;
  }
  assert_int_equal(status, 0);
  ledger_reader_close(reader);
  assert_totals(*state, NULL, 58200, numbered_sum(0, 58200));
  assert_verified(*state);
}

static void statements_use_their_indexes(void **state) {
  /* What must stand in the plan; the words around it differ between SQLite's releases. */
  static const struct {
    const char *name, *plan;
  } expected[] = {{"overlapping", "COVERING INDEX posting_zone (min_key<?)"},
                  {"loose", "COVERING INDEX posting_loose (min_key<?)"},
                  {"all-loose", "INDEX posting_loose"},
                  {"has-key-between", "SEARCH key USING PRIMARY KEY (key>? AND key<?)"},
                  {"find-key", "SEARCH key USING PRIMARY KEY (key=?)"},
                  {"posting-of-seq", "SEARCH p USING INTEGER PRIMARY KEY (rowid<?)"},
                  {"posting-of-seq", "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"},
                  {"postings-from", "SEARCH posting USING INTEGER PRIMARY KEY (rowid>?)"},
                  {"postings-of-file", "COVERING INDEX posting_file (file=?)"},
                  {"postings-of-batch", "COVERING INDEX posting_file (file=? AND batch=?)"},
                  {"totals-of-file", "COVERING INDEX posting_file (file=?)"},
                  {"totals", "COVERING INDEX posting_file"},
                  {"run-start", "COVERING INDEX run_block_account (run=? AND min_account<?)"},
                  {"run-blocks", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
                  {"delete-run-blocks", "run_block_account (run=?)"}};
  GError *error = NULL;
  ledger_close(open_ledger(*state, 2));
  g_autofree char *path = g_build_filename(*state, "miles.ledger-0.db", NULL);
  Db *db = db_open(&(DbOptions){.path = path, .use = DB_READ}, &error);
  for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
    g_autofree char *sql = db_named(ledger_queries_sql, expected[i].name);
    g_autofree char *plan = db_plan(db, sql, &error);
    if (!plan)
      fail_msg("%s: %s", expected[i].name, error->message);
    if (!strstr(plan, expected[i].plan) || strstr(plan, "TEMP B-TREE"))
      fail_msg("%s: %s", expected[i].name, plan);
  }
  db_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      with_folder(entries_are_found_by_every_filter),
      with_folder(every_entry_has_an_id_of_its_own),
      cmocka_unit_test(accounts_are_sorted_as_bytes_and_equal_ones_keep_their_order),
      with_folder(odd_accounts_have_exact_balances_through_folds_and_merges),
      with_folder(an_account_with_most_entries_is_read_whole),
      with_folder(a_reader_in_another_process_sees_consistent_balances),
      with_folder(statements_use_their_indexes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
