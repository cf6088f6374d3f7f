/* What the lane does for a caged courier in the middle of a call: it makes one more connection, or hands out
 * credentials.
 *
 * A courier may have been broken into by the server that it talks to. So it gets connections to the address that it was
 * connected to before it had read a byte, and to nothing else; to the endpoint's own port or, for FTP's data only, to
 * one above 1023; and not many. */
#include "transfer/wire/connect.h"
#include "transfer/courier/call_private.h"
#include "transfer/courier/secrets_private.h"
#include <string.h>
#include <unistd.h>

#define DIALS_MOST 8u /* in one call: a reconnection, EPSV and PASV after it, and some */

static gboolean may_dial(const Courier *courier, const Call *call, guint64 port) {
  return courier->address && call->dials <= DIALS_MOST &&
         (port == courier->port || (courier->has_data_ports && port >= 1024));
}

gboolean courier_dial(Courier *courier, Call *call, guint64 port, GError **error) {
  g_autoptr(GError) failed = NULL;
  call->dials++;
  if (!may_dial(courier, call, port))
    return courier_lose(courier, call->if_lost, "it wants connections that it has no need of", error);
  gint64 deadline = g_get_monotonic_time() + (gint64)courier->connect_timeout * G_USEC_PER_SEC;
  int made = connect_to(courier->address, (guint)port, deadline, &failed);
  const WireMessage given = {.type = WIRE_SOCKET, .fd = made, .port = port},
                    none = {.type = WIRE_NO_SOCKET, .fd = -1, .text = wire_text(failed ? failed->message : "")};
  gboolean ok = courier_send(courier, made >= 0 ? &given : &none, call->doing, error);
  if (made >= 0)
    close(made);
  return ok;
}

/* Read again from their files: what has been changed since the start is what goes. */
gboolean courier_give_credentials(Courier *courier, const Call *call, GError **error) {
  CourierSecrets secrets = {0};
  g_autoptr(GError) failed = NULL;
  const CourierEndpoint files = {
      .kind = COURIER_HTTP, .password_file = courier->password_file, .token_file = courier->token_file};
  if (!courier->asks_credentials)
    return courier_lose(courier, call->if_lost, "it asks for credentials again", error);
  courier->asks_credentials = FALSE;
  if (!courier_secrets_read(&files, &secrets, &failed))
    return courier_lose(courier, SALLYPORT_ERROR_CONFIGURATION, failed->message, error);
  const WireMessage credentials = {
      .type = WIRE_CREDENTIALS, .fd = -1, .password = wire_text(secrets.password), .token = wire_text(secrets.token)};
  gboolean ok = courier_send(courier, &credentials, call->doing, error);
  courier_secrets_wipe(&secrets);
  return ok;
}
