/* Sums of amounts beyond 64 bits, and amounts brought to another scale: as 128-bit integers, printed exactly. */
#pragma once
#include <glib.h>

typedef __int128 Wide;
enum { WIDE_BYTES = 64, WIDE_SCALE_MAX = 18 };
/* 1230 at scale 2: "12.30", with its final zero; scale at most WIDE_SCALE_MAX. Returns the length. */
gsize wide_print(Wide value, guint scale, char into[WIDE_BYTES]);
