/* The table of replay { … }. */
#pragma once
#include "conf/model/replay.h"
#include "conf/table/kinds.h"

extern const Table table_replay;
