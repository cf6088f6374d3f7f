#include "gateway/records/gb18030.h"
#include <string.h>

const Gb18030Pin gb18030_pins[] = {
    {"\xfe\x51", "\xf0\xa0\x82\x87", "\xee\xa0\x96"}, {"\xfe\x52", "\xf0\xa0\x82\x89", "\xee\xa0\x97"},
    {"\xfe\x53", "\xf0\xa0\x83\x8c", "\xee\xa0\x98"}, {"\xfe\x6c", "\xf0\xa1\x97\x97", "\xee\xa0\xb1"},
    {"\xfe\x76", "\xf0\xa2\xa6\x8f", "\xee\xa0\xbb"}, {"\xfe\x91", "\xf0\xa4\x87\xbe", "\xee\xa1\x95"},
    {"\x82\x35\x90\x37", NULL, "\xee\xa0\x9e"},       {"\x82\x35\x90\x38", NULL, "\xee\xa0\xa6"},
    {"\x82\x35\x90\x39", NULL, "\xee\xa0\xab"},       {"\x82\x35\x91\x30", NULL, "\xee\xa0\xac"},
    {"\x82\x35\x91\x31", NULL, "\xee\xa0\xb2"},       {"\x82\x35\x91\x32", NULL, "\xee\xa1\x83"},
    {"\x82\x35\x91\x33", NULL, "\xee\xa1\x94"},       {"\x82\x35\x91\x34", NULL, "\xee\xa1\xa4"},
    {"\x84\x31\x82\x36", NULL, "\xee\x9e\x8d"},       {"\x84\x31\x82\x37", NULL, "\xee\x9e\x8f"},
    {"\x84\x31\x82\x38", NULL, "\xee\x9e\x8e"},       {"\x84\x31\x82\x39", NULL, "\xee\x9e\x90"},
    {"\x84\x31\x83\x30", NULL, "\xee\x9e\x91"},       {"\x84\x31\x83\x31", NULL, "\xee\x9e\x92"},
    {"\x84\x31\x83\x32", NULL, "\xee\x9e\x93"},       {"\x84\x31\x83\x33", NULL, "\xee\x9e\x94"},
    {"\x84\x31\x83\x34", NULL, "\xee\x9e\x95"},       {"\x84\x31\x83\x35", NULL, "\xee\x9e\x96"}};
const guint gb18030_n_pins = G_N_ELEMENTS(gb18030_pins);

static gboolean is_at(const guint8 *text, gsize left, const char *pinned) {
  gsize n = strlen(pinned);
  return n <= left && memcmp(text, pinned, n) == 0;
}

/* Characters are followed from the beginning, as their bytes may look like others'. Behind an invalid one the places
 * may be wrong: what stands before them does not convert either, so nothing is made of them. */
gsize gb18030_find_bytes(const guint8 *text, gsize length, const char **from, const char **to) {
  *from = *to = NULL;
  for (gsize at = 0; at < length;) {
    gsize left = length - at;
    if (text[at] < 0x80 || left == 1) {
      at++;
      continue;
    }
    for (guint i = 0; i < gb18030_n_pins; i++)
      if (is_at(text + at, left, gb18030_pins[i].bytes)) {
        *from = gb18030_pins[i].bytes;
        *to = gb18030_pins[i].utf8;
        return at;
      }
    gsize n = text[at] == 0x80 || text[at] == 0xff ? 1 : text[at + 1] >= '0' && text[at + 1] <= '9' ? 4 : 2;
    at += MIN(n, left);
  }
  return length;
}

gsize gb18030_find_utf8(const guint8 *text, gsize length, const char **from, const char **to) {
  *from = *to = NULL;
  for (gsize at = 0; at < length; at++) {
    if (text[at] != 0xee && text[at] != 0xf0)
      continue; /* no character of the table begins with it */
    for (guint i = 0; i < gb18030_n_pins; i++) {
      const Gb18030Pin *pin = &gb18030_pins[i];
      gboolean is_read = pin->utf8 && is_at(text + at, length - at, pin->utf8);
      if (!is_read && !is_at(text + at, length - at, pin->replaced))
        continue;
      *from = is_read ? pin->utf8 : pin->replaced;
      *to = is_read ? pin->bytes : NULL;
      return at;
    }
  }
  return length;
}
