#include "gateway/base/secret.h"
#include <string.h>

void secret_free(char *secret) {
  if (secret)
    explicit_bzero(secret, strlen(secret));
  g_free(secret);
}

void secret_clear(char **secret) {
  secret_free(*secret);
  *secret = NULL;
}
