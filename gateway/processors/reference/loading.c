#include "gateway/processors/reference/loading.h"
#include "gateway/processors/rating/terms.h"
#include "gateway/processors/reference/reference_codes.h"
#include "gateway/processors/reference/shape.h"
#include "gateway/records/stage.h"
#include <string.h>

enum { BLOCK_RECORDS = 4096 };

/* --- What the file says of itself */

typedef struct {
  ReferenceKind kind;
  gint64 sequence; /* REFERENCE_NO_SEQUENCE */
} Announced;

static char *header_value(StagingReader *staged, const char *field) {
  g_autofree char *name = g_strconcat("header.", field, NULL);
  return staging_get(staged, name);
}

/* *code NULL: it is understood. */
static void read_announced(const ConfReference *conf, StagingReader *staged, Announced *announced, const char **code) {
  *announced = (Announced){REFERENCE_FULL, REFERENCE_NO_SEQUENCE};
  g_autofree char *kind = conf->kind ? header_value(staged, conf->kind) : NULL,
                  *sequence = conf->sequence ? header_value(staged, conf->sequence) : NULL;
  gint64 number = 0;
  if (g_strcmp0(kind, reference_kind_word(REFERENCE_DELTA)) == 0)
    announced->kind = REFERENCE_DELTA;
  else if (conf->kind && g_strcmp0(kind, reference_kind_word(REFERENCE_FULL)) != 0)
    *code = CODE_UNKNOWN_LOAD;
  if (conf->sequence && (!sequence || !g_ascii_string_to_signed(sequence, 10, 0, G_MAXINT64, &number, NULL)))
    *code = CODE_UNKNOWN_LOAD;
  else if (conf->sequence)
    announced->sequence = number;
}

/* --- The load */

typedef struct {
  const ReferenceLoading *of;
  const ConfReference *conf;
  StagingReader *staged;
  ReferenceShape *shape;
  Announced announced;
  const char *code; /* what is wrong with a record, or with what the file says of itself; NULL: nothing */
  char *reason;
} Loading;

static void loading_clear(Loading *loading) {
  if (loading->staged)
    staging_reader_close(loading->staged);
  reference_shape_free(loading->shape);
  g_free(loading->reason);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Loading, loading_clear)

static gboolean loading_open(Loading *loading, const ReferenceLoading *of, GError **error) {
  *loading = (Loading){.of = of, .conf = &of->feed->reference};
  if (!stage_check_layout(of->staged, of->layout, error) ||
      !(loading->staged = staging_reader_open(of->staged, error)) ||
      !(loading->shape = reference_shape_new(loading->conf, of->layout, error)))
    return FALSE;
  read_announced(loading->conf, loading->staged, &loading->announced, &loading->code);
  if (loading->code)
    loading->reason = g_strdup("the header says neither full nor delta, or its number is none");
  return TRUE;
}

static gboolean add_block(Loading *loading, const RecordBlock *block, ReferenceLoad *load, GError **error) {
  ReferenceRow row;
  for (guint i = 0; i < block->count && !loading->code; i++) {
    if (!reference_shape_row(loading->shape, block, i, &row, &loading->code, &loading->reason))
      return TRUE;
    if (!row.content && loading->announced.kind != REFERENCE_DELTA) {
      loading->code = CODE_NOTHING_REMOVED;
      loading->reason = g_strdup_printf("line %" G_GUINT64_FORMAT ": a full load has nothing to remove", row.line);
    } else if (!reference_load_add(load, &row, error)) {
      return FALSE;
    }
  }
  return TRUE;
}

/* All records into the file beside; a bad one ends it, with loading->code. NULL on error. */
static ReferenceLoad *fill(Loading *loading, GError **error) {
  const ReferenceLoading *of = loading->of;
  g_autoptr(ReferenceLoad) load = reference_load_new(
      &(ReferenceLoadOptions){.folder = of->folder,
                              .name = loading->conf->name,
                              .scratch = of->scratch,
                              .kind = loading->announced.kind,
                              .may_miss = loading->conf->deltas == CONF_DELTAS_CURSOR},
      error);
  g_autoptr(RecordBlock) block = staging_block_new(loading->staged, BLOCK_RECORDS);
  guint64 records = staging_count(loading->staged);
  for (guint64 first = 1; load && first <= records && !loading->code; first += BLOCK_RECORDS)
    if (!staging_read(loading->staged, first, BLOCK_RECORDS, block, error) || !add_block(loading, block, load, error))
      return NULL;
  return g_steal_pointer(&load);
}

/* --- What there is against it */

static void hold_or_reject(ProcessorVerdict *verdict, FileState to, const char *code, char *reason) {
  *verdict = (ProcessorVerdict){to, code, reason};
}

static void judge_delta(const Loading *loading, const ReferenceVersion *now, ProcessorVerdict *verdict) {
  const char *table = loading->conf->name, *partner = loading->of->feed->partner;
  gint64 sequence = loading->announced.sequence;
  if (!now && loading->conf->deltas == CONF_DELTAS_CURSOR)
    return;
  if (!now)
    hold_or_reject(verdict, FILE_HELD, CODE_NO_FULL_LOAD,
                   g_strdup_printf("a delta, and nothing was loaded into %s yet: ask %s for a full load", table,
                                   partner));
  else if (now->sequence == REFERENCE_NO_SEQUENCE)
    hold_or_reject(verdict, FILE_HELD, CODE_DELTA_MISSING,
                   g_strdup_printf("a delta, and version %" G_GINT64_FORMAT " of %s is none of the sender's: ask %s "
                                   "for a full load",
                                   now->number, table, partner));
  else if (sequence <= now->sequence)
    hold_or_reject(verdict, FILE_HELD, CODE_LOAD_OLD,
                   g_strdup_printf("delta %" G_GINT64_FORMAT ", and %s is at %" G_GINT64_FORMAT " already", sequence,
                                   table, now->sequence));
  else if (sequence != now->sequence + 1)
    hold_or_reject(verdict, FILE_HELD, CODE_DELTA_MISSING,
                   g_strdup_printf("delta %" G_GINT64_FORMAT ", and %s is at %" G_GINT64_FORMAT ": what is between "
                                   "has to come before this one (ask %s), or a full load",
                                   sequence, table, now->sequence, partner));
  else if (strcmp(now->shape, reference_shape_text(loading->shape)) != 0)
    hold_or_reject(verdict, FILE_HELD, CODE_DELTA_MISSING,
                   g_strdup_printf("a delta, and %s was loaded with other fields: ask %s for a full load", table,
                                   partner));
}

/* Of a full load a person may say that it is right all the same. */
static gboolean is_allowed(const Loading *loading, const char *code) {
  return loading->of->file ? book_file_was_released(loading->of->file, code) : loading->of->anyway;
}

static void judge_full(const Loading *loading, const ReferenceVersion *now, ProcessorVerdict *verdict) {
  gint64 sequence = loading->announced.sequence;
  if (now && sequence != REFERENCE_NO_SEQUENCE && now->sequence != REFERENCE_NO_SEQUENCE &&
      sequence <= now->sequence && !is_allowed(loading, CODE_LOAD_OLD))
    hold_or_reject(verdict, FILE_HELD, CODE_LOAD_OLD,
                   g_strdup_printf("full load %" G_GINT64_FORMAT ", and %s is at %" G_GINT64_FORMAT " already",
                                   sequence, loading->conf->name, now->sequence));
}

static void judge_size(const Loading *loading, const ReferenceFindings *findings, ProcessorVerdict *verdict) {
  if (loading->announced.kind != REFERENCE_FULL)
    return;
  if (findings->rows == 0 && !is_allowed(loading, CODE_TABLE_EMPTY))
    hold_or_reject(verdict, FILE_HELD, CODE_TABLE_EMPTY,
                   g_strdup_printf("a full load without a row: %" G_GUINT64_FORMAT " rows of %s would be gone",
                                   findings->before, loading->conf->name));
  else if (findings->rows > 0 && findings->rows < findings->before &&
           (findings->before - findings->rows) * 100 > findings->before * loading->conf->shrink_limit &&
           !is_allowed(loading, CODE_TABLE_SHRINKS))
    hold_or_reject(verdict, FILE_HELD, CODE_TABLE_SHRINKS,
                   g_strdup_printf("%" G_GUINT64_FORMAT " rows, and %s has %" G_GUINT64_FORMAT ": more than %u%% fewer",
                                   findings->rows, loading->conf->name, findings->before, loading->conf->shrink_limit));
}

static void judge_findings(const ReferenceFindings *findings, ProcessorVerdict *verdict) {
  g_autofree char *of = findings->other_origin > 0
                            ? g_strdup_printf(" of version %" G_GINT64_FORMAT, findings->other_origin)
                            : g_strdup("");
  if (findings->fault == REFERENCE_OVERLAP)
    hold_or_reject(verdict, FILE_REJECTED, CODE_ROWS_OVERLAP,
                   g_strdup_printf("line %" G_GUINT64_FORMAT " and line %" G_GUINT64_FORMAT
                                   "%s have one key, and are valid at one time",
                                   findings->line, findings->other_line, of));
  else if (findings->fault == REFERENCE_NOTHING)
    hold_or_reject(verdict, FILE_REJECTED, CODE_NOTHING_REMOVED,
                   g_strdup_printf("line %" G_GUINT64_FORMAT ": there is no row to remove with this key and beginning",
                                   findings->line));
  else if (findings->fault == REFERENCE_CROWDED)
    hold_or_reject(verdict, FILE_REJECTED, CODE_ROWS_OVERLAP,
                   g_strdup_printf("line %" G_GUINT64_FORMAT ": its key has more than %d rows", findings->line,
                                   REFERENCE_KEY_ROWS));
}

static gboolean judge_records(Loading *loading, ProcessorVerdict *verdict, ReferenceFindings *findings,
                              GError **error) {
  g_autoptr(ReferenceLoad) load = fill(loading, error);
  if (!load || (!loading->code && !reference_load_compare(load, findings, error)))
    return FALSE;
  if (loading->code)
    hold_or_reject(verdict, FILE_REJECTED, loading->code, g_steal_pointer(&loading->reason));
  else if (findings->fault)
    judge_findings(findings, verdict);
  else
    judge_size(loading, findings, verdict);
  return TRUE;
}

gboolean reference_version_made(const ReferenceLoading *of, const char *file, ReferenceVersion **version,
                                GError **error) {
  GError *why = NULL;
  gint64 number = 0;
  g_autoptr(ReferenceReader) reader = reference_reader_open(of->folder, of->feed->reference.name, &why);
  *version = NULL;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  if (!reader || (file && !reference_version_of_file(reader, file, &number, error)))
    return !reader;
  return (file && number == 0) || reference_version(reader, number, version, error);
}

gboolean reference_judge(const ReferenceLoading *of, ProcessorVerdict *verdict, ReferenceReport *report,
                         GError **error) {
  g_auto(Loading) loading = {0};
  g_autoptr(ReferenceVersion) now = NULL;
  ReferenceReport own;
  report = report ? report : &own;
  *report = (ReferenceReport){.sequence = REFERENCE_NO_SEQUENCE};
  if (!loading_open(&loading, of, error) || !reference_version_made(of, NULL, &now, error))
    return FALSE;
  report->kind = loading.announced.kind;
  report->sequence = loading.announced.sequence;
  report->now = now ? now->number : 0;
  if (loading.code)
    hold_or_reject(verdict, FILE_REJECTED, loading.code, g_steal_pointer(&loading.reason));
  else if (loading.announced.kind == REFERENCE_DELTA)
    judge_delta(&loading, now, verdict);
  else
    judge_full(&loading, now, verdict);
  return verdict->to != FILE_VALIDATED || judge_records(&loading, verdict, &report->findings, error);
}

/* --- Loading it */

/* What was judged is as it was, or nobody kept the table's gate. */
static gboolean still_fits(const Loading *loading, GError **error) {
  g_autoptr(ReferenceVersion) now = NULL;
  ProcessorVerdict verdict = {.to = FILE_VALIDATED};
  if (loading->announced.kind != REFERENCE_DELTA)
    return TRUE;
  if (!reference_version_made(loading->of, NULL, &now, error))
    return FALSE;
  judge_delta(loading, now, &verdict);
  g_autofree char *reason = verdict.reason;
  return verdict.to == FILE_VALIDATED || sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                                                             "it fitted when it was validated, and does not now: %s",
                                                             reason);
}

/* Usage that is rated at this moment has a version in its hands that no detail names yet; an hour is more than the
 * longest admission takes. Without a rating nothing has. */
enum { IN_HAND_SECONDS = 3600 };

gboolean reference_put(const ReferenceLoading *of, gint64 *number, GError **error) {
  g_auto(Loading) loading = {0};
  g_autoptr(GArray) named = NULL;
  ReferenceFindings findings;
  if (!loading_open(&loading, of, error) || !still_fits(&loading, error) ||
      (loading.conf->keep_versions > 0 &&
       !rating_versions_named(of->lane, of->folder, loading.conf->name, &named, error)))
    return FALSE;
  g_autoptr(ReferenceLoad) load = fill(&loading, error);
  if (!load)
    return FALSE;
  if (loading.code)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "it was validated, and now: %s", loading.reason);
  ReferenceFacts facts = {.sequence = loading.announced.sequence,
                          .file = of->file ? of->file->id : NULL,
                          .by = of->by,
                          .shape = reference_shape_text(loading.shape),
                          .keep_versions = loading.conf->keep_versions,
                          .named = named,
                          .in_hand = named ? IN_HAND_SECONDS * (gint64)G_USEC_PER_SEC : 0};
  return reference_load_commit(load, &facts, &findings, number, error);
}

char *reference_version_words(const char *table, const ReferenceVersion *version) {
  g_autofree char *line = version->gap_line > 0
                              ? g_strdup_printf(", the first before line %" G_GUINT64_FORMAT, version->gap_line)
                              : g_strdup("");
  g_autofree char *gaps = version->gaps > 0 ? g_strdup_printf("; warning: %" G_GUINT64_FORMAT
                                                              " gaps between rows of one key%s",
                                                              version->gaps, line)
                                            : g_strdup("");
  return g_strdup_printf("version %" G_GINT64_FORMAT " of %s: %" G_GUINT64_FORMAT " rows, %" G_GUINT64_FORMAT
                         " added, %" G_GUINT64_FORMAT " changed, %" G_GUINT64_FORMAT " removed%s",
                         version->number, table, version->rows, version->added, version->changed, version->removed,
                         gaps);
}

char *reference_report_words(const char *table, const ReferenceReport *report) {
  const ReferenceFindings *found = &report->findings;
  return reference_version_words(table, &(ReferenceVersion){.number = report->now + 1,
                                                            .rows = found->rows,
                                                            .added = found->added,
                                                            .changed = found->changed,
                                                            .removed = found->removed,
                                                            .gaps = found->gaps,
                                                            .gap_line = found->gap_line});
}
