#include "gateway/check/check_private.h"
#include "gateway/recon/source.h"
#include "gateway/records/layout.h"
#include "store/rules.h"
#include <string.h>

/* --- Columns of what the gateway itself keeps. */

static void check_names(const ConfRead *read, const char *option, char *const *names, ConfReport *report) {
  const char *const *known = recon_source_names(read->from);
  for (char *const *name = names; known && name && *name; name++) {
    if (g_strv_contains(known, *name))
      continue;
    g_autofree char *all = g_strjoinv(" ", (char **)(gsize)known);
    conf_report_error(report, read->where, "'%s': there is no column \"%s\"; there are: %s", option, *name, all);
  }
}

/* --- Conditions: compiled as rules are, over the columns with their kinds. */

static gboolean is_number(const char *column) {
  static const char *const numbers[] = {"line", "batch", "size", "records", "accepted", "rejected", "duplicates", NULL};
  return g_strv_contains(numbers, column) || g_str_has_prefix(column, "amount");
}

static GArray *kept_columns(ConfReadFrom from) {
  GArray *columns = g_array_new(FALSE, TRUE, sizeof(StagingColumn));
  for (const char *const *name = recon_source_names(from); name && *name; name++) {
    StagingColumn column = {.name = *name, .type = is_number(*name) ? BLOCK_INTEGER : BLOCK_TEXT};
    g_array_append_val(columns, column);
  }
  return columns;
}

static void check_condition(const ConfRead *read, const StagingColumn *columns, guint n_columns, ConfReport *report) {
  g_autoptr(GError) error = NULL;
  if (!rules_check(read->where_sql, columns, n_columns, NULL, 0, &error))
    conf_report_error(report, read->where, "'where': %s", error->message);
}

static void check_where(const ConfRead *read, GHashTable *layouts, ConfReport *report) {
  if (!read->where_sql)
    return;
  if (read->from != CONF_READ_DELIMITED) {
    g_autoptr(GArray) columns = kept_columns(read->from);
    check_condition(read, (const StagingColumn *)(const void *)columns->data, columns->len, report);
    return;
  }
  const Layout *layout = g_hash_table_lookup(layouts, read->layout);
  guint n_columns;
  const StagingColumn *columns = layout ? layout_columns(layout, &n_columns) : NULL;
  if (columns) /* else its own fault is told already */
    check_condition(read, columns, n_columns, report);
}

static void check_path(const ConfRead *read, ConfReport *report) {
  gboolean is_file = read->from == CONF_READ_DELIMITED || read->from == CONF_READ_SQLITE;
  if (is_file && read->path && !strstr(read->path, "{date}") && !g_file_test(read->path, G_FILE_TEST_IS_REGULAR))
    conf_report_warning(report, read->where, "the file \"%s\" is not there (yet)", read->path);
}

void check_reads(const Conf *conf, GHashTable *layouts, ConfReport *report) {
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *lane = conf->lanes->pdata[i];
    for (guint j = 0; lane->reconciles && j < lane->reconciles->len; j++) {
      const ConfRead *read = &((const ConfReconcile *)lane->reconciles->pdata[j])->read;
      char *const amount[] = {read->amount, NULL};
      check_names(read, "columns", read->columns, report);
      check_names(read, "order", read->order, report);
      check_names(read, "amount", amount, report);
      check_where(read, layouts, report);
      check_path(read, report);
      check_secret(read->where, "password-file", read->password_file, report);
    }
  }
}
