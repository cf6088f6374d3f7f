/* A lane's feeds and endpoints, compiled from configuration: layouts, rules, schedules, ledgers, pools. */
#pragma once
#include "gateway/flow/feed_set.h"

/* Everything opened and started, or nothing and *error. The configuration outlives it. */
Feeds *feeds_open(const Conf *conf, const ConfLane *lane, const LanePaths *paths,
                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The endpoints of what was decided before and is not out yet (flow/decided.h), also where no feed uses them any more.
 * */
gboolean feeds_add_decided(Feeds *feeds, const Conf *conf, const LanePaths *paths, const GPtrArray *intents,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Two steps, since workers use ledgers and pools: the pools' threads first, the rest when no worker runs any
 * more. FALSE: some threads could not be ended (endpoint_pool_stop); then pools and configuration have to stay until
 * the process ends. */
gboolean feeds_stop_pools(Feeds *feeds, guint grace_seconds);
void feeds_close(Feeds *feeds);
