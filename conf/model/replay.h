/* replay { … }, a lane's: cases are collected of its files, by which changed rules are tried. */
#pragma once
#include "conf/model/where.h"

typedef struct {
  ConfWhere where;
  gboolean present;
  guint keep_per_cell; /* of each feed, scenario and channel; 20 */
  guint64 max_cases;   /* 200,000 */
} ConfReplay;
