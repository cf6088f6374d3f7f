/* Posting to the lane's own ledger: all of a file, and what is left of one whose balances do not fit any more. */
#include "gateway/processors/processors.h"
#include "gateway/records/exceptions.h"
#include "store/staging.h"
#include "tests/unit/gateway/flow/step_fixture.h"
#include "tests/unit/gateway/records/layouts.h"

typedef struct {
  const char *account;
  gint64 amount;
} Row;

typedef struct {
  StepFixture step;
  LanePaths paths;
  ConfLayout *layout_conf;
  LedgerColumns columns;
} Fixture;

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  step_set_up(&f->step);
  f->paths = (LanePaths){.folder = f->step.folder, .stage = f->step.folder};
  f->layout_conf = layouts_conf("|", NULL, "D account:text points:int ref:text", NULL);
  f->columns = (LedgerColumns){.account = 0, .amount = 1, .key = 2, .business_date = -1};
  f->step.conf.ledger.name = (char *)"miles";
  f->step.conf.batch.size_max = 2;
  f->step.conf.reject_file = TRUE;
  f->step.feed.layout = layout_new(f->layout_conf, NULL);
  f->step.feed.columns = &f->columns;
  f->step.feed.ledger = ledger_open(&(LedgerOptions){.folder = f->step.folder, .name = "miles", .shards = 2}, NULL);
  f->step.flow.paths = &f->paths;
  assert_non_null(f->step.feed.ledger);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  ledger_close(f->step.feed.ledger);
  layout_free(f->step.feed.layout);
  layouts_free(f->layout_conf);
  step_tear_down(&f->step);
  g_free(f);
  return 0;
}

static RecordBlock *block_of(const Row *rows, guint n, const char *prefix) {
  static const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT};
  RecordBlock *block = record_block_new(n, types, 3);
  for (guint i = 0; i < n; i++) {
    g_autofree char *key = g_strdup_printf("%s%u", prefix, i);
    record_block_begin(block, i + 2);
    record_block_put_text(block, 0, rows[i].account, strlen(rows[i].account));
    record_block_put_integer(block, 1, rows[i].amount);
    record_block_put_text(block, 2, key, strlen(key));
    record_block_end(block);
  }
  return block;
}

static void note_posted(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *error) {
  (void)batch, (void)error;
  g_atomic_int_set((gint *)user, (gint)result->posted);
}

/* Credits of another file. */
static void credit(const Fixture *f, const char *account, gint64 amount) {
  gint posted = 0;
  LedgerBatch *batch = ledger_batch_new();
  batch->file = g_strdup("other");
  batch->batch = 1;
  batch->columns = f->columns;
  batch->block = block_of(&(Row){account, amount}, 1, "other");
  ledger_submit(f->step.feed.ledger, batch, note_posted, &posted);
  assert_true(ledger_fold(f->step.feed.ledger, TRUE, NULL));
  while (!g_atomic_int_get(&posted))
    g_thread_yield();
}

static gboolean add_batches(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = ((gpointer *)data)[0];
  return book_add_batches(tx, file->id, ((gpointer *)data)[1], error);
}

/* A file of these records that was validated: all accepted, two in a batch. */
static void bring_file(Fixture *f, const Row *rows, guint n) {
  g_autoptr(GError) error = NULL;
  BookFile *file = f->step.step.file = step_file_named("a.dat");
  guint n_columns;
  g_autofree char *path = lane_path_stage(&f->paths, file->id);
  RecordBlock *block = block_of(rows, n, "k");
  Staging *staging = staging_create(path, layout_columns(f->step.feed.layout, &n_columns), 3, &error);
  assert_true(staging && staging_append(staging, block, &error) && staging_complete(staging, &error));
  record_block_free(block);
  step_bring(&f->step, file, FILE_STAGED);
  g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func(g_free);
  for (guint first = 1; first <= n; first += 2) {
    BookBatch *batch = g_new0(BookBatch, 1);
    *batch = (BookBatch){.number = first / 2 + 1, .first = first, .last = MIN(first + 1, n)};
    batch->first_line = first + 1;
    batch->last_line = batch->last + 1;
    for (guint64 i = batch->first; i <= batch->last; i++) {
      batch->accepted++;
      batch->amount += rows[i - 1].amount;
      file->amount += rows[i - 1].amount;
    }
    g_ptr_array_add(batches, batch);
  }
  file->records = file->accepted = n;
  file->amount_accepted = file->amount;
  gpointer data[] = {file, batches};
  step_write(&f->step, add_batches, data);
  file->batches = batches->len;
  while (file->state < FILE_POSTING)
    step_write(&f->step, step_next_change, file);
}

static void expect(Fixture *f, guint64 accepted, guint64 rejected, gint64 amount, const char *codes) {
  g_autoptr(BookFile) row = step_row(&f->step, f->step.step.file->id);
  g_autoptr(GPtrArray) batches = book_batches(f->step.step.reader, row->id, NULL);
  g_autoptr(GString) told = g_string_new(NULL);
  LedgerReader *reader = ledger_reader_open(f->step.folder, "miles", NULL);
  LedgerTotals totals;
  for (guint i = 0; i < batches->len; i++) {
    const BookBatch *batch = batches->pdata[i];
    ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
    assert_int_equal(batch->state, BATCH_POSTED);
    for (const RecordException *next; (next = exception_cursor_next(cursor, NULL));)
      g_string_append_printf(told, "%" G_GUINT64_FORMAT ":%s ", next->line, next->code);
    exception_cursor_free(cursor);
  }
  assert_string_equal(told->str, codes);
  assert_int_equal(row->accepted, accepted);
  assert_int_equal(row->rejected, rejected);
  assert_int_equal(row->amount_accepted, amount);
  assert_int_equal(row->batches_posted, batches->len);
  assert_true(ledger_totals(reader, row->id, &totals, NULL));
  assert_int_equal(totals.entries, accepted);
  assert_true(totals.amount == amount);
  ledger_reader_close(reader);
}

static void run(Fixture *f) {
  g_autoptr(GError) error = NULL;
  const ConfFeed conf = {.process = CONF_PROCESS_LEDGER};
  if (!processor_of(&conf)->run(&f->step.step, &error))
    fail_msg("%s", error->message);
}

static void all_batches_of_a_file_are_posted_and_a_second_time_nothing_more(void **state) {
  Fixture *f = *state;
  static const Row rows[] = {{"ann", 1}, {"bob", 2}, {"ann", 3}};
  bring_file(f, rows, 3);
  run(f);
  expect(f, 3, 0, 6, "");
  run(f);
  expect(f, 3, 0, 6, "");
}

/* Validated by a program that did not look at balances, or before others were posted. */
static void what_does_not_fit_into_a_balance_is_refused_and_the_rest_is_posted(void **state) {
  Fixture *f = *state;
  static const Row rows[] = {{"ann", 1}, {"rich", 6}, {"rich", 5}, {"bob", 2}, {"rich", 4}};
  credit(f, "rich", G_MAXINT64 - 10);
  bring_file(f, rows, 5);
  run(f);
  expect(f, 4, 1, 1 + 6 + 2 + 4, "4:K005 ");
  g_autoptr(GPtrArray) history = book_history(f->step.step.reader, f->step.step.file->id, NULL);
  const BookHistory *last = history->pdata[history->len - 1];
  assert_string_equal(last->detail, "batch 2: 1 records are refused: their accounts' balances would not fit into 64 "
                                    "bits");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(all_batches_of_a_file_are_posted_and_a_second_time_nothing_more),
                                     TEST(what_does_not_fit_into_a_balance_is_refused_and_the_rest_is_posted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
