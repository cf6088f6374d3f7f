/* Files, batches, intents, polls: written, read back, refused. */
#include "store/book_answer_name.h"
#include "tests/unit/store/book/book_fixture.h"

static BookFile *find(const Fixture *f, const char *id) {
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  BookFile *file = book_find_file(reader, id, &error);
  no_error(error);
  return file;
}

static char *history(const Fixture *f, const char *id) {
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) rows = book_history(reader, id, &error);
  no_error(error);
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < rows->len; i++) {
    const BookHistory *row = rows->pdata[i];
    g_string_append_printf(text, "%s%s", i ? " " : "", row->event);
  }
  return g_string_free(text, FALSE);
}

static void fill(BookFile *file) {
  file->evidence = g_strdup("{\"marker\":\"a.ok\"}");
  file->cipher_size = 1200;
  file->cipher_sha256 = g_strnfill(64, 'c');
  file->plain_size = 5000;
  file->plain_sha256 = g_strnfill(64, 'd');
  file->signer = g_strdup("0123456789ABCDEF");
  file->trust = g_strdup("trusted");
  file->business_date = g_strdup("2026-11-20");
  file->header = g_strdup("{\"partner\":\"acme\"}");
  file->records = 10;
  file->accepted = 7;
  file->rejected = 2;
  file->duplicates = 1;
  file->amount = 100;
  file->amount_accepted = 90;
  file->amount_rejected = -5;
  file->amount_duplicate = 15;
  file->feedback_name = g_strdup("a_FB.dat.pgp");
  file->reason_code = g_strdup("F003");
  file->reason = g_strdup("control total differs");
  file->due_at = 77;
}

static void every_fact_of_a_file_comes_back(void **state) {
  Fixture *f = *state;
  g_autoptr(BookFile) file = make_file("points", "a\xff.dat");
  g_free(file->name_shown);
  file->name_shown = g_strdup("a\\xff.dat");
  add_file(f->book, file);
  fill(file);
  file->size = 4321;
  advance(f->book, file, FILE_ADMITTED);
  g_autoptr(BookFile) read = find(f, file->id);
  assert_non_null(read);
  assert_true(g_bytes_equal(read->name, file->name));
  assert_string_equal(read->feed, "points");
  assert_string_equal(read->name_shown, file->name_shown);
  assert_string_equal(read->folder, file->folder);
  assert_int_equal(read->size, 4321);
  assert_int_equal(read->modified, file->modified);
  assert_string_equal(read->evidence, file->evidence);
  assert_int_equal(read->state, FILE_ADMITTED);
  assert_int_equal(read->seen_at, file->seen_at);
  assert_int_equal(read->changed_at, file->changed_at);
  assert_int_equal(read->due_at, 77);
  assert_string_equal(read->reason_code, "F003");
  assert_string_equal(read->reason, file->reason);
  assert_null(read->duplicate_of);
  assert_null(read->problem);
  assert_int_equal(read->cipher_size, 1200);
  assert_string_equal(read->cipher_sha256, file->cipher_sha256);
  assert_int_equal(read->plain_size, 5000);
  assert_string_equal(read->plain_sha256, file->plain_sha256);
  assert_string_equal(read->signer, file->signer);
  assert_string_equal(read->trust, file->trust);
  assert_string_equal(read->business_date, file->business_date);
  assert_string_equal(read->header, file->header);
  assert_int_equal(read->records, 10);
  assert_int_equal(read->accepted, 7);
  assert_int_equal(read->rejected, 2);
  assert_int_equal(read->duplicates, 1);
  assert_int_equal(read->amount, 100);
  assert_int_equal(read->amount_accepted, 90);
  assert_int_equal(read->amount_rejected, -5);
  assert_int_equal(read->amount_duplicate, 15);
  assert_string_equal(read->feedback_name, file->feedback_name);
}

static void a_file_goes_its_way_and_its_history_tells(void **state) {
  Fixture *f = *state;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  advance_to(f->book, file, FILE_CLOSED);
  g_autofree char *events = history(f, file->id);
  assert_string_equal(events, "seen admitted fetched opened staged validated posting posted sealed answered closed");
  assert_sound(f);
}

static void the_same_listing_is_one_file(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) first = make_file("points", "a.dat"), second = make_file("points", "a.dat");
  add_file(f->book, first);
  expect_error(book_write(f->book, add_change, second, &error), &error, SALLYPORT_ERROR_FILE, "a.dat");
  second->modified++;
  add_file(f->book, second); /* sent again later: another file */
  assert_sound(f);
}

static void what_is_done_may_come_again_with_its_old_size_and_time(void **state) {
  Fixture *f = *state;
  g_autoptr(BookFile) first = make_file("points", "a.dat"), second = make_file("points", "a.dat");
  add_file(f->book, first);
  advance(f->book, first, FILE_GONE);
  add_file(f->book, second);
  assert_sound(f);
}

static void a_transition_that_is_not_allowed_is_our_bug(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  expect_error(book_write(f->book, advance_change, &(Advance){file, FILE_POSTED, NULL}, &error), &error,
               SALLYPORT_ERROR_BUG, "posted");
  assert_int_equal(file->state, FILE_SEEN);
  g_autofree char *events = history(f, file->id);
  assert_string_equal(events, "seen");
}

static void who_lost_the_race_is_told_and_changes_nothing(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  g_autoptr(BookFile) stale = find(f, file->id);
  advance(f->book, file, FILE_ADMITTED);
  stale->problem = g_strdup("late");
  stale->attempts = 3;
  expect_error(book_write(f->book, advance_change, &(Advance){stale, FILE_GONE, NULL}, &error), &error,
               SALLYPORT_ERROR_AGAIN, "admitted");
  expect_error(book_write(f->book, note_change, &(Advance){stale, 0, "x"}, &error), &error, SALLYPORT_ERROR_AGAIN,
               "admitted");
  g_autoptr(BookFile) now = find(f, file->id);
  assert_int_equal(now->state, FILE_ADMITTED);
  assert_null(now->problem);
  stale->id[0] = 'z';
  expect_error(book_write(f->book, note_change, &(Advance){stale, 0, "x"}, &error), &error, SALLYPORT_ERROR_BUG,
               "no file");
}

static void a_held_file_goes_back_where_it_was_held_or_is_rejected(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  advance_to(f->book, file, FILE_OPENED);
  advance(f->book, file, FILE_HELD);
  assert_int_equal(file->held_from, FILE_OPENED);
  g_autoptr(BookFile) held = find(f, file->id);
  assert_int_equal(held->held_from, FILE_OPENED);
  expect_error(book_write(f->book, advance_change, &(Advance){held, FILE_STAGED, NULL}, &error), &error,
               SALLYPORT_ERROR_BUG, "released");
  held->problem = g_strdup("looked at");
  assert_true(book_write(f->book, note_change, &(Advance){held, 0, NULL}, &error));
  advance(f->book, file, FILE_OPENED);
  advance(f->book, file, FILE_HELD);
  advance(f->book, file, FILE_REJECTED);
  assert_sound(f);
}

static void retries_for_ever_do_not_grow_the_history(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  gint64 changed = 0;
  for (file->attempts = 1; file->attempts <= 100; file->attempts++) {
    g_free(file->problem);
    file->problem = g_strdup("no route to host");
    file->due_at = file->attempts;
    assert_true(book_write(f->book, note_change, &(Advance){file, 0, NULL}, &error));
  }
  g_autoptr(BookFile) read = find(f, file->id);
  assert_int_equal(read->attempts, 100);
  assert_int_equal(read->due_at, 100);
  assert_string_equal(read->problem, "no route to host");
  changed = read->changed_at;
  assert_true(changed >= file->seen_at);
  g_autofree char *events = history(f, file->id);
  assert_string_equal(events, "seen retry retry retry retry retry retry retry"); /* 1 2 4 8 16 32 64 */
  file->attempts = 100;
  assert_true(book_write(f->book, note_change, &(Advance){file, 0, "size grew"}, &error));
  g_autofree char *noted = history(f, file->id);
  assert_true(g_str_has_suffix(noted, " note"));
  advance(f->book, file, FILE_ADMITTED);
  g_autoptr(BookFile) moved = find(f, file->id);
  assert_int_equal(moved->attempts, 0);
  assert_null(moved->problem);
}

static void a_done_file_is_not_noted_any_more(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  advance(f->book, file, FILE_GONE);
  expect_error(book_write(f->book, note_change, &(Advance){file, 0, NULL}, &error), &error, SALLYPORT_ERROR_BUG,
               "gone");
}

/* --- Batches. */
typedef struct {
  BookFile *file;
  GPtrArray *batches;
  guint number;
} BatchWork;
static gboolean validate_change(BookTransaction *tx, gpointer data, GError **error) {
  BatchWork *work = data;
  return book_add_batches(tx, work->file->id, work->batches, error) &&
         book_advance_file(tx, work->file, FILE_VALIDATED, NULL, error);
}
static gboolean post_change(BookTransaction *tx, gpointer data, GError **error) {
  BatchWork *work = data;
  return book_post_batch(tx, work->file->id, work->number, error);
}

static GPtrArray *two_batches(void) {
  GPtrArray *batches = g_ptr_array_new_with_free_func((GDestroyNotify)book_batch_free);
  for (guint i = 1; i <= 2; i++) {
    BookBatch *batch = g_new0(BookBatch, 1);
    *batch = (BookBatch){.number = i,
                         .first = i == 1 ? 1 : 6,
                         .last = i == 1 ? 5 : 10,
                         .first_line = i * 10,
                         .last_line = i * 10 + 4,
                         .accepted = i == 1 ? 5 : 2,
                         .rejected = i == 1 ? 0 : 2,
                         .duplicates = i == 1 ? 0 : 1,
                         .amount = 45};
    batch->exceptions = i == 2 ? g_bytes_new_static("\0\1\2", 3) : NULL;
    g_ptr_array_add(batches, batch);
  }
  return batches;
}

static BookFile *validated_file(Fixture *f, const char *name) {
  GError *error = NULL;
  BookFile *file = make_file("points", name);
  g_autoptr(GPtrArray) batches = two_batches();
  add_file(f->book, file);
  advance_to(f->book, file, FILE_STAGED);
  fill(file);
  assert_true(book_write(f->book, validate_change, &(BatchWork){file, batches, 0}, &error));
  return file;
}

static void batches_are_counted_as_they_are_posted(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = validated_file(f, "a.dat");
  advance(f->book, file, FILE_POSTING);
  for (guint round = 0; round < 3; round++) /* posted again after a crash: counted once */
    assert_true(book_write(f->book, post_change, &(BatchWork){file, NULL, 2}, &error));
  assert_true(book_write(f->book, post_change, &(BatchWork){file, NULL, 1}, &error));
  expect_error(book_write(f->book, post_change, &(BatchWork){file, NULL, 3}, &error), &error, SALLYPORT_ERROR_BUG,
               "no batch 3");
  advance(f->book, file, FILE_POSTED); /* the worker's struct still says 0 of 0 batches */
  g_autoptr(BookFile) read = find(f, file->id);
  assert_int_equal(read->batches, 2);
  assert_int_equal(read->batches_posted, 2);
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) batches = book_batches(reader, file->id, &error);
  assert_int_equal(batches->len, 2);
  const BookBatch *second = batches->pdata[1];
  assert_int_equal(second->number, 2);
  assert_int_equal(second->first, 6);
  assert_int_equal(second->last, 10);
  assert_int_equal(second->first_line, 20);
  assert_int_equal(second->last_line, 24);
  assert_int_equal(second->rejected, 2);
  assert_int_equal(second->amount, 45);
  assert_int_equal(second->state, BATCH_POSTED);
  assert_true(second->posted_at > 0);
  assert_int_equal(g_bytes_get_size(second->exceptions), 3);
  assert_null(((BookBatch *)batches->pdata[0])->exceptions);
  assert_sound(f);
}

static gboolean twin_change(BookTransaction *tx, gpointer data, GError **error) {
  gpointer *work = data;
  return book_find_twin(tx, work[0], BOOK_TWIN_CONTENT, (char **)&work[1], error);
}

static void only_records_that_count_make_a_duplicate(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) first = validated_file(f, "a.dat");
  g_autoptr(BookFile) second = make_file("points", "b.dat");
  add_file(f->book, second);
  advance_to(f->book, second, FILE_FETCHED);
  second->plain_sha256 = g_strdup(first->plain_sha256);
  second->cipher_sha256 = g_strnfill(64, 'e');
  advance(f->book, second, FILE_OPENED);
  gpointer work[2] = {second, NULL};
  assert_true(book_write(f->book, twin_change, work, &error));
  assert_string_equal(work[1], first->id);
  g_free(work[1]);
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) plain = book_files_with_digest(reader, "points", first->plain_sha256, second->id, &error);
  assert_int_equal(plain->len, 1);
  g_autoptr(GPtrArray) cipher = book_files_with_digest(reader, "points", first->cipher_sha256, NULL, &error);
  assert_int_equal(cipher->len, 1);
  g_autoptr(GPtrArray) other = book_files_with_digest(reader, "other", first->plain_sha256, NULL, &error);
  assert_int_equal(other->len, 0);
  g_autoptr(GPtrArray) self = book_files_with_digest(reader, "points", first->plain_sha256, first->id, &error);
  assert_int_equal(self->len, 0);                           /* the second is not validated */
  g_autoptr(BookFile) third = make_file("points", "c.dat"); /* refused: sending it again repairs it */
  add_file(f->book, third);
  advance_to(f->book, third, FILE_FETCHED);
  third->plain_sha256 = g_strnfill(64, '3');
  advance_to(f->book, third, FILE_STAGED);
  advance(f->book, third, FILE_REJECTED);
  advance(f->book, third, FILE_SEALED);
  advance(f->book, third, FILE_ANSWERED);
  advance(f->book, third, FILE_CLOSED);
  g_autoptr(GPtrArray) rejected = book_files_with_digest(reader, "points", third->plain_sha256, NULL, &error);
  assert_int_equal(rejected->len, 0);
  advance(f->book, first, FILE_POSTING);
  work[1] = NULL;
  assert_true(book_write(f->book, twin_change, work, &error));
  assert_string_equal(work[1], first->id);
  g_free(work[1]);
}

static gboolean claim_change(BookTransaction *tx, gpointer data, GError **error) {
  const char *const *words = data;
  return book_claim_answer(tx, words[0], words[1], words[2], error);
}

static void the_name_of_an_answer_is_one_files_for_ever(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) first = make_file("points", "a.dat"), second = make_file("points", "a.txt");
  add_file(f->book, first);
  add_file(f->book, second);
  const char *mine[] = {"points", "a_FB.dat", first->id}, *theirs[] = {"points", "a_FB.dat", second->id},
             *elsewhere[] = {"other", "a_FB.dat", second->id};
  assert_true(book_write(f->book, claim_change, mine, &error));
  assert_true(book_write(f->book, claim_change, mine, &error)); /* again: no effect */
  assert_false(book_write(f->book, claim_change, theirs, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
  g_clear_error(&error);
  assert_true(book_write(f->book, claim_change, elsewhere, &error));
  g_autoptr(BookReader) reader = open_reader(f);
  g_autofree char *owner = book_answer_owner(reader, "points", "a_FB.dat", &error),
                  *none = book_answer_owner(reader, "points", "b_FB.dat", &error);
  assert_string_equal(owner, first->id);
  assert_null(none);
  assert_null(error);
}

static void a_file_that_changed_after_its_evidence_is_seen_again(void **state) {
  Fixture *f = *state;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  advance(f->book, file, FILE_ADMITTED);
  file->size = 5000;
  advance(f->book, file, FILE_SEEN);
  advance_to(f->book, file, FILE_FETCHED);
  g_autofree char *events = history(f, file->id);
  assert_string_equal(events, "seen admitted seen admitted fetched");
  assert_sound(f);
}

/* --- Intents and polls. */
typedef struct {
  BookIntent *intent;
  gint64 id;
  const char *text;
} IntentWork;
static gboolean intent_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_add_intent(tx, ((IntentWork *)data)->intent, error);
}
static gboolean finish_change(BookTransaction *tx, gpointer data, GError **error) {
  IntentWork *work = data;
  return book_finish_intent(tx, work->id, work->text, error);
}

static void an_intent_is_pending_until_it_is_done_and_done_once(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  BookIntent intent = {.file = file->id,
                       .kind = (char *)"put",
                       .endpoint = (char *)"acme/main",
                       .from = (char *)"spool/x",
                       .to = (char *)"/incoming/x",
                       .size = 9,
                       .sha256 = (char *)"aa",
                       .due_at = 5};
  IntentWork work = {.intent = &intent};
  assert_true(book_write(f->book, intent_change, &work, &error));
  assert_true(intent.id > 0);
  work.id = intent.id;
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) pending = book_intents(reader, NULL, &error);
  assert_int_equal(pending->len, 1);
  const BookIntent *read = pending->pdata[0];
  assert_int_equal(read->id, intent.id);
  assert_string_equal(read->kind, "put");
  assert_string_equal(read->endpoint, "acme/main");
  assert_string_equal(read->from, "spool/x");
  assert_string_equal(read->to, "/incoming/x");
  assert_string_equal(read->sha256, "aa");
  assert_int_equal(read->due_at, 5);
  work.text = "/incoming/x";
  assert_true(book_write(f->book, finish_change, &work, &error));
  assert_true(book_write(f->book, finish_change, &work, &error));
  g_autofree char *events = history(f, file->id);
  assert_string_equal(events, "seen put");
  g_autoptr(GPtrArray) none = book_intents(reader, NULL, &error);
  assert_int_equal(none->len, 0);
  g_autoptr(GPtrArray) all = book_intents(reader, file->id, &error);
  assert_int_equal(((BookIntent *)all->pdata[0])->state, INTENT_DONE);
  assert_true(((BookIntent *)all->pdata[0])->done_at > 0);
  work.id = 12345;
  expect_error(book_write(f->book, finish_change, &work, &error), &error, SALLYPORT_ERROR_BUG, "12345");
}

static gboolean poll_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_save_poll(tx, data, error);
}

static void a_poll_replaces_the_one_before(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  BookPoll poll = {.feed = (char *)"points", .last_at = 1, .last_ok_at = 1, .next_at = 61, .listed = 200, .taken = 3};
  assert_true(book_write(f->book, poll_change, &poll, &error));
  poll.last_at = 2;
  poll.failures = 1;
  poll.problem = (char *)"timed out";
  assert_true(book_write(f->book, poll_change, &poll, &error));
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) polls = book_polls(reader, &error);
  assert_int_equal(polls->len, 1);
  const BookPoll *read = polls->pdata[0];
  assert_int_equal(read->last_at, 2);
  assert_int_equal(read->last_ok_at, 1);
  assert_int_equal(read->listed, 200);
  assert_int_equal(read->failures, 1);
  assert_string_equal(read->problem, "timed out");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(every_fact_of_a_file_comes_back),
      TEST(a_file_goes_its_way_and_its_history_tells),
      TEST(the_same_listing_is_one_file),
      TEST(what_is_done_may_come_again_with_its_old_size_and_time),
      TEST(a_transition_that_is_not_allowed_is_our_bug),
      TEST(who_lost_the_race_is_told_and_changes_nothing),
      TEST(a_held_file_goes_back_where_it_was_held_or_is_rejected),
      TEST(retries_for_ever_do_not_grow_the_history),
      TEST(a_done_file_is_not_noted_any_more),
      TEST(batches_are_counted_as_they_are_posted),
      TEST(only_records_that_count_make_a_duplicate),
      TEST(the_name_of_an_answer_is_one_files_for_ever),
      TEST(a_file_that_changed_after_its_evidence_is_seen_again),
      TEST(an_intent_is_pending_until_it_is_done_and_done_once),
      TEST(a_poll_replaces_the_one_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
