/* That a feed's rules have changed, and what its cases come to now: for the log, the audit chain and, where cases come
 * to something else, an alarm. */
#pragma once
#include "gateway/flow/lane_service.h"
#include "gateway/replay/supersede.h"

/* A SupersedeTold; `host` is a const LaneHost. Durable on return. */
gboolean tell_changed_rules(gconstpointer host, const ReplayFeed *feed, const CasesSuperseded *counts,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
