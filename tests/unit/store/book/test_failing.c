/* Each statement of SQLite that is interrupted, and each allocation that fails, in all that is asked of a book and
 * written into it: the book says AGAIN, answers nothing wrong, and a change that failed can be made again. */
#include "tests/unit/store/failing_sqlite.h"
#include "store/book_answer_name.h"
#include "store/book_holdings.h"
#include "store/book_recon_late.h"
#include "store/book_watch.h"
#include "tests/unit/store/book/book_fixture.h"

#define W(text) ((char *)(text)) /* borrowed where a member owns, and is only read */
#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* --- Changes. */

static gboolean files_change(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = data;
  BookIntent intent = {.file = file->id, .kind = W("archive"), .endpoint = W("e"), .from = W("a"), .to = W("b")};
  BookPoll poll = {.feed = W("points"), .last_at = 1};
  BookBatch whole = {.number = 1, .first = 1, .last = 4, .first_line = 2, .last_line = 5, .accepted = 4, .amount = 40};
  g_autoptr(GPtrArray) batches = g_ptr_array_new();
  g_ptr_array_add(batches, &whole);
  guint64 number;
  gboolean ok = book_add_file(tx, file, error) && book_note_arrival(tx, file->id, 5, error) &&
                book_judge_arrival(tx, file->id, 6, error) && book_count(tx, "c", file->id, &number, error) &&
                book_count(tx, "c", file->id, &number, error) && book_add_intent(tx, &intent, error) &&
                book_finish_intent(tx, intent.id, "done", error) && book_save_poll(tx, &poll, error) &&
                book_claim_answer(tx, "points", file->name_shown, file->id, error);
  for (FileState to = FILE_ADMITTED; ok && to <= FILE_VALIDATED; to++)
    ok = book_advance_file(tx, file, to, "a detail", error);
  return ok && book_note_file(tx, file, "noted", error) && book_add_batches(tx, file->id, batches, error) &&
         book_advance_file(tx, file, FILE_POSTING, NULL, error) && book_post_batch(tx, file->id, 1, error);
}

static gboolean watch_change(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = data;
  static const char *const kinds[] = {"feed-late", "poll-fails"};
  const AlarmCall call = {kinds[0], file->name_shown, "points", "text", "detail", 1, ALARM_BY_COMMAND},
                  heavier = {kinds[0], file->name_shown, "points", "worse", "detail", 2, ALARM_BY_COMMAND};
  BookSequenceFile judged = {.file = file->id, .feed = W("points"), .period = W("2026"), .number = 1, .position = 1,
                             .verdict = W("next"), .outcome = W("used"), .used = TRUE, .at = 1};
  BookDue due = {.feed = W("points"), .name = file->name_shown, .day = W("2026-11-20"), .opens_at = 1, .due_at = 2,
                 .closes_at = 3, .wanted = 1};
  BookSequence sequence;
  gboolean used;
  return book_add_file(tx, file, error) && book_sequence_now(tx, "points", "2026", &sequence, error) &&
         book_sequence_used_now(tx, "points", "2026", 1, &used, error) &&
         (used || book_judge_sequence(tx, &judged, 1, error)) && book_add_due(tx, &due, error) &&
         book_drop_dues_ahead(tx, 10, error) && book_settle_due(tx, &due, DUE_MISSED, 4, error) &&
         book_raise_alarm(tx, &call, error) && book_raise_alarm(tx, &heavier, error) &&
         book_clear_alarm(tx, kinds[1], file->name_shown, ALARM_BY_COMMAND, error) &&
         book_clear_alarm(tx, kinds[0], file->name_shown, ALARM_BY_COMMAND, error) &&
         book_prune_watch(tx, 10, error);
}

static gboolean holdings_change(BookTransaction *tx, gpointer data, GError **error) {
  const BookFile *file = data;
  BookFeed feed = {.feed = file->name_shown, .layout = W("l"), .ledger = W("m"), .key = W("k"), .key_type = W("text"),
                   .account = W("a"), .account_type = W("text"), .amount = W("p")};
  const BookClosing closing = {W("feed"), file->name_shown, 1, W("me"), W("why")};
  return book_set_fact(tx, "lane", "points", error) && book_note_feed(tx, &feed, error) &&
         book_close_holding(tx, &closing, error) && book_reopen_holding(tx, "feed", file->name_shown, error) &&
         book_rename_feed(tx, file->name_shown, "renamed", error) && book_rename_feed(tx, "renamed", "again", error) &&
         book_rename_ledger(tx, "m", "n", error) && book_move_intents(tx, "/a", "/b", error);
}

static gboolean recon_change(BookTransaction *tx, gpointer data, GError **error) {
  const BookFile *file = data;
  g_autoptr(ReconTask) task = recon_task_new();
  gint64 seen_at;
  task->name = g_strdup("daily");
  task->requester = g_strdup("r");
  task->type = g_strdup("ledger");
  task->period = g_strdup_printf("%010" G_GINT64_FORMAT, file->modified);
  ReconShard *shard = recon_shard_new(1);
  shard->name = g_strdup("s");
  shard->records = shard->size = shard->plain_size = 1;
  shard->cursor = g_strdup("c");
  shard->md5 = g_strdup("d41d8cd98f00b204e9800998ecf8427e");
  shard->sha256 = g_strdup(SHA);
  shard->plain_sha256 = g_strdup(SHA);
  gboolean ok = recon_see_block(tx, "daily", &seen_at, error) && recon_add_task(tx, task, error) &&
                recon_advance_task(tx, task, RECON_RUNNING, NULL, error) &&
                recon_add_shard(tx, task->id, shard, error) && recon_clear_shards(tx, task, "anew", error) &&
                recon_add_shard(tx, task->id, shard, error);
  recon_shard_free(shard);
  task->shards = 1;
  task->manifest_name = g_strdup("m");
  task->manifest_sha256 = g_strdup(SHA);
  task->manifest_size = 1;
  ok = ok && recon_note_task(tx, task, "noted", error);
  task->done_at = 9;
  ok = ok && recon_advance_task(tx, task, RECON_DONE, NULL, error);
  for (ReconWay way = RECON_WAS_PUSHED; ok && way <= RECON_WAS_REMOVED; way++)
    ok = recon_note_way(tx, task, way, error);
  return ok && recon_note_requester(tx, task, RECON_REQUESTER_FETCHED, error) &&
         recon_note_requester(tx, task, RECON_REQUESTER_ACKNOWLEDGED, error) && recon_note_problem(tx, task, error) &&
         recon_note_pushed_shards(tx, task->id, 1, error) && recon_forget_pushed_shards(tx, task->id, error) &&
         recon_set_late_seen(tx, 1000, error) && recon_look_again_from(tx, 3, error);
}

static const BookChange changes[] = {files_change, watch_change, holdings_change, recon_change};

static BookFile *fresh_file(guint n) {
  g_autofree char *name = g_strdup_printf("f%u", n);
  BookFile *file = make_file("points", name);
  file->modified = n;
  file->cipher_sha256 = g_strdup(SHA);
  file->business_date = g_strdup("2026-11-20");
  file->records = file->accepted = 4;
  file->amount = file->amount_accepted = 40;
  return file;
}

/* With a connection that has prepared nothing yet. TRUE: something failed, and was refused or done all the same. */
static gboolean change_failing(Fixture *f, BookChange change, FailingKind kind, int n, guint *refused) {
  static guint number;
  GError *error = NULL;
  g_autoptr(BookFile) file = fresh_file(++number), again = fresh_file(++number);
  if (kind == FAILING_MEMORY) {
    close_book(f);
    open_book(f);
  }
  failing_arm(kind, n);
  gboolean ok = book_write(f->book, change, file, &error), hit = failing_disarm();
  *refused += !ok;
  if (!ok)
    expect_error(ok, &error, SALLYPORT_ERROR_AGAIN, NULL);
  if (!ok && !book_write(f->book, change, again, &error))
    fail_msg("%d %d: %s", (int)kind, n, error->message);
  return hit;
}

static void what_could_not_be_written_can_be_written_again(void **state) {
  Fixture *f = *state;
  for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
    guint refused = 0;
    for (FailingKind kind = FAILING_STATEMENT; kind < FAILING_KINDS; kind++)
      for (int n = 1; change_failing(f, changes[i], kind, n, &refused);)
        n = kind == FAILING_STATEMENT ? n + 1 : failing_next(n);
    assert_true(refused > 10);
    assert_sound(f);
  }
}

/* --- Questions. */

static gboolean pass_seen(gpointer user, const BookSeen *seen) {
  (void)user, (void)seen;
  return TRUE;
}
static gboolean pass_row(gpointer user, const BookAuditRow *row) {
  (void)user, (void)row;
  return TRUE;
}

/* Takes the answer. */
static gboolean got(GPtrArray *rows) {
  if (rows)
    g_ptr_array_unref(rows);
  return rows != NULL;
}

static gboolean ask_of_files(BookReader *r, const char *id, GError **error) {
  const BookFilter oldest = {.feed = "points"}, due = {.due_by = G_MAXINT64, .newest_first = TRUE};
  g_autoptr(GBytes) name = g_bytes_new_static("f1", 2);
  BookTally tally;
  g_autoptr(GArray) tallies = NULL;
  g_autoptr(BookFile) found = NULL, named = NULL;
  g_autoptr(GError) none = NULL;
  g_autofree char *owner = book_answer_owner(r, "points", "f1", &none);
  if (none) {
    g_propagate_error(error, g_steal_pointer(&none));
    return FALSE;
  }
  if (!got(book_files(r, &oldest, error)) || !got(book_files(r, &due, error)) ||
      !(found = book_find_file(r, id, error)) || !(named = book_find_file(r, "f1", error)))
    return FALSE;
  assert_string_equal(found->cipher_sha256, SHA);
  return got(book_files_named(r, "points", name, error)) && book_visit_seen(r, "points", pass_seen, NULL, error) &&
         got(book_files_with_digest(r, "points", SHA, "", error)) && (tallies = book_tallies(r, "", 9, error)) &&
         book_tally(r, id, &tally, error) && got(book_intents(r, id, error)) && got(book_intents(r, NULL, error)) &&
         got(book_polls(r, error)) && got(book_history(r, id, error)) && got(book_counts(r, error)) &&
         got(book_batches(r, id, error)) && book_audit_visit(r, 1, pass_row, NULL, error) &&
         book_audit_visit_newest(r, pass_row, NULL, error);
}

static gboolean ask_of_watch(BookReader *r, const char *id, GError **error) {
  const BookSpan span = {"points", 0, G_MAXINT64, 100};
  BookSequence sequence;
  g_autoptr(BookSequenceFile) judged = NULL;
  g_autofree char *day = NULL;
  gboolean used, late;
  gint64 at;
  guint files;
  return book_sequence(r, "points", "2026", &sequence, error) &&
         book_sequence_used(r, "points", "2026", 1, &used, error) && book_sequence_of_file(r, id, &judged, error) &&
         book_arrival(r, id, &at, &late, error) && book_arrivals(r, &span, &files, error) &&
         got(book_open_dues(r, error)) && book_last_due(r, "points", "f1", &day, error) &&
         got(book_live_alarms(r, error)) && got(book_alarms(r, 5, error)) &&
         got(book_alarms_to_tell(r, G_MAXINT64, error));
}

static gboolean ask_of_recon(BookReader *r, const char *id, GError **error) {
  static const ReconFilter filters[] = {{.name = "daily"}, {.due_by = 1},        {.failed = TRUE},
                                        {.open = TRUE},    {.outstanding = TRUE}, {.kept_from = G_MAXINT64}};
  g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GPtrArray) tasks = NULL;
  gint64 since = 0, top;
  guint files, number;
  gboolean ok = TRUE;
  (void)id;
  for (guint i = 1; i < G_N_ELEMENTS(filters) && ok; i++)
    ok = got(recon_tasks(r, &filters[i], error));
  if (!ok || !(tasks = recon_tasks(r, &filters[0], error)))
    return FALSE;
  const ReconTask *task = tasks->pdata[0];
  ReconShard *last = NULL;
  ok = got(recon_shards(r, task->id, error)) && got(recon_shards_after(r, task->id, 0, 5, error)) &&
       recon_last_shard(r, task->id, &last, error);
  recon_shard_free(last);
  g_autoptr(ReconTask) found = ok ? recon_find_task(r, task->id, error) : NULL,
                       object = found ? recon_find_object(r, task->object, &number, error) : NULL;
  return object && recon_files_not_posted(r, ids, &since, error) &&
         recon_files_in_posting(r, "2026-01-01", "2026-12-31", &files, error) &&
         got(recon_files_of_period(r, NULL, "2026-01-01", "2026-12-31", 9, error)) &&
         got(recon_decided_files(r, 0, 1000, 9, error)) && recon_audit_top(r, &top, error) &&
         recon_late_seen(r, &top, error);
}

static gboolean ask_whether_it_holds(BookReader *r, const char *tip, GError **error) {
  guint64 verified;
  gint64 rows;
  return book_audit_rows(r, &rows, error) && book_audit_verify(r, tip, &verified, error) && book_verify(r, error);
}

static void what_cannot_be_read_is_said_so_and_never_answered_wrongly(void **state) {
  static gboolean (*const questions[])(BookReader *, const char *, GError **) = {ask_of_files, ask_of_watch,
                                                                                 ask_of_recon, ask_whether_it_holds};
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = fresh_file(1);
  for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
    g_autoptr(BookFile) other = fresh_file(i + 1);
    if (!book_write(f->book, changes[i], i ? other : file, &error))
      fail_msg("%u: %s", i, error->message);
  }
  for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
    guint failed = 0;
    for (FailingKind kind = FAILING_STATEMENT; kind < FAILING_KINDS; kind++) {
      gboolean again = TRUE;
      for (int n = 1; again; n = kind == FAILING_STATEMENT ? n + 1 : failing_next(n)) {
        failing_arm(kind, n);
        g_autoptr(BookHoldings) holdings = book_holdings_read(f->path, &error);
        g_autoptr(BookReader) reader = holdings ? book_reader_open(f->path, &error) : NULL;
        gboolean ok = reader && questions[i](reader, i == 3 ? f->tip : file->id, &error);
        again = failing_disarm();
        failed += !ok;
        if (!ok)
          expect_error(ok, &error, SALLYPORT_ERROR_AGAIN, NULL);
      }
    }
    assert_true(failed > 10);
  }
}

int main(void) {
  failing_install();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(what_could_not_be_written_can_be_written_again),
                                     TEST(what_cannot_be_read_is_said_so_and_never_answered_wrongly)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
