#include "gateway/cli/recon/compare_columns.h"

enum { KEY, AMOUNT, ACCOUNT, BUSINESS_DATE, KNOWN };

static gboolean is_integer(const CompareColumnsAsked *asked, const char *name) {
  const ConfLayout *layout = conf_layout(asked->conf, asked->feed->layout);
  const ConfField *field = layout ? conf_line_field(&layout->record, name) : NULL;
  return field && field->type == CONF_INTEGER;
}

static const char *either(const char *name, const char *otherwise) {
  return name ? name : otherwise;
}

static void list_known(const CompareColumnsAsked *asked, CompareColumn known[KNOWN]) {
  const ConfFeed *feed = asked->feed;
  const char *const in_ours[KNOWN] = {"key", "amount", "account", "business_date"},
             *const in_own[KNOWN] = {"key", either(asked->read->amount, "amount"), "account", "business_date"},
             *const in_layout[KNOWN] = {feed->key, feed->ledger.amount, feed->ledger.account,
                                        either(feed->business_date, "business_date")};
  const char *const fields[KNOWN] = {feed->key, NULL, feed->ledger.account, NULL};
  for (guint i = 0; i < KNOWN; i++)
    known[i] = (CompareColumn){in_ours[i], in_ours[i], asked->is_own ? in_own[i] : in_layout[i],
                               is_integer(asked, fields[i])};
}

static gboolean add_other(CompareColumns *columns, const CompareColumn *column, GError **error) {
  if (columns->n_others == COMPARE_OTHERS_MOST)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "--column: more than %d columns beside key and amount", COMPARE_OTHERS_MOST);
  columns->others[columns->n_others++] = *column;
  return TRUE;
}

/* OURS or OURS=THEIRS; OURS= leaves it out. */
static gboolean take_word(const char *word, CompareColumn known[KNOWN], gboolean wanted[KNOWN], CompareColumns *columns,
                          GError **error) {
  g_auto(GStrv) parts = g_strsplit(word, "=", 2);
  char *ours = parts[0] ? g_strstrip(g_strdup(parts[0])) : g_strdup("");
  char *theirs = parts[0] && parts[1] ? g_strstrip(g_strdup(parts[1])) : g_strdup(ours);
  g_ptr_array_add(columns->kept, ours);
  g_ptr_array_add(columns->kept, theirs);
  guint i = 0;
  while (i < KNOWN && !g_str_equal(known[i].ours, ours))
    i++;
  if (!*ours || (!*theirs && (i == KEY || i == AMOUNT || i == KNOWN)))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "--column \"%s\": write OUR-NAME, or OUR-NAME=THEIR-NAME; key and amount are always "
                               "compared",
                               word);
  if (i == KNOWN)
    return add_other(columns, &(CompareColumn){ours, ours, theirs, FALSE}, error);
  known[i].theirs = theirs;
  wanted[i] = *theirs != '\0';
  return TRUE;
}

gboolean compare_columns_find(const CompareColumnsAsked *asked, CompareColumns *columns, GError **error) {
  CompareColumn known[KNOWN];
  gboolean wanted[KNOWN] = {TRUE, TRUE};
  *columns = (CompareColumns){.kept = g_ptr_array_new_with_free_func(g_free)};
  list_known(asked, known);
  for (guint i = ACCOUNT; i < KNOWN; i++)
    wanted[i] = known[i].theirs && recon_source_column(asked->ours, known[i].ours) >= 0 &&
                recon_source_column(asked->theirs, known[i].theirs) >= 0;
  g_auto(GStrv) words = g_strsplit(asked->given ? asked->given : "", ",", -1);
  for (char **word = words; *word; word++)
    if (!take_word(*word, known, wanted, columns, error))
      return FALSE;
  columns->key = known[KEY];
  columns->amount = known[AMOUNT];
  for (guint i = ACCOUNT; i < KNOWN; i++)
    if (wanted[i] && !add_other(columns, &known[i], error))
      return FALSE;
  return TRUE;
}

void compare_columns_clear(CompareColumns *columns) {
  g_clear_pointer(&columns->kept, g_ptr_array_unref);
}
