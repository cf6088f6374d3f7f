/* Sequence numbers, counters, arrivals and what is due: changes (in the writer's thread) and questions. */
#include "store/book_watch.h"
#include "store/book/book_private.h"
#include <string.h>

/* --- Sequence numbers */

static gboolean read_sequence(DbStatement *s, const char *feed, const char *period, BookSequence *sequence,
                              GError **error) {
  *sequence = (BookSequence){.complete_to = -1, .last = -1};
  if (!s)
    return FALSE;
  db_bind(s, "ss", feed, period);
  if (!db_step(s, &sequence->known, error))
    return FALSE;
  if (!sequence->known)
    return TRUE;
  sequence->complete_to = db_integer(s, 0);
  sequence->last = db_integer(s, 1);
  db_reset(s);
  return TRUE;
}

static gboolean has_row(DbStatement *s, gboolean *row, GError **error) {
  if (!db_step(s, row, error))
    return FALSE;
  if (*row)
    db_reset(s);
  return TRUE;
}

static gboolean read_used(DbStatement *s, const char *feed, const char *period, gint64 position, gboolean *used,
                          GError **error) {
  if (!s)
    return FALSE;
  db_bind(s, "ssi", feed, period, position);
  return has_row(s, used, error);
}

gboolean book_sequence(BookReader *reader, const char *feed, const char *period, BookSequence *sequence,
                       GError **error) {
  return read_sequence(book_ask(reader, BOOK_SEQUENCE, error), feed, period, sequence, error);
}

gboolean book_sequence_now(BookTransaction *tx, const char *feed, const char *period, BookSequence *sequence,
                           GError **error) {
  return read_sequence(book_statement(&tx->statements, BOOK_SEQUENCE, error), feed, period, sequence, error);
}

gboolean book_sequence_used(BookReader *reader, const char *feed, const char *period, gint64 position, gboolean *used,
                            GError **error) {
  return read_used(book_ask(reader, BOOK_SEQUENCE_USED, error), feed, period, position, used, error);
}

gboolean book_sequence_used_now(BookTransaction *tx, const char *feed, const char *period, gint64 position,
                                gboolean *used, GError **error) {
  return read_used(book_statement(&tx->statements, BOOK_SEQUENCE_USED, error), feed, period, position, used, error);
}

void book_sequence_file_free(BookSequenceFile *row) {
  if (!row)
    return;
  g_free(row->file);
  g_free(row->feed);
  g_free(row->period);
  g_free(row->verdict);
  g_free(row->outcome);
  g_free(row);
}

/* complete_to moves on one by one: over its life once over each number. */
static gboolean use(BookTransaction *tx, const BookSequenceFile *row, gint64 from, GError **error) {
  BookSequence now;
  if (!book_sequence_now(tx, row->feed, row->period, &now, error))
    return FALSE;
  if (!now.known)
    now.complete_to = now.last = from - 1;
  now.last = MAX(now.last, row->position);
  for (gboolean used = TRUE; now.complete_to < now.last;) {
    if (!book_sequence_used_now(tx, row->feed, row->period, now.complete_to + 1, &used, error))
      return FALSE;
    if (!used)
      break;
    now.complete_to++;
  }
  DbStatement *s = book_statement(&tx->statements, BOOK_SET_SEQUENCE, error);
  if (!s)
    return FALSE;
  db_bind(s, "ssiii", row->feed, row->period, now.complete_to, now.last, row->at);
  return db_done(s, error);
}

gboolean book_judge_sequence(BookTransaction *tx, const BookSequenceFile *row, gint64 from, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_JUDGE_SEQUENCE, error);
  if (!s)
    return FALSE;
  db_bind(s, "sssiissii", row->file, row->feed, row->period, (gint64)row->number, row->position, row->verdict,
          row->outcome, (gint64)row->used, row->at);
  return db_done(s, error) && (!row->used || use(tx, row, from, error));
}

gboolean book_sequence_of_file(BookReader *reader, const char *file, BookSequenceFile **row, GError **error) {
  gboolean found;
  *row = NULL;
  DbStatement *s = book_ask(reader, BOOK_SEQUENCE_OF_FILE, error);
  if (!s)
    return FALSE;
  db_bind(s, "s", file);
  if (!db_step(s, &found, error))
    return FALSE;
  if (!found)
    return TRUE;
  BookSequenceFile *made = g_new0(BookSequenceFile, 1);
  *made = (BookSequenceFile){.file = db_text_copy(s, 0),
                             .feed = db_text_copy(s, 1),
                             .period = db_text_copy(s, 2),
                             .number = (guint64)db_integer(s, 3),
                             .position = db_integer(s, 4),
                             .verdict = db_text_copy(s, 5),
                             .outcome = db_text_copy(s, 6),
                             .used = (int)db_integer(s, 7) != 0,
                             .at = db_integer(s, 8)};
  gboolean whole = db_row_whole(s, error);
  db_reset(s);
  if (whole)
    *row = made;
  else
    book_sequence_file_free(made);
  return whole;
}

/* --- Counters */

gboolean book_count(BookTransaction *tx, const char *counter, const char *file, guint64 *number, GError **error) {
  gboolean row;
  DbStatement *look = book_statement(&tx->statements, BOOK_COUNTER_NUMBER, error);
  DbStatement *advance = look ? book_statement(&tx->statements, BOOK_ADVANCE_COUNTER, error) : NULL;
  DbStatement *keep = advance ? book_statement(&tx->statements, BOOK_KEEP_COUNTER_NUMBER, error) : NULL;
  if (!keep)
    return FALSE;
  db_bind(look, "ss", counter, file);
  if (!db_step(look, &row, error))
    return FALSE;
  if (row) {
    *number = (guint64)db_integer(look, 0);
    db_reset(look);
    return TRUE;
  }
  db_bind(advance, "s", counter);
  if (!db_step(advance, &row, error))
    return FALSE;
  *number = (guint64)db_integer(advance, 0);
  if (!db_done(advance, error))
    return FALSE;
  db_bind(keep, "ssi", counter, file, (gint64)*number);
  return db_done(keep, error);
}

/* --- Arrivals */

static gboolean set_arrival(BookTransaction *tx, BookStatement which, const char *file, gint64 at, GError **error) {
  DbStatement *s = book_statement(&tx->statements, which, error);
  if (!s)
    return FALSE;
  db_bind(s, "si", file, at);
  return db_done(s, error);
}

gboolean book_note_arrival(BookTransaction *tx, const char *file, gint64 at, GError **error) {
  return set_arrival(tx, BOOK_NOTE_ARRIVAL, file, at, error);
}

gboolean book_judge_arrival(BookTransaction *tx, const char *file, gint64 at, GError **error) {
  return set_arrival(tx, BOOK_JUDGE_ARRIVAL, file, at, error);
}

gboolean book_arrival(BookReader *reader, const char *file, gint64 *at, gboolean *late, GError **error) {
  gboolean row;
  *at = 0;
  *late = FALSE;
  DbStatement *s = book_ask(reader, BOOK_ARRIVAL, error);
  if (!s)
    return FALSE;
  db_bind(s, "s", file);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row) {
    *at = db_integer(s, 0);
    *late = (int)db_integer(s, 1) != 0;
    db_reset(s);
  }
  return TRUE;
}

gboolean book_arrivals(BookReader *reader, const BookSpan *span, guint *files, GError **error) {
  gboolean row;
  *files = 0;
  DbStatement *s = book_ask(reader, BOOK_ARRIVALS, error);
  if (!s)
    return FALSE;
  db_bind(s, "siiu", span->feed, span->from, span->to, span->most);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row) {
    *files = (guint)db_integer(s, 0);
    db_reset(s);
  }
  return TRUE;
}

/* --- What is due */

static const char *const due_words[] = {
    [DUE_OPEN] = "open", [DUE_MET] = "met", [DUE_MISSED] = "missed", [DUE_EXCUSED] = "excused"};

const char *due_state_word(DueState state) {
  return due_words[state];
}

void book_due_free(BookDue *due) {
  if (!due)
    return;
  g_free(due->feed);
  g_free(due->name);
  g_free(due->day);
  g_free(due);
}

gboolean book_add_due(BookTransaction *tx, const BookDue *due, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_ADD_DUE, error);
  if (!s)
    return FALSE;
  db_bind(s, "sssiiiu", due->feed, due->name, due->day, due->opens_at, due->due_at, due->closes_at, due->wanted);
  return db_done(s, error);
}

gboolean book_drop_dues_ahead(BookTransaction *tx, gint64 now, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_DROP_DUES_AHEAD, error);
  if (!s)
    return FALSE;
  db_bind(s, "i", now);
  return db_done(s, error);
}

gboolean book_settle_due(BookTransaction *tx, const BookDue *due, DueState to, gint64 at, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_SETTLE_DUE, error);
  if (!s)
    return FALSE;
  db_bind(s, "ssssi", due->feed, due->name, due->day, due_words[to], at);
  return db_done(s, error);
}

static gpointer due_row(DbStatement *s, GError **error) {
  (void)error;
  const char *word = db_text(s, 7);
  BookDue *due = g_new0(BookDue, 1);
  *due = (BookDue){.feed = db_text_copy(s, 0),
                   .name = db_text_copy(s, 1),
                   .day = db_text_copy(s, 2),
                   .opens_at = db_integer(s, 3),
                   .due_at = db_integer(s, 4),
                   .closes_at = db_integer(s, 5),
                   .wanted = (guint)db_integer(s, 6),
                   .settled_at = db_integer(s, 8)};
  for (guint i = 0; word && i < G_N_ELEMENTS(due_words); i++)
    if (strcmp(due_words[i], word) == 0)
      due->state = (DueState)i;
  return due;
}

GPtrArray *book_open_dues(BookReader *reader, GError **error) {
  DbStatement *s = book_ask(reader, BOOK_OPEN_DUES, error);
  return s ? book_collect(reader, s, due_row, (GDestroyNotify)book_due_free, error) : NULL;
}

gboolean book_last_due(BookReader *reader, const char *feed, const char *name, char **day, GError **error) {
  gboolean row;
  *day = NULL;
  DbStatement *s = book_ask(reader, BOOK_LAST_DUE, error);
  if (!s)
    return FALSE;
  db_bind(s, "ss", feed, name);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row) {
    *day = db_text_copy(s, 0);
    db_reset(s);
  }
  return TRUE;
}
