/* from = ledger. Of each batch of a file the columns that are the same for all of its entries are constants of a piece;
 * an entry's own key, account and amount stay where the ledger's block has them. */
#include "gateway/recon/source_private.h"
#include "store/ledger_scan.h"
#include <stdio.h>
#include <string.h>

static const StagingColumn columns[] = {{"key", BLOCK_TEXT, 0},       {"account", BLOCK_TEXT, 0},
                                        {"amount", BLOCK_INTEGER, 0}, {"business_date", BLOCK_TEXT, 0},
                                        {"file", BLOCK_TEXT, 0},      {"name", BLOCK_TEXT, 0},
                                        {"line", BLOCK_INTEGER, 0},   {"batch", BLOCK_INTEGER, 0},
                                        {"posted_at", BLOCK_TEXT, 0}, {"feed", BLOCK_TEXT, 0}};
enum { KEY, ACCOUNT, AMOUNT, BUSINESS_DATE, FILE_ID, NAME, LINE, BATCH, POSTED_AT, FEED, N_COLUMNS };

typedef struct {
  ReconSource source;
  StagingColumn columns[N_COLUMNS];
  ReconFiles files;
  LedgerScan *scan;
  const LedgerScanGroup *group;
  ReconBatch batch;
  GArray *pieces, *cells;
  GPtrArray *times; /* char *: posted_at of each piece */
  char number[16];
} LedgerSource;

static ReconCell constant(const char *text) {
  return (ReconCell){RECON_CELL_CONSTANT, text, text ? strlen(text) : 0};
}
static ReconCell in_block(gint column) {
  return (ReconCell){column, NULL, 0};
}

static gboolean has_own_date(const LedgerScanPosting *posting) {
  for (guint i = 0; i < posting->block->count; i++)
    if (!record_block_is_null(posting->block, LEDGER_SCAN_DATE, i))
      return TRUE;
  return FALSE;
}

/* In a posting with dates of their own, entries without one get the posting's. */
static void fill_dates(const LedgerScanPosting *posting) {
  BlockColumn *column = &posting->block->columns[LEDGER_SCAN_DATE];
  gsize length = posting->business_date ? strlen(posting->business_date) : 0;
  guint absent = 0;
  for (guint i = 0; i < posting->block->count; i++)
    absent += column->nulls[i];
  if (absent == 0 || length == 0)
    return;
  gsize before = posting->block->count ? column->ends[posting->block->count - 1] : 0, at = 0;
  guint8 *bytes = g_malloc(before + absent * length);
  for (guint i = 0, start = 0; i < posting->block->count; i++) {
    guint32 end = column->ends[i];
    const void *from = column->nulls[i] ? (const void *)posting->business_date : column->bytes + start;
    gsize size = column->nulls[i] ? length : end - start;
    memcpy(bytes + at, from, size);
    at += size;
    column->ends[i] = (guint32)at;
    column->nulls[i] = 0;
    start = end;
  }
  g_free(column->bytes);
  column->bytes = bytes;
  column->bytes_capacity = before + absent * length;
}

static char *shown_time(gint64 at) {
  g_autoptr(GDateTime) whole = g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC);
  g_autofree char *text = g_date_time_format(whole, "%Y-%m-%dT%H:%M:%S");
  return g_strdup_printf("%s.%06dZ", text, (int)(at % G_USEC_PER_SEC));
}

static void fill_piece(LedgerSource *ledger, const LedgerScanPosting *posting, ReconPiece *piece, ReconCell *cells) {
  const ReconFile *file = ledger->files.last;
  gboolean own = has_own_date(posting);
  if (own)
    fill_dates(posting);
  g_ptr_array_add(ledger->times, shown_time(posting->posted_at));
  cells[KEY] = in_block(LEDGER_SCAN_KEY);
  cells[ACCOUNT] = in_block(LEDGER_SCAN_ACCOUNT);
  cells[AMOUNT] = in_block(LEDGER_SCAN_AMOUNT);
  cells[BUSINESS_DATE] = own ? in_block(LEDGER_SCAN_DATE) : constant(posting->business_date);
  cells[FILE_ID] = constant(ledger->group->file);
  cells[NAME] = constant(file->name);
  cells[LINE] = in_block(RECON_CELL_LINE);
  cells[BATCH] = constant(ledger->number);
  cells[POSTED_AT] = constant(ledger->times->pdata[ledger->times->len - 1]);
  cells[FEED] = constant(file->feed);
  *piece = (ReconPiece){posting->block, cells};
}

G_STATIC_ASSERT(sizeof(ReconEntry) == sizeof(LedgerScanEntry) &&
                offsetof(ReconEntry, record) == offsetof(LedgerScanEntry, record));

static gboolean ledger_next(ReconSource *source, const ReconBatch **batch, GError **error) {
  LedgerSource *ledger = (LedgerSource *)source;
  *batch = NULL;
  if (!ledger_scan_next(ledger->scan, &ledger->group, error))
    return FALSE;
  if (!ledger->group)
    return TRUE;
  const LedgerScanGroup *group = ledger->group;
  g_snprintf(ledger->number, sizeof ledger->number, "%u", group->batch);
  g_array_set_size(ledger->pieces, group->n_postings);
  g_array_set_size(ledger->cells, group->n_postings * N_COLUMNS);
  g_ptr_array_set_size(ledger->times, 0);
  for (guint i = 0; i < group->n_postings; i++)
    fill_piece(ledger, &group->postings[i], &g_array_index(ledger->pieces, ReconPiece, i),
               &g_array_index(ledger->cells, ReconCell, i * N_COLUMNS));
  ledger->batch = (ReconBatch){.pieces = (const ReconPiece *)(const void *)ledger->pieces->data,
                               .n_pieces = group->n_postings,
                               .entries = (const ReconEntry *)(const void *)group->entries,
                               .n = group->n};
  *batch = &ledger->batch;
  return TRUE;
}

static char *ledger_position(const ReconSource *source, guint entry) {
  const LedgerScanGroup *group = ((const LedgerSource *)source)->group;
  const LedgerScanEntry *at = &group->entries[entry];
  return g_strdup_printf("%s %u %" G_GUINT64_FORMAT, group->file, group->batch,
                         group->postings[at->posting].block->lines[at->record]);
}

static void ledger_close_source(ReconSource *source) {
  LedgerSource *ledger = (LedgerSource *)source;
  ledger_scan_close(ledger->scan);
  recon_files_clear(&ledger->files);
  g_array_unref(ledger->pieces);
  g_array_unref(ledger->cells);
  g_ptr_array_unref(ledger->times);
  g_free(ledger);
}

static gboolean is_wanted(gpointer user, const char *file, GError **error) {
  const ReconSourceOptions *options = &((ReconFiles *)user)->options;
  gboolean is_told = FALSE;
  if (options->before &&
      !recon_snapshot_has(options->before, options->folder, options->reconcile->read.ledger, file, &is_told, error))
    return FALSE;
  return !is_told && recon_files_look(user, file, error);
}

ReconSource *recon_source_ledger(const ReconSourceOptions *options, const char *position, GError **error) {
  char file[17] = "";
  guint batch = 0;
  guint64 line = 0;
  if (position && sscanf(position, "%16s %u %" G_GUINT64_FORMAT, file, &batch, &line) != 3) {
    sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no position in a ledger: %s", position);
    return NULL;
  }
  LedgerSource *ledger = g_new0(LedgerSource, 1);
  memcpy(ledger->columns, columns, sizeof columns);
  ledger->columns[AMOUNT].scale = recon_ledger_scale(options, options->reconcile->read.ledger);
  ledger->source = (ReconSource){.columns = ledger->columns,
                                 .n_columns = N_COLUMNS,
                                 .next = ledger_next,
                                 .position = ledger_position,
                                 .close = ledger_close_source};
  ledger->pieces = g_array_new(FALSE, FALSE, sizeof(ReconPiece));
  ledger->cells = g_array_new(FALSE, FALSE, sizeof(ReconCell));
  ledger->times = g_ptr_array_new_with_free_func(g_free);
  recon_files_init(&ledger->files, options);
  LedgerScanOptions scan = {.folder = options->folder,
                            .name = options->reconcile->read.ledger,
                            .positions = options->positions,
                            .shards = options->shards,
                            .from = options->from,
                            .to = options->to,
                            .after_file = position ? file : NULL,
                            .after_batch = batch,
                            .after_line = line,
                            .wanted = is_wanted,
                            .user = &ledger->files};
  ledger->scan = ledger_scan_open(&scan, error);
  if (ledger->scan)
    return &ledger->source;
  ledger_close_source(&ledger->source);
  return NULL;
}
