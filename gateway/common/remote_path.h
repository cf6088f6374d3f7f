/* Paths on a partner's server: bytes, which no local function ever opens. */
#pragma once
#include <glib.h>

/* `name`, of `length` bytes, in `folder`; an empty folder is the one that a login begins in. The caller frees. */
char *remote_path_join(const char *folder, const void *name, gsize length);
