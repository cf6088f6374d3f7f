#include "gateway/records/answer_groups.h"
#include <string.h>

static const CellPlace COUNT_PLACE = {FEEDBACK_COUNT_BYTES, TRUE, '0', 0, NULL},
                       AMOUNT_PLACE = {FEEDBACK_AMOUNT_BYTES, TRUE, '0', 0, NULL};

guint64 line_tally_records(const LineTally *tally) {
  return tally->counts[OUTCOME_ACCEPTED] + tally->counts[OUTCOME_REJECTED] + tally->counts[OUTCOME_DUPLICATE];
}

void answer_put_totals(Rows *rows, const AnswerAmount *amount, const LineTally *tally) {
  const guint64 numbers[] = {line_tally_records(tally), tally->counts[OUTCOME_ACCEPTED],
                             tally->counts[OUTCOME_REJECTED], tally->counts[OUTCOME_DUPLICATE]};
  char text[FEEDBACK_AMOUNT_BYTES + VALUE_LONGEST];
  CellPlace place = AMOUNT_PLACE;
  place.field = &amount->field;
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
    rows_put_number(rows, COUNT_PLACE, text, value_print((gint64)numbers[i], 0, text));
    rows_put_delimiter(rows);
  }
  if (!amount->present)
    rows_put_absent(rows, AMOUNT_PLACE);
  else
    rows_put_number(
        rows, place, text,
        rows->is_fixed ? value_print_as(&amount->field, FEEDBACK_AMOUNT_BYTES, tally->amount, amount->scale, text)
                       : value_print(tally->amount, amount->scale, text));
  rows_end_line(rows);
}

gsize answer_totals_width(void) {
  return 4 * FEEDBACK_COUNT_BYTES + FEEDBACK_AMOUNT_BYTES;
}

gboolean answer_groups_open(AnswerGroups *groups, const FeedbackOptions *options, Rows *rows, GError **error) {
  const Layout *layout = options->layout;
  *groups = (AnswerGroups){.n = 0};
  if (!options->conf || !options->conf->group_lines || !options->staging)
    return TRUE;
  groups->groups = g_new0(AnswerGroup, layout->n_groups + 1);
  for (guint g = 0; g < layout->n_groups; g++) {
    AnswerGroup *group = &groups->groups[groups->n++];
    const Shape *trailer = &layout->shapes[layout_group_header(layout, g) + 1];
    group->end = trailer->present ? echoes_tag_of(trailer, rows) : NULL;
    group->column = echoes_find_column(options, layout_conf_group(layout, g)->name);
    if (!echoes_open_group(&group->header, options, rows, g, error))
      return FALSE;
  }
  return TRUE;
}

void answer_groups_clear(AnswerGroups *groups) {
  for (guint g = 0; g < groups->n; g++) {
    echoes_clear(&groups->groups[g].header);
    if (groups->groups[g].end)
      g_string_free(groups->groups[g].end, TRUE);
  }
  g_clear_pointer(&groups->groups, g_free);
  groups->n = 0;
}

gsize answer_groups_width(const AnswerGroups *groups) {
  gsize width = 0;
  for (guint g = 0; g < groups->n; g++)
    width = MAX(width, echoes_width(&groups->groups[g].header));
  return groups->n > 0 ? MAX(width, answer_totals_width()) : 0;
}

void answer_groups_end(AnswerGroups *groups, Rows *rows, const AnswerAmount *amount, guint first) {
  for (guint g = groups->n; g-- > first;) {
    AnswerGroup *group = &groups->groups[g];
    if (group->line > 0 && group->end) {
      rows_put(rows, group->end->str, group->end->len);
      answer_put_totals(rows, amount, &group->tally);
    }
    group->line = 0;
    memset(&group->tally, 0, sizeof group->tally);
  }
}

static gint64 begins_in(const AnswerGroup *group, const RecordBlock *block, guint index) {
  return group->column < 0 || record_block_is_null(block, (guint)group->column, index)
             ? 0
             : record_block_integer(block, (guint)group->column, index);
}

void answer_groups_turn(AnswerGroups *groups, Rows *rows, const AnswerAmount *amount, const RecordBlock *block,
                        guint index) {
  guint same = 0;
  while (same < groups->n && groups->groups[same].line == begins_in(&groups->groups[same], block, index))
    same++;
  if (G_LIKELY(same == groups->n))
    return;
  answer_groups_end(groups, rows, amount, same);
  for (guint g = same; g < groups->n; g++) {
    groups->groups[g].line = begins_in(&groups->groups[g], block, index);
    if (groups->groups[g].line == 0) /* a record outside of it: the file is refused for that */
      continue;
    echoes_put(&groups->groups[g].header, rows, block, index);
    rows->length -= rows->delimiter_length; /* behind the last one stands nothing */
    rows_end_line(rows);
  }
}

gboolean answer_groups_count(AnswerGroups *groups, Outcome outcome, gint64 amount) {
  gboolean fits = TRUE;
  for (guint g = 0; g < groups->n; g++) {
    LineTally *tally = &groups->groups[g].tally;
    tally->counts[outcome]++;
    fits = !__builtin_add_overflow(tally->amount, amount, &tally->amount) && fits;
  }
  return fits;
}
