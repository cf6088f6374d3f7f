/* Finding keys without an index of all keys. Most files bring keys in a range that nobody used before: three looks at
 * indexes then answer for a whole block. Where ranges touch, the postings touched are merged with the sorted block;
 * what arrived with a touching range itself is searched in the table `key` and in the loose postings, as far as the
 * sieve lets keys pass. */
#include "store/ledger/ledger_private.h"
#include <stdlib.h>
#include <string.h>

int ledger_compare_texts(const void *a, gsize a_length, const void *b, gsize b_length) {
  gsize both = MIN(a_length, b_length);
  int order = both ? memcmp(a, b, both) : 0;
  return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_records(const KeyList *keys, guint32 a, guint32 b) {
  gsize a_length, b_length;
  const char *a_key = record_block_text(keys->block, keys->column, a, &a_length);
  const char *b_key = record_block_text(keys->block, keys->column, b, &b_length);
  return ledger_compare_texts(a_key, a_length, b_key, b_length);
}

static int compare_for_sort(const void *a, const void *b, void *user) {
  guint32 left = *(const guint32 *)a, right = *(const guint32 *)b;
  int order = compare_records(user, left, right);
  return order ? order : (left > right) - (left < right);
}

void key_list_init(KeyList *keys, const RecordBlock *block, guint column, const guint8 *skip) {
  *keys = (KeyList){.block = block, .column = column, .order = g_new(guint32, MAX(block->count, 1))};
  gboolean ascending = TRUE;
  for (guint i = 0; i < block->count; i++) {
    if ((skip && skip[i]) || record_block_is_null(block, column, i))
      continue;
    if (ascending && keys->n > 0)
      ascending = compare_records(keys, keys->order[keys->n - 1], i) <= 0;
    keys->order[keys->n++] = i;
  }
  if (!ascending)
    qsort_r(keys->order, keys->n, sizeof *keys->order, compare_for_sort, keys);
}

void key_list_clear(KeyList *keys) {
  g_clear_pointer(&keys->order, g_free);
  keys->n = 0;
}

static void bind_range(DbStatement *statement, const KeyList *keys) {
  gsize low_length, high_length;
  const char *low = key_list_at(keys, 0, &low_length), *high = key_list_at(keys, keys->n - 1, &high_length);
  db_bind(statement, "tt", low, low_length, high, high_length);
}

/* The postings that are not indexed and touch the list's range. They do not overlap each other, so the first one from
 * above that ends below the range ends the search. */
static gboolean list_overlapping(ShardView *view, const KeyList *keys, guint most, GArray *firsts, GError **error) {
  gboolean row = TRUE, ok = TRUE;
  bind_range(view->overlapping, keys);
  while ((ok = db_step(view->overlapping, &row, error)) && row && (int)db_integer(view->overlapping, 1)) {
    gint64 first = db_integer(view->overlapping, 0);
    g_array_append_val(firsts, first);
    if (most && firsts->len >= most)
      break;
  }
  db_reset(view->overlapping);
  return ok;
}

static gboolean has_indexed_key(ShardView *view, const KeyList *keys, gboolean *has, GError **error) {
  bind_range(view->has_key_between, keys);
  gboolean ok = db_step(view->has_key_between, has, error);
  db_reset(view->has_key_between);
  return ok;
}

static gboolean list_loose(ShardView *view, const KeyList *keys, guint most, GArray *firsts, GError **error) {
  gboolean row = TRUE, ok = TRUE;
  bind_range(view->loose, keys);
  while ((!most || firsts->len < most) && (ok = db_step(view->loose, &row, error)) && row) {
    gint64 first = db_integer(view->loose, 0);
    g_array_append_val(firsts, first);
  }
  db_reset(view->loose);
  return ok;
}

gboolean shard_view_overlaps(ShardView *view, const KeyList *keys, guint most, guint *postings, gboolean *others,
                             GError **error) {
  g_autoptr(GArray) firsts = g_array_new(FALSE, FALSE, sizeof(gint64));
  *postings = 0;
  *others = FALSE;
  if (keys->n == 0)
    return TRUE;
  if (!list_overlapping(view, keys, most, firsts, error) || !has_indexed_key(view, keys, others, error))
    return FALSE;
  *postings = firsts->len;
  g_array_set_size(firsts, 0);
  if (!*others && !list_loose(view, keys, 1, firsts, error))
    return FALSE;
  *others |= firsts->len > 0;
  return TRUE;
}

/* Merges two sorted lists. Equal keys within the wanted list hit each. */
static void merge(const KeyList *wanted, const KeyList *posted, const ShardView *view, KeyHit hit, gpointer user) {
  for (guint i = 0, j = 0; i < wanted->n && j < posted->n;) {
    gsize a_length, b_length;
    const char *a = key_list_at(wanted, i, &a_length), *b = key_list_at(posted, j, &b_length);
    int order = ledger_compare_texts(a, a_length, b, b_length);
    if (order == 0)
      hit(user, wanted->order[i], view, posted->order[j]);
    if (order <= 0)
      i++;
    else
      j++;
  }
}

static gboolean find_in_postings(ShardView *view, const KeyList *keys, KeyHit hit, gpointer user, GError **error) {
  g_autoptr(GArray) firsts = g_array_new(FALSE, FALSE, sizeof(gint64));
  if (!list_overlapping(view, keys, 0, firsts, error))
    return FALSE;
  for (guint i = 0; i < firsts->len; i++) {
    if (!shard_view_load(view, g_array_index(firsts, gint64, i), error))
      return FALSE;
    KeyList posted;
    key_list_init(&posted, view->block, ENTRY_KEY, NULL);
    merge(keys, &posted, view, hit, user);
    key_list_clear(&posted);
  }
  return TRUE;
}

typedef struct {
  gint64 seq;
  guint32 record;
} IndexedHit;

static int compare_hits(const void *a, const void *b) {
  const IndexedHit *left = a, *right = b;
  return left->seq != right->seq ? (left->seq > right->seq) - (left->seq < right->seq)
                                 : (left->record > right->record) - (left->record < right->record);
}

/* --- Loose postings: their keys are in no order, so the wanted ones are put into a hash table. */

typedef struct {
  guint64 hash;
  guint32 at;
  guint32 used;
} WantedKey;
typedef struct {
  const KeyList *keys;
  WantedKey *slots;
  guint mask;
} WantedKeys;

static void wanted_init(WantedKeys *wanted, const KeyList *keys, const guint64 *hashes) {
  guint capacity = 16;
  while (capacity < 2 * keys->n)
    capacity *= 2;
  *wanted = (WantedKeys){.keys = keys, .slots = g_new0(WantedKey, capacity), .mask = capacity - 1};
  for (guint i = 0; i < keys->n; i++) {
    guint at = (guint)hashes[i] & wanted->mask;
    while (wanted->slots[at].used)
      at = (at + 1) & wanted->mask;
    wanted->slots[at] = (WantedKey){hashes[i], i, 1};
  }
}

static void look_through(const WantedKeys *wanted, const ShardView *view, KeyHit hit, gpointer user) {
  for (guint i = 0; i < view->block->count; i++) {
    gsize length, wanted_length;
    const char *key = record_block_text(view->block, ENTRY_KEY, i, &length);
    guint64 hash = ledger_hash_key(key, length);
    for (guint at = (guint)hash & wanted->mask; wanted->slots[at].used; at = (at + 1) & wanted->mask) {
      if (wanted->slots[at].hash != hash)
        continue;
      const char *same = key_list_at(wanted->keys, wanted->slots[at].at, &wanted_length);
      if (ledger_compare_texts(key, length, same, wanted_length) == 0)
        hit(user, wanted->keys->order[wanted->slots[at].at], view, i);
    }
  }
}

static gboolean find_in_loose(ShardView *view, const SiftedKeys *sifted, KeyHit hit, gpointer user, GError **error) {
  g_autoptr(GArray) firsts = g_array_new(FALSE, FALSE, sizeof(gint64));
  if (!sifted->loose)
    return TRUE;
  if (!list_loose(view, &sifted->passed, 0, firsts, error))
    return FALSE;
  WantedKeys wanted;
  gboolean ok = TRUE;
  wanted_init(&wanted, &sifted->passed, sifted->hashes);
  for (guint i = 0; i < firsts->len && ok; i++) {
    ok = shard_view_load(view, g_array_index(firsts, gint64, i), error);
    if (ok)
      look_through(&wanted, view, hit, user);
  }
  g_free(wanted.slots);
  return ok;
}

/* --- The table of keys */

static gboolean look_up_keys(ShardView *view, const KeyList *keys, GArray *hits, GError **error) {
  for (guint i = 0; i < keys->n; i++) {
    gsize length;
    const char *key = key_list_at(keys, i, &length);
    gboolean row;
    db_bind(view->find_key, "t", key, length);
    if (!db_step(view->find_key, &row, error))
      return FALSE;
    if (row) {
      IndexedHit hit = {.seq = db_integer(view->find_key, 0), .record = keys->order[i]};
      g_array_append_val(hits, hit);
    }
    db_reset(view->find_key);
  }
  return TRUE;
}

/* Hits are told in the order of the entries, so that each posting is read once. */
static gboolean find_in_index(ShardView *view, const KeyList *keys, KeyHit hit, gpointer user, GError **error) {
  gboolean any = FALSE;
  if (!has_indexed_key(view, keys, &any, error))
    return FALSE;
  if (!any)
    return TRUE;
  g_autoptr(GArray) hits = g_array_new(FALSE, FALSE, sizeof(IndexedHit));
  if (!look_up_keys(view, keys, hits, error))
    return FALSE;
  g_array_sort(hits, compare_hits);
  for (guint i = 0; i < hits->len; i++) {
    const IndexedHit *found = &g_array_index(hits, IndexedHit, i);
    if (!shard_view_load(view, found->seq, error))
      return FALSE;
    hit(user, found->record, view, (guint)(found->seq - view->posting.first));
  }
  return TRUE;
}

/* --- All of them */

void shard_view_sift(const ShardView *view, const KeyList *keys, SiftedKeys *sifted) {
  KeyList *passed = &sifted->passed;
  *passed = (KeyList){.block = keys->block, .column = keys->column, .order = g_new(guint32, MAX(keys->n, 1))};
  sifted->hashes = g_new(guint64, MAX(keys->n, 1));
  for (guint i = 0; i < keys->n; i++) {
    gsize length;
    const char *key = key_list_at(keys, i, &length);
    guint64 hash = ledger_hash_key(key, length);
    if (!key_sieve_may_have(view->sieve, hash))
      continue;
    sifted->hashes[passed->n] = hash;
    passed->order[passed->n++] = keys->order[i];
  }
  sifted->loose = loose_keys_may_have(view->loose_keys, sifted->hashes, passed->n);
}

void sifted_keys_clear(SiftedKeys *sifted) {
  key_list_clear(&sifted->passed);
  g_clear_pointer(&sifted->hashes, g_free);
}

gboolean shard_view_find_keys(ShardView *view, const KeyList *keys, const SiftedKeys *sifted, KeyHit hit, gpointer user,
                              GError **error) {
  if (keys->n > 0 && !find_in_postings(view, keys, hit, user, error))
    return FALSE;
  return sifted->passed.n == 0 ||
         (find_in_loose(view, sifted, hit, user, error) && find_in_index(view, &sifted->passed, hit, user, error));
}
