/* The table of a lane's rating "…" { … }. */
#pragma once
#include "conf/table/kinds.h"

extern const Table table_lane_rating;
