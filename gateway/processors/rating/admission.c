/* Deciding about the records of an admission: whose key is there, or stands before in it, and what all others cost. A
 * key is looked up in all shards, each in a thread of its own, before anything is put; then shards price at once.
 *
 * What comes out is what would if one record after the other were decided, in the file's order: a record is new if the
 * one before it with its key was refused, and then it has its own place among its account's. Where the two are of
 * different shards, the later one's goes no further until the earlier one is decided. */
#include "gateway/base/faultpoint.h"
#include "gateway/common/codes.h"
#include "gateway/processors/rating/desk.h"
#include "gateway/processors/rating/pack.h"
#include <stdlib.h>
#include <string.h>

enum { NUMBER = 32 };

typedef struct {
  Admission *admission;
  GArray *probes; /* DetailProbe, ascending by hash, then record */
  guint32 from[DETAILS_SHARDS_MAX]; /* where each shard goes on */
} Deciding;

static gboolean in_all_shards(Deciding *deciding, DeskWork work, GError **error) {
  return rating_desk_spread(deciding->admission->desk, deciding->admission->threads, work, deciding, error);
}

void admission_clear(Admission *admission) {
  record_block_free(admission->block);
  g_free(admission->records);
  if (admission->keys)
    g_string_free(admission->keys, TRUE);
}

/* --- Keys */

/* As text; borrowed from the block, or from `number`. */
static const char *value_at(const RecordBlock *block, guint column, guint record, char number[NUMBER], gsize *length) {
  *length = 0;
  if (block->columns[column].type == BLOCK_TEXT)
    return record_block_text(block, column, record, length);
  if (!record_block_is_null(block, column, record))
    *length = (gsize)g_snprintf(number, NUMBER, "%" G_GINT64_FORMAT, record_block_integer(block, column, record));
  return number;
}

static void make_key(Admission *admission, const guint *columns, guint n, guint32 record) {
  UsageRecord *usage = &admission->records[record];
  char number[NUMBER];
  gboolean is_empty = TRUE;
  usage->key = (guint32)admission->keys->len;
  for (guint i = 0; i < n; i++) {
    gsize length;
    const char *part = value_at(admission->block, columns[i], record, number, &length);
    usage_key_add(admission->keys, n, part, length);
    is_empty &= length == 0;
  }
  usage->key_length = (guint32)(admission->keys->len - usage->key);
  if (is_empty) {
    usage->verdict = USAGE_REJECTED;
    usage->code = CODE_NO_RECORDS_KEY;
  }
}

static void place(Admission *admission, guint account, guint32 record) {
  char number[NUMBER];
  gsize length;
  const char *text = value_at(admission->block, account, record, number, &length);
  admission->records[record].shard = (guint8)details_shard_of(admission->desk->details, text, length);
}

static int compare_probes(const void *a, const void *b) {
  const DetailProbe *left = a, *right = b;
  return left->hash != right->hash ? (left->hash > right->hash) - (left->hash < right->hash)
                                   : (left->record > right->record) - (left->record < right->record);
}

static void make_keys(Deciding *deciding) {
  Admission *admission = deciding->admission;
  const RatingDesk *desk = admission->desk;
  const RatingPlan *plan = desk->shards[0].plan;
  guint n = g_strv_length(desk->rating->key), account = (guint)rating_plan_column(plan, desk->rating->account);
  g_autofree guint *columns = g_new(guint, n + 1);
  for (guint i = 0; i < n; i++)
    columns[i] = (guint)rating_plan_column(plan, desk->rating->key[i]);
  for (guint32 i = 0; i < admission->block->count; i++) {
    if (admission->records[i].verdict != USAGE_NEW)
      continue;
    make_key(admission, columns, n, i);
    place(admission, account, i);
  }
  for (guint32 i = 0; i < admission->block->count; i++) { /* the keys lie where they stay */
    const UsageRecord *usage = &admission->records[i];
    const char *key = admission->keys->str + usage->key;
    if (usage->verdict != USAGE_NEW)
      continue;
    DetailProbe probe = {details_hash(desk->details, key, usage->key_length), i, usage->key_length, key};
    g_array_append_val(deciding->probes, probe);
  }
  qsort(deciding->probes->data, deciding->probes->len, sizeof(DetailProbe), compare_probes);
}

/* --- Keys that are there */

static void meet(gpointer user, guint32 record, const Detail *detail) {
  admission_meet(user, record, detail);
}

static gboolean look_up(gpointer data, guint shard, GError **error) {
  const Deciding *deciding = data;
  Admission *admission = deciding->admission;
  DetailLook look = {(const DetailProbe *)(gpointer)deciding->probes->data, deciding->probes->len, meet, admission};
  return details_find(admission->desk->details, shard, &look, error);
}

/* --- Keys that stand in the admission twice */

static gboolean same_key(const DetailProbe *a, const DetailProbe *b) {
  return a->hash == b->hash && a->length == b->length && memcmp(a->key, b->key, a->length) == 0;
}

/* Of those with one key the first is priced; each other waits for what becomes of the one before it. Hashes of other
 * keys are hardly ever alike: then a few are compared in vain. */
static void wait_for_earlier(const Deciding *deciding) {
  UsageRecord *records = deciding->admission->records;
  const DetailProbe *probes = (const DetailProbe *)(gpointer)deciding->probes->data;
  for (guint i = 1; i < deciding->probes->len; i++) {
    UsageRecord *usage = &records[probes[i].record];
    for (guint j = i; j > 0 && probes[j - 1].hash == probes[i].hash && usage->verdict == USAGE_NEW; j--)
      if (same_key(&probes[j - 1], &probes[i])) {
        usage->verdict = USAGE_WAITS;
        usage->earlier = probes[j - 1].record;
      }
  }
}

/* --- All of it */

static gboolean price(gpointer data, guint shard, GError **error) {
  Deciding *deciding = data;
  return admission_price_shard(deciding->admission, shard, &deciding->from[shard], error);
}

/* Between two goes of the shards. Of all records before which they have ended, the first waits for a decided one: the
 * next go gets further. FALSE: none has ended before a record. */
static gboolean go_on(const Deciding *deciding) {
  Admission *admission = deciding->admission;
  gboolean any = FALSE;
  for (guint shard = 0; shard < admission->desk->n_shards; shard++) {
    guint32 at = deciding->from[shard];
    if (at == admission->block->count)
      continue;
    admission_settle_waiting(admission, at);
    any = TRUE;
  }
  return any;
}

static gboolean decide(Deciding *deciding, GError **error) {
  make_keys(deciding);
  if (!in_all_shards(deciding, look_up, error))
    return FALSE;
  wait_for_earlier(deciding);
  do
    if (!in_all_shards(deciding, price, error))
      return FALSE;
  while (go_on(deciding));
  return TRUE;
}

gboolean admission_decide(Admission *admission, GError **error) {
  g_autoptr(GArray) probes = g_array_new(FALSE, FALSE, sizeof(DetailProbe));
  Deciding deciding = {.admission = admission, .probes = probes};
  admission->keys = g_string_new(NULL);
  return decide(&deciding, error);
}

static gboolean commit(gpointer data, guint shard, GError **error) {
  return details_commit(((Deciding *)data)->admission->desk->details, shard, error);
}

static gboolean rest(gpointer data, guint shard, GError **error) {
  return details_rest(((Deciding *)data)->admission->desk->details, shard, error);
}

gboolean admission_commit(Admission *admission, GError **error) {
  Deciding deciding = {.admission = admission};
  if (!in_all_shards(&deciding, commit, error))
    return FALSE;
  details_settle(admission->desk->details);
  fault_point("rating-after-admission");
  return in_all_shards(&deciding, rest, error);
}
