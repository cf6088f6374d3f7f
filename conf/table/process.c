/* Which kind of process it is, and with it, which settings have a meaning. */
#include "conf/table/process.h"
#include "conf/read/section.h"
#include "conf/read/table.h"
#include "conf/table/tables.h"
#include <string.h>

#define PROCESS_TABLE(constant, word, type, keeps_ledger) &table_##word,
#define PROCESS_ROW(constant, word, type, keeps_ledger) [constant] = &parts_##word,

static const Table *const all_tables[] = {CONF_PROCESSES(PROCESS_TABLE) NULL};
const Table table_process = {.of = "ConfFeed", .size = sizeof(ConfFeed), .parts = all_tables};

static const ProcessParts *const processes[] = {CONF_PROCESSES(PROCESS_ROW)};

static gboolean find_process(const Section *section, ConfProcess *process) {
  const char *title = section->node->title;
  g_autoptr(GString) all = g_string_new(NULL);
  for (guint i = 0; i < G_N_ELEMENTS(processes); i++) {
    const char *word = conf_process_word((ConfProcess)i);
    *process = (ConfProcess)i;
    if (g_strcmp0(title, word) == 0)
      return TRUE;
    g_string_append_printf(all, "%s%s", i > 0 ? ", " : "", word);
  }
  *process = (ConfProcess)0;
  section_error(section, NULL, "'process' must be one of: %s", all->str);
  return FALSE;
}

static gboolean has_setting(const ProcessParts *process, const char *name) {
  for (const ProcessPart *part = process->parts; part->table; part++)
    if (grammar_find(part->table, name))
      return TRUE;
  return FALSE;
}

static void tell_settings_of_others(const Section *section, const ProcessParts *process, const char *word) {
  g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);
  RowWalk walk = {.table = &table_process};
  for (const Row *row; (row = grammar_next(&walk));)
    if (section_has(section, row->name) && !has_setting(process, row->name) &&
        g_hash_table_add(told, (char *)row->name))
      section_error(section, row->name, "'%s' has no meaning for process %s", row->name, word);
}

void process_takes_whole_files(const Section *section, gpointer into) {
  const ConfFeed *feed = section->outer->into;
  (void)into;
  if (!feed->reject_file)
    section_error(section->outer, "on-reject",
                  "'on-reject': process %s hands on whole files, so one bad record keeps the whole file back: "
                  "on-reject = file",
                  section->node->title);
}

/* Reads `process WORD { … }`: each part into its struct of the feed. */
static void read_process(const Section *feed_section, const Row *row, gpointer at) {
  ConfFeed *feed = feed_section->into;
  (void)at;
  if (section_count(feed_section, row->name) == 0)
    return;
  Section section = section_at(feed_section, row->name, 0, feed);
  feed->ledger.where = section_where(&section, NULL);
  if (!find_process(&section, &feed->process))
    return;
  const ProcessParts *process = processes[feed->process];
  tell_settings_of_others(&section, process, conf_process_word(feed->process));
  for (const ProcessPart *part = process->parts; part->table; part++) {
    section.into = (char *)feed + part->offset;
    table_read(&section, part->table);
  }
}

const Kind kind_process = {.store = STORE_UINT, .is_section = TRUE, .read = read_process};
