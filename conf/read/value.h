/* Single values as people write them: names, times, sizes, dates, fingerprints, host keys, pins. Nothing here tells;
 * FALSE is "not one of these". URLs are in url.h. */
#pragma once
#include <glib.h>

gboolean value_is_name(const char *text); /* 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit */
/* 1 to 64 bytes: letters of any script, digits, _, not beginning with a digit */
gboolean value_is_field(const char *text);
gboolean value_is_text(const char *text);     /* at most 1,024 bytes of UTF-8, no control characters */
gboolean value_has_dot_dot(const char *path); /* as a component */
char *value_clean_path(const char *path);     /* no repeated and no trailing slashes */
gboolean value_number(const char *text, guint64 *number);
gboolean value_duration(const char *text, guint64 *milliseconds); /* number and ms, s, m, h or d */
/* number and nothing, K, M, G or T (powers of 1,024) */
gboolean value_size(const char *text, guint64 *bytes);
gboolean value_time_of_day(const char *text, guint *seconds); /* HH:MM or HH:MM:SS, up to 23:59:59 */
gboolean value_date(const char *text, guint32 *julian);       /* YYYY-MM-DD; the day as GDate counts them */
char *value_show_duration(guint64 milliseconds);
char *value_show_size(guint64 bytes);

/* 40 or 64 hexadecimal digits, upper-cased, spaces dropped; NULL: it is not one. */
char *value_fingerprint(const char *text);
gboolean value_is_host_key(const char *text); /* "SHA256:" and 43 digits of base 64 */
gboolean value_is_tls_key(const char *text);  /* "sha256//" and 32 bytes in base 64, as curl pins public keys */
gboolean value_is_sha256(const char *text);   /* 64 hexadecimal digits */
