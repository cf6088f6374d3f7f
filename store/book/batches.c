/* Changes of batches. All run in the writer's thread. */
#include "store/book/book_private.h"

static gboolean add_batch(BookTransaction *tx, const char *file, const BookBatch *batch, GError **error) {
  gsize length = 0;
  const void *exceptions = batch->exceptions ? g_bytes_get_data(batch->exceptions, &length) : NULL;
  DbStatement *s = book_statement(&tx->statements, BOOK_ADD_BATCH, error);
  if (!s)
    return FALSE;
  db_bind(s, "suiiiiuuuib", file, batch->number, (gint64)batch->first, (gint64)batch->last, (gint64)batch->first_line,
          (gint64)batch->last_line, batch->accepted, batch->rejected, batch->duplicates, batch->amount, exceptions,
          length);
  return db_done(s, error);
}

gboolean book_add_batches(BookTransaction *tx, const char *file, GPtrArray *batches, GError **error) {
  for (guint i = 0; i < batches->len; i++)
    if (!add_batch(tx, file, batches->pdata[i], error)) {
      g_prefix_error(error, "batch %u of file %s: ", i + 1, file);
      return FALSE;
    }
  DbStatement *s = book_statement(&tx->statements, BOOK_COUNT_BATCHES, error);
  if (!s)
    return FALSE;
  db_bind(s, "su", file, batches->len);
  return db_done(s, error);
}

/* A batch whose posting was cut short by a crash is posted again, and so is this: the second time changes nothing. */
static gboolean is_posted(BookTransaction *tx, const char *file, guint number, GError **error) {
  gboolean row;
  DbStatement *s = book_statement(&tx->statements, BOOK_BATCH_STATE, error);
  if (!s)
    return FALSE;
  db_bind(s, "su", file, number);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "file %s has no batch %u", file, number);
  gboolean posted = g_strcmp0(db_text(s, 0), batch_state_word(BATCH_POSTED)) == 0;
  db_reset(s);
  return posted || sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                                       "batch %u of file %s waits for its answer: it cannot be posted", number, file);
}

gboolean book_post_batch(BookTransaction *tx, const char *file, guint number, GError **error) {
  DbStatement *post = book_statement(&tx->statements, BOOK_POST_BATCH, error);
  DbStatement *count = post ? book_statement(&tx->statements, BOOK_COUNT_POSTED, error) : NULL;
  if (!count)
    return FALSE;
  db_bind(post, "sui", file, number, g_get_real_time());
  if (!db_done(post, error))
    return FALSE;
  if (db_changed(tx->statements.db) == 0)
    return is_posted(tx, file, number, error);
  db_bind(count, "s", file);
  return db_done(count, error);
}

/* --- Batches of an interface */

typedef struct {
  gint64 ranges, first, last, accepted, rejected, duplicates, amount;
} Uncut;

static gboolean read_uncut(BookTransaction *tx, const char *file, guint64 first, guint64 last, Uncut *uncut,
                           GError **error) {
  gboolean row;
  DbStatement *s = book_statement(&tx->statements, BOOK_UNCUT, error);
  if (!s)
    return FALSE;
  db_bind(s, "sii", file, (gint64)first, (gint64)last);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row) {
    gint64 *const into[] = {&uncut->ranges,   &uncut->first,      &uncut->last,  &uncut->accepted,
                            &uncut->rejected, &uncut->duplicates, &uncut->amount};
    for (guint i = 0; i < G_N_ELEMENTS(into); i++)
      *into[i] = db_integer(s, i);
  }
  db_reset(s);
  return TRUE;
}

/* The batch and the rest are the ranges that they come from: nothing is lost between them, and nothing is there twice.
 */
static gboolean is_conserved(const Uncut *uncut, const BookBatch *batch, const BookBatch *rest) {
  static const BookBatch none;
  const BookBatch *r = rest ? rest : &none;
  gint64 amount;
  return uncut->ranges > 0 && uncut->first == (gint64)batch->first &&
         uncut->last == (gint64)(rest ? rest->last : batch->last) && (!rest || rest->first == batch->last + 1) &&
         uncut->accepted == (gint64)batch->accepted + r->accepted &&
         uncut->rejected == (gint64)batch->rejected + r->rejected &&
         uncut->duplicates == (gint64)batch->duplicates + r->duplicates &&
         !__builtin_add_overflow(batch->amount, r->amount, &amount) && uncut->amount == amount;
}

static gboolean remove_uncut(BookTransaction *tx, const BookCut *cut, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_REMOVE_UNCUT, error);
  if (!s)
    return FALSE;
  db_bind(s, "sii", cut->file, (gint64)cut->batch->first, (gint64)cut->batch->last);
  return db_done(s, error);
}

static gboolean ask_integer(BookTransaction *tx, BookStatement which, const char *file, guint *value, GError **error) {
  gboolean row;
  DbStatement *s = book_statement(&tx->statements, which, error);
  if (!s)
    return FALSE;
  db_bind(s, "s", file);
  if (!db_step(s, &row, error))
    return FALSE;
  *value = row ? (guint)db_integer(s, 0) : 0;
  db_reset(s);
  return TRUE;
}

static gboolean count_batches(BookTransaction *tx, const char *file, gint64 more, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_COUNT_BATCHES, error);
  if (!s)
    return FALSE;
  db_bind(s, "si", file, more);
  return db_done(s, error);
}

gboolean book_send_batch(BookTransaction *tx, const char *file, BookBatch *batch, GError **error) {
  gboolean row;
  DbStatement *s = book_statement(&tx->statements, BOOK_SEND_BATCH, error);
  if (!s)
    return FALSE;
  db_bind(s, "suis", file, batch->number, g_get_real_time(), batch->digest);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                               "batch %u of file %s cannot be sent: it is answered, or was sent with other bytes",
                               batch->number, file);
  batch->attempts = (guint)db_integer(s, 0);
  batch->sent_at = db_integer(s, 1);
  batch->state = BATCH_SENT;
  return db_done(s, error);
}

gboolean book_cut_batch(BookTransaction *tx, const BookCut *cut, GError **error) {
  Uncut uncut = {0};
  if (!read_uncut(tx, cut->file, cut->batch->first, cut->batch->last, &uncut, error))
    return FALSE;
  if (!is_conserved(&uncut, cut->batch, cut->rest))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                               "file %s: the batch of the records %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                               " and its rest are not what is to be cut",
                               cut->file, cut->batch->first, cut->batch->last);
  guint wanted = cut->batch->number;
  if (!ask_integer(tx, BOOK_NEXT_NUMBER, cut->file, &cut->batch->number, error))
    return FALSE;
  if (wanted != 0 && wanted != cut->batch->number)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "file %s: batch %u is to be cut, but %u is the next one",
                               cut->file, wanted, cut->batch->number);
  return remove_uncut(tx, cut, error) && add_batch(tx, cut->file, cut->batch, error) &&
         (!cut->rest || add_batch(tx, cut->file, cut->rest, error)) &&
         count_batches(tx, cut->file, (cut->rest ? 2 : 1) - uncut.ranges, error) &&
         ask_integer(tx, BOOK_FILE_BATCHES, cut->file, cut->batches, error) &&
         (!cut->batch->digest || book_send_batch(tx, cut->file, cut->batch, error));
}

gboolean book_note_batch(BookTransaction *tx, const char *file, guint number, const char *said, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_NOTE_BATCH, error);
  if (!s)
    return FALSE;
  db_bind(s, "sus", file, number, said);
  return db_done(s, error);
}

static gboolean reply_row(BookTransaction *tx, BookStatement which, const char *file, BookBatch *batch,
                          const BookReply *reply, GError **error) {
  gboolean row;
  gint64 moved;
  gsize length = 0;
  const void *exceptions = reply->exceptions ? g_bytes_get_data(reply->exceptions, &length) : NULL;
  DbStatement *s = book_statement(&tx->statements, which, error);
  if (!s)
    return FALSE;
  if (__builtin_add_overflow(reply->amount_rejected, reply->amount_duplicate, &moved))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "batch %u of file %s: the reply's amounts leave 64 bits",
                               batch->number, file);
  gint64 now = g_get_real_time();
  db_bind(s, "suiuuisb", file, batch->number, now, reply->rejected, reply->duplicates, moved, reply->text,
          exceptions, length);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "batch %u of file %s waits for no answer", batch->number,
                               file);
  batch->accepted = (guint)db_integer(s, 0);
  batch->rejected = (guint)db_integer(s, 1);
  batch->duplicates = (guint)db_integer(s, 2);
  batch->amount = db_integer(s, 3);
  if (which == BOOK_REPLY_TO_BATCH) {
    batch->state = BATCH_REPLIED;
    batch->replied_at = now;
  }
  return db_done(s, error);
}

static gboolean reply(BookTransaction *tx, BookStatement which, BookFile *file, BookBatch *batch,
                      const BookReply *told, GError **error) {
  gboolean row;
  if (!reply_row(tx, which, file->id, batch, told, error))
    return FALSE;
  DbStatement *s = book_statement(&tx->statements, BOOK_REPLY_TO_FILE, error);
  if (!s)
    return FALSE;
  db_bind(s, "suuii", file->id, told->rejected, told->duplicates, told->amount_rejected, told->amount_duplicate);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no file %s is in the book", file->id);
  file->accepted = (guint64)db_integer(s, 0);
  file->rejected = (guint64)db_integer(s, 1);
  file->duplicates = (guint64)db_integer(s, 2);
  file->amount_accepted = db_integer(s, 3);
  file->amount_rejected = db_integer(s, 4);
  file->amount_duplicate = db_integer(s, 5);
  file->attempts = 0;
  g_clear_pointer(&file->problem, g_free);
  return db_done(s, error);
}

gboolean book_take_reply(BookTransaction *tx, BookFile *file, BookBatch *batch, const BookReply *told,
                         GError **error) {
  return reply(tx, BOOK_REPLY_TO_BATCH, file, batch, told, error);
}

gboolean book_refuse_in_batch(BookTransaction *tx, BookFile *file, BookBatch *batch, const BookReply *told,
                              GError **error) {
  return reply(tx, BOOK_REFUSE_IN_BATCH, file, batch, told, error);
}
