#include "transfer/courier/secrets_private.h"
#include "gateway/base/secret.h"
#include "transfer/sftp/ssh.h"
#include "transfer/wire/wire.h"

/* A private key is for SSH or for TLS, after the endpoint's protocol. */
gboolean courier_secrets_read(const CourierEndpoint *endpoint, CourierSecrets *secrets, GError **error) {
  gboolean is_ssh = endpoint->kind == COURIER_SFTP;
  const char *identity = is_ssh ? endpoint->identity_file : endpoint->private_key_file;
  const char *certificate = is_ssh ? NULL : endpoint->certificate_file;
  return secret_read(identity, WIRE_KEY_LIMIT, &secrets->identity, error) &&
         secret_read(certificate, WIRE_KEY_LIMIT, &secrets->certificate, error) &&
         secret_read_line(endpoint->passphrase_file, WIRE_SECRET_LIMIT, &secrets->passphrase, error) &&
         secret_read_line(endpoint->password_file, WIRE_SECRET_LIMIT, &secrets->password, error) &&
         secret_read_line(endpoint->token_file, WIRE_SECRET_LIMIT, &secrets->token, error);
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
