/* What is proposed is compiled as `check` does it, and the whole file is read by it: a field whose values are not what
 * they seemed to be becomes text, a total that does not hold is no total, and what still is wrong is said. */
#include "conf/conf.h"
#include "gateway/guess/guess_private.h"
#include "gateway/records/layout.h"
#include <string.h>

enum { ROUNDS = 40, CHUNK = 512 * 1024 };

typedef struct {
  Guess *guess;
  const Layout *layout;
  GuessReport *report;
  gboolean is_changed;
  guint64 faulty;
} Proof;

static Conf *read_text(const char *text, char **why) {
  g_autofree char *whole = g_strconcat("node { name = \"n\"  state = \"/nowhere\" }\n", text, NULL);
  ConfSource *source = conf_source_from_text("guess", whole, strlen(whole));
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  for (guint i = 0; !conf && !*why && i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    *why = finding->is_warning ? NULL : g_strdup(finding->message);
  }
  conf_report_free(report);
  conf_source_free(source);
  return conf;
}

/* --- What is taken back */

static GuessColumn *column_of(const Guess *guess, const char *name) {
  for (guint k = 0; k < guess->kinds->len; k++) {
    const GuessKind *kind = guess->kinds->pdata[k];
    for (guint c = 0; c < kind->columns->len; c++)
      if (strcmp(((GuessColumn *)kind->columns->pdata[c])->name, name) == 0)
        return kind->columns->pdata[c];
  }
  return NULL;
}

static void take_back(Proof *proof, GuessColumn *column, gboolean is_absent) {
  if (is_absent) {
    proof->is_changed = proof->is_changed || column->absent == 0;
    column->absent = MAX(column->absent, 1);
    return;
  }
  proof->is_changed = proof->is_changed || !column->is_dropped || column->control;
  column->is_dropped = TRUE;
  g_clear_pointer(&column->control, g_free);
}

/* A total of a column that is none any more holds nothing. */
static void drop_totals_of_dropped(Guess *guess) {
  for (guint k = 0; k < guess->kinds->len; k++) {
    const GuessKind *kind = guess->kinds->pdata[k];
    for (guint c = 0; c < kind->columns->len; c++) {
      GuessColumn *column = kind->columns->pdata[c];
      const GuessKind *of = column->total_of < 0 ? NULL : guess->kinds->pdata[column->total_of];
      const GuessColumn *summed = of ? of->columns->pdata[column->total_column] : NULL;
      const GuessColumn *code = summed && summed->sign.column ? of->columns->pdata[summed->sign.column - 1] : NULL;
      if (summed && (summed->is_dropped || (code && code->is_dropped)))
        g_clear_pointer(&column->control, g_free);
    }
  }
}

static void keep_verdict(Proof *proof, const char *code, guint64 line, const char *reason) {
  if (!proof->report->verdict)
    proof->report->verdict = g_strdup_printf("%s in line %" G_GUINT64_FORMAT ": %s", code, line, reason);
}

/* Reasons name the field: "trailer: t2: not an integer". */
static GuessColumn *column_in(const Guess *guess, const char *reason) {
  g_auto(GStrv) words = g_strsplit(reason, ": ", 6);
  for (char **word = words; *word; word++) {
    GuessColumn *column = column_of(guess, *word);
    if (column)
      return column;
  }
  return NULL;
}

static void learn_fault(Proof *proof, const char *code, guint64 line, const char *reason) {
  GuessColumn *column = column_in(proof->guess, reason);
  keep_verdict(proof, code, line, reason);
  if (column)
    take_back(proof, column, g_str_equal(code, "L010"));
}

static void learn_faults(Proof *proof, const LayoutChunk *chunk) {
  const RecordBlock *block = chunk->block;
  for (guint i = 0; i < block->faults->len; i++) {
    const BlockFault *fault = &g_array_index(block->faults, BlockFault, i);
    proof->faulty++;
    learn_fault(proof, fault->code, block->lines[fault->record], fault->reason);
  }
  for (guint i = 0; i < chunk->problems->len; i++) {
    const LayoutProblem *problem = chunk->problems->pdata[i];
    learn_fault(proof, problem->code, problem->line, problem->reason);
  }
}

/* --- The whole file */

static void read_file(Proof *proof) {
  const Guess *guess = proof->guess;
  LayoutChunk *chunk = layout_chunk_new(proof->layout);
  LayoutTotals *totals = layout_totals_new(proof->layout);
  LayoutFacts *facts = layout_facts_new(proof->layout, guess->text, guess->length, NO_DAY);
  guint64 lines = 0;
  proof->report->records = 0;
  for (gsize offset = 0, end; offset < guess->length; offset = end) {
    end = layout_next_chunk(proof->layout, guess->text, guess->length, offset, CHUNK);
    LayoutSpan span = {.text = guess->text,
                       .offset = offset,
                       .end = end,
                       .is_first = offset == 0,
                       .is_last = end == guess->length,
                       .facts = facts};
    layout_parse(proof->layout, &span, chunk);
    layout_chunk_rebase(chunk, lines);
    lines += chunk->lines;
    proof->report->records += chunk->block->count;
    layout_totals_add(totals, chunk);
    learn_faults(proof, chunk);
  }
  const LayoutProblem *problem = layout_totals_check(totals);
  if (problem)
    learn_fault(proof, problem->code, problem->line, problem->reason);
  proof->report->lines = lines;
  layout_facts_free(facts);
  layout_totals_free(totals);
  layout_chunk_free(chunk);
}

/* FALSE: it cannot be compiled; `why` says it. */
static gboolean try_once(Proof *proof, const char *name, char **why) {
  g_autoptr(GError) error = NULL;
  g_autofree char *text = guess_words(proof->guess, name);
  Conf *conf = read_text(text, why);
  Layout *layout = conf ? layout_new(conf_layout(conf, name), &error) : NULL;
  gboolean ok = layout != NULL;
  if (!ok && error)
    *why = g_strdup(error->message);
  proof->is_changed = FALSE;
  proof->faulty = 0;
  g_clear_pointer(&proof->report->verdict, g_free);
  proof->layout = layout;
  if (ok)
    read_file(proof);
  layout_free(layout);
  if (conf)
    conf_free(conf);
  return ok;
}

/* The totals go first, then the types: what is left is lines and their fields. */
static gboolean make_plainer(Guess *guess) {
  gboolean had_totals = FALSE, had_types = FALSE;
  for (guint pass = 0; pass < 2 && !(pass == 1 && had_totals); pass++)
    for (guint k = 0; k < guess->kinds->len; k++) {
      const GuessKind *kind = guess->kinds->pdata[k];
      for (guint c = 0; c < kind->columns->len; c++) {
        GuessColumn *column = kind->columns->pdata[c];
        had_totals = had_totals || (pass == 0 && column->control);
        if (pass == 0) {
          g_clear_pointer(&column->control, g_free);
        } else {
          had_types = had_types || !column->is_dropped;
          column->is_dropped = TRUE;
        }
      }
    }
  return had_totals || had_types;
}

gboolean guess_prove(Guess *guess, const char *name, GuessReport *report, GError **error) {
  Proof proof = {.guess = guess, .report = report, .is_changed = TRUE};
  g_autofree char *why = NULL;
  guess->is_proving = TRUE;
  for (guint round = 0; round < ROUNDS && proof.is_changed; round++) {
    drop_totals_of_dropped(guess);
    g_clear_pointer(&why, g_free);
    if (!try_once(&proof, name, &why))
      proof.is_changed = make_plainer(guess);
  }
  guess->is_proving = FALSE;
  if (why)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "no layout was found that can be written: %s", why);
  if (report->verdict)
    guess_unsure(guess, "the layout as a whole: by it, %" G_GUINT64_FORMAT " lines of the sample are faulty; the first "
                 "is %s", proof.faulty, report->verdict);
  return TRUE;
}
