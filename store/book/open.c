/* Opening a book for writing, and closing it. In this order: the lock, the database, the schema, the chain's last row,
 * the tip outside, the thread. A crash at any point leaves what the next opening takes up: a migration is one
 * transaction, a book without rows gets its first one, and a missing tip is made anew, which the chain then says. */
#include "store/book/book_private.h"
#include "gateway/base/clock.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* An open file description's lock: a second opening is refused in this process too, and closing some other descriptor
 * of the file does not drop it. It lives as long as a descriptor of it does anywhere: a child that the process forks
 * must exec (it is close-on-exec) or close its descriptors. */
static gboolean take_lock(Book *book, GError **error) {
  g_autofree char *path = g_strconcat(book->path, ".lock", NULL);
  book->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (book->lock < 0 && (errno == ENOENT || errno == EACCES || errno == ELOOP))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "open the book's lock %s: %s", path,
                               g_strerror(errno));
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
  if (db_begin(book->db, error) && book_chain_add(&book->tx, event, NULL, detail, error) && db_commit(book->db, error))
    return TRUE;
  db_rollback(book->db);
  return FALSE;
}

/* A book from before `sealed` was a state: what was sealed moves there, in the chain like every move. */
static gboolean seal_next(Book *book, gboolean *any, GError **error) {
  DbStatement *s = book_statement(&book->tx.statements, BOOK_UNSEALED_ANSWERS, error);
  if (!s || !db_step(s, any, error))
    return FALSE;
  if (!*any)
    return TRUE;
  g_autoptr(BookFile) file = book_fields_read(s, error);
  db_reset(s);
  if (file && db_begin(book->db, error) &&
      book_advance_file(&book->tx, file, FILE_SEALED, "its answer was sealed before this state had a name", error) &&
      db_commit(book->db, error))
    return TRUE;
  db_rollback(book->db);
  return FALSE;
}

static gboolean seal_old_answers(Book *book, GError **error) {
  gint64 before = book->tx.tip.sequence;
  for (gboolean any = TRUE; any;)
    if (!seal_next(book, &any, error))
      return FALSE;
  return book->tx.tip.sequence == before || book_tip_write(book->tip, book->tip_slot++, &book->tx.tip, error);
}

static gboolean tip_fits(Book *book, const BookLink *tip, gboolean *fits, GError **error) {
  DbStatement *s = book_statement(&book->tx.statements, BOOK_AUDIT_HASH, error);
  *fits = FALSE;
  if (!s)
    return FALSE;
  db_bind(s, "i", tip->sequence);
  if (!db_step(s, fits, error))
    return FALSE;
  if (*fits) {
    gsize length;
    const void *hash = db_bytes(s, 0, &length);
    *fits = length == BOOK_HASH && memcmp(hash, tip->hash, BOOK_HASH) == 0;
    db_reset(s);
  }
  return TRUE;
}

/* A tip that the book does not lead up to is evidence and is not written over: an operator who knows why (a book
 * restored from a backup) moves it away, and the chain then says that it was missing. */
static gboolean settle_tip(Book *book, const char *path, gboolean made, GError **error) {
  BookTipState state;
  BookLink tip;
  gboolean fits = TRUE;
  if (!book_tip_read(path, &state, &tip, error))
    return FALSE;
  if (state == BOOK_TIP_GOOD && !tip_fits(book, &tip, &fits, error))
    return FALSE;
  if (state == BOOK_TIP_DAMAGED || !fits)
    return sallyport_error_set(
        error, SALLYPORT_ERROR_CONFIGURATION,
        "the audit tip %s %s: if the book was restored on purpose, move the tip away and start again", path,
        state == BOOK_TIP_DAMAGED ? "is damaged"
                                  : "does not fit the book: its records were changed "
                                    "or cut off, or it is an older copy");
  if (state == BOOK_TIP_MISSING && !made && !note_opening(book, "audit-tip-missing", "made anew from the book", error))
    return FALSE;
  if (!book_tip_make(path, &book->tx.tip, error))
    return FALSE;
  book->tip = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (book->tip < 0)
    return sallyport_error_errno(error, errno, "open the audit tip %s", path);
  return TRUE;
}

/* Everything that is prepared later fails in the middle of a lane's life: what the schema cannot serve is told now. */
static gboolean prepare_all(Book *book, GError **error) {
  for (guint i = 0; i < BOOK_N_STATEMENTS; i++)
    if (!book_statement(&book->tx.statements, (BookStatement)i, error))
      return FALSE;
  return book_fields_check(book->tx.statements.of[BOOK_FILE_BY_ID], error);
}

static gboolean open_parts(Book *book, const char *tip_path, GError **error) {
  DbOptions options = {.path = book->path, .use = DB_WRITE, .cache_kib = 8192, .own_checkpoint = TRUE};
  gboolean made;
  if (!(book->db = db_open(&options, error)))
    return FALSE;
  book->tx.statements.db = book->db;
  book->tx.sum = digest_new_sha256();
  if (!book_schema_migrate(book->db, book_migrations, book_schema_version(), &made, error) ||
      !book_capabilities_migrate(book->db, error) ||
      !prepare_all(book, error) || !book_link_last(&book->tx.statements, &book->tx.tip, error))
    return FALSE;
  if (book->tx.tip.sequence == 0) {
    g_autofree char *word = book_make_id(g_get_real_time() / 1000);
    if (!note_opening(book, "book-made", word, error))
      return FALSE;
  }
  return settle_tip(book, tip_path, made, error) && seal_old_answers(book, error);
}

static void close_database(Book *book) {
  book_statements_clear(&book->tx.statements);
  digest_free(book->tx.sum);
  db_close(g_steal_pointer(&book->db));
}

/* A disk that is full does not keep the lane from starting, as long as there is the reserve. */
static gboolean open_with_reserve(Book *book, const char *tip_path, GError **error) {
  g_autoptr(GError) why = NULL;
  if (!take_lock(book, error))
    return FALSE;
  if (open_parts(book, tip_path, &why)) {
    book_reserve_make(book);
    return TRUE;
  }
  if (sallyport_error_code(why) == SALLYPORT_ERROR_AGAIN && book_reserve_give_up(book)) {
    close_database(book);
    return open_parts(book, tip_path, error);
  }
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

Book *book_open(const char *path, const char *tip_path, GError **error) {
  Book *book = g_new0(Book, 1);
  book->path = g_strdup(path);
  book->lock = book->tip = -1;
  book->checkpoint_at = BOOK_CHECKPOINT_BYTES;
  book->last = &book->first;
  pthread_mutex_init(&book->mutex, NULL);
  clock_condition_init(&book->arrived);
  if (open_with_reserve(book, tip_path, error) && book_writer_start(book, error))
    return book;
  g_prefix_error(error, "%s: ", path);
  book_close(book);
  return NULL;
}

/* What fails here is repaired by the next opening: the log is recovered, the tip is older. */
void book_close(Book *book) {
  if (!book)
    return;
  if (book->has_thread)
    book_writer_stop(book);
  if (book->has_thread && !book->broken && !db_checkpoint(book->db, TRUE, NULL)) { /* the log is read again */
  }
  close_database(book);
  if (book->tip >= 0) {
    if (!book->broken && !files_sync(book->tip, "the audit tip", NULL)) { /* older after a power loss: allowed */
    }
    close(book->tip);
  }
  if (book->lock >= 0)
    close(book->lock); /* last: until here nobody else may open the database */
  pthread_cond_destroy(&book->arrived);
  pthread_mutex_destroy(&book->mutex);
  g_clear_error(&book->broken);
  g_free(book->shortage);
  g_free(book->path);
  g_free(book);
}
