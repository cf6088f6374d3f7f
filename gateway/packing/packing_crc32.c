#include "gateway/packing/packing_private.h"

/* Four tables, so that four bytes are one step (the "slicing" of Kounavis and Berry). */
static guint32 tables[4][256];

static void make_tables(void) {
  for (guint32 i = 0; i < 256; i++) {
    guint32 value = i;
    for (int bit = 0; bit < 8; bit++)
      value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
    tables[0][i] = value;
  }
  for (guint32 i = 0; i < 256; i++)
    for (int t = 1; t < 4; t++)
      tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xFF];
}

guint32 packing_crc32(guint32 crc, const void *bytes, gsize length) {
  const guint8 *p = bytes;
  if (tables[0][1] == 0) /* the process has one thread */
    make_tables();
  crc = ~crc;
  for (; length >= 4; length -= 4, p += 4) {
    crc ^= (guint32)p[0] | (guint32)p[1] << 8 | (guint32)p[2] << 16 | (guint32)p[3] << 24;
    crc = tables[3][crc & 0xFF] ^ tables[2][crc >> 8 & 0xFF] ^ tables[1][crc >> 16 & 0xFF] ^ tables[0][crc >> 24];
  }
  for (; length > 0; length--)
    crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xFF];
  return ~crc;
}
