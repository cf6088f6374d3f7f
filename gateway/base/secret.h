/* A secret text in the heap: overwritten before its memory is given back. Every room's. */
#pragma once
#include "gateway/base/error.h"

void secret_free(char *secret);    /* NULL: nothing happens */
void secret_clear(char **secret); /* the same, and NULL behind it */

/* Of a file of at most `limit` bytes, whole, or its first line. NULL for a path of NULL. The caller clears it.
 * CONFIGURATION: what cannot be read, is empty, is larger, or has a NUL. */
gboolean secret_read(const char *path, gsize limit, char **secret, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean secret_read_line(const char *path, gsize limit, char **secret, GError **error) G_GNUC_WARN_UNUSED_RESULT;
