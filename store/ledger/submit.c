/* Posting a batch: arrive (in order), find what of it is posted already, spread the rest over the shards, hand each
 * shard its part, and tell the caller when the last part is durable. The first steps run in the caller's thread, so
 * that the writers only write. */
#include "store/staging/block_codec.h"
#include "store/ledger/open_private.h"
#include <string.h>

typedef struct {
  Ledger *ledger;
  LedgerBatch *batch;
  LedgerDone done;
  gpointer user;
  const RecordBlock *block; /* the batch's, or `made` */
  RecordBlock *made;
  LedgerColumns columns;
  guint8 *drop;   /* != 0: not to be posted (skipped, refused, or posted already) */
  guint8 *shards; /* of each record's account */
  gint64 *gross;  /* per shard, as reserved */
  KeyList keys;
  LedgerFlight flight;
  LedgerPart *parts;
  gint pending;        /* atomic: parts that are not done */
  LedgerResult result; /* these two: under the ledger's lock */
  GError *error;
} Job;

LedgerBatch *ledger_batch_new(void) {
  LedgerBatch *batch = g_new0(LedgerBatch, 1);
  batch->columns.business_date = -1;
  return batch;
}

void ledger_batch_free(LedgerBatch *batch) {
  if (!batch)
    return;
  g_free(batch->file);
  g_free(batch->business_date);
  record_block_free(batch->block);
  g_free(batch->skip);
  g_free(batch);
}

static void free_job(Job *job) {
  for (guint i = 0; job->parts && i < job->ledger->shards; i++) {
    g_free(job->parts[i].own_date);
    g_free(job->parts[i].min_key);
    g_free(job->parts[i].max_key);
    if (job->parts[i].entries)
      g_byte_array_unref(job->parts[i].entries);
  }
  g_free(job->parts);
  key_list_clear(&job->keys);
  g_free(job->drop);
  g_free(job->shards);
  g_free(job->gross);
  record_block_free(job->made);
  ledger_batch_free(job->batch);
  g_clear_error(&job->error);
  g_free(job);
}

/* --- Before it goes */

static void refuse_record(Job *job, guint record) {
  job->drop[record] = 1;
  job->result.refused++;
}

/* Of records with one key within the batch the first counts. */
static void refuse_repeated(Job *job) {
  KeyList *keys = &job->keys;
  guint kept = 0;
  for (guint i = 0; i < keys->n; i++) {
    gsize length, last_length;
    const char *key = key_list_at(keys, i, &length);
    const char *last = kept ? key_list_at(keys, kept - 1, &last_length) : NULL;
    if (last && ledger_compare_texts(last, last_length, key, length) == 0)
      refuse_record(job, keys->order[i]);
    else
      keys->order[kept++] = keys->order[i];
  }
  keys->n = kept;
}

static gboolean add_gross(gint64 *sum, gint64 amount) {
  gint64 absolute;
  if (!__builtin_sub_overflow(0, amount, &absolute) && !__builtin_add_overflow(*sum, ABS(amount), sum))
    return TRUE;
  *sum = G_MAXINT64;
  return FALSE;
}

/* Where each record goes, and how large the amounts are. A batch whose amounts without signs do not fit in 64 bits is
 * an overflow by itself: then every sum over a part of it is safe. */
static void look_over(Job *job) {
  gint64 all = 0;
  for (guint i = 0; i < job->block->count; i++) {
    if (job->drop[i])
      continue;
    if (record_block_is_null(job->block, job->columns.key, i) ||
        record_block_is_null(job->block, job->columns.account, i) ||
        record_block_is_null(job->block, job->columns.amount, i)) {
      refuse_record(job, i);
      continue;
    }
    gsize length;
    const char *account = record_block_text(job->block, job->columns.account, i, &length);
    gint64 amount = record_block_integer(job->block, job->columns.amount, i);
    guint shard = ledger_shard_of(account, length, job->ledger->shards);
    job->shards[i] = (guint8)shard;
    add_gross(&job->gross[shard], amount);
    job->result.overflow |= !add_gross(&all, amount);
  }
  key_list_init(&job->keys, job->block, job->columns.key, job->drop);
  refuse_repeated(job);
}

static Job *job_new(Ledger *ledger, LedgerBatch *batch, LedgerDone done, gpointer user) {
  Job *job = g_new0(Job, 1);
  guint count = batch->block->count;
  *job = (Job){.ledger = ledger, .batch = batch, .done = done, .user = user, .columns = batch->columns};
  job->parts = g_new0(LedgerPart, ledger->shards);
  job->gross = g_new0(gint64, ledger->shards);
  job->drop = g_new0(guint8, MAX(count, 1));
  job->shards = g_new0(guint8, MAX(count, 1));
  job->flight.file = batch->file;
  if (batch->skip)
    memcpy(job->drop, batch->skip, count);
  if (ledger_scale_fits(ledger, &batch->columns, &job->error))
    job->block = ledger_text_form(batch->block, &job->columns, &job->made, &job->error);
  if (!job->block)
    return job;
  look_over(job);
  if (job->keys.n > 0) {
    job->flight.min = key_list_at(&job->keys, 0, &job->flight.min_length);
    job->flight.max = key_list_at(&job->keys, job->keys.n - 1, &job->flight.max_length);
  }
  return job;
}

/* Reserves the job's gross in each shard, in the order of arrival. While a shard's stays within 64 bits no balance in
 * it can leave them, and nothing needs to be looked up. From the first batch on with which it would not, batches go one
 * by one and look at the balances: slow, right, and only where amounts have become absurd. */
static void arrive(Job *job) {
  Ledger *ledger = job->ledger;
  pthread_mutex_lock(&ledger->lock);
  for (guint i = 0; i < ledger->shards; i++) {
    if (job->gross[i] > 0 && !add_gross(&ledger->gross[i], job->gross[i]))
      job->flight.alone = TRUE;
    job->flight.alone |= job->gross[i] > 0 && ledger->gross[i] == G_MAXINT64;
  }
  ledger_admission_arrive(&ledger->admission, &job->flight);
  if (!job->error && ledger->failure)
    job->error = g_error_copy(ledger->failure);
  pthread_mutex_unlock(&ledger->lock);
  ledger_admission_wait(&ledger->admission, &job->flight);
}

/* --- What is posted already */

static void note_posted(gpointer user, guint record, const ShardView *view, guint index) {
  Job *job = user;
  gsize a_length, b_length;
  const char *a = record_block_text(job->block, job->columns.account, record, &a_length);
  const char *b = record_block_text(view->block, ENTRY_ACCOUNT, index, &b_length);
  gint64 amount = record_block_integer(job->block, job->columns.amount, record);
  if (job->drop[record])
    return;
  if (strcmp(job->batch->file, view->posting.file) != 0 || job->block->lines[record] != view->block->lines[index] ||
      amount != record_block_integer(view->block, ENTRY_AMOUNT, index) ||
      ledger_compare_texts(a, a_length, b, b_length) != 0) {
    refuse_record(job, record);
    return;
  }
  job->drop[record] = 1;
  job->result.posted++;
  job->result.amount += amount;
}

/* --- Balances, where they could overflow: the job is alone, and everything is folded first. */

static gboolean balance_fits(LedgerReader *reader, const char *account, gint64 change, gboolean *fits, GError **error) {
  gint64 balance, sum;
  if (!ledger_balance(reader, account, NULL, &balance, NULL, error))
    return FALSE;
  *fits = !__builtin_add_overflow(balance, change, &sum);
  return TRUE;
}

static gboolean balances_fit(Job *job, LedgerTools *tools, gboolean *fits, GError **error) {
  g_autoptr(GHashTable) changes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  *fits = TRUE;
  if (!ledger_fold(job->ledger, TRUE, error))
    return FALSE;
  for (guint i = 0; i < job->block->count; i++) {
    if (job->drop[i])
      continue;
    gsize length;
    const char *text = record_block_text(job->block, job->columns.account, i, &length);
    g_autofree char *account = g_strndup(text, length);
    gint64 *change = g_hash_table_lookup(changes, account);
    if (!change)
      g_hash_table_insert(changes, g_steal_pointer(&account), change = g_new0(gint64, 1));
    *change += record_block_integer(job->block, job->columns.amount, i);
  }
  GHashTableIter iter;
  gpointer account, change;
  g_hash_table_iter_init(&iter, changes);
  while (*fits && g_hash_table_iter_next(&iter, &account, &change))
    if (!balance_fits(tools->reader, account, *(gint64 *)change, fits, error))
      return FALSE;
  return TRUE;
}

/* --- Handing out */

static void put_column(const RecordBlock *from, guint column, guint record, RecordBlock *into, guint to) {
  gsize length;
  if (record_block_is_null(from, column, record))
    return;
  const char *text = record_block_text(from, column, record, &length);
  record_block_put_text(into, to, text, length);
}

static void spread(const Job *job, RecordBlock **blocks) {
  const RecordBlock *from = job->block;
  for (guint i = 0; i < job->ledger->shards; i++) {
    if (blocks[i] && blocks[i]->capacity < from->count)
      g_clear_pointer(&blocks[i], record_block_free);
    if (!blocks[i])
      blocks[i] = ledger_entry_block_new(MAX(from->count, 1024));
    record_block_clear(blocks[i]);
  }
  for (guint i = 0; i < from->count; i++) {
    if (job->drop[i])
      continue;
    RecordBlock *into = blocks[job->shards[i]];
    record_block_begin(into, from->lines[i]);
    put_column(from, job->columns.key, i, into, ENTRY_KEY);
    put_column(from, job->columns.account, i, into, ENTRY_ACCOUNT);
    if (job->columns.business_date >= 0)
      put_column(from, (guint)job->columns.business_date, i, into, ENTRY_DATE);
    record_block_put_integer(into, ENTRY_AMOUNT, record_block_integer(from, job->columns.amount, i));
    record_block_end(into);
  }
}

/* Where all entries have the same business date, which is nearly always so, the posting has it and is found by it. */
static void find_date(LedgerPart *part, const RecordBlock *block) {
  gsize first_length, length;
  const char *first = record_block_text(block, ENTRY_DATE, 0, &first_length);
  guint dated = 0, alike = 0;
  for (guint i = 0; i < block->count; i++) {
    const char *date = record_block_text(block, ENTRY_DATE, i, &length);
    dated += !record_block_is_null(block, ENTRY_DATE, i);
    alike += length == first_length && memcmp(date, first, length) == 0;
  }
  part->own_dates = dated > 0 && (dated < block->count || alike < block->count);
  if (dated > 0 && !part->own_dates)
    part->business_date = part->own_date = g_strndup(first, first_length);
}

static void fill_part(LedgerPart *part, const RecordBlock *block) {
  KeyList keys;
  key_list_init(&keys, block, ENTRY_KEY, NULL);
  const char *low = key_list_at(&keys, 0, &part->min_length), *high = key_list_at(&keys, keys.n - 1, &part->max_length);
  part->min_key = g_strndup(low, part->min_length);
  part->max_key = g_strndup(high, part->max_length);
  key_list_clear(&keys);
  part->count = block->count;
  find_date(part, block);
  part->entries = g_byte_array_sized_new((guint)block->text_bytes + block->count * 12 + 256);
  block_encode(block, 0, block->count, part->entries);
  for (guint i = 0; i < block->count; i++) {
    part->amount += record_block_integer(block, ENTRY_AMOUNT, i);
    add_gross(&part->gross, record_block_integer(block, ENTRY_AMOUNT, i));
  }
}

static void part_done(LedgerPart *part, const GError *error);

static void hand_out(Job *job, LedgerTools *tools) {
  Ledger *ledger = job->ledger;
  guint n = 0, to[LEDGER_SHARDS_MAX];
  gboolean nothing = job->error || job->result.overflow;
  if (!nothing)
    spread(job, tools->blocks);
  for (guint i = 0; i < ledger->shards; i++) {
    LedgerPart *part = &job->parts[i];
    *part = (LedgerPart){.done = part_done,
                         .user = job,
                         .file = job->batch->file,
                         .business_date = job->batch->business_date,
                         .batch = job->batch->batch};
    if (nothing || tools->blocks[i]->count == 0)
      continue;
    fill_part(part, tools->blocks[i]);
    to[n++] = i;
  }
  /* With nothing to post an empty part goes through a writer all the same: `done` is called there, whatever happens. */
  if (n == 0)
    to[n++] = 0;
  LedgerPart *parts = job->parts;
  g_atomic_int_set(&job->pending, (gint)n);
  for (guint i = 0; i < n; i++) /* the job may be gone after the last one */
    ledger_writer_put(ledger->writers[to[i]], &parts[to[i]]);
}

static void prepare(Job *job, LedgerTools *tools) {
  gboolean fits = TRUE;
  if (job->error || job->result.overflow)
    return;
  if (!ledger_find_posted(job->ledger, tools, &job->keys, note_posted, job, &job->error))
    return;
  if (job->flight.alone && !balances_fit(job, tools, &fits, &job->error))
    return;
  job->result.overflow = !fits;
}

void ledger_submit(Ledger *ledger, LedgerBatch *batch, LedgerDone done, gpointer user) {
  Job *job = job_new(ledger, batch, done, user);
  arrive(job);
  LedgerTools *tools = job->error ? NULL : ledger_take_tools(ledger, &job->error);
  prepare(job, tools);
  hand_out(job, tools);
  if (tools)
    ledger_return_tools(ledger, tools);
}

/* --- Done */

static void give_back_gross(Job *job) {
  for (guint i = 0; i < job->ledger->shards; i++)
    if (job->ledger->gross[i] < G_MAXINT64)
      job->ledger->gross[i] -= job->gross[i];
}

static void finish(Job *job) {
  Ledger *ledger = job->ledger;
  job->done(job->user, job->batch, &job->result, job->error);
  ledger_admission_leave(&ledger->admission, &job->flight);
  free_job(job);
}

/* In a writer's thread. Which writer is the last one does not matter: the counter orders what they wrote before. */
static void part_done(LedgerPart *part, const GError *error) {
  Job *job = part->user;
  Ledger *ledger = job->ledger;
  pthread_mutex_lock(&ledger->lock);
  job->result.posted += part->posted;
  job->result.amount += part->posted_amount;
  job->result.refused += part->refused;
  if (error && !job->error)
    job->error = g_error_copy(error);
  if (g_error_matches(error, SALLYPORT_ERROR, SALLYPORT_ERROR_STORAGE) && !ledger->failure)
    ledger->failure = g_error_copy(error);
  gboolean last = g_atomic_int_dec_and_test(&job->pending);
  if (last && (job->error || job->result.overflow))
    give_back_gross(job);
  pthread_mutex_unlock(&ledger->lock);
  if (last)
    finish(job);
}
