/* The table of idle { … }. */
#pragma once
#include "conf/table/kinds.h"

extern const Table table_idle;
