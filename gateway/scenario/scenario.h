/* The scenarios of a feed: each record belongs to one scenario, and to one of its channels where it has some. Their
 * conditions are compared before any record comes: two that have a record in common, one that no record can fulfil and
 * one that cannot be decided are errors, with a record that shows it; what belongs to none is a warning.
 *
 * A scenario of the lane is one of the feed unless it names other feeds. Keys are fields of the records but time
 * stamps, header_FIELD, record_type and `partner`. Numbers are written as people write them: 1000.00. */
#pragma once
#include "gateway/records/layout.h"
#include "store/rules.h"

typedef struct ScenarioSet ScenarioSet; /* once made it is only read: any number of threads */
typedef struct {
  const ConfLane *lane;
  const ConfFeed *feed;
  const Layout *layout;
} ScenarioSource; /* borrowed */

/* Tells all that is wrong or uncovered to the report, at the conditions' lines. NULL: there are errors. */
ScenarioSet *scenario_set_new(const ScenarioSource *source, ConfReport *report) G_GNUC_WARN_UNUSED_RESULT;
void scenario_set_free(ScenarioSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScenarioSet, scenario_set_free)

guint scenario_set_count(const ScenarioSet *set); /* 0: the feed has none, and nothing is asked of it */
const ConfScenario *scenario_set_at(const ScenarioSet *set, guint scenario);

/* Where a record belongs. */
typedef struct {
  int scenario; /* -1: nowhere */
  int channel;  /* -1: none of the scenario's channels, or it has none */
  gboolean is_whole; /* there is a scenario, and a channel if it has some */
} ScenarioCell;
/* `constants`: of the layout's header, with their values (gateway/records/rule_constants.h). A record without a fault.
 * BUG: it belongs to two, which the check would have found. */
typedef struct {
  const RecordBlock *block;
  guint record;
  const RuleConstant *constants;
} ScenarioRecord;
gboolean scenario_set_cell(const ScenarioSet *set, const ScenarioRecord *record, ScenarioCell *cell,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
