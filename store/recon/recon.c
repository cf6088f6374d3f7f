/* The reconciliation tables, and what changes them (in the writer's thread). Changes are few an hour, so statements are
 * prepared anew. */
#include "store/book_recon.h"
#include "store/book/book_private.h"
#include "store/recon/queries.sql.h"
#include "store/recon/tables.sql.h"
#include <string.h>
#include <sys/random.h>

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
