/* Changes of intents and polls. All run in the writer's thread. */
#include "store/book/book_private.h"

void book_intent_free(BookIntent *intent) {
  if (!intent)
    return;
  g_free(intent->file);
  g_free(intent->kind);
  g_free(intent->endpoint);
  g_free(intent->from);
  g_free(intent->to);
  g_free(intent->sha256);
  g_free(intent->problem);
  g_free(intent);
}

gboolean book_add_intent(BookTransaction *tx, BookIntent *intent, GError **error) {
  gboolean row;
  DbStatement *s = book_statement(&tx->statements, BOOK_ADD_INTENT, error);
  if (!s)
    return FALSE;
  db_bind(s, "sssssisi", intent->file, intent->kind, intent->endpoint, intent->from, intent->to, (gint64)intent->size,
          intent->sha256, intent->due_at);
  if (!db_step(s, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "an intent was given no id");
  intent->id = db_integer(s, 0);
  intent->state = INTENT_PENDING;
  return db_done(s, error);
}

/* Steps an update … RETURNING file, kind of a pending intent. *file stays NULL for one that is not pending. */
typedef struct {
  gboolean found;
  char *file, *kind;
} Touched;
static void touched_clear(Touched *touched) {
  g_free(touched->file);
  g_free(touched->kind);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Touched, touched_clear)

static gboolean touch(BookTransaction *tx, DbStatement *s, gint64 id, Touched *touched, GError **error) {
  if (!db_step(s, &touched->found, error))
    return FALSE;
  if (touched->found) {
    touched->file = db_text_copy(s, 0);
    touched->kind = db_text_copy(s, 1);
    return db_done(s, error);
  }
  gboolean row;
  DbStatement *look = book_statement(&tx->statements, BOOK_INTENT_STATE, error);
  if (!look)
    return FALSE;
  db_bind(look, "i", id);
  if (!db_step(look, &row, error))
    return FALSE;
  if (!row)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no intent %" G_GINT64_FORMAT " is in the book", id);
  db_reset(look);
  return TRUE; /* done before, by the same effect carried out twice: nothing to add */
}

gboolean book_finish_intent(BookTransaction *tx, gint64 id, const char *detail, GError **error) {
  g_auto(Touched) touched = {0};
  DbStatement *s = book_statement(&tx->statements, BOOK_FINISH_INTENT, error);
  if (!s)
    return FALSE;
  db_bind(s, "ii", id, g_get_real_time());
  if (!touch(tx, s, id, &touched, error))
    return FALSE;
  return !touched.found || !detail || book_audit(tx, touched.kind, touched.file, detail, error);
}

void book_poll_free(BookPoll *poll) {
  if (!poll)
    return;
  g_free(poll->feed);
  g_free(poll->problem);
  g_free(poll);
}

gboolean book_save_poll(BookTransaction *tx, const BookPoll *poll, GError **error) {
  DbStatement *s = book_statement(&tx->statements, BOOK_SAVE_POLL, error);
  if (!s)
    return FALSE;
  db_bind(s, "siiiiius", poll->feed, poll->last_at, poll->last_ok_at, poll->next_at, (gint64)poll->listed,
          (gint64)poll->taken, poll->failures, poll->problem);
  return db_done(s, error);
}
