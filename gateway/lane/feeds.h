/* A lane's feeds and endpoints, compiled from configuration: layouts, rules, schedules, ledgers, carriers. */
#pragma once
#include "gateway/flow/flow.h"
#include "gateway/threads/work.h"

typedef struct {
  GPtrArray *feeds;       /* Feed* */
  GPtrArray *carriers;    /* Carrier*: one per endpoint that a feed of this lane uses */
  gboolean is_stuck;      /* not all of their threads could be ended */
  GHashTable *ledgers;    /* name → Ledger* */
  GHashTable *interfaces; /* "system core/main /accruals" → Interface*, of process http */
} Feeds;

/* Everything opened and started, or nothing and *error. The configuration outlives it. */
Feeds *feeds_open(const Conf *conf, const ConfLane *lane, const LanePaths *paths,
                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Two steps, since workers use ledgers and carriers: the carriers' threads first, the rest when no worker runs any
 * more. FALSE: some threads could not be ended (carrier_stop); then carriers and configuration have to stay until the
 * process ends. */
gboolean feeds_stop_carriers(Feeds *feeds, guint grace_seconds);
void feeds_close(Feeds *feeds);

/* The threads of an endpoint that a feed or a reconciliation of this lane uses; NULL: none does. */
Carrier *feeds_carrier(const Feeds *feeds, const ConfPartner *partner, const char *endpoint);
Feed *feeds_find(const Feeds *feeds, const char *name); /* NULL: none */

/* The constants that a feed's rules may name for its header's fields, as types without values: for compiling rules. The
 * caller frees the array and each name with rule_constants_free. */
GArray *feed_rule_constants(const ConfLayout *layout);
void rule_constants_free(GArray *constants);
