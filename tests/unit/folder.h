/* A temporary folder for a test, which goes away with all that is in it. */
#pragma once
#include <ftw.h>
#include <glib.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int folder_remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk) {
  (void)status, (void)flag, (void)walk;
  return remove(path);
}

/* No link is followed. */
static inline int folder_remove(const char *folder) {
  return nftw(folder, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* For cmocka: *state is the folder's path. */
static inline int folder_set_up(void **state) {
  *state = g_dir_make_tmp("sallyport-XXXXXX", NULL);
  return *state ? 0 : -1;
}

static inline int folder_tear_down(void **state) {
  int rc = folder_remove(*state);
  g_free(*state);
  return rc;
}
