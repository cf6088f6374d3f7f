/* What accounts have used in their periods. The truth is in the details; the table is written now and then, in order,
 * and says up to which detail it goes (the fact `counted`). What came behind is added up when a shard is opened. */
#include "gateway/base/faultpoint.h"
#include "store/details/details_private.h"
#include "store/details/queries.sql.h"
#include <stdlib.h>
#include <string.h>

/* Counters in memory: about 100 bytes each. Details behind the table: some 100 ms of an opening. */
enum { COUNTERS = 100000, BEHIND = 200000 };

static CounterCell *cell_of(DetailShard *shard, const char *counter, gsize length, GError **error) {
  char small[256];
  g_autofree char *large = length >= sizeof small ? g_strndup(counter, length) : NULL;
  gboolean row = FALSE;
  if (!large) {
    memcpy(small, counter, length);
    small[length] = '\0';
  }
  const char *text = large ? large : small;
  CounterCell *cell = g_hash_table_lookup(shard->counters, text);
  if (cell)
    return cell;
  if (shard->any_counter) {
    db_bind(shard->counter, "t", counter, length);
    if (!db_step(shard->counter, &row, error))
      return NULL;
  }
  cell = g_new0(CounterCell, 1);
  cell->used = row ? db_integer(shard->counter, 0) : 0;
  db_reset(shard->counter);
  g_hash_table_insert(shard->counters, g_strndup(counter, length), cell);
  return cell;
}

gint64 *details_counter(Details *details, guint shard, const char *counter, gsize length, GError **error) {
  CounterCell *cell = cell_of(&details->shards[shard], counter, length, error);
  return cell ? &cell->used : NULL;
}

static gboolean count_detail(DetailShard *shard, guint index, GString *name, GError **error) {
  const RecordBlock *block = shard->view.block;
  gsize period_length, account_length;
  if (record_block_is_null(block, DETAIL_PERIOD, index))
    return TRUE;
  const char *period = record_block_text(block, DETAIL_PERIOD, index, &period_length),
             *account = record_block_text(block, DETAIL_ACCOUNT, index, &account_length);
  details_counter_name(name, period, period_length, account, account_length);
  CounterCell *cell = cell_of(shard, name->str, name->len, error);
  if (!cell)
    return FALSE;
  if (__builtin_add_overflow(cell->used, record_block_integer(block, DETAIL_BILLED, index), &cell->used))
    cell->used = G_MAXINT64;
  return TRUE;
}

/* An account has no line end in it. */
void details_counter_name(GString *name, const char *period, gsize period_length, const char *account,
                          gsize account_length) {
  g_string_truncate(name, 0);
  g_string_append_len(name, period, (gssize)period_length);
  g_string_append_c(name, '\n');
  g_string_append_len(name, account, (gssize)account_length);
}

gboolean detail_shard_load_counters(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  gint64 any;
  g_autoptr(GString) name = g_string_new(NULL);
  g_autoptr(DbStatement) blocks = db_prepare_named(shard->details, details_queries_sql, "blocks-from", error);
  gboolean row = blocks != NULL;
  if (!blocks || !db_value(shard->business, "SELECT 1 FROM counter LIMIT 1", &any, error) ||
      !details_fact(shard->business, "counted", &shard->counted, error))
    return FALSE;
  shard->any_counter = any != 0;
  db_bind(blocks, "i", shard->counted + 1);
  while (row) {
    if (!db_step(blocks, &row, error) || (row && !detail_view_take(&shard->view, blocks, error)))
      return FALSE;
    for (guint i = 0; row && i < shard->view.count; i++)
      if (!count_detail(shard, i, name, error))
        return FALSE;
  }
  return TRUE;
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean write_counters(DetailShard *shard, GError **error) {
  guint n;
  g_autofree gpointer *names = g_hash_table_get_keys_as_array(shard->counters, &n);
  g_autoptr(DbStatement) set = db_prepare_named(shard->business, details_queries_sql, "set-counter", error);
  if (!set)
    return FALSE;
  qsort(names, n, sizeof *names, compare_texts);
  for (guint i = 0; i < n; i++) {
    const CounterCell *cell = g_hash_table_lookup(shard->counters, names[i]);
    db_bind(set, "si", (const char *)names[i], cell->used);
    if (!db_done(set, error))
      return FALSE;
  }
  return TRUE;
}

gboolean detail_shard_rest_counters(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  if (g_hash_table_size(shard->counters) < COUNTERS && shard->settled - shard->counted < BEHIND)
    return TRUE;
  if (!db_begin(shard->business, error) || !write_counters(shard, error) ||
      !details_set_fact(shard->business, "counted", shard->settled, error)) {
    db_rollback(shard->business);
    return FALSE;
  }
  fault_point("details-counters-before");
  if (!db_commit(shard->business, error)) {
    db_rollback(shard->business);
    return FALSE;
  }
  fault_point("details-counters-after");
  shard->any_counter |= g_hash_table_size(shard->counters) > 0;
  shard->counted = shard->settled;
  g_hash_table_remove_all(shard->counters);
  return TRUE;
}
