#include "gateway/records/tally_private.h"
#include <string.h>

Tally tally_new(const Layout *layout) {
  return (Tally){.counted = g_new0(guint64, layout->n_shapes),
                 .sums = g_new0(LayoutSum, layout->n_sums + 1),
                 .unreadable = g_new0(guint64, layout->n_sums + 1),
                 .declared = g_new0(gint64, layout->n_controls + 1),
                 .opening = g_new0(gint64, layout->n_controls + 1),
                 .is_declared = g_new0(gboolean, layout->n_controls + 1)};
}

void tally_clear(Tally *tally) {
  g_free(tally->counted);
  g_free(tally->sums);
  g_free(tally->unreadable);
  g_free(tally->declared);
  g_free(tally->opening);
  g_free(tally->is_declared);
}

void tally_begin(const Layout *layout, Tally *tally) {
  tally->records = tally->own_lines = tally->passed_over = 0;
  memset(tally->counted, 0, layout->n_shapes * sizeof *tally->counted);
  memset(tally->sums, 0, layout->n_sums * sizeof *tally->sums);
  memset(tally->unreadable, 0, layout->n_sums * sizeof *tally->unreadable);
  memset(tally->opening, 0, layout->n_controls * sizeof *tally->opening);
  memset(tally->is_declared, 0, layout->n_controls * sizeof *tally->is_declared);
}

/* --- Adding */

static inline LayoutSum part_of(ConfControl what, gint64 value) {
  switch (what) {
  case CONF_CONTROL_DEBITS:
    return value < 0 ? -(LayoutSum)value : 0;
  case CONF_CONTROL_CREDITS:
    return MAX(value, 0);
  case CONF_CONTROL_GROSS:
    return value < 0 ? -(LayoutSum)value : value;
  case CONF_CONTROL_DEBIT_COUNT:
    return value < 0;
  case CONF_CONTROL_CREDIT_COUNT:
    return value > 0;
  default:
    return value;
  }
}

static LayoutSum sum_of(const ChunkState *state, SumOf of, guint from, guint to) {
  const gint64 *integers = state->chunk.block->columns[of.column].integers;
  LayoutSum sum = 0;
  if ((of.what == CONF_CONTROL_SUM || of.what == CONF_CONTROL_NET) && (of.type < 0 || !state->types)) {
    for (guint i = from; i < to; i++)
      sum += integers[i];
    return sum;
  }
  for (guint i = from; i < to; i++) /* 0 where a record has none, or none that can be read */
    if (of.type < 0 || !state->types || state->types[i] == of.type)
      sum += part_of(of.what, integers[i]);
  return sum;
}

void tally_add_records(const Layout *layout, Tally *tally, const ChunkState *state, guint from, guint to) {
  tally->records += to - from;
  if (!state->types)
    tally->counted[SHAPE_RECORD] += to - from;
  for (guint i = from; state->types && i < to; i++)
    if (state->types[i] != LAYOUT_NO_TYPE)
      tally->counted[SHAPE_RECORD + state->types[i]]++;
  for (guint s = 0; s < layout->n_sums; s++)
    if (layout->sums[s].outer == 0)
      tally->sums[s] += sum_of(state, layout->sums[s], from, to);
}

void tally_add_line(const Layout *layout, Tally *tally, guint kind, const GroupNumber *numbers) {
  tally->counted[kind]++;
  tally->own_lines++;
  for (guint s = 0; s < layout->n_sums; s++) {
    const SumOf *of = &layout->sums[s];
    if (of->outer == kind && numbers[of->column].is_known)
      tally->sums[s] += part_of(of->what, numbers[of->column].integer);
  }
}

void tally_declare(const Layout *layout, Tally *tally, guint group, guint kind, const GroupNumber *numbers) {
  const Shape *shape = &layout->shapes[kind];
  for (guint c = 0; c < layout->n_controls; c++) {
    const Control *control = &layout->controls[c];
    if (control->group != (gint)group)
      continue;
    for (guint f = 0; control->opening && f < shape->n_fields; f++)
      if (shape->fields[f].conf == control->opening && numbers[f].is_known)
        tally->opening[c] = numbers[f].integer;
    if (control->where == kind && numbers[control->index].is_known) {
      tally->declared[c] = numbers[control->index].integer;
      tally->is_declared[c] = TRUE;
    }
  }
}

/* --- Holding it against what is declared */

static gboolean differs_by(LayoutProblem *problem, const char *code, guint64 line, char *reason) {
  *problem = (LayoutProblem){.line = line, .reason = reason};
  g_strlcpy(problem->code, code, sizeof problem->code);
  return FALSE;
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

/* " of records D": which, where not all records count. The caller frees. */
static char *of_which(const Layout *layout, const Control *control, const char *what) {
  if (control->n_counted == 0)
    return g_strdup(what);
  gboolean are_records = TRUE;
  for (guint i = 0; i < control->n_counted; i++)
    are_records = are_records && layout_is_record(layout, control->counted[i]);
  g_autofree char *tags = g_strjoinv(", ", control->field->control_lines);
  return g_strdup_printf("%s of %s %s", what, are_records ? "records" : "lines", tags);
}

/* Records, or lines: a record that has line ends in its values is one. */
static guint64 count_of(const Tally *tally, const Control *control) {
  const ConfField *field = control->field;
  guint64 counted = control->n_counted > 0 ? 0 : tally->records;
  for (guint i = 0; i < control->n_counted; i++)
    counted += tally->counted[control->counted[i]];
  if (field->control != CONF_CONTROL_COUNT)
    counted += tally->own_lines;
  if (field->control == CONF_CONTROL_ALL_LINES)
    counted += tally->passed_over;
  return field->per_block ? (counted + field->per_block - 1) / field->per_block : counted;
}

static gboolean count_holds(const Layout *layout, const Tally *tally, guint c, guint64 line, LayoutProblem *problem) {
  const Control *control = &layout->controls[c];
  const ConfField *field = control->field;
  guint scale = field->type == CONF_DECIMAL ? field->scale : 0;
  guint64 counted = count_of(tally, control);
  if (scaled((LayoutSum)counted, 0, scale) == tally->declared[c])
    return TRUE;
  g_autofree char *of = field->control != CONF_CONTROL_COUNT
                            ? g_strdup_printf("count of %s", field->per_block ? "blocks" : "lines")
                        : control->n_counted == 0 ? g_strdup("count of records")
                                                  : of_which(layout, control, "count");
  return differs_by(problem, "T003", line, differs(field, of, tally->declared[c], scale, (gint64)counted, 0));
}

static LayoutSum cut_to(LayoutSum sum, guint digits) {
  LayoutSum most = 1;
  for (guint i = 0; i < digits; i++)
    most *= 10;
  return digits > 0 ? (sum < 0 ? -sum : sum) % most : sum;
}

static guint scale_of(const ConfField *field) {
  return field && field->type == CONF_DECIMAL ? field->scale : 0;
}

static gboolean is_beyond(LayoutSum sum) {
  return sum > G_MAXINT64 || sum < G_MININT64;
}

/* The first line in which one of what is summed could not be read. */
static guint64 unreadable_in(const Tally *tally, const Control *control) {
  guint64 first = 0;
  for (guint i = 0; i < control->n_sums; i++) {
    guint64 line = tally->unreadable[control->sums[i]];
    first = line > 0 && (first == 0 || line < first) ? line : first;
  }
  return first;
}

static gboolean sum_holds(const Layout *layout, const Tally *tally, guint c, guint64 line, LayoutProblem *problem) {
  static const char *const names[] = {CONF_CONTROLS(CONF_WORD)};
  const Control *control = &layout->controls[c];
  const ConfField *field = control->field;
  guint scale = scale_of(field), opening_scale = scale_of(control->opening), finest = MAX(scale, opening_scale);
  guint64 unreadable = unreadable_in(tally, control);
  if (unreadable > 0)
    return differs_by(
        problem, "T005", unreadable,
        g_strdup_printf("%s: the sum of %s cannot be confirmed: it could not be read in line %" G_GUINT64_FORMAT,
                        field->name, field->control_field, unreadable));
  for (guint i = 0; i < control->n_sums; i++)
    finest = MAX(finest, layout->sums[control->sums[i]].scale);
  LayoutSum sum = 0;
  gboolean is_too_much = FALSE; /* what is beyond 64 bits could leave 128 with 18 digits more */
  for (guint i = 0; i < control->n_sums; i++) {
    LayoutSum part = tally->sums[control->sums[i]];
    guint own_scale = layout->sums[control->sums[i]].scale;
    is_too_much = is_too_much || (own_scale < finest && is_beyond(part));
    sum += is_too_much ? 0 : scaled(part, own_scale, finest);
  }
  sum = cut_to(sum, field->low_digits) + scaled(tally->opening[c], opening_scale, finest);
  if (field->control == CONF_CONTROL_NET && sum < 0)
    sum = -sum;
  if (is_too_much || is_beyond(sum))
    return differs_by(problem, "T006", line,
                      g_strdup_printf("%s: the sum of %s is beyond 64 bits", field->name, field->control_field));
  if (scaled(tally->declared[c], scale, finest) == sum)
    return TRUE;
  g_autofree char *what = g_strdup_printf("%s%s%s of %s", control->opening ? control->opening->name : "",
                                          control->opening ? " and the " : "", names[field->control],
                                          field->control_field);
  g_autofree char *of = of_which(layout, control, what);
  return differs_by(problem, field->control >= CONF_CONTROL_DEBIT_COUNT ? "T003" : "T004", line,
                    differs(field, of, tally->declared[c], scale, (gint64)sum, finest));
}

gboolean tally_holds(const Layout *layout, const Tally *tally, guint c, guint64 line, LayoutProblem *problem) {
  const Control *control = &layout->controls[c];
  if (!tally->is_declared[c])
    return TRUE;
  return control->is_sum ? sum_holds(layout, tally, c, line, problem)
                         : count_holds(layout, tally, c, line, problem);
}
