/* Each shard has two streams of postings: those whose entries all have the posting's own business date, found by index,
 * and those whose entries may have others, which are all read. The heads of all streams are merged by (file, batch); a
 * group is what they have of the least one. Pages are read in transactions of their own, so that no checkpoint waits
 * for a long generation. */
#include "store/ledger_scan.h"
#include "store/staging/block_codec.h"
#include "store/ledger/queries.sql.h"
#include "store/ledger/ledger_private.h"
#include <string.h>

G_STATIC_ASSERT((int)LEDGER_SCAN_KEY == ENTRY_KEY && (int)LEDGER_SCAN_ACCOUNT == ENTRY_ACCOUNT &&
                (int)LEDGER_SCAN_DATE == ENTRY_DATE && (int)LEDGER_SCAN_AMOUNT == ENTRY_AMOUNT);
enum { PAGE = 4096, DAY_LENGTH = 10 };

typedef struct {
  gint64 first;
  char *file, *business_date;
  guint batch, count;
  gint64 posted_at;
} Posting;

typedef struct {
  Db *db; /* the shard's */
  DbStatement *list, *entries;
  gboolean own_dates;
  gint64 top;
  GArray *page; /* Posting; at `at` the head */
  guint at;
  gboolean is_last; /* no page behind this one */
} Stream;

struct LedgerScan {
  char *from, *to;
  Db **dbs;
  guint shards, n_streams;
  Stream *streams;
  gboolean (*wanted)(gpointer user, const char *file, GError **error);
  gpointer user;
  char *file; /* the last that was asked for */
  gboolean file_wanted;
  char *after_file;
  guint after_batch;
  guint64 after_line;
  GPtrArray *blocks; /* RecordBlock*, reused: one per posting of a group */
  GArray *postings, *entries;
  LedgerScanGroup group;
  char *group_file;
};

static void posting_clear(gpointer posting) {
  g_free(((Posting *)posting)->file);
  g_free(((Posting *)posting)->business_date);
}

/* --- Positions */

static gboolean position_of(Db *db, gint64 *position, GError **error) {
  return db_value(db, "SELECT first + count - 1 FROM posting ORDER BY first DESC LIMIT 1", position, error);
}

gint64 *ledger_positions(const char *folder, const char *name, guint *shards, GError **error) {
  *shards = ledger_files_shards(folder, name, error);
  gint64 *positions = g_new0(gint64, MAX(*shards, 1));
  gboolean ok = *shards > 0;
  for (guint i = 0; ok && i < *shards; i++) {
    Db *db = ledger_files_open_reader(folder, name, i, *shards, error);
    ok = db && position_of(db, &positions[i], error);
    db_close(db);
  }
  return ok ? positions : (g_free(positions), NULL);
}

static gboolean has_file(DbStatement *has, const char *file, gint64 position, gboolean *found, GError **error) {
  db_bind(has, "si", file, position);
  gboolean ok = db_step(has, found, error);
  db_reset(has);
  return ok;
}

static gboolean note_posted(Db *db, gint64 position, GHashTable *files, GHashTable *posted, GError **error) {
  g_autoptr(DbStatement) has = db_prepare_named(db, ledger_queries_sql, "has-file", error);
  GHashTableIter iterator;
  gpointer file;
  g_hash_table_iter_init(&iterator, files);
  while (has && g_hash_table_iter_next(&iterator, &file, NULL)) {
    gboolean found = FALSE;
    if (!has_file(has, file, position, &found, error))
      return FALSE;
    if (found)
      g_hash_table_add(posted, file);
  }
  return has != NULL;
}

static gboolean is_not_in(gpointer file, gpointer value, gpointer posted) {
  (void)value;
  return !g_hash_table_contains(posted, file);
}

gboolean ledger_keep_posted(const char *folder, const char *name, const gint64 *positions, guint shards,
                            GHashTable *files, GError **error) {
  g_autoptr(GHashTable) posted = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < shards && g_hash_table_size(files) > 0; i++) {
    Db *db = ledger_files_open_reader(folder, name, i, shards, error);
    gboolean ok = db && note_posted(db, positions[i], files, posted, error);
    db_close(db);
    if (!ok)
      return FALSE;
  }
  g_hash_table_foreach_remove(files, is_not_in, posted);
  return TRUE;
}

/* --- Streams */

static gboolean open_stream(LedgerScan *scan, Stream *stream, Db *db, gint64 top, gboolean own_dates, GError **error) {
  const char *list = own_dates ? "scan-own" : strcmp(scan->from, scan->to) == 0 ? "scan-day" : "scan-days";
  *stream = (Stream){.db = db, .own_dates = own_dates, .top = top};
  stream->page = g_array_new(FALSE, FALSE, sizeof(Posting));
  g_array_set_clear_func(stream->page, posting_clear);
  return (stream->list = db_prepare_named(db, ledger_queries_sql, list, error)) &&
         (stream->entries = db_prepare_named(db, ledger_queries_sql, "entries-of-posting", error));
}

static gboolean open_shards(LedgerScan *scan, const LedgerScanOptions *options, GError **error) {
  guint shards = ledger_files_shards(options->folder, options->name, error);
  if (shards == 0)
    return FALSE;
  if (shards != options->shards)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "ledger %s has %u shards, the snapshot is of %u",
                               options->name, shards, options->shards);
  scan->shards = shards;
  scan->dbs = g_new0(Db *, shards);
  scan->streams = g_new0(Stream, (gsize)shards * 2);
  for (guint i = 0; i < shards; i++) {
    if (!(scan->dbs[i] = ledger_files_open_reader(options->folder, options->name, i, shards, error)))
      return FALSE;
    for (guint own = 0; own < 2; own++)
      if (!open_stream(scan, &scan->streams[scan->n_streams++], scan->dbs[i], options->positions[i], own == 1, error))
        return FALSE;
  }
  return TRUE;
}

LedgerScan *ledger_scan_open(const LedgerScanOptions *options, GError **error) {
  LedgerScan *scan = g_new0(LedgerScan, 1);
  scan->from = g_strdup(options->from);
  scan->to = g_strdup(options->to);
  scan->wanted = options->wanted;
  scan->user = options->user;
  scan->after_file = g_strdup(options->after_file);
  scan->after_batch = options->after_batch;
  scan->after_line = options->after_line;
  scan->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)record_block_free);
  scan->postings = g_array_new(FALSE, FALSE, sizeof(LedgerScanPosting));
  scan->entries = g_array_new(FALSE, FALSE, sizeof(LedgerScanEntry));
  if (open_shards(scan, options, error))
    return scan;
  ledger_scan_close(scan);
  return NULL;
}

void ledger_scan_close(LedgerScan *scan) {
  if (!scan)
    return;
  for (guint i = 0; i < scan->n_streams; i++) {
    db_statement_free(scan->streams[i].list);
    db_statement_free(scan->streams[i].entries);
    g_array_unref(scan->streams[i].page);
  }
  for (guint i = 0; scan->dbs && i < scan->shards; i++)
    db_close(scan->dbs[i]);
  g_free(scan->dbs);
  g_free(scan->streams);
  g_free(scan->from);
  g_free(scan->to);
  g_free(scan->file);
  g_free(scan->after_file);
  g_free(scan->group_file);
  g_ptr_array_unref(scan->blocks);
  g_array_unref(scan->postings);
  g_array_unref(scan->entries);
  g_free(scan);
}

/* A posting whose first entry is under the position is so wholly: a snapshot never cuts one. */
static gboolean read_page(LedgerScan *scan, Stream *stream, const char *file, guint batch, gint64 first,
                          GError **error) {
  gboolean row = FALSE;
  g_array_set_size(stream->page, 0);
  stream->at = 0;
  db_bind(stream->list, "ussisuiu", stream->own_dates ? 1u : 0u, scan->from, scan->to, stream->top, file, batch, first,
          (guint)PAGE);
  for (;;) {
    if (!db_step(stream->list, &row, error))
      return FALSE;
    if (!row)
      break;
    Posting posting = {.first = db_integer(stream->list, 0),
                       .file = db_text_copy(stream->list, 1),
                       .batch = (guint)db_integer(stream->list, 2),
                       .business_date = db_text_copy(stream->list, 3),
                       .posted_at = db_integer(stream->list, 4),
                       .count = (guint)db_integer(stream->list, 5)};
    g_array_append_val(stream->page, posting);
  }
  stream->is_last = stream->page->len < PAGE;
  return TRUE;
}

/* The stream's next posting, or NULL at its end. A batch that was begun is read from its beginning, its earlier lines
 * skipped. */
static gboolean head(LedgerScan *scan, Stream *stream, const Posting **posting, GError **error) {
  *posting = NULL;
  if (stream->at == stream->page->len && !stream->is_last) {
    gboolean is_first = stream->page->len == 0;
    const Posting *last = is_first ? NULL : &g_array_index(stream->page, Posting, stream->page->len - 1);
    g_autofree char *file = g_strdup(last ? last->file : scan->after_file ? scan->after_file : "");
    guint batch = last ? last->batch : scan->after_file ? scan->after_batch : 0;
    if (!read_page(scan, stream, file, batch, last ? last->first : -1, error))
      return FALSE;
  }
  if (stream->at < stream->page->len)
    *posting = &g_array_index(stream->page, Posting, stream->at);
  return TRUE;
}

static int compare_groups(const Posting *a, const Posting *b) {
  int order = strcmp(a->file, b->file);
  return order ? order : (a->batch > b->batch) - (a->batch < b->batch);
}

/* --- A group */

static gboolean is_wanted(LedgerScan *scan, const char *file, gboolean *wanted, GError **error) {
  g_autoptr(GError) why = NULL;
  if (!scan->wanted) {
    *wanted = TRUE;
    return TRUE;
  }
  if (g_strcmp0(scan->file, file) != 0) {
    g_free(scan->file);
    scan->file = g_strdup(file);
    scan->file_wanted = scan->wanted(scan->user, file, &why);
    if (why) {
      g_propagate_error(error, g_steal_pointer(&why));
      return FALSE;
    }
  }
  *wanted = scan->file_wanted;
  return TRUE;
}

static RecordBlock *block_for(LedgerScan *scan, guint number, guint count) {
  if (number == scan->blocks->len)
    g_ptr_array_add(scan->blocks, ledger_entry_block_new(MAX(count, 1024)));
  RecordBlock *block = scan->blocks->pdata[number];
  if (block->capacity < count) {
    record_block_free(block);
    scan->blocks->pdata[number] = block = ledger_entry_block_new(count);
  }
  record_block_clear(block);
  return block;
}

static gboolean load(LedgerScan *scan, Stream *stream, const Posting *posting, GError **error) {
  gboolean row = FALSE;
  RecordBlock *block = block_for(scan, scan->postings->len, posting->count);
  db_bind(stream->entries, "i", posting->first);
  if (!db_step(stream->entries, &row, error))
    return FALSE;
  gsize length = 0;
  const void *bytes = row ? db_bytes(stream->entries, 0, &length) : NULL;
  gboolean ok = block_encoded_count(bytes, length) == posting->count;
  if (!ok)
    sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                        "the entries from %" G_GINT64_FORMAT " on are missing or damaged", posting->first);
  ok = ok && block_decode(bytes, length, 0, posting->count, block, error);
  db_reset(stream->entries);
  LedgerScanPosting loaded = {.block = block, .business_date = posting->business_date, .posted_at = posting->posted_at};
  if (ok)
    g_array_append_val(scan->postings, loaded);
  return ok;
}

static gboolean is_of_dates(const LedgerScan *scan, const LedgerScanPosting *posting, guint record) {
  gsize length = 0;
  const char *date = record_block_text(posting->block, ENTRY_DATE, record, &length);
  if (record_block_is_null(posting->block, ENTRY_DATE, record)) {
    date = posting->business_date;
    length = date ? strlen(date) : 0;
  }
  return length == DAY_LENGTH && memcmp(date, scan->from, DAY_LENGTH) >= 0 && memcmp(date, scan->to, DAY_LENGTH) <= 0;
}

static guint64 line_of(const LedgerScan *scan, const LedgerScanEntry *entry) {
  return g_array_index(scan->postings, LedgerScanPosting, entry->posting).block->lines[entry->record];
}

/* Lines ascend within each posting: the least of the heads is the next. */
static void merge(LedgerScan *scan, gboolean is_begun, const guint8 *own_dates) {
  guint n = scan->postings->len, heads[2 * LEDGER_SHARDS_MAX] = {0},
        *more = n > G_N_ELEMENTS(heads) ? g_new0(guint, n) : NULL;
  guint *at = more ? more : heads;
  g_array_set_size(scan->entries, 0);
  for (;;) {
    LedgerScanEntry least = {.posting = G_MAXUINT32};
    guint64 line = 0;
    for (guint i = 0; i < n; i++) {
      const RecordBlock *block = g_array_index(scan->postings, LedgerScanPosting, i).block;
      if (at[i] < block->count && (least.posting == G_MAXUINT32 || block->lines[at[i]] < line)) {
        least = (LedgerScanEntry){i, at[i]};
        line = block->lines[at[i]];
      }
    }
    if (least.posting == G_MAXUINT32)
      break;
    at[least.posting]++;
    if (is_begun && line <= scan->after_line)
      continue;
    if (!own_dates[least.posting] ||
        is_of_dates(scan, &g_array_index(scan->postings, LedgerScanPosting, least.posting), least.record))
      g_array_append_val(scan->entries, least);
  }
  g_free(more);
}

static gboolean in_order(const LedgerScan *scan) {
  for (guint i = 1; i < scan->entries->len; i++)
    if (line_of(scan, &g_array_index(scan->entries, LedgerScanEntry, i - 1)) >=
        line_of(scan, &g_array_index(scan->entries, LedgerScanEntry, i)))
      return FALSE;
  return TRUE;
}

static gboolean least_of(LedgerScan *scan, const Posting **least, GError **error) {
  *least = NULL;
  for (guint i = 0; i < scan->n_streams; i++) {
    const Posting *posting;
    if (!head(scan, &scan->streams[i], &posting, error))
      return FALSE;
    if (posting && (!*least || compare_groups(posting, *least) < 0))
      *least = posting;
  }
  return TRUE;
}

/* Takes the postings of (group_file, group.batch) from all streams, or passes over them. A page stays until its last
 * posting was passed, and the copies that a group points to (its dates) until the next group. */
static gboolean gather(LedgerScan *scan, gboolean wanted, GByteArray *own_dates, GError **error) {
  for (guint i = 0; i < scan->n_streams; i++)
    for (const Posting *posting;;) {
      if (!head(scan, &scan->streams[i], &posting, error))
        return FALSE;
      if (!posting || strcmp(posting->file, scan->group_file) != 0 || posting->batch != scan->group.batch)
        break;
      if (wanted && !load(scan, &scan->streams[i], posting, error))
        return FALSE;
      guint8 own = scan->streams[i].own_dates ? 1 : 0;
      if (wanted) {
        g_byte_array_append(own_dates, &own, 1);
        LedgerScanPosting *loaded = &g_array_index(scan->postings, LedgerScanPosting, scan->postings->len - 1);
        loaded->business_date = g_intern_string(posting->business_date); /* business dates are few */
      }
      scan->streams[i].at++;
    }
  return TRUE;
}

static gboolean read_group(LedgerScan *scan, const Posting *least, GError **error) {
  g_autoptr(GByteArray) own_dates = g_byte_array_new();
  gboolean wanted = FALSE;
  g_free(scan->group_file);
  scan->group_file = g_strdup(least->file);
  scan->group = (LedgerScanGroup){.file = scan->group_file, .batch = least->batch};
  g_array_set_size(scan->postings, 0);
  g_array_set_size(scan->entries, 0);
  if (!is_wanted(scan, scan->group_file, &wanted, error) || !gather(scan, wanted, own_dates, error))
    return FALSE;
  gboolean is_begun = scan->after_file && strcmp(scan->after_file, scan->group_file) == 0 &&
                      scan->after_batch == scan->group.batch;
  if (wanted)
    merge(scan, is_begun, own_dates->data);
  if (!in_order(scan))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "batch %u of file %s has a line twice in the ledger",
                               scan->group.batch, scan->group_file);
  scan->group.postings = (const LedgerScanPosting *)(const void *)scan->postings->data;
  scan->group.n_postings = scan->postings->len;
  scan->group.entries = (const LedgerScanEntry *)(const void *)scan->entries->data;
  scan->group.n = scan->entries->len;
  return TRUE;
}

gboolean ledger_scan_next(LedgerScan *scan, const LedgerScanGroup **group, GError **error) {
  *group = NULL;
  for (const Posting *least;;) {
    if (!least_of(scan, &least, error))
      return FALSE;
    if (!least)
      return TRUE;
    if (!read_group(scan, least, error))
      return FALSE;
    if (scan->group.n > 0) {
      *group = &scan->group;
      return TRUE;
    }
  }
}
