#include "store/staging/block_codec.h"
#include "store/ledger/writer_private.h"
#include "store/ledger/queries.sql.h"
#include <string.h>

/* Above this many touched postings it is cheaper to index them once than to merge them each time. */
enum { MERGE_AT_MOST = 16 };

gboolean ledger_poster_init(LedgerPoster *poster, Db *db, guint shard, KeySieve *sieve, GError **error) {
  g_autoptr(DbStatement) top = db_prepare_named(db, ledger_queries_sql, "top", error);
  gboolean row = FALSE;
  loose_keys_init(&poster->loose);
  if (!top || !db_step(top, &row, error))
    return FALSE;
  poster->top = row ? db_integer(top, 0) : 0;
  poster->gross = row ? db_integer(top, 1) : 0;
  poster->encoded = g_byte_array_new();
  if (!shard_view_init(&poster->view, db, shard, error))
    return FALSE;
  poster->sieve = sieve;
  poster->view.sieve = sieve;
  poster->view.loose_keys = &poster->loose;
  return ledger_load_keys(poster, error) &&
         (poster->insert_posting = db_prepare_named(db, ledger_queries_sql, "insert-posting", error)) &&
         (poster->insert_entries = db_prepare_named(db, ledger_queries_sql, "insert-entries", error)) &&
         (poster->insert_key = db_prepare_named(db, ledger_queries_sql, "insert-key", error)) &&
         (poster->mark_indexed = db_prepare_named(db, ledger_queries_sql, "mark-indexed", error));
}

void ledger_poster_clear(LedgerPoster *poster) {
  shard_view_clear(&poster->view);
  db_statement_free(poster->insert_posting);
  db_statement_free(poster->insert_entries);
  db_statement_free(poster->insert_key);
  db_statement_free(poster->mark_indexed);
  record_block_free(poster->scratch);
  loose_keys_free(&poster->loose);
  if (poster->encoded)
    g_byte_array_unref(poster->encoded);
}

static gint64 add_gross(gint64 a, gint64 b) {
  gint64 sum;
  return __builtin_add_overflow(a, b, &sum) ? G_MAXINT64 : sum;
}

static gboolean insert_posting(LedgerPoster *poster, const LedgerPart *part, const GByteArray *entries, guint zone,
                               GError **error) {
  gint64 first = poster->top + 1, gross = add_gross(poster->gross, part->gross);
  db_bind(poster->insert_posting, "isusiuiittuu", first, part->file, part->batch, part->business_date,
          (gint64)g_get_real_time(), part->posted, part->posted_amount, gross, part->min_key, part->min_length,
          part->max_key, part->max_length, zone, part->own_dates ? 1u : 0u);
  if (!db_done(poster->insert_posting, error))
    return FALSE;
  db_bind(poster->insert_entries, "ib", first, entries->data, (gsize)entries->len);
  if (!db_done(poster->insert_entries, error))
    return FALSE;
  poster->top += part->posted;
  poster->gross = gross;
  return TRUE;
}

/* --- A part whose key range touches others'. */

typedef struct {
  const LedgerPart *part;
  const RecordBlock *block;
  guint8 *found;
  guint already, refused;
  gint64 amount;
} Hits;

/* The entry is this very record: it was posted before, by an attempt of which we did not hear, or under another batch
 * number. */
static gboolean is_same_entry(const Hits *hits, guint record, const ShardView *view, guint index) {
  const RecordBlock *a = hits->block, *b = view->block;
  gsize a_length, b_length;
  const char *a_account = record_block_text(a, ENTRY_ACCOUNT, record, &a_length);
  const char *b_account = record_block_text(b, ENTRY_ACCOUNT, index, &b_length);
  return strcmp(hits->part->file, view->posting.file) == 0 && a->lines[record] == b->lines[index] &&
         record_block_integer(a, ENTRY_AMOUNT, record) == record_block_integer(b, ENTRY_AMOUNT, index) &&
         ledger_compare_texts(a_account, a_length, b_account, b_length) == 0;
}

static void note_hit(gpointer user, guint record, const ShardView *view, guint index) {
  Hits *hits = user;
  gboolean same = is_same_entry(hits, record, view, index);
  hits->found[record] = 1;
  hits->already += same ? 1 : 0;
  hits->refused += same ? 0 : 1;
  if (same)
    hits->amount += record_block_integer(hits->block, ENTRY_AMOUNT, record); /* part of the part's checked sum */
}

static void copy_entry(const RecordBlock *from, guint record, RecordBlock *into) {
  record_block_begin(into, from->lines[record]);
  for (guint i = 0; i < ENTRY_COLUMNS; i++) {
    gsize length;
    if (record_block_is_null(from, i, record))
      continue;
    if (i == ENTRY_AMOUNT) {
      record_block_put_integer(into, i, record_block_integer(from, i, record));
      continue;
    }
    const char *text = record_block_text(from, i, record, &length);
    record_block_put_text(into, i, text, length);
  }
  record_block_end(into);
}

/* Posts what was not found, loose. min_key and max_key stay those of the whole part: wider does no harm. */
static gboolean post_rest(LedgerPoster *poster, LedgerPart *part, const Hits *hits, GError **error) {
  g_autoptr(RecordBlock) rest = ledger_entry_block_new(part->count);
  gint64 gross = 0;
  for (guint i = 0; i < hits->block->count; i++)
    if (!hits->found[i]) {
      gint64 amount = record_block_integer(hits->block, ENTRY_AMOUNT, i);
      part->posted_amount += amount;
      gross = add_gross(gross, amount == G_MININT64 ? G_MAXINT64 : ABS(amount));
      copy_entry(hits->block, i, rest);
    }
  if (rest->count == 0)
    return TRUE;
  part->posted = rest->count;
  part->gross = gross;
  g_byte_array_set_size(poster->encoded, 0);
  block_encode(rest, 0, rest->count, poster->encoded);
  if (!insert_posting(poster, part, poster->encoded, ZONE_LOOSE, error))
    return FALSE;
  ledger_note_loose(poster, rest);
  return TRUE;
}

static gboolean post_touching(LedgerPoster *poster, LedgerPart *part, guint touched, GError **error) {
  if (touched >= MERGE_AT_MOST && !ledger_index_touched(poster, part, error))
    return FALSE;
  if (!poster->scratch || poster->scratch->capacity < part->count) {
    record_block_free(poster->scratch);
    poster->scratch = ledger_entry_block_new(MAX(part->count, 1024));
  }
  record_block_clear(poster->scratch);
  if (!block_decode(part->entries->data, part->entries->len, 0, part->count, poster->scratch, error))
    return FALSE;
  g_autofree guint8 *found = g_new0(guint8, part->count);
  Hits hits = {.part = part, .block = poster->scratch, .found = found};
  KeyList keys;
  SiftedKeys sifted;
  key_list_init(&keys, poster->scratch, ENTRY_KEY, NULL);
  shard_view_sift(&poster->view, &keys, &sifted);
  gboolean ok = shard_view_find_keys(&poster->view, &keys, &sifted, note_hit, &hits, error);
  sifted_keys_clear(&sifted);
  key_list_clear(&keys);
  ok = ok && post_rest(poster, part, &hits, error);
  part->posted += hits.already;
  part->posted_amount += hits.amount;
  part->refused = hits.refused;
  return ok;
}

/* The range as a list of two keys, for the search. */
static gboolean look_at_part(LedgerPoster *poster, const LedgerPart *part, guint *touched, gboolean *others,
                             GError **error) {
  g_autoptr(RecordBlock) ends = ledger_entry_block_new(2);
  record_block_begin(ends, 1);
  record_block_put_text(ends, ENTRY_KEY, part->min_key, part->min_length);
  record_block_end(ends);
  record_block_begin(ends, 2);
  record_block_put_text(ends, ENTRY_KEY, part->max_key, part->max_length);
  record_block_end(ends);
  KeyList keys;
  key_list_init(&keys, ends, ENTRY_KEY, NULL);
  gboolean ok = shard_view_overlaps(&poster->view, &keys, MERGE_AT_MOST, touched, others, error);
  key_list_clear(&keys);
  return ok;
}

gboolean ledger_post_part(LedgerPoster *poster, LedgerPart *part, GError **error) {
  guint touched = 0;
  gboolean others = FALSE;
  part->posted = part->refused = 0;
  part->posted_amount = 0;
  if (part->index_only)
    return ledger_index_touched(poster, part, error);
  if (part->count == 0)
    return TRUE;
  if (!look_at_part(poster, part, &touched, &others, error))
    return FALSE;
  if (touched > 0 || others)
    return post_touching(poster, part, touched, error);
  part->posted = part->count;
  part->posted_amount = part->amount;
  return insert_posting(poster, part, part->entries, ZONE_RANGE, error);
}
