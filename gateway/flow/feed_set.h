/* The feeds of a running lane, and the pools of the endpoints that they use. gateway/lane/feeds.h makes it. */
#pragma once
#include "gateway/flow/flow.h"
#include "gateway/threads/endpoint_pool.h"

typedef struct {
  GPtrArray *feeds;     /* Feed* */
  GPtrArray *pools;     /* EndpointPool*: one per endpoint that a feed of this lane uses */
  gboolean is_stuck;    /* not all of their threads could be ended */
  GHashTable *ledgers;  /* name → Ledger* */
  GHashTable *services; /* "system core/main /accruals" → AccrualService* */
  GData *shared;        /* what feeds of one kind share (feeds_share), by its name */
} Feeds;

/* What feeds of one kind share under that name: made when the first of them asks, freed after all threads. */
gpointer feeds_share(Feeds *feeds, const char *name, gpointer (*make)(const char *name), GDestroyNotify free_it);

/* The threads of an endpoint that a feed or a reconciliation of this lane uses; NULL: none does. */
EndpointPool *feeds_pool_named(const Feeds *feeds, const char *name); /* "PARTNER/ENDPOINT"; NULL: none */
EndpointPool *feeds_pool(const Feeds *feeds, const ConfPartner *partner, const char *endpoint);
Feed *feeds_find(const Feeds *feeds, const char *name); /* NULL: none */
