/* What a feed's records come to by its rules: broken rules' codes, scenario and channel, the amount that is credited.
 * The rules are compiled and run by the same code as those of files (store/rules.h, gateway/scenario/), over the same
 * columns. A feed that rates usage is not evaluated here: what it comes to is a price. */
#pragma once
#include "gateway/scenario/scenario.h"

typedef struct ReplayFeed ReplayFeed; /* one thread at a time */
/* CONFIGURATION: its rules or scenarios do not compile, or it is of a kind that is not replayed. Borrows `conf`. */
ReplayFeed *replay_feed_new(const Conf *conf, const ConfLane *lane, const ConfFeed *feed,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void replay_feed_free(ReplayFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplayFeed, replay_feed_free)
gboolean replay_takes(const ConfFeed *feed); /* it is of such a kind */

const ConfFeed *replay_feed_conf(const ReplayFeed *feed);
const char *replay_feed_rules(const ReplayFeed *feed); /* their digest */
const ScenarioSet *replay_feed_scenarios(const ReplayFeed *feed);
const StagingColumn *replay_feed_columns(const ReplayFeed *feed, guint *n_columns);
RecordBlock *replay_feed_block(const ReplayFeed *feed, guint capacity); /* the caller frees */

/* From here on with a header of these values: JSON as header_write makes it (values.h). CONFIGURATION: it does not fit.
 */
gboolean replay_feed_set_header(ReplayFeed *feed, const char *header, GError **error) G_GNUC_WARN_UNUSED_RESULT;
const RuleConstant *replay_feed_header(const ReplayFeed *feed);

/* What each record of the block comes to: a JSON object in one line, members by name, so that two are equal when their
 * texts are. Appends one text per record, which the array frees. FILE: a rule fails on a record. */
gboolean replay_feed_run(ReplayFeed *feed, const RecordBlock *block, GPtrArray *results,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
