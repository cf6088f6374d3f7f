/* The ledger under kill -9, full disks and failing disks: what was acknowledged is there, what was not can be posted
 * again, and nothing is there twice. */
#include "store/db/db.h"
#include "tests/unit/store/faulty_vfs.h"
#include "tests/unit/store/ledger/ledger_fixture.h"
#include "tests/unit/store/small_disk.h"
#include <signal.h>
#include <time.h>

enum { BATCHES = 40, SIZE = 150 };

static void acknowledge(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *error) {
  guint8 number = (guint8)batch->batch;
  if (!error && result->posted == SIZE && write(*(int *)user, &number, 1) != 1)
    abort();
}

static void post_until_killed(const char *folder, const char *file, int acknowledgements) {
  Ledger *ledger = open_ledger(folder, 2);
  for (guint i = 0; i < BATCHES; i++) {
    LedgerBatch *batch = ledger_batch_new();
    batch->file = g_strdup(file);
    batch->batch = i + 1;
    batch->columns = ledger_columns;
    batch->block = numbered_block(file, i * SIZE, SIZE);
    ledger_submit(ledger, batch, acknowledge, &acknowledgements);
    if (i % 13 == 12 && !ledger_fold(ledger, TRUE, NULL))
      abort();
  }
  for (;;)
    pause();
}

static guint64 entries_of_batch(LedgerReader *reader, const char *file, guint batch, LedgerEntryVisit visit,
                                guint64 *n) {
  GError *error = NULL;
  *n = 0;
  assert_true(ledger_entries(reader, &(LedgerFilter){.file = file, .batch = batch}, visit, n, &error));
  return *n;
}

static gboolean count_entry(gpointer user, const LedgerEntry *entry) {
  assert_non_null(entry->key);
  ++*(guint64 *)user;
  return TRUE;
}

static void what_was_acknowledged_survives_a_kill_at_any_moment(void **state) {
  for (guint round = 0; round < 15; round++) {
    g_autofree char *file = g_strdup_printf("f%02u", round);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      post_until_killed(*state, file, ends[1]);
    }
    close(ends[1]);
    nanosleep(&(struct timespec){.tv_nsec = 4000000L * (long)(round + 1)}, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    Ledger *ledger = open_ledger(*state, 2); /* killed before it was made, too */
    LedgerReader *reader = open_reader(*state);
    guint8 number;
    guint64 n;
    while (read(ends[0], &number, 1) == 1)
      assert_int_equal(entries_of_batch(reader, file, number, count_entry, &n), SIZE);
    close(ends[0]);
    ledger_reader_close(reader);
    for (guint i = 0; i < BATCHES; i++)
      assert_int_equal(post_well(ledger, file, i + 1, numbered_block(file, i * SIZE, SIZE)).posted, SIZE);
    ledger_close(ledger);
    assert_totals(*state, file, BATCHES * SIZE, numbered_sum(0, BATCHES * SIZE));
  }
  assert_totals(*state, NULL, 15 * BATCHES * SIZE, 15 * numbered_sum(0, BATCHES * SIZE));
  assert_verified(*state);
}

static int fill_the_disk(const char *folder) {
  Ledger *ledger = open_ledger(folder, 2);
  guint failed = 0;
  for (guint i = 0; i < 200 && !failed; i++) {
    Outcome outcome = post(ledger, "f", i + 1, numbered_block("K", i * 500, 500), NULL);
    if (outcome.error && sallyport_error_code(outcome.error) != SALLYPORT_ERROR_AGAIN)
      return 1;
    failed = outcome.error ? i + 1 : 0;
    g_clear_error(&outcome.error);
  }
  if (!failed)
    return 2;
  Outcome still = post(ledger, "f", failed, numbered_block("K", (failed - 1) * 500, 500), NULL);
  if (!still.error || resize_small_disk(folder, "64m") != 0)
    return 3;
  g_clear_error(&still.error);
  for (guint i = 0; i < 200; i++)
    if (post_well(ledger, "f", i + 1, numbered_block("K", i * 500, 500)).posted != 500)
      return 4;
  ledger_close(ledger);
  assert_totals(folder, NULL, 100000, numbered_sum(0, 100000));
  assert_verified(folder);
  return 0;
}

static void a_full_disk_refuses_for_now_and_goes_on_later(void **state) {
  on_a_small_disk(*state, "600k", fill_the_disk);
}

/* Posts some batches while the disk fails at the n-th call; then with a whole disk again. FALSE: no call failed any
 * more. */
static gboolean post_with_failing_call(const char *folder, int kinds, int at, int code) {
  Ledger *ledger = open_ledger(folder, 2);
  g_autofree char *file = g_strdup_printf("f%d-%d", kinds, at);
  GError *error = NULL;
  guint failed = 0;
  faulty_arm(kinds, at, code, 0);
  for (guint i = 0; i < 4; i++) {
    Outcome outcome = post(ledger, file, i + 1, numbered_block(file, i * 100, 100), NULL);
    SallyportErrorCode expected = (code & 0xff) == SQLITE_FULL ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_STORAGE;
    if (outcome.error)
      assert_int_equal(sallyport_error_code(outcome.error), expected);
    /* A failing storage is for ever; a full disk is not. */
    if (failed && expected == SALLYPORT_ERROR_STORAGE)
      assert_non_null(outcome.error);
    failed += outcome.error != NULL;
    g_clear_error(&outcome.error);
  }
  if (!ledger_fold(ledger, TRUE, &error))
    g_clear_error(&error);
  ledger_close(ledger);
  gboolean hit = faulty_disarm() != 0;
  ledger = open_ledger(folder, 2);
  for (guint i = 0; i < 4; i++)
    assert_int_equal(post_well(ledger, file, i + 1, numbered_block(file, i * 100, 100)).posted, 100);
  ledger_close(ledger);
  assert_totals(folder, file, 400, numbered_sum(0, 400));
  return hit;
}

static void a_failing_disk_loses_and_doubles_nothing(void **state) {
  static const struct {
    int kinds, code;
  } faults[] = {{FAULTY_SYNC, SQLITE_IOERR_FSYNC}, {FAULTY_WRITE, SQLITE_IOERR_WRITE}, {FAULTY_WRITE, SQLITE_FULL}};
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree char *folder = g_strdup_printf("%s/%u", (char *)*state, i);
    g_autofree char *make = g_strdup_printf("mkdir '%s'", folder);
    assert_int_equal(system(make), 0);
    int at = 1;
    while (post_with_failing_call(folder, faults[i].kinds, at, faults[i].code) && at < 400)
      at += at < 30 ? 1 : 7;
    assert_true(at > 3 && at < 400);
    assert_verified(folder);
  }
}

static void after_a_failed_sync_nothing_is_acknowledged_any_more(void **state) {
  Ledger *ledger = open_ledger(*state, 2);
  post_well(ledger, "f1", 1, numbered_block("K", 0, 100));
  faulty_arm(FAULTY_SYNC, 1, SQLITE_IOERR_FSYNC, 0);
  Outcome outcome = post(ledger, "f2", 1, numbered_block("L", 0, 100), NULL);
  assert_int_equal(sallyport_error_code(outcome.error), SALLYPORT_ERROR_STORAGE);
  g_clear_error(&outcome.error);
  assert_true(faulty_disarm());
  for (guint i = 0; i < 3; i++) { /* the disk is well again, but what it dropped is not known */
    outcome = post(ledger, "f3", i + 1, numbered_block("M", i * 100, 100), NULL);
    assert_int_equal(sallyport_error_code(outcome.error), SALLYPORT_ERROR_STORAGE);
    assert_int_equal(outcome.result.posted, 0);
    g_clear_error(&outcome.error);
  }
  g_autoptr(GError) error = NULL;
  assert_false(ledger_fold(ledger, TRUE, &error));
  ledger_close(ledger);
  assert_totals(*state, "f1", 100, numbered_sum(0, 100));
  assert_totals(*state, "f3", 0, 0);
  assert_verified(*state);
}

/* --- Damage */

static void damage(const char *folder, const char *sql) {
  GError *error = NULL;
  for (guint shard = 0; shard < 2; shard++) {
    g_autofree char *path = g_strdup_printf("%s/miles.ledger-%u.db", folder, shard);
    Db *db = db_open(&(DbOptions){.path = path, .use = DB_WRITE}, &error);
    if (!db_run(db, "PRAGMA foreign_keys=OFF", &error) || !db_run(db, sql, &error))
      fail_msg("%s", error->message);
    db_close(db);
  }
}

static void verification_finds_what_was_changed(void **state) {
  static const char *const damages[] = {
      "UPDATE posting SET amount = amount + 1 WHERE first = 1",
      "UPDATE posting SET count = count - 1 WHERE first = 1",
      "UPDATE posting SET min_key = 'A' WHERE first = 1",
      "UPDATE posting SET zone = 1 WHERE first = 1",
      "DELETE FROM entries WHERE first = 1",
      "DELETE FROM posting WHERE first = 1",
      "UPDATE entries SET block = (SELECT block FROM entries ORDER BY first DESC LIMIT 1) WHERE first = 1",
      "UPDATE entries SET block = CAST(substr(block, 1, 60) || x'ff' || substr(block, 62) AS BLOB) WHERE first = 1",
      "DELETE FROM key WHERE key IN (SELECT key FROM key LIMIT 1)",
      "UPDATE key SET seq = seq + 1 WHERE key IN (SELECT key FROM key LIMIT 1)",
      "INSERT INTO key SELECT key || 'x', seq FROM key LIMIT 1",
#define TWICE(zone) \
  "INSERT INTO posting SELECT first + count, file, batch, business_date, posted_at, count, amount, gross, min_key, " \
  "max_key, " zone ", own_dates FROM posting ORDER BY first DESC LIMIT 1; INSERT INTO entries SELECT p.first, " \
  "(SELECT block FROM entries ORDER BY first DESC LIMIT 1) FROM posting p ORDER BY p.first DESC LIMIT 1"
      TWICE("0"), TWICE("2")};
  Ledger *ledger = open_ledger(*state, 2);
  for (guint i = 0; i < 5; i++)
    post_well(ledger, "f1", i + 1, numbered_block("K", i * 100, 100));
  RecordBlock *across = new_block(40);
  for (guint i = 0; i < 40; i++) {
    g_autofree char *key = g_strdup_printf("K-%08ux", i * 10);
    add_record(across, i + 1, key, key, 3);
  }
  post_well(ledger, "f2", 1, across);
  GError *error = NULL;
  assert_true(ledger_fold(ledger, TRUE, &error));
  post_well(ledger, "f3", 1, numbered_block("L", 0, 100));
  ledger_close(ledger);
  assert_verified(*state);
  g_autofree char *save = g_strdup_printf("mkdir '%s/saved' && cp '%s'/miles* '%s/saved'", (char *)*state,
                                          (char *)*state, (char *)*state);
  g_autofree char *restore = g_strdup_printf("cp '%s'/saved/* '%s'", (char *)*state, (char *)*state);
  assert_int_equal(system(save), 0);
  for (guint i = 0; i < G_N_ELEMENTS(damages); i++) {
    damage(*state, damages[i]);
    LedgerReader *reader = open_reader(*state);
    if (ledger_verify(reader, &error))
      fail_msg("not found: %s", damages[i]);
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
    g_clear_error(&error);
    ledger_reader_close(reader);
    assert_int_equal(system(restore), 0);
  }
}

int main(void) {
  faulty_vfs_install();
  const struct CMUnitTest tests[] = {
      with_folder(what_was_acknowledged_survives_a_kill_at_any_moment),
      with_folder(a_full_disk_refuses_for_now_and_goes_on_later),
      with_folder(a_failing_disk_loses_and_doubles_nothing),
      with_folder(after_a_failed_sync_nothing_is_acknowledged_any_more),
      with_folder(verification_finds_what_was_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
