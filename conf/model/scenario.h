/* scenario "…" { … }, a lane's: which records are reckoned alike, told by their keys in a form that can be decided
 * before any record comes (gateway/scenario/). */
#pragma once
#include "conf/model/where.h"

/* channel "…" { … }: by which way they came. */
typedef struct {
  ConfWhere where;
  char *name;
  char *when;         /* over the scenario's keys; NULL: otherwise */
  gboolean otherwise; /* what no other channel of the scenario has */
} ConfChannel;

typedef struct {
  ConfWhere where;
  char *name;
  char **feeds; /* of the lane; NULL: all of them */
  char **keys;  /* fields of their records, header_FIELD, partner */
  char *when;   /* over the keys; NULL: otherwise */
  gboolean otherwise;
  GPtrArray *channels; /* ConfChannel* */
} ConfScenario;
