/* Of each cell the records with the smallest hashes: bottom-k. In memory: the hashes of what the library keeps, and
 * what a file adds to it. */
#pragma once
#include <glib.h>

typedef struct {
  char *id;     /* 64 hexadecimal digits */
  char *fields; /* NULL: it is in the library already */
  guint64 line;
} Pick;
typedef struct {
  char *scenario, *channel;
  GPtrArray *picks; /* Pick*, by id */
} PickCell;
typedef struct Picks Picks;
Picks *picks_new(guint keep); /* per cell */
void picks_free(Picks *picks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Picks, picks_free)

PickCell *picks_cell(Picks *picks, const char *scenario, const char *channel); /* made when it is new */
/* Whether the id is one of the smallest, and not there yet. */
gboolean picks_wants(const Picks *picks, const PickCell *cell, const char *id);
/* One that it wants; the largest goes. Takes `fields`. */
void picks_take(Picks *picks, PickCell *cell, const char *id, char *fields, guint64 line);
GPtrArray *picks_cells(const Picks *picks); /* PickCell*, borrowed; the caller unrefs */
