/* One message to the courier or from it, and what becomes of a courier that fails at that. */
#include "transfer/courier/call_private.h"
#include "gateway/base/files.h"
#include <poll.h>
#include <unistd.h>

static gboolean has_hung_up(const Courier *courier) {
  struct pollfd end = {.fd = courier->process.socket};
  return courier->process.socket < 0 || (poll(&end, 1, 0) > 0 && end.revents != 0);
}

gboolean courier_has_ended(const Courier *courier) {
  return courier->lost || has_hung_up(courier);
}

gboolean courier_lose(Courier *courier, SallyportErrorCode code, const char *why, GError **error) {
  g_autofree char *how = NULL;
  courier->lost = TRUE;
  /* one that has closed its socket is about to end by itself: how it ended is worth a moment */
  if (!has_hung_up(courier) || !courier_process_reap(&courier->process, 200, &how)) {
    courier_process_kill(&courier->process);
    (void)courier_process_reap(&courier->process, 1000, NULL);
  }
  return sallyport_error_set(error, code, "%s: courier lost: %s%s%s", courier->name, why, how ? ": " : "",
                             how ? how : "");
}

gboolean courier_take(Courier *courier, int milliseconds, WireMessage *message, SallyportErrorCode if_lost,
                      const char *doing, GError **error) {
  g_autofree char *why = NULL;
  WireGot got = wire_receive(courier->process.socket, milliseconds, &courier->buffer, message);
  if (got == WIRE_GOT_END) /* of a process that has ended with our request unread: its last word is behind that */
    got = wire_receive(courier->process.socket, 0, &courier->buffer, message);
  switch (got) {
  case WIRE_GOT_MESSAGE:
    if (message->type >= WIRE_HOST_KEY)
      return TRUE;
    if (message->fd >= 0)
      close(message->fd);
    why = g_strdup_printf("%s: it sent a request", doing);
    break;
  case WIRE_GOT_NOTHING:
    why = g_strdup_printf("%s: no progress for %d s", doing, milliseconds / 1000);
    break;
  case WIRE_GOT_REFUSED:
    why = g_strdup_printf("%s: it sent nonsense", doing);
    break;
  case WIRE_GOT_END:
  default:
    why = g_strdup_printf("%s: the process ended", doing);
  }
  return courier_lose(courier, if_lost, why, error);
}

/* Our own storage is not condemned on the word of a process that reads what strangers send: it only makes us try again,
 * and an fsync of ours will tell. */
static SallyportErrorCode believable(guint64 code) {
  switch (code) {
  case SALLYPORT_ERROR_PARTNER:
  case SALLYPORT_ERROR_LOGIN:
  case SALLYPORT_ERROR_FILE:
  case SALLYPORT_ERROR_CONFIGURATION:
  case SALLYPORT_ERROR_UNCERTAIN:
  case SALLYPORT_ERROR_BUG:
    return (SallyportErrorCode)code;
  default:
    return SALLYPORT_ERROR_AGAIN;
  }
}

gboolean courier_failed(Courier *courier, const WireMessage *message, GError **error) {
  g_autofree char *text = files_show_bytes(message->text.data, message->text.length, 1000);
  if (message->lost) {
    courier->lost = TRUE;
    (void)courier_process_reap(&courier->process, 200, NULL);
  }
  return sallyport_error_set(error, believable(message->code), "%s: %s", courier->name, text);
}

gboolean courier_send(Courier *courier, const WireMessage *message, const char *doing, GError **error) {
  GError *failed = NULL;
  if (wire_send(courier->process.socket, message, &failed))
    return TRUE;
  if (failed->code == SALLYPORT_ERROR_BUG) { /* nothing has been sent: our own mistake, the courier is well */
    g_propagate_prefixed_error(error, failed, "%s: %s: ", courier->name, doing);
    return FALSE;
  }
  g_error_free(failed);
  WireMessage last;
  return wire_receive(courier->process.socket, 0, &courier->buffer, &last) == WIRE_GOT_MESSAGE &&
                 last.type == WIRE_FAILED
             ? courier_failed(courier, &last, error)
             : courier_lose(courier, SALLYPORT_ERROR_AGAIN, doing, error);
}
