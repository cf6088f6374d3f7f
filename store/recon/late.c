/* Statements are prepared anew, as in recon.c: they are asked once a second at most. */
#include "store/book_recon_late.h"
#include "store/book/book_private.h"
#include "store/recon/queries.sql.h"

static DbStatement *ask(BookReader *reader, const char *name, GError **error) {
  return book_end(reader, error) ? db_prepare_named(reader->statements.db, recon_queries_sql, name, error) : NULL;
}

static void decided_free(gpointer data) {
  ReconDecided *decided = data;
  g_free(decided->id);
  g_free(decided->feed);
  g_free(decided->name);
  g_free(decided->business_date);
  g_free(decided);
}

static gpointer decided_row(DbStatement *s, GError **error) {
  ReconDecided *decided = g_new0(ReconDecided, 1);
  *decided = (ReconDecided){.sequence = db_integer(s, 0),
                            .at = db_integer(s, 1),
                            .is_posted = g_strcmp0(db_text(s, 2), file_state_word(FILE_POSTED)) == 0,
                            .id = db_text_copy(s, 3),
                            .feed = db_text_copy(s, 4),
                            .name = db_text_copy(s, 5),
                            .business_date = db_text_copy(s, 6),
                            .accepted = (guint64)db_integer(s, 7)};
  if (db_row_whole(s, error))
    return decided;
  decided_free(decided);
  return NULL;
}

GPtrArray *recon_decided_files(BookReader *reader, gint64 after, gint64 until, guint limit, GError **error) {
  g_autoptr(DbStatement) s = ask(reader, "decided-files", error);
  if (!s)
    return NULL;
  db_bind(s, "iiu", after, until, limit);
  return book_collect(reader, s, decided_row, decided_free, error);
}

static gboolean ask_number(BookReader *reader, const char *name, gint64 *number, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) s = ask(reader, name, error);
  if (!s || !db_step(s, &row, error))
    return FALSE;
  if (row)
    *number = db_integer(s, 0);
  db_reset(s);
  return TRUE;
}

gboolean recon_audit_top(BookReader *reader, gint64 *sequence, GError **error) {
  *sequence = 0;
  return ask_number(reader, "audit-top", sequence, error);
}

gboolean recon_late_seen(BookReader *reader, gint64 *sequence, GError **error) {
  *sequence = -1;
  return ask_number(reader, "late-seen", sequence, error);
}

static gboolean set(BookTransaction *tx, const char *name, gint64 sequence, GError **error) {
  g_autoptr(DbStatement) s = db_prepare_named(tx->statements.db, recon_queries_sql, name, error);
  if (!s)
    return FALSE;
  db_bind(s, "i", sequence);
  return db_done(s, error);
}

gboolean recon_set_late_seen(BookTransaction *tx, gint64 sequence, GError **error) {
  return set(tx, "set-late-seen", sequence, error);
}

gboolean recon_look_again_from(BookTransaction *tx, gint64 sequence, GError **error) {
  return set(tx, "late-seen-back", sequence, error);
}
