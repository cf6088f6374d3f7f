#include "store/book_answer_name.h"
#include "store/book/book_private.h"

/* The one column of the one row that there may be. */
static gboolean owner_of(DbStatement *s, char **owner, GError **error) {
  gboolean row;
  *owner = NULL;
  if (!db_step(s, &row, error))
    return FALSE;
  if (row)
    *owner = db_text_copy(s, 0);
  db_reset(s);
  return TRUE;
}

char *book_answer_owner(BookReader *reader, const char *feed, const char *name, GError **error) {
  char *owner = NULL;
  DbStatement *s = book_ask(reader, BOOK_ANSWER_OWNER, error);
  if (!s)
    return NULL;
  db_bind(s, "ss", feed, name);
  return owner_of(s, &owner, error) ? owner : NULL;
}

gboolean book_claim_answer(BookTransaction *tx, const char *feed, const char *name, const char *file, GError **error) {
  g_autofree char *owner = NULL;
  DbStatement *s = book_statement(&tx->statements, BOOK_CLAIM_ANSWER, error);
  if (!s)
    return FALSE;
  db_bind(s, "sss", feed, name, file);
  if (!owner_of(s, &owner, error))
    return FALSE;
  return g_strcmp0(owner, file) == 0 ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "file %s took the answer's name %s meanwhile", owner, name);
}
