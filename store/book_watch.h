/* What a lane's book knows beside its files: the sequence numbers that they carry and that we give, when they came,
 * which files are due, and alarms. It judges nothing: verdicts, calendars and what an alarm is are gateway/watch's.
 *
 * As everywhere in the book: what takes a BookTransaction runs in the writer's thread and belongs to its change; what
 * takes a BookReader only reads, also from other processes. Strings in structs that readers return are owned by the
 * struct. */
#pragma once
#include "store/book.h"

/* --- Sequence numbers of a feed's files. Positions count from 0 (gateway/flow/judging/sequence.h makes them from
 * numbers). */
typedef struct {
  gboolean known;
  gint64 complete_to, last;
} BookSequence; /* known: a number of this period was used */
gboolean book_sequence(BookReader *reader, const char *feed, const char *period, BookSequence *sequence,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_sequence_now(BookTransaction *tx, const char *feed, const char *period, BookSequence *sequence,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether a file has used the position. */
gboolean book_sequence_used(BookReader *reader, const char *feed, const char *period, gint64 position, gboolean *used,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_sequence_used_now(BookTransaction *tx, const char *feed, const char *period, gint64 position,
                                gboolean *used, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *file, *feed, *period;
  guint64 number;
  gint64 position;
  char *verdict, *outcome;
  gboolean used;
  gint64 at;
} BookSequenceFile;
void book_sequence_file_free(BookSequenceFile *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookSequenceFile, book_sequence_file_free)
/* Replaces what was noted of the file. With used: its position counts as used from this transaction on, and complete_to
 * moves on over all that are; `from` is where a period begins that is not known yet (nothing before it is missed). */
gboolean book_judge_sequence(BookTransaction *tx, const BookSequenceFile *row, gint64 from,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *row is NULL when nothing is known of the file's number. */
gboolean book_sequence_of_file(BookReader *reader, const char *file, BookSequenceFile **row,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Numbers that we give, from 1. The file's number of this counter: always the same one, and no two files have one
 * number. */
gboolean book_count(BookTransaction *tx, const char *counter, const char *file, guint64 *number,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Arrivals. A second one of a file changes nothing. late: it came after the cut-off, as was once judged. */
gboolean book_note_arrival(BookTransaction *tx, const char *file, gint64 at, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* now it is late */
gboolean book_judge_arrival(BookTransaction *tx, const char *file, gint64 at, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *at 0: not noted */
gboolean book_arrival(BookReader *reader, const char *file, gint64 *at, gboolean *late,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Files of the feed that came in [from, to) and are here: fetched, and neither rejected nor a duplicate. Counts no
 * further than `most`. */
typedef struct {
  const char *feed;
  gint64 from, to;
  guint most;
} BookSpan;
gboolean book_arrivals(BookReader *reader, const BookSpan *span, guint *files,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- What is due. */
typedef enum { DUE_OPEN, DUE_MET, DUE_MISSED, DUE_EXCUSED } DueState;
const char *due_state_word(DueState state);
typedef struct {
  char *feed, *name, *day;
  gint64 opens_at, due_at, closes_at;
  guint wanted;
  DueState state;
  gint64 settled_at;
} BookDue;
void book_due_free(BookDue *due);
/* that is there already: no effect */
gboolean book_add_due(BookTransaction *tx, const BookDue *due, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Forgets the days whose time lies ahead: calendar or configuration may have changed, and they are reckoned anew. */
gboolean book_drop_dues_ahead(BookTransaction *tx, gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_settle_due(BookTransaction *tx, const BookDue *due, DueState state, gint64 at,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* BookDue*, open and missed, by due_at */
GPtrArray *book_open_dues(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The latest day of this expectation; *day NULL: none. The caller frees. */
gboolean book_last_due(BookReader *reader, const char *feed, const char *name, char **day,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Alarms. */
typedef enum { ALARM_STANDING, ALARM_ACKNOWLEDGED, ALARM_CLEARED } AlarmState;
const char *alarm_state_word(AlarmState state);
enum { ALARM_BY_COMMAND = 1, ALARM_BY_WEBHOOK = 2 }; /* ways */
typedef struct {
  char *id; /* 16 characters, as a file's */
  char *kind, *subject;
  char *feed;   /* NULL: of no feed */
  char *text;   /* for people, in our own words */
  char *detail; /* more, that others may have written: an error's message; for status only. NULL: none */
  gint64 weight;
  AlarmState state;
  gint64 raised_at, cleared_at;
  char *acknowledged_by;
  guint ways;     /* by which it has still to be told in this round */
  gint64 next_at; /* of the next telling or its next try; 0: none */
  guint told;
  gint64 told_at; /* rounds done, the last */
  guint failures;
  char *problem; /* of the telling */
} BookAlarm;
void book_alarm_free(BookAlarm *alarm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookAlarm, book_alarm_free)

typedef struct {
  const char *kind, *subject, *feed, *text, *detail;
  gint64 weight;
  guint ways; /* all that are configured */
} AlarmCall;
/* Raises it, or, where it stands, brings text and detail up to date. Told at once when it is new, and again, a minute
 * after the last time at the earliest, when its weight has grown (also one that was acknowledged stands again then).
 * Audit row when it is new. */
gboolean book_raise_alarm(BookTransaction *tx, const AlarmCall *call, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Nothing stands: no effect. That it has cleared is told if it was told that it stands. */
gboolean book_clear_alarm(BookTransaction *tx, const char *kind, const char *subject, guint ways,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A person has seen it: it is not told any more. With `ends` it has cleared. FILE when it does not stand. */
gboolean book_acknowledge_alarm(BookTransaction *tx, const char *id, const char *who, gboolean ends,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The outcome of a telling: ways, next_at, told, told_at, failures and problem are those of *after. No effect on one
 * that was raised anew since *before was read; that it has cleared meanwhile is told by all `ways`. */
gboolean book_told_alarm(BookTransaction *tx, const BookAlarm *before, const BookAlarm *after, guint ways,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_prune_watch(BookTransaction *tx, gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* BookAlarm*, oldest first */
GPtrArray *book_live_alarms(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* newest first, also cleared ones */
GPtrArray *book_alarms(BookReader *reader, guint limit, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *book_alarms_to_tell(BookReader *reader, gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
