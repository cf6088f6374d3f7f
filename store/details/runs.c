/* A run: header, lines, entries. Hashes are spread evenly, so that a hash's first bits name its line: where the line's
 * entries end, and 448 bits that say of nearly every hash that it is not among them. A key that is not there costs a
 * look at one line of 64 bytes. The file is mapped: its pages are the kernel's to keep or to drop.
 *
 * A crash while one is made leaves a file that no table names (keys.c removes it). */
#include "gateway/base/files.h"
#include "store/details/details_private.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { A_LINE = 64, WORDS = 7, PROBES = 4 };
#define MAGIC G_GUINT64_CONSTANT(0x31305359454b5053) /* "SPKEYS01" */

struct RunLine {
  guint64 end; /* of its entries, from the run's beginning */
  guint64 words[WORDS];
};
typedef struct {
  guint64 magic, count, check; /* check: of lines and entries */
  gint64 first, last;
  guint64 bits, spare[2];
} RunHeader;
G_STATIC_ASSERT(sizeof(struct RunLine) == 64 && sizeof(RunHeader) == 64);

char *key_run_path(const char *folder, const char *name, guint shard, gint64 first, gint64 last) {
  return g_strdup_printf("%s/%s.details-%u.keys-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, folder, name, shard, first,
                         last);
}

static guint64 line_of(guint bits, guint64 hash) {
  return bits ? hash >> (64 - bits) : 0;
}

/* The i-th bit: nine bits of the hash's lower half each, which does not name the line. */
static guint bit_of(guint64 hash, guint i) {
  return (guint)(((hash >> (9 * i)) & 511) % (WORDS * 64));
}

static void line_add(struct RunLine *line, guint64 hash) {
  for (guint i = 0; i < PROBES; i++)
    line->words[bit_of(hash, i) / 64] |= G_GUINT64_CONSTANT(1) << (bit_of(hash, i) % 64);
}

static gboolean line_may_have(const struct RunLine *line, guint64 hash) {
  for (guint i = 0; i < PROBES; i++)
    if (!(line->words[bit_of(hash, i) / 64] >> (bit_of(hash, i) % 64) & 1))
      return FALSE;
  return TRUE;
}

/* --- Opening */

static gboolean is_whole(KeyRun *run) {
  const RunHeader *header = run->map;
  if (run->size < sizeof *header || header->magic != MAGIC || header->bits > 40 ||
      header->count > run->size / sizeof(KeyEntry) ||
      run->size != sizeof *header + (sizeof(struct RunLine) << header->bits) + header->count * sizeof(KeyEntry))
    return FALSE;
  run->first = header->first;
  run->last = header->last;
  run->count = header->count;
  run->bits = (guint)header->bits;
  run->lines = (const struct RunLine *)(header + 1);
  run->entries = (const KeyEntry *)(run->lines + (G_GUINT64_CONSTANT(1) << run->bits));
  return TRUE;
}

gboolean key_run_open(const char *path, KeyRun **run, GError **error) {
  struct stat status;
  *run = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return errno == ENOENT || sallyport_error_errno(error, errno, "%s", path);
  void *map = fstat(fd, &status) == 0 && status.st_size > 0
                  ? mmap(NULL, (gsize)status.st_size, PROT_READ, MAP_SHARED, fd, 0)
                  : MAP_FAILED;
  close(fd);
  if (map == MAP_FAILED)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "%s: cannot be read", path);
  *run = g_new(KeyRun, 1);
  **run = (KeyRun){.map = map, .size = (gsize)status.st_size};
  if (is_whole(*run))
    return TRUE;
  g_clear_pointer(run, key_run_close);
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "%s: is no run of keys, or is damaged", path);
}

void key_run_close(KeyRun *run) {
  if (!run)
    return;
  munmap(run->map, run->size);
  g_free(run);
}

/* --- Looking */

guint key_run_find(const KeyRun *run, guint64 hash, const KeyEntry **first) {
  guint64 at = line_of(run->bits, hash);
  const struct RunLine *line = &run->lines[at];
  if (!line_may_have(line, hash))
    return 0;
  guint64 low = at ? line[-1].end : 0, end = MIN(line->end, run->count), high = end;
  while (low < high) {
    guint64 middle = low + (high - low) / 2;
    if (run->entries[middle].hash < hash)
      low = middle + 1;
    else
      high = middle;
  }
  *first = run->entries + low;
  guint n = 0;
  while (low + n < end && run->entries[low + n].hash == hash)
    n++;
  return n;
}

static guint64 checksum(const RunHeader *header, gsize size) {
  return XXH3_64bits(header + 1, size - sizeof *header);
}

gboolean key_run_check(const KeyRun *run, const char *path, GError **error) {
  const RunHeader *header = run->map;
  return checksum(header, run->size) == header->check ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "%s: is damaged", path);
}

/* --- Making */

static gboolean is_before(const KeyEntry *a, const KeyEntry *b) {
  return a->hash != b->hash ? a->hash < b->hash : a->number < b->number;
}

/* The source with the least entry; they are few. */
static KeySource *least(const KeyRunMaking *making) {
  KeySource *best = NULL;
  for (guint i = 0; i < making->n; i++) {
    KeySource *source = &making->sources[i];
    if (source->count > 0 && (!best || is_before(source->entries, best->entries)))
      best = source;
  }
  return best;
}

static void fill(const KeyRunMaking *making, RunHeader *header) {
  struct RunLine *lines = (struct RunLine *)(header + 1);
  guint64 n_lines = G_GUINT64_CONSTANT(1) << header->bits;
  KeyEntry *entries = (KeyEntry *)(lines + n_lines);
  guint64 n = 0, line = 0;
  for (KeySource *source; (source = least(making));) {
    KeyEntry entry = *source->entries++;
    source->count--;
    for (guint64 of = line_of((guint)header->bits, entry.hash); line < of; line++)
      lines[line].end = n;
    line_add(&lines[line], entry.hash);
    entries[n++] = entry;
  }
  for (; line < n_lines; line++)
    lines[line].end = n;
}

static gboolean write_mapped(int fd, const KeyRunMaking *making, RunHeader header, GError **error) {
  gsize size = sizeof header + (sizeof(struct RunLine) << header.bits) + header.count * sizeof(KeyEntry);
  int wrong = posix_fallocate(fd, 0, (off_t)size); /* what there is no space for would be a signal later */
  if (wrong)
    return sallyport_error_errno(error, wrong, "%s", making->path);
  RunHeader *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED)
    return sallyport_error_errno(error, errno, "%s", making->path);
  *map = header;
  fill(making, map);
  map->check = checksum(map, size);
  gboolean ok = msync(map, size, MS_SYNC) == 0 ||
                sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "%s: %s", making->path, g_strerror(errno));
  munmap(map, size);
  return ok && files_sync(fd, making->path, error);
}

gboolean key_run_make(const KeyRunMaking *making, GError **error) {
  RunHeader header = {.magic = MAGIC, .first = making->first, .last = making->last};
  for (guint i = 0; i < making->n; i++)
    header.count += making->sources[i].count;
  while (header.count >> header.bits > A_LINE)
    header.bits++;
  int fd = open(making->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "%s", making->path);
  gboolean ok = write_mapped(fd, making, header, error);
  close(fd);
  if (ok && files_sync_folder(making->folder, error))
    return TRUE;
  unlink(making->path);
  return FALSE;
}
