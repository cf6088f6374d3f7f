/* Readers, and what they answer about files. */
#include "store/book/book_private.h"
#include <string.h>
#include <unistd.h>

static gboolean has_wal(const char *path) {
  g_autofree char *wal = g_strconcat(path, "-wal", NULL);
  return access(wal, F_OK) == 0;
}

static gboolean check_columns(BookReader *reader, GError **error) {
  DbStatement *s = book_statement(&reader->statements, BOOK_FILE_BY_ID, error);
  return s && book_fields_check(s, error);
}

static gboolean open_reader(BookReader *reader, GError **error) {
  g_autoptr(GError) why = NULL;
  DbOptions options = {.path = reader->path, .use = DB_READ};
  reader->statements.db = db_open(&options, &why);
  if (reader->statements.db && book_schema_check(reader->statements.db, &why))
    return check_columns(reader, error);
  if (access(reader->path, R_OK) != 0 || access(reader->path, W_OK) == 0 || has_wal(reader->path)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  book_statements_clear(&reader->statements);
  db_close(g_steal_pointer(&reader->statements.db));
  /* A book copied to where this process cannot write, without its WAL, whose index could not be made there. Opened as
   * immutable it takes no locks at all, so it is told at each question whether a writer has come. */
  reader->immutable = options.immutable = TRUE;
  reader->statements.db = db_open(&options, error);
  return reader->statements.db && book_schema_check(reader->statements.db, error) && check_columns(reader, error);
}

BookReader *book_reader_open(const char *path, GError **error) {
  BookReader *reader = g_new0(BookReader, 1);
  reader->path = g_strdup(path);
  if (open_reader(reader, error))
    return reader;
  g_prefix_error(error, "%s: ", path);
  book_reader_close(reader);
  return NULL;
}

void book_reader_close(BookReader *reader) {
  if (!reader)
    return;
  book_statements_clear(&reader->statements);
  db_close(reader->statements.db);
  g_free(reader->path);
  g_free(reader);
}

DbStatement *book_ask(BookReader *reader, BookStatement which, GError **error) {
  if (reader->immutable && !book_end(reader, error))
    return NULL;
  return book_statement(&reader->statements, which, error);
}

gboolean book_end(BookReader *reader, GError **error) {
  if (!reader->immutable || !has_wal(reader->path))
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "a lane has opened %s: open it again", reader->path);
}

GPtrArray *book_collect(BookReader *reader, DbStatement *statement, BookRow row, GDestroyNotify free_row,
                        GError **error) {
  g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_row);
  for (gboolean more;;) {
    if (!db_step(statement, &more, error))
      return NULL;
    if (!more)
      break;
    gpointer one = row(statement, error);
    if (one)
      g_ptr_array_add(rows, one);
    if (!one || !db_row_whole(statement, error)) {
      db_reset(statement);
      return NULL;
    }
  }
  return book_end(reader, error) ? g_steal_pointer(&rows) : NULL;
}

static gpointer file_row(DbStatement *statement, GError **error) {
  return book_fields_read(statement, error);
}

static GPtrArray *collect_files(BookReader *reader, DbStatement *statement, GError **error) {
  return book_collect(reader, statement, file_row, (GDestroyNotify)book_file_free, error);
}

#define LIVE_STATES ((((guint64)1 << FILE_N_STATES) - 1) & ~((guint64)1 << FILE_CLOSED) & ~((guint64)1 << FILE_GONE))

gboolean book_filter_is_live(const BookFilter *filter) {
  return filter->states && !(filter->states & ~LIVE_STATES);
}

/* Questions about live files go by the index that holds no others; the rest by time, newest or oldest first, which ends
 * at the limit. */
static BookStatement choose(const BookFilter *filter) {
  if (filter->due_by && !filter->newest_first)
    return BOOK_FILES_DUE;
  if (filter->due_by || book_filter_is_live(filter))
    return BOOK_FILES_LIVE;
  if (filter->feed)
    return filter->newest_first ? BOOK_FEED_FILES_NEWEST : BOOK_FEED_FILES_OLDEST;
  return filter->newest_first ? BOOK_FILES_NEWEST : BOOK_FILES_OLDEST;
}

static void bind_outcomes(DbStatement *s, guint outcomes) {
  db_bind_integer(s, 23, outcomes != 0);
  for (guint i = FILE_OUTCOME_NONE + 1; i < FILE_N_OUTCOMES; i++)
    db_bind_text(s, 23 + i, outcomes >> i & 1 ? file_outcome_word((FileOutcome)i) : NULL, -1);
}

GPtrArray *book_files(BookReader *reader, const BookFilter *filter, GError **error) {
  BookStatement which = choose(filter);
  DbStatement *s = book_ask(reader, which, error);
  if (!s)
    return NULL;
  db_bind_text(s, 1, filter->feed, -1);
  db_bind_text(s, 2, filter->name_like, -1);
  db_bind_integer(s, 3, filter->since);
  db_bind_integer(s, 4, filter->until ? filter->until : G_MAXINT64);
  db_bind_integer(s, 5, filter->limit ? filter->limit : 1000);
  db_bind_integer(s, 6, filter->due_by ? filter->due_by : G_MAXINT64);
  for (guint i = 0; i < FILE_N_STATES; i++)
    if (!filter->states || (filter->states >> i & 1))
      db_bind_text(s, 7 + i, file_state_word((FileState)i), -1);
  if (which == BOOK_FILES_LIVE)
    db_bind_integer(s, 22, filter->newest_first ? -1 : 1);
  bind_outcomes(s, filter->outcomes);
  return collect_files(reader, s, error);
}
G_STATIC_ASSERT(FILE_N_STATES == 15);  /* the parameters 7 … 21 of the statements */
G_STATIC_ASSERT(FILE_N_OUTCOMES == 4); /* 24 … 26, without NONE */

static GPtrArray *files_by_text(BookReader *reader, BookStatement which, const char *one, const char *two,
                                GError **error) {
  DbStatement *s = book_ask(reader, which, error);
  if (!s)
    return NULL;
  if (two)
    db_bind(s, "ss", one, two);
  else
    db_bind(s, "s", one);
  return collect_files(reader, s, error);
}

/* The ids that begin with `prefix`: "~" sorts behind every digit of an id. */
static GPtrArray *files_by_prefix(BookReader *reader, const char *prefix, GError **error) {
  gsize length = strlen(prefix);
  gboolean is_prefix = length >= 4 && length <= 16 && strspn(prefix, "0123456789abcdefghijklmnopqrstuvwxyz") == length;
  g_autofree char *end = g_strconcat(prefix, "~", NULL);
  return is_prefix ? files_by_text(reader, BOOK_FILES_BY_PREFIX, prefix, end, error) : g_ptr_array_new();
}

/* An id or a prefix that means one file wins over a name; a name wins over a prefix that means several. */
BookFile *book_find_file(BookReader *reader, const char *id_or_name, GError **error) {
  g_autoptr(GPtrArray) by_id = files_by_prefix(reader, id_or_name, error);
  if (!by_id)
    return NULL;
  if (by_id->len == 1)
    return g_ptr_array_steal_index(by_id, 0);
  g_autoptr(GPtrArray) named = files_by_text(reader, BOOK_FILE_BY_SHOWN_NAME, id_or_name, NULL, error);
  if (!named)
    return NULL;
  if (named->len == 1)
    return g_ptr_array_steal_index(named, 0);
  if (by_id->len > 1)
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "several files' ids begin with %s: give more of it", id_or_name);
  return NULL;
}

GPtrArray *book_files_named(BookReader *reader, const char *feed, GBytes *name, GError **error) {
  gsize length;
  gconstpointer bytes = g_bytes_get_data(name, &length);
  DbStatement *s = book_ask(reader, BOOK_FILES_NAMED, error);
  if (!s)
    return NULL;
  db_bind(s, "sb", feed, bytes, length);
  return collect_files(reader, s, error);
}

gboolean book_visit_seen(BookReader *reader, const char *feed, BookSeenVisit visit, gpointer user, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_FILES_SEEN, error);
  gboolean row = FALSE, ok = s != NULL;
  if (ok)
    db_bind_text(s, 1, feed, -1);
  while (ok && (ok = db_step(s, &row, error)) && row) {
    gsize length;
    const void *bytes = db_bytes(s, 1, &length);
    g_autoptr(GBytes) name = g_bytes_new_static(bytes, length);
    const char *wait = db_text(s, 4);
    BookSeen seen = {.id = db_text(s, 0),
                     .name = name,
                     .size = (guint64)db_integer(s, 2),
                     .modified = db_integer(s, 3),
                     .waits_on = db_text(s, 5)};
    if (!(ok = db_row_whole(s, error)))
      break;
    if (wait && !file_wait_parse(wait, &seen.waits_for))
      seen.waits_for = FILE_WAIT_NOTHING; /* of another build: asked anew */
    if (!visit(user, &seen))
      break;
  }
  if (row)
    db_reset(s);
  return ok && book_end(reader, error);
}

GPtrArray *book_files_with_digest(BookReader *reader, const char *feed, const char *sha256, const char *except,
                                  GError **error) {
  DbStatement *s = book_ask(reader, BOOK_FILES_WITH_DIGEST, error);
  if (!s)
    return NULL;
  db_bind(s, "sss", feed, sha256, except ? except : "");
  return collect_files(reader, s, error);
}

static gboolean read_tally(DbStatement *s, BookTally *tally, GError **error) {
  *tally = (BookTally){.feed = g_intern_string(db_text(s, 1)),
                     .records = (guint64)db_integer(s, 3),
                     .accepted = (guint64)db_integer(s, 4),
                     .rejected = (guint64)db_integer(s, 5),
                     .duplicates = (guint64)db_integer(s, 6),
                     .amount_accepted = db_integer(s, 7),
                     .batches_posted = (guint)db_integer(s, 8),
                     .changed_at = db_integer(s, 9)};
  const char *id = db_text(s, 0), *state = db_text(s, 2);
  if (!db_row_whole(s, error))
    return FALSE;
  g_strlcpy(tally->id, id, sizeof tally->id);
  return file_state_parse(state, &tally->state) ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s has the unknown state %s", id, state);
}

GArray *book_tallies(BookReader *reader, const char *after, guint limit, GError **error) {
  g_autoptr(GArray) tallies = g_array_new(FALSE, FALSE, sizeof(BookTally));
  DbStatement *s = book_ask(reader, BOOK_FILE_TALLIES, error);
  gboolean row = TRUE;
  if (!s)
    return NULL;
  db_bind(s, "su", after, limit);
  while (db_step(s, &row, error) && row) {
    BookTally tally;
    if (!read_tally(s, &tally, error)) {
      db_reset(s);
      return NULL;
    }
    g_array_append_val(tallies, tally);
  }
  return !row && book_end(reader, error) ? g_steal_pointer(&tallies) : NULL;
}

gboolean book_tally(BookReader *reader, const char *id, BookTally *tally, GError **error) {
  g_autoptr(GError) why = NULL;
  g_autoptr(BookFile) file = book_find_file(reader, id, &why);
  if (why) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!file)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s is not in the book any more", id);
  *tally = (BookTally){.feed = g_intern_string(file->feed),
                       .state = file->state,
                       .records = file->records,
                       .accepted = file->accepted,
                       .rejected = file->rejected,
                       .duplicates = file->duplicates,
                       .amount_accepted = file->amount_accepted,
                       .batches_posted = file->batches_posted,
                       .changed_at = file->changed_at};
  g_strlcpy(tally->id, file->id, sizeof tally->id);
  return TRUE;
}
