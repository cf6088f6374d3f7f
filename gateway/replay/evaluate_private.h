/* A feed, ready to evaluate: for evaluate.c and values.c. */
#pragma once
#include "gateway/replay/evaluate.h"

struct ReplayFeed {
  const ConfFeed *conf;
  Layout *layout;
  char *rules_digest;
  ScenarioSet *scenarios;
  Rule *rules;
  guint n_rules;
  GArray *constants; /* RuleConstant; of the header */
  char *header;      /* what they are made of; NULL: not yet */
  RuleSet *set;      /* with these constants */
  guint64 *broken;   /* of each record of the block */
  guint capacity;
  int amount;        /* column; -1: nothing is credited */
};
