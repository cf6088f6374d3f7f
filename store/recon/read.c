/* The reconciliation tables: questions. They are few an hour, so statements are prepared anew. */
#include "store/book_recon.h"
#include "store/book/book_private.h"
#include "store/recon/queries.sql.h"
#include <string.h>

enum { TASK_COLUMNS = 27, STANDARD_LIMIT = 1000 };

static ReconState state_of(const char *word) {
  for (ReconState state = RECON_PENDING; state < RECON_FAILED; state++)
    if (g_strcmp0(word, recon_state_word(state)) == 0)
      return state;
  return RECON_FAILED;
}

static gpointer task_row(DbStatement *s, GError **error) {
  (void)error;
  ReconTask *task = g_new0(ReconTask, 1);
  task->id = db_text_copy(s, 0);
  task->name = db_text_copy(s, 1);
  task->requester = db_text_copy(s, 2);
  task->type = db_text_copy(s, 3);
  task->period = db_text_copy(s, 4);
  task->version = (guint)db_integer(s, 5);
  task->state = state_of(db_text(s, 6));
  task->snapshot = db_text_copy(s, 7);
  task->shards = (guint)db_integer(s, 8);
  task->records = (guint64)db_integer(s, 9);
  task->total = db_integer(s, 10);
  task->scale = (guint)db_integer(s, 11);
  task->object = db_text_copy(s, 12);
  task->manifest_name = db_text_copy(s, 13);
  task->manifest_size = (guint64)db_integer(s, 14);
  task->manifest_sha256 = db_text_copy(s, 15);
  gint64 *const times[] = {&task->created_at, &task->due_at,          &task->started_at,
                           &task->done_at,    &task->pushed_at,       &task->told_at,
                           &task->fetched_at, &task->acknowledged_at, &task->removed_at};
  for (guint i = 0; i < G_N_ELEMENTS(times); i++)
    *times[i] = db_integer(s, 16 + i);
  task->attempts = (guint)db_integer(s, 25);
  task->problem = db_text_copy(s, 26);
  return task;
}

static gpointer shard_row(DbStatement *s, GError **error) {
  (void)error;
  ReconShard *shard = g_new0(ReconShard, 1);
  shard->number = (guint)db_integer(s, 0);
  shard->object = db_text_copy(s, 1);
  shard->name = db_text_copy(s, 2);
  shard->size = (guint64)db_integer(s, 3);
  shard->md5 = db_text_copy(s, 4);
  shard->sha256 = db_text_copy(s, 5);
  shard->plain_size = (guint64)db_integer(s, 6);
  shard->plain_sha256 = db_text_copy(s, 7);
  shard->records = (guint64)db_integer(s, 8);
  shard->total = db_integer(s, 9);
  shard->cursor = db_text_copy(s, 10);
  shard->pushed = db_integer(s, 11) != 0;
  return shard;
}

static DbStatement *ask(BookReader *reader, const char *name, GError **error) {
  return book_end(reader, error) ? db_prepare_named(reader->statements.db, recon_queries_sql, name, error) : NULL;
}

GPtrArray *recon_tasks(BookReader *reader, const ReconFilter *filter, GError **error) {
  gint64 limit = filter->limit ? filter->limit : STANDARD_LIMIT;
  gboolean is_open = filter->due_by > 0 || filter->outstanding || filter->failed || filter->open;
  const char *name = is_open                                               ? "tasks-open"
                     : filter->kept_from > 0                               ? "tasks-kept"
                     : filter->requester && filter->type && filter->period ? "tasks-asked"
                                                                           : "tasks";
  g_autoptr(DbStatement) s = ask(reader, name, error);
  if (!s)
    return NULL;
  if (is_open)
    db_bind(s, "isi", filter->due_by, filter->outstanding ? "done" : filter->failed ? "failed" : NULL, limit);
  else if (filter->kept_from > 0)
    db_bind(s, "ii", filter->kept_from, limit);
  else
    db_bind(s, "ssssui", filter->name, filter->requester, filter->type, filter->period, filter->version, limit);
  return book_collect(reader, s, task_row, (GDestroyNotify)recon_task_free, error);
}

GPtrArray *recon_shards_after(BookReader *reader, const char *task, guint number, guint limit, GError **error) {
  g_autoptr(DbStatement) s = ask(reader, "shards", error);
  if (!s)
    return NULL;
  db_bind(s, "suu", task, number, limit);
  return book_collect(reader, s, shard_row, (GDestroyNotify)recon_shard_free, error);
}

GPtrArray *recon_shards(BookReader *reader, const char *task, GError **error) {
  return recon_shards_after(reader, task, 0, G_MAXINT32, error);
}

gboolean recon_last_shard(BookReader *reader, const char *task, ReconShard **shard, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) s = ask(reader, "last-shard", error);
  *shard = NULL;
  if (!s)
    return FALSE;
  db_bind(s, "s", task);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row)
    *shard = shard_row(s, error);
  db_reset(s);
  return TRUE;
}

static ReconTask *only(GPtrArray *tasks, const char *id, GError **error) {
  if (!tasks || tasks->len == 0)
    return NULL;
  if (tasks->len > 1) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s is the beginning of several tasks' ids", id);
    return NULL;
  }
  g_ptr_array_set_free_func(tasks, NULL);
  return tasks->pdata[0];
}

ReconTask *recon_find_task(BookReader *reader, const char *id, GError **error) {
  if (strlen(id) < 4 || strlen(id) > 16)
    return NULL;
  g_autofree char *end = g_strconcat(id, "~", NULL); /* behind every digit and letter */
  g_autoptr(DbStatement) s = ask(reader, "task-by-id", error);
  if (!s)
    return NULL;
  db_bind(s, "ss", id, end);
  g_autoptr(GPtrArray) tasks = book_collect(reader, s, task_row, (GDestroyNotify)recon_task_free, error);
  return only(tasks, id, error);
}

ReconTask *recon_find_object(BookReader *reader, const char *object, guint *number, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) task = ask(reader, "task-by-object", error);
  g_autoptr(DbStatement) shard = task ? ask(reader, "task-of-shard-object", error) : NULL;
  *number = 0;
  if (!shard)
    return NULL;
  db_bind(task, "s", object);
  if (!db_step(task, &row, error))
    return NULL;
  if (row)
    return task_row(task, error);
  db_bind(shard, "s", object);
  if (!db_step(shard, &row, error) || !row)
    return NULL;
  *number = (guint)db_integer(shard, TASK_COLUMNS);
  return task_row(shard, error);
}

/* --- Of files */

static gboolean add_ids(DbStatement *s, GHashTable *ids, GError **error) {
  for (gboolean row;;) {
    if (!db_step(s, &row, error))
      return FALSE;
    if (!row)
      return TRUE;
    g_hash_table_add(ids, db_text_copy(s, 0));
  }
}

gboolean recon_files_not_posted(BookReader *reader, GHashTable *ids, gint64 *since, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) live = ask(reader, "files-not-posted", error);
  g_autoptr(DbStatement) new = live ? ask(reader, "files-since", error) : NULL;
  g_autoptr(DbStatement) last = new ? ask(reader, "last-file", error) : NULL;
  if (!last || !add_ids(live, ids, error))
    return FALSE;
  db_bind(new, "i", *since);
  if (*since >= 0 && !add_ids(new, ids, error))
    return FALSE;
  if (!db_step(last, &row, error))
    return FALSE;
  *since = db_integer(last, 0);
  db_reset(last);
  return TRUE;
}

gboolean recon_files_in_posting(BookReader *reader, const char *from, const char *to, guint *files, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) s = ask(reader, "files-in-posting", error);
  if (!s)
    return FALSE;
  db_bind(s, "ss", from, to);
  if (!db_step(s, &row, error))
    return FALSE;
  *files = (guint)db_integer(s, 0);
  db_reset(s);
  return TRUE;
}

static gpointer file_row(DbStatement *s, GError **error) {
  return book_fields_read(s, error);
}

GPtrArray *recon_files_of_period(BookReader *reader, const char *after, const char *from, const char *to, guint limit,
                                 GError **error) {
  g_autoptr(DbStatement) s = ask(reader, "files-of-period", error);
  if (!s)
    return NULL;
  db_bind(s, "sssu", after ? after : "", from, to, limit);
  return book_collect(reader, s, file_row, (GDestroyNotify)book_file_free, error);
}
