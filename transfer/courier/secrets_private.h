/* What the lane reads for a courier: keys, passwords, certificates, as files of the configuration, to be sent over the
 * wire and wiped. Shared by the files that open a courier only. */
#pragma once
#include "transfer/courier.h"

/* NULL: none is configured */
typedef struct {
  char *identity, *passphrase, *password, *token, *certificate;
} CourierSecrets;

/* All that the endpoint names; CONFIGURATION for one that cannot be read, is empty, too large, or has a NUL. */
gboolean courier_secrets_read(const CourierEndpoint *endpoint, CourierSecrets *secrets,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void courier_secrets_wipe(CourierSecrets *secrets);
