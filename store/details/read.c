/* Reading beside a writer. Each file is read in a snapshot of its own, and what is beyond the least admission that all
 * of them have is left out: it does not count yet, or was committed after the snapshot of another file. */
#include "store/details/queries.sql.h"
#include "store/details/reader_private.h"
#include <string.h>
#include <unistd.h>

enum { TRIES = 10 };

/* The counters first: they are never ahead of the details that are read behind them. */
static Db *const *dbs_of(const ReaderShard *shard, guint i) {
  return i == 0 ? &shard->business : &shard->details;
}

gint64 reader_shard_indexed(const ReaderShard *shard) {
  return shard->runs->len ? ((const KeyRun *)shard->runs->pdata[shard->runs->len - 1])->last : 0;
}

static gboolean open_shards(DetailsReader *reader, GError **error) {
  gint64 shards = 1, complete = 0, seed = 0;
  for (guint i = 0; i < (guint)shards; i++) {
    reader->shards = g_renew(ReaderShard, reader->shards, i + 1);
    reader->n_shards = i + 1;
    ReaderShard *shard = &reader->shards[i];
    *shard = (ReaderShard){.runs = g_ptr_array_new_with_free_func((GDestroyNotify)key_run_close)};
    if (!(shard->details = details_open_reader(reader->folder, reader->name, "details", i, error)))
      return FALSE;
    detail_view_init(&shard->view, shard->details, i);
    if (i == 0 && (!details_fact(shard->details, "shards", &shards, error) ||
                   !details_fact(shard->details, "complete", &complete, error) ||
                   !details_fact(shard->details, "seed", &seed, error)))
      return FALSE;
    if (!complete || shards < 1 || shards > DETAILS_SHARDS_MAX)
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "details %s are being made", reader->name);
    if (!(shard->business = details_open_reader(reader->folder, reader->name, "business", i, error)))
      return FALSE;
  }
  reader->seed = (guint64)seed << 1;
  return TRUE;
}

DetailsReader *details_reader_open(const char *folder, const char *name, GError **error) {
  g_autofree char *first = details_path(folder, name, "details", 0);
  if (access(first, F_OK) != 0)
    return NULL;
  g_autoptr(DetailsReader) reader = g_new0(DetailsReader, 1);
  reader->folder = g_strdup(folder);
  reader->name = g_strdup(name);
  return open_shards(reader, error) ? g_steal_pointer(&reader) : NULL;
}

void details_reader_close(DetailsReader *reader) {
  if (!reader)
    return;
  details_reader_end(reader);
  for (guint i = 0; i < reader->n_shards; i++) {
    detail_view_clear(&reader->shards[i].view);
    db_close(reader->shards[i].details);
    db_close(reader->shards[i].business);
    g_ptr_array_unref(reader->shards[i].runs);
  }
  g_free(reader->shards);
  g_free(reader->folder);
  g_free(reader->name);
  g_free(reader);
}

guint details_reader_shards(const DetailsReader *reader) {
  return reader->n_shards;
}

/* --- Snapshots */

/* *gone: a run was merged into another one since the snapshot began. */
static gboolean open_runs(const DetailsReader *reader, guint number, gboolean *gone, GError **error) {
  ReaderShard *shard = &reader->shards[number];
  g_autoptr(DbStatement) runs = db_prepare_named(shard->details, details_queries_sql, "runs", error);
  gboolean row = runs != NULL;
  g_ptr_array_set_size(shard->runs, 0);
  while (row && !*gone) {
    if (!db_step(runs, &row, error))
      return FALSE;
    KeyRun *run;
    g_autofree char *path =
        row ? key_run_path(reader->folder, reader->name, number, db_integer(runs, 0), db_integer(runs, 1)) : NULL;
    if (path && !key_run_open(path, &run, error))
      return FALSE;
    if (path && run)
      g_ptr_array_add(shard->runs, run);
    *gone = path && !run;
  }
  return runs != NULL;
}

static gboolean begin_once(DetailsReader *reader, gboolean *gone, GError **error) {
  *gone = FALSE;
  reader->through = G_MAXINT64;
  for (guint i = 0; i < reader->n_shards; i++) {
    for (guint j = 0; j < 2; j++) {
      gint64 through;
      Db *db = *dbs_of(&reader->shards[i], j);
      if (!db_begin_read(db, error) || !details_fact(db, "through", &through, error))
        return FALSE;
      reader->through = MIN(reader->through, through);
    }
    if (!*gone && !open_runs(reader, i, gone, error))
      return FALSE;
  }
  return TRUE;
}

gboolean details_reader_begin(DetailsReader *reader, GError **error) {
  gboolean gone = TRUE;
  for (guint i = 0; i < TRIES && gone; i++) {
    details_reader_end(reader);
    if (!begin_once(reader, &gone, error))
      return FALSE;
  }
  return !gone || sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "details %s: a run of keys is missing",
                                      reader->name);
}

void details_reader_end(DetailsReader *reader) {
  for (guint i = 0; i < reader->n_shards; i++) {
    ReaderShard *shard = &reader->shards[i];
    g_ptr_array_set_size(shard->runs, 0);
    detail_view_clear(&shard->view); /* a block of this snapshot */
    for (guint j = 0; j < 2; j++)
      if (*dbs_of(shard, j))
        db_rollback(*dbs_of(shard, j));
  }
}

/* --- Blocks in order */

typedef struct {
  const DetailsReader *reader;
  const char *key;
  gsize length;
  DetailVisit visit;
  gpointer user;
  gboolean found;
} Asking;

static gboolean visit_block(Asking *asking, const DetailView *view, GError **error) {
  if (view->admission > asking->reader->through)
    return TRUE;
  for (guint i = 0; i < view->count; i++) {
    Detail detail = detail_view_detail(view, i);
    if (!asking->visit(asking->user, &detail, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean visit_blocks(Asking *asking, guint number, const char *file, GError **error) {
  ReaderShard *shard = &asking->reader->shards[number];
  g_autoptr(DbStatement) blocks =
      db_prepare_named(shard->details, details_queries_sql, file ? "blocks-of-file" : "blocks-from", error);
  gboolean row = blocks != NULL;
  if (!blocks)
    return FALSE;
  if (file)
    db_bind(blocks, "s", file);
  else
    db_bind(blocks, "i", (gint64)1);
  while (row)
    if (!db_step(blocks, &row, error) || (row && (!detail_view_take(&shard->view, blocks, error) ||
                                                  !visit_block(asking, &shard->view, error))))
      return FALSE;
  return TRUE;
}

gboolean details_reader_visit(DetailsReader *reader, const char *file, DetailVisit visit, gpointer user,
                              GError **error) {
  Asking asking = {.reader = reader, .visit = visit, .user = user};
  gboolean ok = details_reader_begin(reader, error);
  for (guint i = 0; i < reader->n_shards && ok; i++)
    ok = visit_blocks(&asking, i, file, error);
  details_reader_end(reader);
  return ok;
}

static gboolean visit_waiting(const Asking *asking, guint number, GError **error) {
  ReaderShard *shard = &asking->reader->shards[number];
  g_autoptr(DbStatement) waiting = db_prepare_named(shard->details, details_queries_sql, "waiting", error);
  gboolean row = waiting != NULL;
  if (!waiting)
    return FALSE;
  db_bind(waiting, "ii", (gint64)0, G_MAXINT64);
  while (row) {
    if (!db_step(waiting, &row, error))
      return FALSE;
    gint64 which = row ? db_integer(waiting, 0) : 0;
    if (!row || !detail_view_load(&shard->view, which, error))
      return !row;
    Detail detail = detail_view_detail(&shard->view, (guint)(which - shard->view.first));
    if (detail.admission <= asking->reader->through && !asking->visit(asking->user, &detail, error))
      return FALSE;
  }
  return TRUE;
}

gboolean details_reader_waiting(DetailsReader *reader, DetailVisit visit, gpointer user, GError **error) {
  Asking asking = {.reader = reader, .visit = visit, .user = user};
  gboolean ok = details_reader_begin(reader, error);
  for (guint i = 0; i < reader->n_shards && ok; i++)
    ok = visit_waiting(&asking, i, error);
  details_reader_end(reader);
  return ok;
}

/* --- A key */

/* The detail with this index of the view's block has the key. */
static gboolean visit_found(Asking *asking, ReaderShard *shard, guint index, GError **error) {
  g_autoptr(DbStatement) settled_by = db_prepare_named(shard->details, details_queries_sql, "settled-by", error);
  gint64 by;
  if (!settled_by || !detail_fate(&shard->view, index, settled_by, asking->reader->through, &by, error))
    return FALSE;
  asking->found = by != 0;
  if (!asking->found)
    return TRUE;
  if (!detail_view_load(&shard->view, by, error))
    return FALSE;
  Detail detail = detail_view_detail(&shard->view, (guint)(by - shard->view.first));
  return asking->visit(asking->user, &detail, error);
}

static gboolean find_in_run(Asking *asking, ReaderShard *shard, const KeyRun *run, guint64 hash, GError **error) {
  const KeyEntry *first;
  guint n = key_run_find(run, hash, &first);
  for (guint i = 0; i < n && !asking->found; i++) {
    if (!detail_view_load(&shard->view, first[i].number, error))
      return FALSE;
    guint index = (guint)(first[i].number - shard->view.first);
    if (detail_has_key(&shard->view, index, asking->key, asking->length) &&
        !visit_found(asking, shard, index, error))
      return FALSE;
  }
  return TRUE;
}

/* Details that are in no run yet, one after the other. */
static gboolean find_in_newest(Asking *asking, ReaderShard *shard, GError **error) {
  g_autoptr(DbStatement) blocks = db_prepare_named(shard->details, details_queries_sql, "blocks-from", error);
  gboolean row = blocks != NULL;
  if (!blocks)
    return FALSE;
  db_bind(blocks, "i", reader_shard_indexed(shard) + 1);
  while (row && !asking->found) {
    if (!db_step(blocks, &row, error) || (row && !detail_view_take(&shard->view, blocks, error)))
      return FALSE;
    for (guint i = 0; row && !asking->found && shard->view.admission <= asking->reader->through &&
                      i < shard->view.count;
         i++)
      if (detail_is_first(&shard->view, i) && detail_has_key(&shard->view, i, asking->key, asking->length) &&
          !visit_found(asking, shard, i, error))
        return FALSE;
  }
  return TRUE;
}

gboolean details_reader_find(DetailsReader *reader, const char *key, gsize length, DetailVisit visit, gpointer user,
                             GError **error) {
  Asking asking = {.reader = reader, .key = key, .length = length, .visit = visit, .user = user};
  guint64 hash = details_seeded_hash(reader->seed, key, length);
  gboolean ok = details_reader_begin(reader, error);
  for (guint i = 0; i < reader->n_shards && ok && !asking.found; i++) {
    ReaderShard *shard = &reader->shards[i];
    for (guint j = 0; j < shard->runs->len && ok && !asking.found; j++)
      ok = find_in_run(&asking, shard, shard->runs->pdata[j], hash, error);
    if (ok && !asking.found)
      ok = find_in_newest(&asking, shard, error);
  }
  details_reader_end(reader);
  return ok;
}
