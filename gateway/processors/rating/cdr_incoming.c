/* Full files that others put into a folder of ours are taken apart as our own are, by the file and the configuration
 * alone: into the platforms' folder beside it, and no row of the book or of the details is needed. What is done lies in
 * `done` then, what is wrong in `refused`, beside a text with the reason.
 *
 *   crash before the move   the parts are there; it is taken apart again, and they are found with the same bytes
 *   still being written     it has no trailer: it is left until it has one, or has not grown for some minutes */
#include "gateway/base/files.h"
#include "gateway/common/log.h"
#include "gateway/processors/rating/cdr.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATIENCE_SECONDS = 600, LOOKED_AT_MOST = 100 };

/* NAME, or NAME.2 and so on where an earlier file has it: none is replaced. Nobody but this thread puts files there. */
static char *free_path(const char *into, const char *name) {
  char *path = g_build_filename(into, name, NULL);
  struct stat found;
  for (guint number = 2; lstat(path, &found) == 0; number++) {
    g_free(path);
    path = g_strdup_printf("%s/%s.%u", into, name, number);
  }
  return path;
}

/* *path: where it is now; the caller's, also on error. */
static gboolean move_into(const char *folder, const char *where, const char *name, char **path, GError **error) {
  g_autofree char *from = g_build_filename(folder, name, NULL), *into = g_build_filename(folder, where, NULL);
  const char *to = *path = free_path(into, name);
  if (!files_make_folder(into, error))
    return FALSE;
  return (rename(from, to) == 0 && files_sync_folder(into, error)) ||
         (error && *error) || sallyport_error_errno(error, errno, "rename %s to %s", from, to);
}

static void refuse_incoming(const RatingDesk *desk, const CdrTurn *turn, const char *name, const GError *why) {
  const char *folder = desk->rating->full_file.incoming;
  g_autofree char *text = g_strdup_printf("rating %s: %s is refused: %s", desk->name, name, why->message),
                  *line = g_strconcat(why->message, "\n", NULL), *path = NULL;
  g_autoptr(GError) error = NULL;
  gboolean is_moved = move_into(folder, "refused", name, &path, &error);
  g_autofree char *beside = g_strconcat(path, ".reason", NULL);
  if (!is_moved || !g_file_set_contents(beside, line, -1, &error))
    log_event(LOG_WARNING, "full-file-refused", {"rating", desk->name}, {"name", name}, {"error", error->message});
  log_event(LOG_WARNING, "full-file-refused", {"rating", desk->name}, {"name", name}, {"error", why->message});
  cdr_alarm(turn->host, "full-file-refused", desk->name, text);
}

/* Without its last line, and it may still grow. */
static gboolean is_growing(const char *path) {
  struct stat stat_now;
  char last[4096];
  FILE *file = stat(path, &stat_now) == 0 ? fopen(path, "re") : NULL;
  if (!file || fseeko(file, -(off_t)MIN((off_t)sizeof last, stat_now.st_size), SEEK_END) != 0) {
    if (file)
      fclose(file);
    return FALSE;
  }
  gsize n = fread(last, 1, sizeof last, file), at = n > 0 ? n - 1 : 0;
  fclose(file);
  while (at > 0 && last[at - 1] != '\n')
    at--;
  gboolean is_whole = n > 2 && last[n - 1] == '\n' && last[at] == 'T' && last[at + 1] == '|';
  return !is_whole && g_get_real_time() / G_USEC_PER_SEC - stat_now.st_mtime < PATIENCE_SECONDS;
}

static void take_one(const RatingDesk *desk, const CdrTurn *turn, const char *name) {
  const char *folder = desk->rating->full_file.incoming;
  g_autofree char *path = g_build_filename(folder, name, NULL), *into = g_build_filename(folder, "platforms", NULL),
                  *to = NULL;
  g_auto(CdrMatrix) matrix = {0};
  g_autoptr(GError) why = NULL;
  CdrSplit split = {.conf = desk->conf, .rating = desk->rating, .path = path, .into = into};
  if (is_growing(path))
    return;
  if (cdr_split(&split, &matrix, &why) && move_into(folder, "done", name, &to, &why)) {
    log_event(LOG_INFO, "full-file-taken-apart", {"rating", desk->name}, {"name", name},
              {"records", log_number((gint64)matrix.records)},
              {"unrouted", log_number((gint64)matrix.routed.unrouted)},
              {"already-split", matrix.was_split ? "yes" : "no"});
  } else if (sallyport_error_code(why) == SALLYPORT_ERROR_FILE ||
             sallyport_error_code(why) == SALLYPORT_ERROR_CONFIGURATION) {
    refuse_incoming(desk, turn, name, why);
  } else {
    log_event(LOG_WARNING, "full-file-not-taken-apart", {"rating", desk->name}, {"name", name},
              {"error", why->message});
  }
}

void cdr_take_incoming(const RatingDesk *desk, const CdrTurn *turn) {
  const char *folder = desk->rating->full_file.incoming;
  g_autoptr(GDir) listing = folder ? g_dir_open(folder, 0, NULL) : NULL;
  guint looked = 0;
  for (const char *name; listing && looked < LOOKED_AT_MOST && (name = g_dir_read_name(listing));) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat found;
    if (*name == '.' || lstat(path, &found) != 0 || !S_ISREG(found.st_mode))
      continue;
    looked++;
    take_one(desk, turn, name);
  }
}
