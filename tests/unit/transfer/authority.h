/* Throwaway certificates, made with the openssl command: an authority, a server by its name, one that is its own
 * authority, a client. */
#pragma once
#include "gateway/base/error.h"
#include "tests/unit/folder.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct {
  char *folder;
} Authority;

static inline char *authority_file(const Authority *authority, const char *name) {
  return g_build_filename(authority->folder, name, NULL);
}

static inline void authority_run(const Authority *authority, const char *command) {
  g_autofree char *line = g_strdup_printf("cd '%s' && { %s; } >log 2>&1", authority->folder, command),
                  *log = authority_file(authority, "log"), *text = NULL;
  const char *arguments[] = {"/bin/sh", "-ec", line, NULL};
  int status = 0;
  g_autoptr(GError) error = NULL;
  if (g_spawn_sync(NULL, (char **)arguments, NULL, 0, NULL, NULL, NULL, NULL, &status, &error) && status == 0)
    return;
  g_file_get_contents(log, &text, NULL, NULL);
  fail_msg("openssl: %s", text ? text : error ? error->message : "?");
}

/* server: localhost and 127.0.0.1; other: another name; alone: signed by nobody else; client: ours. */
static inline Authority *authority_new(void) {
  Authority *authority = g_new0(Authority, 1);
  authority->folder = g_dir_make_tmp("authority-XXXXXX", NULL);
  assert_non_null(authority->folder);
  authority_run(authority,
                "key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
                "sign() { openssl req -new -key $1.key -subj /CN=$1 -out $1.csr;"
                " echo \"subjectAltName=$2\" > $1.ext; openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key "
                "-CAcreateserial -days 3 -extfile $1.ext -out $1.crt; }\n"
                "for k in ca stranger server other alone client; do key $k; done\n"
                "openssl req -x509 -new -key ca.key -subj /CN=authority -days 3 -out ca.crt\n"
                "openssl req -x509 -new -key stranger.key -subj /CN=stranger -days 3 -out stranger.crt\n"
                "openssl req -x509 -new -key alone.key -subj /CN=localhost -addext subjectAltName=DNS:localhost -days "
                "3 -out alone.crt\n"
                "sign server DNS:localhost,IP:127.0.0.1\nsign other DNS:else.example\nsign client DNS:client\n"
                "openssl ec -in client.key -aes128 -passout pass:secret -out client.locked\n"
                "pin() { openssl pkey -in $1.key -pubout -outform der | openssl dgst -sha256 -binary | openssl enc "
                "-base64 > $1.pin; }\n"
                "pin server; pin other");
  return authority;
}

/* "sha256//…" of a key. */
static inline char *authority_pin(const Authority *authority, const char *name) {
  g_autofree char *file = g_strconcat(name, ".pin", NULL), *path = authority_file(authority, file), *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  return g_strconcat("sha256//", g_strstrip(text), NULL);
}

static inline void authority_free(Authority *authority) {
  folder_remove(authority->folder);
  g_free(authority->folder);
  g_free(authority);
}
