#include "transfer/courier/secrets_private.h"
#include "gateway/base/secret.h"
#include "transfer/sftp/ssh.h"
#include "transfer/wire/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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
  secret_clear(&bytes);
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: %s", path,
                             done < 0 ? g_strerror(number) : "empty, too large, or with a NUL");
}

/* A private key is for SSH or for TLS, after the endpoint's protocol. */
gboolean courier_secrets_read(const CourierEndpoint *endpoint, CourierSecrets *secrets, GError **error) {
  gboolean is_ssh = endpoint->kind == COURIER_SFTP;
  const char *identity = is_ssh ? endpoint->identity_file : endpoint->private_key_file;
  const char *certificate = is_ssh ? NULL : endpoint->certificate_file;
  return read_secret(identity, WIRE_KEY_LIMIT, FALSE, &secrets->identity, error) &&
         read_secret(certificate, WIRE_KEY_LIMIT, FALSE, &secrets->certificate, error) &&
         read_secret(endpoint->passphrase_file, WIRE_SECRET_LIMIT, TRUE, &secrets->passphrase, error) &&
         read_secret(endpoint->password_file, WIRE_SECRET_LIMIT, TRUE, &secrets->password, error) &&
         read_secret(endpoint->token_file, WIRE_SECRET_LIMIT, TRUE, &secrets->token, error);
}

void courier_secrets_wipe(CourierSecrets *secrets) {
  secret_clear(&secrets->identity);
  secret_clear(&secrets->passphrase);
  secret_clear(&secrets->password);
  secret_clear(&secrets->token);
  secret_clear(&secrets->certificate);
}

gboolean courier_identity_opens(const char *identity_file, const char *passphrase_file, GError **error) {
  const CourierEndpoint endpoint = {
      .kind = COURIER_SFTP, .identity_file = identity_file, .passphrase_file = passphrase_file};
  CourierSecrets secrets = {0};
  gboolean ok = courier_secrets_read(&endpoint, &secrets, error) &&
                ssh_identity_opens(secrets.identity, secrets.passphrase, error);
  courier_secrets_wipe(&secrets);
  return ok;
}
