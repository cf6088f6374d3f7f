#include "gateway/lane/suspects.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { ID_LENGTH = 16, MOST_SLOTS = 1024 };

struct Working {
  int fd;
  guint slots;
  pthread_mutex_t lock;
  gboolean *taken; /* under the lock */
};

static void write_slot(const Working *working, guint slot, const char id[ID_LENGTH]) {
  while (pwrite(working->fd, id, ID_LENGTH, (off_t)slot * ID_LENGTH) < 0 && errno == EINTR)
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

Working *working_open(const char *path, guint slots, GHashTable **left, GError **error) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    sallyport_error_errno(error, errno, "open %s", path);
    return NULL;
  }
  Working *working = g_new0(Working, 1);
  working->fd = fd;
  working->slots = MIN(slots, MOST_SLOTS);
  working->taken = g_new0(gboolean, slots + 1);
  pthread_mutex_init(&working->lock, NULL);
  *left = read_left(fd);
  if (ftruncate(fd, 0) == 0)
    return working;
  sallyport_error_errno(error, errno, "truncate %s", path);
  g_clear_pointer(left, g_hash_table_unref);
  working_close(working);
  return NULL;
}

guint working_begin(Working *working, const char *id) {
  guint slot = 0;
  pthread_mutex_lock(&working->lock);
  while (slot < working->slots && working->taken[slot])
    slot++;
  if (slot < working->slots) {
    working->taken[slot] = TRUE;
    char padded[ID_LENGTH] = "";
    memcpy(padded, id, MIN(strlen(id), ID_LENGTH));
    write_slot(working, slot, padded);
  }
  pthread_mutex_unlock(&working->lock);
  return slot;
}

void working_end(Working *working, guint slot) {
  static const char none[ID_LENGTH];
  if (slot >= working->slots)
    return;
  pthread_mutex_lock(&working->lock);
  write_slot(working, slot, none);
  working->taken[slot] = FALSE;
  pthread_mutex_unlock(&working->lock);
}

void working_close(Working *working) {
  if (!working)
    return;
  close(working->fd);
  pthread_mutex_destroy(&working->lock);
  g_free(working->taken);
  g_free(working);
}
