/* The text of a condition: = <> != < <= > >= IN BETWEEN IS NULL, each between a key and constants, with AND OR NOT and
 * parentheses. Nothing else can be decided. */
#pragma once
#include "gateway/scenario/boxes_private.h"

/* The boxes of records of which the condition is TRUE, over all keys of the space; it may name `keys` only. Numbers
 * texts that it names. CONFIGURATION says what cannot be decided, and where. */
GPtrArray *condition_boxes(const char *text, const KeySpace *space, char *const *keys,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
