/* Is the book as it was written? The audit chain against its tip outside, and the invariants between the tables. */
#include "store/book/book_private.h"
#include <string.h>

static void read_link(DbStatement *s, BookLink *link) {
  memset(link, 0, sizeof *link);
  link->sequence = db_integer(s, 0);
  gsize length;
  const void *hash = db_bytes(s, 5, &length);
  if (length == BOOK_HASH)
    memcpy(link->hash, hash, BOOK_HASH);
}

static gboolean visit_rows(BookReader *reader, DbStatement *s, BookAuditVisit visit, gpointer user, GError **error) {
  for (gboolean row;;) {
    if (!db_step(s, &row, error))
      return FALSE;
    if (!row)
      return book_end(reader, error);
    BookLink link;
    char hash[2 * BOOK_HASH + 1];
    read_link(s, &link);
    book_hash_text(link.hash, hash);
    BookAuditRow shown = {link.sequence, db_integer(s, 1), db_text(s, 2), db_text(s, 3), db_text(s, 4), hash};
    gboolean whole = db_row_whole(s, error);
    if (!whole || !visit(user, &shown)) {
      db_reset(s);
      return whole;
    }
  }
}

gboolean book_audit_visit(BookReader *reader, gint64 from, BookAuditVisit visit, gpointer user, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_AUDIT_FROM, error);
  if (!s)
    return FALSE;
  db_bind(s, "i", from);
  return visit_rows(reader, s, visit, user, error);
}

gboolean book_audit_visit_newest(BookReader *reader, BookAuditVisit visit, gpointer user, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_AUDIT_NEWEST, error);
  return s && visit_rows(reader, s, visit, user, error);
}

static gboolean fault(GError **error, gint64 sequence, const char *what) {
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "audit record %" G_GINT64_FORMAT " %s", sequence, what);
}

/* The row that the statement is at, against the one before it and the tip. */
static gboolean check_row(DbStatement *s, Digest *sum, BookLink *last, const BookLink *tip, GError **error) {
  BookLink stored, computed;
  read_link(s, &stored);
  if (stored.sequence != last->sequence + 1)
    return fault(error, last->sequence + 1, "is missing");
  book_link_after(sum, last, db_integer(s, 1), db_text(s, 2), db_text(s, 3), db_text(s, 4), &computed);
  if (!db_row_whole(s, error))
    return FALSE;
  if (memcmp(stored.hash, computed.hash, BOOK_HASH) != 0)
    return fault(error, stored.sequence,
                 "was changed, or moved from another place: its hash does not follow from its content");
  if (stored.sequence == tip->sequence && memcmp(stored.hash, tip->hash, BOOK_HASH) != 0)
    return fault(error, stored.sequence,
                 "or one before it was changed and the hashes made to fit: the tip kept outside differs");
  *last = stored;
  return TRUE;
}

/* Up to the row `to`, which ends the walk. */
static gboolean check_rows(DbStatement *s, gint64 to, const BookLink *tip, BookLink *last, GError **error) {
  Digest *sum = digest_new_sha256();
  gboolean row = FALSE, ok;
  while ((ok = db_step(s, &row, error)) && row && db_integer(s, 0) <= to)
    if (!(ok = check_row(s, sum, last, tip, error)))
      break;
  if (row)
    db_reset(s);
  digest_free(sum);
  return ok;
}

/* The row before the first one, from which its hash follows. */
static gboolean take_row_before(DbStatement *s, gint64 before, BookLink *last, GError **error) {
  gboolean row;
  if (!db_step(s, &row, error))
    return FALSE;
  if (row)
    read_link(s, last);
  if (!row || last->sequence != before) {
    db_reset(s);
    return fault(error, before, "is missing");
  }
  return TRUE;
}

static gboolean check_end(BookTipState state, const BookLink *tip, const BookLink *last, const char *tip_path,
                          GError **error) {
  if (state != BOOK_TIP_GOOD)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "the audit tip %s is %s: the records that are there follow from each "
                               "other, but the last ones may have been cut off",
                               tip_path, state == BOOK_TIP_MISSING ? "missing" : "damaged");
  if (last->sequence < tip->sequence)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "audit record %" G_GINT64_FORMAT " and what followed, up to %" G_GINT64_FORMAT
                               " at least, were cut off",
                               last->sequence + 1, tip->sequence);
  return TRUE;
}

/* The tip is read before the rows: a lane that writes on meanwhile makes the book newer than the tip, never older. */
gboolean book_audit_verify_rows(BookReader *reader, const char *tip_path, gint64 from, gint64 to, guint64 *verified,
                                GError **error) {
  BookTipState state;
  BookLink tip = {0}, last = {0};
  *verified = 0;
  if (!book_tip_read(tip_path, &state, &tip, error))
    return FALSE;
  DbStatement *s = book_ask(reader, BOOK_AUDIT_FROM, error);
  if (!s)
    return FALSE;
  db_bind(s, "i", from > 1 ? from - 1 : G_MININT64);
  gboolean ok = (from <= 1 || take_row_before(s, from - 1, &last, error)) && check_rows(s, to, &tip, &last, error);
  *verified = (guint64)(last.sequence - (from > 1 ? from - 1 : 0));
  if (!ok || !book_end(reader, error))
    return FALSE;
  if (to == G_MAXINT64)
    return check_end(state, &tip, &last, tip_path, error);
  return last.sequence == to || fault(error, last.sequence + 1, "is missing");
}

gboolean book_audit_verify(BookReader *reader, const char *tip_path, guint64 *verified, GError **error) {
  return book_audit_verify_rows(reader, tip_path, 1, G_MAXINT64, verified, error);
}

gboolean book_audit_rows(BookReader *reader, gint64 *rows, GError **error) {
  BookLink last = {0};
  gboolean ok = book_link_last(&reader->statements, &last, error);
  *rows = last.sequence;
  return ok;
}

/* Runs a question whose answer should be empty. */
static gboolean expect_nothing(BookReader *reader, BookStatement which, const char *what, GError **error) {
  gboolean row;
  DbStatement *s = book_ask(reader, which, error);
  if (!s || !db_step(s, &row, error))
    return FALSE;
  if (!row)
    return TRUE;
  sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "%s: %s, %s", what, db_text(s, 0), db_text(s, 1));
  db_reset(s);
  return FALSE;
}

/* One file's way through its history, as its rows come by. */
typedef struct {
  const char *id; /* borrowed */
  FileState state, held_from;
  gboolean any;
} Walk;

static gboolean end_walk(const Walk *walk, const char *current, GError **error) {
  if (walk->any && g_strcmp0(file_state_word(walk->state), current) == 0)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s is %s, but its history ends with %s", walk->id,
                             current, walk->any ? file_state_word(walk->state) : "nothing");
}

/* Before `sealed` was a state, an answer went out of the state before it. */
static gboolean may_have_become(FileState from, FileState to) {
  return file_state_may_become(from, to) || (to == FILE_ANSWERED && file_state_may_become(from, FILE_SEALED));
}

static gboolean step_walk(Walk *walk, const char *event, GError **error) {
  FileState to;
  if (!event || !file_state_parse(event, &to))
    return TRUE;
  gboolean allowed = walk->any ? may_have_become(walk->state, to) : to == FILE_SEEN;
  if (allowed && walk->any && walk->state == FILE_HELD)
    allowed = to == FILE_REJECTED || to == walk->held_from;
  if (!allowed)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s became %s from %s, which is not allowed",
                               walk->id, event, walk->any ? file_state_word(walk->state) : "nothing");
  if (to == FILE_HELD)
    walk->held_from = walk->state;
  walk->state = to;
  walk->any = TRUE;
  return TRUE;
}

/* The entries of the index by subject, in its order. Each leads to a row that has its subject, they ascend, and there
 * are as many as rows: so the index is whole, and check_whole need not look at it. */
typedef struct {
  DbStatement *rows;
  gboolean row;                /* there is one */
  const char *subject, *event; /* of it; borrowed */
  GString *last;               /* the subject of the one before */
  gint64 last_sequence, n;
} Entries;

static gboolean next_entry(Entries *entries, GError **error) {
  DbStatement *s = entries->rows;
  if (!db_step(s, &entries->row, error))
    return FALSE;
  if (!entries->row)
    return TRUE;
  gint64 sequence = db_integer(s, 1);
  entries->subject = db_text(s, 0);
  entries->event = db_text(s, 3);
  if (!db_row_whole(s, error))
    return FALSE;
  int order = strcmp(entries->last->str, entries->subject ? entries->subject : "");
  if (order > 0 || (order == 0 && sequence <= entries->last_sequence) || !db_integer(s, 2))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "the database is damaged: the index of histories is wrong at audit record "
                               "%" G_GINT64_FORMAT, sequence);
  if (order != 0)
    g_string_assign(entries->last, entries->subject);
  entries->last_sequence = sequence;
  entries->n++;
  return TRUE;
}

static gboolean check_history(Entries *entries, const char *id, const char *state, GError **error) {
  Walk walk = {.id = id};
  while (entries->row && g_strcmp0(entries->subject, id) < 0) /* of no file */
    if (!next_entry(entries, error))
      return FALSE;
  while (entries->row && g_strcmp0(entries->subject, id) == 0)
    if (!step_walk(&walk, entries->event, error) || !next_entry(entries, error))
      return FALSE;
  return end_walk(&walk, state, error);
}

static gboolean check_entries(Entries *entries, DbStatement *files, GError **error) {
  gboolean row = FALSE, ok = next_entry(entries, error);
  while (ok && (ok = db_step(files, &row, error)) && row) {
    const char *id = db_text(files, 0), *state = db_text(files, 1);
    ok = db_row_whole(files, error) && check_history(entries, id, state, error);
  }
  if (row)
    db_reset(files);
  while (ok && entries->row)
    ok = next_entry(entries, error);
  if (entries->row)
    db_reset(entries->rows);
  return ok;
}

static gboolean check_histories(BookReader *reader, GError **error) {
  gboolean row;
  Entries entries = {.rows = book_ask(reader, BOOK_VERIFY_HISTORY, error)};
  DbStatement *files = entries.rows ? book_ask(reader, BOOK_VERIFY_STATES, error) : NULL,
              *rows = files ? book_ask(reader, BOOK_VERIFY_ROWS, error) : NULL;
  if (!rows || !db_step(rows, &row, error))
    return FALSE;
  gint64 n = db_integer(rows, 0);
  db_reset(rows);
  entries.last = g_string_new(NULL);
  gboolean ok = check_entries(&entries, files, error);
  g_string_free(entries.last, TRUE);
  return ok && (entries.n == n || sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                                      "the database is damaged: the index of histories has "
                                                      "%" G_GINT64_FORMAT " entries for %" G_GINT64_FORMAT " records",
                                                      entries.n, n));
}

/* The audit's index: check_histories. */
static gboolean check_whole(BookReader *reader, GError **error) {
  return db_check(reader->statements.db, "audit", error);
}

static gboolean check_sums(BookReader *reader, GError **error) {
  return expect_nothing(reader, BOOK_VERIFY_SUMS, "the counts of a file do not add up", error) &&
         expect_nothing(reader, BOOK_VERIFY_BATCHES, "the batches of a file do not add up", error) &&
         expect_nothing(reader, BOOK_VERIFY_TOTALS, "the totals of done files are wrong", error);
}

static gboolean (*const parts[BOOK_VERIFY_PARTS])(BookReader *reader, GError **error) = {check_whole, check_sums,
                                                                                         check_histories};

/* In one read transaction: a lane that writes meanwhile does not make two questions disagree. */
static gboolean verify(BookReader *reader, guint from, guint to, GError **error) {
  if (!db_begin_read(reader->statements.db, error))
    return FALSE;
  gboolean ok = TRUE;
  for (guint i = from; i < to && ok; i++)
    ok = parts[i](reader, error);
  ok = ok && book_end(reader, error);
  db_rollback(reader->statements.db);
  return ok;
}

gboolean book_verify_part(BookReader *reader, guint part, GError **error) {
  return verify(reader, part, part + 1, error);
}

gboolean book_verify(BookReader *reader, GError **error) {
  return verify(reader, 0, BOOK_VERIFY_PARTS, error);
}
