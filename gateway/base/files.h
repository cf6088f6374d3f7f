/* Small durable-file helpers that every room needs: whole writes, unnamed and renamed files, folder syncs. A failed
 * fsync is never tried again: it is reported as SALLYPORT_ERROR_STORAGE, since the kernel may have dropped the pages.
 */
#pragma once
#include "gateway/base/error.h"
#include <sys/types.h>

/* Writes all of the bytes, over short writes and EINTR. */
gboolean files_write_all(int fd, const void *bytes, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes the text to FOLDER/NAME by temporary name, fsync, rename and folder fsync: durable on return, old or new
 * content and never a mixture after a crash. Mode 0600. */
gboolean files_replace(const char *folder, const char *name, const char *text,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean files_size(int fd, guint64 *size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* fsync of a file or folder by descriptor; `what` names it in the error. */
gboolean files_sync(int fd, const char *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* fsync of a folder by its path: makes the renames and removals in it durable. */
gboolean files_sync_folder(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Makes the folder, and its parents, with mode 0700 where missing; what was made is durable. */
gboolean files_make_folder(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes a folder of files without folders in it. What cannot be removed stays; nothing is synced. */
void files_remove_folder(const char *path);

/* An unnamed private file in the folder (0600, close-on-exec); it is gone when the last descriptor is. Where the file
 * system has no O_TMPFILE it is made with a name that it loses while it is still empty. -1 on error. */
int files_open_unnamed(const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Bytes from outside as text for people: valid UTF-8 stays, every control, invalid or escape byte becomes \xHH, at most
 * `limit` characters (0: 200) and then "…". The caller frees. */
char *files_show_bytes(const void *bytes, gsize length, gsize limit) G_GNUC_WARN_UNUSED_RESULT;
