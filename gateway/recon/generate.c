/* What is read is fixed before the first shard: the ledger's positions, and the files of which those may cover a part
 * only. Files are in a version as a whole or not at all: a file that is in posting when the snapshot is taken is left
 * out, and comes with the next version. So that this happens seldom, a task first waits for those that will certainly
 * be posted (validated, posting) and may belong to its dates, for PATIENCE at the longest.
 *
 * Crash windows: before the snapshot is in the book nothing was made; behind it every reading gives the same records in
 * the same order, so the shards that are in the book stay, and reading goes on behind the last one's position. Settings
 * that change the lines change the plan; a task that was begun with another one begins anew.
 *
 * A supplement is a version without the files that the snapshot of the version before has. */
#include "gateway/recon/generate.h"
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/log.h"
#include "gateway/recon/format.h"
#include "gateway/recon/manifest.h"
#include "gateway/recon/names.h"
#include "gateway/recon/period.h"
#include "gateway/recon/shards.h"
#include "gateway/recon/snapshot.h"
#include "store/book_recon_late.h"
#include "store/ledger_scan.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LINES_AT_ONCE = 2048 };
static const gint64 PATIENCE = 600 * G_USEC_PER_SEC, LOOK_AGAIN = G_USEC_PER_SEC;

typedef struct {
  const ReconHost *host;
  const ConfReconcile *reconcile;
  ReconTask *task;
  char *folder, *plan;
  char from[11], to[11];
  gint64 at, sequence; /* of the snapshot; the audit's last row before it */
  gint64 *positions;
  guint shards;
  GHashTable *without;
  guint supplements;    /* the version that this one adds to, whose snapshot is `before`; 0: it has all */
  ReconSnapshot before;
  guint made;     /* shards that are there already */
  char *position; /* behind the last of them */
} Generation;

static void generation_clear(Generation *generation) {
  g_free(generation->folder);
  g_free(generation->plan);
  g_free(generation->positions);
  g_free(generation->position);
  g_clear_pointer(&generation->without, g_hash_table_unref);
  recon_snapshot_clear(&generation->before);
}

static gboolean find_before(Generation *generation, GError **error) {
  return generation->reconcile->late != CONF_LATE_SUPPLEMENT ||
         recon_snapshot_before(generation->host->reader, generation->task, &generation->before,
                               &generation->supplements, error);
}

/* --- The plan: all settings on which the bytes depend */

static void add_list(GString *text, char **list) {
  for (; list && *list; list++)
    g_string_append_printf(text, "%zu:%s,", strlen(*list), *list);
  g_string_append_c(text, ';');
}

static char *make_plan(const Generation *generation) {
  const ConfReconcile *r = generation->reconcile;
  const ConfRead *read = &r->read;
  const ConfPartner *requester = conf_partner(generation->host->conf, r->requester);
  const char *texts[] = {read->ledger, read->where_sql, read->path,    read->query,  read->layout, read->amount,
                         r->type,      r->requester,    r->shard_name, r->delimiter, r->charset,   r->line_end};
  g_autoptr(GString) text = g_string_new(NULL);
  guint8 digest[DIGEST_SHA256_SIZE];
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_string_append_printf(text, "%zu:%s;", texts[i] ? strlen(texts[i]) + 1 : 0, texts[i] ? texts[i] : "");
  char **const lists[] = {read->feeds, read->statuses, read->columns, read->order,
                          r->encrypt ? requester->openpgp.encrypt_to : NULL};
  for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
    add_list(text, lists[i]);
  g_string_append_printf(text, "%d %u %d %d %d %d %d", read->from, r->threshold, r->quote, r->header_line,
                         r->neutralise, r->compress, r->encrypt);
  if (generation->supplements)
    g_string_append_printf(text, " behind %u", generation->supplements);
  digest_sha256(text->str, text->len, digest);
  return digest_hex(digest, sizeof digest);
}

/* --- The snapshot */

static gboolean reads_files(const ConfReconcile *reconcile) {
  return reconcile->read.from <= CONF_READ_RECORDS;
}

static gboolean has_to_wait(const Generation *generation, gboolean *waits, GError **error) {
  guint files = 0;
  ReconTask *task = generation->task;
  gint64 now = g_get_real_time();
  *waits = FALSE;
  if (!reads_files(generation->reconcile) || now > MAX(task->created_at, task->started_at) + PATIENCE)
    return TRUE;
  if (!recon_files_in_posting(generation->host->reader, generation->from, generation->to, &files, error))
    return FALSE;
  if (files == 0)
    return TRUE;
  *waits = TRUE;
  task->due_at = now + LOOK_AGAIN;
  g_free(task->problem);
  task->problem = g_strdup_printf("waits for %u files that are in posting", files);
  return TRUE;
}

/* The order matters (store/book_recon.h): the files that are not posted, the positions, the files again. */
static gboolean take_positions(Generation *generation, const char *ledger, GError **error) {
  gint64 since = -1;
  BookReader *reader = generation->host->reader;
  const char *folder = generation->host->paths->folder;
  generation->without = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  if (!recon_files_not_posted(reader, generation->without, &since, error))
    return FALSE;
  if (!(generation->positions = ledger_positions(folder, ledger, &generation->shards, error)))
    return FALSE;
  fault_point("recon-in-snapshot");
  if (!recon_files_not_posted(reader, generation->without, &since, error))
    return FALSE;
  return ledger_keep_posted(folder, ledger, generation->positions, generation->shards, generation->without, error);
}

static char *pack_snapshot(const Generation *generation) {
  ReconSnapshot snapshot = {.plan = generation->plan,
                            .at = generation->at,
                            .sequence = generation->sequence,
                            .from = (char *)(intptr_t)generation->from,
                            .to = (char *)(intptr_t)generation->to,
                            .positions = generation->positions,
                            .shards = generation->shards,
                            .without = generation->without,
                            .supplements = generation->supplements};
  return recon_snapshot_text(&snapshot);
}

/* FALSE: it is of another plan, or nothing that we wrote. */
static gboolean unpack_snapshot(Generation *generation) {
  ReconSnapshot snapshot;
  gboolean ok = recon_snapshot_read(generation->task->snapshot, &snapshot) &&
                strcmp(snapshot.plan, generation->plan) == 0;
  if (ok) {
    generation->at = snapshot.at;
    generation->shards = snapshot.shards;
    generation->positions = g_steal_pointer(&snapshot.positions);
    generation->without = g_steal_pointer(&snapshot.without);
  }
  recon_snapshot_clear(&snapshot);
  return ok;
}

typedef struct {
  Generation *generation;
  gboolean anew;
} Begin;

static gboolean begin_change(BookTransaction *tx, gpointer data, GError **error) {
  const Begin *begin = data;
  ReconTask *task = begin->generation->task;
  g_autofree char *detail = g_strdup_printf("snapshot %s", task->snapshot);
  if (begin->anew && task->shards > 0 &&
      !recon_clear_shards(tx, task, "its settings have changed since it was begun", error))
    return FALSE;
  return task->state == RECON_RUNNING ? recon_note_task(tx, task, begin->anew ? detail : NULL, error)
                                      : recon_advance_task(tx, task, RECON_RUNNING, detail, error);
}

static gboolean take_snapshot(Generation *generation, GError **error) {
  const ConfRead *read = &generation->reconcile->read;
  generation->at = g_get_real_time();
  if (!recon_audit_top(generation->host->reader, &generation->sequence, error))
    return FALSE;
  /* the others are read at once, as a whole */
  if (read->from == CONF_READ_LEDGER && !take_positions(generation, read->ledger, error))
    return FALSE;
  g_free(generation->task->snapshot);
  generation->task->snapshot = pack_snapshot(generation);
  return TRUE;
}

/* Leaves the task running, with a snapshot of this plan. */
static gboolean begin_generation(Generation *generation, GError **error) {
  ReconTask *task = generation->task;
  Begin begin = {generation, !unpack_snapshot(generation)};
  g_autoptr(ReconShard) last = NULL;
  if (!recon_last_shard(generation->host->reader, task->id, &last, error))
    return FALSE;
  task->shards = last ? last->number : 0;
  /* what was extracted under other settings is not what these want; a crash behind this is noticed by shards without it
   */
  if (begin.anew) {
    g_autofree char *extract = g_build_filename(generation->folder, RECON_EXTRACT, NULL);
    if ((unlink(extract) == 0 && !files_sync_folder(generation->folder, error)) || !take_snapshot(generation, error))
      return FALSE;
  }
  task->scale = 0;
  task->started_at = task->started_at ? task->started_at : g_get_real_time();
  g_clear_pointer(&task->problem, g_free);
  fault_point("recon-before-running");
  if (!book_write(generation->host->book, begin_change, &begin, error))
    return FALSE;
  fault_point("recon-after-running");
  if (!begin.anew && last) {
    generation->made = last->number;
    generation->position = g_strdup(last->cursor);
  }
  return TRUE;
}

/* --- The folder */

/* What a crash has left without a name. */
static void sweep(const Generation *generation) {
  g_autoptr(GDir) folder = g_dir_open(generation->folder, 0, NULL);
  const char *name;
  while (folder && (name = g_dir_read_name(folder)))
    if (g_str_has_suffix(name, ".part")) {
      g_autofree char *path = g_build_filename(generation->folder, name, NULL);
      unlink(path);
    }
}

/* Durable before anything that lies in it is told of. */
static gboolean make_folder(const Generation *generation, GError **error) {
  g_autofree char *all = g_path_get_dirname(generation->folder);
  return files_make_folder(generation->folder, error) && files_sync_folder(all, error) &&
         files_sync_folder(generation->host->paths->folder, error);
}

/* --- The source */

static ReconSource *plain_source(const Generation *generation, const char *position, GError **error) {
  const ReconHost *host = generation->host;
  ReconSourceOptions options = {.conf = host->conf,
                                .lane = host->lane,
                                .reconcile = generation->reconcile,
                                .folder = host->paths->folder,
                                .work = generation->folder,
                                .from = generation->from,
                                .to = generation->to,
                                .reader = host->reader,
                                .at = generation->at,
                                .positions = generation->positions,
                                .shards = generation->shards,
                                .without = generation->without,
                                .before = generation->supplements ? &generation->before : NULL,
                                .stop = host->stop};
  switch (generation->reconcile->read.from) {
  case CONF_READ_LEDGER:
    return recon_source_ledger(&options, position, error);
  case CONF_READ_FILES:
    return recon_source_files(&options, error);
  case CONF_READ_RECORDS:
    return recon_source_records(&options, error);
  case CONF_READ_DELIMITED:
    return recon_source_delimited(&options, error);
  default:
    return recon_source_query(&options, error);
  }
}

static ReconSource *chosen_source(const Generation *generation, const char *position, GError **error) {
  const char *condition = generation->reconcile->read.where_sql;
  ReconSource *source = plain_source(generation, position, error);
  return source && condition ? recon_source_where(source, condition, error) : source;
}

/* The ledger in its own order is read again and again alike; everything else is read once, into an extract. */
static gboolean needs_extract(const ConfReconcile *reconcile) {
  return reconcile->read.from != CONF_READ_LEDGER || (reconcile->read.order && reconcile->read.order[0]);
}

static ReconSource *open_source(Generation *generation, GError **error) {
  if (!needs_extract(generation->reconcile))
    return chosen_source(generation, generation->position, error);
  g_autoptr(GError) missing = NULL;
  ReconSource *extract = recon_extract_open(generation->folder, RECON_EXTRACT, generation->position, &missing);
  if (extract)
    return extract;
  /* shards are there, and what they were made from is not: an outside source may give something else now */
  if (generation->made > 0) {
    g_propagate_prefixed_error(error, g_steal_pointer(&missing), "the shards that were made cannot be resumed: ");
    return NULL;
  }
  g_autoptr(ReconSource) source = chosen_source(generation, NULL, error);
  ReconExtractOptions options = {.folder = generation->folder,
                                 .name = RECON_EXTRACT,
                                 .order = generation->reconcile->read.order,
                                 .stop = generation->host->stop};
  g_autofree char *sha256 = NULL;
  guint64 records = 0;
  if (!source || !recon_extract_make(source, &options, &sha256, &records, error))
    return NULL;
  log_event(LOG_INFO, "recon-extract", {"task", generation->task->id}, {"records", log_number((gint64)records)},
            {"sha256", sha256});
  return recon_extract_open(generation->folder, RECON_EXTRACT, NULL, error);
}

/* --- Shards */

typedef struct {
  Generation *generation;
  ReconSource *source;
  ReconFormat *format;
  Shards *shards;
  guint64 records;
  gint64 total;
  gboolean is_open;
  char *position; /* behind the last record that was written */
} Writing;

static gboolean open_shard(Writing *writing, GError **error) {
  Generation *generation = writing->generation;
  guint number = ++generation->made;
  if (number > RECON_SHARDS_MAX)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "more than %d shards: raise the threshold",
                               RECON_SHARDS_MAX);
  g_autofree char *name = recon_shard_name(generation->reconcile, generation->task, number, error);
  if (!name)
    return FALSE;
  shards_begin(writing->shards, name);
  writing->is_open = TRUE;
  writing->records = 0;
  writing->total = 0;
  return recon_format_header(writing->format, shards_lines(writing->shards), error);
}

static gboolean end_shard(Writing *writing, char *position, GError **error) { /* takes it */
  writing->is_open = FALSE;
  return shards_end(writing->shards, writing->records, writing->total, position, error);
}

static gboolean write_batch(Writing *writing, const ReconBatch *batch, GError **error) {
  guint64 threshold = writing->generation->reconcile->threshold;
  recon_format_batch(writing->format, batch);
  for (guint at = 0; at < batch->n;) {
    if (!writing->is_open && !open_shard(writing, error))
      return FALSE;
    guint n = (guint)MIN(MIN((guint64)(batch->n - at), threshold - writing->records), LINES_AT_ONCE);
    if (!recon_format_lines(writing->format, at, at + n, shards_lines(writing->shards), &writing->total, error) ||
        !shards_flush(writing->shards, error))
      return FALSE;
    at += n;
    writing->records += n;
    if (writing->records == threshold && !end_shard(writing, writing->source->position(writing->source, at - 1), error))
      return FALSE;
  }
  g_free(writing->position);
  writing->position = writing->is_open ? writing->source->position(writing->source, batch->n - 1) : NULL;
  return TRUE;
}

static gboolean write_all(Writing *writing, GError **error) {
  for (const ReconBatch *batch;;) {
    if (g_atomic_int_get(writing->generation->host->stop))
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is ending");
    if (!writing->source->next(writing->source, &batch, error))
      return FALSE;
    if (!batch)
      return !writing->is_open || end_shard(writing, g_steal_pointer(&writing->position), error);
    if (!write_batch(writing, batch, error))
      return FALSE;
    fault_point("recon-after-batch");
  }
}

static gboolean make_shards(Generation *generation, GError **error) {
  const ConfReconcile *reconcile = generation->reconcile;
  const ReconHost *host = generation->host;
  static const ConfPacking packings[] = {
      [CONF_SHARD_PLAIN] = CONF_PACK_NONE, [CONF_SHARD_GZIP] = CONF_PACK_GZIP, [CONF_SHARD_ZSTD] = CONF_PACK_ZSTD};
  ShardsOptions options = {.book = host->book,
                           .task = generation->task->id,
                           .folder = generation->folder,
                           .packing = packings[reconcile->compress],
                           .encrypt_to = reconcile->encrypt ? conf_partner(host->conf, reconcile->requester) : NULL,
                           .gnupg_home = host->conf->node.gnupg_home,
                           .threads = host->threads,
                           .first = generation->made + 1};
  Writing writing = {.generation = generation, .source = open_source(generation, error)};
  gboolean ok = writing.source && (writing.format = recon_format_new(reconcile, writing.source, error)) &&
                (writing.shards = shards_start(&options, error));
  if (ok) {
    generation->task->scale = recon_format_scale(writing.format);
    ok = write_all(&writing, error);
  }
  if (ok)
    ok = shards_finish(writing.shards, error);
  else if (writing.shards)
    shards_abandon(writing.shards);
  recon_format_free(writing.format);
  recon_source_close(writing.source);
  g_free(writing.position);
  return ok;
}

/* --- All of it */

typedef struct {
  const ReconHost *host;
  const ReconTask *task;
} Drop;

static gboolean drop_change(BookTransaction *tx, gpointer data, GError **error) {
  const Drop *drop = data;
  return recon_drop_task(tx, drop->task, "its lines are those of the version before", error) &&
         recon_settle_late(tx, drop->host, drop->task, error);
}

static gboolean conclude(Generation *generation, ReconOutcome *outcome, GError **error) {
  gboolean unchanged = FALSE;
  ReconTask *task = generation->task;
  if (!recon_is_unchanged(generation->host, task, &unchanged, error))
    return FALSE;
  *outcome = unchanged ? RECON_UNCHANGED : RECON_GENERATED;
  if (!unchanged) {
    g_autofree char *extract = g_build_filename(generation->folder, RECON_EXTRACT, NULL);
    if (!recon_publish(generation->host, generation->reconcile, task, generation->at, error))
      return FALSE;
    unlink(extract); /* a crash before this leaves it to the next start of the lane */
    return TRUE;
  }
  Drop drop = {generation->host, task};
  if (!book_write(generation->host->book, drop_change, &drop, error))
    return FALSE;
  files_remove_folder(generation->folder);
  return TRUE;
}

static gboolean generate(Generation *generation, ReconOutcome *outcome, GError **error) {
  ReconTask *task = generation->task;
  gboolean waits = FALSE;
  if (!recon_period_dates(task->period, generation->reconcile, generation->from, generation->to))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "\"%s\" is no %s, which the block's tasks are for now", task->period,
                               generation->reconcile->period == CONF_PERIOD_MONTH ? "month" : "day");
  if (!task->snapshot && !has_to_wait(generation, &waits, error))
    return FALSE;
  if (waits) {
    *outcome = RECON_LATER;
    return TRUE;
  }
  if (!make_folder(generation, error))
    return FALSE;
  sweep(generation);
  return begin_generation(generation, error) && make_shards(generation, error) && conclude(generation, outcome, error);
}

gboolean recon_generate(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, ReconOutcome *outcome,
                        GError **error) {
  Generation generation = {.host = host, .reconcile = reconcile, .task = task};
  generation.folder = recon_folder(host->paths->folder, task->id);
  gboolean ok = find_before(&generation, error);
  generation.plan = make_plan(&generation);
  ok = ok && generate(&generation, outcome, error);
  generation_clear(&generation);
  return ok;
}

static gboolean read_again(Generation *generation, const char *period, const ReconTask *task, ReconUse use,
                           gpointer user, GError **error) {
  const ConfReconcile *reconcile = generation->reconcile;
  gboolean is_ledger = reconcile->read.from == CONF_READ_LEDGER;
  if (!recon_period_dates(period, reconcile, generation->from, generation->to))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "\"%s\" is no %s", period,
                               reconcile->period == CONF_PERIOD_MONTH ? "month" : "day");
  generation->at = g_get_real_time();
  gboolean is_fixed = is_ledger && task && unpack_snapshot(generation); /* not of another plan: then as it is now */
  if (is_ledger && !is_fixed && !take_positions(generation, reconcile->read.ledger, error))
    return FALSE;
  g_autoptr(ReconSource) source = chosen_source(generation, NULL, error);
  return source && use(user, source, error);
}

gboolean recon_read_again(const ReconHost *host, const ConfReconcile *reconcile, const char *period,
                          const ReconTask *task, const char *work, ReconUse use, gpointer user, GError **error) {
  Generation generation = {
      .host = host, .reconcile = reconcile, .task = (ReconTask *)(intptr_t)task, .folder = g_strdup(work)};
  gboolean ok = !task || find_before(&generation, error);
  generation.plan = make_plan(&generation);
  generation.supplements = 0; /* with all that the versions up to this one have */
  ok = ok && read_again(&generation, period, task, use, user, error);
  generation_clear(&generation);
  return ok;
}
