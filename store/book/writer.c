/* The writer: one thread, one connection, group commit.
 *
 * A caller's change waits in a queue, on the caller's stack. The writer opens a transaction, runs what waits, each
 * change under a savepoint, lets in those that arrive meanwhile (at most 256 in all), commits once and wakes them all.
 * Nothing is acknowledged before its commit has returned, and with synchronous=FULL a commit returns after the WAL's
 * fsync.
 *
 * A change that fails is rolled back to its savepoint and its neighbours go on. If the transaction itself is lost
 * (SQLite rolls all of it back on some errors), or its commit fails, every change of the group fails:
 * - too little space or memory: rolled back, AGAIN, and the next group may succeed; the WAL is checkpointed at once, so
 * that it need not grow.
 * - STORAGE (an I/O error, a failed fsync, damage): nothing is written any more. After a failed fsync the kernel may
 * have dropped what it could not write, so trying again could acknowledge what is not there. Whether the group is in
 * the WAL is then unknown: only opening the book again (recovery reads the WAL's checksums) tells; its callers got an
 * error and go by what the book says then.
 *
 * The chain's tip in memory belongs to the transaction: it goes back with the savepoint or the transaction.
 *
 * Only this connection checkpoints: when the log has passed 4 MiB, after the waiters were woken, without waiting for
 * readers; and at the end, when it empties the log. It never checkpoints after STORAGE. What happens when a checkpoint
 * finds no space is in space.c. */
#include "store/book/book_private.h"
#include "gateway/base/clock.h"
#include "gateway/base/faultpoint.h"

#define GROUP_LIMIT 256

/* Under the mutex: waits for a change, for the end, or, while space is short, for the time to look again. */
static void wait_for_job(Book *book) {
  gint64 until = g_get_monotonic_time() + BOOK_SHORT_SECONDS * G_USEC_PER_SEC;
  gboolean in_time = TRUE;
  while (!book->first && !book->closing && in_time)
    in_time = book->shortage ? clock_condition_wait(&book->arrived, &book->mutex, until)
                             : pthread_cond_wait(&book->arrived, &book->mutex) == 0;
}

/* Takes the next change; waits for one if `wait`. NULL: none (with `wait`: the book is being closed, or short of space
 * and it is time to look again). */
static BookJob *next_job(Book *book, gboolean wait) {
  pthread_mutex_lock(&book->mutex);
  if (wait)
    wait_for_job(book);
  BookJob *job = book->first;
  if (job) {
    book->first = job->next;
    if (!book->first)
      book->last = &book->first;
    job->next = NULL;
  }
  pthread_mutex_unlock(&book->mutex);
  return job;
}

/* Runs one change under its savepoint. FALSE: the transaction as a whole is lost or must be given up, with *error. */
static gboolean run_change(Book *book, BookJob *job, GError **error) {
  BookTransaction *tx = &book->tx;
  BookLink before = tx->tip;
  if (!db_savepoint(book->db, error))
    return FALSE;
  job->ok = job->change(tx, job->data, &job->error) && db_release(book->db, &job->error);
  if (job->ok)
    return TRUE;
  if (!job->error)
    sallyport_error_set(&job->error, SALLYPORT_ERROR_BUG, "a change of the book failed without saying why");
  if (!db_in_transaction(book->db) || sallyport_error_code(job->error) == SALLYPORT_ERROR_STORAGE) {
    g_propagate_error(error, g_error_copy(job->error));
    return FALSE;
  }
  tx->tip = before;
  return db_rollback_to_savepoint(book->db, error);
}

/* Collects the group while running it: *group is its list of jobs, all taken from the queue, whatever is returned. */
static gboolean run_changes(Book *book, BookJob *job, BookJob **group, GError **error) {
  *group = job;
  if (!book_has_space(book, error) || !db_begin(book->db, error))
    return FALSE;
  for (guint n = 1; run_change(book, job, error); n++) {
    job->next = n < GROUP_LIMIT ? next_job(book, FALSE) : NULL;
    if (!job->next)
      return TRUE;
    job = job->next;
  }
  return FALSE;
}

static gboolean any_ok(const BookJob *group) {
  while (group && !group->ok)
    group = group->next;
  return group != NULL;
}

static gboolean commit_group(Book *book, BookJob *job, BookJob **group, GError **error) {
  BookLink before = book->tx.tip;
  gboolean ok = run_changes(book, job, group, error);
  if (ok && any_ok(*group)) {
    fault_point("book-commit-before");
    ok = db_commit(book->db, error);
    if (ok)
      fault_point("book-commit-after");
  }
  db_rollback(book->db); /* nothing after a commit */
  if (!ok)
    book->tx.tip = before;
  return ok;
}

/* The group is durable already: a tip that cannot be written is older than the book, which is allowed; but a disk that
 * refuses to overwrite a sector in place is not to be trusted with more. */
static void store_tip(Book *book) {
  g_autoptr(GError) error = NULL;
  if (!book_tip_write(book->tip, book->tip_slot++, &book->tx.tip, &error) &&
      sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
    book_break(book, error);
  fault_point("book-tip-after");
}

static void wake_group(Book *book, BookJob *group, gboolean committed, const GError *error) {
  pthread_mutex_lock(&book->mutex);
  book->commits += committed && any_ok(group);
  for (BookJob *job = group, *next; job; job = next) {
    next = job->next; /* the job is gone with its caller's stack as soon as the mutex is free */
    if (!committed && !job->error)
      job->error = g_error_copy(error);
    job->ok = job->ok && committed;
    job->finished = TRUE;
    pthread_cond_signal(&job->woken);
  }
  pthread_mutex_unlock(&book->mutex);
}

/* book->broken is set by this thread only, so it may look without the lock. */
static void run_group(Book *book, BookJob *job) {
  g_autoptr(GError) error = NULL;
  BookJob *group = job;
  gboolean ok = FALSE;
  if (book->broken)
    error = g_error_copy(book->broken);
  else
    ok = commit_group(book, job, &group, &error);
  if (ok)
    store_tip(book);
  else if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
    book_break(book, error);
  else
    book->checkpoint_at = 0; /* out of space, probably: a log that was copied is written again from its beginning */
  wake_group(book, group, ok, error);
}

static void *run_writer(void *user) {
  Book *book = user;
  for (;;) {
    BookJob *job = next_job(book, TRUE);
    if (job)
      run_group(book, job);
    else if (book->closing)
      return NULL;
    if (!book->broken)
      book_checkpoint_if_due(book);
  }
}

gboolean book_write(Book *book, BookChange change, gpointer data, GError **error) {
  if (pthread_equal(pthread_self(), book->thread))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "book_write from inside a change");
  BookJob job = {.change = change, .data = data, .woken = PTHREAD_COND_INITIALIZER};
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

gboolean book_writer_start(Book *book, GError **error) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the lane's business, not this thread's */
  int number = pthread_create(&book->thread, NULL, run_writer, book);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  book->has_thread = number == 0;
  return number == 0 || sallyport_error_errno(error, number, "start the book's writer");
}

void book_writer_stop(Book *book) {
  pthread_mutex_lock(&book->mutex);
  book->closing = TRUE;
  pthread_cond_signal(&book->arrived);
  pthread_mutex_unlock(&book->mutex);
  pthread_join(book->thread, NULL);
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
  for (const BookJob *job = book->first; job; job = job->next)
    waiting++;
  pthread_mutex_unlock(&book->mutex);
  return waiting;
}
