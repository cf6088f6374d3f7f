#include "gateway/processors/rating/intake_till.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include <string.h>

enum { ADMISSION_RECORDS = 30000, BUSY = 429 };

void intake_batch_clear(IntakeBatch *batch) {
  g_free(batch->file);
  g_free(batch->text);
  record_block_free(batch->block);
  g_clear_pointer(&batch->answer, g_bytes_unref);
}

void intake_refuse(IntakeBatch *batch, guint status, const char *error, char *text) {
  g_free(batch->text);
  batch->status = status;
  batch->error = error;
  batch->text = text;
}

/* --- Those that were answered before: the digest of the body, and behind it the answer */

static void take_known(IntakeBatch *batch, GBytes *kept) {
  gsize length;
  const guint8 *bytes = g_bytes_get_data(kept, &length);
  if (length < DIGEST_SHA256_SIZE || memcmp(bytes, batch->digest, DIGEST_SHA256_SIZE) != 0) {
    intake_refuse(batch, 422, "other-body", g_strdup("a batch with another body was rated with this key"));
    return;
  }
  batch->status = 200;
  batch->answer = g_bytes_new_from_bytes(kept, DIGEST_SHA256_SIZE, length - DIGEST_SHA256_SIZE);
}

/* Takes those out of the group. */
static gboolean answer_known(const IntakeTill *till, GPtrArray *group, GError **error) {
  for (guint i = group->len; i > 0; i--) {
    IntakeBatch *batch = group->pdata[i - 1];
    GBytes *kept;
    if (!details_answer(till->desk->details, batch->file, 0, &kept, error))
      return FALSE;
    if (!kept)
      continue;
    take_known(batch, kept);
    g_bytes_unref(kept);
    g_ptr_array_remove_index(group, i - 1);
  }
  return TRUE;
}

/* --- An admission */

static void copy_records(IntakeBatch *batch, guint part, Admission *admission) {
  batch->first = admission->block->count;
  for (guint i = 0; i < batch->block->count; i++) {
    UsageRecord *usage = &admission->records[admission->block->count];
    usage->part = part;
    usage->verdict = record_block_fault(batch->block, i) ? USAGE_PASSED_OVER : USAGE_NEW;
    record_block_begin(admission->block, batch->block->lines[i]);
    for (guint c = 0; c < batch->block->n_columns; c++)
      usage_copy_value(batch->block, c, i, admission->block, c);
    record_block_end(admission->block);
  }
}

static gboolean put_answer(const IntakeTill *till, IntakeBatch *batch, const Admission *admission, gint64 number,
                           GError **error) {
  IntakeAnswer told = {batch->key, batch->block, admission, batch->first, number, till->rating->round.scale};
  g_autoptr(GString) text = intake_answer(&told);
  g_autoptr(GByteArray) kept = g_byte_array_sized_new((guint)text->len + DIGEST_SHA256_SIZE);
  g_byte_array_append(kept, batch->digest, DIGEST_SHA256_SIZE);
  g_byte_array_append(kept, (const guint8 *)text->str, (guint)text->len);
  g_autoptr(GBytes) bytes = g_byte_array_free_to_bytes(g_steal_pointer(&kept));
  batch->answer = g_bytes_new_from_bytes(bytes, DIGEST_SHA256_SIZE, text->len);
  return details_put_answer(till->desk->details, batch->file, 0, bytes, error);
}

/* `parts`: room for each of the group. */
static void gather(const IntakeTill *till, const GPtrArray *group, AdmissionPart *parts, Admission *admission) {
  guint count = 0;
  const RecordBlock *like = ((const IntakeBatch *)group->pdata[0])->block;
  g_autofree BlockType *types = g_new(BlockType, like->n_columns + 1);
  for (guint i = 0; i < like->n_columns; i++)
    types[i] = like->columns[i].type;
  for (guint i = 0; i < group->len; i++)
    count += ((const IntakeBatch *)group->pdata[i])->block->count;
  *admission = (Admission){.desk = till->desk, .parts = parts, .threads = MAX(till->host->threads, 1)};
  admission->block = record_block_new(count, types, like->n_columns);
  admission->records = g_new0(UsageRecord, count);
  for (guint i = 0; i < group->len; i++) {
    IntakeBatch *batch = group->pdata[i];
    parts[i] = (AdmissionPart){batch->file, batch->arrived};
    copy_records(batch, i, admission);
  }
}

static gboolean admit(const IntakeTill *till, const GPtrArray *group, GError **error) {
  g_autofree AdmissionPart *parts = g_new0(AdmissionPart, group->len);
  g_auto(Admission) admission = {0};
  gather(till, group, parts, &admission);
  gint64 number = details_begin(till->desk->details);
  if (!admission_decide(&admission, error))
    return FALSE;
  for (guint i = 0; i < group->len; i++)
    if (!put_answer(till, group->pdata[i], &admission, number, error))
      return FALSE;
  fault_point("intake-before-commit");
  if (!admission_commit(&admission, error))
    return FALSE;
  fault_point("intake-after-commit");
  for (guint i = 0; i < group->len; i++)
    ((IntakeBatch *)group->pdata[i])->status = 200;
  return TRUE;
}

/* As an admission, up to what it would put. */
static gboolean quote(const IntakeTill *till, IntakeBatch *batch, GError **error) {
  g_autoptr(GPtrArray) group = g_ptr_array_new();
  AdmissionPart part;
  g_auto(Admission) admission = {0};
  g_ptr_array_add(group, batch);
  gather(till, group, &part, &admission);
  admission.is_quote = TRUE;
  if (!admission_decide(&admission, error))
    return FALSE;
  admission_give_back(&admission);
  IntakeAnswer told = {NULL, batch->block, &admission, 0, 0, till->rating->round.scale};
  batch->answer = g_string_free_to_bytes(intake_answer(&told));
  batch->status = 200;
  return TRUE;
}

static gboolean rate_group(const IntakeTill *till, GPtrArray *group, GError **error) {
  DeskPlace place = {till->host->conf, till->host->lane, till->host->paths->folder};
  if (!rating_desk_open(till->desk, &place, error) || !answer_known(till, group, error))
    return FALSE;
  if (group->len == 0)
    return TRUE;
  if (!rating_desk_refresh(till->desk, error))
    return FALSE;
  gboolean ok = admit(till, group, error);
  if (!ok)
    rating_desk_close(till->desk); /* opening it takes back what was begun */
  return ok;
}

/* What it was that failed is not told to strangers; but that a batch itself is at fault is. */
static void tell_trouble(const IntakeTill *till, const GPtrArray *group, const GError *error) {
  gboolean is_theirs = sallyport_error_code(error) == SALLYPORT_ERROR_FILE;
  log_event(LOG_WARNING, "usage-not-rated", {"rating", till->rating->name}, {"error", error->message});
  if (sallyport_error_code(error) == SALLYPORT_ERROR_STORAGE)
    till->host->storage_failed(till->host->user);
  for (guint i = 0; i < group->len; i++) {
    IntakeBatch *batch = group->pdata[i];
    g_clear_pointer(&batch->answer, g_bytes_unref);
    intake_refuse(batch, is_theirs ? 422 : 503, is_theirs ? "not-ratable" : "trouble",
                  is_theirs ? g_strdup(error->message) : g_strdup("this cannot be done at the moment; ask again"));
  }
}

/* One that fails takes no other with it: then each is tried alone. */
static void rate(const IntakeTill *till, GPtrArray *group) {
  g_autoptr(GError) error = NULL;
  if (rate_group(till, group, &error))
    return;
  if (group->len == 1 || sallyport_error_code(error) != SALLYPORT_ERROR_FILE) {
    tell_trouble(till, group, error);
    return;
  }
  for (guint i = 0; i < group->len; i++) {
    g_autoptr(GPtrArray) alone = g_ptr_array_new();
    g_ptr_array_add(alone, group->pdata[i]);
    rate(till, alone);
  }
}

/* --- Who waits */

static GPtrArray *take_group(IntakeTill *till) {
  GPtrArray *group = g_ptr_array_new();
  for (guint records = 0; !g_queue_is_empty(&till->waiting);) {
    IntakeBatch *batch = g_queue_peek_head(&till->waiting);
    records += batch->block->count;
    if (group->len > 0 && records > ADMISSION_RECORDS)
      break;
    g_ptr_array_add(group, g_queue_pop_head(&till->waiting));
  }
  return group;
}

/* The first one that finds nobody at it makes an admission of all that wait; what comes meanwhile is the next one. Who
 * has the desk may have it for long: those that come until it is free are in the group, too. */
void intake_till_rate(IntakeTill *till, IntakeBatch *batch) {
  pthread_mutex_lock(&till->lock);
  g_queue_push_tail(&till->waiting, batch);
  while (!batch->is_done) {
    if (till->is_rating) {
      pthread_cond_wait(&till->changed, &till->lock);
      continue;
    }
    till->is_rating = TRUE;
    pthread_mutex_unlock(&till->lock);
    rating_desk_take(till->desk);
    pthread_mutex_lock(&till->lock);
    g_autoptr(GPtrArray) group = take_group(till), all = g_ptr_array_copy(group, NULL, NULL);
    pthread_mutex_unlock(&till->lock);
    rate(till, group); /* the service lets go of the tables, now and then */
    rating_desk_give_back(till->desk);
    pthread_mutex_lock(&till->lock);
    for (guint i = 0; i < all->len; i++)
      ((IntakeBatch *)all->pdata[i])->is_done = TRUE;
    till->is_rating = FALSE;
    pthread_cond_broadcast(&till->changed);
  }
  pthread_mutex_unlock(&till->lock);
}

void intake_till_quote(IntakeTill *till, IntakeBatch *batch) {
  DeskPlace place = {till->host->conf, till->host->lane, till->host->paths->folder};
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) alone = g_ptr_array_new();
  g_ptr_array_add(alone, batch);
  rating_desk_take(till->desk);
  gboolean ok = rating_desk_open(till->desk, &place, &error) && rating_desk_refresh(till->desk, &error) &&
                quote(till, batch, &error);
  if (!ok)
    rating_desk_close(till->desk); /* counters are read anew */
  rating_desk_give_back(till->desk);
  if (!ok)
    tell_trouble(till, alone, error);
}

gboolean intake_till_enter(IntakeTill *till, IntakeBatch *batch) {
  pthread_mutex_lock(&till->lock);
  gboolean is_there = g_hash_table_contains(till->served, batch->file),
           is_full = g_hash_table_size(till->served) >= till->rating->intake.waiting;
  if (!is_there && !is_full)
    g_hash_table_add(till->served, batch->file);
  pthread_mutex_unlock(&till->lock);
  if (is_there)
    intake_refuse(batch, 409, "being-rated", g_strdup("a batch with this key is being rated; ask again"));
  else if (is_full)
    intake_refuse(batch, BUSY, "busy", g_strdup("as many batches are being rated as may be at once; ask again"));
  return !is_there && !is_full;
}

void intake_till_leave(IntakeTill *till, const IntakeBatch *batch) {
  pthread_mutex_lock(&till->lock);
  g_hash_table_remove(till->served, batch->file);
  pthread_mutex_unlock(&till->lock);
}

void intake_till_count(IntakeTill *till, const IntakeBatch *batch) {
  gpointer status = GUINT_TO_POINTER(batch->status);
  pthread_mutex_lock(&till->lock);
  guint64 before = GPOINTER_TO_SIZE(g_hash_table_lookup(till->statuses, status));
  g_hash_table_insert(till->statuses, status, GSIZE_TO_POINTER(before + 1));
  till->records += batch->status == 200 && batch->block ? batch->block->count : 0;
  pthread_mutex_unlock(&till->lock);
}

/* --- Start and end */

json_t *intake_till_status(IntakeTill *till) {
  json_t *answers = json_object();
  GHashTableIter all;
  gpointer status, count;
  pthread_mutex_lock(&till->lock);
  g_hash_table_iter_init(&all, till->statuses);
  while (g_hash_table_iter_next(&all, &status, &count)) {
    char word[16];
    g_snprintf(word, sizeof word, "%u", GPOINTER_TO_UINT(status));
    json_object_set_new(answers, word, json_integer((json_int_t)GPOINTER_TO_SIZE(count)));
  }
  guint64 records = till->records;
  pthread_mutex_unlock(&till->lock);
  return json_pack("{s:s, s:I, s:o}", "rating", till->rating->name, "records", (json_int_t)records, "answers", answers);
}

IntakeTill *intake_till_new(const LaneHost *host, RatingDesk *desk, const ConfRating *rating, GError **error) {
  Layout *layout = layout_new(conf_layout(host->conf, rating->layout), error);
  if (!layout)
    return NULL;
  IntakeTill *till = g_new0(IntakeTill, 1);
  *till = (IntakeTill){.host = host, .desk = desk, .rating = rating, .layout = layout};
  till->served = g_hash_table_new(g_str_hash, g_str_equal);
  till->statuses = g_hash_table_new(g_direct_hash, g_direct_equal);
  g_queue_init(&till->waiting);
  pthread_mutex_init(&till->lock, NULL);
  pthread_cond_init(&till->changed, NULL);
  return till;
}

void intake_till_free(gpointer data) {
  IntakeTill *till = data;
  layout_free(till->layout);
  g_hash_table_unref(till->served);
  g_hash_table_unref(till->statuses);
  pthread_mutex_destroy(&till->lock);
  pthread_cond_destroy(&till->changed);
  g_free(till);
}
