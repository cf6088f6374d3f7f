/* Keyed hashes, and masked values by them. */
#pragma once
#include <glib.h>

enum { MASK_HASH = 32 };
/* HMAC-SHA-256 (RFC 2104), its key shortened where it is longer than a block. */
void mask_hash(const char *key, const void *bytes, gsize length, guint8 hash[MASK_HASH]);

/* The value as another one of its shape: digits become digits, letters letters of their case, characters beyond ASCII
 * others beyond it, and all else stays. The same field and value give the same, as long as the key is. A number keeps
 * its length: its first digit is no zero unless it was. The caller frees. */
enum { MASK_DIGITS_ENOUGH = 6 };
typedef struct {
  const char *key, *field;
  gboolean is_number;
  gboolean keeps_prefix; /* the letters before the first digit stay, where MASK_DIGITS_ENOUGH digits or more change */
} MaskWhat;
char *mask_text(const MaskWhat *what, const char *text, gsize length);
