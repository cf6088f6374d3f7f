/* What pull.c (the shards) and pull_manifest.c (the manifest, the acknowledgement) share. */
#pragma once
#include "gateway/recon/pull.h"

/* Fetches the manifest and what is beside it into the folder, verifies and reads it: the report has it on WHOLE. */
PullEnd pull_manifest(const PullOptions *options, int folder, PullReport *report);
PullEnd pull_acknowledge(const PullOptions *options, PullReport *report);
/* Where the endpoint has the shard. The caller frees. A manifest's URL names an object of the server that we talk to,
 * never another's. */
char *pull_shard_path(const PullOptions *options, const ReconManifestShard *shard);
