/* Control totals and the order of lines over the whole file. Sums are of 128 bits while they grow, so that the order of
 * chunks cannot matter and nothing wraps; they are held to 64 bits at the end. */
#include "gateway/records/layout_chunk.h"
#include <string.h>

struct LayoutTotals {
  const Layout *layout;
  guint64 records, last_record; /* how many, and the last one's line */
  guint64 passed_over;          /* lines */
  guint64 *typed;               /* records of each type */
  /* of header and trailer: the first one's, and the first that is one too many */
  guint64 lines[SHAPE_RECORD], seconds[SHAPE_RECORD];
  gboolean header_is_first; /* before it are only lines that are passed over */
  LayoutSum *sums;
  guint64 *unreadable;
  gint64 *declared, *opening; /* one per control */
  gboolean *is_declared;
  LayoutProblem *first; /* the chunks' problem with the lowest line */
  /* the last answer of check; a pointer, so that a const totals can answer */
  LayoutProblem *verdict;
  LayoutProblem answer;
};

LayoutTotals *layout_totals_new(const Layout *layout) {
  LayoutTotals *totals = g_new0(LayoutTotals, 1);
  totals->layout = layout;
  totals->typed = g_new0(guint64, layout->n_types);
  totals->sums = g_new0(LayoutSum, layout->n_sums + 1);
  totals->unreadable = g_new0(guint64, layout->n_sums + 1);
  totals->declared = g_new0(gint64, layout->n_controls + 1);
  totals->opening = g_new0(gint64, layout->n_controls + 1);
  totals->is_declared = g_new0(gboolean, layout->n_controls + 1);
  totals->verdict = &totals->answer;
  return totals;
}

static void free_problem(LayoutProblem *problem) {
  if (problem)
    g_free(problem->reason);
  g_free(problem);
}

void layout_totals_free(LayoutTotals *totals) {
  if (!totals)
    return;
  free_problem(totals->first);
  g_free(totals->answer.reason);
  g_free(totals->typed);
  g_free(totals->sums);
  g_free(totals->unreadable);
  g_free(totals->declared);
  g_free(totals->opening);
  g_free(totals->is_declared);
  g_free(totals);
}

static void keep_lowest(guint64 *kept, guint64 line) {
  if (line > 0 && (*kept == 0 || line < *kept))
    *kept = line;
}

/* Chunks come in any order: the lowest line is the header's, and whatever follows it is one too many. */
static void keep_line(LayoutTotals *totals, ShapeKind kind, guint64 line) {
  guint64 *first = &totals->lines[kind];
  if (line == 0)
    return;
  keep_lowest(&totals->seconds[kind], *first == 0 ? 0 : MAX(*first, line));
  keep_lowest(first, line);
}

static void keep_declared(LayoutTotals *totals, const LayoutLine *line, ShapeKind where) {
  for (guint c = 0; line && c < totals->layout->n_controls; c++) {
    const Control *control = &totals->layout->controls[c];
    for (guint i = 0; i < line->values->len; i++) {
      const LayoutValue *value = line->values->pdata[i];
      if (value->text && value->field == control->opening)
        totals->opening[c] = value->integer;
      if (control->where == where && !totals->is_declared[c] && value->field == control->field && value->text) {
        totals->declared[c] = value->integer;
        totals->is_declared[c] = TRUE;
      }
    }
  }
}

static void keep_first_problem(LayoutTotals *totals, const LayoutProblem *problem) {
  if (totals->first && totals->first->line <= problem->line)
    return;
  free_problem(totals->first);
  totals->first = g_new0(LayoutProblem, 1);
  *totals->first = *problem;
  totals->first->reason = g_strdup(problem->reason);
}

static inline gint64 part_of(ConfControl what, gint64 value) {
  return what == CONF_CONTROL_DEBITS ? MIN(value, 0) : what == CONF_CONTROL_CREDITS ? MAX(value, 0) : value;
}

static LayoutSum sum_of(const ChunkState *state, SumOf of) {
  const RecordBlock *block = state->chunk.block;
  const gint64 *integers = block->columns[of.column].integers;
  LayoutSum sum = 0;
  for (guint i = 0; i < block->count; i++)
    if (of.type < 0 || state->types[i] == of.type) {
      gint64 value = part_of(of.what, integers[i]); /* 0 where a record has none, or none that can be read */
      sum += of.what == CONF_CONTROL_GROSS && value < 0 ? -(LayoutSum)value : value;
    }
  return of.what == CONF_CONTROL_DEBITS ? -sum : sum;
}

static void add_sums(LayoutTotals *totals, const ChunkState *state) {
  for (guint s = 0; s < totals->layout->n_sums; s++) {
    totals->sums[s] += sum_of(state, totals->layout->sums[s]);
    keep_lowest(&totals->unreadable[s], state->unreadable[s]);
  }
}

static void add_types(LayoutTotals *totals, const ChunkState *state) {
  for (guint i = 0; state->types && i < state->chunk.block->count; i++)
    if (state->types[i] != LAYOUT_NO_TYPE)
      totals->typed[state->types[i]]++;
}

/* What a record says to be the number of, it is; that of a faulty one may not have been read. */
static void check_number(LayoutTotals *totals, const ChunkState *state, const LayoutField *field, guint record) {
  const RecordBlock *block = state->chunk.block;
  guint64 line = block->lines[record],
          expected = field->conf->numbers == CONF_NUMBERS_LINES ? line : totals->records + record + 1;
  gint64 told = block->columns[field->column].integers[record];
  if ((guint64)told == expected || record_block_fault(block, record))
    return;
  const char *what = field->conf->numbers == CONF_NUMBERS_LINES ? "line" : "record";
  g_autofree char *reason = g_strdup_printf("%s: this is %s %" G_GUINT64_FORMAT
                                            ", and says that it is %" G_GINT64_FORMAT
                                            ": lines are missing, or too many, or in another order",
                                            field->conf->name, what, expected, told);
  LayoutProblem problem = {.line = line, .code = "T013", .reason = reason};
  keep_first_problem(totals, &problem);
}

static void check_numbers(LayoutTotals *totals, const ChunkState *state) {
  for (guint i = 0; i < state->chunk.block->count; i++) {
    guint type = state->types ? state->types[i] : 0;
    const Shape *shape = type == LAYOUT_NO_TYPE ? NULL : &totals->layout->shapes[SHAPE_RECORD + type];
    for (guint f = 0; shape && f < shape->n_fields; f++)
      if (shape->fields[f].conf->numbers != CONF_NUMBERS_NOTHING)
        check_number(totals, state, &shape->fields[f], i);
  }
}

void layout_totals_add(LayoutTotals *totals, const LayoutChunk *chunk) {
  const ChunkState *state = (const ChunkState *)chunk;
  const RecordBlock *block = chunk->block;
  if (totals->layout->is_numbered)
    check_numbers(totals, state);
  totals->passed_over += chunk->passed_over;
  totals->records += block->count;
  if (block->count > 0)
    totals->last_record = MAX(totals->last_record, block->lines[block->count - 1]);
  keep_line(totals, SHAPE_HEADER, state->header_line);
  keep_line(totals, SHAPE_TRAILER, state->trailer_line);
  totals->header_is_first = totals->header_is_first || state->header_is_first;
  keep_declared(totals, chunk->header, SHAPE_HEADER);
  keep_declared(totals, chunk->trailer, SHAPE_TRAILER);
  add_types(totals, state);
  add_sums(totals, state);
  for (guint i = 0; i < chunk->problems->len; i++)
    keep_first_problem(totals, chunk->problems->pdata[i]);
}

static LayoutProblem *answer(const LayoutTotals *totals, const char *code, guint64 line, char *reason) {
  LayoutProblem *verdict = totals->verdict;
  g_free(verdict->reason);
  *verdict = (LayoutProblem){.line = line, .reason = reason};
  g_strlcpy(verdict->code, code, sizeof verdict->code);
  return verdict;
}

/* Of all that is wrong with the order of lines, and the chunks' problems, the one with the lowest line is told. */
static void consider(LayoutProblem *found, const char *code, guint64 line, const char *reason) {
  if (line == 0 || (found->line > 0 && found->line <= line))
    return;
  *found = (LayoutProblem){.line = line, .reason = (char *)reason};
  g_strlcpy(found->code, code, sizeof found->code);
}

static LayoutProblem *check_order(const LayoutTotals *totals) {
  const Shape *shapes = totals->layout->shapes;
  guint64 header = totals->lines[SHAPE_HEADER], trailer = totals->lines[SHAPE_TRAILER];
  LayoutProblem found = {0};
  if (header > 0 && !totals->header_is_first)
    consider(&found, "T007", header, "the header is not the first line");
  consider(&found, "T007", totals->seconds[SHAPE_HEADER], "a second header");
  consider(&found, "T008", totals->seconds[SHAPE_TRAILER], "a second trailer");
  if (totals->first)
    consider(&found, totals->first->code, totals->first->line, totals->first->reason);
  if (trailer > 0 && totals->last_record > trailer)
    consider(&found, "T008", totals->last_record, "a line behind the trailer");
  if (shapes[SHAPE_HEADER].present && header == 0)
    consider(&found, "T001", 1, "the file has no header");
  if (shapes[SHAPE_TRAILER].present && trailer == 0)
    consider(&found, "T002", MAX(totals->last_record, MAX(header, 1)),
             "the file has no trailer: it may have been cut off");
  return found.line > 0 ? answer(totals, found.code, found.line, g_strdup(found.reason)) : NULL;
}

static LayoutSum scaled(LayoutSum value, guint scale, guint to) {
  for (; scale < to; scale++)
    value *= 10;
  return value;
}

static char *differs(const ConfField *field, const char *of, gint64 declared, guint declared_scale, gint64 counted,
                     guint scale) {
  char a[24], b[24];
  int a_length = (int)value_print(declared, declared_scale, a), b_length = (int)value_print(counted, scale, b);
  if (field->mask)
    return g_strdup_printf("%s: the declared %s differs from what the file holds", field->name, of);
  return g_strdup_printf("%s: %.*s declared, the %s is %.*s", field->name, a_length, a, of, b_length, b);
}

/* " of D": which records, where not all of them count. The caller frees. */
static char *of_which(const LayoutTotals *totals, const Control *control, const char *what) {
  const char *tag = control->type < 0 ? NULL : totals->layout->shapes[SHAPE_RECORD + control->type].tag;
  return tag ? g_strdup_printf("%s of records %s", what, tag) : g_strdup(what);
}

/* Records, or lines: a record that has line ends in its values is one. */
static guint64 count_of(const LayoutTotals *totals, const Control *control) {
  const ConfField *field = control->field;
  guint64 counted = control->type < 0 ? totals->records : totals->typed[control->type];
  if (field->control != CONF_CONTROL_COUNT)
    counted += (totals->lines[SHAPE_HEADER] ? 1u : 0u) + (totals->lines[SHAPE_TRAILER] ? 1u : 0u);
  if (field->control == CONF_CONTROL_ALL_LINES)
    counted += totals->passed_over;
  return field->per_block ? (counted + field->per_block - 1) / field->per_block : counted;
}

static LayoutProblem *check_count(const LayoutTotals *totals, guint c, guint64 line) {
  const Control *control = &totals->layout->controls[c];
  const ConfField *field = control->field;
  guint scale = field->type == CONF_DECIMAL ? field->scale : 0;
  guint64 counted = count_of(totals, control);
  if (scaled((LayoutSum)counted, 0, scale) == totals->declared[c])
    return NULL;
  g_autofree char *of = field->control != CONF_CONTROL_COUNT
                            ? g_strdup_printf("count of %s", field->per_block ? "blocks" : "lines")
                        : control->type < 0 ? g_strdup("count of records")
                                            : of_which(totals, control, "count");
  return answer(totals, "T003", line, differs(field, of, totals->declared[c], scale, (gint64)counted, 0));
}

static LayoutSum cut_to(LayoutSum sum, guint digits) {
  LayoutSum most = 1;
  for (guint i = 0; i < digits; i++)
    most *= 10;
  return digits > 0 ? (sum < 0 ? -sum : sum) % most : sum;
}

static LayoutProblem *check_sum(const LayoutTotals *totals, guint c, guint64 line) {
  static const char *const names[] = {CONF_CONTROLS(CONF_WORD)};
  const Layout *layout = totals->layout;
  const Control *control = &layout->controls[c];
  const StagingColumn *column = &layout->columns[control->column];
  guint s = control->sum, scale = control->field->type == CONF_DECIMAL ? control->field->scale : 0,
        opening_scale = control->opening && control->opening->type == CONF_DECIMAL ? control->opening->scale : 0,
        finest = MAX(MAX(scale, opening_scale), column->scale);
  if (totals->unreadable[s] > 0)
    return answer(
        totals, "T005", totals->unreadable[s],
        g_strdup_printf("%s: the sum of %s cannot be confirmed: it could not be read in line %" G_GUINT64_FORMAT,
                        control->field->name, column->name, totals->unreadable[s]));
  LayoutSum sum = cut_to(scaled(totals->sums[s], column->scale, finest), control->field->low_digits) +
                  scaled(totals->opening[c], opening_scale, finest);
  if (sum > G_MAXINT64 || sum < G_MININT64)
    return answer(totals, "T006", line,
                  g_strdup_printf("%s: the sum of %s is beyond 64 bits", control->field->name, column->name));
  if (scaled(totals->declared[c], scale, finest) == sum)
    return NULL;
  g_autofree char *what = g_strdup_printf("%s%s%s of %s", control->opening ? control->opening->name : "",
                                          control->opening ? " and the " : "", names[layout->sums[s].what],
                                          column->name);
  g_autofree char *of = of_which(totals, control, what);
  return answer(totals, "T004", line,
                differs(control->field, of, totals->declared[c], scale, (gint64)sum, finest));
}

const LayoutProblem *layout_totals_check(const LayoutTotals *totals) {
  LayoutProblem *problem = check_order(totals);
  for (guint pass = 0; pass < 2; pass++) /* counts first: a missing line explains a wrong sum */
    for (guint c = 0; !problem && c < totals->layout->n_controls; c++) {
      const Control *control = &totals->layout->controls[c];
      guint64 line = totals->lines[control->where];
      if (totals->is_declared[c] && (control->column < 0) == (pass == 0))
        problem = pass == 0 ? check_count(totals, c, line) : check_sum(totals, c, line);
    }
  return problem;
}
