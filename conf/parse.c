/* From a source to a checked Conf. */
#include "conf/check/check.h"
#include "conf/read/tree.h"
#include "conf/read/table.h"
#include "conf/table/tables.h"

Conf *conf_parse(const ConfSource *source, ConfReport *report) {
  guint before = report->errors;
  g_autoptr(Tree) tree = tree_new(source, &table_root, report);
  Conf *conf = g_new0(Conf, 1);
  table_init(&table_root, conf);
  Section root = {.node = tree->nodes->pdata[0], .tree = tree, .report = report, .conf = conf, .into = conf};
  table_read(&root, &table_root);
  check_feeds(conf, report);
  if (!tree->lost)
    check_keys(conf, report);
  check_reconciles(conf, report);
  if (report->errors == before)
    return conf;
  conf_free(conf);
  return NULL;
}

void conf_free(Conf *conf) {
  if (!conf)
    return;
  table_clear(&table_root, conf);
  g_free(conf);
}
