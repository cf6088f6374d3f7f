/* Batches: ranges of a file's records, made with the state `validated`. Part of the book (store/book.h includes this).
 *
 *   pending → posted                       in the lane's own ledger
 *   pending → sent → answered → posted     through an interface of another system, which may be told of a batch and be
 *                                          silent
 *
 * `sent` is durable before anything is sent: its range, and so its idempotency key, never changes from then on.
 * `answered` holds what the interface decided about each record, before any of it is posted. What waits for an
 * interface is not cut at validation, but when its turn comes (book_cut_batch), at the size that is right then: until
 * then its ranges have no number. */
#pragma once
#include "store/book.h"

typedef enum { BATCH_PENDING, BATCH_SENT, BATCH_REPLIED, BATCH_POSTED } BatchState;
const char *batch_state_word(BatchState state);

typedef struct {
  guint number;        /* from 1, in the order of cutting; 0: not cut yet */
  guint64 first, last; /* record ordinals */
  guint64 first_line, last_line;
  guint accepted, rejected, duplicates;
  gint64 amount; /* of the accepted */
  BatchState state;
  guint attempts;                        /* how often it was sent */
  gint64 sent_at, replied_at, posted_at; /* sent_at: for the first time */
  char *digest;                          /* SHA-256 (hex) of what was sent; NULL: nothing */
  char *reply;                           /* what the interface said last, for people; NULL: nothing */
  GBytes *exceptions; /* the records not accepted, packed by gateway/records/exceptions.h; NULL: none */
} BookBatch;
void book_batch_free(BookBatch *batch);

gboolean book_add_batches(BookTransaction *tx, const char *file, GPtrArray *batches,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* pending or answered → posted; counts batches_posted; again: no effect. BUG for one that waits for its answer. */
gboolean book_post_batch(BookTransaction *tx, const char *file, guint number, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  const char *file;
  /* a range that begins where an uncut one does; its counts, exceptions, digest. Set: number (one that is set already
   * must be it), state, sent_at, attempts */
  BookBatch *batch;
  const BookBatch *rest; /* what is left of the last uncut range that it reaches into; NULL: nothing */
  guint *batches;        /* the file's batches from now on */
} BookCut;
/* Cuts a batch off the uncut ranges, gives it the next number, and calls it sent; without a digest (it has nothing to
 * send) it stays pending. BUG unless both together are, in ranges, counts and amounts, what the uncut ranges were. */
gboolean book_cut_batch(BookTransaction *tx, const BookCut *cut, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One that was cut at validation, likewise; or a sent one, once more. BUG for an answered one, or when the digest is
 * another. */
gboolean book_send_batch(BookTransaction *tx, const char *file, BookBatch *batch,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What the interface said that was no answer: shown until there is one. No effect on one that is not waiting. */
gboolean book_note_batch(BookTransaction *tx, const char *file, guint number, const char *said,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  /* of the batch's accepted records: so many more of these, so many fewer accepted */
  guint rejected, duplicates;
  gint64 amount_rejected, amount_duplicate; /* and their sums */
  GBytes *exceptions;                       /* all of the batch, those from before among them; NULL: none */
  const char *text;                         /* what it said, for people */
} BookReply;
/* sent → answered, and the file's and the batch's counts and amounts with it: all in one. The counts are set in *file
 * and *batch as the book has them now; file->attempts and problem are reset, for the file gets on. AGAIN when the batch
 * is not waiting for an answer. */
gboolean book_take_reply(BookTransaction *tx, BookFile *file, BookBatch *batch, const BookReply *reply,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same of a pending batch, which stays pending: records that were accepted cannot be posted. AGAIN when it is not
 * pending any more. */
gboolean book_refuse_in_batch(BookTransaction *tx, BookFile *file, BookBatch *batch, const BookReply *reply,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* BookBatch*, by their first records */
GPtrArray *book_batches(BookReader *reader, const char *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
