/* A feed's scenarios, compiled. */
#pragma once
#include "gateway/scenario/boxes_private.h"
#include "gateway/scenario/scenario.h"

/* A scenario or a channel. */
typedef struct {
  const char *kind, *name; /* borrowed */
  const char *when;        /* NULL: otherwise */
  ConfWhere where;
  GPtrArray *boxes; /* of what is otherwise: none */
} CellRule;
typedef struct {
  const ConfScenario *conf;
  CellRule cell;
  GArray *channels; /* CellRule */
} Scenario;
struct ScenarioSet {
  KeySpace *space;
  GPtrArray *scenarios; /* Scenario* */
};
