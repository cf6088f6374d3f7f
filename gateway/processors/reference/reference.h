/* What the processor and the lane's service of reference tables share. */
#pragma once
#include "gateway/flow/lane_service.h"

/* What the key gate keeps apart the changes of a table by. Interned. */
gconstpointer reference_gate(const char *name);
/* Where a change of a table is put together. The caller frees. */
char *reference_scratch(const LanePaths *paths, const char *owner);

/* Requests: reference-rollback {name, version, reason}: a new version with the rows of that one; reference-load {name,
 * feed, path, plain, anyway, reason}: one of a local file, which is held against all that a feed's file is. Both →
 * {ok, job}, and reference-job {job} → {ok, running} or {ok, reference, version, detail}. */
extern const LaneService reference_service;
