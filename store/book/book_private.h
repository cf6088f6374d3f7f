/* Inside of the book: what its source files share, and what its tests look at. Nobody else includes this.
 *
 *   schema.c   the tables, migrations, the check of a schema's version
 *   capabilities.c   the tables of capabilities, which have versions of their own
 *   chain.c    the audit chain: the hash, a new row, the tip kept outside
 *   writer.c   the queue, the thread, group commit, checkpoints
 *   space.c    checkpoints, and a disk that is short of space
 *   open.c     opening and closing: the lock, the tip outside, the first rows
 *   fields.c   a file's columns, to and from BookFile; ids
 *   files.c    changes of files                    (in the writer's thread)
 *   batches.c  changes of batches                  (in the writer's thread)
 *   work.c     changes of intents, polls           (in the writer's thread)
 *   read.c     readers and questions about files
 *   walk.c     all files of a filter, a page at a time
 *   lists.c    questions about everything else
 *   watch.c    sequence numbers, arrivals, what is due: changes and questions
 *   alarms.c   alarms, likewise
 *   holdings.c what the book holds, against the configuration
 *   verify.c   the audit chain, the invariants */
#pragma once
#include "store/book.h"
#include "store/book/statements_private.h"
#include "gateway/base/digest.h"
#include <pthread.h>

/* --- Schema. */
extern const char *const book_migrations[]; /* the SQL that leads from version i to i + 1 */
guint book_schema_version(void);            /* the newest */
/* Brings the database up to `n` migrations, each in one transaction together with its number; *made: it was empty
 * before. */
gboolean book_schema_migrate(Db *db, const char *const *migrations, guint n, gboolean *made,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Capabilities (store/NAME/) that have tables in the book, each with a version of its own. */
typedef struct {
  const char *const *steps; /* the SQL that leads from its version i to i + 1 */
  guint n;
} BookMigrations;
gboolean book_capability_migrate(Db *db, const char *name, const BookMigrations *migrations,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean book_capabilities_migrate(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* all that there are */
gboolean book_capabilities_check(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;   /* part of book_schema_check */
/* For readers: CONFIGURATION unless the schema is exactly ours. */
gboolean book_schema_check(Db *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- The audit chain. */
#define BOOK_HASH 32
/* sequence 0: before the first row, hash of zeros */
typedef struct {
  gint64 sequence;
  guint8 hash[BOOK_HASH];
} BookLink;
/* sum: of SHA-256 and empty, before and after. */
void book_link_after(Digest *sum, const BookLink *before, gint64 at, const char *event, const char *subject,
                     const char *detail, BookLink *link);
/* The last row's; sequence 0 if there is none. */
gboolean book_link_last(BookStatements *statements, BookLink *last, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void book_hash_text(const guint8 *hash, char text[2 * BOOK_HASH + 1]);

typedef enum { BOOK_TIP_GOOD, BOOK_TIP_MISSING, BOOK_TIP_DAMAGED } BookTipState;
gboolean book_tip_read(const char *path, BookTipState *state, BookLink *tip, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* durable on return */
gboolean book_tip_make(const char *path, const BookLink *tip, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The slots in turn: slot is any number that counts up. Not durable by itself. */
gboolean book_tip_write(int fd, guint slot, const BookLink *tip, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- A transaction, as the changes see it. */
struct BookTransaction {
  BookStatements statements;
  BookLink tip; /* of the chain, with this transaction's rows */
  Digest *sum;  /* for the next link */
};
/* Appends to the chain. Details longer than 2,000 bytes are cut. */
gboolean book_chain_add(BookTransaction *tx, const char *event, const char *subject, const char *detail,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- The writer. A change waits in the queue, on its caller's stack. */
typedef struct BookJob BookJob;
struct BookJob {
  BookChange change;
  gpointer data;
  gboolean ok, finished;
  GError *error;
  pthread_cond_t woken;
  BookJob *next;
};

struct Book {
  char *path;
  int lock, tip;
  guint tip_slot; /* counts the tip's writes */
  Db *db;
  BookTransaction tx; /* the writer's thread only, once it runs */
  guint64 log_bytes, checkpoint_at;
  gint64 again_at; /* when a checkpoint that found no space is tried again */
  pthread_t thread;
  gboolean has_thread;
  pthread_mutex_t mutex; /* guards all below */
  pthread_cond_t arrived;
  BookJob *first, **last;
  gboolean closing;
  GError *broken; /* set once: the STORAGE error after which nothing is written */
  guint64 commits, checkpoints;
  char *shortage; /* set while the log cannot be copied for want of space; only the writer changes it */
};
enum { BOOK_CHECKPOINT_BYTES = 4 << 20, BOOK_SHORT_SECONDS = 1 };
void book_break(Book *book, const GError *error); /* nothing is written from now on */
/* space.c */
void book_checkpoint_if_due(Book *book);
gboolean book_has_space(Book *book, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void book_reserve_make(Book *book);
gboolean book_reserve_give_up(const Book *book); /* FALSE: there was none */
gboolean book_writer_start(Book *book, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void book_writer_stop(Book *book); /* when what waits is committed */
guint64 book_commits(Book *book);  /* transactions committed since it was opened; for tests */
guint64 book_checkpoints(Book *book);
guint book_waiting(Book *book); /* changes that the writer has not taken yet */

/* --- A file's columns. */
/* the order of the columns */
gboolean book_fields_check(DbStatement *select_all, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Binds each parameter named like a column, from *file. Text is borrowed. BUG when a number does not fit 63 bits. */
gboolean book_fields_bind(DbStatement *statement, const BookFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void book_bind_named(DbStatement *statement, const char *parameter, gint64 value);
void book_bind_named_text(DbStatement *statement, const char *parameter, const char *value);
/* the row of a `SELECT *` */
BookFile *book_fields_read(DbStatement *statement, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *book_make_id(gint64 milliseconds);

/* --- A reader. Every question goes through book_ask … rows … book_end. */
struct BookReader {
  char *path;
  BookStatements statements;
  gboolean immutable; /* the file cannot be written and has no WAL: opened as if it never changes */
};
/* The statement, or NULL. */
DbStatement *book_ask(BookReader *reader, BookStatement which, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* After the rows: AGAIN when a writer has come to an immutable file meanwhile. */
gboolean book_end(BookReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* It asks for files that are not closed or gone, and for no others. */
gboolean book_filter_is_live(const BookFilter *filter);
/* All rows of a bound statement, by `row`; NULL with error. */
typedef gpointer (*BookRow)(DbStatement *statement, GError **error);
GPtrArray *book_collect(BookReader *reader, DbStatement *statement, BookRow row, GDestroyNotify free_row,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
