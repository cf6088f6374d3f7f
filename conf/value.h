/* Single values as people write them: names, times, sizes, fingerprints, host keys, URLs. Nothing here tells; FALSE is
 * "not one of these". */
#pragma once
#include "conf/conf.h"

gboolean value_is_name(const char *text);    /* 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit */
gboolean value_is_field(const char *text);   /* 1 to 64 bytes: letters of any script, digits, _, not beginning with a digit */
gboolean value_is_text(const char *text);    /* at most 1,024 bytes of UTF-8, no control characters */
gboolean value_has_dot_dot(const char *path); /* as a component */
char *value_clean_path(const char *path);    /* no repeated and no trailing slashes */
gboolean value_number(const char *text, guint64 *number);
gboolean value_duration(const char *text, guint64 *milliseconds); /* number and ms, s, m, h or d */
gboolean value_size(const char *text, guint64 *bytes);            /* number and nothing, K, M, G or T (powers of 1,024) */
char *value_show_duration(guint64 milliseconds);
char *value_show_size(guint64 bytes);

/* 40 or 64 hexadecimal digits, upper-cased, spaces dropped; NULL: it is not one. */
char *value_fingerprint(const char *text);
gboolean value_is_host_key(const char *text); /* "SHA256:" and 43 digits of base 64 */

typedef struct { ConfScheme scheme; char *user, *host; guint port; char *folder; } Url;
/* NULL when it is sound; else what is wrong (static text, which never repeats a part of the URL: it may hold a password). */
const char *value_url(const char *text, Url *url);
void value_url_clear(Url *url);
