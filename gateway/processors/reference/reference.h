/* What the processor and the lane's service of reference tables share. */
#pragma once
#include "gateway/flow/lane_service.h"

/* What the key gate keeps apart the changes of a table by. Interned. */
gconstpointer reference_gate(const char *name);
/* Where a change of a table is put together. The caller frees. */
char *reference_scratch(const LanePaths *paths, const char *owner);

/* Request: reference-rollback {name, version} → {ok, version}: a new version with the rows of that one. */
extern const LaneService reference_service;
