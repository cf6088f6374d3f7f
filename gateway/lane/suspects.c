#include "gateway/lane/suspects.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { ID_LENGTH = 16, MOST_SLOTS = 1024 };

struct Suspects {
  int fd;
  guint slots;
  pthread_mutex_t lock;
  gboolean *taken; /* under the lock */
};

static void write_slot(const Suspects *suspects, guint slot, const char id[ID_LENGTH]) {
  while (pwrite(suspects->fd, id, ID_LENGTH, (off_t)slot * ID_LENGTH) < 0 && errno == EINTR)
    ;
}

static GHashTable *read_left(int fd) {
  GHashTable *left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  char id[ID_LENGTH];
  for (guint i = 0; i < MOST_SLOTS && pread(fd, id, ID_LENGTH, (off_t)i * ID_LENGTH) == ID_LENGTH; i++)
    if (id[0])
      g_hash_table_add(left, g_strndup(id, ID_LENGTH));
  return left;
}

Suspects *suspects_open(const char *path, guint slots, GHashTable **left, GError **error) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    sallyport_error_errno(error, errno, "open %s", path);
    return NULL;
  }
  Suspects *suspects = g_new0(Suspects, 1);
  suspects->fd = fd;
  suspects->slots = MIN(slots, MOST_SLOTS);
  suspects->taken = g_new0(gboolean, slots + 1);
  pthread_mutex_init(&suspects->lock, NULL);
  *left = read_left(fd);
  if (ftruncate(fd, 0) == 0)
    return suspects;
  sallyport_error_errno(error, errno, "truncate %s", path);
  g_clear_pointer(left, g_hash_table_unref);
  suspects_close(suspects);
  return NULL;
}

guint suspects_begin(Suspects *suspects, const char *id) {
  guint slot = 0;
  pthread_mutex_lock(&suspects->lock);
  while (slot < suspects->slots && suspects->taken[slot])
    slot++;
  if (slot < suspects->slots) {
    suspects->taken[slot] = TRUE;
    char padded[ID_LENGTH] = "";
    memcpy(padded, id, MIN(strlen(id), ID_LENGTH));
    write_slot(suspects, slot, padded);
  }
  pthread_mutex_unlock(&suspects->lock);
  return slot;
}

void suspects_end(Suspects *suspects, guint slot) {
  static const char none[ID_LENGTH];
  if (slot >= suspects->slots)
    return;
  pthread_mutex_lock(&suspects->lock);
  write_slot(suspects, slot, none);
  suspects->taken[slot] = FALSE;
  pthread_mutex_unlock(&suspects->lock);
}

void suspects_close(Suspects *suspects) {
  if (!suspects)
    return;
  close(suspects->fd);
  pthread_mutex_destroy(&suspects->lock);
  g_free(suspects->taken);
  g_free(suspects);
}
