/* Probes that write: what the server makes of a put, a resumed one, renames, time stamps, and how quick it is.
 *
 * Every name is noted before it can come to be, and all that were noted are removed at the end: also after an error,
 * after Ctrl-C, and with a new connection when the one at work has broken. What cannot be removed is told by its name.
 */
#include "gateway/base/files.h"
#include "gateway/cli/doctor/write_private.h"
#include "gateway/common/remote_path.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Cleaning up. */

static gboolean remove_all(Probe *probe) {
  g_autoptr(GPtrArray) facts = courier_facts_new();
  const CourierProbe inner = {.kind = COURIER_PROBE_REMOVE_FOLDER, .path = probe->inner, .target = ""};
  CourierStat stat;
  gboolean known;
  for (guint i = probe->noted->len; i > 0; i--) {
    const char *path = probe->noted->pdata[i - 1];
    gboolean removed = courier_remove(probe->doctor->courier, path, NULL); /* whether it is there is what counts */
    if (courier_stat(probe->doctor->courier, path, &stat, NULL) ? !stat.exists : removed)
      g_ptr_array_remove_index(probe->noted, i - 1);
  }
  if (probe->folder_noted && courier_probe(probe->doctor->courier, &inner, &known, facts, NULL) &&
      courier_stat(probe->doctor->courier, probe->inner, &stat, NULL) && !stat.exists)
    probe->folder_noted = FALSE;
  return probe->noted->len == 0 && !probe->folder_noted;
}

static void clean_up(Probe *probe) {
  gboolean clean = FALSE;
  for (guint i = 0; i < CLEANING_TRIES && !clean; i++) {
    gboolean broken = !probe->doctor->courier || courier_is_lost(probe->doctor->courier) || doctor_is_stopped();
    if (!broken || doctor_connect(probe->doctor, TRUE, NULL))
      clean = remove_all(probe);
  }
  for (guint i = 0; i < probe->noted->len; i++)
    FIND(DOCTOR_PROBLEM, "remove", "remove it by hand, or have the partner do it", "%s may have been left there",
         (const char *)probe->noted->pdata[i]);
  if (probe->folder_noted)
    FIND(DOCTOR_PROBLEM, "remove", "remove it by hand, or have the partner do it",
         "the folder %s may have been left there", probe->inner);
  if (clean && probe->put_took > 0)
    FIND(DOCTOR_OK, "remove", NULL, "%s: all probe files were removed", probe->folder);
}

/* --- One folder. */

static gboolean fill_probe(Probe *probe, GError **error) {
  g_autofree guint32 *piece = g_new(guint32, SMALL / sizeof(guint32));
  GRand *random = g_rand_new();
  gboolean ok = TRUE;
  for (guint64 at = 0; ok && at < MOST; at += SMALL) {
    for (guint i = 0; i < SMALL / sizeof(guint32); i++)
      piece[i] = g_rand_int(random);
    ok = files_write_all(probe->content, piece, SMALL, error);
  }
  g_rand_free(random);
  return ok;
}

static gboolean begin_probe(Probe *probe, GError **error) {
  g_autofree char *name = g_strdup_printf(DOCTOR_PROBE_PREFIX "%08x%08x", g_random_int(), g_random_int());
  g_autofree char *second = g_strconcat(name, "-2", NULL), *inner = g_strconcat(name, "-folder", NULL);
  probe->first = remote_path_join(probe->folder, name, strlen(name));
  probe->second = remote_path_join(probe->folder, second, strlen(second));
  probe->inner = remote_path_join(probe->folder, inner, strlen(inner));
  probe->noted = g_ptr_array_new_with_free_func(g_free);
  probe->content = files_open_unnamed(g_get_tmp_dir(), error);
  probe->copy = probe->content >= 0 ? files_open_unnamed(g_get_tmp_dir(), error) : -1;
  return probe->copy >= 0 && fill_probe(probe, error);
}

static void end(Probe *probe) {
  if (probe->content >= 0)
    close(probe->content);
  if (probe->copy >= 0)
    close(probe->copy);
  g_free(probe->first);
  g_free(probe->second);
  g_free(probe->inner);
  g_ptr_array_unref(probe->noted);
}

static void run_steps(Probe *probe) {
  g_autoptr(GError) error = NULL;
  for (const ProbeStep *step = doctor_write_steps; *step; step++) {
    if (doctor_is_stopped())
      return;
    if (courier_is_lost(probe->doctor->courier) && !doctor_connect(probe->doctor, FALSE, &error)) {
      doctor_write_failed(probe, "session", NULL, error);
      return;
    }
    if (!(*step)(probe))
      return;
  }
}

gboolean doctor_writes(Doctor *doctor) {
  for (char **folder = doctor->write; folder && *folder && !doctor_is_stopped(); folder++) {
    g_autoptr(GError) error = NULL;
    Probe made = {.doctor = doctor, .folder = *folder, .content = -1, .copy = -1}, *probe = &made;
    gboolean connected = doctor->courier && !courier_is_lost(doctor->courier);
    if ((connected || doctor_connect(doctor, FALSE, &error)) && begin_probe(probe, &error)) {
      run_steps(probe);
      clean_up(probe);
    } else {
      doctor_write_failed(probe, "put", NULL, error);
    }
    if (made.noted)
      end(probe);
  }
  return TRUE;
}
