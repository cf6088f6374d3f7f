#include "transfer/courier/call_private.h"
#include <errno.h>
#include <poll.h>

#define GRACE 5u /* seconds beyond io_timeout: the courier gives up first, and can say why */

static gboolean take_progress(Courier *courier, Call *call, guint64 done, GError **error) {
  if (done > call->limit)
    return courier_lose(courier, call->if_lost, "it tells of more than was asked for", error);
  if (call->channel) /* what is here, whatever it says */
    done = call->channel->at;
  if (!call->progress || call->progress(call->user, done))
    return TRUE;
  return courier_lose(courier, SALLYPORT_ERROR_AGAIN, "the transfer was stopped by its caller", error);
}

static gboolean nonsense(Courier *courier, const Call *call, GError **error) {
  return courier_lose(courier, call->if_lost, "it answered something else than was asked", error);
}

/* Content is taken until the courier has something to say, or is silent for `milliseconds`. TRUE: some has come, and
 * nothing is said yet. */
static gboolean take_content(const Courier *courier, Call *call, int milliseconds) {
  Channel *channel = call->channel;
  if (!channel || channel->from < 0)
    return FALSE;
  guint64 before = channel->at;
  struct pollfd ends[2] = {{.fd = courier->process.socket, .events = POLLIN}, {.fd = channel->from, .events = POLLIN}};
  int ready = poll(ends, 2, milliseconds);
  if (ready > 0 && ends[1].revents)
    (void)channel_take(channel); /* of a failure the courier is told by the end of the pipe, and its caller by us */
  return ready > 0 && !ends[0].revents && channel->at > before;
}

static gboolean await_answer(Courier *courier, Call *call, WireMessage *answer, GError **error) {
  const gint64 patience = (gint64)(MAX(courier->io_timeout, call->patience) + GRACE) * G_USEC_PER_SEC;
  gint64 until = g_get_monotonic_time() + patience;
  guint64 progress = 0;
  for (;;) {
    gint64 left = MAX(0, until - g_get_monotonic_time()) / 1000;
    if (take_content(courier, call, (int)left)) {
      until = g_get_monotonic_time() + patience;
      continue;
    }
    if (!courier_take(courier, (int)left, answer, call->if_lost, call->doing, error))
      return FALSE;
    guint64 before = call->told;
    gboolean grown = FALSE;
    switch (answer->type) {
    case WIRE_DONE:
    case WIRE_REPLY:
      return (answer->type == WIRE_REPLY) == call->wants_reply || nonsense(courier, call, error);
    case WIRE_FAILED:
      return courier_failed(courier, answer, error);
    case WIRE_PROGRESS:
      if (!take_progress(courier, call, answer->size, error))
        return FALSE;
      grown = answer->size > progress;
      progress = MAX(progress, answer->size);
      break;
    case WIRE_ENTRIES:
      if (!call->gather || !call->gather(call, answer->entries))
        return nonsense(courier, call, error);
      grown = call->told > before;
      break;
    case WIRE_FACT:
      if (!call->fact || !call->fact(call, answer))
        return nonsense(courier, call, error);
      grown = TRUE;
      break;
    case WIRE_DIAL:
      grown = TRUE;
      if (!courier_dial(courier, call, answer->port, error))
        return FALSE;
      break;
    case WIRE_VERIFIED:
      if (!courier_give_credentials(courier, call, error))
        return FALSE;
      break;
    default:
      return nonsense(courier, call, error);
    }
    if (grown)
      until = g_get_monotonic_time() + patience;
  }
}

gboolean courier_call(Courier *courier, const WireMessage *request, Call *call, WireMessage *answer, GError **error) {
  if (courier->lost)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s: %s: the courier is lost", courier->name, call->doing);
  gboolean ok = courier_send(courier, request, call->doing, error);
  if (call->channel)
    channel_sent(call->channel);
  ok = ok && await_answer(courier, call, answer, error);
  if (call->channel) /* whatever the answer: what has come in order is where a get goes on */
    (void)channel_take(call->channel);
  return ok;
}
