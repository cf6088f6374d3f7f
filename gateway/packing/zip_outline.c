/* The frame of a zip: local header at 0, the member's data, the central directory with one entry, its end, and then
 * nothing. A reader that goes by the directory and one that goes by the local headers must see the same one file, or
 * the partner's checker and we do not speak of the same thing. Numbers are little-endian; PKWARE's APPNOTE.TXT, 4.3. */
#include "gateway/packing/packing_private.h"
#include <string.h>

enum { END_SIZE = 22, END64_SIZE = 56, LOCATOR64_SIZE = 20, ENTRY_SIZE = 46, LOCAL_SIZE = 30, MOST_COMMENT = 65535 };
#define LOCAL_MAGIC 0x04034b50u
#define ENTRY_MAGIC 0x02014b50u
#define END_MAGIC 0x06054b50u
#define END64_MAGIC 0x06064b50u
#define LOCATOR64_MAGIC 0x07064b50u
#define FLAG_ENCRYPTED 1u
#define FLAG_STRONG (1u << 6)
#define FLAG_HIDDEN (1u << 13)

static guint16 get16(const guint8 *p) {
  return (guint16)(p[0] | p[1] << 8);
}
static guint32 get32(const guint8 *p) {
  return (guint32)get16(p) | (guint32)get16(p + 2) << 16;
}
static guint64 get64(const guint8 *p) {
  return (guint64)get32(p) | (guint64)get32(p + 4) << 32;
}

typedef struct {
  guint64 entries, size, offset, end; /* of the central directory; where it has to end */
} Directory;

static gboolean read_directory64(int fd, guint64 locator_at, Directory *directory) {
  guint8 locator[LOCATOR64_SIZE], end[END64_SIZE];
  if (!packing_read_at(fd, locator_at, locator, sizeof locator) || get32(locator) != LOCATOR64_MAGIC ||
      get32(locator + 4) != 0)
    return FALSE;
  guint64 at = get64(locator + 8);
  if (at > locator_at || !packing_read_at(fd, at, end, sizeof end) || get32(end) != END64_MAGIC ||
      get64(end + 4) + 12 != locator_at - at)
    return FALSE;
  *directory = (Directory){.entries = get64(end + 32), .size = get64(end + 40), .offset = get64(end + 48), .end = at};
  return TRUE;
}

/* Behind a comment the record can only be looked for; a comment is not refused, since some packers sign or name
 * themselves there. */
static gboolean find_end(int fd, guint64 size, guint8 end[END_SIZE], guint64 *at) {
  guint64 most = MIN(size, (guint64)MOST_COMMENT + END_SIZE);
  g_autofree guint8 *bytes = g_malloc(most);
  if (size < END_SIZE || !packing_read_at(fd, size - most, bytes, most))
    return FALSE;
  for (guint64 i = most - END_SIZE + 1; i-- > 0;) {
    if (get32(bytes + i) != END_MAGIC || i + END_SIZE + get16(bytes + i + 20) != most)
      continue;
    memcpy(end, bytes + i, END_SIZE);
    *at = size - most + i;
    return TRUE;
  }
  return FALSE;
}

static gboolean read_directory(int fd, guint64 size, Directory *directory, gboolean *found) {
  guint8 end[END_SIZE];
  guint64 at;
  *found = find_end(fd, size, end, &at);
  if (!*found || get16(end + 4) != 0 || get16(end + 6) != 0 || get16(end + 8) != get16(end + 10))
    return FALSE;
  *directory = (Directory){.entries = get16(end + 10), .size = get32(end + 12), .offset = get32(end + 16), .end = at};
  gboolean is_64 = directory->entries == 0xFFFF || directory->size == 0xFFFFFFFF || directory->offset == 0xFFFFFFFF;
  /* A packer that did not know the size writes the large form too, although the small one says all (Info-ZIP from a
   * pipe). */
  gboolean has_64 = at >= LOCATOR64_SIZE && directory->offset + directory->size < at;
  return !(is_64 || has_64) || (at >= LOCATOR64_SIZE && read_directory64(fd, at - LOCATOR64_SIZE, directory));
}

PackingVerdict zip_outline_check(int fd, guint64 size) {
  guint8 local[LOCAL_SIZE], entry[ENTRY_SIZE];
  Directory directory = {0};
  gboolean has_end;
  if (!packing_read_at(fd, 0, local, MIN(size, 4)) || size < 4 ||
      (get32(local) != LOCAL_MAGIC && get32(local) != END_MAGIC))
    return PACKING_FOREIGN;
  if (!read_directory(fd, size, &directory, &has_end))
    return has_end ? PACKING_DAMAGED : PACKING_TRUNCATED;
  if (directory.entries != 1)
    return PACKING_MEMBERS;
  if (directory.offset > directory.end || directory.size != directory.end - directory.offset)
    return PACKING_BESIDE;
  if (!packing_read_at(fd, directory.offset, entry, sizeof entry) || get32(entry) != ENTRY_MAGIC ||
      !packing_read_at(fd, 0, local, sizeof local))
    return PACKING_DAMAGED;
  guint64 entry_size = ENTRY_SIZE + (guint64)get16(entry + 28) + get16(entry + 30) + get16(entry + 32);
  if (entry_size != directory.size || (get32(entry + 42) != 0 && get32(entry + 42) != 0xFFFFFFFF))
    return PACKING_BESIDE;
  guint flags = (guint)get16(entry + 8) | get16(local + 6);
  if (flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_HIDDEN))
    return PACKING_ENCRYPTED;
  return get16(local + 26) == get16(entry + 28) && get16(local + 8) == get16(entry + 10) ? PACKING_GOOD
                                                                                         : PACKING_DAMAGED;
}
