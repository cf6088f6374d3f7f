#include "gateway/scenario/values_private.h"

KeyValues *key_values_new(gboolean null) {
  KeyValues *values = g_new0(KeyValues, 1);
  values->spans = g_array_new(FALSE, FALSE, sizeof(Span));
  values->null = null;
  return values;
}

void key_values_free(KeyValues *values) {
  if (!values)
    return;
  g_array_unref(values->spans);
  g_free(values);
}

void key_values_add(KeyValues *values, Span span) {
  Span *last = values->spans->len > 0 ? &g_array_index(values->spans, Span, values->spans->len - 1) : NULL;
  if (last && (last->high == G_MAXINT64 || last->high + 1 >= span.low))
    last->high = MAX(last->high, span.high);
  else
    g_array_append_val(values->spans, span);
}

KeyValues *key_values_span(gint64 low, gint64 high) {
  KeyValues *values = key_values_new(FALSE);
  Span span = {low, high};
  if (low <= high)
    key_values_add(values, span);
  return values;
}

KeyValues *key_values_copy(const KeyValues *values) {
  KeyValues *copy = key_values_new(values->null);
  g_array_append_vals(copy->spans, values->spans->data, values->spans->len);
  return copy;
}

KeyValues *key_values_both(const KeyValues *a, const KeyValues *b) {
  KeyValues *both = key_values_new(a->null && b->null);
  for (guint i = 0, j = 0; i < a->spans->len && j < b->spans->len;) {
    const Span *left = &g_array_index(a->spans, Span, i), *right = &g_array_index(b->spans, Span, j);
    Span span = {MAX(left->low, right->low), MIN(left->high, right->high)};
    if (span.low <= span.high)
      key_values_add(both, span);
    if (left->high < right->high)
      i++;
    else
      j++;
  }
  return both;
}

KeyValues *key_values_either(const KeyValues *a, const KeyValues *b) {
  KeyValues *either = key_values_new(a->null || b->null);
  for (guint i = 0, j = 0; i < a->spans->len || j < b->spans->len;) {
    gboolean left = j == b->spans->len || (i < a->spans->len && g_array_index(a->spans, Span, i).low <=
                                                                   g_array_index(b->spans, Span, j).low);
    key_values_add(either, left ? g_array_index(a->spans, Span, i++) : g_array_index(b->spans, Span, j++));
  }
  return either;
}

KeyValues *key_values_others(const KeyValues *values) {
  KeyValues *others = key_values_new(FALSE);
  gint64 low = G_MININT64;
  for (guint i = 0; i < values->spans->len; i++) {
    const Span *span = &g_array_index(values->spans, Span, i);
    if (low < span->low) {
      Span before = {low, span->low - 1};
      key_values_add(others, before);
    }
    if (span->high == G_MAXINT64)
      return others;
    low = span->high + 1;
  }
  Span rest = {low, G_MAXINT64};
  key_values_add(others, rest);
  return others;
}

KeyValues *key_values_without(const KeyValues *a, const KeyValues *b) {
  g_autoptr(KeyValues) others = key_values_others(b);
  others->null = !b->null;
  return key_values_both(a, others);
}

gboolean key_values_empty(const KeyValues *values) {
  return values->spans->len == 0 && !values->null;
}

gboolean key_values_has(const KeyValues *values, gint64 value) {
  for (guint i = 0; i < values->spans->len; i++)
    if (value <= g_array_index(values->spans, Span, i).high)
      return value >= g_array_index(values->spans, Span, i).low;
  return FALSE;
}
