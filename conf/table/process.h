/* Kinds of process, as tables: which parts of a feed each fills. A kind has a file of its own, process_WORD.c, with its
 * table, table_WORD, and its parts, parts_WORD. */
#pragma once
#include "conf/model/process.h"
#include "conf/read/row.h"

typedef struct {
  const Table *table;
  gsize offset; /* in ConfFeed */
} ProcessPart;

/* A check of kinds that hand on whole files. */
void process_takes_whole_files(const Section *section, gpointer into);

typedef struct {
  ProcessPart parts[3]; /* read in this order; the rest is without a table */
} ProcessParts;

#define PROCESS_DECLARE(constant, word, type, keeps_ledger) \
  extern const Table table_##word;                          \
  extern const ProcessParts parts_##word;
CONF_PROCESSES(PROCESS_DECLARE)
