/* Batches of an interface: cut when their turn comes, sent, answered, posted; and what the book refuses. */
#include "tests/unit/store/book/book_fixture.h"

#define DIGEST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER_DIGEST "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static BookBatch range(guint64 first, guint64 last, guint rejected, gint64 amount) {
  return (BookBatch){.first = first,
                     .last = last,
                     .first_line = first + 1,
                     .last_line = last + 1,
                     .accepted = (guint)(last - first + 1) - rejected,
                     .rejected = rejected,
                     .amount = amount};
}

typedef struct {
  BookFile *file;
  GPtrArray *batches;
} Validation;
static gboolean validate_change(BookTransaction *tx, gpointer data, GError **error) {
  Validation *work = data;
  return book_add_batches(tx, work->file->id, work->batches, error) &&
         book_advance_file(tx, work->file, FILE_VALIDATED, NULL, error);
}

/* Ten records in two ranges of five, two of them refused by our own rules; each record's amount is 10. In posting. */
static BookFile *file_to_post(Fixture *f) {
  GError *error = NULL;
  BookFile *file = make_file("points", "a.dat");
  add_file(f->book, file);
  advance_to(f->book, file, FILE_STAGED);
  file->records = 10, file->accepted = 8, file->rejected = 2;
  file->amount = 100, file->amount_accepted = 80, file->amount_rejected = 20;
  BookBatch ranges[] = {range(1, 5, 1, 40), range(6, 10, 1, 40)};
  g_autoptr(GPtrArray) batches = g_ptr_array_new();
  g_ptr_array_add(batches, &ranges[0]);
  g_ptr_array_add(batches, &ranges[1]);
  gboolean ok = book_write(f->book, validate_change, &(Validation){file, batches}, &error);
  no_error(error);
  assert_true(ok);
  advance(f->book, file, FILE_POSTING);
  return file;
}

static gboolean cut_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_cut_batch(tx, data, error);
}
typedef struct {
  const char *file;
  BookBatch *batch;
} Sending;
static gboolean send_change(BookTransaction *tx, gpointer data, GError **error) {
  Sending *work = data;
  return book_send_batch(tx, work->file, work->batch, error);
}
typedef struct {
  BookFile *file;
  BookBatch *batch;
  BookReply answer;
} Answering;
static gboolean answer_change(BookTransaction *tx, gpointer data, GError **error) {
  Answering *work = data;
  return book_take_reply(tx, work->file, work->batch, &work->answer, error);
}
static gboolean post_change(BookTransaction *tx, gpointer data, GError **error) {
  Sending *work = data;
  return book_post_batch(tx, work->file, work->batch->number, error);
}

static void cut(Fixture *f, const BookFile *file, BookBatch *batch, const BookBatch *rest, guint batches) {
  GError *error = NULL;
  guint now = 0;
  BookCut change = {file->id, batch, rest, &now};
  gboolean ok = book_write(f->book, cut_change, &change, &error);
  no_error(error);
  assert_true(ok);
  assert_int_equal(now, batches);
  assert_sound(f);
}

static void a_batch_is_cut_over_the_ranges_of_validation(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = file_to_post(f);
  BookBatch first = range(1, 7, 2, 50), rest = range(8, 10, 0, 30), last = range(8, 10, 0, 30);
  first.digest = last.digest = (char *)DIGEST;
  cut(f, file, &first, &rest, 2);
  assert_int_equal(first.number, 1);
  assert_int_equal(first.state, BATCH_SENT);
  cut(f, file, &last, NULL, 2);
  assert_int_equal(last.number, 2);
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) batches = book_batches(reader, file->id, &error);
  no_error(error);
  assert_int_equal(batches->len, 2);
  const BookBatch *read = batches->pdata[0];
  assert_int_equal(read->last, 7);
  assert_int_equal(read->attempts, 1);
  assert_true(read->sent_at > 0);
  assert_string_equal(read->digest, DIGEST);
}

static void what_has_nothing_to_send_is_cut_and_stays_pending(void **state) {
  Fixture *f = *state;
  g_autoptr(BookFile) file = file_to_post(f);
  BookBatch all = range(1, 10, 2, 80);
  cut(f, file, &all, NULL, 1);
  assert_int_equal(all.state, BATCH_PENDING);
  assert_int_equal(all.number, 1);
}

static void a_cut_that_loses_something_is_refused(void **state) {
  Fixture *f = *state;
  g_autoptr(BookFile) file = file_to_post(f);
  const struct {
    BookBatch batch, rest;
  } wrong[] = {
      {range(1, 5, 1, 39), {0}},                /* an amount */
      {range(1, 5, 0, 40), {0}},                /* a rejected record */
      {range(1, 4, 1, 30), {0}},                /* a record at the end */
      {range(2, 5, 1, 40), {0}},                /* one at the beginning */
      {range(1, 4, 1, 30), range(6, 10, 1, 40)} /* one in between */
  };
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    GError *error = NULL;
    guint now;
    BookBatch batch = wrong[i].batch;
    batch.digest = (char *)DIGEST;
    BookCut change = {file->id, &batch, wrong[i].rest.last ? &wrong[i].rest : NULL, &now};
    expect_error(book_write(f->book, cut_change, &change, &error), &error, SALLYPORT_ERROR_BUG,
                 "not what is to be cut");
  }
  assert_sound(f);
}

static void a_sent_batch_is_sent_again_only_as_it_was(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = file_to_post(f);
  BookBatch batch = range(1, 5, 1, 40);
  batch.digest = (char *)DIGEST;
  cut(f, file, &batch, NULL, 2);
  gint64 sent_at = batch.sent_at;
  assert_true(book_write(f->book, send_change, &(Sending){file->id, &batch}, &error));
  assert_int_equal(batch.attempts, 2);
  assert_true(batch.sent_at == sent_at);
  batch.digest = (char *)OTHER_DIGEST;
  expect_error(book_write(f->book, send_change, &(Sending){file->id, &batch}, &error), &error, SALLYPORT_ERROR_BUG,
               "other bytes");
  expect_error(book_write(f->book, post_change, &(Sending){file->id, &batch}, &error), &error, SALLYPORT_ERROR_BUG,
               "waits for its answer");
}

static void an_answer_moves_counts_and_amounts_in_one(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = file_to_post(f);
  BookBatch batch = range(1, 5, 1, 40), last = range(6, 10, 1, 40);
  batch.digest = last.digest = (char *)DIGEST;
  cut(f, file, &batch, NULL, 2);
  cut(f, file, &last, NULL, 2);
  Answering answering = {
      file,
      &batch,
      {.rejected = 1, .duplicates = 2, .amount_rejected = 10, .amount_duplicate = 20, .text = "HTTP 200"}};
  gboolean ok = book_write(f->book, answer_change, &answering, &error);
  no_error(error);
  assert_true(ok);
  assert_int_equal(batch.accepted, 1);
  assert_int_equal(batch.amount, 10);
  assert_int_equal(file->accepted, 5);
  assert_int_equal(file->rejected, 3);
  assert_int_equal(file->duplicates, 2);
  assert_int_equal(file->amount_accepted, 50);
  assert_sound(f); /* also before anything is posted */
  expect_error(book_write(f->book, answer_change, &answering, &error), &error, SALLYPORT_ERROR_AGAIN,
               "waits for no answer");
  answering = (Answering){file, &last, {.text = "HTTP 200"}};
  assert_true(book_write(f->book, answer_change, &answering, &error));
  assert_true(book_write(f->book, post_change, &(Sending){file->id, &batch}, &error));
  assert_true(book_write(f->book, post_change, &(Sending){file->id, &last}, &error));
  advance(f->book, file, FILE_POSTED);
  g_autoptr(BookFile) read = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  read = book_find_file(reader, file->id, &error);
  assert_int_equal(read->accepted, 5);
  assert_int_equal(read->batches_posted, 2);
  assert_sound(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(a_batch_is_cut_over_the_ranges_of_validation), TEST(what_has_nothing_to_send_is_cut_and_stays_pending),
      TEST(a_cut_that_loses_something_is_refused),        TEST(a_sent_batch_is_sent_again_only_as_it_was),
      TEST(an_answer_moves_counts_and_amounts_in_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
