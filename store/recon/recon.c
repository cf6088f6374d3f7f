/* The reconciliation tables: changes (in the writer's thread) and questions. They are few an hour, so statements are
 * prepared anew. */
#include "store/book_recon.h"
#include "store/book/book_private.h"
#include "store/recon/queries.sql.h"
#include "store/recon/tables.sql.h"
#include <string.h>
#include <sys/random.h>

enum { TASK_COLUMNS = 27, STANDARD_LIMIT = 1000 };
static const char *const words[] = {"pending", "running", "done", "failed"};

/* A row of store/book/capabilities.c. Version 1 came with version 3 of the book's own schema: it is never run from
 * here.
 */
static const char *const steps[] = {recon_tables_sql};
const BookMigrations recon_migrations = {steps, G_N_ELEMENTS(steps)};

const char *recon_state_word(ReconState state) {
  return words[state];
}

static char *random_object(void) {
  guint8 bytes[16];
  GString *text = g_string_sized_new(33);
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    g_error("no random bytes from the kernel");
  for (guint i = 0; i < sizeof bytes; i++)
    g_string_append_printf(text, "%02x", bytes[i]);
  return g_string_free(text, FALSE);
}

ReconTask *recon_task_new(void) {
  ReconTask *task = g_new0(ReconTask, 1);
  task->created_at = task->due_at = g_get_real_time();
  task->id = book_make_id(task->created_at / 1000);
  task->object = random_object();
  task->version = 1;
  return task;
}

void recon_task_free(ReconTask *task) {
  if (!task)
    return;
  g_free(task->id);
  g_free(task->name);
  g_free(task->requester);
  g_free(task->type);
  g_free(task->period);
  g_free(task->snapshot);
  g_free(task->object);
  g_free(task->manifest_name);
  g_free(task->manifest_sha256);
  g_free(task->problem);
  g_free(task);
}

ReconShard *recon_shard_new(guint number) {
  ReconShard *shard = g_new0(ReconShard, 1);
  shard->number = number;
  shard->object = random_object();
  return shard;
}

void recon_shard_free(ReconShard *shard) {
  if (!shard)
    return;
  g_free(shard->object);
  g_free(shard->name);
  g_free(shard->md5);
  g_free(shard->sha256);
  g_free(shard->plain_sha256);
  g_free(shard->cursor);
  g_free(shard);
}

/* --- Changes */

static DbStatement *statement(Db *db, const char *name, GError **error) {
  return db_prepare_named(db, recon_queries_sql, name, error);
}

static char *shown(const ReconTask *task, const char *detail) {
  return g_strdup_printf("%s %s version %u%s%s", task->name, task->period, task->version, detail ? ": " : "",
                         detail ? detail : "");
}

static gboolean audit(BookTransaction *tx, const ReconTask *task, const char *event, const char *detail,
                      GError **error) {
  g_autofree char *text = shown(task, detail);
  return book_chain_add(tx, event, task->id, text, error);
}

gboolean recon_add_task(BookTransaction *tx, const ReconTask *task, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) has = statement(tx->statements.db, "has-task", error);
  g_autoptr(DbStatement) add = has ? statement(tx->statements.db, "add-task", error) : NULL;
  if (!add)
    return FALSE;
  db_bind(has, "ssu", task->name, task->period, task->version);
  if (!db_step(has, &row, error))
    return FALSE;
  if (row)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s %s has a version %u already", task->name, task->period,
                               task->version);
  db_bind(add, "sssssuusii", task->id, task->name, task->requester, task->type, task->period, task->version,
          task->scale, task->object, task->created_at, task->due_at);
  return db_done(add, error) && audit(tx, task, "recon-task", NULL, error);
}

static gboolean set_task(BookTransaction *tx, const ReconTask *task, ReconState to, GError **error) {
  g_autoptr(DbStatement) set = statement(tx->statements.db, "set-task", error);
  if (!set)
    return FALSE;
  db_bind(set, "sssuiiuisiiiiiiusss", task->id, words[to], task->snapshot, task->shards, (gint64)task->records,
          task->total, task->scale, (gint64)task->manifest_size, task->manifest_sha256, task->due_at, task->started_at,
          task->done_at, task->pushed_at, task->told_at, task->removed_at, task->attempts, task->problem,
          words[task->state], task->manifest_name);
  if (!db_done(set, error))
    return FALSE;
  return db_changed(tx->statements.db) == 1 ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "task %s is not %s any more", task->id, words[task->state]);
}

static gboolean may_become(ReconState from, ReconState to) {
  static const guint allowed[] = {
      [RECON_PENDING] = 1u << RECON_RUNNING | 1u << RECON_FAILED,
      [RECON_RUNNING] = 1u << RECON_PENDING | 1u << RECON_DONE | 1u << RECON_FAILED,
      [RECON_DONE] = 0, /* published: for good */
      [RECON_FAILED] = 1u << RECON_PENDING,
  };
  return (allowed[from] & (1u << to)) != 0;
}

gboolean recon_advance_task(BookTransaction *tx, ReconTask *task, ReconState to, const char *detail, GError **error) {
  g_autofree char *event = g_strdup_printf("recon-%s", words[to]);
  if (!may_become(task->state, to))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "task %s cannot become %s: it is %s", task->id, words[to],
                               words[task->state]);
  if (!set_task(tx, task, to, error) || !audit(tx, task, event, detail, error))
    return FALSE;
  task->state = to;
  return TRUE;
}

gboolean recon_note_task(BookTransaction *tx, const ReconTask *task, const char *detail, GError **error) {
  return set_task(tx, task, task->state, error) && (!detail || audit(tx, task, "recon-note", detail, error));
}

gboolean recon_note_requester(BookTransaction *tx, const ReconTask *task, ReconRequesterDid what, GError **error) {
  gboolean is_fetch = what == RECON_REQUESTER_FETCHED;
  g_autoptr(DbStatement) note = statement(tx->statements.db, is_fetch ? "note-fetched" : "note-acknowledged", error);
  if (!note)
    return FALSE;
  db_bind(note, "si", task->id, g_get_real_time());
  if (!db_done(note, error))
    return FALSE;
  return db_changed(tx->statements.db) == 0 ||
         audit(tx, task, is_fetch ? "recon-fetched" : "recon-acknowledged", task->requester, error);
}

gboolean recon_note_way(BookTransaction *tx, const ReconTask *task, ReconWay what, GError **error) {
  static const char *const names[][2] = {
      {"note-pushed", "recon-pushed"}, {"note-told", "recon-told"}, {"note-removed", "recon-removed"}};
  g_autoptr(DbStatement) note = statement(tx->statements.db, names[what][0], error);
  if (!note)
    return FALSE;
  db_bind(note, "si", task->id, g_get_real_time());
  if (!db_done(note, error))
    return FALSE;
  return db_changed(tx->statements.db) == 0 || audit(tx, task, names[what][1], NULL, error);
}

gboolean recon_note_problem(BookTransaction *tx, const ReconTask *task, GError **error) {
  g_autoptr(DbStatement) note = statement(tx->statements.db, "note-problem", error);
  if (!note)
    return FALSE;
  db_bind(note, "sus", task->id, task->attempts, task->problem);
  return db_done(note, error);
}

gboolean recon_add_shard(BookTransaction *tx, const char *task, const ReconShard *shard, GError **error) {
  g_autoptr(DbStatement) add = statement(tx->statements.db, "add-shard", error);
  if (!add)
    return FALSE;
  db_bind(add, "sussissisiis", task, shard->number, shard->object, shard->name, (gint64)shard->size, shard->md5,
          shard->sha256, (gint64)shard->plain_size, shard->plain_sha256, (gint64)shard->records, shard->total,
          shard->cursor);
  if (!db_done(add, error))
    return FALSE;
  return db_changed(tx->statements.db) == 1 ||
         sallyport_error_set(error, SALLYPORT_ERROR_BUG, "shard %u is not the next one of a running task %s",
                             shard->number, task);
}

gboolean recon_note_pushed_shards(BookTransaction *tx, const char *task, guint number, GError **error) {
  g_autoptr(DbStatement) pushed = statement(tx->statements.db, "pushed-shards", error);
  if (!pushed)
    return FALSE;
  db_bind(pushed, "su", task, number);
  return db_done(pushed, error);
}

gboolean recon_forget_pushed_shards(BookTransaction *tx, const char *task, GError **error) {
  g_autoptr(DbStatement) forget = statement(tx->statements.db, "forget-pushed", error);
  if (!forget)
    return FALSE;
  db_bind(forget, "s", task);
  return db_done(forget, error);
}

gboolean recon_clear_shards(BookTransaction *tx, ReconTask *task, const char *detail, GError **error) {
  g_autoptr(DbStatement) clear = statement(tx->statements.db, "clear-shards", error);
  if (!clear)
    return FALSE;
  if (task->state == RECON_DONE)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "task %s is published", task->id);
  db_bind(clear, "s", task->id);
  if (!db_done(clear, error))
    return FALSE;
  task->shards = 0;
  task->records = 0;
  task->total = 0;
  return set_task(tx, task, task->state, error) && audit(tx, task, "recon-anew", detail, error);
}

gboolean recon_drop_task(BookTransaction *tx, const ReconTask *task, const char *detail, GError **error) {
  g_autoptr(DbStatement) clear = statement(tx->statements.db, "clear-shards", error);
  g_autoptr(DbStatement) drop = clear ? statement(tx->statements.db, "drop-task", error) : NULL;
  if (!drop)
    return FALSE;
  db_bind(clear, "s", task->id);
  db_bind(drop, "s", task->id);
  if (!db_done(clear, error) || !db_done(drop, error))
    return FALSE;
  if (db_changed(tx->statements.db) != 1)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "task %s is published, or gone", task->id);
  return audit(tx, task, "recon-dropped", detail, error);
}

gboolean recon_see_block(BookTransaction *tx, const char *name, gint64 *seen_at, GError **error) {
  gboolean row = FALSE;
  g_autoptr(DbStatement) add = statement(tx->statements.db, "add-block", error);
  g_autoptr(DbStatement) get = add ? statement(tx->statements.db, "block", error) : NULL;
  if (!get)
    return FALSE;
  db_bind(add, "si", name, g_get_real_time());
  if (!db_done(add, error))
    return FALSE;
  db_bind(get, "s", name);
  if (!db_step(get, &row, error))
    return FALSE;
  *seen_at = db_integer(get, 0);
  db_reset(get);
  return TRUE;
}

/* --- Questions */

static ReconState state_of(const char *word) {
  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    if (g_strcmp0(word, words[i]) == 0)
      return (ReconState)i;
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
  return book_end(reader, error) ? statement(reader->statements.db, name, error) : NULL;
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
