#include "conf/read/row.h"
#include "gateway/base/spelling.h"
#include <string.h>

const Row *grammar_next(RowWalk *walk) {
  for (;;) {
    const Table *table = walk->table->parts ? walk->table->parts[walk->part] : walk->table;
    if (!table)
      return NULL;
    for (const Row *row = &table->rows[walk->at]; row->kind; row++) {
      walk->at++;
      if (row->name)
        return row;
    }
    if (!walk->table->parts)
      return NULL;
    walk->part++;
    walk->at = 0;
  }
}

const Row *grammar_find(const Table *table, const char *name) {
  RowWalk walk = {.table = table};
  for (const Row *row; (row = grammar_next(&walk));)
    if (strcmp(row->name, name) == 0)
      return row;
  return NULL;
}

gboolean grammar_is_near(const char *a, const char *b, guint *distance) {
  *distance = spelling_distance(a, b);
  return *distance <= MAX(1, MIN(strlen(a), strlen(b)) / 3);
}

const char *grammar_nearest(const Table *table, const char *name) {
  const char *nearest = NULL;
  guint least = G_MAXUINT, distance = 0;
  RowWalk walk = {.table = table};
  for (const Row *row; (row = grammar_next(&walk));) {
    if (!grammar_is_near(row->name, name, &distance) || distance >= least)
      continue;
    least = distance;
    nearest = row->name;
  }
  return nearest;
}

static const char *home_in(const Table *table, const char *section, const char *name) {
  if (grammar_find(table, name))
    return section;
  RowWalk walk = {.table = table};
  for (const Row *row; (row = grammar_next(&walk));) {
    const char *home = row->kind->is_section ? home_in(row->inner, row->name, name) : NULL;
    if (home)
      return home;
  }
  return NULL;
}

const char *grammar_home(const Table *root, const char *name) {
  return home_in(root, "the top level", name);
}
