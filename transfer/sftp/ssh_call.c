#include "transfer/sftp/ssh_private.h"
#include "gateway/base/files.h"
#include "transfer/wire/connect.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* The one place where libssh2's codes become ours. */
static SallyportErrorCode code_of(int failed) {
  switch (failed) {
  case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
  case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
  case LIBSSH2_ERROR_PASSWORD_EXPIRED:
  case LIBSSH2_ERROR_HOSTKEY_INIT:
  case LIBSSH2_ERROR_HOSTKEY_SIGN:
    return SALLYPORT_ERROR_LOGIN;
  case LIBSSH2_ERROR_FILE:
  case LIBSSH2_ERROR_KEYFILE_AUTH_FAILED:
  case LIBSSH2_ERROR_PUBLICKEY_PROTOCOL:
    return SALLYPORT_ERROR_CONFIGURATION;
  case LIBSSH2_ERROR_KEX_FAILURE:
  case LIBSSH2_ERROR_METHOD_NONE:
  case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
  case LIBSSH2_ERROR_PROTO:
  case LIBSSH2_ERROR_OUT_OF_BOUNDARY:
  case LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED:
  case LIBSSH2_ERROR_CHANNEL_FAILURE:
    return SALLYPORT_ERROR_PARTNER;
  case LIBSSH2_ERROR_BAD_USE:
  case LIBSSH2_ERROR_INVAL:
    return SALLYPORT_ERROR_BUG;
  default: /* sockets, time-outs, MACs, disconnections, memory: another connection may do */
    return SALLYPORT_ERROR_AGAIN;
  }
}

gboolean ssh_error(const SshLink *link, int failed, const char *what, GError **error) {
  char *text = NULL;
  libssh2_session_last_error(link->session, &text, NULL, 0);
  g_autofree char *shown = files_show_bytes(text ? text : "", text ? strlen(text) : 0, 200);
  return sallyport_error_set(error, code_of(failed), "%s: %s (libssh2 %s, %d)", what,
                             *shown ? shown : "no reason given", libssh2_version(0), failed);
}

/* libssh2 goes on inside one call as long as packets come, and a server can send empty ones for ever. While the lane
 * lives it ends such a courier; should it have died, this does. */
void ssh_watch(gint64 seconds) {
  alarm((unsigned)CLAMP(seconds, 1, 7 * 86400));
}

void ssh_rest(void) {
  alarm(0);
}

gboolean ssh_wait(SshLink *link, gint64 deadline, GError **error) {
  int wants = libssh2_session_block_directions(link->session);
  short events = (short)((wants & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0) |
                         (wants & LIBSSH2_SESSION_BLOCK_INBOUND || wants == 0 ? POLLIN : 0));
  struct pollfd wanted[2] = {{.fd = link->socket, .events = events}, {.fd = link->lane}};
  gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;
  connect_quick_ack(link->socket);
  ssh_watch(left / 1000 + SSH_SPIN_MOST);
  int ready = left > 0 ? poll(wanted, 2, (int)MIN(left, G_MAXINT)) : 0;
  if (ready < 0 && errno == EINTR)
    return TRUE;
  if (ready > 0 && wanted[1].revents)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is gone");
  if (ready <= 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the server is silent");
  return TRUE;
}
