/* toy-notes { … } of a lane, of the tests. */
#pragma once
#include "conf/model/where.h"

typedef struct {
  guint most; /* notes since the lane's start; 2 */
} ConfToyNotes;
