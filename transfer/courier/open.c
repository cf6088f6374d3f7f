/* Opening a courier: the process is started and asked to connect; it shows the host key; only when that is pinned it
 * gets the credentials. A server with several host keys may have shown another type than the pinned one: then a new
 * courier asks for the remaining types, until the pinned key is seen or none is left. */
#include "gateway/base/files.h"
#include "transfer/courier/call_private.h"
#include "transfer/courier/open_private.h"
#include "transfer/courier/secrets_private.h"
#include "transfer/sftp/ssh.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_TIMEOUT 20u
#define IO_TIMEOUT 60u

static gboolean is_pinned(const CourierEndpoint *endpoint, const char *fingerprint) {
  for (const char *const *pin = endpoint->host_keys; pin && *pin; pin++) {
    gsize length = strcspn(*pin, "=");
    if (length == strlen(fingerprint) && memcmp(*pin, fingerprint, length) == 0)
      return TRUE;
  }
  return FALSE;
}

Courier *courier_new(const CourierEndpoint *endpoint, GError **error) {
  Courier *courier = g_new0(Courier, 1);
  courier->process = (CourierProcess){.socket = -1};
  pthread_mutex_init(&courier->process.lock, NULL);
  courier->name = g_strdup(endpoint->name ? endpoint->name : "endpoint");
  courier->io_timeout = endpoint->io_timeout > 0 ? endpoint->io_timeout : IO_TIMEOUT;
  courier->connect_timeout = endpoint->connect_timeout > 0 ? endpoint->connect_timeout : CONNECT_TIMEOUT;
  if (courier_process_start(&courier->process, endpoint->program, error))
    return courier;
  g_prefix_error(error, "%s: ", courier->name);
  courier_close(courier);
  return NULL;
}

static gboolean is_web(const CourierEndpoint *endpoint) {
  return endpoint->kind == COURIER_HTTP || endpoint->kind == COURIER_MAILBOX;
}

static gboolean is_curls(const CourierEndpoint *endpoint) {
  return endpoint->kind == COURIER_FTP || is_web(endpoint);
}

/* libcurl's protocols are told their port: the lane has to know it, for it dials it later. */
static guint port_of(const CourierEndpoint *endpoint) {
  gboolean is_implicit = endpoint->tls == COURIER_TLS_IMPLICIT;
  if (endpoint->port > 0 || !is_curls(endpoint))
    return endpoint->port;
  return endpoint->kind == COURIER_FTP ? (is_implicit ? 990 : 21) : is_implicit ? 443 : 80;
}

static gboolean ask_to_open(Courier *courier, const CourierEndpoint *endpoint, guint8 avoid, GError **error) {
  const WireMessage open = {.type = WIRE_OPEN,
                            .fd = -1,
                            .kind = (guint64)endpoint->kind,
                            .host = wire_text(endpoint->host),
                            .port = port_of(endpoint),
                            .user = wire_text(endpoint->user),
                            .folder = wire_text(endpoint->folder),
                            .connect_timeout = courier->connect_timeout,
                            .io_timeout = courier->io_timeout,
                            .avoid = avoid,
                            .tls = (guint64)endpoint->tls,
                            .zone = wire_text(endpoint->listing_time_zone)};
  return courier_send(courier, &open, "connect", error);
}

static gboolean await_connection(Courier *courier, WireMessage *answer, GError **error) {
  /* resolving and connecting, then the handshake: each has the time-out, and the courier keeps them */
  gint64 patience = ((gint64)courier->connect_timeout * 2 + 5) * 1000;
  return courier_take(courier, (int)MIN(patience, G_MAXINT), answer, SALLYPORT_ERROR_AGAIN, "connect", error);
}

static gboolean take_ready(Courier *courier, const WireMessage *answer, GError **error) {
  if (answer->type == WIRE_FAILED)
    return courier_failed(courier, answer, error);
  if (answer->type != WIRE_READY)
    return courier_lose(courier, SALLYPORT_ERROR_AGAIN, "it answered something else than was asked", error);
  courier->description = files_show_bytes(answer->text.data, answer->text.length, 1500);
  return TRUE;
}

static gboolean hand_credentials(Courier *courier, const CourierSecrets *secrets, WireMessage *answer, GError **error) {
  const WireMessage credentials = {.type = WIRE_CREDENTIALS,
                                   .fd = -1,
                                   .identity = wire_text(secrets->identity),
                                   .passphrase = wire_text(secrets->passphrase),
                                   .password = wire_text(secrets->password)};
  if (!courier_send(courier, &credentials, "login", error))
    return FALSE;
  gint64 patience = ((gint64)courier->io_timeout * 2 + 5) * 1000;
  return courier_take(courier, (int)MIN(patience, G_MAXINT), answer, SALLYPORT_ERROR_AGAIN, "login", error) &&
         take_ready(courier, answer, error);
}

const char *courier_key_name(guint64 type) {
  return type == SSH_KEY_ED25519 ? "ed25519"
         : type == SSH_KEY_ECDSA ? "ECDSA"
         : type == SSH_KEY_RSA   ? "RSA"
                                 : "unknown type";
}

/* What the server has shown so far that is not pinned. */
typedef struct {
  guint8 avoid;
  gboolean is_wrong; /* no pinned one is left to be shown */
  GString *shown;
} Mismatches;

static gboolean wrong_key(const CourierEndpoint *endpoint, Mismatches *mismatches, GError **error) {
  mismatches->is_wrong = TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_LOGIN,
                             "%s: the server's host key is not a pinned one: it shows %s%s; no credential was sent",
                             endpoint->name ? endpoint->name : "endpoint", mismatches->shown->str,
                             mismatches->avoid & SSH_KEY_RSA ? "" : ssh_host_key_hint());
}

typedef enum { OPENED, REFUSED, ANOTHER_TYPE } Attempt;

static Attempt attempt(Courier *courier, const CourierEndpoint *endpoint, const CourierSecrets *secrets,
                       Mismatches *mismatches, GError **error) {
  WireMessage answer;
  GError *failed = NULL;
  if (!ask_to_open(courier, endpoint, mismatches->avoid, error) || !await_connection(courier, &answer, error))
    return REFUSED;
  if (answer.type != WIRE_HOST_KEY) {
    if (take_ready(courier, &answer, &failed) && endpoint->kind == COURIER_LOCAL)
      return OPENED;
    /* no algorithm in common, now that the types seen before are left out: there is no other key */
    if (failed && failed->code == SALLYPORT_ERROR_PARTNER && mismatches->avoid != 0) {
      g_error_free(failed);
      wrong_key(endpoint, mismatches, error);
      return REFUSED;
    }
    if (!failed)
      courier_lose(courier, SALLYPORT_ERROR_AGAIN, "it is ready without a host key", &failed);
    g_propagate_error(error, failed);
    return REFUSED;
  }
  g_autofree char *fingerprint = wire_string(answer.text),
                  *shown = files_show_bytes(fingerprint, strlen(fingerprint), 80);
  if (is_pinned(endpoint, fingerprint))
    return hand_credentials(courier, secrets, &answer, error) ? OPENED : REFUSED;
  g_string_append_printf(mismatches->shown, "%s%s %s", mismatches->shown->len ? ", " : "",
                         courier_key_name(answer.key_type), shown);
  gboolean repeated = (mismatches->avoid & answer.key_type) != 0;
  mismatches->avoid |= (guint8)answer.key_type;
  if (!repeated && answer.key_type != SSH_KEY_OTHER)
    return ANOTHER_TYPE;
  wrong_key(endpoint, mismatches, error);
  return REFUSED;
}

static Courier *open_avoiding(const CourierEndpoint *endpoint, const CourierSecrets *secrets, Mismatches *mismatches,
                              GError **error) {
  for (guint i = 0; i < COURIER_KEY_TYPES; i++) {
    Courier *courier = courier_new(endpoint, error);
    if (!courier)
      return NULL;
    Attempt result = attempt(courier, endpoint, secrets, mismatches, error);
    explicit_bzero(&courier->buffer, sizeof courier->buffer);
    if (result == OPENED)
      return courier;
    courier_close(courier);
    if (result == REFUSED)
      return NULL;
  }
  wrong_key(endpoint, mismatches, error);
  return NULL;
}

/* What was learnt of the server's other keys is taken up, and given up when it does not hold any more. */
static Courier *open_by_key(const CourierEndpoint *endpoint, const CourierSecrets *secrets, GError **error) {
  gint *learnt = endpoint->other_keys;
  Mismatches mismatches = {.avoid = learnt ? (guint8)g_atomic_int_get(learnt) : 0, .shown = g_string_new(NULL)};
  GError *failed = NULL;
  guint8 before = mismatches.avoid;
  Courier *courier = open_avoiding(endpoint, secrets, &mismatches, &failed);
  if (!courier && before != 0 && mismatches.is_wrong) {
    g_clear_error(&failed);
    mismatches.avoid = 0;
    g_string_truncate(mismatches.shown, 0);
    courier = open_avoiding(endpoint, secrets, &mismatches, &failed);
  }
  if (courier && learnt)
    g_atomic_int_set(learnt, mismatches.avoid);
  if (failed)
    g_propagate_error(error, failed);
  g_string_free(mismatches.shown, TRUE);
  return courier;
}

/* --- FTP and HTTP. */

#define SYSTEM_TRUST "/etc/ssl/certs/ca-certificates.crt"

static gboolean send_trust(Courier *courier, const CourierEndpoint *endpoint, const CourierSecrets *secrets,
                           GError **error) {
  const char *path = endpoint->ca_file ? endpoint->ca_file : SYSTEM_TRUST;
  if (endpoint->tls == COURIER_TLS_NONE)
    return TRUE;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: %s%s", path, g_strerror(errno),
                               endpoint->ca_file ? "" : " (the package ca-certificates has it; or name a ca-file)");
  g_autofree char *pins = endpoint->tls_keys ? g_strjoinv(";", (char **)endpoint->tls_keys) : NULL;
  const WireMessage trust = {
      .type = WIRE_TRUST, .fd = fd, .pins = wire_text(pins), .certificate = wire_text(secrets->certificate)};
  gboolean ok = courier_send(courier, &trust, "connect", error);
  close(fd);
  return ok;
}

/* FTP's user and password go before the handshake: libcurl logs in by itself, on the connection that it has just
 * verified, with no moment between the two in which it could be handed a password. Until then it has only one
 * connection, and its cage keeps it from any other; the server gets to see the password when certificate, name and pins
 * hold, and not before. HTTP's are asked for later. */
static gboolean send_login(Courier *courier, const CourierEndpoint *endpoint, const CourierSecrets *secrets,
                           GError **error) {
  const WireMessage credentials = {.type = WIRE_CREDENTIALS,
                                   .fd = -1,
                                   .identity = wire_text(secrets->identity),
                                   .passphrase = wire_text(secrets->passphrase),
                                   .password = wire_text(endpoint->kind == COURIER_FTP ? secrets->password : NULL)};
  return courier_send(courier, &credentials, "connect", error);
}

/* The address is told before the courier has read anything from there: that one, and no other, is dialled for it from
 * now on. */
static gboolean take_address(Courier *courier, const CourierEndpoint *endpoint, WireMessage *answer, GError **error) {
  if (answer->type == WIRE_FAILED)
    return courier_failed(courier, answer, error);
  courier->address = answer->type == WIRE_CONNECTED ? wire_string(answer->text) : NULL;
  if (!courier->address || !g_hostname_is_ip_address(courier->address))
    return courier_lose(courier, SALLYPORT_ERROR_AGAIN, "it answered something else than was asked", error);
  courier->port = port_of(endpoint);
  courier->password_file = g_strdup(is_web(endpoint) ? endpoint->password_file : NULL);
  courier->token_file = g_strdup(endpoint->token_file);
  courier->has_data_ports = endpoint->kind == COURIER_FTP;
  courier->asks_credentials = is_web(endpoint);
  courier->is_of_mailboxes = endpoint->kind == COURIER_MAILBOX;
  return TRUE;
}

static gboolean await_login(Courier *courier, WireMessage *answer, GError **error) {
  gint64 patience = ((gint64)courier->io_timeout * 2 + 5) * 1000;
  Call call = {.doing = "login", .if_lost = SALLYPORT_ERROR_AGAIN};
  do { /* FTP's may want a second connection, for another version of TLS */
    if (!courier_take(courier, (int)MIN(patience, G_MAXINT), answer, SALLYPORT_ERROR_AGAIN, "login", error) ||
        (answer->type == WIRE_DIAL && !courier_dial(courier, &call, answer->port, error)))
      return FALSE;
  } while (answer->type == WIRE_DIAL);
  return take_ready(courier, answer, error);
}

static Courier *open_by_curl(const CourierEndpoint *endpoint, const CourierSecrets *secrets, GError **error) {
  WireMessage answer;
  Courier *courier = courier_new(endpoint, error);
  if (!courier)
    return NULL;
  gboolean ok = ask_to_open(courier, endpoint, 0, error) && send_trust(courier, endpoint, secrets, error) &&
                send_login(courier, endpoint, secrets, error) && await_connection(courier, &answer, error) &&
                take_address(courier, endpoint, &answer, error) && await_login(courier, &answer, error);
  explicit_bzero(&courier->buffer, sizeof courier->buffer);
  if (ok)
    return courier;
  courier_close(courier);
  return NULL;
}

/* --- Any. */

guint8 courier_show_key(const CourierEndpoint *endpoint, guint8 avoid, char **fingerprint, GError **error) {
  WireMessage answer;
  guint8 type = 0;
  Courier *courier = courier_new(endpoint, error);
  if (!courier)
    return 0;
  if (ask_to_open(courier, endpoint, avoid, error) && await_connection(courier, &answer, error)) {
    type = answer.type == WIRE_HOST_KEY ? (guint8)answer.key_type : 0;
    g_autofree char *shown = type ? wire_string(answer.text) : NULL;
    *fingerprint = type ? files_show_bytes(shown, strlen(shown), 80) : NULL;
  }
  courier_close(courier);
  return type;
}

static gboolean check_endpoint(const CourierEndpoint *endpoint, GError **error) {
  const char *name = endpoint->name ? endpoint->name : "endpoint", *missing = NULL;
  if (endpoint->kind == COURIER_LOCAL)
    missing = endpoint->folder && *endpoint->folder ? NULL : "a folder";
  else if (!endpoint->host || !*endpoint->host)
    missing = "a host";
  else if (is_web(endpoint))
    missing = NULL;
  else if (!endpoint->user || !*endpoint->user)
    missing = "a user";
  else if (endpoint->kind == COURIER_FTP)
    missing = endpoint->password_file ? NULL : "a password file";
  else if (!endpoint->host_keys || !endpoint->host_keys[0])
    missing = "a pinned host key (no key is trusted on first use)";
  return !missing || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: needs %s", name, missing);
}

Courier *courier_open(const CourierEndpoint *endpoint, GError **error) {
  CourierSecrets secrets = {0};
  Courier *courier = NULL;
  if (check_endpoint(endpoint, error) && courier_secrets_read(endpoint, &secrets, error))
    courier = is_curls(endpoint) ? open_by_curl(endpoint, &secrets, error)
                                 : open_by_key(endpoint, &secrets, error);
  courier_secrets_wipe(&secrets);
  return courier;
}

void courier_close(Courier *courier) {
  if (!courier)
    return;
  courier_process_end(&courier->process, courier->lost ? 0 : 1000);
  pthread_mutex_destroy(&courier->process.lock);
  g_free(courier->name);
  g_free(courier->description);
  g_free(courier->address);
  g_free(courier->password_file);
  g_free(courier->token_file);
  g_free(courier);
}
