/* The log and the disk's space. All but book_shortage runs in the writer's thread.
 *
 * Commits go into the log; a checkpoint copies the log into the database, which may have to grow for it. On a full disk
 * a commit may find the few free blocks that a checkpoint does not: left alone, the log then grows with each block that
 * becomes free, the database never does, and in the end nobody can open the book. Therefore:
 * - A checkpoint that fails for want of space is tried again each second, whether anything is written or not, and at
 *   once when the log would pass its limit: beyond that, changes are refused (AGAIN) until it succeeds.
 * - A file beside the book holds some space back. It is given up when a checkpoint, or the opening, finds none, and
 * made again when there is plenty.
 * - What is wrong can be asked, for an alarm (book_shortage).
 * A checkpoint that succeeds after that empties the log, so that its space is free, too. */
#include "store/book/book_private.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { RESERVE_BYTES = 4 << 20, PLENTY = 16 /* times the reserve */, LOG_LIMIT = 2 * BOOK_CHECKPOINT_BYTES };

void book_break(Book *book, const GError *error) {
  pthread_mutex_lock(&book->mutex);
  if (!book->broken)
    book->broken = g_error_copy(error);
  pthread_mutex_unlock(&book->mutex);
}

static char *reserve_path(const Book *book) {
  return g_strconcat(book->path, ".reserve", NULL);
}

/* Without it the book is as good, but for a disk that others fill: what fails here is left. */
void book_reserve_make(Book *book) {
  struct statvfs disk;
  g_autofree char *path = reserve_path(book);
  if (statvfs(book->path, &disk) != 0 || (guint64)disk.f_bavail * disk.f_frsize < (guint64)RESERVE_BYTES * PLENTY)
    return;
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return;
  int rc = posix_fallocate(fd, 0, RESERVE_BYTES);
  close(fd);
  if (rc != 0)
    g_unlink(path);
}

gboolean book_reserve_give_up(const Book *book) {
  g_autofree char *path = reserve_path(book);
  return g_unlink(path) == 0;
}

/* NULL: there is none any more. */
static void set_shortage(Book *book, const char *problem) {
  g_autofree char *text = problem ? g_strdup_printf("the book's log, %" G_GUINT64_FORMAT
                                                    " KiB, cannot be copied into the book: %s",
                                                    db_log_bytes(book->db) / 1024, problem)
                                  : NULL;
  pthread_mutex_lock(&book->mutex);
  g_free(book->shortage);
  book->shortage = g_steal_pointer(&text);
  pthread_mutex_unlock(&book->mutex);
}

char *book_shortage(Book *book) {
  pthread_mutex_lock(&book->mutex);
  char *text = g_strdup(book->shortage);
  pthread_mutex_unlock(&book->mutex);
  return text;
}

static gboolean try_checkpoint(Book *book, GError **error) {
  gboolean was_short = book->shortage != NULL;
  g_autoptr(GError) why = NULL;
  if (db_checkpoint(book->db, was_short, &why))
    return TRUE;
  if (sallyport_error_code(why) == SALLYPORT_ERROR_AGAIN && book_reserve_give_up(book))
    return db_checkpoint(book->db, TRUE, error);
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

static gboolean checkpoint(Book *book, GError **error) {
  g_autoptr(GError) why = NULL;
  gboolean ok = try_checkpoint(book, &why);
  pthread_mutex_lock(&book->mutex);
  book->checkpoints++;
  pthread_mutex_unlock(&book->mutex);
  if (!ok && sallyport_error_code(why) == SALLYPORT_ERROR_STORAGE)
    book_break(book, why);
  else if (!ok || book->shortage)
    set_shortage(book, ok ? NULL : why->message);
  if (ok && !book->shortage)
    book_reserve_make(book);
  book->log_bytes = db_log_bytes(book->db);
  book->checkpoint_at = book->log_bytes + BOOK_CHECKPOINT_BYTES;
  if (!ok)
    g_propagate_error(error, g_steal_pointer(&why));
  return ok;
}

/* A reader with an old snapshot keeps the log from beginning anew: then it is tried again 4 MiB later, not at each
 * commit. */
void book_checkpoint_if_due(Book *book) {
  guint64 bytes = db_log_bytes(book->db);
  gint64 now = g_get_monotonic_time();
  if (bytes < book->log_bytes)
    book->checkpoint_at = MIN(book->checkpoint_at, BOOK_CHECKPOINT_BYTES); /* it began anew */
  book->log_bytes = bytes;
  if (book->shortage ? now < book->again_at : bytes < book->checkpoint_at)
    return;
  book->again_at = now + BOOK_SHORT_SECONDS * G_USEC_PER_SEC;
  if (!checkpoint(book, NULL)) { /* kept in book->shortage, or the book is broken */
  }
}

/* A book that is not short has space as far as we know. */
gboolean book_has_space(Book *book, GError **error) {
  if (!book->shortage || db_log_bytes(book->db) < LOG_LIMIT || checkpoint(book, error))
    return TRUE;
  g_prefix_error(error, "nothing is written until there is space again: ");
  return FALSE;
}
