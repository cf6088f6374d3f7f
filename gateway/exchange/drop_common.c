/* What both halves of a round need: what they ask of the mailbox, of the book, and of the server. */
#include "gateway/common/log.h"
#include "gateway/common/remote_path.h"
#include "gateway/exchange/drops.h"
#include <string.h>

ExchangeVerdict drop_ask(DropRound *round, ExchangeHandler handler, const char *id, json_t *request, json_t **answer) {
  DropFolder *folder = round->folder;
  g_autoptr(GError) error = NULL;
  ExchangeCall call = {.exchange = folder->exchange,
                       .mailbox = folder->mailbox,
                       .puts = folder->puts,
                       .gets = folder->gets,
                       .id = id,
                       .request = request,
                       .answer = json_object(),
                       .fd = -1};
  ExchangeVerdict verdict = handler(&call, &error);
  if (error)
    exchange_tell_trouble(folder->exchange, folder->mailbox, id, error);
  if (answer)
    *answer = json_incref(call.answer);
  json_decref(call.answer);
  json_decref(request);
  return verdict;
}

void drop_problem(DropRound *round, const char *name, const char *problem) {
  log_event(LOG_WARNING, "drop-trouble", {"mailbox", round->folder->mailbox->conf->name},
            {"partner", round->folder->conf->name}, {"name", name}, {"problem", problem});
  if (!round->problem)
    round->problem = name ? g_strdup_printf("%s: %s", name, problem) : g_strdup(problem);
}

gboolean drop_failed(DropRound *round, const char *name, GError **error) {
  SallyportErrorCode code = sallyport_error_code(*error);
  if (courier_is_lost(round->courier) || (code != SALLYPORT_ERROR_PARTNER && code != SALLYPORT_ERROR_AGAIN &&
                                          code != SALLYPORT_ERROR_UNCERTAIN))
    return FALSE;
  drop_problem(round, name, (*error)->message);
  g_clear_error(error);
  return TRUE;
}

static gboolean set_change(BookTransaction *tx, gpointer data, GError **error) {
  return exchange_set_drop(tx, data, error);
}

static gboolean remove_change(BookTransaction *tx, gpointer data, GError **error) {
  return exchange_remove_drop(tx, data, error);
}

gboolean drop_set(DropRound *round, ExchangeDrop *drop, ExchangeDropState state, GError **error) {
  drop->state = state;
  return book_write(round->folder->exchange->host->book, set_change, drop, error);
}

gboolean drop_remove(DropRound *round, ExchangeDrop *drop, GError **error) {
  return book_write(round->folder->exchange->host->book, remove_change, drop, error);
}

gboolean drop_unlink(DropRound *round, const char *folder, const char *name, GError **error) {
  g_autofree char *path = remote_path_join(folder, name, strlen(name));
  return courier_remove(round->courier, path, error);
}

gboolean drop_name_is_fit(const char *name) {
  gsize length = strlen(name);
  for (gsize i = 0; i < length; i++)
    if ((guchar)name[i] < ' ' || name[i] == 0x7f || name[i] == '/')
      return FALSE;
  return length > 0 && length <= 200 && name[0] != '.' && g_utf8_validate(name, (gssize)length, NULL);
}
