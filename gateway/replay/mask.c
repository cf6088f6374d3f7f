#include "gateway/replay/mask.h"
#include "gateway/base/digest.h"
#include <string.h>

enum { HASH_BLOCK = 64 };

void mask_hash(const char *key, const void *bytes, gsize length, guint8 hash[MASK_HASH]) {
  guint8 inner[HASH_BLOCK] = {0}, outer[HASH_BLOCK];
  if (strlen(key) > HASH_BLOCK)
    digest_sha256(key, strlen(key), inner);
  else
    memcpy(inner, key, strlen(key));
  for (guint i = 0; i < HASH_BLOCK; i++) {
    outer[i] = inner[i] ^ 0x5c;
    inner[i] ^= 0x36;
  }
  Digest *digest = digest_new_sha256();
  digest_update(digest, inner, sizeof inner);
  digest_update(digest, bytes, length);
  digest_finish(digest, hash);
  digest = digest_new_sha256();
  digest_update(digest, outer, sizeof outer);
  digest_update(digest, hash, MASK_HASH);
  digest_finish(digest, hash);
}

/* A stream of numbers from a field's name and value. */
typedef struct {
  const char *key;
  GString *seed; /* field, NUL, value, and the number of the part */
  gsize length;
  guint8 part[MASK_HASH];
  guint used, parts;
} MaskStream;

static guint next(MaskStream *stream) {
  if (stream->used + 2 > MASK_HASH) {
    g_string_truncate(stream->seed, stream->length);
    g_string_append_printf(stream->seed, "%c%u", 0, stream->parts++);
    mask_hash(stream->key, stream->seed->str, stream->seed->len, stream->part);
    stream->used = 0;
  }
  guint value = (guint)stream->part[stream->used] << 8 | stream->part[stream->used + 1];
  stream->used += 2;
  return value;
}

/* U+4E00 and on: 20,480 characters that every font of China, Japan and Korea has. */
enum { FIRST_CHARACTER = 0x4e00, N_CHARACTERS = 0x5000 };

static void put_other(MaskStream *stream, gunichar character, gboolean is_first_digit, GString *into) {
  guint value = next(stream);
  if (character >= 0x80)
    g_string_append_unichar(into, FIRST_CHARACTER + value % N_CHARACTERS);
  else if (g_ascii_isdigit((char)character) && is_first_digit && character != '0')
    g_string_append_c(into, (char)('1' + value % 9));
  else if (g_ascii_isdigit((char)character))
    g_string_append_c(into, is_first_digit ? '0' : (char)('0' + value % 10));
  else if (g_ascii_isalpha((char)character))
    g_string_append_c(into, (char)((g_ascii_isupper((char)character) ? 'A' : 'a') + value % 26));
  else
    g_string_append_c(into, (char)character);
}

/* How many bytes stay. */
static gsize prefix_of(const MaskWhat *what, const char *text, gsize length) {
  gsize digits = 0, prefix = 0;
  for (gsize i = 0; i < length; i++)
    digits += g_ascii_isdigit(text[i]) ? 1 : 0;
  while (prefix < length && g_ascii_isalpha(text[prefix]))
    prefix++;
  return what->keeps_prefix && digits >= MASK_DIGITS_ENOUGH ? prefix : 0;
}

char *mask_text(const MaskWhat *what, const char *text, gsize length) {
  g_autoptr(GString) seed = g_string_new(what->field);
  GString *masked = g_string_sized_new(length);
  const char *end = text + length;
  gboolean is_first = what->is_number;
  g_string_append_c(seed, 0);
  g_string_append_len(seed, text, (gssize)length);
  MaskStream stream = {.key = what->key, .seed = seed, .length = seed->len, .used = MASK_HASH};
  gsize prefix = prefix_of(what, text, length);
  g_string_append_len(masked, text, (gssize)prefix);
  for (const char *at = text + prefix; at < end; at = g_utf8_next_char(at)) {
    put_other(&stream, g_utf8_get_char(at), is_first, masked);
    is_first = is_first && !g_ascii_isdigit(*at);
  }
  return g_string_free(masked, FALSE);
}
