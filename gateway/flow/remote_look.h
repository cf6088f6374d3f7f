/* Whether the partner's copy of a file is still the one that the book knows. Size and time in the book are a listing's;
 * a look at the file itself should tell the same, and on some servers never does (times in minutes, sizes of what is
 * compressed). Then a listing is asked again: a file that is listed as it was has not changed, however the look at it
 * differs. */
#pragma once
#include "gateway/flow/flow.h"

typedef enum {
  REMOTE_UNKNOWN, /* *error: it could not be looked at, or the server tells two sizes of one file (PARTNER) */
  REMOTE_SAME,
  REMOTE_OTHER, /* another file has its name, or it goes on growing */
  REMOTE_GONE,
} RemoteCopy;
/* *now is what the look at it told. */
RemoteCopy remote_compare(const Step *step, const char *path, CourierStat *now,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
