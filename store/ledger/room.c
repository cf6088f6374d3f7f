/* Room: how much more may be posted before a balance could leave 64 bits. No balance is larger than the sum of all
 * amounts without their signs, so while that sum and what is promised fit, nothing has to be looked up. */
#include "store/ledger/open_private.h"
#include "store/ledger/queries.sql.h"

/* `gross` and `moved` are not negative. */
static gboolean fits(gint64 gross, gint64 moved) {
  gint64 sum;
  return !__builtin_add_overflow(gross, moved, &sum) && sum < G_MAXINT64; /* which stands for "or more" */
}

static gint64 all_promised(const Ledger *ledger, const char *without) {
  GHashTableIter iter;
  gpointer file, moved;
  gint64 sum = 0;
  g_hash_table_iter_init(&iter, ledger->promises);
  while (g_hash_table_iter_next(&iter, &file, &moved))
    if (!g_str_equal(file, without) && __builtin_add_overflow(sum, *(gint64 *)moved, &sum))
      return G_MAXINT64;
  return sum;
}

gboolean ledger_promise(Ledger *ledger, const char *file, gint64 moved) {
  pthread_mutex_lock(&ledger->lock);
  gint64 sum = all_promised(ledger, file);
  gboolean has_room = fits(sum, moved);
  for (guint i = 0; i < ledger->shards && has_room; i++)
    has_room = fits(ledger->gross[i], sum + moved);
  if (has_room)
    g_hash_table_replace(ledger->promises, g_strdup(file), g_memdup2(&moved, sizeof moved));
  else
    g_hash_table_remove(ledger->promises, file);
  pthread_mutex_unlock(&ledger->lock);
  return has_room;
}

void ledger_forget_promise(Ledger *ledger, const char *file) {
  pthread_mutex_lock(&ledger->lock);
  g_hash_table_remove(ledger->promises, file);
  pthread_mutex_unlock(&ledger->lock);
}

gboolean ledger_has_room(LedgerReader *reader, gint64 moved, gboolean *has_room, GError **error) {
  *has_room = TRUE;
  for (guint i = 0; i < ledger_reader_shards(reader); i++) {
    g_autoptr(DbStatement) top = db_prepare_named(ledger_reader_view(reader, i)->db, ledger_queries_sql, "top", error);
    gboolean row = FALSE;
    if (!top || !db_step(top, &row, error))
      return FALSE;
    *has_room &= fits(row ? db_integer(top, 1) : 0, moved);
  }
  return TRUE;
}
