/* Whether the details hold. What lies in runs is held against the details by sums over all entries, which two orders of
 * the same entries have in common, and so are counters; that keys are there once, by going through the runs of all
 * shards together in the order of their hashes. Memory: the newest keys of each shard. */
#include "store/details/queries.sql.h"
#include "store/details/reader_private.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  DetailsReader *reader;
  DetailTotals *totals;
  GArray **newest; /* KeyEntry, of each shard: in no run yet */
  GString *counter;
} Verifying;

static guint64 mixed(KeyEntry entry) {
  guint64 x = entry.hash ^ ((guint64)entry.number * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15));
  x ^= x >> 29;
  x *= G_GUINT64_CONSTANT(0xBF58476D1CE4E5B9);
  return x ^ (x >> 32);
}

static gboolean fault(guint shard, GError **error, const char *what, gint64 number) {
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "shard %u, detail %" G_GINT64_FORMAT ": %s", shard, number,
                             what);
}

/* --- One shard's details */

typedef struct {
  guint shard;
  gint64 next, indexed, counted;
  guint64 sum; /* over the entries that runs must have */
  guint64 suspended, settled;
  guint64 used; /* over what the details that the table of counters has have used, of which counter */
  GArray *newest;
} Walk;

/* Two sides have the same sum of these when each counter has come to the same on both. */
static guint64 mixed_use(const Verifying *verifying, const char *counter, gsize length, gint64 used) {
  return (details_seeded_hash(verifying->reader->seed, counter, length) | 1) * (guint64)used;
}

static void count_use(const Verifying *verifying, Walk *walk, const DetailView *view, guint i) {
  gsize length, account_length;
  const char *period = record_block_text(view->block, DETAIL_PERIOD, i, &length),
             *account = record_block_text(view->block, DETAIL_ACCOUNT, i, &account_length);
  details_counter_name(verifying->counter, period, length, account, account_length);
  walk->used += mixed_use(verifying, verifying->counter->str, verifying->counter->len,
                          record_block_integer(view->block, DETAIL_BILLED, i));
}

static gboolean walk_record(const Verifying *verifying, Walk *walk, const DetailView *view, guint i, GError **error) {
  gsize length, key_length;
  gint64 number = view->first + i;
  const char *account = record_block_text(view->block, DETAIL_ACCOUNT, i, &length),
             *key = record_block_text(view->block, DETAIL_KEY, i, &key_length);
  KeyEntry entry = {details_seeded_hash(verifying->reader->seed, key, key_length), number};
  if (details_shard_among(verifying->reader->n_shards, account, length) != walk->shard)
    return fault(walk->shard, error, "its account belongs to another shard", number);
  if (!detail_is_first(view, i))
    walk->settled++;
  else if (number <= walk->indexed)
    walk->sum += mixed(entry);
  else
    g_array_append_val(walk->newest, entry);
  if (number <= walk->counted && !record_block_is_null(view->block, DETAIL_PERIOD, i))
    count_use(verifying, walk, view, i);
  return TRUE;
}

static gboolean walk_block(const Verifying *verifying, Walk *walk, const DetailView *view, GError **error) {
  gint64 amount = 0;
  guint rated = 0;
  if (view->first != walk->next)
    return fault(walk->shard, error, "it does not follow the one before", view->first);
  walk->next += view->count;
  for (guint i = 0; i < view->count; i++) {
    if (record_block_integer(view->block, DETAIL_STATUS, i) == DETAIL_RATED) {
      rated++;
      amount += record_block_integer(view->block, DETAIL_AMOUNT, i);
    }
    if (!walk_record(verifying, walk, view, i, error))
      return FALSE;
  }
  if (rated != view->rated || amount != view->amount)
    return fault(walk->shard, error, "the sum of its block is not that of its details", view->first);
  verifying->totals->rated += rated;
  walk->suspended += view->count - rated;
  verifying->totals->amount += amount;
  return TRUE;
}

static gboolean check_runs(const Verifying *verifying, const Walk *walk, GError **error) {
  const DetailsReader *reader = verifying->reader;
  const GPtrArray *runs = reader->shards[walk->shard].runs;
  guint64 sum = 0;
  for (guint i = 0; i < runs->len; i++) {
    const KeyRun *run = runs->pdata[i];
    g_autofree char *path = key_run_path(reader->folder, reader->name, walk->shard, run->first, run->last);
    if (!key_run_check(run, path, error))
      return FALSE;
    for (guint64 j = 0; j < run->count; j++)
      sum += mixed(run->entries[j]);
  }
  return sum == walk->sum || sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                                 "shard %u: its runs have other keys than its details", walk->shard);
}

static gboolean check_counters(const Verifying *verifying, const Walk *walk, GError **error) {
  g_autoptr(DbStatement) counters = db_prepare_named(verifying->reader->shards[walk->shard].business,
                                                     details_queries_sql, "counters", error);
  guint64 used = 0;
  gboolean row = counters != NULL;
  while (row) {
    if (!db_step(counters, &row, error))
      return FALSE;
    const char *name = row ? db_text(counters, 0) : NULL;
    if (name)
      used += mixed_use(verifying, name, strlen(name), db_integer(counters, 1));
  }
  return counters &&
         (used == walk->used || sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                                    "shard %u: counters are not what details have used", walk->shard));
}

/* What waits for its price is told apart from what has got one; while an admission is under way it may be either. */
static gboolean check_suspended(const Verifying *verifying, const Walk *walk, GError **error) {
  g_autoptr(DbStatement) sums = db_prepare_named(verifying->reader->shards[walk->shard].details, details_queries_sql,
                                                 "suspended-sums", error);
  gboolean row;
  if (!sums)
    return FALSE;
  db_bind(sums, "i", verifying->reader->through);
  if (!db_step(sums, &row, error))
    return FALSE;
  guint64 given_up = (guint64)db_integer(sums, 2);
  if (walk->settled + given_up > walk->suspended || (guint64)db_integer(sums, 0) < walk->suspended ||
      (guint64)db_integer(sums, 1) < walk->settled)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "shard %u: its list of suspended details is not that of its details", walk->shard);
  verifying->totals->suspended += walk->suspended - walk->settled - given_up;
  return TRUE;
}

static int compare_entries(gconstpointer a, gconstpointer b) {
  const KeyEntry *left = a, *right = b;
  return (left->hash > right->hash) - (left->hash < right->hash);
}

/* What has a place in a run or in the counters has been settled, also when another file's snapshot is older. */
static gboolean counts(const Verifying *verifying, const Walk *walk, const DetailView *view) {
  return view->admission <= verifying->reader->through || view->first <= MAX(walk->indexed, walk->counted);
}

static gboolean verify_shard(const Verifying *verifying, guint number, GError **error) {
  ReaderShard *shard = &verifying->reader->shards[number];
  Walk walk = {.shard = number, .next = 1, .indexed = reader_shard_indexed(shard), .newest = verifying->newest[number]};
  g_autoptr(DbStatement) blocks = db_prepare_named(shard->details, details_queries_sql, "blocks-from", error);
  gboolean row = blocks != NULL;
  if (!blocks || !db_check(shard->details, NULL, error) || !db_check(shard->business, NULL, error) ||
      !details_fact(shard->business, "counted", &walk.counted, error))
    return FALSE;
  db_bind(blocks, "i", (gint64)1);
  while (row) {
    if (!db_step(blocks, &row, error) || (row && !detail_view_take(&shard->view, blocks, error)))
      return FALSE;
    if (row && counts(verifying, &walk, &shard->view) && !walk_block(verifying, &walk, &shard->view, error))
      return FALSE;
  }
  if (walk.next <= walk.indexed || walk.next <= walk.counted)
    return fault(number, error, "it is missing, and its key or its counter is there", walk.next);
  g_array_sort(walk.newest, compare_entries);
  return check_runs(verifying, &walk, error) && check_counters(verifying, &walk, error) &&
         check_suspended(verifying, &walk, error);
}

/* --- Keys of all shards */

typedef struct {
  const KeyEntry *at;
  guint64 left;
  guint shard;
} Stream;

static Stream *least(GArray *streams) {
  Stream *best = NULL;
  for (guint i = 0; i < streams->len; i++) {
    Stream *stream = &g_array_index(streams, Stream, i);
    if (stream->left > 0 && (!best || stream->at->hash < best->at->hash))
      best = stream;
  }
  return best;
}

typedef struct {
  KeyEntry entry;
  guint shard;
} Placed;

/* *key NULL: it was suspended and given up, and has none any more. */
static gboolean key_of(const Verifying *verifying, const Placed *placed, GBytes **key, GError **error) {
  ReaderShard *shard = &verifying->reader->shards[placed->shard];
  DetailView *view = &shard->view;
  gsize length;
  gint64 by;
  g_autoptr(DbStatement) settled_by = db_prepare_named(shard->details, details_queries_sql, "settled-by", error);
  if (!settled_by || !detail_view_load(view, placed->entry.number, error))
    return FALSE;
  guint index = (guint)(placed->entry.number - view->first);
  if (!detail_fate(view, index, settled_by, verifying->reader->through, &by, error))
    return FALSE;
  const char *text = record_block_text(view->block, DETAIL_KEY, index, &length);
  *key = by ? g_bytes_new(text, length) : NULL;
  return TRUE;
}

/* Some keys, all of one hash. */
static gboolean are_different(const Verifying *verifying, const GArray *alike, GError **error) {
  g_autoptr(GHashTable) keys = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  for (guint i = 0; i < alike->len && alike->len > 1; i++) {
    const Placed *placed = &g_array_index(alike, Placed, i);
    GBytes *key;
    if (!key_of(verifying, placed, &key, error))
      return FALSE;
    if (key && !g_hash_table_add(keys, key))
      return fault(placed->shard, error, "its key is there twice", placed->entry.number);
  }
  return TRUE;
}

static gboolean verify_keys(const Verifying *verifying, GError **error) {
  g_autoptr(GArray) streams = g_array_new(FALSE, FALSE, sizeof(Stream));
  g_autoptr(GArray) alike = g_array_new(FALSE, FALSE, sizeof(Placed));
  for (guint i = 0; i < verifying->reader->n_shards; i++) {
    const GPtrArray *runs = verifying->reader->shards[i].runs;
    for (guint j = 0; j < runs->len; j++) {
      const KeyRun *run = runs->pdata[j];
      g_array_append_val(streams, ((Stream){run->entries, run->count, i}));
    }
    GArray *newest = verifying->newest[i];
    g_array_append_val(streams, ((Stream){(const KeyEntry *)(gpointer)newest->data, newest->len, i}));
  }
  for (Stream *stream; (stream = least(streams));) {
    Placed placed = {*stream->at++, stream->shard};
    stream->left--;
    if (alike->len > 0 && g_array_index(alike, Placed, 0).entry.hash != placed.entry.hash) {
      if (!are_different(verifying, alike, error))
        return FALSE;
      g_array_set_size(alike, 0);
    }
    g_array_append_val(alike, placed);
  }
  return are_different(verifying, alike, error);
}

gboolean details_verify(DetailsReader *reader, DetailTotals *totals, GError **error) {
  g_autoptr(GString) counter = g_string_new(NULL);
  Verifying verifying = {reader, totals, g_new0(GArray *, reader->n_shards), counter};
  *totals = (DetailTotals){0};
  gboolean ok = details_reader_begin(reader, error);
  for (guint i = 0; i < reader->n_shards; i++) {
    verifying.newest[i] = g_array_new(FALSE, FALSE, sizeof(KeyEntry));
    ok = ok && verify_shard(&verifying, i, error);
  }
  ok = ok && verify_keys(&verifying, error);
  for (guint i = 0; i < reader->n_shards; i++)
    g_array_unref(verifying.newest[i]);
  g_free(verifying.newest);
  details_reader_end(reader);
  return ok;
}
