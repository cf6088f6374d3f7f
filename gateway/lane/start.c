/* What a lane does before its work begins.
 *
 * The file WORKING in its folder names the files that its workers were at when it died (suspects.h). Each of them gets
 * one more death, which the book counts until the file moves on; it waits longer each time, so
 * that the others come first and it is alone when it kills the lane again; and after retry-limit deaths in one state it
 * is held. The file RUNNING says that the last lane did not end by its own will. Spool files whose owner is finished or
 * unknown are leftovers of a crash between an effect and its commit. */
#include "gateway/base/files.h"
#include "gateway/lane/lane_private.h"
#include "gateway/common/codes.h"
#include "gateway/common/log.h"
#include "gateway/common/policy.h"
#include "gateway/flow/processor.h"
#include "gateway/flow/step.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ID_LENGTH = 16, MOST_LIVE = 1000000, SPARE_SLOTS = 4 };

static char *running_path(const Lane *lane) {
  return g_build_filename(lane->paths->folder, "RUNNING", NULL);
}

gboolean lane_mark_running(const Lane *lane, GError **error) {
  g_autofree char *pid = g_strdup_printf("%d\n", (int)getpid());
  return files_replace(lane->paths->folder, "RUNNING", pid, error);
}

void lane_mark_stopped(const Lane *lane) {
  g_autofree char *path = running_path(lane);
  unlink(path);
}

static gboolean is_in_work(FileState state) {
  return state == FILE_FETCHED || state == FILE_OPENED || state == FILE_STAGED || state == FILE_VALIDATED ||
         state == FILE_POSTING;
}

/* The first time it is taken up again at once: it may have been another file's fault. */
static gboolean count_death(Lane *lane, Feed *feed, BookFile *file, GError **error) {
  Step step = {.flow = &lane->flow, .feed = feed, .file = file, .since = g_get_monotonic_time()};
  guint deaths = ++file->deaths;
  g_autofree char *reason = g_strdup_printf("the lane died %u time%s while this file was in work", deaths,
                                            deaths == 1 ? "" : "s");
  if (deaths >= MAX(feed->conf->retry_limit, 1) && file_state_may_become(file->state, FILE_HELD))
    return flow_hold(&step, CODE_TRIES_USED_UP, reason, error);
  log_event(LOG_WARNING, "suspect", {"feed", file->feed}, {"file", file->id}, {"state", file_state_word(file->state)},
            {"problem", reason});
  gint64 pause = deaths > 1 ? policy_wait(POLICY_DEATHS, deaths - 1) : 0;
  return flow_put_off(&step, g_get_real_time() + pause, &(Wait){.what = FILE_WAIT_RETRY, .on = "work", .why = reason},
                      error);
}

static gboolean count_deaths(Lane *lane, const GPtrArray *files, GHashTable *suspects, GError **error) {
  for (guint i = 0; i < files->len; i++) {
    BookFile *file = files->pdata[i];
    Feed *feed = feeds_find(lane->feeds, file->feed);
    if (feed && is_in_work(file->state) && g_hash_table_contains(suspects, file->id) &&
        !count_death(lane, feed, file, error))
      return FALSE;
  }
  return TRUE;
}

/* Nothing is done with the files of a feed that is not configured any more; they must not be forgotten silently. */
static void report_orphans(const Lane *lane, const GPtrArray *files) {
  guint orphans = 0;
  const BookFile *first = NULL;
  for (guint i = 0; i < files->len; i++) {
    const BookFile *file = files->pdata[i];
    if (feeds_find(lane->feeds, file->feed))
      continue;
    orphans++;
    first = first ? first : file;
  }
  if (first)
    log_event(LOG_WARNING, "files-without-feed", {"files", log_number(orphans)}, {"first", first->id},
              {"feed", first->feed},
              {"problem", "this lane has no such feed any more: nothing is done with them until it has"});
}

static void hold_keys(Lane *lane, const GPtrArray *files) {
  for (guint i = 0; i < files->len; i++) {
    const BookFile *file = files->pdata[i];
    const Feed *feed = feeds_find(lane->feeds, file->feed);
    gconstpointer gate = feed ? processor_gate(feed) : NULL;
    if (gate && (file->state == FILE_VALIDATED || file->state == FILE_POSTING))
      keygate_hold_all(lane->flow.gate, gate, file->id);
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

/* Of what is only seen nothing lies on our disks, and there may be hundreds of thousands. */
static gboolean live_files(Lane *lane, GPtrArray **files, GError **error) {
  guint64 others = 1u << FILE_SEEN | 1u << FILE_CLOSED | 1u << FILE_GONE;
  BookFilter filter = {.states = ((1u << FILE_N_STATES) - 1) & ~others, .limit = MOST_LIVE};
  return (*files = book_files(lane->reader, &filter, error)) != NULL;
}

static GHashTable *open_marks(Lane *lane, GError **error) {
  GHashTable *left = NULL;
  g_autofree char *path = g_build_filename(lane->paths->folder, "WORKING", NULL);
  lane->suspects = suspects_open(path, lane->flow.threads + SPARE_SLOTS, &left, error);
  return lane->suspects ? left : NULL;
}

gboolean lane_recover(Lane *lane, GError **error) {
  g_autofree char *running = running_path(lane);
  g_autoptr(GPtrArray) files = NULL;
  g_autoptr(GHashTable) suspects = open_marks(lane, error);
  if (!suspects || !live_files(lane, &files, error))
    return FALSE;
  if (access(running, F_OK) == 0)
    log_event(LOG_WARNING, "recovering", {"live_files", log_number(files->len)},
              {"in_work", log_number(g_hash_table_size(suspects))});
  if (!count_deaths(lane, files, suspects, error) || !lane_bring_forward(lane, error))
    return FALSE;
  report_orphans(lane, files);
  hold_keys(lane, files);
  g_autoptr(GHashTable) live = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < files->len; i++)
    g_hash_table_add(live, ((BookFile *)files->pdata[i])->id);
  if (files->len >= MOST_LIVE) /* then not all that live are known */
    return TRUE;
  sweep(lane->paths->in, live);
  sweep(lane->paths->stage, live);
  sweep(lane->paths->out, live);
  return TRUE;
}
