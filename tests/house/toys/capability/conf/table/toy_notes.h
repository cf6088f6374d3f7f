/* The table of toy-notes { … }. */
#pragma once
#include "conf/model/toy_notes.h"
#include "conf/table/kinds.h"

extern const Table table_toy_notes;
