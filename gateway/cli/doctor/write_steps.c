/* The writing probes: what the server makes of a put, a resumed one, renames, time stamps, and how quick it is. Every
 * name is noted before it can come to be. */
#include "gateway/cli/doctor/write_private.h"
#include <string.h>
#include <unistd.h>

void doctor_write_failed(Probe *probe, const char *check, const char *set, const GError *error) {
  FIND(DOCTOR_PROBLEM, check, doctor_advice(error, set), "%s: %s", probe->folder, error->message);
}

#define SLOW (10 * G_USEC_PER_SEC) /* for a get of FIRST bytes */
#define SPEED_SECONDS 2 /* of each of the two large transfers, as far as the first one lets us guess */

/* --- What the steps do all the time. */

static void note(Probe *probe, const char *path) {
  for (guint i = 0; i < probe->noted->len; i++)
    if (strcmp(probe->noted->pdata[i], path) == 0)
      return;
  g_ptr_array_add(probe->noted, g_strdup(path));
}

static gboolean put_over(Probe *probe, const char *path, guint64 offset, guint64 size, GError **error) {
  note(probe, path);
  return courier_put(probe->doctor->courier,
                     &(CourierPut){.path = path, .fd = probe->content, .offset = offset, .size = size}, error);
}

/* Where nothing may be written over, what is there goes first. */
static gboolean put_file(Probe *probe, const char *path, guint64 offset, guint64 size, GError **error) {
  g_autoptr(GError) failed = NULL;
  if (put_over(probe, path, offset, size, &failed))
    return TRUE;
  if (offset == 0 && sallyport_error_code(failed) == SALLYPORT_ERROR_PARTNER &&
      !courier_is_lost(probe->doctor->courier) && courier_remove(probe->doctor->courier, path, NULL) &&
      put_over(probe, path, offset, size, NULL))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failed));
  return FALSE;
}

/* What was got stands in probe->copy from its beginning to *end. */
static gboolean get(Probe *probe, const char *path, guint64 offset, guint64 *end, GError **error) {
  return courier_get(probe->doctor->courier,
                     &(CourierGet){.path = path, .fd = probe->copy, .offset = offset, .size_limit = MOST}, end, error);
}

static gboolean is_same(const Probe *probe, guint64 from, guint64 size) {
  guint8 ours[8192], theirs[8192];
  for (guint64 at = from; at < size; at += sizeof ours) {
    gsize length = (gsize)MIN(size - at, sizeof ours);
    if (pread(probe->content, ours, length, (off_t)at) != (ssize_t)length ||
        pread(probe->copy, theirs, length, (off_t)at) != (ssize_t)length || memcmp(ours, theirs, length) != 0)
      return FALSE;
  }
  return TRUE;
}

/* The file's size; -1: it is not there, or cannot be looked at. */
static gint64 size_of(Probe *probe, const char *path) {
  CourierStat stat;
  return courier_stat(probe->doctor->courier, path, &stat, NULL) && stat.exists ? (gint64)stat.size : -1;
}

/* --- The steps. FALSE: the ones after it make no sense. */

static gboolean try_put(Probe *probe) {
  g_autoptr(GError) error = NULL;
  gint64 begun = g_get_monotonic_time();
  note(probe, probe->first);
  CourierPut first = {.path = probe->first, .fd = probe->content, .size = FIRST, .vanished = &probe->vanished};
  if (!courier_put(probe->doctor->courier, &first, &error)) {
    doctor_write_failed(probe, "put", "ask the partner to let this user write there; or is it the wrong folder?",
                        error);
    return FALSE;
  }
  probe->put_took = g_get_monotonic_time() - begun;
  g_autofree char *time = doctor_time(probe->put_took);
  if (probe->vanished)
    FIND(DOCTOR_WARNING, "put",
         "vanishes = delivered, where the partner takes files the moment that they are closed; write = direct besides, "
         "where "
         "it takes them under their temporary names or its server cannot rename",
         "%s: a file of %d KiB was put in %s, and right afterwards it is not there, or nobody may see it",
         probe->folder, FIRST >> 10, time);
  else
    FIND(DOCTOR_OK, "put", NULL, "%s: a file of %d KiB was put in %s, and its size was read back", probe->folder,
         FIRST >> 10, time);
  return TRUE;
}

static void judge_clock(Probe *probe, gint64 skew) {
  gint64 away = ABS(skew);
  gboolean is_zone = away > 600 && (away % 1800 < 120 || away % 1800 > 1680);
  if (away <= 5)
    FIND(DOCTOR_OK, "clock", NULL, "their clock and ours agree to within 5 s");
  else if (doctor_is_coarser(probe->doctor, -skew))
    FIND(DOCTOR_OK, "clock", NULL, "their clock and ours agree to the minute, and no more is told");
  else if (is_zone && probe->doctor->endpoint.kind == COURIER_FTP)
    FIND(DOCTOR_WARNING, "clock", "listing-time-zone",
         "times are %" G_GINT64_FORMAT " s off, which looks like a time zone", skew);
  else
    FIND(away <= 60 ? DOCTOR_NOTE : DOCTOR_WARNING, "clock",
         away <= 60 ? NULL
                    : "tell the partner: its files' times, and dates that it derives from them, are wrong. "
                      "Here nothing depends on them: what is complete is judged by our own clock",
         "a file just written has a time %" G_GINT64_FORMAT " s %s our clock", away, skew > 0 ? "ahead of" : "behind");
}

static gboolean try_stat(Probe *probe) {
  g_autoptr(GError) error = NULL;
  CourierStat stat;
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  if (!courier_stat(probe->doctor->courier, probe->first, &stat, &error)) {
    doctor_write_failed(probe, "stat", NULL, error);
    return FALSE;
  }
  if (!stat.exists && probe->vanished)
    return FALSE; /* told already */
  if (!stat.exists) {
    FIND(DOCTOR_WARNING, "stat",
         "ask the partner what takes files away there: it has perhaps taken the probe for an answer; and let it wait "
         "for a marker",
         "%s: the file that was just put there is gone", probe->folder);
    return FALSE;
  }
  if (stat.size != FIRST)
    FIND(DOCTOR_PROBLEM, "stat", "ask the partner: a size that is wrong makes every transfer look broken",
         "%s: %d bytes were put, the server says that there are %" G_GUINT64_FORMAT, probe->folder, FIRST, stat.size);
  if (stat.modified > 0)
    judge_clock(probe, stat.modified - now);
  else
    FIND(DOCTOR_NOTE, "clock", NULL, "it tells no time of a file");
  return TRUE;
}

static gboolean try_list(Probe *probe) {
  g_autoptr(GError) error = NULL;
  CourierListing listing = {.folder = probe->folder};
  gboolean truncated, seen = FALSE;
  guint refused, left = 0;
  const char *name = strrchr(probe->first, '/') ? strrchr(probe->first, '/') + 1 : probe->first;
  g_autoptr(GPtrArray) entries = courier_list(probe->doctor->courier, &listing, &truncated, &refused, &error);
  for (guint i = 0; entries && i < entries->len; i++) {
    gsize length;
    const char *bytes = g_bytes_get_data(((const CourierEntry *)entries->pdata[i])->name, &length);
    g_autofree char *text = g_strndup(bytes, length);
    seen |= strcmp(text, name) == 0;
    if (g_str_has_prefix(text, DOCTOR_PROBE_PREFIX) && strcmp(text, name) != 0) {
      left++;
      FIND(DOCTOR_WARNING, "left-over", "remove it, unless another examination runs at this moment",
           "%s: %s, a probe file of an earlier examination", probe->folder, text);
    }
  }
  if (!entries)
    FIND(sallyport_error_code(error) == SALLYPORT_ERROR_PARTNER ? DOCTOR_NOTE : DOCTOR_WARNING, "listing",
         doctor_advice(error, NULL), "%s: cannot be listed: %s", probe->folder, error->message);
  else if (!seen)
    FIND(DOCTOR_NOTE, "listing", NULL,
         "%s: names that begin with a dot are not listed: uploads under way are not seen by others, nor left-over ones "
         "by us",
         probe->folder);
  else
    FIND(DOCTOR_OK, "listing", NULL, "%s: the file that was put is listed", probe->folder);
  return TRUE;
}

static gboolean try_get(Probe *probe) {
  g_autoptr(GError) error = NULL;
  guint64 end = 0;
  gint64 begun = g_get_monotonic_time();
  const char *set =
      "ask the partner to let this user read there: an answer whose reply was lost is recognised by reading it back";
  if (!get(probe, probe->first, 0, &end, &error))
    FIND(DOCTOR_WARNING, "get", set, "%s: %s", probe->folder, error->message);
  else if (end != FIRST || !is_same(probe, 0, FIRST))
    FIND(DOCTOR_PROBLEM, "get", "binary transfers, with nothing in between that changes line ends or compresses",
         "%s: what was got back is not what was put", probe->folder);
  else
    FIND(DOCTOR_OK, "get", NULL, "%s: what was got back is what was put", probe->folder);
  probe->get_took = g_get_monotonic_time() - begun;
  return TRUE;
}

/* On a slow line it would take as long as the get before it. */
static gboolean try_reads(Probe *probe) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) facts = courier_facts_new();
  CourierProbe wanted = {.kind = COURIER_PROBE_READ, .path = probe->first, .target = "", .size = FIRST};
  gboolean known;
  if (probe->get_took > SLOW)
    return TRUE;
  if (!courier_probe(probe->doctor->courier, &wanted, &known, facts, &error))
    FIND(DOCTOR_WARNING, "reads", NULL, "%s: %s", probe->folder, error->message);
  else if (known)
    FIND(DOCTOR_OK, "reads", NULL, "the largest read that was answered whole: %" G_GINT64_FORMAT " KiB",
         courier_fact_number(facts, "read-answered", 0) >> 10);
  return TRUE;
}

static gboolean try_resumed_get(Probe *probe) {
  g_autoptr(GError) error = NULL;
  guint64 end = 0;
  if (ftruncate(probe->copy, FIRST - SMALL) != 0)
    return FALSE;
  if (!get(probe, probe->first, FIRST - SMALL, &end, &error))
    FIND(DOCTOR_WARNING, "resume", "nothing: a download that broke is begun anew", "get: %s", error->message);
  else if (end != FIRST || !is_same(probe, FIRST - SMALL, FIRST))
    FIND(DOCTOR_PROBLEM, "resume", "ask the partner: what is got from the middle of a file is not what stands there",
         "get: the rest of a file is not what it should be");
  else
    FIND(DOCTOR_OK, "resume", NULL, "a get goes on in the middle of a file");
  return TRUE;
}

static gboolean try_resumed_put(Probe *probe) {
  g_autoptr(GError) error = NULL;
  guint64 end = 0;
  gboolean ok = put_file(probe, probe->second, 0, SMALL / 2, &error) &&
                put_file(probe, probe->second, SMALL / 2, SMALL, &error);
  if (ok && get(probe, probe->second, 0, &end, NULL) && (end != SMALL || !is_same(probe, 0, SMALL)))
    FIND(DOCTOR_WARNING, "resume", "nothing: uploads are always begun anew",
         "put: what was added to a file stands in the wrong place");
  else if (ok)
    FIND(DOCTOR_OK, "resume", NULL, "a put goes on at the end of a file");
  else
    FIND(DOCTOR_NOTE, "resume", NULL, "put: an upload that broke off cannot be resumed (%s); nothing here needs it",
         error->message);
  return TRUE;
}

static gboolean try_set_time(Probe *probe) {
  g_autoptr(GPtrArray) facts = courier_facts_new();
  gint64 wanted = g_get_real_time() / G_USEC_PER_SEC - 86400;
  CourierProbe set = {.kind = COURIER_PROBE_SET_TIME, .path = probe->first, .target = "", .size = (guint64)wanted};
  CourierStat stat;
  gboolean known;
  if (!courier_probe(probe->doctor->courier, &set, &known, facts, NULL) || !known)
    return TRUE;
  const char *status = courier_fact(facts, "status");
  gboolean is_set = courier_stat(probe->doctor->courier, probe->first, &stat, NULL) && stat.exists &&
                    stat.modified == wanted;
  if (is_set)
    FIND(DOCTOR_OK, "set-stat", NULL,
         "times can be set: a file that is still being uploaded may look old, and is not taken for complete by that");
  else if (g_strcmp0(status, "ok") == 0)
    FIND(DOCTOR_NOTE, "set-stat", NULL, "it says that it has set a time, and has not; nothing here needs it");
  else
    FIND(DOCTOR_NOTE, "set-stat", NULL, "times cannot be set (%s); nothing here needs it", status ? status : "?");
  return TRUE;
}

/* What is at risk where a file cannot be claimed (gateway/flow/claim.h) before it is taken away. */
static void tell_no_claim(Probe *probe) {
  const ConfFeed *feed = doctor_taking_feed(probe->doctor, probe->folder);
  if (feed)
    FIND(DOCTOR_WARNING, "claim",
         "ask the partner to allow renames in that folder; until then each file needs a name of its own, or after = "
         "keep",
         "feed %s: %s: files are taken away by their names, since they cannot be renamed before: a newer one that the "
         "partner puts there under the same name at that moment would be lost unseen",
         feed->name, probe->folder);
}

static gboolean try_rename(Probe *probe) {
  g_autoptr(GError) error = NULL;
  const CourierRename rename = {probe->first, probe->second, COURIER_TARGET_REFUSE};
  const char *set =
      "write = direct; or ask the partner to allow renames: answers are put under a temporary name, and take "
      "their own only when they are whole";
  if (!courier_remove(probe->doctor->courier, probe->second, &error)) {
    doctor_write_failed(probe, "remove",
                        "ask the partner to let this user delete there, or look after left-over files yourselves",
                        error);
    return FALSE;
  }
  if (!courier_rename(probe->doctor->courier, &rename, &error)) {
    doctor_write_failed(probe, "rename", set, error);
    tell_no_claim(probe);
    return FALSE;
  }
  gint64 from = size_of(probe, probe->first), to = size_of(probe, probe->second);
  if (from < 0 && to == FIRST)
    FIND(DOCTOR_OK, "rename", NULL, "%s: a file is renamed", probe->folder);
  else
    FIND(DOCTOR_PROBLEM, "rename", set, "%s: it says that it has renamed a file, and %s", probe->folder,
         from >= 0 ? "the file has its old name"
         : to < 0  ? "the file is gone"
                   : "the file has another size");
  if (from >= 0)
    tell_no_claim(probe);
  return from < 0 && to == FIRST;
}

/* An upload that broke leaves a part: can it be written over, or has it to be removed first? */
static gboolean try_overwrite(Probe *probe) {
  g_autoptr(GError) error = NULL;
  if (put_over(probe, probe->first, 0, SMALL, &error))
    FIND(DOCTOR_OK, "overwrite", NULL, "%s: a part that an upload has left can be written over", probe->folder);
  else if (courier_remove(probe->doctor->courier, probe->first, NULL) && put_over(probe, probe->first, 0, SMALL, NULL))
    FIND(DOCTOR_NOTE, "overwrite", "nothing; the partner may set AllowOverwrite on (ProFTPD)",
         "%s: what is there cannot be written over (%s): a part that an upload has left is removed first",
         probe->folder, error->message);
  else
    FIND(DOCTOR_WARNING, "overwrite",
         doctor_advice(error, "ask the partner to let this user write over or remove its files"),
         "%s: what is there can be neither written over nor removed: each upload that breaks leaves a part there: %s",
         probe->folder, error->message);
  g_autoptr(GError) again = NULL;
  if (put_file(probe, probe->first, 0, FIRST, &again)) /* as it was, for the steps that follow */
    return TRUE;
  doctor_write_failed(probe, "overwrite", NULL, again);
  return FALSE;
}

static gboolean make_pair(Probe *probe, GError **error) {
  return put_file(probe, probe->first, 0, TINY, error) && put_file(probe, probe->second, 0, 2 * TINY, error);
}

/* What a plain rename made of two files of TINY and 2 × TINY bytes. */
static void judge_onto(Probe *probe, gboolean said_ok) {
  gint64 from = size_of(probe, probe->first), to = size_of(probe, probe->second);
  const char *set = "if-exists = refuse, and let the partner take its files away before new ones of the same name come";
  if (from == TINY && to == 2 * TINY)
    FIND(said_ok ? DOCTOR_PROBLEM : DOCTOR_OK, "rename", said_ok ? set : NULL,
         said_ok ? "onto an existing file: it says that it was done, and did nothing"
                 : "onto an existing file: refused, both are as they were");
  else if (from < 0 && to == TINY)
    FIND(said_ok ? DOCTOR_NOTE : DOCTOR_WARNING, "rename", NULL,
         "onto an existing file: replaces it%s. It is looked at before each rename; somebody else's file that "
         "comes in just that moment would be lost",
         said_ok ? "" : ", and says that it failed");
  else
    FIND(DOCTOR_PROBLEM, "rename", set, "onto an existing file: %s",
         from < 0 && to < 0 ? "both are gone"
         : from < 0         ? "the one that was renamed is gone, the old one stays"
         : to < 0           ? "the old one is gone, the other has not got its name"
                            : "one of them has another size");
}

static gboolean try_rename_onto(Probe *probe) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) facts = courier_facts_new();
  const CourierProbe plain = {.kind = COURIER_PROBE_RENAME, .path = probe->first, .target = probe->second};
  const CourierRename refusing = {probe->first, probe->second, COURIER_TARGET_REFUSE};
  gboolean known, said_ok;
  if (!make_pair(probe, &error) || !courier_probe(probe->doctor->courier, &plain, &known, facts, &error)) {
    doctor_write_failed(probe, "rename", NULL, error);
    return !courier_is_lost(probe->doctor->courier);
  }
  if (known)
    said_ok = g_strcmp0(courier_fact(facts, "status"), "ok") == 0;
  else
    said_ok = courier_rename(probe->doctor->courier, &refusing, NULL);
  judge_onto(probe, said_ok);
  return TRUE;
}

/* As an answer replaces an older one where the feed says if-exists = replace. */
static gboolean try_replace(Probe *probe) {
  g_autoptr(GError) error = NULL;
  g_autofree char *aside = g_strconcat(probe->second, ".aside", NULL);
  const CourierRename replacing = {probe->first, probe->second, COURIER_TARGET_REPLACE};
  note(probe, aside);
  if (!make_pair(probe, &error) || !courier_rename(probe->doctor->courier, &replacing, &error))
    FIND(DOCTOR_WARNING, "replace", "if-exists = refuse", "%s: an existing file cannot be replaced: %s", probe->folder,
         error->message);
  else if (size_of(probe, probe->first) < 0 && size_of(probe, probe->second) == TINY)
    FIND(DOCTOR_OK, "replace", NULL, "%s: an existing file can be replaced", probe->folder);
  else
    FIND(DOCTOR_PROBLEM, "replace", "if-exists = refuse", "%s: it says that a file was replaced, which is not so",
         probe->folder);
  return TRUE;
}

static gboolean try_folder(Probe *probe) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) facts = courier_facts_new();
  const CourierProbe gone = {.kind = COURIER_PROBE_REMOVE_FOLDER, .path = probe->inner, .target = ""};
  CourierStat stat;
  gboolean known;
  /* not made where it could not be removed again */
  if (!courier_probe(probe->doctor->courier, &gone, &known, facts, NULL) || !known)
    return TRUE;
  probe->folder_noted = TRUE;
  if (!courier_make_folder(probe->doctor->courier, probe->inner, &error))
    FIND(DOCTOR_NOTE, "mkdir", "archive: a folder that is there already", "%s: folders cannot be made: %s",
         probe->folder, error->message);
  else if (courier_stat(probe->doctor->courier, probe->inner, &stat, NULL) && stat.exists && !stat.is_file)
    FIND(DOCTOR_OK, "mkdir", NULL, "%s: folders can be made", probe->folder);
  else
    FIND(DOCTOR_WARNING, "mkdir", "archive: a folder that is there already",
         "%s: it says that it has made a folder, and there is none", probe->folder);
  return TRUE;
}

/* Where the slower way would take longer than that with a larger file, the first one has told it. */
static gboolean try_speed(Probe *probe) {
  g_autoptr(GError) error = NULL;
  gint64 slower = MAX(MAX(probe->put_took, probe->get_took), 1);
  guint64 end = 0, size = MIN(FIRST * (guint64)(SPEED_SECONDS * G_USEC_PER_SEC) / (guint64)slower, MOST);
  if (size < FIRST) {
    g_autofree char *put_speed = doctor_speed(FIRST, probe->put_took),
                    *get_speed = doctor_speed(FIRST, probe->get_took);
    FIND(DOCTOR_NOTE, "speed", NULL, "%d KiB: put %s, get %s", FIRST >> 10, put_speed, get_speed);
    return TRUE;
  }
  gint64 begun = g_get_monotonic_time();
  if (!put_file(probe, probe->first, 0, size, &error)) {
    FIND(DOCTOR_WARNING, "speed", NULL, "put of %" G_GUINT64_FORMAT " KiB: %s", size >> 10, error->message);
    return TRUE;
  }
  g_autofree char *put_speed = doctor_speed(size, g_get_monotonic_time() - begun);
  begun = g_get_monotonic_time();
  gboolean got = get(probe, probe->first, 0, &end, NULL);
  g_autofree char *get_speed = got ? doctor_speed(size, g_get_monotonic_time() - begun) : g_strdup("cannot be read");
  FIND(got && !is_same(probe, 0, size) ? DOCTOR_PROBLEM : DOCTOR_OK, "speed", NULL,
       "%" G_GUINT64_FORMAT " KiB: put %s, get %s", size >> 10, put_speed, get_speed);
  return TRUE;
}

/* A small answer's way: put, renamed; and the round trip that it is made of. */
static gboolean try_small_files(Probe *probe) {
  gint64 begun = g_get_monotonic_time();
  for (guint i = 0; i < TINY_FILES; i++) {
    const CourierRename rename = {probe->first, probe->second, COURIER_TARGET_REFUSE};
    if (!courier_remove(probe->doctor->courier, probe->second, NULL) || !put_file(probe, probe->first, 0, TINY, NULL) ||
        !courier_rename(probe->doctor->courier, &rename, NULL))
      return TRUE;
  }
  g_autofree char *each = doctor_time((g_get_monotonic_time() - begun) / TINY_FILES);
  begun = g_get_monotonic_time();
  for (guint i = 0; i < TINY_FILES; i++)
    (void)size_of(probe, probe->second);
  g_autofree char *look = doctor_time((g_get_monotonic_time() - begun) / TINY_FILES);
  FIND(DOCTOR_OK, "speed", NULL, "a file of 1 KiB put, renamed and removed in %s; a question answered in %s", each,
       look);
  return TRUE;
}

const ProbeStep doctor_write_steps[] = {
    try_put,      try_stat,   try_list,        try_get,     try_reads,  try_resumed_get, try_resumed_put, try_overwrite,
    try_set_time, try_rename, try_rename_onto, try_replace, try_folder, try_speed,       try_small_files, NULL};
