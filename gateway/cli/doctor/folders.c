/* The folders that the configuration names at this endpoint: what feeds read is listed and counted as a poll does it;
 * what is written to is only looked at. No file is opened: a server may take one away that was read. */
#include "gateway/cli/doctor/doctor.h"
#include "gateway/flow/admission/admit.h"
#include "gateway/common/remote_path.h"
#include "gateway/processors/processors.h"
#include <string.h>

typedef struct {
  Doctor *doctor;
  const ConfFeed *feed;
  guint entries, folders, links, matching, ready, markers, left;
  GHashTable *names;
} Count;

static void count_entry(Count *count, const CourierEntry *entry) {
  gsize length;
  const char *bytes = g_bytes_get_data(entry->name, &length);
  const ConfSourceFolder *source = &count->feed->source;
  g_autofree char *name = g_strndup(bytes, length);
  count->entries++;
  count->folders += entry->is_file || entry->is_link ? 0 : 1;
  count->links += entry->is_link ? 1 : 0;
  count->left += g_str_has_prefix(name, DOCTOR_PROBE_PREFIX) ? 1 : 0;
  if (!entry->is_file || !admit_is_relevant(source, name))
    return;
  if (!admit_is_candidate(source, entry->name)) {
    count->markers++;
    return;
  }
  g_autoptr(GBytes) marker = admit_companion(source, COMPANION_MARKER, entry->name);
  count->matching++;
  count->ready += marker && g_hash_table_contains(count->names, marker) ? 1 : 0;
}

static const CourierEntry *first_match(const ConfFeed *feed, const GPtrArray *entries) {
  for (guint i = 0; i < entries->len; i++) {
    const CourierEntry *entry = entries->pdata[i];
    if (entry->is_file && admit_is_candidate(&feed->source, entry->name))
      return entry;
  }
  return NULL;
}

gboolean doctor_is_coarser(const Doctor *doctor, gint64 apart) {
  return doctor->endpoint.kind == COURIER_FTP && g_strcmp0(courier_fact(doctor->connection, "listing"), "LIST") == 0 &&
         apart >= 0 && apart < 60;
}

/* A listing and a look at the file itself must tell the same, or a file seems to change all the time. */
static void compare_with_stat(Doctor *doctor, const ConfFeed *feed, const CourierEntry *entry) {
  g_autoptr(GError) error = NULL;
  CourierStat stat;
  gsize length;
  const char *name = g_bytes_get_data(entry->name, &length);
  g_autofree char *text = g_strndup(name, length), *path = remote_path_join(feed->source.path, name, length);
  if (!courier_stat(doctor->courier, path, &stat, &error)) {
    doctor_find(doctor, DOCTOR_PROBLEM, "stat", NULL, "feed %s: %s", feed->name, error->message);
    return;
  }
  if (!stat.exists) {
    doctor_find(doctor, DOCTOR_NOTE, "stat", NULL, "feed %s: %s was listed and is gone", feed->name, text);
    return;
  }
  gint64 apart = stat.modified - entry->modified;
  gboolean is_coarse = doctor_is_coarser(doctor, apart);
  if (stat.size == entry->size && (apart == 0 || is_coarse) && stat.is_file)
    doctor_find(doctor, DOCTOR_OK, "stat", NULL, "feed %s: %s: %" G_GUINT64_FORMAT " bytes, as listed%s", feed->name,
                text, stat.size, apart != 0 ? ", with a time to the minute" : "");
  else if (stat.size != entry->size)
    doctor_find(doctor, DOCTOR_WARNING, "stat",
                "ready = marker or rename, if it is still being written; else the partner's server must be mended",
                "feed %s: %s: listed with %" G_GUINT64_FORMAT " bytes, and a look at it says %" G_GUINT64_FORMAT,
                feed->name, text, entry->size, stat.size);
  else
    doctor_find(doctor, DOCTOR_WARNING, "stat",
                doctor->endpoint.kind == COURIER_FTP ? "listing-time-zone: the zone of the server's listings" : NULL,
                "feed %s: %s: the time listed and the one that a look at it tells are %" G_GINT64_FORMAT " s apart",
                feed->name, text, apart);
}

typedef struct {
  gboolean truncated;
  guint refused;
  char *unknown;
  gint64 took;
} Listed;

/* What a listing leaves out, each by its own reason. */
static void tell_left_out(Doctor *doctor, const ConfFeed *feed, const Count *count, const Listed *listed) {
  if (listed->unknown)
    doctor_find(doctor, DOCTOR_WARNING, "listing", "ask the partner for MLSD, or for listings as Unix draws them",
                "feed %s: lines that are not understood are passed over, and the files in them; the first: %s",
                feed->name, listed->unknown);
  else if (listed->refused > 0)
    doctor_find(doctor, DOCTOR_WARNING, "listing", "the partner must name them otherwise",
                "feed %s: %u names cannot be a file's (a slash, a NUL, longer than 255 bytes) or stand there twice: "
                "they are passed over",
                feed->name, listed->refused);
  if (listed->truncated)
    doctor_find(
        doctor, DOCTOR_PROBLEM, "listing", "ask the partner to clear the folder, or to raise its server's limit",
        "feed %s: the listing is not whole (%u entries came): the server cuts it, or it is longer than is taken; "
        "files beyond are never seen",
        feed->name, count->entries);
  if (count->links > 0)
    doctor_find(doctor, DOCTOR_NOTE, "listing", "the partner must put the files themselves there",
                "feed %s: %u symbolic links: they are not followed, and what they point to is not fetched", feed->name,
                count->links);
}

static void tell_listing(Doctor *doctor, const ConfFeed *feed, const GPtrArray *entries, const Listed *listed) {
  gint64 took = listed->took;
  g_autoptr(GHashTable) names = g_hash_table_new(g_bytes_hash, g_bytes_equal);
  Count count = {.doctor = doctor, .feed = feed, .names = names};
  for (guint i = 0; i < entries->len; i++)
    g_hash_table_add(names, ((const CourierEntry *)entries->pdata[i])->name);
  for (guint i = 0; i < entries->len; i++)
    count_entry(&count, entries->pdata[i]);
  g_autofree char *time = doctor_time(took), *ready = NULL;
  if (feed->source.ready == CONF_READY_MARKER)
    ready = g_strdup_printf(", %u with their marker", count.ready);
  doctor_find(doctor, took > 10 * G_USEC_PER_SEC ? DOCTOR_WARNING : DOCTOR_OK, "listing",
              took > 10 * G_USEC_PER_SEC ? "ask the partner to clear the folder, or lengthen every" : NULL,
              "feed %s: %s: %u entries in %s, %u folders among them; %u match '%s'%s", feed->name, feed->source.path,
              count.entries, time, count.folders, count.matching, feed->source.match, ready ? ready : "");
  tell_left_out(doctor, feed, &count, listed);
  if (count.left > 0)
    doctor_find(doctor, DOCTOR_WARNING, "left-over", "remove them",
                "%s: %u probe files of an earlier examination (" DOCTOR_PROBE_PREFIX "…)", feed->source.path,
                count.left);
  if (feed->source.ready == CONF_READY_MARKER && count.matching > 0 && count.ready == 0)
    doctor_find(doctor, DOCTOR_NOTE, "listing", "marker, if the partner names its markers otherwise",
                "feed %s: no file has its marker '%s' yet", feed->name, feed->source.marker);
}

static gboolean may_write(const Doctor *doctor, const char *path) {
  return doctor->write && g_strv_contains((const char *const *)doctor->write, path);
}

static gboolean is_ours(const Doctor *doctor, const char *partner, const char *endpoint) {
  return partner && endpoint && strcmp(partner, doctor->partner->name) == 0 &&
         strcmp(endpoint, doctor->settings->name) == 0;
}

static void tell_untried(Doctor *doctor, const char *whose, const char *path, const char *what) {
  if (may_write(doctor, path))
    return;
  g_autofree char *set = g_strdup_printf("sallyport doctor %s %s --write %s", doctor->partner->name,
                                         doctor->settings->name, path);
  doctor_find(doctor, DOCTOR_NOTE, "folder", set,
              "%s: %s: whether %s there was not tried: nothing is written unless it is asked for", whose, path, what);
}

const ConfFeed *doctor_taking_feed(const Doctor *doctor, const char *folder) {
  for (guint i = 0; i < doctor->conf->lanes->len; i++) {
    const ConfLane *lane = doctor->conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++) {
      const ConfFeed *feed = lane->feeds->pdata[j];
      if (is_ours(doctor, feed->partner, feed->source.endpoint) && feed->source.after != CONF_AFTER_KEEP &&
          g_strcmp0(feed->source.path, folder) == 0)
        return feed;
    }
  }
  return NULL;
}

/* What ended the connection may do so at this folder alone: the next one is looked at on a new connection. */
static gboolean goes_on(Doctor *doctor) {
  return !courier_is_lost(doctor->courier) || (!doctor_is_stopped() && doctor_connect(doctor, FALSE, NULL));
}

static gboolean list_source(Doctor *doctor, const ConfFeed *feed) {
  g_autoptr(GError) error = NULL;
  Listed listed = {FALSE, 0, NULL, 0};
  CourierListing listing = {.folder = feed->source.path, .unknown = &listed.unknown};
  gint64 begun = g_get_monotonic_time();
  g_autoptr(GPtrArray) entries = courier_list(doctor->courier, &listing, &listed.truncated, &listed.refused, &error);
  listed.took = g_get_monotonic_time() - begun;
  if (!entries) {
    doctor_find(doctor, DOCTOR_PROBLEM, "listing",
                doctor_advice(error, "source path; or the partner has to make the folder, or to let this user list it"),
                "feed %s: %s", feed->name, error->message);
    return goes_on(doctor);
  }
  tell_listing(doctor, feed, entries, &listed);
  g_free(listed.unknown);
  if (feed->source.after != CONF_AFTER_KEEP) {
    g_autofree char *whose = g_strdup_printf("feed %s", feed->name);
    tell_untried(doctor, whose, feed->source.path, "files can be renamed");
  }
  const CourierEntry *entry = first_match(feed, entries);
  if (entry)
    compare_with_stat(doctor, feed, entry);
  return goes_on(doctor);
}

/* A folder that files are put into: is it there, and how much room is left? */
static gboolean look_at_target(Doctor *doctor, const char *whose, const char *path) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) facts = courier_facts_new();
  CourierStat stat;
  gboolean known;
  if (!courier_stat(doctor->courier, path, &stat, &error) || !stat.exists || stat.is_file) {
    doctor_find(doctor, DOCTOR_PROBLEM, "folder", doctor_advice(error, "path; or the partner has to make the folder"),
                "%s: %s: %s", whose, path,
                error         ? error->message
                : stat.exists ? "is not a folder"
                              : "is not there");
    return goes_on(doctor);
  }
  CourierProbe probe = {.kind = COURIER_PROBE_FOLDER, .path = path, .target = ""};
  if (!courier_probe(doctor->courier, &probe, &known, facts, &error))
    return goes_on(doctor);
  const char *mode = courier_fact(facts, "mode");
  gint64 room = courier_fact_number(facts, "free", -1);
  g_autofree char *free_text = room >= 0 ? g_strdup_printf(", %" G_GINT64_FORMAT " MiB free", room >> 20)
                                         : g_strdup("");
  doctor_find(doctor, room >= 0 && room < (64 << 20) ? DOCTOR_WARNING : DOCTOR_OK, "folder",
              room >= 0 && room < (64 << 20) ? "tell the partner: its disk is nearly full" : NULL,
              "%s: %s is there%s%s%s", whose, path, mode ? ", mode " : "", mode ? mode : "", free_text);
  tell_untried(doctor, whose, path, "files can be put");
  return TRUE;
}

/* Where its process puts files. */
static gboolean look_at_process(Doctor *doctor, const ConfLane *lane, const ConfFeed *feed) {
  const Processor *processor = processor_of(feed);
  ProcessorTarget target = {0};
  g_autofree char *whose = g_strdup_printf("feed %s, %ss", feed->name, conf_process_word(feed->process));
  if (processor->target)
    processor->target(lane, feed, &target);
  return !target.folder || !is_ours(doctor, target.system, target.endpoint) ||
         look_at_target(doctor, whose, target.folder);
}

static gboolean examine_feed(Doctor *doctor, const ConfLane *lane, const ConfFeed *feed) {
  if (is_ours(doctor, feed->partner, feed->source.endpoint) && !list_source(doctor, feed))
    return FALSE;
  g_autofree char *answers = g_strdup_printf("feed %s, answers", feed->name);
  if (is_ours(doctor, feed->partner, feed->feedback.endpoint) && !look_at_target(doctor, answers, feed->feedback.path))
    return FALSE;
  return look_at_process(doctor, lane, feed);
}

static gboolean examine_reconcile(Doctor *doctor, const ConfReconcile *reconcile) {
  g_autofree char *whose = g_strdup_printf("reconcile %s", reconcile->name);
  return !is_ours(doctor, reconcile->requester, reconcile->push_endpoint) || !reconcile->push_path ||
         look_at_target(doctor, whose, reconcile->push_path);
}

gboolean doctor_folders(Doctor *doctor) {
  for (guint i = 0; i < doctor->conf->lanes->len; i++) {
    const ConfLane *lane = doctor->conf->lanes->pdata[i];
    for (guint j = 0; j < lane->feeds->len; j++)
      if (doctor_is_stopped() || !examine_feed(doctor, lane, lane->feeds->pdata[j]))
        return FALSE;
    for (guint j = 0; lane->reconciles && j < lane->reconciles->len; j++)
      if (doctor_is_stopped() || !examine_reconcile(doctor, lane->reconciles->pdata[j]))
        return FALSE;
  }
  return TRUE;
}
