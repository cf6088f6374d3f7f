/* A set of one key's values: closed spans of whole numbers, ascending, with a gap between each two; and NULL, which is
 * a value of its own. */
#pragma once
#include <glib.h>

typedef struct {
  gint64 low, high;
} Span;
typedef struct {
  GArray *spans; /* Span */
  gboolean null;
} KeyValues;

KeyValues *key_values_new(gboolean null);              /* no number */
KeyValues *key_values_span(gint64 low, gint64 high);   /* none if low > high; not NULL */
KeyValues *key_values_copy(const KeyValues *values);
void key_values_free(KeyValues *values);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyValues, key_values_free)
void key_values_add(KeyValues *values, Span span); /* behind all that it has */
KeyValues *key_values_both(const KeyValues *a, const KeyValues *b);
KeyValues *key_values_either(const KeyValues *a, const KeyValues *b);
KeyValues *key_values_without(const KeyValues *a, const KeyValues *b);
/* All numbers but those; NULL is not among them. */
KeyValues *key_values_others(const KeyValues *values);
gboolean key_values_empty(const KeyValues *values);
gboolean key_values_has(const KeyValues *values, gint64 value);
