/* A file that was decided behind the snapshot of its period's version is late for it, unless a later version is still
 * to be made: that one will have it, or will be published and looked at again (recon_look_again_from).
 *
 * How far was looked, the alarms and the new tasks are one transaction: a crash before it looks again, one behind it
 * has done all of it. */
#include "gateway/recon/late.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include "gateway/recon/snapshot.h"
#include "store/book_recon_late.h"
#include "store/book_watch.h"
#include "store/ledger_scan.h"
#include <string.h>

enum { AT_ONCE = 500, WRITE_EVERY = 10000 };

/* One period that something came late for. */
typedef struct {
  const ReconBlock *block;
  ReconTask *task; /* the version without it */
  char *file;      /* the last one, as it is shown */
  guint files;
  gint64 at;
} Late;

typedef struct {
  Recon *recon;
  gint64 seen; /* looked up to here */
  GPtrArray *late;
} LateLook;

static void late_free(gpointer data) {
  Late *late = data;
  recon_task_free(late->task);
  g_free(late->file);
  g_free(late);
}

/* --- Which periods a file is of */

static gboolean is_read(const ReconBlock *block, const Feed *feed, const ReconDecided *decided) {
  const ConfRead *read = &block->conf->read;
  if (read->from > CONF_READ_RECORDS)
    return FALSE;
  if (read->feeds && !g_strv_contains((const char *const *)read->feeds, decided->feed))
    return FALSE;
  return read->from != CONF_READ_LEDGER ||
         (decided->is_posted && decided->accepted > 0 && feed && feed->ledger &&
          g_strcmp0(feed->conf->ledger.name, read->ledger) == 0);
}

static gboolean add_date(gpointer user, const LedgerEntry *entry) {
  GHashTable *dates = user;
  if (entry->business_date && !g_hash_table_contains(dates, entry->business_date))
    g_hash_table_add(dates, g_strdup(entry->business_date));
  return TRUE;
}

/* Its own, or those of its records where these have some. */
static GHashTable *dates_of(const Recon *recon, const ReconBlock *block, const Feed *feed, const ReconDecided *decided,
                            GError **error) {
  g_autoptr(GHashTable) dates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  if (block->conf->read.from != CONF_READ_LEDGER || feed->columns->business_date < 0) {
    g_hash_table_add(dates, g_strdup(decided->business_date));
    return g_steal_pointer(&dates);
  }
  LedgerReader *reader = ledger_reader_open(recon->host->paths->folder, block->conf->read.ledger, error);
  LedgerFilter filter = {.file = decided->id};
  gboolean ok = reader && ledger_entries(reader, &filter, add_date, dates, error);
  ledger_reader_close(reader);
  return ok ? g_steal_pointer(&dates) : NULL;
}

/* --- Whether a version has it */

static gboolean is_in_snapshot(const Recon *recon, const ReconBlock *block, const ReconTask *task,
                               const ReconDecided *decided, gboolean *is_in, GError **error) {
  ReconSnapshot snapshot = {0};
  gboolean ok = TRUE;
  *is_in = TRUE;
  if (!recon_snapshot_read(task->snapshot, &snapshot))
    return TRUE; /* of a program that wrote it otherwise: nothing can be said */
  if (block->conf->read.from != CONF_READ_LEDGER) {
    *is_in = snapshot.sequence >= 0 ? decided->sequence <= snapshot.sequence : decided->at <= snapshot.at;
  } else {
    ok = recon_snapshot_has(&snapshot, recon->host->paths->folder, block->conf->read.ledger, decided->id, is_in, error);
  }
  recon_snapshot_clear(&snapshot);
  return ok;
}

/* The period's highest version; NULL without error: nothing was asked for yet. */
static ReconTask *last_version(const Recon *recon, const ReconBlock *block, const char *period, GError **error) {
  ReconFilter filter = {.name = block->conf->name, .period = period, .limit = 1};
  g_autoptr(GPtrArray) tasks = recon_tasks(recon->reader, &filter, error);
  return tasks && tasks->len > 0 ? g_ptr_array_steal_index(tasks, 0) : NULL;
}

static void note(LateLook *look, const ReconBlock *block, ReconTask *task, const ReconDecided *decided) {
  Late *late = NULL;
  for (guint i = 0; i < look->late->len && !late; i++)
    if (strcmp(((Late *)look->late->pdata[i])->task->id, task->id) == 0)
      late = look->late->pdata[i];
  if (late) {
    recon_task_free(task);
  } else {
    late = g_new0(Late, 1);
    late->block = block;
    late->task = task;
    g_ptr_array_add(look->late, late);
  }
  g_free(late->file);
  late->file = g_strdup(decided->name);
  late->at = decided->at;
  late->files++;
}

static gboolean look_at_date(LateLook *look, const ReconBlock *block, const char *date, const ReconDecided *decided,
                             GError **error) {
  Day day;
  GError *why = NULL;
  if (!day_parse(date, &day))
    return TRUE;
  g_autofree char *period = recon_period_of(block->conf, day);
  g_autoptr(ReconTask) task = last_version(look->recon, block, period, &why);
  gboolean is_in = TRUE;
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  if (!task || task->state != RECON_DONE)
    return TRUE;
  if (!is_in_snapshot(look->recon, block, task, decided, &is_in, error))
    return FALSE;
  if (!is_in)
    note(look, block, g_steal_pointer(&task), decided);
  return TRUE;
}

static gboolean look_at_file(LateLook *look, const ReconDecided *decided, GError **error) {
  const Recon *recon = look->recon;
  const Feed *feed = feeds_find(recon->host->feeds, decided->feed);
  for (guint i = 0; i < recon->blocks->len; i++) {
    const ReconBlock *block = recon->blocks->pdata[i];
    if (!is_read(block, feed, decided))
      continue;
    g_autoptr(GHashTable) dates = dates_of(recon, block, feed, decided, error);
    GHashTableIter iter;
    gpointer date;
    if (!dates)
      return FALSE;
    g_hash_table_iter_init(&iter, dates);
    while (g_hash_table_iter_next(&iter, &date, NULL))
      if (!look_at_date(look, block, date, decided, error))
        return FALSE;
  }
  return TRUE;
}

/* --- What is done */

static gboolean raise_alarm(BookTransaction *tx, const LateLook *look, const Late *late, GError **error) {
  const ReconTask *task = late->task;
  gboolean is_made = late->block->conf->late != CONF_LATE_TELL;
  g_autofree char *subject = recon_late_subject(task->name, task->period);
  g_autofree char *more = late->files > 1 ? g_strdup_printf(" and %u more", late->files - 1) : g_strdup("");
  g_autofree char *way = is_made ? g_strdup_printf("version %u is made with it", task->version + 1)
                                 : g_strdup_printf("`sallyport recon run %s --date %s --again` makes version %u with "
                                                   "it",
                                                   task->name, task->period, task->version + 1);
  g_autofree char *text = g_strdup_printf("reconciliation %s: %s%s came after version %u was made, and is in no "
                                          "version; %s",
                                          subject, late->file, more, task->version, way);
  AlarmCall call = {.kind = RECON_LATE_ALARM,
                    .subject = subject,
                    .text = text,
                    .weight = late->at,
                    .ways = look->recon->host->alarm_ways};
  return book_raise_alarm(tx, &call, error);
}

static gboolean add_version(BookTransaction *tx, const Late *late, GError **error) {
  g_autoptr(ReconTask) next = recon_task_new();
  g_autoptr(GError) why = NULL;
  next->name = g_strdup(late->task->name);
  next->requester = g_strdup(late->task->requester);
  next->type = g_strdup(late->task->type);
  next->period = g_strdup(late->task->period);
  next->version = late->task->version + 1;
  next->due_at += (gint64)late->block->conf->late_wait * G_USEC_PER_SEC;
  if (recon_add_task(tx, next, &why) || sallyport_error_code(why) == SALLYPORT_ERROR_FILE) /* somebody has asked */
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&why));
  return FALSE;
}

static gboolean late_change(BookTransaction *tx, gpointer data, GError **error) {
  const LateLook *look = data;
  for (guint i = 0; i < look->late->len; i++) {
    const Late *late = look->late->pdata[i];
    gboolean is_made = late->block->conf->late != CONF_LATE_TELL &&
                       strcmp(late->block->conf->requester, late->task->requester) == 0;
    if (!raise_alarm(tx, look, late, error) || (is_made && !add_version(tx, late, error)))
      return FALSE;
  }
  return recon_set_late_seen(tx, look->seen, error);
}

static gboolean write_down(LateLook *look, GError **error) {
  Recon *recon = look->recon;
  fault_point("recon-late-before");
  if (!book_write(recon->host->book, late_change, look, error))
    return FALSE;
  fault_point("recon-late-after");
  recon->late_written = look->seen;
  for (guint i = 0; i < look->late->len; i++) {
    const Late *late = look->late->pdata[i];
    log_event(LOG_WARNING, "recon-late", {"reconcile", late->task->name}, {"period", late->task->period},
              {"version", log_number(late->task->version)}, {"files", log_number(late->files)}, {"last", late->file});
  }
  return TRUE;
}

/* --- The look */

/* The book may have gone back since: a version was published. */
static gboolean begin_late(Recon *recon, gint64 top, GError **error) {
  if (!recon_late_seen(recon->reader, &recon->late_written, error))
    return FALSE;
  recon->late_seen = recon->late_written >= 0 ? recon->late_written : top;
  return TRUE;
}

static gboolean look_on(LateLook *look, gint64 top, gboolean *more, GError **error) {
  Recon *recon = look->recon;
  g_autoptr(GPtrArray) files = recon_decided_files(recon->reader, recon->late_seen, top, AT_ONCE, error);
  for (guint i = 0; files && i < files->len; i++)
    if (!look_at_file(look, files->pdata[i], error))
      return FALSE;
  if (!files)
    return FALSE;
  *more = files->len == AT_ONCE;
  look->seen = *more ? ((ReconDecided *)files->pdata[files->len - 1])->sequence : top;
  return TRUE;
}

gboolean recon_look_for_late(Recon *recon, GError **error) {
  gint64 top;
  gboolean more = TRUE;
  if (!recon_audit_top(recon->reader, &top, error) || (recon->late_seen < 0 && !begin_late(recon, top, error)))
    return FALSE;
  while (more && (recon->late_seen < top || recon->late_written < 0) && !g_atomic_int_get(&recon->stop)) {
    g_autoptr(GPtrArray) late = g_ptr_array_new_with_free_func(late_free);
    LateLook look = {.recon = recon, .seen = top, .late = late};
    if (!look_on(&look, top, &more, error))
      return FALSE;
    gboolean is_due = late->len > 0 || recon->late_written < 0 || look.seen - recon->late_written >= WRITE_EVERY;
    if (is_due && !write_down(&look, error))
      return FALSE;
    recon->late_seen = look.seen;
  }
  return TRUE;
}
