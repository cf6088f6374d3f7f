/* The frame of a zip: local header at 0, the member's data, the central directory with one file (and perhaps the
 * folders that it lies in), its end, and then nothing, or zeros. A reader that goes by the directory and one that goes
 * by the local headers must see the same one file, or the partner's checker and we do not speak of the same thing.
 * Numbers are little-endian; PKWARE's APPNOTE.TXT, 4.3 and, on methods, 4.4.5. */
#include "gateway/packing/packing_private.h"
#include <string.h>

enum { END_SIZE = 22, END64_SIZE = 56, LOCATOR64_SIZE = 20, ENTRY_SIZE = 46, LOCAL_SIZE = 30, MOST_COMMENT = 65535 };
enum { MOST_ENTRIES = 256 };
#define LOCAL_MAGIC 0x04034b50u
#define ENTRY_MAGIC 0x02014b50u
#define END_MAGIC 0x06054b50u
#define END64_MAGIC 0x06064b50u
#define LOCATOR64_MAGIC 0x07064b50u
#define METHOD_DEFLATE64 9
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

static gboolean is_zeros(const guint8 *bytes, guint64 length) {
  return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* Behind a comment the record can only be looked for; a comment is not refused, since some packers sign or name
 * themselves there. Nor are zeros behind it: libarchive fills the last block of what it writes to a pipe. *behind: how
 * many other bytes follow it. */
static gboolean find_end(int fd, guint64 size, guint8 end[END_SIZE], guint64 *at, guint64 *behind) {
  guint64 most = MIN(size, (guint64)MOST_COMMENT + END_SIZE);
  g_autofree guint8 *bytes = g_malloc(most);
  *behind = 0;
  if (size < END_SIZE || !packing_read_at(fd, size - most, bytes, most))
    return FALSE;
  for (guint64 i = most - END_SIZE + 1; i-- > 0;) {
    guint64 whole = i + END_SIZE + get16(bytes + i + 20);
    if (get32(bytes + i) != END_MAGIC || whole > most)
      continue;
    if (!is_zeros(bytes + whole, most - whole)) {
      *behind = *behind ? *behind : most - whole;
      continue;
    }
    memcpy(end, bytes + i, END_SIZE);
    *at = size - most + i;
    *behind = 0;
    return TRUE;
  }
  return FALSE;
}

static gboolean read_directory(int fd, guint64 size, Directory *directory, gboolean *found, guint64 *behind) {
  guint8 end[END_SIZE];
  guint64 at;
  *found = find_end(fd, size, end, &at, behind);
  if (!*found || get16(end + 4) != 0 || get16(end + 6) != 0 || get16(end + 8) != get16(end + 10))
    return FALSE;
  *directory = (Directory){.entries = get16(end + 10), .size = get32(end + 12), .offset = get32(end + 16), .end = at};
  gboolean is_64 = directory->entries == 0xFFFF || directory->size == 0xFFFFFFFF || directory->offset == 0xFFFFFFFF;
  /* A packer that did not know the size writes the large form too, although the small one says all (Info-ZIP from a
   * pipe). */
  gboolean has_64 = at >= LOCATOR64_SIZE && directory->offset + directory->size < at;
  return !(is_64 || has_64) || (at >= LOCATOR64_SIZE && read_directory64(fd, at - LOCATOR64_SIZE, directory));
}

typedef struct {
  int fd;
  guint64 at; /* of the entry in the directory; moved behind it */
  guint files;
  gboolean begins_at_0;
  const char *detail;
} Walk;

static gboolean is_folder(const Walk *walk, const guint8 *entry) {
  guint8 last = 0;
  guint length = get16(entry + 28);
  return length > 0 && packing_read_at(walk->fd, walk->at + ENTRY_SIZE + length - 1, &last, 1) && last == '/' &&
         get32(entry + 24) == 0;
}

/* One entry, and whether the local header says the same of it. */
static PackingVerdict check_entry(Walk *walk) {
  guint8 local[LOCAL_SIZE], entry[ENTRY_SIZE];
  if (!packing_read_at(walk->fd, walk->at, entry, sizeof entry) || get32(entry) != ENTRY_MAGIC)
    return PACKING_DAMAGED;
  guint32 offset = get32(entry + 42) == 0xFFFFFFFF ? 0 : get32(entry + 42);
  if (!packing_read_at(walk->fd, offset, local, sizeof local) || get32(local) != LOCAL_MAGIC)
    return PACKING_DAMAGED;
  walk->begins_at_0 |= offset == 0;
  walk->files += !is_folder(walk, entry);
  walk->at += ENTRY_SIZE + (guint64)get16(entry + 28) + get16(entry + 30) + get16(entry + 32);
  guint flags = (guint)get16(entry + 8) | get16(local + 6);
  if (flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_HIDDEN))
    return PACKING_ENCRYPTED;
  if (get16(local + 26) != get16(entry + 28) || get16(local + 8) != get16(entry + 10))
    return PACKING_DAMAGED;
  if (get16(entry + 10) == METHOD_DEFLATE64) {
    walk->detail = "by Deflate64 (method 9): let the partner pack it by Deflate";
    return PACKING_METHOD;
  }
  return PACKING_GOOD;
}

static PackingVerdict check_entries(int fd, const Directory *directory, const char **detail) {
  Walk walk = {.fd = fd, .at = directory->offset};
  PackingVerdict verdict = PACKING_GOOD;
  if (directory->entries == 0 || directory->entries > MOST_ENTRIES)
    return PACKING_MEMBERS;
  for (guint64 i = 0; i < directory->entries && verdict == PACKING_GOOD; i++)
    verdict = check_entry(&walk);
  *detail = walk.detail;
  if (verdict != PACKING_GOOD)
    return verdict;
  if (walk.files != 1) {
    *detail = walk.files == 0 ? "it holds folders only" : "it holds several files";
    return PACKING_MEMBERS;
  }
  return walk.begins_at_0 && walk.at == directory->offset + directory->size ? PACKING_GOOD : PACKING_BESIDE;
}

PackingVerdict zip_outline_check(int fd, guint64 size, const char **detail) {
  guint8 local[4];
  Directory directory = {0};
  gboolean has_end;
  guint64 behind = 0;
  if (size < 4 || !packing_read_at(fd, 0, local, sizeof local) ||
      (get32(local) != LOCAL_MAGIC && get32(local) != END_MAGIC))
    return PACKING_FOREIGN;
  if (!read_directory(fd, size, &directory, &has_end, &behind)) {
    *detail = behind == 2 ? "two bytes follow its end: was it sent as text (CR LF behind it)?" : NULL;
    return has_end ? PACKING_DAMAGED : behind ? PACKING_BESIDE : PACKING_TRUNCATED;
  }
  if (directory.offset > directory.end || directory.size != directory.end - directory.offset)
    return directory.entries == 1 ? PACKING_BESIDE : PACKING_MEMBERS;
  return check_entries(fd, &directory, detail);
}
