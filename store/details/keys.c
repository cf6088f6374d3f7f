/* Which details have a key: sorted runs of hashes in files, each of which says of nearly every other hash that it is
 * not there, and the newest keys in a table in memory. What a hash finds is held against the key itself.
 *
 * Runs are made when the table in memory has grown, and merged in fours of like size, so that there are few. Both
 * change no detail: the table `run` says which files count, in one transaction; a crash before it leaves files that
 * nobody names (swept when the shard is opened), one behind it the ones that were merged, likewise. */
#include "gateway/base/faultpoint.h"
#include "store/details/details_private.h"
#include "store/details/queries.sql.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAIL_KEYS = 1 << 18, FIRST_SLOTS = 1 << 12, MERGED_AT_ONCE = 4 };

/* --- The table in memory */

static void put(KeyTail *tail, KeyEntry entry) {
  guint64 at = entry.hash & tail->mask;
  while (tail->slots[at].number)
    at = (at + 1) & tail->mask;
  tail->slots[at] = entry;
}

static void grow(KeyTail *tail) {
  KeyTail larger = {.mask = tail->slots ? tail->mask * 2 + 1 : FIRST_SLOTS - 1, .count = tail->count};
  larger.slots = g_new0(KeyEntry, larger.mask + 1);
  for (guint64 i = 0; tail->slots && i <= tail->mask; i++)
    if (tail->slots[i].number)
      put(&larger, tail->slots[i]);
  g_free(tail->slots);
  *tail = larger;
}

void key_tail_add(KeyTail *tail, KeyEntry entry) {
  if (!tail->slots || tail->count >= tail->mask / 2)
    grow(tail);
  put(tail, entry);
  tail->count++;
}

void key_tail_clear(KeyTail *tail) {
  g_free(tail->slots);
  *tail = (KeyTail){0};
}

/* --- Looking */

typedef struct {
  DetailShard *shard;
  const DetailLook *look;
} Looking;

/* A suspended detail that was given up has no key any more: another one may have it. */
static gboolean meet(const Looking *looking, const DetailProbe *probe, gint64 number, gboolean *found,
                     GError **error) {
  DetailView *view = &looking->shard->view;
  if (!detail_view_load(view, number, error))
    return FALSE;
  guint index = (guint)(number - view->first);
  gint64 by = 0;
  if (detail_has_key(view, index, probe->key, probe->length) &&
      !detail_fate(view, index, looking->shard->settled_by, G_MAXINT64, &by, error))
    return FALSE;
  *found = by != 0;
  if (*found) {
    Detail detail = detail_view_detail(view, index);
    looking->look->hit(looking->look->user, probe->record, &detail);
  }
  return TRUE;
}

static gboolean look_in_tail(const Looking *looking, const DetailProbe *probe, gboolean *found, GError **error) {
  const KeyTail *tail = &looking->shard->tail;
  for (guint64 at = probe->hash & tail->mask; tail->slots && tail->slots[at].number && !*found;
       at = (at + 1) & tail->mask)
    if (tail->slots[at].hash == probe->hash && !meet(looking, probe, tail->slots[at].number, found, error))
      return FALSE;
  return TRUE;
}

static gboolean look_in_run(const Looking *looking, const KeyRun *run, const DetailProbe *probe, gboolean *found,
                            GError **error) {
  const KeyEntry *first;
  guint n = key_run_find(run, probe->hash, &first);
  for (guint i = 0; i < n && !*found; i++)
    if (!meet(looking, probe, first[i].number, found, error))
      return FALSE;
  return TRUE;
}

gboolean details_find(Details *details, guint shard, const DetailLook *look, GError **error) {
  Looking looking = {&details->shards[shard], look};
  for (guint i = 0; i < look->n; i++) {
    const DetailProbe *probe = &look->probes[i];
    gboolean found = FALSE;
    if (!look_in_tail(&looking, probe, &found, error))
      return FALSE;
    for (guint j = 0; j < looking.shard->runs->len && !found; j++)
      if (!look_in_run(&looking, looking.shard->runs->pdata[j], probe, &found, error))
        return FALSE;
  }
  return TRUE;
}

/* --- Opening */

static gint64 indexed(const DetailShard *shard) {
  return shard->runs->len ? ((const KeyRun *)shard->runs->pdata[shard->runs->len - 1])->last : 0;
}

static gboolean is_named(const DetailShard *shard, const Details *details, guint number, const char *name) {
  for (guint i = 0; i < shard->runs->len; i++) {
    const KeyRun *run = shard->runs->pdata[i];
    g_autofree char *path = key_run_path(details->folder, details->name, number, run->first, run->last);
    if (g_str_has_suffix(path, name))
      return TRUE;
  }
  return FALSE;
}

static void sweep(const Details *details, guint number) {
  g_autofree char *prefix = g_strdup_printf("%s.details-%u.keys-", details->name, number);
  g_autoptr(GDir) listing = g_dir_open(details->folder, 0, NULL);
  for (const char *name; listing && (name = g_dir_read_name(listing));)
    if (g_str_has_prefix(name, prefix) && !is_named(&details->shards[number], details, number, name)) {
      g_autofree char *path = g_build_filename(details->folder, name, NULL);
      unlink(path);
    }
}

static gboolean open_runs(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  g_autoptr(DbStatement) runs = db_prepare_named(shard->details, details_queries_sql, "runs", error);
  gboolean row = runs != NULL;
  while (row) {
    if (!db_step(runs, &row, error))
      return FALSE;
    if (!row)
      break;
    KeyRun *run;
    g_autofree char *path =
        key_run_path(details->folder, details->name, number, db_integer(runs, 0), db_integer(runs, 1));
    if (!key_run_open(path, &run, error))
      return FALSE;
    if (!run || run->first != indexed(shard) + 1 || run->last != db_integer(runs, 1)) {
      key_run_close(run);
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "%s: is missing or not the one that it was", path);
    }
    g_ptr_array_add(shard->runs, run);
  }
  return runs != NULL;
}

gboolean detail_shard_load_keys(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  if (!open_runs(details, number, error))
    return FALSE;
  sweep(details, number);
  g_autoptr(DbStatement) blocks = db_prepare_named(shard->details, details_queries_sql, "blocks-from", error);
  gboolean row = blocks != NULL;
  if (!blocks)
    return FALSE;
  db_bind(blocks, "i", indexed(shard) + 1);
  while (row) {
    if (!db_step(blocks, &row, error) || (row && !detail_view_take(&shard->view, blocks, error)))
      return FALSE;
    for (guint i = 0; row && i < shard->view.count; i++) {
      gsize length;
      if (!detail_is_first(&shard->view, i))
        continue;
      const char *key = record_block_text(shard->view.block, DETAIL_KEY, i, &length);
      key_tail_add(&shard->tail, (KeyEntry){details_hash(details, key, length), shard->view.first + i});
    }
  }
  return TRUE;
}

/* --- New runs, and fewer */

static int compare_entries(const void *a, const void *b) {
  const KeyEntry *left = a, *right = b;
  return left->hash != right->hash ? (left->hash > right->hash) - (left->hash < right->hash)
                                   : (left->number > right->number) - (left->number < right->number);
}

/* Makes the run, and has it stand in the place of those between first and last. */
static gboolean name_run(Details *details, guint number, const KeyRunMaking *making, KeyRun **run, GError **error) {
  Db *db = details->shards[number].details;
  g_autoptr(DbStatement) drop = db_prepare_named(db, details_queries_sql, "drop-runs", error);
  g_autoptr(DbStatement) add = drop ? db_prepare_named(db, details_queries_sql, "add-run", error) : NULL;
  fault_point("details-run-before");
  if (!add || !key_run_make(making, error) || !key_run_open(making->path, run, error))
    return FALSE;
  fault_point("details-run-made");
  db_bind(drop, "ii", making->first, making->last);
  db_bind(add, "ii", making->first, making->last);
  if (*run && db_begin(db, error) && db_done(drop, error) && db_done(add, error) && db_commit(db, error)) {
    fault_point("details-run-after");
    return TRUE;
  }
  db_rollback(db);
  g_clear_pointer(run, key_run_close);
  return FALSE;
}

static gboolean make_run(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  gint64 first = indexed(shard) + 1;
  g_autofree KeyEntry *entries = g_new(KeyEntry, shard->tail.count + 1);
  g_autofree char *path = key_run_path(details->folder, details->name, number, first, shard->settled);
  guint n = 0;
  for (guint64 i = 0; i <= shard->tail.mask; i++)
    if (shard->tail.slots[i].number)
      entries[n++] = shard->tail.slots[i];
  qsort(entries, n, sizeof *entries, compare_entries);
  KeySource source = {entries, n};
  KeyRunMaking making = {details->folder, path, first, shard->settled, &source, 1};
  KeyRun *run;
  if (!name_run(details, number, &making, &run, error))
    return FALSE;
  g_ptr_array_add(shard->runs, run);
  key_tail_clear(&shard->tail);
  return TRUE;
}

/* The last four, when the first of them is not much larger than the last. */
static gboolean are_alike(const DetailShard *shard) {
  guint n = shard->runs->len;
  const KeyRun *last = n >= MERGED_AT_ONCE ? shard->runs->pdata[n - 1] : NULL;
  return last && ((const KeyRun *)shard->runs->pdata[n - MERGED_AT_ONCE])->count < 2 * last->count;
}

static gboolean merge_runs(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  KeySource sources[MERGED_AT_ONCE];
  guint from = shard->runs->len - MERGED_AT_ONCE;
  for (guint i = 0; i < MERGED_AT_ONCE; i++) {
    const KeyRun *run = shard->runs->pdata[from + i];
    sources[i] = (KeySource){run->entries, run->count};
  }
  gint64 first = ((const KeyRun *)shard->runs->pdata[from])->first, last = indexed(shard);
  g_autofree char *path = key_run_path(details->folder, details->name, number, first, last);
  KeyRunMaking making = {details->folder, path, first, last, sources, MERGED_AT_ONCE};
  KeyRun *merged;
  if (!name_run(details, number, &making, &merged, error))
    return FALSE;
  for (guint i = from; i < shard->runs->len; i++) {
    const KeyRun *run = shard->runs->pdata[i];
    g_autofree char *old = key_run_path(details->folder, details->name, number, run->first, run->last);
    unlink(old); /* who has it open goes on reading it */
  }
  g_ptr_array_set_size(shard->runs, (gint)from);
  g_ptr_array_add(shard->runs, merged);
  return TRUE;
}

gboolean detail_shard_rest_keys(Details *details, guint number, GError **error) {
  DetailShard *shard = &details->shards[number];
  for (guint i = 0; i < shard->fresh->len; i++)
    key_tail_add(&shard->tail, g_array_index(shard->fresh, KeyEntry, i));
  g_array_set_size(shard->fresh, 0);
  if (shard->tail.count >= TAIL_KEYS && !make_run(details, number, error))
    return FALSE;
  while (are_alike(shard))
    if (!merge_runs(details, number, error))
      return FALSE;
  return TRUE;
}
