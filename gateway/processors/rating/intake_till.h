/* The intake of one rating: who is being served, who waits for the next admission, and what they are told. Private to
 * gateway/processors/rating/. */
#pragma once
#include "gateway/base/digest.h"
#include "gateway/processors/rating/intake.h"

typedef struct {
  const LaneHost *host;
  RatingDesk *desk;
  const ConfRating *rating;
  Layout *layout;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  GHashTable *served; /* file → itself: those that are being answered */
  GQueue waiting;     /* IntakeBatch* */
  gboolean is_rating; /* one of them makes an admission */
  guint64 records;    /* in batches that were answered with 200; since the start */
  GHashTable *statuses; /* status → how often */
} IntakeTill;

typedef struct {
  char *file;      /* in the details; NULL: not known */
  const char *key; /* borrowed */
  gint64 arrived;  /* microseconds since 1970 */
  guint8 digest[DIGEST_SHA256_SIZE];
  RecordBlock *block;
  guint first; /* in the admission */
  gboolean is_done;
  guint status;
  const char *error; /* static; NULL: it is answered */
  char *text;        /* why not */
  GBytes *answer;
} IntakeBatch;
void intake_batch_clear(IntakeBatch *batch);
void intake_refuse(IntakeBatch *batch, guint status, const char *error, char *text); /* takes the text */

IntakeTill *intake_till_new(const LaneHost *host, RatingDesk *desk, const ConfRating *rating, GError **error);
void intake_till_free(gpointer till);
/* FALSE: refused: one with its key is being answered, or too many are. */
gboolean intake_till_enter(IntakeTill *till, IntakeBatch *batch);
void intake_till_leave(IntakeTill *till, const IntakeBatch *batch);
/* Returns when it is answered: durably, if the status is 200. */
void intake_till_rate(IntakeTill *till, IntakeBatch *batch);
/* What it would cost now; nothing is booked, and no counter moves. */
void intake_till_quote(IntakeTill *till, IntakeBatch *batch);
void intake_till_count(IntakeTill *till, const IntakeBatch *batch); /* that it is answered */
json_t *intake_till_status(IntakeTill *till);
