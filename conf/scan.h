/* Reads a ConfSource statement by statement against the grammar, tells everything that is wrong with its form (unknown,
 * repeated, misplaced, unclosed), goes on behind each fault, and writes what is sound once more for libconfuse: one
 * statement a line, every value in double quotes, every section with its number in `sections` for its place.
 * Positions are kept here, since libconfuse forgets them. */
#pragma once
#include "conf/conf.h"
#include "conf/grammar.h"

typedef struct {
  const char *name; /* "feed"; "" for the root */
  char *title;      /* as it was written; NULL: none */
  ConfWhere where;
  GHashTable *seen; /* option name, or section name and title -> ConfWhere*, also of those that were not sound */
  gboolean damaged; /* something in it could not be made out: what seems to be missing may be that */
} ScanSection;

typedef struct {
  GString *text;       /* for cfg_parse_buf */
  GPtrArray *sections; /* ScanSection*; [0] is the root */
  gboolean lost;       /* something could not be made out at all: names that seem to be missing may be there */
} Scan;

Scan *scan_new(const ConfSource *source, ConfReport *report);
void scan_free(Scan *scan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scan, scan_free)

/* `feed "acme-points"`, for messages. The caller frees. */
char *scan_section_label(const ScanSection *section);
