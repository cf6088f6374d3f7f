/* What a book is asked: files, intents, polls, histories, counts; the audit chain; whether all of it is whole. Part of
 * the book (store/book.h includes this). */
#pragma once
#include "store/book.h"

/* --- Reading: a connection of one's own, read-only; one thread at a time; also from other processes. */
BookReader *book_reader_open(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void book_reader_close(BookReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookReader, book_reader_close)

typedef struct {
  const char *feed, *name_like; /* GLOB over name_shown */
  guint64 states;               /* bit set of FileState; 0: all */
  guint outcomes;               /* bit set of FileOutcome; 0: all */
  gint64 since, until;          /* seen_at, both included; 0: open */
  gint64 due_by;                /* due_at <= this and not terminal, in order of due_at unless newest_first; 0: all */
  gboolean newest_first;
  guint limit; /* 0: 1,000 */
} BookFilter;
/* BookFile* */
GPtrArray *book_files(BookReader *reader, const BookFilter *filter, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same files one by one, in the order of seen_at, oldest or newest first; for many: a page of them is held at a
 * time, and between pages nothing of the book, so that a slow reader of ours does not make its log grow. A file that
 * changes meanwhile is given once, as its page found it. limit 0: all; due_by is not used. The filter's texts are
 * borrowed. */
typedef struct BookWalk BookWalk;
BookWalk *book_walk_new(BookReader *reader, const BookFilter *filter);
void book_walk_free(BookWalk *walk);
/* *file is the caller's; NULL: there are no more. */
gboolean book_walk_next(BookWalk *walk, BookFile **file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookWalk, book_walk_free)
/* By id, unique prefix of an id (>= 4), or exact shown name (the newest). NULL without error: none; FILE: ambiguous. */
BookFile *book_find_file(BookReader *reader, const char *id_or_name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All files of this feed and name, newest first: what poll and duplicate verdicts ask. */
GPtrArray *book_files_named(BookReader *reader, const char *feed, GBytes *name,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The files of the feed in `seen`, in no order; ends when `visit` returns FALSE. All is borrowed until it returns. */
typedef struct {
  const char *id;
  GBytes *name;
  guint64 size;
  gint64 modified;
  FileWait waits_for;
  const char *waits_on;
} BookSeen;
typedef gboolean (*BookSeenVisit)(gpointer user, const BookSeen *seen);
gboolean book_visit_seen(BookReader *reader, const char *feed, BookSeenVisit visit, gpointer user,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Files of the feed with this plaintext (or ciphertext) digest, other than `except`, whose records count (validated …
 * closed, not rejected). */
GPtrArray *book_files_with_digest(BookReader *reader, const char *feed, const char *sha256, const char *except,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What a file's credits are held against. */
enum { BOOK_ID_BYTES = 17 };
typedef struct {
  char id[BOOK_ID_BYTES];
  const char *feed; /* for as long as the program runs */
  FileState state;
  guint64 records, accepted, rejected, duplicates;
  gint64 amount_accepted;
  guint batches_posted;
  gint64 changed_at; /* microseconds since 1970 */
} BookTally;
/* The next files by id, at most `limit` of them: BookTally. `after`: "" for the first page. NULL on error. */
GArray *book_tallies(BookReader *reader, const char *after, guint limit, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One file's, as it is now. STORAGE when it is not in the book. */
gboolean book_tally(BookReader *reader, const char *id, BookTally *tally, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* BookIntent*, by id; file NULL: all pending */
GPtrArray *book_intents(BookReader *reader, const char *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *book_polls(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  gint64 at;
  char *event, *detail;
} BookHistory;
/* BookHistory*, oldest first */
GPtrArray *book_history(BookReader *reader, const char *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  char *feed;
  FileState state;
  guint64 files, records, accepted, rejected, duplicates;
  gint64 oldest_change;
} BookCount;
/* BookCount*, by feed and state */
GPtrArray *book_counts(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gint64 sequence;
  gint64 at;
  const char *event, *subject, *detail, *hash;
} BookAuditRow;
typedef gboolean (*BookAuditVisit)(gpointer user, const BookAuditRow *row);
gboolean book_audit_visit(BookReader *reader, gint64 from, BookAuditVisit visit, gpointer user,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From the newest row backwards, until `visit` says FALSE. */
gboolean book_audit_visit_newest(BookReader *reader, BookAuditVisit visit, gpointer user,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Recomputes the chain to its tip and holds it against the tip kept outside; FILE names the first edited, missing,
 * reordered or cut-off record. *verified is the number of good records. */
gboolean book_audit_verify(BookReader *reader, const char *tip_path, guint64 *verified,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same of the records from … to, which several threads may share out, each with a reader of its own; with `to`
 * G_MAXINT64 to the end, and the tip. How many there are now. */
gboolean book_audit_verify_rows(BookReader *reader, const char *tip_path, gint64 from, gint64 to, guint64 *verified,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_audit_rows(BookReader *reader, gint64 *rows, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* PRAGMA integrity_check and foreign_key_check, history follows allowed transitions, counts add up. STORAGE names the
 * first fault. */
gboolean book_verify(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same in parts: whole, sums, histories. */
enum { BOOK_VERIFY_PARTS = 3 };
gboolean book_verify_part(BookReader *reader, guint part, GError **error) G_GNUC_WARN_UNUSED_RESULT;
