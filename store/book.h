/* A lane's book: its files, their history, batches, intents, polls and the audit chain, in one SQLite database (WAL,
 * synchronous=FULL) with exactly one connection that writes or checkpoints it, in a thread of its own.
 *
 * book_write() queues a change; the writer runs all waiting changes, each under a savepoint, in one transaction, and
 * one fsync makes them durable together. A change that fails is rolled back alone. Readers open read-only and never
 * checkpoint. Every state change is one transaction: compare-and-set of the state, the facts learnt, a history row, an
 * audit row, and the intents of effects outside. A crash before the commit leaves the old state; after it, the intents
 * are executed again, and each is safe to run twice. */
#pragma once
#include "gateway/base/error.h"
#include "store/book_batch.h" /* batches: ranges of a file's records */
#include "store/states.h"

typedef struct Book Book;
/* Makes the database or brings its schema up to date (each migration is one transaction; a newer schema than this
 * program knows is CONFIGURATION), takes the folder's lock (AGAIN when another process has it), starts the writer.
 * `path` is …/book.db; the audit tip is kept in `tip_path` too, outside the database. A tip that the book does not lead
 * up to (records cut off, an older copy) is CONFIGURATION: it is evidence, and an operator moves it away to go on. */
Book *book_open(const char *path, const char *tip_path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Commits what waits, checkpoints, ends the writer. */
void book_close(Book *book);

typedef gboolean (*BookChange)(BookTransaction *tx, gpointer data, GError **error);
/* Runs `change` once, in the writer's thread; durable on return of TRUE; any thread but the writer's own. FALSE:
 * nothing of it happened (after STORAGE: only reopening the book tells, and the book refuses every change until then),
 * but structs that the change was given may be ahead of the book: read them again. A change returns TRUE or sets
 * *error; it does not block. */
gboolean book_write(Book *book, BookChange change, gpointer data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is wrong while the disk has no space for the log to be copied into the book: a sentence for an alarm, NULL when
 * nothing is. It ends by itself within seconds of there being space again. Any thread; the caller frees. */
char *book_shortage(Book *book);

/* --- Files. Strings are owned by the struct; times are microseconds since 1970; 0 or NULL: not known (yet). */
struct BookFile {
  char *id; /* ours: sortable by time, 16 characters of 0-9a-z */
  char *feed;
  GBytes *name;     /* the partner's bytes, without folder */
  char *name_shown; /* escaped, for people */
  char *folder;     /* remote folder it was seen in */
  guint64 size;
  gint64 modified; /* as listed when last seen; modified in seconds since 1970 */
  char *evidence;  /* JSON object: why it was held to be complete */
  FileState state;
  FileState held_from; /* with FILE_HELD: where release goes back to */
  gint64 seen_at, changed_at;
  gint64 due_at;              /* when the lane should work on it (again) */
  guint attempts;             /* failed tries of the present step */
  char *problem;              /* the last failure, for people */
  char *reason_code, *reason; /* of a rejection, duplicate or hold: "F003", "control total differs: …" */
  char *duplicate_of;         /* another file's id */
  guint64 cipher_size;
  char *cipher_sha256; /* hex */
  guint64 plain_size;
  char *plain_sha256;
  char *signer;
  char *trust;                                     /* fingerprint; the verdict's word */
  char *business_date;                             /* "2026-11-20" */
  char *header;                                    /* JSON object of the header's fields, masked ones left out */
  guint64 records, accepted, rejected, duplicates; /* lines; the sum of the three is records once validated */
  gint64 amount, amount_accepted, amount_rejected, amount_duplicate;
  guint batches, batches_posted;
  char *feedback_name; /* the remote name of the answer */
};
BookFile *book_file_new(void); /* with a fresh id and seen_at */
void book_file_free(BookFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookFile, book_file_free)

/* A file seen first (`seen`): row, history, audit. FILE while one with this (feed, name, size, modified) is not closed
 * or gone. */
gboolean book_add_file(BookTransaction *tx, const BookFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Compare-and-set from file->state to `to` with all the facts in *file, and history + audit with `detail` (text for
 * people or NULL). Resets attempts and problem; due_at is file's. On TRUE file->state is `to`. BUG for a transition
 * that is not allowed, AGAIN when the row's state is no longer file->state (someone else moved it). The facts are all
 * members but id, feed, name, name_shown, seen_at (never change) and batches, batches_posted (the book counts them).
 * Held remembers where from in held_from; release goes back there or to rejected. Events in history are the states'
 * words. */
gboolean book_advance_file(BookTransaction *tx, BookFile *file, FileState to, const char *detail,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Facts only (a retry's attempts, problem, due_at; size of a file still growing): history "note" if `detail`; without
 * it "retry" at attempts 1, 2, 4, 8, … with the problem, else none. Same compare on state; BUG for a terminal one. */
gboolean book_note_file(BookTransaction *tx, const BookFile *file, const char *detail,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The oldest other file of the feed whose records count (see book_files_with_digest) and that has this name and
 * plain_sha256, or only the one of them, asked in the transaction that validates: of two such files only one passes.
 * *twin is NULL or the caller's to free. */
typedef enum { BOOK_TWIN_FILE, BOOK_TWIN_CONTENT, BOOK_TWIN_NAME, BOOK_TWINS } BookTwin;
gboolean book_find_twin(BookTransaction *tx, const BookFile *file, BookTwin kind, char **twin,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Intents: effects outside the book, executed after the commit until they are done. */
typedef enum { INTENT_PENDING, INTENT_DONE } IntentState;
typedef struct {
  gint64 id; /* given by book_add_intent */
  char *file;
  char *kind;      /* "put", "put-marker", "archive-source", "remove-source", "remove-local" */
  char *endpoint;  /* "partner/endpoint" */
  char *from, *to; /* paths, meaning by kind */
  guint64 size;
  char *sha256; /* of what is put */
  IntentState state;
  guint attempts;
  gint64 due_at;
  char *problem;
  gint64 done_at;
} BookIntent;
void book_intent_free(BookIntent *intent);
gboolean book_add_intent(BookTransaction *tx, BookIntent *intent, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Both: no effect on one that is done. History (event: its kind) if `detail`; "retry" at attempts 1, 2, 4, 8, … */
gboolean book_finish_intent(BookTransaction *tx, gint64 id, const char *detail,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_retry_intent(BookTransaction *tx, gint64 id, gint64 due_at, const char *problem,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Polls of a feed's source, and audit of what is not a file's transition (start, reload, an operator's command). */
typedef struct {
  char *feed;
  gint64 last_at, last_ok_at, next_at;
  guint64 listed, taken;
  guint failures;
  char *problem;
} BookPoll;
void book_poll_free(BookPoll *poll);
gboolean book_save_poll(BookTransaction *tx, const BookPoll *poll, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* BUG when `event` is a state's word: those are transitions. */
gboolean book_audit(BookTransaction *tx, const char *event, const char *subject, const char *detail,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading: a connection of one's own, read-only; one thread at a time; also from other processes. */
BookReader *book_reader_open(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void book_reader_close(BookReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookReader, book_reader_close)

typedef struct {
  const char *feed, *name_like; /* GLOB over name_shown */
  guint64 states;               /* bit set of FileState; 0: all */
  gint64 since, until;          /* seen_at, both included; 0: open */
  gint64 due_by;                /* due_at <= this and not terminal, in order of due_at unless newest_first; 0: all */
  gboolean newest_first;
  guint limit; /* 0: 1,000 */
} BookFilter;
/* BookFile* */
GPtrArray *book_files(BookReader *reader, const BookFilter *filter, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* By id, unique prefix of an id (>= 4), or exact shown name (the newest). NULL without error: none; FILE: ambiguous. */
BookFile *book_find_file(BookReader *reader, const char *id_or_name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All files of this feed and name, newest first: what poll and duplicate verdicts ask. */
GPtrArray *book_files_named(BookReader *reader, const char *feed, GBytes *name,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Files of the feed with this plaintext (or ciphertext) digest, other than `except`, whose records count (validated …
 * closed, not rejected). */
GPtrArray *book_files_with_digest(BookReader *reader, const char *feed, const char *sha256, const char *except,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
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
/* Recomputes the chain to its tip and holds it against the tip kept outside; FILE names the first edited, missing,
 * reordered or cut-off record. *verified is the number of good records. */
gboolean book_audit_verify(BookReader *reader, const char *tip_path, guint64 *verified,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* PRAGMA integrity_check and foreign_key_check, history follows allowed transitions, counts add up. STORAGE names the
 * first fault. */
gboolean book_verify(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
