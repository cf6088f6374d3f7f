/* Suspended details get their price when what they lacked has come: a detail of their own each, which says whose it is,
 * in an admission like any other. Those for which nothing has come within suspend-limit are given up, likewise in an
 * admission. A crash takes it back, or it counts; nothing is told to anybody in between. */
#include "gateway/base/faultpoint.h"
#include "gateway/processors/rating/desk.h"
#include <string.h>

enum { A_PASS = 8192 };

typedef struct {
  RatingDesk *desk;
  guint threads;
  gint64 oldest;     /* those that were admitted before have waited too long */
  gint64 *after;     /* of each shard: up to which number it was looked at */
  guint *looked_at, *priced; /* likewise: in this pass; priced: or given up */
} Settling;

/* --- Those of one block */

typedef struct {
  Admission of;
  GArray *numbers; /* gint64 */
} Batch;

static void batch_clear(Batch *batch) {
  admission_clear(&batch->of);
  g_array_unref(batch->numbers);
}

static void batch_begin(Batch *batch, const Settling *settling) {
  const RecordBlock *like = settling->desk->shards[0].usage;
  g_autofree BlockType *types = g_new(BlockType, like->n_columns + 1);
  for (guint i = 0; i < like->n_columns; i++)
    types[i] = like->columns[i].type;
  *batch = (Batch){.of = {.desk = settling->desk,
                          .block = record_block_new(DETAILS_BLOCK, types, like->n_columns),
                          .records = g_new0(UsageRecord, DETAILS_BLOCK),
                          .keys = g_string_new(NULL)},
                   .numbers = g_array_new(FALSE, FALSE, sizeof(gint64))};
}

static void batch_add(Batch *batch, const Detail *detail) {
  RecordBlock *into = batch->of.block;
  UsageRecord *usage = &batch->of.records[into->count];
  gsize length;
  const char *key = record_block_text(detail->block, DETAIL_KEY, detail->index, &length);
  *usage = (UsageRecord){.verdict = USAGE_NEW,
                         .key = (guint32)batch->of.keys->len,
                         .key_length = (guint32)length,
                         .shard = (guint8)detail->shard};
  g_string_append_len(batch->of.keys, key, (gssize)length);
  record_block_begin(into, detail->block->lines[detail->index]);
  for (guint i = 0; i < into->n_columns; i++)
    usage_copy_value(detail->block, DETAIL_COLUMNS + i, detail->index, into, i);
  record_block_end(into);
  g_array_append_val(batch->numbers, detail->number);
}

static gboolean batch_price(Batch *batch, const Settling *settling, guint shard, const char *file, GError **error) {
  batch->of.parts = &(AdmissionPart){.file = file};
  batch->of.settles = (const gint64 *)(gpointer)batch->numbers->data;
  guint32 from = 0;
  if (!admission_price_shard(&batch->of, shard, &from, error))
    return FALSE;
  for (guint i = 0; i < batch->of.block->count; i++)
    settling->priced[shard] += batch->of.records[i].verdict == USAGE_RATED;
  return TRUE;
}

/* From the i-th number on, as many as lie in one block; *next: behind them. One of another layout than the rating has
 * now goes on waiting: its fields are not those that the expressions name. */
static gboolean settle_block(const Settling *settling, guint shard, const GArray *numbers, guint i, guint *next,
                             GError **error) {
  RatingDesk *desk = settling->desk;
  Detail detail;
  Batch batch;
  if (!details_read(desk->details, shard, g_array_index(numbers, gint64, i), &detail, error))
    return FALSE;
  gint64 first = detail.number - detail.index, count = detail.block->count;
  gboolean is_known = strcmp(detail.shape, desk->shape) == 0, ok = TRUE;
  g_autofree char *file = g_strdup(detail.file);
  batch_begin(&batch, settling);
  for (*next = i; *next < numbers->len && g_array_index(numbers, gint64, *next) < first + count; ++*next) {
    ok = ok && details_read(desk->details, shard, g_array_index(numbers, gint64, *next), &detail, error);
    if (ok && is_known)
      batch_add(&batch, &detail);
  }
  ok = ok && batch_price(&batch, settling, shard, file, error);
  batch_clear(&batch);
  return ok;
}

static gboolean settle_shard(gpointer data, guint shard, GError **error) {
  const Settling *settling = data;
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
  settling->priced[shard] = 0;
  if (!details_waiting(settling->desk->details, shard, settling->after[shard], A_PASS, numbers, error))
    return FALSE;
  settling->looked_at[shard] = numbers->len;
  for (guint i = 0, next; i < numbers->len; i = next)
    if (!settle_block(settling, shard, numbers, i, &next, error))
      return FALSE;
  if (numbers->len > 0)
    settling->after[shard] = g_array_index(numbers, gint64, numbers->len - 1);
  return TRUE;
}

/* They stand in the order of their admissions. */
static gboolean give_up_shard(gpointer data, guint shard, GError **error) {
  const Settling *settling = data;
  Details *details = settling->desk->details;
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
  settling->priced[shard] = 0;
  if (!details_waiting(details, shard, 0, A_PASS, numbers, error))
    return FALSE;
  for (guint i = 0; i < numbers->len; i++) {
    Detail detail;
    gint64 number = g_array_index(numbers, gint64, i);
    if (!details_read(details, shard, number, &detail, error))
      return FALSE;
    if (detail.admitted_at >= settling->oldest)
      break;
    if (!details_give_up(details, shard, number, error))
      return FALSE;
    settling->priced[shard]++;
  }
  settling->looked_at[shard] = settling->priced[shard];
  return TRUE;
}

/* --- A pass */

static gboolean any_waits(const RatingDesk *desk, gboolean *any, GError **error) {
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < desk->n_shards && numbers->len == 0; i++)
    if (!details_waiting(desk->details, i, 0, 1, numbers, error))
      return FALSE;
  *any = numbers->len > 0;
  return TRUE;
}

static gboolean commit(gpointer data, guint shard, GError **error) {
  return details_commit(((Settling *)data)->desk->details, shard, error);
}

static gboolean rest(gpointer data, guint shard, GError **error) {
  return details_rest(((Settling *)data)->desk->details, shard, error);
}

static gboolean pass(Settling *settling, DeskWork work, guint *looked_at, guint *priced, GError **error) {
  RatingDesk *desk = settling->desk;
  *looked_at = *priced = 0;
  details_begin(desk->details);
  if (!rating_desk_spread(desk, settling->threads, work, settling, error))
    return FALSE;
  for (guint i = 0; i < desk->n_shards; i++) {
    *looked_at += settling->looked_at[i];
    *priced += settling->priced[i];
  }
  if (*priced == 0)
    return TRUE; /* nothing was put */
  fault_point("rating-before-settled");
  if (!rating_desk_spread(desk, settling->threads, commit, settling, error))
    return FALSE;
  details_settle(desk->details);
  fault_point("rating-after-settled");
  return rating_desk_spread(desk, settling->threads, rest, settling, error);
}

/* Passes until none finds any; a failure closes the desk. */
static gboolean passes(Settling *settling, DeskWork work, const gint *stop, guint64 *settled, GError **error) {
  guint looked_at = 1, priced, n = settling->desk->n_shards;
  gboolean ok = TRUE;
  settling->after = g_new0(gint64, n);
  settling->looked_at = g_new0(guint, n);
  settling->priced = g_new0(guint, n);
  while (ok && looked_at > 0 && !g_atomic_int_get(stop)) {
    ok = pass(settling, work, &looked_at, &priced, error);
    *settled += ok ? priced : 0;
  }
  g_free(settling->after);
  g_free(settling->looked_at);
  g_free(settling->priced);
  if (!ok)
    rating_desk_close(settling->desk);
  return ok;
}

gboolean rating_desk_settle(RatingDesk *desk, guint threads, const gint *stop, guint64 *settled, GError **error) {
  gboolean any;
  *settled = 0;
  if (!any_waits(desk, &any, error) || (any && !rating_desk_refresh(desk, error)))
    return FALSE;
  if (!any || g_strcmp0(desk->tried, desk->terms) == 0)
    return TRUE;
  Settling settling = {.desk = desk, .threads = threads};
  if (!passes(&settling, settle_shard, stop, settled, error))
    return FALSE;
  g_free(desk->tried);
  desk->tried = g_atomic_int_get(stop) ? NULL : g_strdup(desk->terms);
  return TRUE;
}

static gint64 oldest_of(const RatingDesk *desk) {
  return g_get_real_time() - (gint64)desk->rating->suspend_limit * G_USEC_PER_SEC;
}

gboolean rating_desk_overdue(RatingDesk *desk, gboolean *any, GError **error) {
  *any = FALSE;
  for (guint i = 0; i < desk->n_shards && !*any; i++) {
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
    Detail detail;
    if (!details_waiting(desk->details, i, 0, 1, numbers, error) ||
        (numbers->len > 0 && !details_read(desk->details, i, g_array_index(numbers, gint64, 0), &detail, error)))
      return FALSE;
    *any = numbers->len > 0 && detail.admitted_at < oldest_of(desk);
  }
  return TRUE;
}

gboolean rating_desk_give_up(RatingDesk *desk, guint threads, const gint *stop, guint64 *given_up, GError **error) {
  Settling settling = {.desk = desk, .threads = threads, .oldest = oldest_of(desk)};
  *given_up = 0;
  return passes(&settling, give_up_shard, stop, given_up, error);
}
