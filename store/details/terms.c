#include "store/details_terms.h"
#include "store/details/queries.sql.h"
#include "store/details/reader_private.h"

gboolean details_reader_terms(DetailsReader *reader, DetailTermsVisit visit, gpointer user, GError **error) {
  for (guint i = 0; i < reader->n_shards; i++) {
    g_autoptr(DbStatement) texts =
        db_prepare_named(reader->shards[i].details, details_queries_sql, "texts", error);
    gboolean row = texts != NULL;
    while (row) {
      if (!db_step(texts, &row, error))
        return FALSE;
      const char *text = row ? db_text(texts, 0) : NULL;
      if (row && !db_row_whole(texts, error))
        return FALSE;
      if (row)
        visit(user, text);
    }
    if (!texts)
      return FALSE;
  }
  return TRUE;
}
