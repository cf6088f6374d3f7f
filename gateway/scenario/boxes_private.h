/* Sets of records, as boxes over the keys of a space: a record is in a box when each of its keys has one of the box's
 * values for it, and in several boxes when it is in one of them. */
#pragma once
#include "gateway/scenario/space_private.h"

enum { BOXES_MOST = 256 };

typedef struct {
  guint n;
  KeyValues **values; /* one per key; NULL: any, also NULL */
} Box;

Box *box_new(guint n);
void box_free(Box *box);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Box, box_free)
/* NULL: they have nothing in common. */
Box *box_both(const Box *a, const Box *b);

GPtrArray *boxes_new(void); /* Box* */
/* What is in both, or in one of them. CONFIGURATION: more than BOXES_MOST. */
GPtrArray *boxes_both(const GPtrArray *a, const GPtrArray *b, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *boxes_either(const GPtrArray *a, const GPtrArray *b, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What of a box the space can have at all; NULL: nothing. */
Box *box_within(const Box *box, const KeySpace *space);
/* What is in `whole` and in none of the boxes: one box of it. NULL: nothing; with *given_up: not found in the time that
 * is given to it. */
Box *box_rest(const Box *whole, const GPtrArray *boxes, gboolean *given_up);
/* A record of the box, by the keys that it says something of. The caller frees. */
char *box_show(const Box *box, const KeySpace *space);
