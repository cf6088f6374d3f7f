/* Keys; and the steps of a price as bytes in a detail, and back: exact, and small where amounts are. */
#pragma once
#include "gateway/rating/plan.h"

/* A record's key has one part, which is the key, or several, each with its length before it: no two are alike. */
void usage_key_add(GString *key, guint n_parts, const char *part, gsize length);

/* Legs and steps, appended to `bytes`. */
void price_pack(const Rated *rated, guint index, GString *bytes);
/* Row ids. */
void price_pack_row(gint64 row, GString *bytes);

typedef struct {
  GArray *legs;  /* RatedLeg */
  GArray *steps; /* RatedStep; `amount` is behind it */
} PackedPrice;
void packed_price_clear(PackedPrice *price);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PackedPrice, packed_price_clear)
/* FALSE: they are no such bytes. */
gboolean price_unpack(const char *bytes, gsize length, PackedPrice *price) G_GNUC_WARN_UNUSED_RESULT;
GArray *price_unpack_rows(const char *bytes, gsize length); /* gint64; NULL likewise */
