/* What a lane does before its work begins.
 *
 * The file RUNNING in its folder says that the last lane here did not end by its own will. Then every file that was in the middle of
 * its work gets one more failed try, so that a file which kills the lane each time it is opened is held after retry-limit times, and
 * the others go on. Spool files whose owner is finished or unknown are leftovers of a crash between an effect and its commit. */
#include "gateway/base/files.h"
#include "gateway/lane_parts.h"
#include "gateway/flow/codes.h"
#include "gateway/log.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { ID_LENGTH = 16 };

static char *running_path(const Lane *lane) { return g_build_filename(lane->paths->folder, "RUNNING", NULL); }

gboolean lane_mark_running(const Lane *lane, GError **error) {
  g_autofree char *pid = g_strdup_printf("%d\n", (int)getpid());
  return files_replace(lane->paths->folder, "RUNNING", pid, error);
}

void lane_mark_stopped(const Lane *lane) {
  g_autofree char *path = running_path(lane);
  unlink(path);
}

static gboolean is_in_work(FileState state) {
  return state == FILE_FETCHED || state == FILE_OPENED || state == FILE_STAGED || state == FILE_VALIDATED || state == FILE_POSTING;
}

static gboolean count_change(BookTransaction *tx, gpointer data, GError **error) {
  const GPtrArray *files = data;
  for (guint i = 0; i < files->len; i++) {
    if (!book_note_file(tx, files->pdata[i], NULL, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean hold_change(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = data;
  return book_advance_file(tx, file, FILE_HELD, file->reason, error);
}

static gboolean hold_poison(Lane *lane, BookFile *file, GError **error) {
  file->held_from = file->state;
  file->reason_code = g_strdup(CODE_TRIES_USED_UP);
  file->reason = g_strdup_printf("the lane died %u times while this file was in work", file->attempts);
  log_event(LOG_ERROR, "held", {"feed", file->feed}, {"file", file->id}, {"reason", file->reason});
  return book_write(lane->flow.book, hold_change, file, error);
}

static gboolean count_against(Lane *lane, GPtrArray *files, GError **error) {
  g_autoptr(GPtrArray) counted = g_ptr_array_new();
  for (guint i = 0; i < files->len; i++) {
    BookFile *file = files->pdata[i];
    const Feed *feed = feeds_find(lane->feeds, file->feed);
    if (!feed || !is_in_work(file->state))
      continue;
    file->attempts++;
    file->due_at = MIN(file->due_at, g_get_real_time());
    if (file->attempts >= MAX(feed->conf->retry_limit, 1) && file_state_may_become(file->state, FILE_HELD)) {
      if (!hold_poison(lane, file, error))
        return FALSE;
    } else {
      g_ptr_array_add(counted, file);
    }
  }
  return counted->len == 0 || book_write(lane->flow.book, count_change, counted, error);
}

static void hold_keys(Lane *lane, const GPtrArray *files) {
  for (guint i = 0; i < files->len; i++) {
    const BookFile *file = files->pdata[i];
    const Feed *feed = feeds_find(lane->feeds, file->feed);
    if (feed && (file->state == FILE_VALIDATED || file->state == FILE_POSTING))
      keygate_hold_all(lane->flow.gate, feed->ledger, file->id);
  }
}

/* `live` holds the ids whose files are not finished. */
static void sweep(const char *folder, GHashTable *live) {
  g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
  const char *name;
  while (listing && (name = g_dir_read_name(listing))) {
    g_autofree char *id = g_strndup(name, ID_LENGTH);
    if (strlen(name) > ID_LENGTH && g_hash_table_contains(live, id))
      continue;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    log_event(LOG_INFO, "swept", {"path", path});
    unlink(path);
  }
}

static gboolean live_files(Lane *lane, GPtrArray **files, GError **error) {
  guint64 finished = 1u << FILE_CLOSED | 1u << FILE_GONE;
  BookFilter filter = {.states = ((1u << FILE_N_STATES) - 1) & ~finished, .limit = 1000000};
  return (*files = book_files(lane->reader, &filter, error)) != NULL;
}

gboolean lane_recover(Lane *lane, GError **error) {
  g_autofree char *running = running_path(lane);
  gboolean died = access(running, F_OK) == 0;
  g_autoptr(GPtrArray) files = NULL;
  if (!live_files(lane, &files, error))
    return FALSE;
  if (died) {
    log_event(LOG_WARNING, "recovering", {"live_files", log_number(files->len)});
    if (!count_against(lane, files, error))
      return FALSE;
  }
  hold_keys(lane, files);
  g_autoptr(GHashTable) live = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < files->len; i++)
    g_hash_table_add(live, ((BookFile *)files->pdata[i])->id);
  sweep(lane->paths->in, live);
  sweep(lane->paths->stage, live);
  sweep(lane->paths->out, live);
  return TRUE;
}
