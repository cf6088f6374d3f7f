/* The audit chain under the hands of someone who can write the database, and the tip outside. */
#include "tests/unit/store/book/book_fixture.h"
#include <sqlite3.h>

/* Twelve rows: 1 book-made, 2 … 12 of a file's way. */
static void write_rows(Fixture *f) {
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  advance_to(f->book, file, FILE_CLOSED);
}

/* What a person with a database shell does; the book is closed meanwhile. */
static void tamper(Fixture *f, const char *sql) {
  sqlite3 *db = NULL;
  char *words = NULL;
  assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
    fail_msg("%s: %s", sql, words);
  sqlite3_close(db);
}

/* As several threads do it: the first part that finds a fault is told. */
static void expect_verdict_in_parts(Fixture *f, guint parts, const char *words, guint64 good) {
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GError) first = NULL;
  gint64 rows;
  guint64 all = 0;
  assert_true(book_audit_rows(reader, &rows, NULL));
  for (guint i = 0; i < parts && !first; i++) {
    gint64 each = rows / parts, to = i + 1 == parts ? G_MAXINT64 : (i + 1) * each;
    guint64 verified;
    if (!book_audit_verify_rows(reader, f->tip, i * each + 1, to, &verified, &first))
      assert_int_equal(sallyport_error_code(first), SALLYPORT_ERROR_FILE);
    all += verified;
  }
  if (words && (!first || !strstr(first->message, words)))
    fail_msg("in %u parts: \"%s\" lacks \"%s\"", parts, first ? first->message : "", words);
  assert_int_equal(first != NULL, words != NULL);
  assert_int_equal(all, good);
}

static void expect_verdict(Fixture *f, const char *words, guint64 good) {
  for (guint parts = 1; parts < 6; parts++)
    expect_verdict_in_parts(f, parts, words, good);
  GError *error = NULL;
  guint64 verified = 0;
  g_autoptr(BookReader) reader = open_reader(f);
  gboolean ok = book_audit_verify(reader, f->tip, &verified, &error);
  if (words)
    expect_error(ok, &error, SALLYPORT_ERROR_FILE, words);
  no_error(error);
  assert_int_equal(verified, good);
}

static void an_untouched_chain_is_good(void **state) {
  Fixture *f = *state;
  write_rows(f);
  expect_verdict(f, NULL, 12); /* while the lane has it open */
  close_book(f);
  expect_verdict(f, NULL, 12);
}

static void an_edited_record_is_named(void **state) {
  Fixture *f = *state;
  static const char *const edits[] = {
      "UPDATE audit SET detail = 'x' WHERE sequence = 5",
      "UPDATE audit SET detail = '' WHERE sequence = 5", /* it was null */
      "UPDATE audit SET event = 'gone' WHERE sequence = 5",
      "UPDATE audit SET subject = NULL WHERE sequence = 5",
      "UPDATE audit SET at = at + 1 WHERE sequence = 5",
      "UPDATE audit SET hash = zeroblob(32) WHERE sequence = 5",
      "UPDATE audit SET event = event || subject, subject = '' WHERE sequence = 5", /* the same bytes, cut elsewhere */
  };
  write_rows(f);
  close_book(f);
  for (guint i = 0; i < G_N_ELEMENTS(edits); i++) {
    g_autofree char *sql = g_strdup_printf("CREATE TABLE kept AS SELECT * FROM audit; %s", edits[i]);
    tamper(f, sql);
    expect_verdict(f, "record 5 was changed", 4);
    tamper(f, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept");
    expect_verdict(f, NULL, 12);
  }
}

static void a_deleted_record_is_named(void **state) {
  Fixture *f = *state;
  write_rows(f);
  close_book(f);
  tamper(f, "DELETE FROM audit WHERE sequence = 5");
  expect_verdict(f, "record 5 is missing", 4);
  tamper(f, "UPDATE audit SET sequence = sequence - 1 WHERE sequence > 5"); /* the gap closed */
  expect_verdict(f, "record 5 was changed", 4);
}

static void a_deleted_first_record_is_named(void **state) {
  Fixture *f = *state;
  write_rows(f);
  close_book(f);
  tamper(f, "DELETE FROM audit WHERE sequence = 1");
  expect_verdict(f, "record 1 is missing", 0);
}

static void reordered_records_are_named(void **state) {
  Fixture *f = *state;
  write_rows(f);
  close_book(f);
  tamper(f, "UPDATE audit SET sequence = -1 WHERE sequence = 5; UPDATE audit SET sequence = 5 WHERE sequence = 6;"
            "UPDATE audit SET sequence = 6 WHERE sequence = -1");
  expect_verdict(f, "record 5 was changed, or moved", 4);
}

static void records_cut_off_are_named(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  write_rows(f);
  close_book(f);
  tamper(f, "DELETE FROM audit WHERE sequence > 8");
  expect_verdict(f, "record 9 and what followed, up to 12 at least, were cut off", 8);
  /* and the lane does not write over the evidence */
  assert_null(book_open(f->path, f->tip, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "cut off");
  expect_verdict(f, "record 9", 8);
}

/* Recomputes all hashes behind an edit, as somebody who knows the program can. */
static void forge(Fixture *f) {
  sqlite3 *db = NULL;
  sqlite3_stmt *select, *update;
  BookLink last = {0};
  Digest *sum = digest_new_sha256();
  assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
  sqlite3_exec(db, "UPDATE audit SET detail = 'nothing to see' WHERE sequence = 5", NULL, NULL, NULL);
  sqlite3_prepare_v2(db, "SELECT sequence, at, event, subject, detail FROM audit ORDER BY sequence", -1, &select, NULL);
  sqlite3_prepare_v2(db, "UPDATE audit SET hash = ?2 WHERE sequence = ?1", -1, &update, NULL);
  while (sqlite3_step(select) == SQLITE_ROW) {
    BookLink link;
    book_link_after(sum, &last, sqlite3_column_int64(select, 1), (const char *)sqlite3_column_text(select, 2),
                    (const char *)sqlite3_column_text(select, 3), (const char *)sqlite3_column_text(select, 4), &link);
    sqlite3_bind_int64(update, 1, link.sequence);
    sqlite3_bind_blob(update, 2, link.hash, BOOK_HASH, SQLITE_TRANSIENT);
    sqlite3_step(update);
    sqlite3_reset(update);
    last = link;
  }
  digest_free(sum);
  sqlite3_finalize(select);
  sqlite3_finalize(update);
  sqlite3_close(db);
}

static void a_forged_chain_does_not_fit_the_tip_outside(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  write_rows(f);
  close_book(f);
  forge(f);
  expect_verdict(f, "the tip kept outside differs", 11);
  assert_null(book_open(f->path, f->tip, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "does not fit");
}

static void an_older_tip_is_good_and_a_newer_is_not(void **state) {
  Fixture *f = *state;
  g_autofree char *older = NULL;
  write_rows(f);
  assert_true(g_file_get_contents(f->tip, &older, NULL, NULL));
  g_autoptr(BookFile) file = make_file("points", "b.dat");
  add_file(f->book, file);
  close_book(f);
  assert_true(g_file_set_contents(f->tip, older, -1, NULL)); /* killed between the commit and the tip */
  expect_verdict(f, NULL, 13);
  open_book(f); /* moves it on */
  g_autofree char *now = NULL;
  assert_true(g_file_get_contents(f->tip, &now, NULL, NULL));
  assert_true(g_str_has_prefix(now, "00000000000000000013 "));
  expect_verdict(f, NULL, 13);
}

static void a_missing_tip_is_made_anew_and_that_is_in_the_chain(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  write_rows(f);
  close_book(f);
  g_unlink(f->tip);
  expect_verdict(f, "missing", 12);
  open_book(f);
  expect_verdict(f, NULL, 13);
  g_autoptr(BookReader) reader = open_reader(f);
  DbStatement *s = book_ask(reader, BOOK_AUDIT_FROM, &error);
  gboolean row;
  db_bind(s, "i", (gint64)13);
  assert_true(db_step(s, &row, &error) && row);
  assert_string_equal(db_text(s, 2), "audit-tip-missing");
  db_reset(s);
}

/* The file's bytes after `n` more commits. */
static char *tip_after(Fixture *f, guint n) {
  char *bytes = NULL;
  gsize length;
  GError *error = NULL;
  for (guint i = 0; i < n; i++)
    assert_true(book_write(f->book, audit_change, (gpointer) "lane-started", &error));
  assert_true(g_file_get_contents(f->tip, &bytes, &length, NULL));
  assert_int_equal(length, 1024);
  return bytes;
}

/* A write may be torn at any byte, in either slot: the other slot counts, which is one commit older. */
static void a_torn_write_of_the_tip_is_no_tampering(void **state) {
  Fixture *f = *state;
  write_rows(f);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *before = tip_after(f, 1), *after = tip_after(f, 1);
    guint slot = memcmp(before, after, 512) == 0 ? 512 : 0;
    assert_int_equal(memcmp(before, after, 512) == 0, memcmp(before + 512, after + 512, 512) != 0);
    close_book(f);
    guint64 rows = 12 + 2 * (i + 1);
    for (guint cut = 1; cut < 104; cut += 3) {
      g_autofree char *torn = g_memdup2(after, 1024);
      memcpy(torn + slot + cut, before + slot + cut, 512 - cut);
      assert_true(g_file_set_contents(f->tip, torn, 1024, NULL));
      expect_verdict(f, NULL, (guint)rows);
    }
    open_book(f);
  }
}

static void the_tip_of_an_earlier_build_is_good_and_becomes_two_slots(void **state) {
  Fixture *f = *state;
  write_rows(f);
  close_book(f);
  g_autofree char *now = NULL;
  assert_true(g_file_get_contents(f->tip, &now, NULL, NULL));
  now[85] = '\n';
  assert_true(g_file_set_contents(f->tip, now, 86, NULL));
  expect_verdict(f, NULL, 12);
  open_book(f);
  g_autofree char *bytes = tip_after(f, 3);
  assert_true(g_str_has_prefix(bytes, "0000000000000000001"));
  expect_verdict(f, NULL, 15);
}

static gboolean note_three(gpointer user, const BookAuditRow *row) {
  GString *seen = user;
  g_string_append_printf(seen, "%d ", (int)row->sequence);
  return row->sequence > 9;
}

static void the_newest_rows_come_first_and_no_more_than_are_wanted(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  write_rows(f);
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GString) seen = g_string_new(NULL);
  assert_true(book_audit_visit_newest(reader, note_three, seen, &error));
  assert_string_equal(seen->str, "12 11 10 9 ");
}

static void a_damaged_tip_is_told(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  write_rows(f);
  close_book(f);
  static const char *const contents[] = {
      "", "12", "00000000000000000012 zz\n",
      "00000000000000000012 0123456789012345678901234567890123456789012345678901234567890123\n\n"};
  for (guint i = 0; i < G_N_ELEMENTS(contents); i++) {
    assert_true(g_file_set_contents(f->tip, contents[i], -1, NULL));
    expect_verdict(f, "damaged", 12);
    assert_null(book_open(f->path, f->tip, &error));
    expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "damaged");
  }
}

static void a_new_book_beside_an_old_tip_is_refused(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  write_rows(f);
  close_book(f);
  g_autofree char *wal = g_strconcat(f->path, "-wal", NULL), *shm = g_strconcat(f->path, "-shm", NULL);
  g_unlink(f->path);
  g_unlink(wal);
  g_unlink(shm);
  assert_null(book_open(f->path, f->tip, &error));
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "older copy");
  assert_null(book_open(f->path, f->tip, &error)); /* not only the first time */
  expect_error(FALSE, &error, SALLYPORT_ERROR_CONFIGURATION, "older copy");
}

static void a_long_detail_is_cut_at_a_character(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(GString) detail = g_string_new("x");
  for (guint i = 0; i < 2000; i++)
    g_string_append(detail, "é");
  g_autoptr(BookFile) file = make_file("points", "a.dat");
  add_file(f->book, file);
  Advance note = {file, 0, detail->str};
  assert_true(book_write(f->book, note_change, &note, &error));
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) rows = book_history(reader, file->id, &error);
  const BookHistory *row = rows->pdata[1];
  assert_true(strlen(row->detail) < 2010);
  assert_true(g_str_has_suffix(row->detail, "é…"));
  assert_true(g_utf8_validate(row->detail, -1, NULL));
  expect_verdict(f, NULL, 3);
}

static gboolean count_rows(gpointer user, const BookAuditRow *row) {
  GString *seen = user;
  g_string_append_printf(seen, "%" G_GINT64_FORMAT ":%s ", row->sequence, row->event);
  return row->sequence < 4 && strlen(row->hash) == 64;
}

static void a_visit_begins_where_it_is_told_and_ends_when_told(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  write_rows(f);
  g_autoptr(GString) seen = g_string_new(NULL);
  g_autoptr(BookReader) reader = open_reader(f);
  assert_true(book_audit_visit(reader, 2, count_rows, seen, &error));
  assert_string_equal(seen->str, "2:seen 3:admitted 4:fetched ");
}

/* --- The whole book (book_verify). */
static void every_broken_invariant_is_named(void **state) {
  Fixture *f = *state;
  static const struct {
    const char *sql, *undo, *words;
  } cases[] = {
      {"UPDATE file SET state = 'posted'; DELETE FROM file_total",
       "UPDATE file SET state = 'closed'; INSERT INTO file_total VALUES ('points', 'closed', 1, 0, 0, 0, 0, 1)",
       "history ends with closed"},
      {"UPDATE file SET records = 1", "UPDATE file SET records = 0", "records are not"},
      {"UPDATE file SET amount = 1", "UPDATE file SET amount = 0", "amount is not"},
      {"UPDATE file SET batches = 1", "UPDATE file SET batches = 0", "not all of its batches"},
      {"UPDATE file SET batches = 1, batches_posted = 1", "UPDATE file SET batches = 0, batches_posted = 0",
       "not those that it counts"},
      {"UPDATE file_total SET files = 2", "UPDATE file_total SET files = 1", "totals"},
      {"UPDATE file SET duplicate_of = 'nobody'", "UPDATE file SET duplicate_of = NULL",
       "refers to one that is missing"},
      {"UPDATE audit SET event = 'posted' WHERE sequence = 5", "UPDATE audit SET event = 'opened' WHERE sequence = 5",
       "became posted from fetched"},
  };
  write_rows(f);
  close_book(f);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GError *error = NULL;
    tamper(f, cases[i].sql);
    g_autoptr(BookReader) reader = open_reader(f);
    expect_error(book_verify(reader, &error), &error, SALLYPORT_ERROR_STORAGE, cases[i].words);
    tamper(f, cases[i].undo);
    assert_sound(f);
  }
}

/* As when a page of the index comes from an older copy of the file. */
static void change_behind_the_index(Fixture *f, const char *change) {
  g_autofree char *sql = g_strdup_printf(
      "PRAGMA writable_schema = ON; CREATE TEMP TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'audit_subject';"
      "DELETE FROM sqlite_schema WHERE name = 'audit_subject'; PRAGMA writable_schema = RESET; %s;"
      "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept; PRAGMA writable_schema = RESET",
      change);
  tamper(f, sql);
}

static void an_index_that_does_not_fit_its_rows_is_found(void **state) {
  static const struct {
    const char *change, *undo, *words;
  } cases[] = {
      {"UPDATE audit SET subject = subject || 'x' WHERE sequence = 5",
       "UPDATE audit SET subject = substr(subject, 1, 16) WHERE sequence = 5", "wrong at audit record 5"},
      {"UPDATE audit SET sequence = 1000 WHERE sequence = 5", "UPDATE audit SET sequence = 5 WHERE sequence = 1000",
       "wrong at audit record 5"},
      {"INSERT INTO audit SELECT 1000, at, event, subject, detail, hash FROM audit WHERE sequence = 5",
       "DELETE FROM audit WHERE sequence = 1000", "the database is damaged"},
  };
  Fixture *f = *state;
  write_rows(f);
  close_book(f);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GError *error = NULL;
    change_behind_the_index(f, cases[i].change);
    g_autoptr(BookReader) reader = open_reader(f);
    expect_error(book_verify(reader, &error), &error, SALLYPORT_ERROR_STORAGE, cases[i].words);
    change_behind_the_index(f, cases[i].undo);
    assert_sound(f);
  }
}

/* The sum is compared exactly, also where two of its terms leave 64 bits. */
static void amounts_beyond_64_bits_on_the_way_add_up(void **state) {
  Fixture *f = *state;
  static const struct {
    const char *amounts;
    gboolean adds_up;
  } table[] = {{"5000000000000000001, 9000000000000000001, 5000000000000000000, -9000000000000000000", TRUE},
               {"5000000000000000002, 9000000000000000001, 5000000000000000000, -9000000000000000000", FALSE},
               {"-7, -9223372036854775808, -5, 9223372036854775806", TRUE},
               {"-8, -9223372036854775808, -5, 9223372036854775806", FALSE},
               {"-1, 0, -1, 0", TRUE},
               {"4294967295, -1, 4294967296, 0", TRUE}};
  write_rows(f);
  close_book(f);
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *sql = g_strdup_printf(
        "UPDATE file SET (amount, amount_accepted, amount_rejected, amount_duplicate) = (%s)", table[i].amounts);
    tamper(f, sql);
    g_autoptr(BookReader) reader = open_reader(f);
    assert_int_equal(book_verify(reader, &error), table[i].adds_up);
    assert_true(table[i].adds_up || strstr(error->message, "amount is not"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(an_untouched_chain_is_good),
      TEST(an_edited_record_is_named),
      TEST(a_deleted_record_is_named),
      TEST(a_deleted_first_record_is_named),
      TEST(reordered_records_are_named),
      TEST(records_cut_off_are_named),
      TEST(a_forged_chain_does_not_fit_the_tip_outside),
      TEST(an_older_tip_is_good_and_a_newer_is_not),
      TEST(a_missing_tip_is_made_anew_and_that_is_in_the_chain),
      TEST(a_torn_write_of_the_tip_is_no_tampering),
      TEST(the_tip_of_an_earlier_build_is_good_and_becomes_two_slots),
      TEST(the_newest_rows_come_first_and_no_more_than_are_wanted),
      TEST(a_damaged_tip_is_told),
      TEST(a_new_book_beside_an_old_tip_is_refused),
      TEST(a_long_detail_is_cut_at_a_character),
      TEST(a_visit_begins_where_it_is_told_and_ends_when_told),
      TEST(every_broken_invariant_is_named),
      TEST(an_index_that_does_not_fit_its_rows_is_found),
      TEST(amounts_beyond_64_bits_on_the_way_add_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
