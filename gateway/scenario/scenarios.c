#include "gateway/scenario/condition_private.h"
#include "gateway/scenario/set_private.h"

typedef struct {
  ScenarioSet *set;
  const ScenarioSource *source;
  ConfReport *report;
} Making;

static void cell_clear(gpointer cell) {
  g_clear_pointer(&((CellRule *)cell)->boxes, g_ptr_array_unref);
}

static void scenario_free(Scenario *scenario) {
  cell_clear(&scenario->cell);
  g_array_unref(scenario->channels);
  g_free(scenario);
}

void scenario_set_free(ScenarioSet *set) {
  if (!set)
    return;
  g_ptr_array_unref(set->scenarios);
  key_space_free(set->space);
  g_free(set);
}

guint scenario_set_count(const ScenarioSet *set) {
  return set->scenarios->len;
}

const ConfScenario *scenario_set_at(const ScenarioSet *set, guint scenario) {
  return ((const Scenario *)set->scenarios->pdata[scenario])->conf;
}

/* --- Conditions */

static gboolean is_possible(const GPtrArray *boxes, const KeySpace *space) {
  for (guint i = 0; i < boxes->len; i++) {
    g_autoptr(Box) box = box_within(boxes->pdata[i], space);
    if (box)
      return TRUE;
  }
  return FALSE;
}

static void compile(const Making *making, CellRule *cell, char *const *keys) {
  g_autoptr(GError) error = NULL;
  cell->boxes = cell->when ? condition_boxes(cell->when, making->set->space, keys, &error) : boxes_new();
  if (!cell->boxes) {
    conf_report_error(making->report, cell->where, "%s \"%s\": %s", cell->kind, cell->name, error->message);
    cell->boxes = boxes_new();
  } else if (cell->when && !is_possible(cell->boxes, making->set->space)) {
    conf_report_error(making->report, cell->where, "%s \"%s\": no record can fulfil its condition", cell->kind,
                      cell->name);
  }
}

/* --- Where cells stand: in everything that the feed's records can have, in a scenario, or in what no other scenario
 * has. */

typedef struct {
  const CellRule *of;           /* the scenario; NULL: scenarios themselves */
  const GPtrArray *within;  /* Box*; NULL: everything, … */
  const GPtrArray *besides; /* … but for these */
} Ground;

/* The keys of the conditions alone, as the others may have any value. */
static void forget_others(Box *box, const Box *said) {
  for (guint i = 0; i < box->n; i++)
    if (!said->values[i])
      g_clear_pointer(&box->values[i], key_values_free);
}

static char *show_common(const Making *making, const Box *both, const GPtrArray *besides) {
  gboolean given_up;
  g_autoptr(Box) there = box_within(both, making->set->space);
  g_autoptr(Box) rest = there ? box_rest(there, besides, &given_up) : NULL;
  if (rest && besides->len == 0)
    forget_others(rest, both);
  return rest ? box_show(rest, making->set->space) : NULL;
}

static char *in_common(const Making *making, const CellRule *a, const CellRule *b, const Ground *ground) {
  for (guint i = 0; i < a->boxes->len; i++)
    for (guint j = 0; j < b->boxes->len; j++)
      for (guint k = 0; k < (ground->within ? ground->within->len : 1); k++) {
        g_autoptr(Box) both = box_both(a->boxes->pdata[i], b->boxes->pdata[j]);
        g_autoptr(Box) inside = both && ground->within ? box_both(both, ground->within->pdata[k])
                                                       : g_steal_pointer(&both);
        char *shown = inside ? show_common(making, inside, ground->besides) : NULL;
        if (shown)
          return shown;
      }
  return NULL;
}

static void hold_apart(const Making *making, const CellRule *cell, const CellRule *earlier, const Ground *ground) {
  if (!cell->when && !earlier->when) {
    conf_report_error(making->report, cell->where, "%s \"%s\" and \"%s\" (%s:%u) are both 'otherwise'", cell->kind,
                      cell->name, earlier->name, earlier->where.file, earlier->where.line);
    return;
  }
  g_autofree char *shown = in_common(making, cell, earlier, ground);
  if (shown)
    conf_report_error(making->report, cell->where, "%s \"%s\" overlaps \"%s\" (%s:%u): a record with %s matches both",
                      cell->kind, cell->name, earlier->name, earlier->where.file, earlier->where.line, shown);
}

/* All that the feed's records can have: they are of its own partner. */
static Box *everything(const KeySpace *space) {
  Box *whole = box_new(space->keys->len);
  for (guint i = 0; i < whole->n; i++) {
    const Key *key = space->keys->pdata[i];
    whole->values[i] = key->home == KEY_OF_FEED ? key_values_span(0, 0) : key_values_copy(key->domain);
  }
  return whole;
}

/* TRUE: one was told. */
static gboolean tell_gap(const Making *making, const Box *whole, const GPtrArray *covered, const CellRule *first,
                         const CellRule *of) {
  gboolean given_up = FALSE;
  g_autoptr(Box) rest = box_rest(whole, covered, &given_up);
  g_autofree char *shown = rest ? box_show(rest, making->set->space) : NULL;
  g_autofree char *who = of ? g_strdup_printf("%s \"%s\"", of->kind, of->name)
                            : g_strdup_printf("feed \"%s\"", making->source->feed->name);
  ConfWhere where = of ? of->where : first->where;
  if (shown)
    conf_report_warning(making->report, where, "%s: a record with %s belongs to no %s; otherwise = yes takes the rest",
                        who, shown, first->kind);
  else if (given_up)
    conf_report_warning(making->report, where,
                        "%s: whether every record belongs to a %s could not be told in the time that a check has", who,
                        first->kind);
  return shown || given_up;
}

static void look_for_gap(const Making *making, const GArray *cells, const Ground *ground) {
  g_autoptr(Box) whole = everything(making->set->space);
  g_autoptr(GPtrArray) covered = g_ptr_array_new();
  gboolean is_told = FALSE;
  g_ptr_array_extend(covered, (GPtrArray *)(gsize)ground->besides, NULL, NULL);
  for (guint i = 0; i < cells->len; i++) {
    const CellRule *cell = &g_array_index(cells, CellRule, i);
    if (!cell->when)
      return;
    g_ptr_array_extend(covered, cell->boxes, NULL, NULL);
  }
  for (guint i = 0; !is_told && i < (ground->within ? ground->within->len : 1); i++) {
    g_autoptr(Box) part = ground->within ? box_both(whole, ground->within->pdata[i]) : g_steal_pointer(&whole);
    is_told = part && tell_gap(making, part, covered, &g_array_index(cells, CellRule, 0), ground->of);
  }
}

/* --- All of them */

static void hold_all_apart(const Making *making, const GArray *cells, const Ground *ground) {
  for (guint i = 0; i < cells->len; i++)
    for (guint j = 0; j < i; j++)
      hold_apart(making, &g_array_index(cells, CellRule, i), &g_array_index(cells, CellRule, j), ground);
}

typedef void (*LookAtCells)(const Making *making, const GArray *cells, const Ground *ground);

/* The scenarios with each other, then each one's channels. */
static void look_at_all(const Making *making, LookAtCells look) {
  const GPtrArray *scenarios = making->set->scenarios;
  g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(CellRule));
  g_autoptr(GPtrArray) none = g_ptr_array_new(), all = g_ptr_array_new();
  const Ground everywhere = {NULL, NULL, none};
  for (guint i = 0; i < scenarios->len; i++) {
    const CellRule *cell = &((const Scenario *)scenarios->pdata[i])->cell;
    g_array_append_val(cells, *cell);
    g_ptr_array_extend(all, cell->boxes, NULL, NULL);
  }
  look(making, cells, &everywhere);
  for (guint i = 0; i < scenarios->len; i++) {
    const Scenario *scenario = scenarios->pdata[i];
    const CellRule *cell = &scenario->cell;
    const Ground ground = {cell, cell->when ? cell->boxes : NULL, cell->when ? none : all};
    if (scenario->channels->len > 0)
      look(making, scenario->channels, &ground);
  }
}

/* --- Its making */

static gboolean is_of(const ConfScenario *scenario, const ConfFeed *feed) {
  return !scenario->feeds || g_strv_contains((const char *const *)scenario->feeds, feed->name);
}

/* All keys are known before the first condition, so that every box has a place for each. */
static void add_scenario(const Making *making, const ConfScenario *conf) {
  const KeyOrigin source = {making->source->feed, making->source->layout};
  Scenario *scenario = g_new0(Scenario, 1);
  scenario->conf = conf;
  scenario->cell = (CellRule){"scenario", conf->name, conf->when, conf->where, NULL};
  scenario->channels = g_array_new(FALSE, TRUE, sizeof(CellRule));
  g_array_set_clear_func(scenario->channels, cell_clear);
  g_ptr_array_add(making->set->scenarios, scenario);
  for (char **key = conf->keys; key && *key; key++) {
    g_autoptr(GError) error = NULL;
    if (!key_space_add(making->set->space, &source, *key, &error))
      conf_report_error(making->report, conf->where, "scenario \"%s\": %s", conf->name, error->message);
  }
}

static void compile_all(const Making *making, Scenario *scenario) {
  compile(making, &scenario->cell, scenario->conf->keys);
  for (guint i = 0; i < scenario->conf->channels->len; i++) {
    const ConfChannel *conf = scenario->conf->channels->pdata[i];
    CellRule channel = {"channel", conf->name, conf->when, conf->where, NULL};
    compile(making, &channel, scenario->conf->keys);
    g_array_append_val(scenario->channels, channel);
  }
}

ScenarioSet *scenario_set_new(const ScenarioSource *source, ConfReport *report) {
  g_autoptr(ScenarioSet) set = g_new0(ScenarioSet, 1);
  Making making = {set, source, report};
  guint errors = report->errors;
  set->space = key_space_new();
  set->scenarios = g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);
  for (guint i = 0; i < source->lane->scenarios->len; i++)
    if (is_of(source->lane->scenarios->pdata[i], source->feed))
      add_scenario(&making, source->lane->scenarios->pdata[i]);
  gboolean has_keys = report->errors == errors;
  for (guint i = 0; has_keys && i < set->scenarios->len; i++)
    compile_all(&making, set->scenarios->pdata[i]);
  if (report->errors == errors && set->scenarios->len > 0) {
    look_at_all(&making, hold_all_apart);
    look_at_all(&making, look_for_gap);
  }
  return report->errors == errors ? g_steal_pointer(&set) : NULL;
}
