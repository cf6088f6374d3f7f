/* Collecting: of each file that a lane validates, the records with the smallest keyed hashes of their cells go into the
 * lane's case library, masked, with what they come to. A thread of its own, at the lowest priority, reads the file's
 * staging beside the batch: it holds up nothing, and what fails here fails nothing. A file that comes while too many
 * wait, or shortly before the lane ends, is left out: cases are samples.
 *
 * The key of the hashes and of masked values is made once, STATE/lanes/LANE/cases.key. */
#pragma once
#include "gateway/flow/flow.h"
#include "gateway/flow/lane_service.h"

typedef struct Collector Collector;
/* NULL: the lane collects nothing. `conf` and `paths` are borrowed. */
Collector *collector_new(const Conf *conf, const ConfLane *lane, const LanePaths *paths);
void collector_free(Collector *collector); /* behind its service's stop; NULL is allowed */
const FileSink *collector_sink(Collector *collector); /* NULL for NULL */

/* Its thread, and {"cases", "files", "left_out", "not_reproducible", "problem"} since the lane's start. */
extern const LaneService replay_service;
