/* The table of keys of those postings that cannot be found by their range. Keys that come in no order would dirty a
 * page each if they were inserted as they come; so their postings stay loose until there are LOOSE_MANY entries, which
 * are then inserted in order. A loose posting is a posting like any other: what is not yet indexed is only slower to
 * search. */
#include "gateway/base/faultpoint.h"
#include "store/ledger/sort_private.h"
#include "store/ledger/writer_private.h"
#include "store/ledger/queries.sql.h"

enum { LOOSE_MANY = 65536 };

static guint64 *add_to_sieve(LedgerPoster *poster, const RecordBlock *entries) {
  guint64 *hashes = g_new(guint64, MAX(entries->count, 1));
  for (guint i = 0; i < entries->count; i++) {
    gsize length;
    const char *key = record_block_text(entries, ENTRY_KEY, i, &length);
    hashes[i] = ledger_hash_key(key, length);
    key_sieve_add(poster->sieve, hashes[i]);
  }
  return hashes;
}

/* Before the commit, so that nobody can see a key that is not noted. After a rollback it stays: that costs a look, no
 * more. */
void ledger_note_loose(LedgerPoster *poster, const RecordBlock *entries) {
  g_autofree guint64 *hashes = add_to_sieve(poster, entries);
  loose_keys_add(&poster->loose, hashes, entries->count);
}

static gboolean load_indexed(LedgerPoster *poster, GError **error) {
  g_autoptr(DbStatement) all = db_prepare_named(poster->view.db, ledger_queries_sql, "all-keys", error);
  gboolean row = all != NULL;
  guint n = 0;
  while (row) {
    if (!db_step(all, &row, error))
      return FALSE;
    if (row) {
      gsize length;
      const void *key = db_bytes(all, 0, &length);
      key_sieve_add(poster->sieve, ledger_hash_key(key, length));
    }
    if (++n > KEY_SIEVE_KEYS) {
      key_sieve_open_wide(poster->sieve);
      return TRUE;
    }
  }
  return all != NULL;
}

static GArray *list_loose(LedgerPoster *poster, GError **error) {
  g_autoptr(DbStatement) list = db_prepare_named(poster->view.db, ledger_queries_sql, "all-loose", error);
  g_autoptr(GArray) firsts = g_array_new(FALSE, FALSE, sizeof(gint64));
  gboolean row = TRUE;
  while (list && db_step(list, &row, error)) {
    if (!row)
      return g_steal_pointer(&firsts);
    gint64 first = db_integer(list, 0);
    g_array_append_val(firsts, first);
  }
  return NULL;
}

gboolean ledger_load_keys(LedgerPoster *poster, GError **error) {
  g_autoptr(GArray) firsts = list_loose(poster, error);
  for (guint i = 0; firsts && i < firsts->len; i++) {
    if (!shard_view_load(&poster->view, g_array_index(firsts, gint64, i), error))
      return FALSE;
    ledger_note_loose(poster, poster->view.block);
  }
  return firsts && load_indexed(poster, error);
}

/* --- Single postings, whose range has come to be touched by much */

static gboolean mark_indexed(LedgerPoster *poster, gint64 first, GError **error) {
  db_bind(poster->mark_indexed, "i", first);
  return db_done(poster->mark_indexed, error);
}

static gboolean insert_key(LedgerPoster *poster, const void *key, gsize length, gint64 seq, GError **error) {
  db_bind(poster->insert_key, "ti", key, length, seq);
  return db_done(poster->insert_key, error);
}

static gboolean index_posting(LedgerPoster *poster, gint64 first, GError **error) {
  if (!shard_view_load(&poster->view, first, error))
    return FALSE;
  g_free(add_to_sieve(poster, poster->view.block));
  KeyList keys;
  gboolean ok = TRUE;
  key_list_init(&keys, poster->view.block, ENTRY_KEY, NULL);
  for (guint i = 0; i < keys.n && ok; i++) {
    gsize length;
    const char *key = key_list_at(&keys, i, &length);
    ok = insert_key(poster, key, length, first + keys.order[i], error);
  }
  key_list_clear(&keys);
  return ok && mark_indexed(poster, first, error);
}

/* One at a time from the range's upper end, since indexing changes what the search sees. */
gboolean ledger_index_touched(LedgerPoster *poster, const LedgerPart *part, GError **error) {
  DbStatement *search = poster->view.overlapping;
  for (;;) {
    gboolean row = FALSE;
    db_bind(search, "tt", part->min_key, part->min_length, part->max_key, part->max_length);
    if (!db_step(search, &row, error))
      return FALSE;
    gint64 first = row && (int)db_integer(search, 1) ? db_integer(search, 0) : 0;
    db_reset(search);
    if (!first)
      return TRUE;
    if (!index_posting(poster, first, error))
      return FALSE;
  }
}

/* --- All loose ones */

gboolean ledger_loose_are_many(const LedgerPoster *poster) {
  return poster->loose.n >= LOOSE_MANY;
}

typedef struct {
  GArray *items;
  GArray *seqs;
  GByteArray *texts;
} Gathered;

static gboolean gather(LedgerPoster *poster, const GArray *firsts, Gathered *all, GError **error) {
  g_byte_array_append(all->texts, (const guint8 *)"", 1); /* so that an empty key is not a null pointer */
  for (guint i = 0; i < firsts->len; i++) {
    gint64 first = g_array_index(firsts, gint64, i);
    if (!shard_view_load(&poster->view, first, error))
      return FALSE;
    const RecordBlock *block = poster->view.block;
    for (guint j = 0; j < block->count; j++) {
      gsize length;
      const char *key = record_block_text(block, ENTRY_KEY, j, &length);
      FoldItem item = {.text = all->texts->len, .length = (guint32)length};
      gint64 seq = first + j;
      g_byte_array_append(all->texts, (const guint8 *)key, (guint)length);
      g_array_append_val(all->items, item);
      g_array_append_val(all->seqs, seq);
    }
  }
  return TRUE;
}

static gboolean insert_in_order(LedgerPoster *poster, const GArray *firsts, const Gathered *all, GError **error) {
  const FoldItem *items = (const FoldItem *)(gconstpointer)all->items->data;
  g_autofree guint32 *order = ledger_sort_items(items, all->items->len, all->texts->data);
  for (guint i = 0; i < all->items->len; i++)
    if (!insert_key(poster, all->texts->data + items[order[i]].text, items[order[i]].length,
                    g_array_index(all->seqs, gint64, order[i]), error))
      return FALSE;
  for (guint i = 0; i < firsts->len; i++)
    if (!mark_indexed(poster, g_array_index(firsts, gint64, i), error))
      return FALSE;
  return TRUE;
}

gboolean ledger_index_loose(LedgerPoster *poster, GError **error) {
  g_autoptr(GArray) firsts = list_loose(poster, error);
  if (!firsts)
    return FALSE;
  Gathered all = {g_array_new(FALSE, FALSE, sizeof(FoldItem)), g_array_new(FALSE, FALSE, sizeof(gint64)),
                  g_byte_array_new()};
  fault_point("ledger-index-before");
  gboolean ok = gather(poster, firsts, &all, error) && db_begin(poster->view.db, error);
  ok = ok && insert_in_order(poster, firsts, &all, error) && db_commit(poster->view.db, error);
  if (ok)
    loose_keys_clear(&poster->loose);
  else
    db_rollback(poster->view.db);
  g_array_unref(all.items);
  g_array_unref(all.seqs);
  g_byte_array_unref(all.texts);
  fault_point("ledger-index-after");
  return ok;
}
