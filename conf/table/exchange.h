/* The table of exchange "…" { … }. */
#pragma once
#include "conf/model/exchange.h"
#include "conf/table/kinds.h"

extern const Table table_exchange, table_drop_folder;
