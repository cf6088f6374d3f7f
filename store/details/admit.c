/* An admission: what is put, and committed file by file (files.c argues what a crash leaves). */
#include "gateway/base/faultpoint.h"
#include "store/details/details_private.h"
#include "store/staging/block_codec.h"
#include <string.h>

enum { LOG_BYTES = 64 << 20 };

gint64 details_begin(Details *details) {
  details->under_way = TRUE;
  details->at = g_get_real_time();
  return details->admission + 1;
}

static gboolean open_transaction(Db *db, GError **error) {
  return db_in_transaction(db) || db_begin(db, error);
}

/* --- Texts that many blocks share */

static gboolean text_id(DetailShard *shard, guint which, const char *text, gint64 *id, GError **error) {
  gboolean row;
  *id = shard->last_ids[which];
  if (g_strcmp0(shard->last_texts[which], text) == 0)
    return TRUE;
  db_bind(shard->add_text, "s", text);
  if (!db_done(shard->add_text, error))
    return FALSE;
  db_bind(shard->text_id, "s", text);
  if (!db_step(shard->text_id, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "a text that was just added is not there");
  *id = shard->last_ids[which] = db_integer(shard->text_id, 0);
  db_reset(shard->text_id);
  g_free(shard->last_texts[which]);
  shard->last_texts[which] = g_strdup(text);
  return TRUE;
}

/* --- Blocks */

typedef struct {
  guint rated;
  gint64 amount, first_event, last_event; /* of the rated */
} BlockSums;

static gboolean sum_up(const RecordBlock *block, BlockSums *sums, GError **error) {
  *sums = (BlockSums){0};
  for (guint i = 0; i < block->count; i++) {
    if (record_block_integer(block, DETAIL_STATUS, i) != DETAIL_RATED)
      continue;
    gint64 event = record_block_integer(block, DETAIL_AT, i);
    sums->first_event = sums->rated ? MIN(sums->first_event, event) : event;
    sums->last_event = sums->rated ? MAX(sums->last_event, event) : event;
    sums->rated++;
    if (__builtin_add_overflow(sums->amount, record_block_integer(block, DETAIL_AMOUNT, i), &sums->amount))
      return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                                 "line %" G_GUINT64_FORMAT ": the amounts up to it leave 64 bits", block->lines[i]);
  }
  return TRUE;
}

/* Of a record that was suspended the key is that detail's. */
static gboolean settle_detail(DetailShard *shard, gint64 suspended, gint64 admission, GError **error) {
  db_bind(shard->settle, "iii", suspended, shard->last, admission);
  if (!db_done(shard->settle, error))
    return FALSE;
  return db_changed(shard->details) == 1 ||
         sallyport_error_set(error, SALLYPORT_ERROR_BUG, "detail %" G_GINT64_FORMAT " does not wait for its price",
                             suspended);
}

static gboolean suspend(DetailShard *shard, gint64 admission, GError **error) {
  db_bind(shard->add_suspended, "ii", shard->last, admission);
  return db_done(shard->add_suspended, error);
}

static gboolean take_in(const Details *details, DetailShard *shard, const RecordBlock *block, GError **error) {
  gint64 admission = details->admission + 1;
  for (guint i = 0; i < block->count; i++) {
    gsize length;
    const char *key = record_block_text(block, DETAIL_KEY, i, &length);
    KeyEntry entry = {details_hash(details, key, length), ++shard->last};
    if (!record_block_is_null(block, DETAIL_SETTLES, i)) {
      if (!settle_detail(shard, record_block_integer(block, DETAIL_SETTLES, i), admission, error))
        return FALSE;
      continue;
    }
    if (record_block_integer(block, DETAIL_STATUS, i) == DETAIL_SUSPENDED && !suspend(shard, admission, error))
      return FALSE;
    g_array_append_val(shard->fresh, entry);
  }
  return TRUE;
}

gboolean details_put(Details *details, guint number, const DetailPut *put, GError **error) {
  DetailShard *shard = &details->shards[number];
  BlockSums sums;
  gint64 shape, terms;
  if (put->block->count == 0)
    return TRUE;
  if (put->block->count > DETAILS_BLOCK)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "a block of %u details", put->block->count);
  if (!sum_up(put->block, &sums, error) || !open_transaction(shard->details, error) ||
      !text_id(shard, 0, put->shape, &shape, error) || !text_id(shard, 1, put->terms, &terms, error))
    return FALSE;
  g_byte_array_set_size(shard->bytes, 0);
  block_encode(put->block, 0, put->block->count, shard->bytes);
  db_bind(shard->add_detail, "iiisuuiiib--", shard->last + 1, details->admission + 1, details->at, put->file,
          put->block->count, sums.rated, sums.amount, shape, terms, shard->bytes->data, (gsize)shard->bytes->len);
  if (sums.rated > 0) {
    db_bind_integer(shard->add_detail, 11, sums.first_event);
    db_bind_integer(shard->add_detail, 12, sums.last_event);
  }
  return db_done(shard->add_detail, error) && take_in(details, shard, put->block, error);
}

/* --- What waits for its price */

gboolean details_waiting(Details *details, guint number, gint64 after, guint limit, GArray *numbers, GError **error) {
  DbStatement *waiting = details->shards[number].waiting;
  gboolean row = TRUE;
  db_bind(waiting, "iu", after, limit);
  while (row) {
    if (!db_step(waiting, &row, error))
      return FALSE;
    gint64 found = row ? db_integer(waiting, 0) : 0;
    if (row)
      g_array_append_val(numbers, found);
  }
  return TRUE;
}

gboolean details_read(Details *details, guint number, gint64 which, Detail *detail, GError **error) {
  DetailView *view = &details->shards[number].view;
  if (!detail_view_load(view, which, error))
    return FALSE;
  *detail = detail_view_detail(view, (guint)(which - view->first));
  return TRUE;
}

gboolean details_give_up(Details *details, guint number, gint64 which, GError **error) {
  DetailShard *shard = &details->shards[number];
  if (!open_transaction(shard->details, error))
    return FALSE;
  db_bind(shard->give_up, "ii", which, details->admission + 1);
  if (!db_done(shard->give_up, error))
    return FALSE;
  return db_changed(shard->details) == 1 ||
         sallyport_error_set(error, SALLYPORT_ERROR_BUG, "detail %" G_GINT64_FORMAT " does not wait for its price",
                             which);
}

/* --- Answers */

static DetailShard *answers_of(Details *details, const char *file) {
  return &details->shards[details_shard_of(details, file, strlen(file))];
}

gboolean details_answer(Details *details, const char *file, guint batch, GBytes **answer, GError **error) {
  DbStatement *ask = answers_of(details, file)->answer;
  gboolean row;
  *answer = NULL;
  db_bind(ask, "su", file, batch);
  if (!db_step(ask, &row, error))
    return FALSE;
  if (row)
    *answer = db_integer(ask, 1) ? g_bytes_new(NULL, 0) : db_bytes_copy(ask, 0);
  gboolean whole = !row || db_row_whole(ask, error);
  db_reset(ask);
  return whole;
}

gboolean details_put_answer(Details *details, const char *file, guint batch, GBytes *answer, GError **error) {
  DetailShard *shard = answers_of(details, file);
  gsize length = 0;
  const void *bytes = answer ? g_bytes_get_data(answer, &length) : NULL;
  if (!open_transaction(shard->business, error))
    return FALSE;
  db_bind(shard->add_answer, "suib", file, batch, details->admission + 1, length ? bytes : NULL, length);
  return db_done(shard->add_answer, error);
}

/* --- The end */

static gboolean commit_file(Db *db, gint64 admission, const char *before, GError **error) {
  if (!open_transaction(db, error) || !details_set_fact(db, "through", admission, error))
    return FALSE;
  fault_point(before);
  return db_commit(db, error);
}

gboolean details_commit(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  gint64 admission = details->admission + 1;
  if (!commit_file(shard->details, admission, "details-commit-before", error) ||
      !commit_file(shard->business, admission, "details-commit-between", error))
    return FALSE;
  fault_point("details-commit-after");
  return TRUE;
}

void details_settle(Details *details) {
  details->admission++;
  details->under_way = FALSE;
  for (guint i = 0; i < details->n_shards; i++)
    details->shards[i].settled = details->shards[i].last;
}

static gboolean copy_log(Db *db, GError **error) {
  return db_log_bytes(db) < LOG_BYTES || db_checkpoint(db, FALSE, error);
}

gboolean details_rest(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  return detail_shard_rest_keys(details, number, error) && detail_shard_rest_counters(details, number, error) &&
         copy_log(shard->details, error) && copy_log(shard->business, error);
}
