/* Chunks are handed out in the file's order, parsed by several threads at once, and appended in the file's order again.
 */
#include "gateway/records/stage.h"
#include "gateway/common/json_text.h"
#include "gateway/records/layout_private.h"
#include "gateway/threads/crew.h"
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 512 * 1024 };

typedef struct {
  const StageOptions *options;
  const guint8 *text;
  gsize length;
  pthread_mutex_t lock;
  pthread_cond_t turn_changed;
  gsize offset; /* where the next chunk begins */
  guint64 handed_out, turn;
  guint64 lines, passed_over;
  Staging *staging;
  LayoutTotals *totals;
  LayoutFacts *facts;
  LayoutLine *header, *trailer;
  const char *business_date; /* field of the header */
  char *scope;               /* of keys */
  gboolean failed;
  GError *error;
} StageParse;

static gboolean take_span(StageParse *parse, LayoutSpan *span, guint64 *number) {
  pthread_mutex_lock(&parse->lock);
  gboolean is_work = !parse->failed &&
                     (parse->offset < parse->length || (parse->length == 0 && parse->handed_out == 0));
  if (is_work) {
    gsize end = layout_next_chunk(parse->options->layout, parse->text, parse->length, parse->offset, CHUNK_BYTES);
    *span = (LayoutSpan){.text = parse->text,
                         .offset = parse->offset,
                         .end = end,
                         .is_first = parse->offset == 0,
                         .is_last = end >= parse->length,
                         .is_proven_whole = parse->options->is_proven_whole,
                         .facts = parse->facts};
    *number = parse->handed_out++;
    parse->offset = end;
  }
  pthread_mutex_unlock(&parse->lock);
  return is_work;
}

/* The chunk's pages are not needed again: without this the mapping would count as the lane's memory. */
static void forget_pages(const LayoutSpan *span) {
  gsize page = (gsize)sysconf(_SC_PAGESIZE);
  gsize from = span->offset / page * page, to = span->is_last ? span->end : span->end / page * page;
  if (to > from)
    madvise((void *)(span->text + from), to - from, MADV_DONTNEED);
}

static void keep_line(LayoutLine **kept, LayoutLine **found) {
  if (*found && !*kept)
    *kept = g_steal_pointer(found);
}

/* The header is known where the first record is: what is passed over before it may fill chunks, and one that is behind
 * a record refuses the file. */
static void compose_keys(StageParse *parse, LayoutChunk *chunk) {
  const StageOptions *options = parse->options;
  if (chunk->block->count == 0)
    return;
  if (!parse->scope && options->key_scope == CONF_KEY_FILE)
    parse->scope = g_strdup(options->file);
  if (!parse->scope && options->key_scope == CONF_KEY_BUSINESS_DAY &&
      !(parse->scope = layout_line_day(parse->header, parse->business_date)))
    parse->scope = day_text(options->arrival);
  layout_compose_keys(options->layout, chunk, parse->scope);
}

static void append_in_order(StageParse *parse, LayoutChunk *chunk, guint64 number) {
  pthread_mutex_lock(&parse->lock);
  while (parse->turn != number && !parse->failed)
    pthread_cond_wait(&parse->turn_changed, &parse->lock);
  if (!parse->failed) {
    layout_chunk_rebase(chunk, parse->lines);
    parse->lines += chunk->lines;
    parse->passed_over += chunk->passed_over;
    layout_totals_add(parse->totals, chunk);
    keep_line(&parse->header, &chunk->header);
    keep_line(&parse->trailer, &chunk->trailer);
    compose_keys(parse, chunk);
    if (chunk->block->count > 0 && !staging_append(parse->staging, chunk->block, &parse->error))
      parse->failed = TRUE;
    parse->turn++;
  }
  pthread_cond_broadcast(&parse->turn_changed);
  pthread_mutex_unlock(&parse->lock);
}

static void parse_chunks(gpointer data) {
  StageParse *parse = data;
  LayoutChunk *chunk = layout_chunk_new(parse->options->layout);
  LayoutSpan span;
  guint64 number;
  while (take_span(parse, &span, &number)) {
    layout_parse(parse->options->layout, &span, chunk);
    append_in_order(parse, chunk, number);
    forget_pages(&span);
  }
  layout_chunk_free(chunk);
}

static gboolean keep_values(Staging *staging, const char *prefix, const LayoutLine *line, GError **error) {
  for (guint i = 0; line && i < line->values->len; i++) {
    const LayoutValue *value = line->values->pdata[i];
    g_autofree char *name = g_strdup_printf("%s.%s", prefix, value->field->name);
    g_autofree char *spelling = g_strconcat(prefix, LAYOUT_SPELLING, ".", value->field->name, NULL);
    if ((value->text && !staging_set(staging, name, value->text, error)) ||
        (value->spelling && !staging_set(staging, spelling, value->spelling, error)))
      return FALSE;
    gboolean is_number = value->field->type == CONF_INTEGER || value->field->type == CONF_DECIMAL;
    g_autofree char *scaled = g_strdup_printf("%s_scaled.%s", prefix, value->field->name);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, value->integer);
    if (value->text && is_number && !staging_set(staging, scaled, number, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean keep_number(Staging *staging, const char *name, guint64 number, GError **error) {
  g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number);
  return staging_set(staging, name, text, error);
}

/* T001 to T006 are of the file as a whole: what is missing, and what does not add up. */
static gboolean is_of_line(const LayoutProblem *problem) {
  return strcmp(problem->code, "T001") < 0 || strcmp(problem->code, "T006") > 0;
}

static gboolean keep_problem(Staging *staging, const LayoutTotals *totals, gboolean is_sound, GError **error) {
  const LayoutProblem *problem = is_sound ? NULL : layout_totals_check(totals);
  if (!problem)
    return TRUE;
  g_autofree char *reason = is_of_line(problem)
                                ? g_strdup_printf("line %" G_GUINT64_FORMAT ": %s", problem->line, problem->reason)
                                : g_strdup(problem->reason);
  return staging_set(staging, "problem.code", problem->code, error) &&
         staging_set(staging, "problem.reason", reason, error) &&
         keep_number(staging, "problem.line", problem->line, error);
}

static char *header_json(const LayoutLine *header) {
  json_t *object = json_object();
  for (guint i = 0; i < header->values->len; i++) {
    const LayoutValue *value = header->values->pdata[i];
    if (!value->field->mask && value->text)
      json_object_set_new(object, value->field->name, json_string(value->text));
  }
  return json_text_take(object);
}

static void learn_header(const LayoutLine *header, const char *business_date_field, Staged *staged) {
  staged->header = header ? header_json(header) : NULL;
  staged->business_date = layout_line_day(header, business_date_field);
}

static gboolean finish(StageParse *parse, GError **error) {
  if (parse->failed) {
    g_propagate_error(error, g_steal_pointer(&parse->error));
    return FALSE;
  }
  return keep_values(parse->staging, "header", parse->header, error) &&
         keep_values(parse->staging, "trailer", parse->trailer, error) &&
         keep_number(parse->staging, "lines", parse->lines, error) &&
         keep_number(parse->staging, "passed-over", parse->passed_over, error) &&
         keep_problem(parse->staging, parse->totals, parse->length == 0 && parse->options->may_be_empty, error);
}

static gboolean parse_into(StageParse *parse, const char *business_date_field, Staged *staged, GError **error) {
  guint chunks = (guint)MIN(parse->length / CHUNK_BYTES + 1, 64);
  crew_run(MIN(parse->options->threads, chunks), parse_chunks, parse);
  if (!finish(parse, error)) {
    staging_discard(g_steal_pointer(&parse->staging));
    return FALSE;
  }
  if (!staging_complete(g_steal_pointer(&parse->staging), error))
    return FALSE;
  learn_header(parse->header, business_date_field, staged);
  staged->lines = parse->lines;
  staged->passed_over = parse->passed_over;
  return TRUE;
}

gboolean stage_plaintext(const StageOptions *options, const char *business_date_field, Staged *staged, GError **error) {
  struct stat status;
  if (fstat(options->plaintext, &status) != 0)
    return sallyport_error_errno(error, errno, "stat of the plaintext");
  gsize length = (gsize)status.st_size;
  const guint8 *text = length ? mmap(NULL, length, PROT_READ, MAP_SHARED, options->plaintext, 0) : (const guint8 *)"";
  if (text == MAP_FAILED)
    return sallyport_error_errno(error, errno, "map the plaintext");
  guint n_columns;
  const StagingColumn *columns = layout_staged_columns(options->layout, &n_columns);
  StageParse parse = {.options = options, .text = text, .length = length, .business_date = business_date_field};
  parse.staging = staging_create(options->path, columns, n_columns, error);
  gboolean ok = parse.staging != NULL;
  if (ok) {
    pthread_mutex_init(&parse.lock, NULL);
    pthread_cond_init(&parse.turn_changed, NULL);
    parse.totals = layout_totals_new(options->layout);
    parse.facts = layout_facts_new(options->layout, text, length, options->arrival);
    *staged = (Staged){0};
    ok = parse_into(&parse, business_date_field, staged, error);
    layout_totals_free(parse.totals);
    layout_facts_free(parse.facts);
    layout_line_free(parse.header);
    layout_line_free(parse.trailer);
    g_free(parse.scope);
    pthread_cond_destroy(&parse.turn_changed);
    pthread_mutex_destroy(&parse.lock);
  }
  if (length)
    munmap((void *)text, length);
  return ok;
}

void staged_clear(Staged *staged) {
  g_clear_pointer(&staged->header, g_free);
  g_clear_pointer(&staged->business_date, g_free);
}

gboolean stage_check_layout(const char *path, const Layout *layout, GError **error) {
  guint n_now, n_then;
  const StagingColumn *now = layout_columns(layout, &n_now);
  g_autoptr(StagingReader) reader = staging_reader_open(path, error);
  if (!reader)
    return FALSE;
  const StagingColumn *then = staging_columns(reader, &n_then);
  gboolean same = n_now <= n_then;
  for (guint i = 0; same && i < n_now; i++)
    same = strcmp(now[i].name, then[i].name) == 0 && now[i].type == then[i].type && now[i].scale == then[i].scale;
  for (guint i = n_now; same && i < n_then; i++) /* which spellings were kept then does not matter */
    same = g_str_has_suffix(then[i].name, LAYOUT_SPELLING);
  return same || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                     "it was staged under another layout (fields, their types, scales or order): put "
                                     "that layout back until the file is posted");
}
