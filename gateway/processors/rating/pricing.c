/* One shard's new records of an admission, in the file's order and some hundred at a time: looked up, priced with what
 * their accounts have used, and put. Accounts are of one shard, so that shards price at once and each account's records
 * are counted in one order, whatever the number of threads. */
#include "gateway/processors/rating/desk.h"
#include "gateway/processors/rating/pack.h"
#include "gateway/rating/counters.h"
#include <string.h>

typedef struct {
  Admission *admission;
  guint number;
  DeskShard *shard;
  guint most;    /* records of the next block */
  guint taken;   /* of the counters, before the block */
  GError *error; /* of a counter */
} Pricing;

typedef struct {
  gint64 *used, before;
} Taken;

/* --- Columns from one block to another */

void usage_copy_value(const RecordBlock *from, guint column, guint record, RecordBlock *into, guint to) {
  gsize length;
  if (record_block_is_null(from, column, record))
    return;
  if (from->columns[column].type == BLOCK_INTEGER) {
    record_block_put_integer(into, to, record_block_integer(from, column, record));
    return;
  }
  const char *text = record_block_text(from, column, record, &length);
  record_block_put_text(into, to, text, length);
}

static void copy_account(const Pricing *pricing, const RecordBlock *from, guint record, RecordBlock *into) {
  int column = rating_plan_column(pricing->shard->plan, pricing->admission->desk->rating->account);
  char number[32];
  if (from->columns[column].type == BLOCK_INTEGER)
    record_block_put_text(into, DETAIL_ACCOUNT, number,
                          (gsize)g_snprintf(number, sizeof number, "%" G_GINT64_FORMAT,
                                            record_block_integer(from, (guint)column, record)));
  else
    usage_copy_value(from, (guint)column, record, into, DETAIL_ACCOUNT);
}

/* --- What accounts have used */

static void name_counter(const Pricing *pricing, const RecordBlock *block, guint index, gint64 at) {
  DeskShard *shard = pricing->shard;
  int column = rating_plan_column(shard->plan, pricing->admission->desk->rating->account);
  char number[32];
  gsize length;
  const char *account;
  g_string_truncate(shard->period, 0);
  rating_period(shard->plan, at, shard->period);
  if (block->columns[column].type == BLOCK_INTEGER) {
    length = (gsize)g_snprintf(number, sizeof number, "%" G_GINT64_FORMAT,
                               record_block_integer(block, (guint)column, index));
    account = number;
  } else {
    account = record_block_text(block, (guint)column, index, &length);
  }
  details_counter_name(shard->counter, shard->period->str, shard->period->len, account, length);
}

static gint64 take(gpointer user, const RecordBlock *block, guint index, const RatedRecord *record) {
  Pricing *pricing = user;
  DeskShard *shard = pricing->shard;
  if (pricing->error)
    return 0;
  name_counter(pricing, block, index, record->at);
  gint64 *used = details_counter(pricing->admission->desk->details, pricing->number, shard->counter->str,
                                 shard->counter->len, &pricing->error);
  if (!used)
    return 0;
  Taken taken = {used, *used};
  g_array_append_val(shard->taken, taken);
  if (__builtin_add_overflow(*used, record->billed, used))
    *used = G_MAXINT64; /* no tier reaches it: the next one is refused */
  return taken.before;
}

static void give_back(gpointer user, guint n) {
  GArray *taken = ((Pricing *)user)->shard->taken;
  for (; n > 0 && taken->len > 0; n--) {
    const Taken *last = &g_array_index(taken, Taken, taken->len - 1);
    *last->used = last->before;
    g_array_set_size(taken, taken->len - 1);
  }
}

/* --- What is kept */

static void put_rated(const Pricing *pricing, guint index, const RatedRecord *record, RecordBlock *into) {
  DeskShard *shard = pricing->shard;
  record_block_put_integer(into, DETAIL_QUANTITY, record->quantity);
  record_block_put_integer(into, DETAIL_BILLED, record->billed);
  record_block_put_integer(into, DETAIL_AMOUNT, record->amount);
  if (pricing->admission->desk->rating->tiers.present) {
    g_string_truncate(shard->period, 0);
    rating_period(shard->plan, record->at, shard->period);
    record_block_put_text(into, DETAIL_PERIOD, shard->period->str, shard->period->len);
    record_block_put_integer(into, DETAIL_COUNTER, record->counter_before);
  }
  g_string_truncate(shard->packed, 0);
  price_pack(shard->rated, index, shard->packed);
  record_block_put_text(into, DETAIL_STEPS, shard->packed->str, shard->packed->len);
  g_string_truncate(shard->packed, 0);
  for (guint i = 0; i < rating_plan_lookups(shard->plan); i++)
    price_pack_row(rating_tables_row(shard->tables, index, i), shard->packed);
  record_block_put_text(into, DETAIL_ROWS, shard->packed->str, shard->packed->len);
}

static void put_detail(const Pricing *pricing, guint index) {
  const Admission *admission = pricing->admission;
  DeskShard *shard = pricing->shard;
  const RatedRecord *record = &shard->rated->records[index];
  const UsageRecord *usage = &admission->records[shard->records[index]];
  RecordBlock *into = shard->details;
  record_block_begin(into, shard->usage->lines[index]);
  record_block_put_text(into, DETAIL_KEY, admission->keys->str + usage->key, usage->key_length);
  copy_account(pricing, shard->usage, index, into);
  record_block_put_integer(into, DETAIL_AT, record->at);
  record_block_put_integer(into, DETAIL_STATUS, record->status == RATING_RATED ? DETAIL_RATED : DETAIL_SUSPENDED);
  if (admission->settles)
    record_block_put_integer(into, DETAIL_SETTLES, admission->settles[shard->records[index]]);
  if (record->code)
    record_block_put_text(into, DETAIL_CODE, record->code, strlen(record->code));
  if (record->status == RATING_RATED)
    put_rated(pricing, index, record, into);
  for (guint i = 0; i < shard->usage->n_columns; i++)
    usage_copy_value(shard->usage, i, index, into, DETAIL_COLUMNS + i);
  record_block_end(into);
}

/* --- A block */

static void tell(const Pricing *pricing, guint index) {
  static const UsageVerdict verdicts[] = {[RATING_RATED] = USAGE_RATED,
                                          [RATING_SUSPENDED] = USAGE_SUSPENDED,
                                          [RATING_REJECTED] = USAGE_REJECTED,
                                          [RATING_HELD] = USAGE_HELD};
  const RatedRecord *record = &pricing->shard->rated->records[index];
  UsageRecord *usage = &pricing->admission->records[pricing->shard->records[index]];
  usage->verdict = verdicts[record->status];
  usage->code = record->code;
  usage->amount = record->amount;
}

/* A block is of one part. */
static const AdmissionPart *part_of(const Pricing *pricing) {
  const Admission *admission = pricing->admission;
  return &admission->parts[admission->records[pricing->shard->records[0]].part];
}

/* A record older than the horizon could have been here before, and nobody would know any more. */
static void hold_old(const Pricing *pricing) {
  guint64 horizon = pricing->admission->desk->rating->horizon;
  const Rated *rated = pricing->shard->rated;
  gint64 oldest = part_of(pricing)->arrived - (gint64)horizon * G_USEC_PER_SEC;
  for (guint i = 0; i < rated->n && horizon && !pricing->admission->settles; i++) {
    RatedRecord *record = &rated->records[i];
    if (record->status == RATING_REJECTED || record->status == RATING_HELD || record->at >= oldest)
      continue;
    record->status = RATING_HELD;
    record->code = CODE_TOO_OLD;
  }
}

/* What is suspended, and still is, goes on waiting as it does. */
static gboolean is_put(const Admission *admission, const RatedRecord *record) {
  return record->status == RATING_RATED || (record->status == RATING_SUSPENDED && !admission->settles);
}

static gboolean put_block(const Pricing *pricing, GError **error) {
  const Admission *admission = pricing->admission;
  DetailPut put = {pricing->shard->details, part_of(pricing)->file, admission->desk->shape, admission->desk->terms};
  return details_put(admission->desk->details, pricing->number, &put, error);
}

/* Those whose amounts come to more than 64 bits are in several blocks. */
static gboolean put_details(const Pricing *pricing, GError **error) {
  DeskShard *shard = pricing->shard;
  gint64 sum = 0;
  record_block_clear(shard->details);
  for (guint i = 0; i < shard->usage->count; i++) {
    const RatedRecord *record = &shard->rated->records[i];
    if (!is_put(pricing->admission, record))
      continue;
    if (__builtin_add_overflow(sum, record->amount, &sum)) {
      if (!put_block(pricing, error))
        return FALSE;
      record_block_clear(shard->details);
      sum = record->amount;
    }
    put_detail(pricing, i);
  }
  return put_block(pricing, error);
}

static gboolean price_usage(Pricing *pricing, GError **error) {
  DeskShard *shard = pricing->shard;
  RatingCounters counters = {take, give_back, pricing};
  RatingUsage usage = {shard->usage, part_of(pricing)->arrived};
  rated_begin(shard->rated, shard->usage->count);
  g_array_set_size(shard->taken, pricing->taken);
  const RecordBlock *whole = rating_tables_gather(shard->tables, &usage, shard->rated, error);
  if (!whole)
    return FALSE;
  hold_old(pricing);
  if (!rating_price(shard->plan, whole, &counters, shard->rated, error))
    return FALSE;
  if (pricing->error) {
    g_propagate_error(error, g_steal_pointer(&pricing->error));
    return FALSE;
  }
  for (guint i = 0; i < shard->usage->count; i++)
    tell(pricing, i);
  return TRUE;
}

/* --- Records that wait for one of the block. They are taken to be repeated, as nearly all of them are. */

static void add_usage(const Pricing *pricing, guint32 record) {
  DeskShard *shard = pricing->shard;
  const RecordBlock *from = pricing->admission->block;
  shard->records[shard->usage->count] = record;
  record_block_begin(shard->usage, from->lines[record]);
  for (guint i = 0; i < shard->usage->n_columns; i++)
    usage_copy_value(from, i, record, shard->usage, i);
  record_block_end(shard->usage);
}

/* FALSE: each is repeated; else *first is not, and those of the block that stand behind it were counted without it. */
static gboolean any_is_new(const Pricing *pricing, guint32 *first) {
  Admission *admission = pricing->admission;
  const GArray *waiting = pricing->shard->waiting;
  for (guint i = 0; i < waiting->len; i++) {
    *first = g_array_index(waiting, guint32, i);
    admission_settle_waiting(admission, *first);
    if (admission->records[*first].verdict == USAGE_NEW)
      return TRUE;
  }
  return FALSE;
}

/* Those of the block from `end` on are as they were. */
static void cut_block(Pricing *pricing, guint32 end) {
  DeskShard *shard = pricing->shard;
  guint count = shard->usage->count, kept = 0;
  give_back(pricing, shard->taken->len - pricing->taken);
  while (kept < count && shard->records[kept] < end)
    kept++;
  for (guint i = kept; i < count; i++)
    pricing->admission->records[shard->records[i]].verdict = USAGE_NEW;
  record_block_clear(shard->usage);
  for (guint i = 0; i < kept; i++)
    add_usage(pricing, shard->records[i]);
}

/* The records before *next, which is an earlier one when it returns if one that waited there is new. */
static gboolean price_block(Pricing *pricing, guint32 *next, GError **error) {
  DeskShard *shard = pricing->shard;
  guint32 first;
  if (shard->usage->count == 0)
    return TRUE;
  if (!price_usage(pricing, error))
    return FALSE;
  pricing->most = MIN(2 * pricing->most, (guint)DETAILS_BLOCK);
  if (any_is_new(pricing, &first)) {
    cut_block(pricing, first);
    *next = first;
    pricing->most = 1; /* or a file of such records would cost the square of a block */
    if (!price_usage(pricing, error))
      return FALSE;
  }
  if (!pricing->admission->is_quote && !put_details(pricing, error))
    return FALSE;
  pricing->taken = pricing->admission->is_quote ? shard->taken->len : 0;
  g_array_set_size(shard->waiting, 0);
  record_block_clear(shard->usage);
  return TRUE;
}

/* --- A shard */

/* What another shard's thread says of its own records is not looked at. */
static gboolean is_own(const Pricing *pricing, guint32 record) {
  return pricing->admission->records[record].shard == pricing->number;
}

static gboolean is_of_block(const Pricing *pricing, guint32 record) {
  const Admission *admission = pricing->admission;
  return pricing->shard->usage->count == 0 ||
         admission->records[record].part == admission->records[pricing->shard->records[0]].part;
}

/* TRUE: it is in the block, or waits for one that is there, or is nothing to be done about; FALSE: it waits for one of
 * another shard. */
static gboolean take_up(const Pricing *pricing, guint32 record) {
  Admission *admission = pricing->admission;
  const UsageRecord *usage = &admission->records[record];
  if (usage->verdict == USAGE_WAITS) {
    if (!is_own(pricing, usage->earlier))
      return FALSE;
    admission_settle_waiting(admission, record);
  }
  if (usage->verdict == USAGE_NEW)
    add_usage(pricing, record);
  else if (usage->verdict == USAGE_WAITS)
    g_array_append_val(pricing->shard->waiting, record);
  return TRUE;
}

void admission_give_back(const Admission *admission) {
  for (guint i = 0; i < admission->desk->n_shards; i++) {
    Pricing pricing = {.shard = &admission->desk->shards[i]};
    give_back(&pricing, pricing.shard->taken->len);
  }
}

gboolean admission_price_shard(Admission *admission, guint number, guint32 *from, GError **error) {
  DeskShard *shard = &admission->desk->shards[number];
  Pricing pricing = {.admission = admission, .number = number, .shard = shard, .most = DETAILS_BLOCK};
  guint32 end = admission->block->count;
  pricing.taken = admission->is_quote && *from > 0 ? shard->taken->len : 0;
  g_array_set_size(shard->taken, pricing.taken);
  record_block_clear(shard->usage);
  g_array_set_size(shard->waiting, 0);
  while (*from < end || shard->usage->count > 0) {
    gboolean stops = FALSE;
    while (*from < end && shard->usage->count < pricing.most && is_of_block(&pricing, *from) && !stops) {
      stops = is_own(&pricing, *from) && !take_up(&pricing, *from);
      *from += stops ? 0 : 1;
    }
    guint32 at = *from;
    if (!price_block(&pricing, from, error))
      return FALSE;
    if (stops && *from == at)
      return TRUE;
  }
  return TRUE;
}
