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
#include "store/states.h"

typedef struct Book Book;
typedef struct BookTransaction BookTransaction;
typedef struct BookReader BookReader;
typedef struct BookFile BookFile;

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
  guint deaths;               /* of the lane, while it was at work on this file in its present state */
  FileWait waits_for;         /* until due_at, or until it comes */
  char *waits_on, *waits_why; /* what exactly: a name, an id; why, for people */
  char *reason_code, *reason; /* of a rejection, duplicate or hold: "F003", "control total differs: …" */
  char *released;             /* the codes of holds that a person has ended, with blanks between them */
  char *duplicate_of;         /* another file's id */
  FileOutcome outcome;        /* from `posted`, `rejected` or `duplicate` on */
  guint counted;              /* 1 from `validated` on: its records count, for ever */
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
/* Whether a person has released it from a hold for this reason. */
gboolean book_file_was_released(const BookFile *file, const char *code);
/* All three; the texts are copied. */
void book_file_set_wait(BookFile *file, FileWait wait, const char *on, const char *why);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BookFile, book_file_free)

/* A file seen first (`seen`): row, history, audit. FILE while one with this (feed, name, size, modified) is not closed
 * or gone. */
gboolean book_add_file(BookTransaction *tx, const BookFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Compare-and-set from file->state to `to` with all the facts in *file, and history + audit with `detail` (text for
 * people or NULL). Resets attempts, problem, deaths and what it waits for; due_at is file's. On TRUE file->state is
 * `to`. BUG for a transition that is not allowed, AGAIN when the row's state is no longer file->state (someone else
 * moved it). The facts are all members but id, feed, name, name_shown, seen_at (never change) and batches,
 * batches_posted, counted, outcome, released (the book's own). Held remembers where from in held_from, and waits for an
 * operator; from there a file goes back (a release, and the code that it was held for is kept in `released`) or to
 * rejected. Events in history are the states' words. */
gboolean book_advance_file(BookTransaction *tx, BookFile *file, FileState to, const char *detail,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Facts only (a retry's attempts, problem, due_at; size of a file still growing): history "note" if `detail`; without
 * it "retry" at attempts 1, 2, 4, 8, … with the problem, else none. Same compare on state; BUG for a terminal one. */
gboolean book_note_file(BookTransaction *tx, const BookFile *file, const char *detail,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The oldest other file of the feed whose records count (see book_files_with_digest) and that has this name and
 * plain_sha256, or one of the two (kind). Asked in the transaction that validates: of two such files only one passes.
 * *twin is NULL or the caller's to free. */
typedef enum { BOOK_TWIN_FILE, BOOK_TWIN_CONTENT, BOOK_TWIN_NAME, BOOK_TWINS } BookTwin;
gboolean book_find_twin(BookTransaction *tx, const BookFile *file, BookTwin kind, char **twin,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

#include "store/book_batch.h" /* ranges of a file's records */
#include "store/book_read.h"  /* what is asked */
#include "store/book_work.h"  /* intents, polls, the audit */
