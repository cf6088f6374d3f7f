/* The writer: one thread, one connection, group commit.
 *
 * A caller's change waits in a queue, on the caller's stack. The writer opens a transaction, runs what waits, each change
 * under a savepoint, lets in those that arrive meanwhile (at most 256 in all), commits once and wakes them all. Nothing is
 * acknowledged before its commit has returned, and with synchronous=FULL a commit returns after the WAL's fsync.
 *
 * A change that fails is rolled back to its savepoint and its neighbours go on. If the transaction itself is lost (SQLite
 * rolls all of it back on some errors), or its commit fails, every change of the group fails:
 * - too little space or memory: rolled back, AGAIN, and the next group may succeed; the WAL is checkpointed at once, so that
 *   it need not grow.
 * - STORAGE (an I/O error, a failed fsync, damage): nothing is written any more. After a failed fsync the kernel may have
 *   dropped what it could not write, so trying again could acknowledge what is not there. Whether the group is in the WAL
 *   is then unknown: only opening the book again (recovery reads the WAL's checksums) tells; its callers got an error and
 *   go by what the book says then.
 *
 * The chain's tip in memory belongs to the transaction: it goes back with the savepoint or the transaction.
 *
 * Only this connection checkpoints: when the WAL has passed 4 MiB, after the waiters were woken, without waiting for readers;
 * and at the end, when it empties the WAL. It never checkpoints after STORAGE. */
#include "store/book_parts.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define GROUP_LIMIT 256
#define CHECKPOINT_PAGES 1024

typedef struct Job Job;
struct Job {
  BookChange change;
  gpointer data;
  gboolean ok, finished;
  GError *error;
  pthread_cond_t woken;
  Job *next;
};

struct Book {
  char *path;
  int lock, tip;
  sqlite3 *db;
  BookTransaction tx;         /* the writer's thread only, once it runs */
  int wal_pages, checkpoint_at;
  pthread_t thread;
  gboolean has_thread;
  pthread_mutex_t mutex;      /* guards all below */
  pthread_cond_t arrived;
  Job *first, **last;
  gboolean closing;
  GError *broken;             /* set once: the STORAGE error after which nothing is written */
  guint64 commits, checkpoints;
};

/* Takes the next change; waits for one if `wait`. NULL: none (with `wait`: the book is being closed). */
static Job *next_job(Book *book, gboolean wait) {
  pthread_mutex_lock(&book->mutex);
  while (wait && !book->first && !book->closing)
    pthread_cond_wait(&book->arrived, &book->mutex);
  Job *job = book->first;
  if (job) {
    book->first = job->next;
    if (!book->first)
      book->last = &book->first;
    job->next = NULL;
  }
  pthread_mutex_unlock(&book->mutex);
  return job;
}

static gboolean run_named(BookTransaction *tx, BookStatement which, GError **error) {
  sqlite3_stmt *s = book_statement(&tx->statements, which, error);
  return s && sqlite_done(s, error);
}

/* Runs one change under its savepoint. FALSE: the transaction as a whole is lost or must be given up, with *error. */
static gboolean run_change(Book *book, Job *job, GError **error) {
  BookTransaction *tx = &book->tx;
  BookLink before = tx->tip;
  if (!run_named(tx, BOOK_SAVEPOINT, error))
    return FALSE;
  job->ok = job->change(tx, job->data, &job->error) && run_named(tx, BOOK_RELEASE, &job->error);
  if (job->ok)
    return TRUE;
  if (!job->error)
    sallyport_error_set(&job->error, SALLYPORT_ERROR_BUG, "a change of the book failed without saying why");
  if (sqlite3_get_autocommit(book->db) || sallyport_error_code(job->error) == SALLYPORT_ERROR_STORAGE) {
    g_propagate_error(error, g_error_copy(job->error));
    return FALSE;
  }
  tx->tip = before;
  return run_named(tx, BOOK_ROLLBACK_TO, error) && run_named(tx, BOOK_RELEASE, error);
}

/* Collects the group while running it: *group is its list of jobs, all taken from the queue, whatever is returned. */
static gboolean run_changes(Book *book, Job *job, Job **group, GError **error) {
  *group = job;
  if (!run_named(&book->tx, BOOK_BEGIN, error))
    return FALSE;
  for (guint n = 1; run_change(book, job, error); n++) {
    job->next = n < GROUP_LIMIT ? next_job(book, FALSE) : NULL;
    if (!job->next)
      return TRUE;
    job = job->next;
  }
  return FALSE;
}

static gboolean any_ok(const Job *group) {
  while (group && !group->ok)
    group = group->next;
  return group != NULL;
}

static gboolean commit_group(Book *book, Job *job, Job **group, GError **error) {
  BookLink before = book->tx.tip;
  gboolean ok = run_changes(book, job, group, error);
  if (ok && any_ok(*group)) {
    fault_point("book-commit-before");
    ok = run_named(&book->tx, BOOK_COMMIT, error);
    if (ok)
      fault_point("book-commit-after");
  }
  sqlite_rollback(book->db); /* nothing after a commit */
  if (!ok)
    book->tx.tip = before;
  return ok;
}

static void break_book(Book *book, const GError *error) {
  pthread_mutex_lock(&book->mutex);
  if (!book->broken)
    book->broken = g_error_copy(error);
  pthread_mutex_unlock(&book->mutex);
}

/* The group is durable already: a tip that cannot be written is older than the book, which is allowed; but a disk that
 * refuses to overwrite 86 bytes in place is not to be trusted with more. */
static void store_tip(Book *book) {
  g_autoptr(GError) error = NULL;
  if (!book_tip_write(book->tip, &book->tx.tip, &error) && sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
    break_book(book, error);
  fault_point("book-tip-after");
}

static void wake_group(Book *book, Job *group, gboolean committed, const GError *error) {
  pthread_mutex_lock(&book->mutex);
  book->commits += committed && any_ok(group);
  for (Job *job = group, *next; job; job = next) {
    next = job->next; /* the job is gone with its caller's stack as soon as the mutex is free */
    if (!committed && !job->error)
      job->error = g_error_copy(error);
    job->ok = job->ok && committed;
    job->finished = TRUE;
    pthread_cond_signal(&job->woken);
  }
  pthread_mutex_unlock(&book->mutex);
}

static int wal_grew(gpointer user, sqlite3 *db, const char *schema, int pages) {
  Book *book = user;
  (void)db, (void)schema;
  if (pages < book->wal_pages)
    book->checkpoint_at = CHECKPOINT_PAGES; /* it began anew */
  book->wal_pages = pages;
  return SQLITE_OK;
}

/* A reader with an old snapshot keeps the WAL from starting anew: then it is tried again 4 MiB later, not at each commit. */
static void checkpoint_if_due(Book *book) {
  g_autoptr(GError) error = NULL;
  if (book->wal_pages < book->checkpoint_at)
    return;
  book->checkpoint_at = book->wal_pages + CHECKPOINT_PAGES;
  if (!sqlite_checkpoint(book->db, FALSE, &error) && sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
    break_book(book, error);
  pthread_mutex_lock(&book->mutex);
  book->checkpoints++;
  pthread_mutex_unlock(&book->mutex);
}

/* book->broken is set by this thread only, so it may look without the lock. */
static void *run_writer(void *user) {
  Book *book = user;
  for (Job *job; (job = next_job(book, TRUE)) != NULL;) {
    g_autoptr(GError) error = NULL;
    Job *group = job;
    gboolean ok = FALSE;
    if (book->broken)
      error = g_error_copy(book->broken);
    else
      ok = commit_group(book, job, &group, &error);
    if (ok)
      store_tip(book);
    else if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
      break_book(book, error);
    else
      book->checkpoint_at = 0; /* out of space, probably: a WAL that was checkpointed is written again from its beginning */
    wake_group(book, group, ok, error);
    if (!book->broken)
      checkpoint_if_due(book);
  }
  return NULL;
}

gboolean book_write(Book *book, BookChange change, gpointer data, GError **error) {
  if (pthread_equal(pthread_self(), book->thread))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "book_write from inside a change");
  Job job = {.change = change, .data = data, .woken = PTHREAD_COND_INITIALIZER};
  pthread_mutex_lock(&book->mutex);
  if (book->closing) {
    pthread_mutex_unlock(&book->mutex);
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "book_write into a book that is being closed");
  }
  *book->last = &job;
  book->last = &job.next;
  pthread_cond_signal(&book->arrived);
  while (!job.finished)
    pthread_cond_wait(&job.woken, &book->mutex);
  pthread_mutex_unlock(&book->mutex);
  pthread_cond_destroy(&job.woken);
  if (job.error)
    g_propagate_error(error, job.error);
  return job.ok;
}

/* An open file description's lock: a second opening is refused in this process too, and closing some other descriptor of
 * the file does not drop it. It lives as long as a descriptor of it does anywhere: a child that the process forks must exec
 * (it is close-on-exec) or close its descriptors. */
static gboolean take_lock(Book *book, GError **error) {
  g_autofree char *path = g_strconcat(book->path, ".lock", NULL);
  book->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (book->lock < 0 && (errno == ENOENT || errno == EACCES || errno == ELOOP))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "open the book's lock %s: %s", path, g_strerror(errno));
  if (book->lock < 0)
    return sallyport_error_errno(error, errno, "open the book's lock %s", path);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(book->lock, F_OFD_SETLK, &lock) == 0)
    return TRUE;
  if (errno != EAGAIN && errno != EACCES)
    return sallyport_error_errno(error, errno, "lock %s", path);
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the book %s is in use by another process", book->path);
}

/* Writes one audit row before the thread runs. */
static gboolean note_opening(Book *book, const char *event, const char *detail, GError **error) {
  if (run_named(&book->tx, BOOK_BEGIN, error) && book_chain_add(&book->tx, event, NULL, detail, error) &&
      run_named(&book->tx, BOOK_COMMIT, error))
    return TRUE;
  sqlite_rollback(book->db);
  return FALSE;
}

static gboolean tip_fits(Book *book, const BookLink *tip, gboolean *fits, GError **error) {
  sqlite3_stmt *s = book_statement(&book->tx.statements, BOOK_AUDIT_HASH, error);
  *fits = FALSE;
  if (!s)
    return FALSE;
  sqlite_bind(s, "i", tip->sequence);
  if (!sqlite_step(s, fits, error))
    return FALSE;
  if (*fits) {
    *fits = sqlite3_column_bytes(s, 0) == BOOK_HASH && memcmp(sqlite3_column_blob(s, 0), tip->hash, BOOK_HASH) == 0;
    sqlite_reset(s);
  }
  return TRUE;
}

/* A tip that the book does not lead up to is evidence and is not written over: an operator who knows why (a book restored
 * from a backup) moves it away, and the chain then says that it was missing. */
static gboolean settle_tip(Book *book, const char *path, gboolean made, GError **error) {
  BookTipState state;
  BookLink tip;
  gboolean fits = TRUE;
  if (!book_tip_read(path, &state, &tip, error))
    return FALSE;
  if (state == BOOK_TIP_GOOD && !tip_fits(book, &tip, &fits, error))
    return FALSE;
  if (state == BOOK_TIP_DAMAGED || !fits)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "the audit tip %s %s: if the book was restored on purpose, move the tip away and start again",
                               path, state == BOOK_TIP_DAMAGED ? "is damaged" : "does not fit the book: its records were changed "
                                                               "or cut off, or it is an older copy");
  if (state == BOOK_TIP_MISSING && !made && !note_opening(book, "audit-tip-missing", "made anew from the book", error))
    return FALSE;
  if (state == BOOK_TIP_MISSING && !book_tip_make(path, &book->tx.tip, error))
    return FALSE;
  book->tip = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (book->tip < 0)
    return sallyport_error_errno(error, errno, "open the audit tip %s", path);
  return book_tip_write(book->tip, &book->tx.tip, error);
}

/* Everything that is prepared later fails in the middle of a lane's life: what the schema cannot serve is told now. */
static gboolean prepare_all(Book *book, GError **error) {
  for (guint i = 0; i < BOOK_N_STATEMENTS; i++)
    if (!book_statement(&book->tx.statements, (BookStatement)i, error))
      return FALSE;
  return book_fields_check(book->tx.statements.of[BOOK_FILE_BY_ID], error);
}

static gboolean open_parts(Book *book, const char *tip_path, GError **error) {
  SqliteOpen options = {.path = book->path, .use = SQLITE_USE_WRITE, .cache_kib = 8192, .own_checkpoint = TRUE};
  gboolean made;
  if (!take_lock(book, error) || !(book->db = sqlite_open(&options, error)))
    return FALSE;
  sqlite3_wal_hook(book->db, wal_grew, book);
  book->tx.statements.db = book->db;
  if (!book_schema_migrate(book->db, book_migrations, book_schema_version(), &made, error) || !prepare_all(book, error) ||
      !book_link_last(&book->tx.statements, &book->tx.tip, error))
    return FALSE;
  if (book->tx.tip.sequence == 0) {
    g_autofree char *word = book_make_id(g_get_real_time() / 1000);
    if (!note_opening(book, "book-made", word, error))
      return FALSE;
  }
  return settle_tip(book, tip_path, made, error);
}

static gboolean start_writer(Book *book, GError **error) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the lane's business, not this thread's */
  int number = pthread_create(&book->thread, NULL, run_writer, book);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  book->has_thread = number == 0;
  return number == 0 || sallyport_error_errno(error, number, "start the book's writer");
}

Book *book_open(const char *path, const char *tip_path, GError **error) {
  Book *book = g_new0(Book, 1);
  book->path = g_strdup(path);
  book->lock = book->tip = -1;
  book->checkpoint_at = CHECKPOINT_PAGES;
  book->last = &book->first;
  pthread_mutex_init(&book->mutex, NULL);
  pthread_cond_init(&book->arrived, NULL);
  if (open_parts(book, tip_path, error) && start_writer(book, error))
    return book;
  g_prefix_error(error, "%s: ", path);
  book_close(book);
  return NULL;
}

static void stop_writer(Book *book) {
  pthread_mutex_lock(&book->mutex);
  book->closing = TRUE;
  pthread_cond_signal(&book->arrived);
  pthread_mutex_unlock(&book->mutex);
  pthread_join(book->thread, NULL);
}

/* What fails here is repaired by the next opening: the WAL is recovered, the tip is older. */
void book_close(Book *book) {
  g_autoptr(GError) error = NULL;
  if (!book)
    return;
  if (book->has_thread)
    stop_writer(book);
  book_statements_clear(&book->tx.statements);
  if (book->db && (book->broken || !book->has_thread || !sqlite_checkpoint(book->db, TRUE, &error)))
    sqlite3_db_config(book->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite_close(book->db);
  if (book->tip >= 0) {
    if (!book->broken && !files_sync(book->tip, "the audit tip", NULL)) { /* older after a power loss: allowed */ }
    close(book->tip);
  }
  if (book->lock >= 0)
    close(book->lock); /* last: until here nobody else may open the database */
  pthread_cond_destroy(&book->arrived);
  pthread_mutex_destroy(&book->mutex);
  g_clear_error(&book->broken);
  g_free(book->path);
  g_free(book);
}

guint64 book_commits(Book *book) {
  pthread_mutex_lock(&book->mutex);
  guint64 commits = book->commits;
  pthread_mutex_unlock(&book->mutex);
  return commits;
}

guint64 book_checkpoints(Book *book) {
  pthread_mutex_lock(&book->mutex);
  guint64 checkpoints = book->checkpoints;
  pthread_mutex_unlock(&book->mutex);
  return checkpoints;
}

guint book_waiting(Book *book) {
  guint waiting = 0;
  pthread_mutex_lock(&book->mutex);
  for (const Job *job = book->first; job; job = job->next)
    waiting++;
  pthread_mutex_unlock(&book->mutex);
  return waiting;
}
