/* Readers: questions, filters, plans; beside a writer, without one, without write permission. */
#include "tests/unit/store/book/book_fixture.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *names_of(BookReader *reader, const BookFilter *filter) {
  GError *error = NULL;
  g_autoptr(GPtrArray) files = book_files(reader, filter, &error);
  no_error(error);
  GString *names = g_string_new(NULL);
  for (guint i = 0; i < files->len; i++)
    g_string_append(names, ((BookFile *)files->pdata[i])->name_shown);
  return g_string_free(names, FALSE);
}

static void expect_files(BookReader *reader, const char *expected, BookFilter filter) {
  g_autofree char *names = names_of(reader, &filter);
  assert_string_equal(names, expected);
}

/* a … f, seen at 10 … 15; a and b closed, c gone, d fetched, e held, f seen; due at 60 … 10. */
static void six_files(Fixture *f) {
  static const FileState ends[] = {FILE_CLOSED, FILE_CLOSED, FILE_GONE, FILE_FETCHED, FILE_ADMITTED, FILE_SEEN};
  for (guint i = 0; i < 6; i++) {
    char name[2] = {(char)('a' + i), 0};
    g_autoptr(BookFile) file = make_file(i % 2 ? "odd" : "even", name);
    file->seen_at = 10 + i;
    file->due_at = 60 - 10 * i;
    add_file(f->book, file);
    if (ends[i] == FILE_GONE)
      advance(f->book, file, FILE_GONE);
    else
      advance_to(f->book, file, ends[i]);
    if (i == 4)
      advance(f->book, file, FILE_HELD);
  }
}

#define BIT(name) ((guint64)1 << FILE_##name)
static void filters_give_what_they_say(void **state) {
  Fixture *f = *state;
  six_files(f);
  g_autoptr(BookReader) r = open_reader(f);
  expect_files(r, "abcdef", (BookFilter){0});
  expect_files(r, "fedcba", (BookFilter){.newest_first = TRUE});
  expect_files(r, "fe", (BookFilter){.newest_first = TRUE, .limit = 2});
  expect_files(r, "ace", (BookFilter){.feed = "even"});
  expect_files(r, "fdb", (BookFilter){.feed = "odd", .newest_first = TRUE});
  expect_files(r, "", (BookFilter){.feed = "other"});
  expect_files(r, "cde", (BookFilter){.since = 12, .until = 14});
  expect_files(r, "ce", (BookFilter){.since = 12, .until = 14, .feed = "even"});
  expect_files(r, "bcd", (BookFilter){.name_like = "[b-d]"});
  expect_files(r, "abc", (BookFilter){.states = BIT(CLOSED) | BIT(GONE)});
  expect_files(r, "abd", (BookFilter){.states = BIT(CLOSED) | BIT(FETCHED)});
  expect_files(r, "def", (BookFilter){.states = BIT(FETCHED) | BIT(HELD) | BIT(SEEN)});
  expect_files(r, "fe", (BookFilter){.states = BIT(FETCHED) | BIT(HELD) | BIT(SEEN), .newest_first = TRUE, .limit = 2});
  expect_files(r, "e", (BookFilter){.states = BIT(FETCHED) | BIT(HELD) | BIT(SEEN), .feed = "even"});
  expect_files(r, "fed", (BookFilter){.due_by = 100});
  expect_files(r, "fe", (BookFilter){.due_by = 20});
  expect_files(r, "f", (BookFilter){.due_by = 19});
  expect_files(r, "fd", (BookFilter){.due_by = 100, .states = BIT(FETCHED) | BIT(SEEN)});
  expect_files(r, "ed", (BookFilter){.due_by = 100, .until = 14, .newest_first = TRUE});
  expect_files(r, "", (BookFilter){.due_by = 100, .states = BIT(CLOSED)});
}

static void tallies_come_by_id_in_pages(void **state) {
  Fixture *f = *state;
  six_files(f);
  g_autoptr(BookReader) r = open_reader(f);
  char after[BOOK_ID_BYTES] = "";
  guint seen = 0;
  for (guint n = 1; n > 0; seen += n) {
    g_autoptr(GArray) page = book_tallies(r, after, 4, NULL);
    assert_non_null(page);
    n = page->len;
    for (guint i = 0; i < n; i++) {
      const BookTally *tally = &g_array_index(page, BookTally, i);
      g_autoptr(BookFile) file = book_find_file(r, tally->id, NULL);
      BookTally again;
      assert_true(strcmp(tally->id, after) > 0);
      g_strlcpy(after, tally->id, sizeof after);
      assert_int_equal(tally->state, file->state);
      assert_string_equal(tally->feed, file->feed);
      assert_int_equal(tally->records, file->records);
      assert_int_equal(tally->accepted, file->accepted);
      assert_int_equal(tally->amount_accepted, file->amount_accepted);
      assert_int_equal(tally->batches_posted, file->batches_posted);
      assert_int_equal(tally->changed_at, file->changed_at);
      assert_true(book_tally(r, tally->id, &again, NULL));
      assert_int_equal(again.state, tally->state);
      assert_int_equal(again.changed_at, tally->changed_at);
    }
  }
  assert_int_equal(seen, 6);
  BookTally none;
  g_autoptr(GError) error = NULL;
  assert_false(book_tally(r, "0000000000000000", &none, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_STORAGE);
}

static void counts_are_by_feed_and_state(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  six_files(f);
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) counts = book_counts(reader, &error);
  no_error(error);
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i < counts->len; i++) {
    const BookCount *count = counts->pdata[i];
    g_string_append_printf(text, "%s %s %" G_GUINT64_FORMAT "; ", count->feed, file_state_word(count->state),
                           count->files);
    assert_true(count->oldest_change > 0);
  }
  assert_string_equal(text->str, "even closed 1; even held 1; even gone 1; odd seen 1; odd fetched 1; odd closed 1; ");
  assert_sound(f);
}

static void a_file_is_found_by_id_prefix_or_name(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) one = make_file("points", "a.dat"), two = make_file("points", "a.dat"),
                      three = make_file("points", "aaaa");
  two->modified++;
  two->seen_at = one->seen_at + 5;
  memcpy(one->id, "aaaabbbbccccdddd", 16);
  memcpy(two->id, "aaaabbbbccccdddf", 16);
  add_file(f->book, one);
  add_file(f->book, two);
  g_autoptr(BookReader) reader = open_reader(f);
  const struct {
    const char *wanted, *id;
  } cases[] = {
      {one->id, one->id}, {"aaaabbbbccccddd", NULL}, {"a.dat", two->id}, {"aaa", NULL},
      {"", NULL},         {"AAAABBBB", NULL},        {"b.dat", NULL},    {"aaaabbbbccccdddde", NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(BookFile) found = book_find_file(reader, cases[i].wanted, &error);
    if (cases[i].id)
      assert_string_equal(found->id, cases[i].id);
    else if (strcmp(cases[i].wanted, "aaaabbbbccccddd") == 0)
      expect_error(found != NULL, &error, SALLYPORT_ERROR_FILE, "several");
    else
      assert_null(found);
    no_error(error);
  }
  expect_error(book_find_file(reader, "aaaa", &error) != NULL, &error, SALLYPORT_ERROR_FILE, "several");
  add_file(f->book, three); /* a name wins over an ambiguous prefix */
  g_autoptr(BookFile) named = book_find_file(reader, "aaaa", &error);
  assert_string_equal(named->id, three->id);
  g_autofree char *prefix = g_strndup(three->id, 12);
  g_autoptr(BookFile) by_prefix = book_find_file(reader, prefix, &error);
  assert_string_equal(by_prefix->id, three->id);
  g_autoptr(GPtrArray) files = book_files_named(reader, "points", one->name, &error);
  assert_int_equal(files->len, 2);
  assert_string_equal(((BookFile *)files->pdata[0])->id, two->id);
}

/* --- Beside a writer. */
typedef struct {
  const Fixture *f;
  atomic_bool stop;
} Watch;

static void *watch(void *user) {
  Watch *w = user;
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(w->f);
  gint64 last = -1;
  while (!w->stop) {
    guint64 verified;
    if (!book_audit_verify(reader, w->f->tip, &verified, &error) || !book_verify(reader, &error))
      return error->message;
    if ((gint64)verified < last)
      return (gpointer) "the chain became shorter";
    last = (gint64)verified;
  }
  return NULL;
}

static void a_reader_sees_a_sound_book_while_it_is_written(void **state) {
  Fixture *f = *state;
  Watch w = {.f = f};
  pthread_t threads[2];
  void *words;
  for (guint i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, watch, &w);
  for (guint i = 0; i < 100; i++) {
    g_autofree char *name = g_strdup_printf("a%u", i);
    g_autoptr(BookFile) file = make_file("points", name);
    add_file(f->book, file);
    advance_to(f->book, file, FILE_CLOSED);
  }
  w.stop = TRUE;
  for (guint i = 0; i < 2; i++) {
    pthread_join(threads[i], &words);
    if (words)
      fail_msg("%s", (char *)words);
  }
}

static void a_reader_outlives_the_writer_and_sees_the_next_one(void **state) {
  Fixture *f = *state;
  six_files(f);
  g_autoptr(BookReader) r = open_reader(f);
  expect_files(r, "abcdef", (BookFilter){0});
  close_book(f);
  expect_files(r, "abcdef", (BookFilter){0});
  open_book(f);
  g_autoptr(BookFile) file = make_file("points", "g");
  add_file(f->book, file);
  expect_files(r, "abcdefg", (BookFilter){0});
}

static void a_book_that_is_not_there_is_told(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  assert_null(book_reader_open(f->path, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, f->path);
}

/* --- Without write permission: in a child that has become nobody. */
typedef enum { WRITER_RUNS, WRITER_CLOSED, WRITER_KILLED, NO_WAL } Situation;

static int read_as_nobody(const Fixture *f) {
  GError *error = NULL;
  guint64 verified;
  if (setgid(65534) != 0 || setuid(65534) != 0)
    return 77;
  BookReader *reader = book_reader_open(f->path, &error);
  if (!reader || !book_verify(reader, &error) || !book_audit_verify(reader, f->tip, &verified, &error)) {
    fprintf(stderr, "as nobody: %s\n", error->message);
    return 1;
  }
  g_autoptr(GPtrArray) files = book_files(reader, &(BookFilter){0}, &error);
  book_reader_close(reader);
  return files->len == 6 ? 0 : 2;
}

static void killed_writer(Fixture *f) {
  pid_t child = fork();
  if (child == 0) {
    open_book(f);
    six_files(f);
    kill(getpid(), SIGKILL);
  }
  waitpid(child, NULL, 0);
}

static void readable_by_all(const Fixture *f) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  chmod(f->folder, 0755);
  chmod(f->tip, 0644);
  for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree char *path = g_strconcat(f->path, suffixes[i], NULL);
    chmod(path, 0644);
  }
}

static void read_in(Fixture *f, Situation situation) {
  int status;
  if (geteuid() != 0) {
    fprintf(stderr, "SKIPPED: reading without permission to write needs root to set up\n");
    skip();
  }
  if (situation == WRITER_KILLED)
    killed_writer(f);
  else {
    open_book(f);
    six_files(f);
  }
  if (situation == WRITER_CLOSED || situation == NO_WAL)
    close_book(f);
  if (situation == NO_WAL) {
    g_autofree char *wal = g_strconcat(f->path, "-wal", NULL), *shm = g_strconcat(f->path, "-shm", NULL);
    g_unlink(wal);
    g_unlink(shm);
  }
  readable_by_all(f);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    _exit(read_as_nobody(f));
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void nobody_can_read_while_the_lane_runs(void **state) {
  read_in(*state, WRITER_RUNS);
}
static void nobody_can_read_when_the_lane_has_ended(void **state) {
  read_in(*state, WRITER_CLOSED);
}
static void nobody_can_read_when_the_lane_was_killed(void **state) {
  read_in(*state, WRITER_KILLED);
}
static void nobody_can_read_a_copy_without_its_wal(void **state) {
  read_in(*state, NO_WAL);
}

/* --- Query plans. */
static const struct {
  BookStatement which;
  const char *index;
} hot[] = {
    {BOOK_ADD_FILE, "file_name (feed=? AND name=?)"},
    {BOOK_FILE_NOW, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_SET_FILE, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_SET_FILE_KEYS, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_ADD_TOTAL, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_FIND_TWIN_FILE, "file_plain (plain_sha256=? AND feed=?)"},
    {BOOK_FIND_TWIN_CONTENT, "file_plain (plain_sha256=? AND feed=?)"},
    {BOOK_FIND_TWIN_NAME, "file_name (feed=? AND name=?)"},
    {BOOK_COUNT_BATCHES, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_ANSWER_OWNER, "sqlite_autoindex_answer_1 (feed=? AND name=?)"},
    {BOOK_POST_BATCH, "batch_number (file=? AND number=?)"},
    {BOOK_COUNT_POSTED, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_BATCH_STATE, "batch_number (file=? AND number=?)"},
    {BOOK_SEND_BATCH, "batch_number (file=? AND number=?)"},
    {BOOK_NOTE_BATCH, "batch_number (file=? AND number=?)"},
    {BOOK_REPLY_TO_BATCH, "batch_number (file=? AND number=?)"},
    {BOOK_UNCUT, "batch_number (file=? AND number=?)"},
    {BOOK_REMOVE_UNCUT, "batch_number (file=? AND number=?)"},
    {BOOK_NEXT_NUMBER, "batch_number (file=?)"},
    {BOOK_REPLY_TO_FILE, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_FINISH_INTENT, "INTEGER PRIMARY KEY"},
    {BOOK_INTENT_STATE, "INTEGER PRIMARY KEY"},
    {BOOK_AUDIT_HASH, "INTEGER PRIMARY KEY"},
    {BOOK_AUDIT_FROM, "INTEGER PRIMARY KEY"},
    {BOOK_FILES_DUE, "file_due (due_at<?)"},
    {BOOK_FILES_LIVE, "file_due (due_at<?)"},
    {BOOK_FILES_OLDEST, "file_seen (seen_at>? AND seen_at<?)"},
    {BOOK_FILES_NEWEST, "file_seen (seen_at>? AND seen_at<?)"},
    {BOOK_FEED_FILES_OLDEST, "file_feed_seen (feed=? AND seen_at>? AND seen_at<?)"},
    {BOOK_FEED_FILES_NEWEST, "file_feed_seen (feed=? AND seen_at>? AND seen_at<?)"},
    {BOOK_FILE_BY_ID, "sqlite_autoindex_file_1 (id=?)"},
    {BOOK_FILES_BY_PREFIX, "sqlite_autoindex_file_1 (id>? AND id<?)"},
    {BOOK_FILE_BY_SHOWN_NAME, "file_name_shown (name_shown=?)"},
    {BOOK_FILES_NAMED, "file_name (feed=? AND name=?)"},
    {BOOK_FILES_WITH_DIGEST, "file_cipher (cipher_sha256=? AND feed=?)"},
    {BOOK_BATCHES, "sqlite_autoindex_batch_1 (file=?)"},
    {BOOK_INTENTS_OF_FILE, "intent_file (file=?)"},
    {BOOK_INTENTS_PENDING, "intent_pending"},
    {BOOK_HISTORY, "audit_subject (subject=?)"},
    {BOOK_COUNTS, "file_due (due_at<?)"},
};

static void no_hot_statement_walks_over_a_table(void **state) {
  Fixture *f = *state;
  g_autoptr(BookReader) reader = open_reader(f);
  for (guint i = 0; i < G_N_ELEMENTS(hot); i++) {
    GError *error = NULL;
    g_autofree char *sql = book_statement_text(hot[i].which);
    g_autofree char *plan = db_plan(reader->statements.db, sql, &error);
    no_error(error);
    if (!strstr(plan, hot[i].index) || strstr(plan, "SCAN file\n") || strstr(plan, "SCAN audit\n") ||
        strstr(plan, "SCAN batch"))
      fail_msg("%s\nplan:\n%s\nexpected: %s", sql, plan, hot[i].index);
  }
  /* Those that end at a limit must come in order from the index. */
  static const BookStatement ordered[] = {BOOK_FILES_OLDEST,      BOOK_FILES_NEWEST, BOOK_FEED_FILES_OLDEST,
                                          BOOK_FEED_FILES_NEWEST, BOOK_HISTORY,      BOOK_AUDIT_NEWEST};
  for (guint i = 0; i < G_N_ELEMENTS(ordered); i++) {
    g_autofree char *sql = book_statement_text(ordered[i]);
    g_autofree char *plan = db_plan(reader->statements.db, sql, NULL);
    if (strstr(plan, "TEMP B-TREE"))
      fail_msg("%s\nplan:\n%s", sql, plan);
  }
}

/* The statement that runs for each transition must leave the wide indexes alone: only the primary key (to find the row)
 * and file_due may be written. */
static void a_transition_writes_one_index_only(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookReader) reader = open_reader(f);
  g_autofree char *set = book_statement_text(BOOK_SET_FILE);
  g_autofree char *explain = g_strconcat("EXPLAIN ", set, NULL);
  assert_true(db_run(reader->statements.db, "PRAGMA foreign_keys = ON", &error));
  g_autoptr(DbStatement) s = db_prepare(reader->statements.db, explain, &error);
  gboolean row = TRUE;
  guint inserts = 0;
  while (db_step(s, &row, &error) && row)
    inserts += strcmp(db_text(s, 1), "IdxInsert") == 0;
  assert_int_equal(inserts, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, make_fixture, tear_down)
      TEST(filters_give_what_they_say),
      TEST(tallies_come_by_id_in_pages),
      TEST(counts_are_by_feed_and_state),
      TEST(a_file_is_found_by_id_prefix_or_name),
      TEST(a_reader_sees_a_sound_book_while_it_is_written),
      TEST(a_reader_outlives_the_writer_and_sees_the_next_one),
      CLOSED(a_book_that_is_not_there_is_told),
      CLOSED(nobody_can_read_while_the_lane_runs),
      CLOSED(nobody_can_read_when_the_lane_has_ended),
      CLOSED(nobody_can_read_when_the_lane_was_killed),
      CLOSED(nobody_can_read_a_copy_without_its_wal),
      TEST(no_hot_statement_walks_over_a_table),
      TEST(a_transition_writes_one_index_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
