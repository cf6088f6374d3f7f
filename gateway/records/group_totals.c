/* Groups over the whole file. Chunks are parsed apart; here they come in the file's order, and what each begins in is
 * known: where groups begin and end, whether that is as the layout has it, and whether their totals hold. Nothing is
 * kept of a group that has ended. Codes: T014 a line outside of the group that it must stand in, T015 a group that is
 * not ended; T003 to T006 for its totals. */
#include "gateway/records/tally_private.h"

typedef struct {
  const Layout *layout;
  OpenGroup *groups;
  Tally *file;
  const ChunkState *state;
  TellProblem tell;
  gpointer totals;
  guint record;        /* of the chunk: those before are counted */
  const guint64 *beside; /* addenda and remarks of the chunk that are counted */
  guint64 passed_over;
  guint64 line; /* those before are looked at */
} Walk;

static void tell(const Walk *walk, const char *code, guint64 line, char *reason) {
  LayoutProblem problem = {.line = line, .reason = reason};
  g_strlcpy(problem.code, code, sizeof problem.code);
  walk->tell(walk->totals, &problem);
  g_free(reason);
}

static const char *name_of(const Walk *walk, guint group) {
  return layout_conf_group(walk->layout, group)->name;
}

static gboolean has_trailer(const Layout *layout, guint group) {
  return layout->shapes[layout_group_header(layout, group) + 1].present;
}

/* --- What stands between two lines of groups */

static void add_records(Walk *walk, guint to) {
  const Layout *layout = walk->layout;
  const RecordBlock *block = walk->state->chunk.block;
  guint innermost = layout->n_groups - 1;
  if (to > walk->record && !walk->groups[innermost].is_open)
    tell(walk, "T014", block->lines[walk->record],
         g_strdup_printf("a record outside of a group %s", name_of(walk, innermost)));
  for (guint g = 0; g < layout->n_groups && walk->groups[g].is_open; g++)
    tally_add_records(layout, &walk->groups[g].tally, walk->state, walk->record, to);
  walk->record = to;
}

static void add_beside(Walk *walk, const guint64 *to, guint64 passed_over) {
  const Layout *layout = walk->layout;
  for (guint g = 0; g < layout->n_groups && walk->groups[g].is_open; g++) {
    Tally *tally = &walk->groups[g].tally;
    for (guint i = 0; i < layout->n_addenda + layout->n_remarks; i++) {
      guint64 more = to[i] - (walk->beside ? walk->beside[i] : 0);
      tally->counted[layout->first_outer + i] += more;
      tally->own_lines += more;
    }
    tally->passed_over += passed_over - walk->passed_over;
  }
  walk->beside = to;
  walk->passed_over = passed_over;
}

/* Of each sum, the chunk keeps the first line only: when it stands in this group, the file is refused for it, and what
 * comes behind decides nothing any more. */
static void add_unreadable(Walk *walk, guint64 before) {
  for (guint g = 0; g < walk->layout->n_groups && walk->groups[g].is_open; g++)
    for (guint s = 0; s < walk->layout->n_sums; s++) {
      guint64 line = walk->state->unreadable[s], *kept = &walk->groups[g].tally.unreadable[s];
      if (line >= walk->line && line < before && *kept == 0)
        *kept = line;
    }
  walk->line = before;
}

/* --- Beginning and ending */

static void check_totals(const Walk *walk, guint group, guint64 line) {
  const OpenGroup *open = &walk->groups[group];
  for (guint pass = 0; pass < 2; pass++) /* counts first: a missing line explains a wrong sum */
    for (guint c = 0; c < walk->layout->n_controls; c++) {
      const Control *control = &walk->layout->controls[c];
      LayoutProblem problem;
      if (control->group != (gint)group || control->is_sum != (pass == 1) ||
          tally_holds(walk->layout, &open->tally, c, line, &problem))
        continue;
      g_autofree char *reason = problem.reason;
      tell(walk, problem.code, problem.line,
           g_strdup_printf("group %s, lines %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ": %s", name_of(walk, group),
                           open->now.line, line, reason));
      return;
    }
}

static void end_group(Walk *walk, guint group, guint64 line) {
  OpenGroup *open = &walk->groups[group];
  open->is_open = open->now.is_open = FALSE;
  check_totals(walk, group, line);
}

/* Those from `first` on are ended by the line, from the innermost out; with a trailer they should have been before. */
static void end_inner(Walk *walk, guint first, guint64 line) {
  for (guint g = walk->layout->n_groups; g-- > first;) {
    if (!walk->groups[g].is_open)
      continue;
    if (has_trailer(walk->layout, g))
      tell(walk, "T015", line,
           g_strdup_printf("group %s, which begins in line %" G_GUINT64_FORMAT ", has no trailer before this line",
                           name_of(walk, g), walk->groups[g].now.line));
    end_group(walk, g, line);
  }
}

static void begin_group(Walk *walk, guint group, const GroupLine *line) {
  OpenGroup *open = &walk->groups[group];
  end_inner(walk, group, line->line);
  if (group > 0 && !walk->groups[group - 1].is_open)
    tell(walk, "T014", line->line,
         g_strdup_printf("group %s begins outside of a group %s", name_of(walk, group), name_of(walk, group - 1)));
  tally_begin(walk->layout, &open->tally);
  open->is_open = TRUE;
  open->now.line = line->line;
}

static void add_line(Walk *walk, const GroupLine *line) {
  const Layout *layout = walk->layout;
  const GroupNumber *numbers = &g_array_index(walk->state->numbers, GroupNumber, line->numbers);
  guint group = (guint)layout_group_of(layout, line->kind);
  gboolean is_header = line->kind == layout_group_header(layout, group);
  if (is_header)
    begin_group(walk, group, line);
  else
    end_inner(walk, group + 1, line->line);
  tally_add_line(layout, walk->file, line->kind, numbers);
  for (guint g = 0; g <= group; g++)
    if (walk->groups[g].is_open)
      tally_add_line(layout, &walk->groups[g].tally, line->kind, numbers);
  if (!walk->groups[group].is_open) {
    tell(walk, "T014", line->line, g_strdup_printf("the trailer of a group %s that has no header",
                                                   name_of(walk, group)));
    return;
  }
  tally_declare(layout, &walk->groups[group].tally, group, line->kind, numbers);
  if (!is_header)
    end_group(walk, group, line->line);
}

void groups_add(const Layout *layout, OpenGroup *groups, Tally *file, LayoutChunk *chunk, TellProblem tell_problem,
                gpointer totals) {
  const ChunkState *state = layout_chunk_state(chunk);
  Walk walk = {
      .layout = layout, .groups = groups, .file = file, .state = state, .tell = tell_problem, .totals = totals};
  for (guint i = 0; i < layout->n_addenda + layout->n_remarks; i++) {
    file->counted[layout->first_outer + i] += state->beside[i];
    file->own_lines += state->beside[i];
  }
  if (layout->n_groups == 0)
    return;
  for (guint g = 0; g < layout->n_groups; g++)
    outer_fill(chunk, g, &groups[g].now);
  for (guint i = 0; i < state->group_lines->len; i++) {
    const GroupLine *line = &g_array_index(state->group_lines, GroupLine, i);
    add_records(&walk, line->record);
    const guint64 *beside = state->counts->len > 0 ? &g_array_index(state->counts, guint64, line->beside)
                                                   : state->beside; /* there are none */
    add_beside(&walk, beside, line->passed_over);
    add_unreadable(&walk, line->line);
    add_line(&walk, line);
  }
  add_records(&walk, chunk->block->count);
  add_beside(&walk, state->beside, chunk->passed_over);
  add_unreadable(&walk, G_MAXUINT64);
  for (guint g = 0; g < layout->n_groups; g++)
    if (state->now[g].is_told)
      group_now_copy(layout, g, &groups[g].now, &state->now[g]);
}

void groups_end(const Layout *layout, const OpenGroup *groups, TellProblem tell_problem, gpointer totals) {
  Walk walk = {.layout = layout, .groups = (OpenGroup *)(gsize)groups, .tell = tell_problem, .totals = totals};
  for (guint g = 0; g < layout->n_groups; g++) {
    if (!groups[g].is_open)
      continue;
    guint64 line = groups[g].now.line;
    if (!has_trailer(layout, g)) {
      check_totals(&walk, g, line);
      continue;
    }
    tell(&walk, "T015", line,
         g_strdup_printf("group %s, which begins here, has no trailer: the file may have been cut off",
                         name_of(&walk, g)));
  }
}
