/* Private to store/outside*.c. */
#pragma once
#include "store/outside.h"

struct Outside {
  StagingColumn *columns;
  guint n;
  gboolean (*fill)(Outside *outside, RecordBlock *block, GError **error);
  void (*close)(Outside *outside);
  const gboolean *stop;
};
gboolean outside_is_stopped(const Outside *outside, GError **error); /* with AGAIN */
