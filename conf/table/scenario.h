/* The table of scenario "…" { … }. */
#pragma once
#include "conf/model/scenario.h"
#include "conf/table/kinds.h"

extern const Table table_scenario;
