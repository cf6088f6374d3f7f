/* What nobody waits for: that items were listed and obtained. The keeper writes it when it comes to it. */
#include "gateway/exchange/exchange_private.h"

enum { NOTES_MOST = 10000 };

void exchange_note_free(ExchangeNote *note) {
  g_free(note->id);
  g_free(note);
}

void exchange_note(Exchange *exchange, const ExchangeNote *note) {
  pthread_mutex_lock(&exchange->lock);
  gboolean is_taken = g_queue_get_length(&exchange->notes) < NOTES_MOST;
  if (is_taken)
    g_queue_push_tail(&exchange->notes, g_memdup2(note, sizeof *note));
  pthread_cond_signal(&exchange->changed);
  pthread_mutex_unlock(&exchange->lock);
  if (!is_taken)
    g_free(note->id);
}

static gboolean write_note(BookTransaction *tx, const ExchangeNote *note, GError **error) {
  const char *mailbox = note->mailbox->conf->name;
  if (!note->id)
    return exchange_note_listed(tx, mailbox, note->direction, note->first, note->last, error);
  return exchange_note_got(tx, mailbox, note->direction, note->id, error);
}

/* All that came meanwhile, in one transaction. */
static gboolean notes_change(BookTransaction *tx, gpointer data, GError **error) {
  for (const GList *at = ((const GQueue *)data)->head; at; at = at->next)
    if (!write_note(tx, at->data, error))
      return FALSE;
  return TRUE;
}

void exchange_notes_write(Exchange *exchange, GQueue *notes) {
  g_autoptr(GError) error = NULL;
  if (g_queue_is_empty(notes))
    return;
  if (!book_write(exchange->host->book, notes_change, notes, &error))
    exchange_tell_trouble(exchange, NULL, NULL, error);
  g_queue_clear_full(notes, (GDestroyNotify)exchange_note_free);
}
