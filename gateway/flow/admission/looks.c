#include "gateway/flow/admission/looks.h"
#include <string.h>

typedef struct {
  Look look;
  const char *name; /* of length bytes: those behind it, or, to search by, somebody's */
  gsize length;
} Named;

struct Looks {
  GHashTable *all; /* a set of Named */
};

static guint hash(gconstpointer key) {
  const Named *named = key;
  guint32 sum = 5381;
  for (gsize i = 0; i < named->length; i++)
    sum = sum * 33 + (guint8)named->name[i];
  return sum;
}

static gboolean equal(gconstpointer a, gconstpointer b) {
  const Named *one = a, *other = b;
  return one->length == other->length && memcmp(one->name, other->name, one->length) == 0;
}

static Named key_of(GBytes *name) {
  Named key = {.look = {0}};
  key.name = g_bytes_get_data(name, &key.length);
  return key;
}

Looks *looks_new(void) {
  Looks *looks = g_new0(Looks, 1);
  looks->all = g_hash_table_new_full(hash, equal, g_free, NULL);
  return looks;
}

void looks_free(Looks *looks) {
  if (!looks)
    return;
  g_hash_table_unref(looks->all);
  g_free(looks);
}

Look *looks_find(const Looks *looks, GBytes *name) {
  const Named key = key_of(name);
  Named *named = g_hash_table_lookup(looks->all, &key);
  return named ? &named->look : NULL;
}

Look *looks_make(Looks *looks, GBytes *name) {
  const Named key = key_of(name);
  Named *named = g_hash_table_lookup(looks->all, &key);
  if (!named) {
    named = g_malloc(sizeof *named + key.length);
    *named = (Named){.name = memcpy(named + 1, key.name, key.length), .length = key.length};
    g_hash_table_add(looks->all, named);
  }
  return &named->look;
}

guint looks_number(const Looks *looks) {
  return g_hash_table_size(looks->all);
}

void looks_drop(Looks *looks, GBytes *name) {
  const Named key = key_of(name);
  g_hash_table_remove(looks->all, &key);
}

static gboolean is_other(gpointer key, gpointer value, gpointer user) {
  (void)value;
  return ((const Named *)key)->look.generation != *(const guint *)user;
}

void looks_forget_others(Looks *looks, guint generation) {
  g_hash_table_foreach_remove(looks->all, is_other, &generation);
}

void looks_ask_again(Looks *looks) {
  GHashTableIter iterator;
  gpointer named;
  g_hash_table_iter_init(&iterator, looks->all);
  while (g_hash_table_iter_next(&iterator, &named, NULL))
    ((Named *)named)->look.waits_for = FILE_WAIT_NOTHING;
}
