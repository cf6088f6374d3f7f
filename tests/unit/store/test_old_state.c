/* The state that the build of af36c8b made (tests/corpus/state-af36c8b), room by room. */
#include "store/block.h"
#include "store/book_recon.h"
#include "store/ledger.h"
#include "store/staging.h"
#include "tests/unit/store/book/book_fixture.h"

typedef struct {
  char *folder, *book, *tip, *lane, *staged;
} OldState;

static int unpack(void **state) {
  OldState *old = g_new0(OldState, 1);
  GError *error = NULL;
  old->folder = g_dir_make_tmp("old-state-XXXXXX", &error);
  no_error(error);
  const char *words[] = {"tar", "-xzf", "tests/corpus/state-af36c8b/state.tar.gz", "-C", old->folder, NULL};
  int status = -1;
  assert_true(g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error));
  no_error(error);
  assert_int_equal(status, 0);
  old->lane = g_build_filename(old->folder, "state/lanes/points", NULL);
  old->book = g_build_filename(old->lane, "book.db", NULL);
  old->tip = g_build_filename(old->folder, "state/audit/points.tip", NULL);
  old->staged = g_build_filename(old->lane, "spool/stage/0mx2k3x29a9oorvu.db", NULL);
  *state = old;
  return 0;
}

static int forget(void **state) {
  OldState *old = *state;
  const char *words[] = {"rm", "-rf", old->folder, NULL};
  g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free(old->folder);
  g_free(old->book);
  g_free(old->tip);
  g_free(old->lane);
  g_free(old->staged);
  g_free(old);
  return 0;
}

static void expect_file(BookReader *reader, const char *name, FileState state, guint accepted) {
  GError *error = NULL;
  g_autoptr(BookFile) file = book_find_file(reader, name, &error);
  no_error(error);
  assert_non_null(file);
  assert_string_equal(file_state_word(file->state), file_state_word(state));
  assert_int_equal(file->accepted, accepted);
}

static void expect_book(const OldState *old) {
  GError *error = NULL;
  guint64 verified = 0;
  g_autoptr(BookReader) reader = book_reader_open(old->book, &error);
  no_error(error);
  expect_file(reader, "POINTS_A.dat", FILE_CLOSED, 98);
  expect_file(reader, "POINTS_B.dat", FILE_CLOSED, 60);
  expect_file(reader, "POINTS_C.dat", FILE_CLOSED, 0);
  expect_file(reader, "POINTS_E.dat", FILE_HELD, 0);
  expect_file(reader, "SENT_A.dat", FILE_POSTING, 49);
  g_autoptr(GPtrArray) batches = book_batches(reader, "0mx2k3x29a9oorvu", &error);
  no_error(error);
  assert_int_equal(batches->len, 3);
  assert_int_equal(((BookBatch *)batches->pdata[0])->state, BATCH_SENT);
  assert_int_equal(((BookBatch *)batches->pdata[0])->attempts, 6);
  ReconFilter all = {.name = "acme-daily"};
  g_autoptr(GPtrArray) tasks = recon_tasks(reader, &all, &error);
  no_error(error);
  assert_int_equal(tasks->len, 1);
  assert_int_equal(((ReconTask *)tasks->pdata[0])->records, 98);
  gboolean ok = book_verify(reader, &error) && book_audit_verify(reader, old->tip, &verified, &error);
  no_error(error);
  assert_true(ok && verified >= 56);
}

static void its_book_is_brought_up_to_date_and_says_what_it_said(void **state) {
  const OldState *old = *state;
  GError *error = NULL;
  for (guint i = 0; i < 2; i++) { /* the second time there is nothing to bring up to date */
    Book *book = book_open(old->book, old->tip, &error);
    no_error(error);
    book_close(book);
    expect_book(old);
  }
}

static void its_ledger_has_its_entries_and_takes_more(void **state) {
  const OldState *old = *state;
  GError *error = NULL;
  gboolean exists;
  gint64 balance;
  LedgerTotals totals;
  guint64 entries;
  Ledger *ledger = ledger_open(&(LedgerOptions){.folder = old->lane, .name = "miles"}, &error);
  no_error(error);
  gboolean ok = ledger_fold(ledger, TRUE, &error);
  no_error(error);
  assert_true(ok);
  ledger_close(ledger);
  LedgerReader *reader = ledger_reader_open(old->lane, "miles", &error);
  no_error(error);
  assert_true(ledger_balance(reader, "M000000001", &exists, &balance, &entries, &error));
  assert_int_equal(balance, 1112);
  assert_int_equal(entries, 11);
  assert_true(ledger_totals(reader, NULL, &totals, &error));
  assert_int_equal(totals.entries, 158);
  assert_true(totals.amount == 16274);
  ok = ledger_verify(reader, &error);
  no_error(error);
  assert_true(ok);
  ledger_reader_close(reader);
}

static void its_staged_file_is_read(void **state) {
  const OldState *old = *state;
  GError *error = NULL;
  StagingReader *reader = staging_reader_open(old->staged, &error);
  no_error(error);
  assert_int_equal(staging_count(reader), 50);
  RecordBlock *block = staging_block_new(reader, 50);
  gboolean ok = staging_read(reader, 1, 50, block, &error);
  no_error(error);
  assert_true(ok);
  gsize length;
  const char *member = record_block_text(block, 0, 49, &length);
  assert_true(length == 10 && memcmp(member, "M000000000", 10) == 0);
  record_block_free(block);
  staging_reader_close(reader);
}

int main(void) {
#define OLD(test) cmocka_unit_test_setup_teardown(test, unpack, forget)
  const struct CMUnitTest tests[] = {
      OLD(its_book_is_brought_up_to_date_and_says_what_it_said),
      OLD(its_ledger_has_its_entries_and_takes_more),
      OLD(its_staged_file_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
