#include "transfer/sftp/sftp_packet.h"
#include <string.h>
#include <sys/stat.h>

enum { HAS_SIZE = 1, HAS_OWNER = 2, HAS_MODE = 4, HAS_TIME = 8 };
#define HAS_EXTENDED 0x80000000u
#define EXTENDED_MOST 64u

void sftp_put_number(GByteArray *out, guint32 number) {
  guint32 big = GUINT32_TO_BE(number);
  g_byte_array_append(out, (const guint8 *)&big, sizeof big);
}

void sftp_put_long(GByteArray *out, guint64 number) {
  guint64 big = GUINT64_TO_BE(number);
  g_byte_array_append(out, (const guint8 *)&big, sizeof big);
}

void sftp_put_bytes(GByteArray *out, const void *bytes, gsize length) {
  sftp_put_number(out, (guint32)length);
  g_byte_array_append(out, bytes, (guint)length);
}

void sftp_put_text(GByteArray *out, const char *text) {
  sftp_put_bytes(out, text, strlen(text));
}

gsize sftp_begin(GByteArray *out, guint8 type, guint32 id) {
  gsize begun = out->len;
  sftp_put_number(out, 0);
  g_byte_array_append(out, &type, 1);
  sftp_put_number(out, id);
  return begun;
}

void sftp_finish(GByteArray *out, gsize begun) {
  guint32 length = GUINT32_TO_BE((guint32)(out->len - begun - sizeof(guint32)));
  memcpy(out->data + begun, &length, sizeof length);
}

static gboolean has(const SftpCursor *cursor, gsize wanted) {
  return (gsize)(cursor->end - cursor->at) >= wanted;
}

gboolean sftp_take_byte(SftpCursor *cursor, guint8 *byte) {
  if (!has(cursor, 1))
    return FALSE;
  *byte = *cursor->at++;
  return TRUE;
}

gboolean sftp_take_number(SftpCursor *cursor, guint32 *number) {
  guint32 big;
  if (!has(cursor, sizeof big))
    return FALSE;
  memcpy(&big, cursor->at, sizeof big);
  cursor->at += sizeof big;
  *number = GUINT32_FROM_BE(big);
  return TRUE;
}

gboolean sftp_take_long(SftpCursor *cursor, guint64 *number) {
  guint64 big;
  if (!has(cursor, sizeof big))
    return FALSE;
  memcpy(&big, cursor->at, sizeof big);
  cursor->at += sizeof big;
  *number = GUINT64_FROM_BE(big);
  return TRUE;
}

gboolean sftp_take_bytes(SftpCursor *cursor, const guint8 **bytes, gsize *length) {
  guint32 count;
  if (!sftp_take_number(cursor, &count) || !has(cursor, count))
    return FALSE;
  *bytes = cursor->at;
  *length = count;
  cursor->at += count;
  return TRUE;
}

static gboolean skip_extended(SftpCursor *cursor) {
  guint32 count;
  const guint8 *bytes;
  gsize length;
  if (!sftp_take_number(cursor, &count) || count > EXTENDED_MOST)
    return FALSE;
  for (guint32 i = 0; i < 2 * count; i++)
    if (!sftp_take_bytes(cursor, &bytes, &length))
      return FALSE;
  return TRUE;
}

gboolean sftp_take_attributes(SftpCursor *cursor, SftpAttributes *attributes) {
  guint32 flags, ignored;
  *attributes = (SftpAttributes){0};
  if (!sftp_take_number(cursor, &flags))
    return FALSE;
  attributes->has_size = (flags & HAS_SIZE) != 0;
  attributes->has_mode = (flags & HAS_MODE) != 0;
  attributes->has_time = (flags & HAS_TIME) != 0;
  if (attributes->has_size && !sftp_take_long(cursor, &attributes->size))
    return FALSE;
  if (flags & HAS_OWNER && (!sftp_take_number(cursor, &ignored) || !sftp_take_number(cursor, &ignored)))
    return FALSE;
  if (attributes->has_mode && !sftp_take_number(cursor, &attributes->mode))
    return FALSE;
  if (attributes->has_time && (!sftp_take_number(cursor, &ignored) || !sftp_take_number(cursor, &attributes->modified)))
    return FALSE;
  return !(flags & HAS_EXTENDED) || skip_extended(cursor);
}

gboolean sftp_is_file(const SftpAttributes *attributes, const guint8 *longname, gsize length) {
  if (attributes->has_mode && (attributes->mode & S_IFMT) != 0)
    return S_ISREG(attributes->mode);
  /* a server without types: its `ls -l` line, and failing that, what has a size */
  if (length > 10 && memchr("-dlbcps", longname[0], 7))
    return longname[0] == '-';
  return attributes->has_size;
}

gboolean sftp_is_link(const SftpAttributes *attributes, const guint8 *longname, gsize length) {
  if (attributes->has_mode && (attributes->mode & S_IFMT) != 0)
    return S_ISLNK(attributes->mode);
  return length > 10 && longname[0] == 'l';
}

gboolean sftp_is_folder(const SftpAttributes *attributes) {
  return attributes->has_mode && S_ISDIR(attributes->mode);
}

gboolean sftp_take_name(SftpCursor *cursor, SftpName *name) {
  return sftp_take_bytes(cursor, &name->name, &name->name_length) &&
         sftp_take_bytes(cursor, &name->longname, &name->longname_length) &&
         sftp_take_attributes(cursor, &name->attributes);
}
