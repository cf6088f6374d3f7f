/* Control totals and the order of lines over the whole file. What is told is what comes first in it. */
#include "gateway/records/tally_private.h"
#include <string.h>

struct LayoutTotals {
  const Layout *layout;
  Tally file;
  OpenGroup *groups;
  guint64 last_line;    /* of the records and outer lines */
  guint64 first_behind; /* of those behind the trailer; 0: none, or none that came after it was known */
  /* of header and trailer: the first one's, and the first that is one too many */
  guint64 lines[SHAPE_RECORD], seconds[SHAPE_RECORD];
  gboolean header_is_first; /* before it are only lines that are passed over */
  LayoutProblem *first; /* the chunks' problem with the lowest line */
  /* the last answer of check; a pointer, so that a const totals can answer */
  LayoutProblem *verdict;
  LayoutProblem answer;
};

LayoutTotals *layout_totals_new(const Layout *layout) {
  LayoutTotals *totals = g_new0(LayoutTotals, 1);
  totals->layout = layout;
  totals->file = tally_new(layout);
  totals->groups = g_new0(OpenGroup, layout->n_groups + 1);
  GroupNow *now = groups_now_new(layout);
  for (guint g = 0; g < layout->n_groups; g++)
    totals->groups[g] = (OpenGroup){.tally = tally_new(layout), .now = now[g]};
  g_free(now);
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
  tally_clear(&totals->file);
  GroupNow *now = g_new0(GroupNow, totals->layout->n_groups + 1);
  for (guint g = 0; g < totals->layout->n_groups; g++) {
    tally_clear(&totals->groups[g].tally);
    now[g] = totals->groups[g].now;
  }
  groups_now_free(totals->layout, now);
  g_free(totals->groups);
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
  totals->file.own_lines += *first == 0 ? 1 : 0;
  keep_lowest(&totals->seconds[kind], *first == 0 ? 0 : MAX(*first, line));
  keep_lowest(first, line);
}

static void keep_declared(LayoutTotals *totals, const LayoutLine *line, ShapeKind where) {
  for (guint c = 0; line && c < totals->layout->n_controls; c++) {
    const Control *control = &totals->layout->controls[c];
    if (control->group >= 0)
      continue;
    for (guint i = 0; i < line->values->len; i++) {
      const LayoutValue *value = line->values->pdata[i];
      Tally *file = &totals->file;
      if (value->text && value->field == control->opening)
        file->opening[c] = value->integer;
      if (control->where == where && !file->is_declared[c] && value->field == control->field && value->text) {
        file->declared[c] = value->integer;
        file->is_declared[c] = TRUE;
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

/* What a record says to be the number of, it is; that of a faulty one may not have been read. */
static void check_number(LayoutTotals *totals, const ChunkState *state, const LayoutField *field, guint record) {
  const RecordBlock *block = state->chunk.block;
  guint64 line = block->lines[record],
          expected = field->conf->numbers == CONF_NUMBERS_LINES ? line : totals->file.records + record + 1;
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

/* Of the chunk's records and outer lines. */
static void learn_lines(LayoutTotals *totals, const ChunkState *state) {
  const RecordBlock *block = state->chunk.block;
  guint64 trailer = totals->lines[SHAPE_TRAILER];
  guint from = 0, to = block->count;
  while (trailer > 0 && from < to) {
    guint middle = from + (to - from) / 2;
    *(block->lines[middle] > trailer ? &to : &from) = block->lines[middle] > trailer ? middle : middle + 1;
  }
  if (trailer > 0 && from < block->count)
    keep_lowest(&totals->first_behind, block->lines[from]);
  if (trailer > 0)
    keep_lowest(&totals->first_behind, state->first_outer > trailer ? state->first_outer : state->outer_behind);
  totals->last_line = MAX(totals->last_line, block->count > 0 ? block->lines[block->count - 1] : 0);
  totals->last_line = MAX(totals->last_line, state->last_outer);
}

static void tell_problem(gpointer totals, const LayoutProblem *problem) {
  keep_first_problem(totals, problem);
}

void layout_totals_add(LayoutTotals *totals, LayoutChunk *chunk) {
  const ChunkState *state = layout_chunk_state(chunk);
  const Layout *layout = totals->layout;
  const RecordBlock *block = chunk->block;
  Tally *file = &totals->file;
  if (layout->is_numbered)
    check_numbers(totals, state);
  file->passed_over += chunk->passed_over;
  tally_add_records(layout, file, state, 0, block->count);
  for (guint s = 0; s < layout->n_sums; s++)
    keep_lowest(&file->unreadable[s], state->unreadable[s]);
  keep_line(totals, SHAPE_HEADER, state->header_line);
  keep_line(totals, SHAPE_TRAILER, state->trailer_line);
  learn_lines(totals, state);
  totals->header_is_first = totals->header_is_first || state->header_is_first;
  keep_declared(totals, chunk->header, SHAPE_HEADER);
  keep_declared(totals, chunk->trailer, SHAPE_TRAILER);
  if (layout->n_shapes > layout->first_outer)
    groups_add(layout, totals->groups, file, chunk, tell_problem, totals);
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

/* The first that is told: that of the outermost group. */
static void consider_problem(gpointer kept, const LayoutProblem *problem) {
  LayoutProblem *first = kept;
  if (first->reason)
    return;
  *first = *problem;
  first->reason = g_strdup(problem->reason);
}

/* The first line behind the trailer, whose number is told, and how far they go. The caller frees. */
static char *behind_reason(const LayoutTotals *totals, guint64 first) {
  guint64 trailer = totals->lines[SHAPE_TRAILER];
  return totals->last_line > first
             ? g_strdup_printf("lines behind the trailer, which is line %" G_GUINT64_FORMAT
                               ": from here to line %" G_GUINT64_FORMAT, trailer, totals->last_line)
             : g_strdup_printf("a line behind the trailer, which is line %" G_GUINT64_FORMAT, trailer);
}

/* A tag in other letters is a common reason, and easily overlooked. */
static char *no_header_reason(const char *tag) {
  return tag ? g_strdup_printf("the file has no header: no line has its tag '%s'", tag)
             : g_strdup("the file has no header");
}

static LayoutProblem *check_order(const LayoutTotals *totals) {
  const Shape *shapes = totals->layout->shapes;
  guint64 header = totals->lines[SHAPE_HEADER], trailer = totals->lines[SHAPE_TRAILER];
  LayoutProblem found = {0}, of_end = {0};
  if (header > 0 && !totals->header_is_first)
    consider(&found, "T007", header, "the header is not the first line");
  consider(&found, "T007", totals->seconds[SHAPE_HEADER], "a second header");
  consider(&found, "T008", totals->seconds[SHAPE_TRAILER], "a second trailer");
  gboolean is_first_behind = totals->first && trailer > 0 && totals->first->line > trailer &&
                             strcmp(totals->first->code, "T014") == 0; /* so it is outside of groups, too */
  guint64 behind = is_first_behind ? totals->first->line : 0;
  if (trailer > 0 && totals->last_line > trailer)
    keep_lowest(&behind, totals->first_behind ? totals->first_behind : totals->last_line);
  g_autofree char *why_behind = behind ? behind_reason(totals, behind) : NULL;
  if (totals->first && !is_first_behind)
    consider(&found, totals->first->code, totals->first->line, totals->first->reason);
  consider(&found, "T008", behind, why_behind);
  groups_end(totals->layout, totals->groups, consider_problem, &of_end);
  if (of_end.reason)
    consider(&found, of_end.code, of_end.line, of_end.reason);
  g_autofree char *no_header = no_header_reason(totals->layout->conf->header.tag);
  if (shapes[SHAPE_HEADER].present && header == 0)
    consider(&found, "T001", 1, no_header);
  if (shapes[SHAPE_TRAILER].present && trailer == 0)
    consider(&found, "T002", MAX(totals->last_line, MAX(header, 1)),
             "the file has no trailer: it may have been cut off");
  LayoutProblem *told = found.line > 0 ? answer(totals, found.code, found.line, g_strdup(found.reason)) : NULL;
  g_free(of_end.reason);
  return told;
}

const LayoutProblem *layout_totals_check(const LayoutTotals *totals) {
  const Layout *layout = totals->layout;
  LayoutProblem *problem = check_order(totals), found;
  for (guint pass = 0; pass < 2; pass++) /* counts first: a missing line explains a wrong sum */
    for (guint c = 0; !problem && c < layout->n_controls; c++) {
      const Control *control = &layout->controls[c];
      if (control->group < 0 && control->is_sum == (pass == 1) &&
          !tally_holds(layout, &totals->file, c, totals->lines[control->where], &found))
        problem = answer(totals, found.code, found.line, found.reason);
    }
  return problem;
}
