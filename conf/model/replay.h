/* replay { … }, a lane's: cases are collected of its files, by which changed rules are tried. */
#pragma once
#include "conf/model/where.h"

#define CONF_GATES(X)         \
  X(CONF_GATE_REPORT, "report") \
  X(CONF_GATE_OFF, "off")
typedef enum { CONF_GATES(CONF_CONSTANT) } ConfGate;

typedef struct {
  ConfWhere where;
  gboolean present;
  ConfGate gate;       /* what is done when rules have changed; report */
  guint keep_per_cell; /* of each feed, scenario and channel; 20 */
  guint64 max_cases;   /* 200,000 */
} ConfReplay;
