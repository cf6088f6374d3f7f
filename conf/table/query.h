/* The table of a lane's query "…" { … }. */
#pragma once
#include "conf/table/kinds.h"

extern const Table table_query;
