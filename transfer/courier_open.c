/* Opening a courier: the process is started and asked to connect; it shows the host key; only when that is pinned it gets
 * the credentials. A server with several host keys may have shown another type than the pinned one: then a new courier asks
 * for the remaining types, until the pinned key is seen or none is left. */
#include "gateway/base/files.h"
#include "transfer/courier_call.h"
#include "transfer/ssh.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_TIMEOUT 20u
#define IO_TIMEOUT 60u
#define TYPES_MOST 4u

typedef struct { char *identity, *passphrase, *password; } Secrets;

static void wipe(char **secret) {
  if (*secret)
    explicit_bzero(*secret, strlen(*secret));
  g_clear_pointer(secret, g_free);
}

static gboolean read_secret(const char *path, gsize limit, gboolean one_line, char **secret, GError **error) {
  if (!path)
    return TRUE;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  char *bytes = g_malloc0(limit + 2);
  gsize length = 0;
  ssize_t done = fd < 0 ? -1 : 1;
  while (done > 0 && length <= limit) {
    done = read(fd, bytes + length, limit + 1 - length);
    done = done < 0 && errno == EINTR ? 1 : done;
    length += done > 0 ? (gsize)done : 0;
  }
  int number = errno;
  if (fd >= 0)
    close(fd);
  if (done == 0 && length > 0 && length <= limit && strlen(bytes) == length) {
    if (one_line)
      bytes[strcspn(bytes, "\r\n")] = 0;
    *secret = bytes;
    return TRUE;
  }
  wipe(&bytes);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: %s", path,
                             done < 0 ? g_strerror(number) : "empty, too large, or with a NUL");
}

static gboolean read_secrets(const CourierEndpoint *endpoint, Secrets *secrets, GError **error) {
  return read_secret(endpoint->identity_file, WIRE_KEY_LIMIT, FALSE, &secrets->identity, error) &&
         read_secret(endpoint->passphrase_file, WIRE_SECRET_LIMIT, TRUE, &secrets->passphrase, error) &&
         read_secret(endpoint->password_file, WIRE_SECRET_LIMIT, TRUE, &secrets->password, error);
}

static gboolean is_pinned(const CourierEndpoint *endpoint, const char *fingerprint) {
  for (const char *const *pin = endpoint->host_keys; pin && *pin; pin++) {
    gsize length = strcspn(*pin, "=");
    if (length == strlen(fingerprint) && memcmp(*pin, fingerprint, length) == 0)
      return TRUE;
  }
  return FALSE;
}

static Courier *start(const CourierEndpoint *endpoint, GError **error) {
  Courier *courier = g_new0(Courier, 1);
  courier->process = (CourierProcess){.socket = -1};
  pthread_mutex_init(&courier->process.lock, NULL);
  courier->name = g_strdup(endpoint->name ? endpoint->name : "endpoint");
  courier->io_timeout = endpoint->io_timeout > 0 ? endpoint->io_timeout : IO_TIMEOUT;
  if (courier_process_start(&courier->process, endpoint->program, error))
    return courier;
  g_prefix_error(error, "%s: ", courier->name);
  courier_close(courier);
  return NULL;
}

static gboolean ask_to_open(Courier *courier, const CourierEndpoint *endpoint, guint8 avoid, WireMessage *answer, GError **error) {
  guint connect_timeout = endpoint->connect_timeout > 0 ? endpoint->connect_timeout : CONNECT_TIMEOUT;
  const WireMessage open = {.type = WIRE_OPEN, .fd = -1, .kind = (guint64)endpoint->kind, .host = wire_text(endpoint->host),
                            .port = endpoint->port, .user = wire_text(endpoint->user), .folder = wire_text(endpoint->folder),
                            .connect_timeout = connect_timeout, .io_timeout = courier->io_timeout, .avoid = avoid};
  if (!courier_send(courier, &open, "connect", error))
    return FALSE;
  /* resolving and connecting, then the handshake: each has the time-out, and the courier keeps them */
  gint64 patience = ((gint64)connect_timeout * 2 + 5) * 1000;
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

static gboolean hand_credentials(Courier *courier, const Secrets *secrets, WireMessage *answer, GError **error) {
  const WireMessage credentials = {.type = WIRE_CREDENTIALS, .fd = -1, .identity = wire_text(secrets->identity),
                                   .passphrase = wire_text(secrets->passphrase), .password = wire_text(secrets->password)};
  if (!courier_send(courier, &credentials, "login", error))
    return FALSE;
  gint64 patience = ((gint64)courier->io_timeout * 2 + 5) * 1000;
  return courier_take(courier, (int)MIN(patience, G_MAXINT), answer, SALLYPORT_ERROR_AGAIN, "login", error) &&
         take_ready(courier, answer, error);
}

static const char *type_name(guint64 type) {
  return type == SSH_KEY_ED25519 ? "ed25519" : type == SSH_KEY_ECDSA ? "ECDSA" : type == SSH_KEY_RSA ? "RSA" : "unknown type";
}

/* What the server has shown so far that is not pinned. */
typedef struct { guint8 avoid; GString *shown; } Mismatches;

static gboolean wrong_key(const CourierEndpoint *endpoint, const Mismatches *mismatches, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_LOGIN,
                             "%s: the server's host key is not a pinned one: it shows %s%s; no credential was sent",
                             endpoint->name ? endpoint->name : "endpoint", mismatches->shown->str,
                             mismatches->avoid & SSH_KEY_RSA ? "" : ssh_host_key_hint());
}

typedef enum { OPENED, REFUSED, ANOTHER_TYPE } Attempt;

static Attempt attempt(Courier *courier, const CourierEndpoint *endpoint, const Secrets *secrets, Mismatches *mismatches, GError **error) {
  WireMessage answer;
  GError *failed = NULL;
  if (!ask_to_open(courier, endpoint, mismatches->avoid, &answer, error))
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
  g_autofree char *fingerprint = wire_string(answer.text), *shown = files_show_bytes(fingerprint, strlen(fingerprint), 80);
  if (is_pinned(endpoint, fingerprint))
    return hand_credentials(courier, secrets, &answer, error) ? OPENED : REFUSED;
  g_string_append_printf(mismatches->shown, "%s%s %s", mismatches->shown->len ? ", " : "", type_name(answer.key_type), shown);
  gboolean repeated = (mismatches->avoid & answer.key_type) != 0;
  mismatches->avoid |= (guint8)answer.key_type;
  if (!repeated && answer.key_type != SSH_KEY_OTHER)
    return ANOTHER_TYPE;
  wrong_key(endpoint, mismatches, error);
  return REFUSED;
}

static Courier *open_with(const CourierEndpoint *endpoint, const Secrets *secrets, Mismatches *mismatches, GError **error) {
  for (guint i = 0; i < TYPES_MOST; i++) {
    Courier *courier = start(endpoint, error);
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

static gboolean check_endpoint(const CourierEndpoint *endpoint, GError **error) {
  const char *name = endpoint->name ? endpoint->name : "endpoint", *missing = NULL;
  if (endpoint->kind == COURIER_LOCAL)
    missing = endpoint->folder && *endpoint->folder ? NULL : "a folder";
  else if (!endpoint->host || !*endpoint->host)
    missing = "a host";
  else if (!endpoint->user || !*endpoint->user)
    missing = "a user";
  else if (!endpoint->host_keys || !endpoint->host_keys[0])
    missing = "a pinned host key (no key is trusted on first use)";
  return !missing || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: needs %s", name, missing);
}

Courier *courier_open(const CourierEndpoint *endpoint, GError **error) {
  Secrets secrets = {0};
  Mismatches mismatches = {0, g_string_new(NULL)};
  Courier *courier = NULL;
  if (check_endpoint(endpoint, error) && read_secrets(endpoint, &secrets, error))
    courier = open_with(endpoint, &secrets, &mismatches, error);
  wipe(&secrets.identity);
  wipe(&secrets.passphrase);
  wipe(&secrets.password);
  g_string_free(mismatches.shown, TRUE);
  return courier;
}

void courier_close(Courier *courier) {
  if (!courier)
    return;
  courier_process_end(&courier->process, courier->lost ? 0 : 1000);
  pthread_mutex_destroy(&courier->process.lock);
  g_free(courier->name);
  g_free(courier->description);
  g_free(courier);
}
