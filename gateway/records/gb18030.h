/* What the editions of GB18030 do not agree on.
 *
 * glibc 2.36 (Debian 12) and 2.41 (Debian 13) read and write 24 characters differently. A key that is read differently
 * is another key, so the same record would be credited again after an upgrade. These 24 are therefore converted by a
 * table of our own, as glibc 2.36 does, whatever the C library: what is stored keeps its meaning. */
#pragma once
#include <glib.h>

typedef struct {
  const char *bytes;    /* in GB18030: two or four */
  const char *utf8;     /* what they are read as, and written for; NULL: they are refused */
  const char *replaced; /* UTF-8 of the private character that later editions have for them: it cannot be written */
} Gb18030Pin;
extern const Gb18030Pin gb18030_pins[];
extern const guint gb18030_n_pins;

/* How many bytes of GB18030 (or of UTF-8) stand before the first character that is in the table. What stands there is
 * *from, and converts to *to, NULL if it is refused; *from is NULL when there is none. */
gsize gb18030_find_bytes(const guint8 *text, gsize length, const char **from, const char **to);
gsize gb18030_find_utf8(const guint8 *text, gsize length, const char **from, const char **to);
