#include "gateway/scenario/boxes_private.h"

enum { MOST_CUTS = 200000 }; /* of one question; some milliseconds */

Box *box_new(guint n) {
  Box *box = g_new0(Box, 1);
  box->n = n;
  box->values = g_new0(KeyValues *, n + 1);
  return box;
}

void box_free(Box *box) {
  if (!box)
    return;
  for (guint i = 0; i < box->n; i++)
    key_values_free(box->values[i]);
  g_free(box->values);
  g_free(box);
}

static KeyValues *copy(const KeyValues *values) {
  return values ? key_values_copy(values) : NULL;
}

static Box *box_copy(const Box *box) {
  Box *made = box_new(box->n);
  for (guint i = 0; i < box->n; i++)
    made->values[i] = copy(box->values[i]);
  return made;
}

Box *box_both(const Box *a, const Box *b) {
  g_autoptr(Box) both = box_new(a->n);
  for (guint i = 0; i < a->n; i++) {
    if (a->values[i] && b->values[i])
      both->values[i] = key_values_both(a->values[i], b->values[i]);
    else
      both->values[i] = copy(a->values[i] ? a->values[i] : b->values[i]);
    if (both->values[i] && key_values_empty(both->values[i]))
      return NULL;
  }
  return g_steal_pointer(&both);
}

/* --- Several */

GPtrArray *boxes_new(void) {
  return g_ptr_array_new_with_free_func((GDestroyNotify)box_free);
}

static gboolean has_room(const GPtrArray *boxes, GError **error) {
  return boxes->len < BOXES_MOST ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "not decidable: the condition has more than %d alternatives", BOXES_MOST);
}

GPtrArray *boxes_both(const GPtrArray *a, const GPtrArray *b, GError **error) {
  g_autoptr(GPtrArray) both = boxes_new();
  for (guint i = 0; i < a->len; i++)
    for (guint j = 0; j < b->len; j++) {
      Box *box = box_both(a->pdata[i], b->pdata[j]);
      if (box && !has_room(both, error)) {
        box_free(box);
        return NULL;
      }
      if (box)
        g_ptr_array_add(both, box);
    }
  return g_steal_pointer(&both);
}

GPtrArray *boxes_either(const GPtrArray *a, const GPtrArray *b, GError **error) {
  g_autoptr(GPtrArray) either = boxes_new();
  const GPtrArray *const sides[] = {a, b};
  for (guint i = 0; i < 2; i++)
    for (guint j = 0; j < sides[i]->len; j++) {
      if (!has_room(either, error))
        return NULL;
      g_ptr_array_add(either, box_copy(sides[i]->pdata[j]));
    }
  return g_steal_pointer(&either);
}

Box *box_within(const Box *box, const KeySpace *space) {
  g_autoptr(Box) domain = box_new(space->keys->len);
  for (guint i = 0; i < domain->n; i++)
    domain->values[i] = key_values_copy(((const Key *)space->keys->pdata[i])->domain);
  return box_both(domain, box);
}

/* --- What is left. A box that is cut by another falls into what of it lies outside by the first key; of the rest, what
 * lies outside by the second; and so on. Each is cut by the next box; the first that all boxes leave is the answer. */

typedef struct {
  const GPtrArray *boxes;
  guint cuts;
} Cutting;

static Box *rest_of(Cutting *cutting, const Box *whole, guint from);

/* `whole` has a set for each key that the box has one for. */
static Box *cut(Cutting *cutting, const Box *whole, guint at) {
  const Box *by = cutting->boxes->pdata[at];
  g_autoptr(Box) piece = box_copy(whole);
  for (guint i = 0; i < whole->n; i++) {
    if (!by->values[i])
      continue;
    KeyValues *inside = key_values_both(piece->values[i], by->values[i]);
    key_values_free(piece->values[i]);
    piece->values[i] = key_values_without(whole->values[i], by->values[i]);
    Box *rest = key_values_empty(piece->values[i]) ? NULL : rest_of(cutting, piece, at + 1);
    key_values_free(piece->values[i]);
    piece->values[i] = inside;
    if (rest)
      return rest;
  }
  return NULL;
}

static Box *rest_of(Cutting *cutting, const Box *whole, guint from) {
  for (guint i = from; i < cutting->boxes->len; i++) {
    if (cutting->cuts == MOST_CUTS)
      return NULL;
    cutting->cuts++;
    g_autoptr(Box) common = box_both(whole, cutting->boxes->pdata[i]);
    if (common)
      return cut(cutting, whole, i);
  }
  return box_copy(whole);
}

Box *box_rest(const Box *whole, const GPtrArray *boxes, gboolean *given_up) {
  Cutting cutting = {.boxes = boxes};
  Box *rest = rest_of(&cutting, whole, 0);
  *given_up = !rest && cutting.cuts == MOST_CUTS;
  return rest;
}

char *box_show(const Box *box, const KeySpace *space) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < box->n; i++)
    if (box->values[i])
      key_show(space->keys->pdata[i], box->values[i], text);
  return g_string_free(text, FALSE);
}
