/* recon run, list, show: the gateway's side of reconciliation. What is shown is read from the book; what is to be made
 * is asked of the lane. */
#include "gateway/cli/books.h"
#include "gateway/cli/recon/recon.h"
#include "gateway/recon/manifest.h"
#include "gateway/recon/names.h"
#include "store/book_recon.h"
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 50 };

static CliColour colour_of(const ReconTask *task) {
  static const CliColour colours[] = {
      [RECON_PENDING] = CLI_CYAN, [RECON_RUNNING] = CLI_BLUE, [RECON_DONE] = CLI_GREEN, [RECON_FAILED] = CLI_RED};
  return colours[task->state];
}

/* --- One task, as JSON and as lines */

static const char *way_word(const ReconTask *task, gint64 at, const char *done) {
  return task->state != RECON_DONE || at < 0 ? NULL : at > 0 ? done : "outstanding";
}

/* As `list`, `show` and `status` give it. */
static json_t *task_json(const CliOutput *out, const ReconTask *task) {
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:i, s:i}", "task", task->id, "reconcile",
                             task->name, "requester", task->requester, "type", task->type, "period", task->period,
                             "version", (int)task->version, "state", recon_state_word(task->state), "records",
                             (json_int_t)task->records, "shards", (int)task->shards, "attempts", (int)task->attempts);
  if (task->state == RECON_DONE)
    cli_json_amount(object, "total", task->total, task->scale);
  cli_json_text(object, "problem", task->problem);
  cli_json_text(object, "manifest", task->manifest_name);
  cli_json_text(object, "manifest_sha256", task->manifest_sha256);
  cli_json_text(object, "push", way_word(task, task->pushed_at, "pushed"));
  cli_json_text(object, "status", way_word(task, task->told_at, "told"));
  cli_json_time(out, object, "created_at", task->created_at);
  cli_json_time(out, object, "due_at", task->due_at);
  cli_json_time(out, object, "started_at", task->started_at);
  cli_json_time(out, object, "done_at", task->done_at);
  cli_json_time(out, object, "pushed_at", MAX(task->pushed_at, 0));
  cli_json_time(out, object, "told_at", MAX(task->told_at, 0));
  cli_json_time(out, object, "fetched_at", task->fetched_at);
  cli_json_time(out, object, "acknowledged_at", task->acknowledged_at);
  cli_json_time(out, object, "removed_at", task->removed_at);
  return object;
}

json_t *cli_recon_open_json(const CliOutput *out, const GPtrArray *tasks) {
  json_t *list = json_array();
  for (guint i = 0; tasks && i < tasks->len; i++)
    json_array_append_new(list, task_json(out, tasks->pdata[i]));
  return list;
}

/* A task that is being made, or waits for its turn, is no trouble and told only while something is wrong with it. */
void cli_print_recon_open(const CliOutput *out, const GPtrArray *tasks) {
  for (guint i = 0; tasks && i < tasks->len; i++) {
    const ReconTask *task = tasks->pdata[i];
    const char *problem = task->problem;
    const char *what = task->state == RECON_FAILED ? "failed"
                       : task->state != RECON_DONE ? recon_state_word(task->state)
                       : task->pushed_at == 0      ? "is to be pushed"
                                                   : "is to be told";
    cli_sentence(out, task->state == RECON_FAILED ? CLI_RED : problem ? CLI_YELLOW : CLI_PLAIN, task->id,
                 "reconciliation %s %s version %u %s%s%s", task->name, task->period, task->version, what,
                 problem ? ": " : "", problem ? problem : "");
  }
}

static json_t *shard_json(const ReconTask *task, const ReconShard *shard) {
  json_t *object = json_pack("{s:i, s:s, s:I, s:s, s:s, s:I, s:s, s:I}", "number", (int)shard->number, "name",
                             shard->name, "size", (json_int_t)shard->size, "md5", shard->md5, "sha256", shard->sha256,
                             "plain_size", (json_int_t)shard->plain_size, "plain_sha256", shard->plain_sha256,
                             "records", (json_int_t)shard->records);
  cli_json_amount(object, "total", shard->total, task->scale);
  return object;
}

static void print_task(const Cli *cli, const StatusLane *lane, const ReconTask *task) {
  const CliOutput *out = cli->out;
  const char *push = way_word(task, task->pushed_at, "pushed"), *status = way_word(task, task->told_at, "told");
  cli_line(out, "task", g_strdup(task->id));
  cli_line(out, "reconcile", g_strdup_printf("%s, for %s, type %s", task->name, task->requester, task->type));
  cli_line(out, "period", g_strdup_printf("%s, version %u", task->period, task->version));
  cli_line_coloured(out, "state", g_strdup(recon_state_word(task->state)), colour_of(task));
  cli_line(out, "problem", g_strdup(task->problem));
  cli_line(out, "made", task->created_at ? cli_time(out, task->created_at) : NULL);
  cli_line(out, "begun", task->started_at ? cli_time(out, task->started_at) : NULL);
  cli_line(out, "done", task->done_at ? cli_time(out, task->done_at) : NULL);
  cli_line(out, "records", cli_unsigned(out, task->records));
  cli_line(out, "total", task->state == RECON_DONE ? cli_amount(out, task->total, task->scale) : NULL);
  cli_line(out, "manifest", g_strdup(task->manifest_name));
  cli_line(out, "folder", task->removed_at ? NULL : recon_folder(lane->paths->folder, task->id));
  cli_line(out, "push", g_strdup(push));
  cli_line(out, "status", g_strdup(status));
  cli_line(out, "fetched", task->fetched_at ? cli_time(out, task->fetched_at) : NULL);
  cli_line(out, "acknowledged", task->acknowledged_at ? cli_time(out, task->acknowledged_at) : NULL);
  cli_line(out, "removed", task->removed_at ? cli_time(out, task->removed_at) : NULL);
}

static void print_shards(const Cli *cli, const ReconTask *task, const GPtrArray *shards) {
  static const CliColumn columns[] = {{"SHARD", CLI_RIGHT, CLI_WHOLE}, {"NAME", CLI_LEFT, CLI_SHRINKS},
                                      {"BYTES", CLI_RIGHT, CLI_WHOLE}, {"RECORDS", CLI_RIGHT, CLI_WHOLE},
                                      {"TOTAL", CLI_RIGHT, CLI_WHOLE}, {"SHA256", CLI_LEFT, CLI_DROPPED(1)}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < shards->len; i++) {
    const ReconShard *shard = shards->pdata[i];
    cli_table_cell(table, cli_unsigned(cli->out, shard->number));
    cli_table_cell(table, g_strdup(shard->name));
    cli_table_cell(table, cli_unsigned(cli->out, shard->size));
    cli_table_cell(table, cli_unsigned(cli->out, shard->records));
    cli_table_cell(table, cli_amount(cli->out, shard->total, task->scale));
    cli_table_cell(table, g_strdup(shard->sha256));
  }
  cli_table_print(table, cli->out);
}

/* --- List. */

static void put_row(CliTable *table, const Cli *cli, const ReconTask *task) {
  gboolean open = task->state == RECON_DONE && (task->pushed_at == 0 || task->told_at == 0);
  const char *out = task->removed_at               ? "removed"
                    : open && task->pushed_at == 0 ? "to be pushed"
                    : open                         ? "to be told"
                    : task->acknowledged_at        ? "acknowledged"
                    : task->state == RECON_DONE    ? "out"
                                                   : NULL;
  cli_table_cell(table, g_strdup(task->id));
  cli_table_cell(table, g_strdup(task->name));
  cli_table_cell(table, g_strdup(task->period));
  cli_table_cell(table, cli_unsigned(cli->out, task->version));
  cli_table_coloured(table, g_strdup(recon_state_word(task->state)), colour_of(task));
  cli_table_cell(table, cli_unsigned(cli->out, task->records));
  cli_table_cell(table, task->state == RECON_DONE ? cli_amount(cli->out, task->total, task->scale) : NULL);
  cli_table_cell(table, cli_unsigned(cli->out, task->shards));
  cli_table_cell(table, g_strdup(out));
  cli_table_cell(table, g_strdup(task->problem));
}

static CliExit each_task(const Cli *cli, GPtrArray *lanes, const ReconFilter *filter, CliTable *table, json_t *list) {
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) tasks = lane->reader ? recon_tasks(lane->reader, filter, &error) : NULL;
    if (error)
      return cli_fail(error);
    for (guint j = 0; tasks && j < tasks->len; j++) {
      if (table)
        put_row(table, cli, tasks->pdata[j]);
      json_t *object = task_json(cli->out, tasks->pdata[j]);
      json_object_set_new(object, "lane", json_string(lane->conf->name));
      json_array_append_new(list, object);
    }
  }
  return CLI_EXIT_FINE;
}

CliExit recon_cli_list(Cli *cli) {
  static const CliColumn columns[] = {{"TASK", CLI_LEFT, CLI_WHOLE},   {"RECONCILE", CLI_LEFT, CLI_SHRINKS},
                                      {"PERIOD", CLI_LEFT, CLI_WHOLE}, {"VERSION", CLI_RIGHT, CLI_DROPPED(2)},
                                      {"STATE", CLI_LEFT, CLI_WHOLE},  {"RECORDS", CLI_RIGHT, CLI_WHOLE},
                                      {"TOTAL", CLI_RIGHT, CLI_WHOLE}, {"SHARDS", CLI_RIGHT, CLI_DROPPED(1)},
                                      {"OUT", CLI_LEFT, CLI_WHOLE},    {"PROBLEM", CLI_LEFT, CLI_SHRINKS}};
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  guint limit = cli_limit(cli, 50);
  ReconFilter filter = {.name = recon_given(cli)->name,
                        .type = recon_given(cli)->type,
                        .period = recon_given(cli)->date,
                        .limit = limit ? limit : G_MAXINT32};
  CliTable *table = cli->out->is_json ? NULL : cli_table_new(columns, G_N_ELEMENTS(columns));
  json_t *list = json_array();
  exit = each_task(cli, lanes, &filter, table, list);
  if (table)
    cli_table_print(table, cli->out);
  if (cli->out->is_json && exit == CLI_EXIT_FINE)
    cli_json(cli->out, json_pack("{s:O}", "tasks", list));
  json_decref(list);
  return exit;
}

/* --- Show. */

static CliExit find_task(GPtrArray *lanes, const char *id, const StatusLane **lane, ReconTask **task) {
  for (guint i = 0; i < lanes->len; i++) {
    g_autoptr(GError) error = NULL;
    *lane = lanes->pdata[i];
    *task = (*lane)->reader ? recon_find_task((*lane)->reader, id, &error) : NULL;
    if (error)
      return cli_fail(error);
    if (*task)
      return CLI_EXIT_FINE;
  }
  cli_complain("there is no reconciliation task \"%s\"; sallyport recon list lists them", id);
  return CLI_EXIT_NOT_FOUND;
}

CliExit recon_cli_show(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  g_autoptr(ReconTask) task = NULL;
  g_autoptr(GError) error = NULL;
  const StatusLane *lane = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit == CLI_EXIT_FINE)
    exit = find_task(lanes, cli->arguments[1], &lane, &task);
  if (exit != CLI_EXIT_FINE)
    return exit;
  g_autoptr(GPtrArray) shards = recon_shards(lane->reader, task->id, &error);
  if (!shards)
    return cli_fail(error);
  if (!cli->out->is_json) {
    print_task(cli, lane, task);
    print_shards(cli, task, shards);
    return CLI_EXIT_FINE;
  }
  json_t *object = task_json(cli->out, task), *list = json_array();
  json_object_set_new(object, "lane", json_string(lane->conf->name));
  for (guint i = 0; i < shards->len; i++)
    json_array_append_new(list, shard_json(task, shards->pdata[i]));
  json_object_set_new(object, "parts", list);
  cli_json(cli->out, object);
  return CLI_EXIT_FINE;
}

/* --- Run. */

static const StatusLane *lane_of(GPtrArray *lanes, const char *name) {
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    for (guint j = 0; lane->conf->reconciles && j < lane->conf->reconciles->len; j++)
      if (strcmp(((const ConfReconcile *)lane->conf->reconciles->pdata[j])->name, name) == 0)
        return lane;
  }
  return NULL;
}

static CliExit answer_with(const Cli *cli, const ReconTask *task, const char *remark) {
  if (cli->out->is_json) {
    json_t *object = task_json(cli->out, task);
    json_object_set_new(object, "remark", json_string(remark));
    cli_json(cli->out, object);
  } else {
    fprintf(cli->out->file, "%s %s version %u: %s", task->name, task->period, task->version, remark);
    if (task->state == RECON_DONE) {
      g_autofree char *records = cli_unsigned(cli->out, task->records),
                      *total = cli_amount(cli->out, task->total, task->scale);
      fprintf(cli->out->file, ", %s records, total %s, %u shards, task %s", records, total, task->shards, task->id);
    }
    fputc('\n', cli->out->file);
  }
  return task->state == RECON_FAILED ? CLI_EXIT_FAILED : CLI_EXIT_FINE;
}

static ReconTask *newest(const StatusLane *lane, const char *name, const char *period, GError **error) {
  ReconFilter filter = {.name = name, .period = period};
  g_autoptr(GPtrArray) tasks = recon_tasks(lane->reader, &filter, error);
  if (!tasks || tasks->len == 0)
    return NULL;
  return g_ptr_array_steal_index(tasks, 0);
}

/* A task that is gone had nothing new to tell: the version before it stands. */
static CliExit wait_for(const Cli *cli, const StatusLane *lane, const char *id, const char *name, const char *period) {
  for (;;) {
    g_autoptr(GError) error = NULL;
    g_autoptr(ReconTask) task = recon_find_task(lane->reader, id, &error);
    if (error)
      return cli_fail(error);
    if (!task) {
      g_autoptr(ReconTask) before = newest(lane, name, period, &error);
      return before ? answer_with(cli, before, "nothing has changed since") : error ? cli_fail(error) : CLI_EXIT_FAILED;
    }
    if (task->state == RECON_DONE || task->state == RECON_FAILED)
      return answer_with(cli, task, task->state == RECON_DONE ? "done" : task->problem ? task->problem : "failed");
    g_usleep(LOOK_MS * 1000);
  }
}

CliExit recon_cli_run(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  g_autoptr(GError) error = NULL;
  json_t *answer = NULL;
  const char *name = cli->arguments[1];
  if (!recon_given(cli)->date) {
    cli_complain("recon run needs --date DATE: 2026-11-20, or 2026-11 for a month");
    return CLI_EXIT_USAGE;
  }
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  const StatusLane *lane = lane_of(lanes, name);
  if (!lane) {
    cli_complain("there is no reconcile \"%s\" in the configuration", name);
    return CLI_EXIT_NOT_FOUND;
  }
  exit = cli_ask(lane,
                 json_pack("{s:s, s:s, s:s, s:b, s:s}", "do", "recon-run", "name", name, "date", recon_given(cli)->date,
                           "again", recon_given(cli)->again, "by", cli_who()),
                 &answer);
  if (!answer)
    return exit;
  g_autofree char *id = g_strdup(json_string_value(json_object_get(answer, "task"))),
                  *period = g_strdup(json_string_value(json_object_get(answer, "period")));
  gboolean made = json_is_true(json_object_get(answer, "made"));
  json_decref(answer);
  g_autoptr(ReconTask) task = recon_find_task(lane->reader, id, &error);
  if (error)
    return cli_fail(error);
  if (task && task->state == RECON_DONE && !made)
    return answer_with(cli, task, "published already; --again makes the next version if the data have changed");
  return task && recon_given(cli)->no_wait ? answer_with(cli, task, recon_state_word(task->state))
                                           : wait_for(cli, lane, id, name, period);
}
