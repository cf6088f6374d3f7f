/* The table of rating { … }. */
#pragma once
#include "conf/table/kinds.h"

extern const Table table_rating;
