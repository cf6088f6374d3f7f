/* What `cdr` tells of one full file, or of one record in it. */
#pragma once
#include "gateway/cli/books.h"
#include "gateway/processors/rating/cdr.h"

typedef struct {
  Cli *cli;
  const StatusLane *lane;
  const ConfRating *rating;
} CdrWanted;

const char *cdr_state(const DetailFile *file); /* static */
CliExit cdr_show(const CdrWanted *wanted);
CliExit cdr_trace(const CdrWanted *wanted);
