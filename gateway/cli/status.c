/* status: what the books say, and what the lanes that run say about themselves. */
#include "gateway/cli/alarms.h"
#include "gateway/cli/recon/recon.h"
#include "gateway/cli/status_front.h"
#include "gateway/cli/status_state.h"
#include "gateway/status/status.h"
#include "gateway/supervisor/supervisor.h"
#include <unistd.h>

/* --- JSON. */

static json_t *counts_json(const LaneStatus *status, const char *feed) {
  json_t *object = json_object();
  for (guint i = 0; status->counts && i < status->counts->len; i++) {
    const BookCount *count = status->counts->pdata[i];
    if (strcmp(count->feed, feed) == 0)
      json_object_set_new(object, file_state_word(count->state), json_integer((json_int_t)count->files));
  }
  return object;
}

static json_t *feed_json(const CliOutput *out, const LaneStatus *status, const ConfFeed *conf) {
  FeedStatus feed;
  lane_status_feed(status, conf->name, &feed);
  json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "feed", conf->name, "partner",
                             conf->partner, "under_way", (json_int_t)feed.under_way, "held", (json_int_t)feed.held,
                             "closed", (json_int_t)feed.closed, "records", (json_int_t)feed.records, "accepted",
                             (json_int_t)feed.accepted, "rejected", (json_int_t)feed.rejected, "duplicates",
                             (json_int_t)feed.duplicates);
  json_object_set_new(object, "states", counts_json(status, conf->name));
  json_object_set_new(object, "last_poll", json_null());
  json_object_set_new(object, "problem", json_null());
  cli_json_time(out, object, "next_poll", feed.next_poll);
  json_t *pressure = lane_status_told(status, conf->name, "pressure");
  if (pressure)
    json_object_set(object, "pressure", pressure);
  if (!feed.poll)
    return object;
  cli_json_time(out, object, "last_poll", feed.poll->last_at);
  cli_json_time(out, object, "last_good_poll", feed.poll->last_ok_at);
  json_object_set_new(object, "listed", json_integer((json_int_t)feed.poll->listed));
  json_object_set_new(object, "taken", json_integer((json_int_t)feed.poll->taken));
  json_object_set_new(object, "failures", json_integer((json_int_t)feed.poll->failures));
  cli_json_text(object, "problem", feed.poll->problem);
  return object;
}

static json_t *posting_json(const LaneStatus *status) {
  json_t *list = json_array();
  for (guint i = 0; status->posting && i < status->posting->len; i++) {
    const BookFile *file = status->posting->pdata[i];
    json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i}", "id", file->id, "name", file->name_shown, "batches",
                                          (int)file->batches, "batches_posted", (int)file->batches_posted));
  }
  return list;
}

static json_t *unsent_json(const CliOutput *out, const LaneStatus *status) {
  json_t *list = json_array();
  for (guint i = 0; status->unsent && i < status->unsent->len; i++) {
    const BookFile *file = status->unsent->pdata[i];
    json_t *object = json_pack("{s:s, s:s, s:s, s:i}", "id", file->id, "name", file->name_shown, "feed", file->feed,
                               "attempts", (int)file->attempts);
    cli_json_text(object, "answer", file->feedback_name);
    cli_json_text(object, "problem", file->problem);
    cli_json_time(out, object, "due_at", file->due_at);
    json_array_append_new(list, object);
  }
  return list;
}

static json_t *lane_json(const CliOutput *out, const LaneStatus *status) {
  json_t *feeds = json_array();
  const ConfLane *conf = status->lane->conf;
  for (guint i = 0; i < conf->feeds->len; i++)
    json_array_append_new(feeds, feed_json(out, status, conf->feeds->pdata[i]));
  json_t *object = json_pack("{s:s, s:b, s:i, s:o, s:o}", "lane", conf->name, "running", status->answer != NULL,
                             "pending", (int)status->pending, "posting", posting_json(status), "feeds", feeds);
  json_object_set_new(object, "configured", json_boolean(!status->lane->own));
  if (status->lane->closed)
    json_object_set_new(object, "closed_by", json_string(status->lane->closed->who));
  json_object_set_new(object, "without_feed", lane_status_without_feed(status));
  json_object_set_new(object, "unsent", unsent_json(out, status));
  json_object_set_new(object, "alarms", cli_alarms_json(out, status->alarms));
  json_object_set_new(object, "due", cli_dues_json(out, status->dues));
  json_object_set_new(object, "reconciliation", cli_recon_open_json(out, status->statements));
  const char *const as_told[] = {"pid", "threads", "working", "couriers"};
  for (gsize i = 0; i < G_N_ELEMENTS(as_told); i++) {
    json_t *value = json_object_get(status->answer, as_told[i]);
    if (value)
      json_object_set(object, as_told[i], value);
  }
  cli_json_time(out, object, "since", (gint64)json_integer_value(json_object_get(status->answer, "since")));
  return object;
}

/* --- Tables. */

static const char *lane_word(const LaneStatus *status) {
  if (status->answer)
    return status->lane->own ? "running, not configured" : "running";
  if (status->lane->own)
    return status->lane->closed ? "closed" : "not configured";
  return "down";
}

static void print_lanes(const CliOutput *out, const LaneStatus *statuses, guint n) {
  static const CliColumn columns[] = {{"LANE", CLI_LEFT, CLI_SHRINKS},   {"STATE", CLI_LEFT, CLI_WHOLE},
                                      {"PROCESS", CLI_RIGHT, CLI_WHOLE}, {"SINCE", CLI_LEFT, CLI_WHOLE},
                                      {"WORKING", CLI_RIGHT, CLI_WHOLE}, {"TO-SEND", CLI_RIGHT, CLI_WHOLE}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < n; i++) {
    const json_t *answer = statuses[i].answer;
    cli_table_cell(table, g_strdup(statuses[i].lane->conf->name));
    cli_table_coloured(table, g_strdup(lane_word(&statuses[i])), answer ? CLI_GREEN : CLI_RED);
    cli_table_cell(table,
                   answer ? g_strdup_printf("%d", (int)json_integer_value(json_object_get(answer, "pid"))) : NULL);
    cli_table_cell(table, cli_time(out, (gint64)json_integer_value(json_object_get(answer, "since"))));
    cli_table_cell(table, cli_unsigned(out, json_array_size(json_object_get(answer, "working"))));
    cli_table_cell(table, cli_unsigned(out, statuses[i].pending));
  }
  cli_table_print(table, out);
}

static char *due_in(const CliOutput *out, gint64 at, gint64 now) {
  if (!out->is_terminal || at == 0)
    return cli_time(out, at);
  g_autofree char *left = cli_duration(at - now);
  return at <= now ? g_strdup("now") : g_strdup_printf("in %s", left);
}

static void print_feed(CliTable *table, const CliOutput *out, const LaneStatus *status, const char *name) {
  FeedStatus feed;
  lane_status_feed(status, name, &feed);
  cli_table_cell(table, g_strdup(name));
  cli_table_coloured(table, cli_time_brief(out, feed.poll ? feed.poll->last_at : 0),
                     feed.poll && feed.poll->failures ? CLI_RED : CLI_PLAIN);
  cli_table_cell(table, due_in(out, feed.next_poll, g_get_real_time()));
  cli_table_coloured(table, cli_unsigned(out, feed.under_way), feed.under_way ? CLI_CYAN : CLI_PLAIN);
  cli_table_coloured(table, cli_unsigned(out, feed.held), feed.held ? CLI_YELLOW : CLI_PLAIN);
  cli_table_cell(table, cli_unsigned(out, feed.closed));
  cli_table_cell(table, cli_unsigned(out, feed.accepted));
  cli_table_cell(table, cli_unsigned(out, feed.rejected));
  cli_table_cell(table, cli_unsigned(out, feed.duplicates));
}

static void print_feeds(const CliOutput *out, const LaneStatus *statuses, guint n) {
  static const CliColumn columns[] = {
      {"FEED", CLI_LEFT, CLI_SHRINKS},     {"POLLED", CLI_LEFT, CLI_WHOLE},   {"NEXT", CLI_LEFT, CLI_WHOLE},
      {"UNDER-WAY", CLI_RIGHT, CLI_WHOLE}, {"HELD", CLI_RIGHT, CLI_WHOLE},    {"CLOSED", CLI_RIGHT, CLI_WHOLE},
      {"ACCEPTED", CLI_RIGHT, CLI_WHOLE},  {"REFUSED", CLI_RIGHT, CLI_WHOLE}, {"DUPLICATE", CLI_RIGHT, CLI_DROPPED(1)}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < statuses[i].lane->conf->feeds->len; j++)
      print_feed(table, out, &statuses[i],
                 ((const ConfFeed *)statuses[i].lane->conf->feeds->pdata[j])->name);
  fputc('\n', out->file);
  cli_table_print(table, out);
}

static char *told_number(const CliOutput *out, const json_t *pressure, const char *name) {
  return cli_unsigned(out, (guint64)json_integer_value(json_object_get(pressure, name)));
}

/* What the feeds' interfaces bear at present. */
static void print_pressures(const CliOutput *out, const LaneStatus *status) {
  static const CliColumn columns[] = {
      {"INTERFACE OF", CLI_LEFT, CLI_SHRINKS}, {"X", CLI_RIGHT, CLI_WHOLE},
      {"CALLS-AT-ONCE", CLI_RIGHT, CLI_WHOLE}, {"LATENCY-MS", CLI_RIGHT, CLI_WHOLE},
      {"CALLS", CLI_RIGHT, CLI_WHOLE},         {"REFUSED", CLI_RIGHT, CLI_WHOLE},
      {"FAILED", CLI_RIGHT, CLI_WHOLE},        {"PAUSED-MS", CLI_RIGHT, CLI_DROPPED(1)}};
  static const char *const told_as[] = {"x", "threads", "latency", "calls", "refused", "failed", "paused"};
  CliTable *table = NULL;
  for (guint i = 0; i < status->lane->conf->feeds->len; i++) {
    const char *name = ((const ConfFeed *)status->lane->conf->feeds->pdata[i])->name;
    const json_t *pressure = lane_status_told(status, name, "pressure");
    if (!pressure)
      continue;
    if (!table)
      table = cli_table_new(columns, G_N_ELEMENTS(columns));
    cli_table_cell(table, g_strdup(name));
    for (guint j = 0; j < G_N_ELEMENTS(told_as); j++)
      cli_table_cell(table, told_number(out, pressure, told_as[j]));
  }
  if (!table)
    return;
  fputc('\n', out->file);
  cli_table_print(table, out);
}

static void print_courier_problems(const CliOutput *out, const LaneStatus *status) {
  const json_t *couriers = json_object_get(status->answer, "couriers");
  for (size_t i = 0; i < json_array_size(couriers); i++) {
    const json_t *courier = json_array_get(couriers, i);
    const char *problem = json_string_value(json_object_get(courier, "problem"));
    if (!problem || g_strcmp0(json_string_value(json_object_get(courier, "state")), "good") == 0)
      continue;
    cli_sentence(out, CLI_RED, json_string_value(json_object_get(courier, "endpoint")), "(%s): %s",
                 json_string_value(json_object_get(courier, "state")), problem);
  }
}

static void print_files_without_feed(const CliOutput *out, const LaneStatus *status) {
  json_t *found = lane_status_without_feed(status), *files;
  const char *feed;
  json_object_foreach(found, feed, files) {
    g_autofree char *named = g_strconcat(feed, ":", NULL);
    cli_sentence(out, CLI_RED, named,
                 "files under way or held: %" JSON_INTEGER_FORMAT
                 "; lane %s has no such feed any more: nothing is done with them until it has",
                 json_integer_value(files), status->lane->conf->name);
  }
  json_decref(found);
}

static void print_unsent(const CliOutput *out, const LaneStatus *status) {
  enum { MOST_SHOWN = 10 };
  for (guint i = 0; status->unsent && i < MIN(status->unsent->len, MOST_SHOWN); i++) {
    const BookFile *file = status->unsent->pdata[i];
    g_autofree char *name = cli_shorten(file->name_shown, 36), *next = cli_time_brief(out, file->due_at);
    cli_sentence(out, CLI_RED, file->id, "%s: its answer could not be delivered (%u tries, the next at %s): %s", name,
                 file->attempts, next, file->problem ? file->problem : "");
  }
  if (status->unsent && status->unsent->len > MOST_SHOWN)
    fprintf(out->file, "… and %u more\n", status->unsent->len - MOST_SHOWN);
}

static void print_problems(const CliOutput *out, const LaneStatus *status) {
  cli_print_alarms(out, status->alarms);
  print_unsent(out, status);
  cli_print_dues(out, status->dues, g_get_real_time());
  cli_print_recon_open(out, status->statements);
  print_files_without_feed(out, status);
  print_courier_problems(out, status);
  for (guint i = 0; status->polls && i < status->polls->len; i++) {
    const BookPoll *poll = status->polls->pdata[i];
    if (!poll->problem || poll->failures == 0)
      continue;
    g_autofree char *feed = g_strconcat(poll->feed, ":", NULL);
    cli_sentence(out, CLI_RED, feed, "poll failed %u times: %s", poll->failures, poll->problem);
  }
}

static void print_progress(const CliOutput *out, const LaneStatus *status) {
  enum { BAR = 30 };
  for (guint i = 0; status->posting && i < status->posting->len; i++) {
    const BookFile *file = status->posting->pdata[i];
    guint filled = file->batches ? (guint)((guint64)BAR * file->batches_posted / file->batches) : 0;
    g_autofree char *done = g_strnfill(filled, '#'), *rest = g_strnfill(BAR - filled, '.');
    g_autofree char *name = cli_shorten(file->name_shown, 36);
    fprintf(out->file, "%s  [%s%s] %u of %u batches  %s\n", file->id, done, rest, file->batches_posted, file->batches,
            name);
  }
}

static void print_status(const Cli *cli, const LaneStatus *statuses, guint n, const json_t *front,
                         json_t *contradictions) {
  const CliOutput *out = cli->out;
  pid_t supervisor = supervisor_pid(cli->conf->node.runtime);
  if (out->is_json) {
    json_t *lanes = json_array();
    for (guint i = 0; i < n; i++)
      json_array_append_new(lanes, lane_json(out, &statuses[i]));
    json_t *object = json_pack("{s:s, s:o}", "node", cli->conf->node.name, "lanes", lanes);
    json_object_set_new(object, "supervisor", supervisor ? json_integer(supervisor) : json_null());
    json_object_set(object, "contradictions", contradictions);
    if (cli_is_front_shown(cli))
      json_object_set_new(object, "front", cli_front_json(out, front));
    cli_json(out, object);
    return;
  }
  if (supervisor)
    fprintf(out->file, "%s: supervisor runs, process %d\n\n", cli->conf->node.name, (int)supervisor);
  else
    fprintf(out->file, "%s: no supervisor runs\n\n", cli->conf->node.name);
  if (cli_is_front_shown(cli))
    cli_front_print(out, front);
  print_lanes(out, statuses, n);
  cli_contradictions_print(out, contradictions);
  print_feeds(out, statuses, n);
  for (guint i = 0; i < n; i++) {
    print_pressures(out, &statuses[i]);
    print_problems(out, &statuses[i]);
    print_progress(out, &statuses[i]);
  }
}

/* Everything is read before anything is printed, so that the screen does not stand empty meanwhile. */
static CliExit look_at_lanes(const Cli *cli, GPtrArray *lanes, gboolean on_clear_screen) {
  g_autofree LaneStatus *statuses = g_new0(LaneStatus, lanes->len);
  g_autoptr(GError) error = NULL;
  CliExit exit = CLI_EXIT_FINE;
  for (guint i = 0; i < lanes->len && !error; i++) {
    const StatusLane *lane = lanes->pdata[i];
    if (lane_status_read(lane, &statuses[i], &error) && !statuses[i].answer && !lane->own)
      exit = CLI_EXIT_NOT_RUNNING;
  }
  json_t *front = cli_front_ask(cli), *contradictions = cli_contradictions(cli);
  if (cli_is_front_shown(cli) && !front && !error)
    exit = CLI_EXIT_NOT_RUNNING;
  if (json_array_size(contradictions))
    exit = CLI_EXIT_CONFIGURATION;
  if (error) {
    exit = cli_fail(error);
  } else {
    if (on_clear_screen)
      fputs("\033[H\033[2J", cli->out->file);
    print_status(cli, statuses, lanes->len, front, contradictions);
    fflush(cli->out->file);
  }
  json_decref(front);
  json_decref(contradictions);
  for (guint i = 0; i < lanes->len; i++)
    lane_status_clear(&statuses[i]);
  return exit;
}

typedef struct {
  gboolean watch;
} Looking;
static const CliOption options[] = {CLI_FLAG(Looking, watch, "watch", 'w', "refresh every second, until Ctrl-C"), {0}};

static CliExit status_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  if (!((const Looking *)cli->own)->watch)
    return look_at_lanes(cli, lanes, FALSE);
  if (!cli->out->is_terminal || cli->out->is_json) {
    cli_complain("--watch is for a terminal; ask again with --json instead");
    return CLI_EXIT_USAGE;
  }
  for (;;) {
    exit = look_at_lanes(cli, lanes, TRUE);
    if (exit != CLI_EXIT_FINE && exit != CLI_EXIT_NOT_RUNNING && exit != CLI_EXIT_CONFIGURATION)
      return exit;
    sleep(1);
  }
}

const CliCommand cli_command_status = {
    .name = "status",
    .shared = CLI_LANE,
    .own = options,
    .own_size = sizeof(Looking),
    .summary = "lanes, feeds, counts, next polls",
    .text = "Ends with status 5 when a lane is not running.\n\n"
            "  sallyport status\n"
            "  sallyport status --watch        with the progress of what is posting\n",
    .run = status_command,
};
