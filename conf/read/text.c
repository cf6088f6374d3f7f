#include "conf/read/text.h"
#include <string.h>

void text_put(GString *text, const char *value) {
  if (value)
    g_string_append_printf(text, "%" G_GSIZE_FORMAT ":%s\n", strlen(value), value);
  else
    g_string_append(text, "-\n");
}

static void put_list(GString *text, char *const *list) {
  for (; list && *list; list++)
    text_put(text, *list);
  g_string_append(text, "end\n");
}

void text_put_structs(GString *text, const Table *table, const GPtrArray *array, TextRefer refer, gconstpointer user) {
  for (guint i = 0; i < array->len; i++)
    text_put_struct(text, table, array->pdata[i], refer, user);
  g_string_append(text, "end\n");
}

static void put_member(GString *text, const Row *row, const char *at, TextRefer refer, gconstpointer user) {
  switch (row->kind->store) {
  case STORE_TEXT:
    text_put(text, *(char *const *)(const void *)at);
    break;
  case STORE_LIST:
    put_list(text, *(char *const *const *)(const void *)at);
    break;
  case STORE_UINT:
    g_string_append_printf(text, "%u\n", *(const guint *)(const void *)at);
    break;
  case STORE_UINT64:
    g_string_append_printf(text, "%" G_GUINT64_FORMAT "\n", *(const guint64 *)(const void *)at);
    break;
  case STORE_BYTE:
    g_string_append_printf(text, "%u\n", (guint)(guchar)*at);
    break;
  case STORE_STRUCT:
    text_put_struct(text, row->inner, at, refer, user);
    break;
  case STORE_STRUCTS:
    text_put_structs(text, row->inner, *(GPtrArray *const *)(const void *)at, refer, user);
    break;
  case STORE_SAME:
  case STORE_NONE:
    break;
  }
}

static void follow(GString *text, const Row *row, const char *at, TextRefer refer, gconstpointer user) {
  const char *name = row->kind->store == STORE_TEXT ? *(char *const *)(const void *)at : NULL;
  if (refer && (row->kind->refers == REFERS_FRONT || (row->kind->refers != REFERS_NOTHING && name)))
    refer(text, row->kind->refers, name, user);
}

void text_put_struct(GString *text, const Table *table, gconstpointer data, TextRefer refer, gconstpointer user) {
  for (const Row *row = table->rows; row->kind; row++) {
    const char *at = (const char *)data + row->offset;
    if (row->elsewhere)
      continue;
    if (row->kind->store == STORE_SAME) {
      text_put_struct(text, row->inner, data, refer, user);
    } else if (row->kind->store != STORE_NONE) {
      g_string_append_printf(text, "%s ", row->member);
      put_member(text, row, at, refer, user);
    }
    follow(text, row, at, refer, user);
  }
}

/* --- For the tests. */

static void cover(const Table *table, guint8 *covered) {
  for (const Row *row = table->rows; row->kind; row++) {
    if (row->kind->store == STORE_SAME)
      cover(row->inner, covered);
    else
      memset(covered + row->offset, (int)MIN(row->size, 8), row->size);
  }
}

/* What precedes a member unnamed can be padding only as far as the member's own alignment asks for it. */
static gsize uncovered_of(const Table *table) {
  g_autofree guint8 *covered = g_malloc0(table->size);
  gsize missing = 0, run = 0;
  cover(table, covered);
  for (gsize i = 0; i < table->size; i++) {
    if (!covered[i]) {
      run++;
      continue;
    }
    missing += run >= covered[i] ? run : 0;
    run = 0;
  }
  return missing + (run >= 8 ? run : 0);
}

static gboolean is_struct_of_its_own(const Row *row) {
  return row->kind->store == STORE_STRUCT || row->kind->store == STORE_STRUCTS;
}

gsize text_uncovered(const Table *root, const char **first) {
  gsize missing = uncovered_of(root);
  *first = missing ? root->of : NULL;
  for (const Row *row = root->rows; row->kind; row++) {
    const char *inner = NULL;
    if (!is_struct_of_its_own(row))
      continue;
    missing += text_uncovered(row->inner, &inner);
    if (!*first)
      *first = inner;
  }
  return missing;
}

static gboolean has_row(const Table *table, const char *member) {
  for (const Row *row = table->rows; row->kind; row++)
    if (row->kind->store == STORE_SAME ? has_row(row->inner, member) : g_strcmp0(row->member, member) == 0)
      return TRUE;
  return FALSE;
}

gboolean text_has_member(const Table *root, const char *of, const char *member) {
  if (strcmp(root->of, of) == 0)
    return has_row(root, member);
  for (const Row *row = root->rows; row->kind; row++)
    if (is_struct_of_its_own(row) && text_has_member(row->inner, of, member))
      return TRUE;
  return FALSE;
}
