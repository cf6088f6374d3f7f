/* Process reference: a file's records are the rows of a reference table: a full load is the whole next version of it, a
 * delta changes the one in force.
 *
 * All that can be said against a load is said before the file is validated (judge): until then it can be held, for a
 * person, or rejected. From there until it is loaded no other file of the table is let through (keygate.h), and nobody
 * rolls it back, so that what was judged is what is changed.
 *
 *   crash while it is judged                nothing has changed: it is judged again
 *   crash before the version's commit       the file is loaded anew, from what was staged
 *   crash after it, before the marks        the version names the file: it is found, and only the marks are made
 *   crash after the marks                   every batch is marked: only the file's last transition is made again */
#include "gateway/processors/reference/reference.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/flow/processor.h"
#include "gateway/processors/reference/reference_codes.h"
#include "gateway/processors/reference/shape.h"
#include "gateway/records/stage.h"
#include <string.h>

enum { BLOCK_RECORDS = 4096 };

gconstpointer reference_gate(const char *name) {
  g_autofree char *text = g_strconcat("reference ", name, NULL);
  return g_intern_string(text);
}

static gconstpointer gate(const ConfFeed *feed) {
  return reference_gate(feed->reference.name);
}

char *reference_scratch(const LanePaths *paths, const char *owner) {
  g_autofree char *name = g_strconcat(owner, ".reference", NULL);
  return g_build_filename(paths->stage, name, NULL);
}

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
  Step *step;
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

static gboolean loading_open(Loading *loading, Step *step, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  *loading = (Loading){.step = step, .conf = &step->feed->conf->reference};
  if (!stage_check_layout(path, step->feed->layout, error) || !(loading->staged = staging_reader_open(path, error)) ||
      !(loading->shape = reference_shape_new(loading->conf, step->feed->layout, error)))
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
  const Step *step = loading->step;
  g_autofree char *scratch = reference_scratch(step->flow->paths, step->file->id);
  g_autoptr(ReferenceLoad) load = reference_load_new(
      &(ReferenceLoadOptions){step->flow->paths->folder, loading->conf->name, scratch, loading->announced.kind}, error);
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
  const char *table = loading->conf->name, *partner = loading->step->feed->conf->partner;
  gint64 sequence = loading->announced.sequence;
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
                   g_strdup_printf("delta %" G_GINT64_FORMAT ", and %s is at %" G_GINT64_FORMAT ": ask %s for what is "
                                   "missing, and release this one behind it, or for a full load",
                                   sequence, table, now->sequence, partner));
  else if (strcmp(now->shape, reference_shape_text(loading->shape)) != 0)
    hold_or_reject(verdict, FILE_HELD, CODE_DELTA_MISSING,
                   g_strdup_printf("a delta, and %s was loaded with other fields: ask %s for a full load", table,
                                   partner));
}

/* Of a full load a person may say that it is right all the same. */
static gboolean is_allowed(const Loading *loading, const char *code) {
  return book_file_was_released(loading->step->file, code);
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

static gboolean judge_records(Loading *loading, ProcessorVerdict *verdict, GError **error) {
  ReferenceFindings findings;
  g_autoptr(ReferenceLoad) load = fill(loading, error);
  if (!load || (!loading->code && !reference_load_compare(load, &findings, error)))
    return FALSE;
  if (loading->code)
    hold_or_reject(verdict, FILE_REJECTED, loading->code, g_steal_pointer(&loading->reason));
  else if (findings.fault)
    judge_findings(&findings, verdict);
  else
    judge_size(loading, &findings, verdict);
  return TRUE;
}

static gboolean version_in_force(const Step *step, ReferenceVersion **version, GError **error) {
  GError *why = NULL;
  g_autoptr(ReferenceReader) reader =
      reference_reader_open(step->flow->paths->folder, step->feed->conf->reference.name, &why);
  *version = NULL;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  return !reader || reference_version(reader, 0, version, error);
}

static gboolean judge(Step *step, ProcessorVerdict *verdict, GError **error) {
  g_auto(Loading) loading = {0};
  g_autoptr(ReferenceVersion) now = NULL;
  if (!loading_open(&loading, step, error) || !version_in_force(step, &now, error))
    return FALSE;
  if (loading.code)
    hold_or_reject(verdict, FILE_REJECTED, loading.code, g_steal_pointer(&loading.reason));
  else if (loading.announced.kind == REFERENCE_DELTA)
    judge_delta(&loading, now, verdict);
  else
    judge_full(&loading, now, verdict);
  return verdict->to != FILE_VALIDATED || judge_records(&loading, verdict, error);
}

/* --- Loading it */

/* What was judged is as it was, or nobody kept the table's gate. */
static gboolean still_fits(const Loading *loading, GError **error) {
  g_autoptr(ReferenceVersion) now = NULL;
  ProcessorVerdict verdict = {.to = FILE_VALIDATED};
  if (loading->announced.kind != REFERENCE_DELTA)
    return TRUE;
  if (!version_in_force(loading->step, &now, error))
    return FALSE;
  judge_delta(loading, now, &verdict);
  g_autofree char *reason = verdict.reason;
  return verdict.to == FILE_VALIDATED || sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                                                             "it fitted when it was validated, and does not now: %s",
                                                             reason);
}

static gboolean load_file(Loading *loading, gint64 *number, ReferenceFindings *findings, GError **error) {
  const Step *step = loading->step;
  if (!still_fits(loading, error))
    return FALSE;
  g_autoptr(ReferenceLoad) load = fill(loading, error);
  if (!load)
    return FALSE;
  if (loading->code)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "it was validated, and now: %s", loading->reason);
  ReferenceFacts facts = {.sequence = loading->announced.sequence,
                          .file = step->file->id,
                          .shape = reference_shape_text(loading->shape),
                          .keep_versions = loading->conf->keep_versions};
  return reference_load_commit(load, &facts, findings, number, error);
}

static gboolean version_of_file(const Step *step, ReferenceVersion **version, GError **error) {
  GError *why = NULL;
  gint64 number = 0;
  g_autoptr(ReferenceReader) reader =
      reference_reader_open(step->flow->paths->folder, step->feed->conf->reference.name, &why);
  *version = NULL;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  return !reader || (reference_version_of_file(reader, step->file->id, &number, error) &&
                     (number == 0 || reference_version(reader, number, version, error)));
}

typedef struct {
  const BookFile *file;
  const GPtrArray *batches;
  const char *detail;
} Marks;

static gboolean marks_change(BookTransaction *tx, gpointer data, GError **error) {
  const Marks *marks = data;
  for (guint i = 0; i < marks->batches->len; i++) {
    const BookBatch *batch = marks->batches->pdata[i];
    if (batch->state != BATCH_POSTED && !book_post_batch(tx, marks->file->id, batch->number, error))
      return FALSE;
  }
  return book_note_file(tx, marks->file, marks->detail, error);
}

static char *describe(const ConfReference *conf, const ReferenceVersion *version) {
  g_autofree char *gaps = version->gaps > 0 ? g_strdup_printf("; warning: %" G_GUINT64_FORMAT
                                                              " gaps between rows of one key",
                                                              version->gaps)
                                            : g_strdup("");
  return g_strdup_printf("version %" G_GINT64_FORMAT " of %s: %" G_GUINT64_FORMAT " rows, %" G_GUINT64_FORMAT
                         " added, %" G_GUINT64_FORMAT " changed, %" G_GUINT64_FORMAT " removed%s",
                         version->number, conf->name, version->rows, version->added, version->changed,
                         version->removed, gaps);
}

static gboolean mark(Step *step, const ReferenceVersion *version, GError **error) {
  const ConfReference *conf = &step->feed->conf->reference;
  g_autoptr(GPtrArray) batches = book_batches(step->reader, step->file->id, error);
  g_autofree char *detail = describe(conf, version);
  if (!batches)
    return FALSE;
  fault_point("reference-before-marks");
  if (!book_write(step->flow->book, marks_change, &(Marks){step->file, batches, detail}, error))
    return FALSE;
  fault_point("reference-after-marks");
  step->file->batches_posted = step->file->batches;
  log_event(version->gaps > 0 ? LOG_WARNING : LOG_INFO, "reference-loaded", {"feed", step->feed->conf->name},
            {"file", step->file->id}, {"reference", conf->name}, {"version", log_number(version->number)},
            {"kind", reference_kind_word(version->kind)}, {"rows", log_number((gint64)version->rows)},
            {"added", log_number((gint64)version->added)}, {"changed", log_number((gint64)version->changed)},
            {"removed", log_number((gint64)version->removed)}, {"gaps", log_number((gint64)version->gaps)});
  return TRUE;
}

static gboolean load_reference(Step *step, GError **error) {
  g_auto(Loading) loading = {0};
  g_autoptr(ReferenceVersion) version = NULL;
  ReferenceFindings findings;
  gint64 number = 0;
  if (!version_of_file(step, &version, error))
    return FALSE;
  if (!version && (!loading_open(&loading, step, error) || !load_file(&loading, &number, &findings, error) ||
                   !version_of_file(step, &version, error)))
    return FALSE;
  if (!version)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "the version that it has made is not there");
  g_autofree char *scratch = reference_scratch(step->flow->paths, step->file->id);
  staging_remove(scratch); /* of a load that was killed behind its commit */
  return mark(step, version, error);
}

static gboolean check(const ConfFeed *feed, const Layout *layout, GError **error) {
  g_autoptr(ReferenceShape) shape = reference_shape_new(&feed->reference, layout, error);
  return shape != NULL;
}

const Processor processor_reference = {.check = check, .gate = gate, .judge = judge, .run = load_reference};
