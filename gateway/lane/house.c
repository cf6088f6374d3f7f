/* What a lane does once an hour beside its work: removes ciphertexts that have been in the archive longer than node {
 * archive-days }, and, once a day, tells of keys that have ended or will end soon. It runs in a worker, since gpg takes
 * its time. */
#include "gateway/common/key_use.h"
#include "gateway/lane/lane_private.h"
#include "gateway/common/log.h"
#include "gateway/watch/alarm.h"
#include <string.h>
#include <unistd.h>

enum { KEYS_EVERY_HOURS = 24 };
#define KEY_ALARM "key-expiring"

static void prune_archive(const Lane *lane) {
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autoptr(GDateTime) oldest = g_date_time_add_days(now, -(gint)lane->conf->node.archive_days);
  g_autofree char *limit = g_date_time_format(oldest, "%Y-%m-%d");
  g_autoptr(GDir) days = g_dir_open(lane->paths->archive, 0, NULL);
  const char *day;
  while (days && (day = g_dir_read_name(days))) {
    if (strcmp(day, limit) >= 0)
      continue;
    g_autofree char *folder = g_build_filename(lane->paths->archive, day, NULL);
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    const char *name;
    while (files && (name = g_dir_read_name(files))) {
      g_autofree char *path = g_build_filename(folder, name, NULL);
      unlink(path);
    }
    if (rmdir(folder) == 0)
      log_event(LOG_INFO, "archive-pruned", {"day", day});
  }
}

static gboolean is_ours(const Lane *lane, const ConfPartner *partner) {
  for (guint i = 0; i < lane->feeds->feeds->len; i++)
    if (((Feed *)lane->feeds->feeds->pdata[i])->partner == partner)
      return TRUE;
  return FALSE;
}

/* What has ended weighs more than what will. */
static void report_key(const Lane *lane, const KeyUse *use, GHashTable *wanting) {
  const char *remark = use->remark ? use->remark : "";
  log_event(use->condition <= KEY_ENDS_SOON ? LOG_WARNING : LOG_ERROR, "key", {"partner", use->partner->name},
            {"use", key_purpose_word(use->purpose)}, {"fingerprint", use->fingerprint},
            {"condition", key_condition_word(use->condition)}, {"remark", remark});
  char *subject = g_strdup_printf("%s %s %s", use->partner->name, key_purpose_word(use->purpose), use->fingerprint);
  g_autofree char *text = g_strdup_printf("%s: %s key %s %s", use->partner->name, key_purpose_word(use->purpose),
                                          use->fingerprint, remark);
  alarms_raise(lane->host.alarms,
               &(AlarmCall){.kind = KEY_ALARM, .subject = subject, .text = text, .weight = use->condition});
  g_hash_table_add(wanting, subject);
}

static void report_keys(const Lane *lane) {
  g_autoptr(GError) error = NULL;
  if (!key_uses_any(lane->conf))
    return;
  g_autoptr(GPtrArray) ring = openpgp_keys(lane->conf->node.gnupg_home, &error);
  if (!ring) {
    log_event(LOG_WARNING, "keys-unknown", {"error", error->message});
    return;
  }
  g_autoptr(GPtrArray) uses = key_uses(lane->conf, ring, g_get_real_time() / G_USEC_PER_SEC);
  g_autoptr(GHashTable) wanting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < uses->len; i++) {
    const KeyUse *use = uses->pdata[i];
    if (use->condition != KEY_GOOD && is_ours(lane, use->partner))
      report_key(lane, use, wanting);
  }
  alarms_clear_others(lane->host.alarms, KEY_ALARM, wanting);
}

typedef struct {
  Task task;
  Lane *lane;
  gboolean with_keys;
} HouseTask;

static void house_task_end(Task *task) {
  g_free(task);
}

static void run_house(Task *task, BookReader *reader, Courier *courier, const GError *failure) {
  (void)reader, (void)courier, (void)failure;
  const HouseTask *run = (const HouseTask *)task;
  prune_archive(run->lane);
  if (run->with_keys)
    report_keys(run->lane);
  house_task_end(task);
}

void lane_keep_house(Lane *lane, guint hours_running) {
  HouseTask *run = g_new0(HouseTask, 1);
  *run = (HouseTask){
      .task = {run_house, house_task_end}, .lane = lane, .with_keys = hours_running % KEYS_EVERY_HOURS == 0};
  workers_add(lane->workers, &run->task);
}
