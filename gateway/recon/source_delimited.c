/* from = delimited: a file of ours with a layout, delimited or of fixed width. All of it, or nothing: a line that the
 * layout does not understand, or totals that do not hold, fail the task. */
#include "gateway/base/files.h"
#include "gateway/recon/source_private.h"
#include "gateway/records/layout.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20 };

typedef struct {
  ReconSource source;
  char *path;
  Layout *layout;
  const guint8 *text;
  gsize length, offset;
  guint64 lines;
  LayoutChunk *chunk;
  LayoutTotals *totals;
  LayoutFacts *facts;
  const ConfFeed *key_of; /* its composed key is a column; NULL: none is */
  char *day;              /* of that, where it is bounded by one and records have none */
  ReconPiece piece;
  ReconBatch batch;
  GArray *entries;
} DelimitedSource;

static gboolean fault_at(const DelimitedSource *delimited, guint64 line, const char *code, const char *reason,
                         GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s:%" G_GUINT64_FORMAT ": %s %s", delimited->path, line,
                             code, reason);
}

static gboolean is_good(const DelimitedSource *delimited, GError **error) {
  const LayoutChunk *chunk = delimited->chunk;
  if (chunk->problems->len > 0) {
    const LayoutProblem *problem = chunk->problems->pdata[0];
    return fault_at(delimited, problem->line, problem->code, problem->reason, error);
  }
  if (chunk->block->faults->len == 0)
    return TRUE;
  const BlockFault *fault = &g_array_index(chunk->block->faults, BlockFault, 0);
  return fault_at(delimited, chunk->block->lines[fault->record], fault->code, fault->reason, error);
}

/* The header's day, which stands before all records, in place of the period's. */
static void compose_keys(DelimitedSource *delimited) {
  char *day = layout_line_day(delimited->chunk->header, delimited->key_of->business_date);
  if (day) {
    g_free(delimited->day);
    delimited->day = day;
  }
  layout_compose_keys(delimited->layout, delimited->chunk,
                      delimited->key_of->key_scope == CONF_KEY_BUSINESS_DAY ? delimited->day : NULL);
}

static gboolean parse_chunk(DelimitedSource *delimited, GError **error) {
  gsize end = layout_next_chunk(delimited->layout, delimited->text, delimited->length, delimited->offset, CHUNK_BYTES);
  LayoutSpan span = {.text = delimited->text,
                     .offset = delimited->offset,
                     .end = end,
                     .is_first = delimited->offset == 0,
                     .is_last = end == delimited->length,
                     .facts = delimited->facts};
  layout_parse(delimited->layout, &span, delimited->chunk);
  layout_chunk_rebase(delimited->chunk, delimited->lines);
  layout_totals_add(delimited->totals, delimited->chunk);
  if (delimited->key_of)
    compose_keys(delimited);
  delimited->lines += delimited->chunk->lines;
  delimited->offset = end;
  return is_good(delimited, error);
}

static gboolean delimited_next(ReconSource *source, const ReconBatch **batch, GError **error) {
  DelimitedSource *delimited = (DelimitedSource *)source;
  *batch = NULL;
  while (delimited->offset < delimited->length) {
    if (!parse_chunk(delimited, error))
      return FALSE;
    const RecordBlock *block = delimited->chunk->block;
    for (guint i = delimited->entries->len; i < block->count; i++) {
      ReconEntry entry = {0, i};
      g_array_append_val(delimited->entries, entry);
    }
    if (block->count == 0)
      continue;
    delimited->piece.block = block;
    delimited->batch = (ReconBatch){.pieces = &delimited->piece,
                                    .n_pieces = 1,
                                    .entries = (const ReconEntry *)(const void *)delimited->entries->data,
                                    .n = block->count};
    *batch = &delimited->batch;
    return TRUE;
  }
  const LayoutProblem *problem = layout_totals_check(delimited->totals);
  return !problem || fault_at(delimited, problem->line, problem->code, problem->reason, error);
}

static char *no_position(const ReconSource *source, guint entry) {
  (void)source, (void)entry;
  return g_strdup("");
}

static void delimited_close(ReconSource *source) {
  DelimitedSource *delimited = (DelimitedSource *)source;
  if (delimited->length)
    munmap((void *)delimited->text, delimited->length);
  if (delimited->chunk)
    layout_chunk_free(delimited->chunk);
  if (delimited->totals)
    layout_totals_free(delimited->totals);
  layout_facts_free(delimited->facts);
  layout_free(delimited->layout);
  g_array_unref(delimited->entries);
  g_free(delimited->piece.cells);
  g_free(delimited->path);
  g_free(delimited->day);
  g_free(delimited);
}

/* A copy without a name: whoever replaces or cuts the file while it is read changes nothing, and a mapped file that
 * shrinks would kill. */
static int copy_of(const DelimitedSource *delimited, const char *work, GError **error) {
  g_autofree guint8 *piece = g_malloc(CHUNK_BYTES);
  int from = open(delimited->path, O_RDONLY | O_CLOEXEC), copy = from >= 0 ? files_open_unnamed(work, error) : -1;
  gboolean ok = copy >= 0;
  ssize_t got = 1;
  if (from < 0) /* it may only be late */
    sallyport_error_set(error, errno == ENOENT ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_CONFIGURATION, "open %s: %s",
                        delimited->path, g_strerror(errno));
  while (ok && (got = read(from, piece, CHUNK_BYTES)) != 0)
    if (got > 0)
      ok = files_write_all(copy, piece, (gsize)got, error);
    else if (errno != EINTR)
      ok = sallyport_error_errno(error, errno, "read %s", delimited->path);
  if (from >= 0)
    close(from);
  if (ok)
    return copy;
  if (copy >= 0)
    close(copy);
  return -1;
}

static gboolean map_file(DelimitedSource *delimited, const char *work, GError **error) {
  int fd = copy_of(delimited, work, error);
  struct stat status;
  if (fd < 0)
    return FALSE;
  gsize length = fstat(fd, &status) == 0 ? (gsize)status.st_size : 0;
  const void *text = length ? mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0) : NULL;
  close(fd);
  if (text == MAP_FAILED)
    return sallyport_error_errno(error, errno, "map %s", delimited->path);
  delimited->text = length ? text : (const guint8 *)"";
  delimited->length = length;
  return TRUE;
}

/* A key that holds within our file is none of theirs: of a statement nothing tells the file. */
static gboolean set_key(DelimitedSource *delimited, const ReconSourceOptions *options, GError **error) {
  const ConfFeed *feed = options->key_of;
  gboolean has_all = feed && g_strcmp0(feed->key, CONF_KEY_COLUMN) == 0 && feed->key_scope != CONF_KEY_FILE;
  for (char **field = feed ? feed->key_fields : NULL; has_all && field && *field; field++)
    has_all = layout_column(delimited->layout, *field) >= 0;
  delimited->key_of = has_all ? feed : NULL;
  delimited->day = g_strdup(options->from);
  return !has_all || layout_set_key(delimited->layout, feed, error);
}

ReconSource *recon_source_delimited(const ReconSourceOptions *options, GError **error) {
  const ConfRead *read = &options->reconcile->read;
  g_auto(GStrv) parts = g_strsplit(read->path, "{date}", -1);
  g_autofree char *month = g_strndup(options->from, 7);
  DelimitedSource *delimited = g_new0(DelimitedSource, 1);
  delimited->path = g_strjoinv(options->reconcile->period == CONF_PERIOD_MONTH ? month : options->from, parts);
  delimited->entries = g_array_new(FALSE, FALSE, sizeof(ReconEntry));
  delimited->source = (ReconSource){.next = delimited_next, .position = no_position, .close = delimited_close};
  delimited->layout = layout_new(conf_layout(options->conf, read->layout), error);
  if (!delimited->layout || !set_key(delimited, options, error) || !map_file(delimited, options->work, error)) {
    delimited_close(&delimited->source);
    return NULL;
  }
  if (options->is_statement)
    layout_read_loosely(delimited->layout);
  delimited->chunk = layout_chunk_new(delimited->layout);
  delimited->totals = layout_totals_new(delimited->layout);
  Day day = NO_DAY; /* dates without a year are near to the period's */
  if (!day_parse(options->from, &day))
    day = NO_DAY;
  delimited->facts = layout_facts_new(delimited->layout, delimited->text, delimited->length, day);
  delimited->source.columns = layout_columns(delimited->layout, &delimited->source.n_columns);
  delimited->piece.cells = g_new0(ReconCell, delimited->source.n_columns + 1);
  for (guint i = 0; i < delimited->source.n_columns; i++)
    delimited->piece.cells[i].column = (gint)i;
  return &delimited->source;
}
