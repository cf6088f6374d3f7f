/* Reads a ConfSource statement by statement, tells everything that is wrong with its form (unknown, repeated,
 * misplaced, unclosed), goes on behind each fault, and makes a tree of what is sound. */
#pragma once
#include "conf/report.h"
#include "conf/read/row.h"
#include "conf/source.h"

typedef struct {
  const char *name; /* "feed"; "" for the root */
  char *title;      /* as it was written; NULL: none */
  ConfWhere where;
  GHashTable *seen;   /* option name, or section name and title -> ConfWhere*, also of those that were not sound */
  GHashTable *values; /* option name -> char **, as they were written; of those that are sound */
  GHashTable *inner;  /* section name -> GPtrArray of Node*, in order; of those that are sound */
  gboolean damaged;   /* something in it could not be made out: what seems to be missing may be that */
} Node;

typedef struct {
  GPtrArray *nodes; /* Node*; [0] is the root */
  gboolean lost;    /* something could not be made out at all: names that seem to be missing may be there */
} Tree;

Tree *tree_new(const ConfSource *source, const Table *root, ConfReport *report);
void tree_free(Tree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_free)

/* "feed "acme-points"", "the top level". The caller frees. */
char *node_label(const Node *node);
