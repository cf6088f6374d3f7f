/* alarms: what stands, and what people do about it; and what `status` shows of it. */
#include "gateway/cli/alarms.h"
#include <string.h>

enum { TEST_SECONDS = 75, LOOK_MS = 50, LEAST_PREFIX = 4 };

static CliColour colour_of(AlarmState state) {
  return state == ALARM_STANDING ? CLI_RED : state == ALARM_ACKNOWLEDGED ? CLI_YELLOW : CLI_GREEN;
}

/* --- What status shows */

json_t *cli_alarms_json(const CliOutput *out, const GPtrArray *alarms) {
  json_t *list = json_array();
  for (guint i = 0; alarms && i < alarms->len; i++) {
    const BookAlarm *alarm = alarms->pdata[i];
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i}", "id", alarm->id, "kind", alarm->kind, "subject",
                               alarm->subject, "state", alarm_state_word(alarm->state), "told", (int)alarm->told);
    cli_json_text(object, "feed", alarm->feed);
    cli_json_text(object, "text", alarm->text);
    cli_json_text(object, "detail", alarm->detail);
    cli_json_time(out, object, "raised_at", alarm->raised_at);
    cli_json_time(out, object, "told_at", alarm->told_at);
    cli_json_time(out, object, "next_at", alarm->next_at);
    cli_json_time(out, object, "cleared_at", alarm->cleared_at);
    cli_json_text(object, "acknowledged_by", alarm->acknowledged_by);
    cli_json_text(object, "problem", alarm->problem);
    json_array_append_new(list, object);
  }
  return list;
}

json_t *cli_dues_json(const CliOutput *out, const GPtrArray *dues) {
  json_t *list = json_array();
  for (guint i = 0; dues && i < dues->len; i++) {
    const BookDue *due = dues->pdata[i];
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i}", "feed", due->feed, "expect", due->name, "day", due->day,
                               "state", due_state_word(due->state), "files", (int)due->wanted);
    cli_json_time(out, object, "from", due->opens_at);
    cli_json_time(out, object, "by", due->due_at);
    json_array_append_new(list, object);
  }
  return list;
}

void cli_print_alarms(const CliOutput *out, const GPtrArray *alarms) {
  for (guint i = 0; alarms && i < alarms->len; i++) {
    const BookAlarm *alarm = alarms->pdata[i];
    if (alarm->state != ALARM_STANDING)
      continue;
    g_autofree char *at = cli_time_brief(out, alarm->raised_at);
    const char *detail = alarm->detail ? alarm->detail : "";
    cli_sentence(out, CLI_RED, alarm->kind, "%s since %s: %s%s%s", alarm->id, at, alarm->text, detail[0] ? ": " : "",
                 detail);
    if (alarm->problem)
      cli_sentence(out, CLI_PLAIN, "  it", "could not be told: %s", alarm->problem);
  }
}

void cli_print_dues(const CliOutput *out, const GPtrArray *dues, gint64 now) {
  for (guint i = 0; dues && i < dues->len; i++) {
    const BookDue *due = dues->pdata[i];
    gboolean is_overdue = due->due_at <= now;
    g_autofree char *by = cli_time_brief(out, due->due_at),
                    *left = cli_duration(is_overdue ? now - due->due_at : due->due_at - now);
    cli_sentence(out, is_overdue ? CLI_RED : CLI_PLAIN, is_overdue ? "overdue:" : "due:",
                 "%s, %u file%s of %s (%s) by %s, %s %s", due->feed, due->wanted, due->wanted == 1 ? "" : "s", due->day,
                 due->name, by, is_overdue ? "for" : "in", left);
  }
}

/* --- List. */

static void print_table(const CliOutput *out, const GPtrArray *alarms) {
  static const CliColumn columns[] = {{"ALARM", CLI_LEFT, CLI_WHOLE},      {"RAISED", CLI_LEFT, CLI_WHOLE},
                                      {"KIND", CLI_LEFT, CLI_WHOLE},       {"STATE", CLI_LEFT, CLI_WHOLE},
                                      {"TOLD", CLI_RIGHT, CLI_DROPPED(1)}, {"WHAT", CLI_LEFT, CLI_SHRINKS}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < alarms->len; i++) {
    const BookAlarm *alarm = alarms->pdata[i];
    cli_table_cell(table, g_strdup(alarm->id));
    cli_table_cell(table, cli_time_brief(out, alarm->raised_at));
    cli_table_cell(table, g_strdup(alarm->kind));
    cli_table_coloured(table, g_strdup(alarm_state_word(alarm->state)), colour_of(alarm->state));
    cli_table_cell(table, cli_unsigned(out, alarm->told));
    cli_table_cell(table,
                   g_strconcat(alarm->text, alarm->detail ? ": " : "", alarm->detail ? alarm->detail : "", NULL));
  }
  cli_table_print(table, out);
}

static CliExit list(Cli *cli, GPtrArray *lanes) {
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)book_alarm_free);
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) some = NULL;
    if (!lane->reader)
      continue;
    some = cli->options.limit < 0 ? book_live_alarms(lane->reader, &error)
                                  : book_alarms(lane->reader, cli_limit(cli, 20), &error);
    if (!some)
      return cli_fail(error);
    g_ptr_array_extend_and_steal(all, g_steal_pointer(&some));
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:o}", "alarms", cli_alarms_json(cli->out, all)));
  else
    print_table(cli->out, all);
  return CLI_EXIT_FINE;
}

/* --- Acknowledge. */

static const StatusLane *find(GPtrArray *lanes, const char *text, BookAlarm **found) {
  const StatusLane *where = NULL;
  *found = NULL;
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    g_autoptr(GPtrArray) live = lane->reader ? book_live_alarms(lane->reader, NULL) : NULL;
    for (guint j = 0; live && j < live->len; j++) {
      const BookAlarm *alarm = live->pdata[j];
      if (!g_str_has_prefix(alarm->id, text) || strlen(text) < LEAST_PREFIX)
        continue;
      if (*found) {
        g_clear_pointer(found, book_alarm_free);
        cli_complain("several alarms' numbers begin with %s: give more of it", text);
        return NULL;
      }
      *found = g_ptr_array_steal_index(live, j--);
      where = lane;
    }
  }
  if (!where)
    cli_complain("no alarm %s stands; `sallyport alarms` lists them", text);
  return where;
}

static json_t *acknowledgement(const BookAlarm *alarm) {
  return json_pack("{s:s, s:s, s:s, s:s}", "do", "acknowledge", "alarm", alarm->id, "kind", alarm->kind, "by",
                   cli_who());
}

static CliExit acknowledge_one(Cli *cli, GPtrArray *lanes, const char *text, json_t *answers) {
  g_autoptr(BookAlarm) alarm = NULL;
  json_t *answer = NULL;
  const StatusLane *lane = find(lanes, text, &alarm);
  if (!lane)
    return CLI_EXIT_NOT_FOUND;
  CliExit exit = cli_ask(lane, acknowledgement(alarm), &answer);
  if (!answer)
    return exit;
  if (!cli->out->is_json)
    fprintf(cli->out->file, "%s is acknowledged  %s %s\n", alarm->id, alarm->kind, alarm->subject);
  json_array_append_new(answers, answer);
  return exit;
}

static CliExit acknowledge(Cli *cli, GPtrArray *lanes) {
  if (cli->n_arguments < 2) {
    cli_complain("acknowledge which alarm? `sallyport alarms` lists them");
    return CLI_EXIT_USAGE;
  }
  json_t *answers = json_array();
  CliExit exit = CLI_EXIT_FINE;
  for (guint i = 1; i < cli->n_arguments; i++) {
    CliExit one = acknowledge_one(cli, lanes, cli->arguments[i], answers);
    exit = exit == CLI_EXIT_FINE ? one : exit;
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "alarms", answers));
  json_decref(answers);
  return exit;
}

/* --- Test. */

static BookAlarm *test_alarm(const StatusLane *lane) {
  g_autoptr(GPtrArray) live = book_live_alarms(lane->reader, NULL);
  for (guint i = 0; live && i < live->len; i++)
    if (strcmp(((BookAlarm *)live->pdata[i])->kind, "test") == 0)
      return g_ptr_array_steal_index(live, i);
  return NULL;
}

/* Until it was told by every way, or by one could not be. */
static BookAlarm *wait_for_test(const StatusLane *lane) {
  gint64 until = g_get_monotonic_time() + TEST_SECONDS * (gint64)G_USEC_PER_SEC;
  for (;;) {
    BookAlarm *alarm = test_alarm(lane);
    if (!alarm || alarm->told > 0 || alarm->failures > 0 || g_get_monotonic_time() > until)
      return alarm;
    book_alarm_free(alarm);
    g_usleep(LOOK_MS * 1000);
  }
}

static CliExit test_lane(Cli *cli, const StatusLane *lane, json_t *results) {
  json_t *answer = NULL, *over = NULL;
  CliExit exit = cli_ask(lane, json_pack("{s:s, s:s}", "do", "test-alarm", "by", cli_who()), &answer);
  json_decref(answer);
  if (exit != CLI_EXIT_FINE)
    return exit;
  g_autoptr(BookAlarm) alarm = wait_for_test(lane);
  gboolean told = alarm && alarm->told > 0;
  const char *problem = alarm && alarm->problem ? alarm->problem : "the lane does not say why";
  if (!told)
    cli_complain("lane %s: the alarm could not be told: %s", lane->conf->name, problem);
  else if (!cli->out->is_json)
    fprintf(cli->out->file, "lane %s: the alarm was told%s%s%s\n", lane->conf->name,
            cli->conf->alarms.command ? " to the command" : "", cli->conf->alarms.endpoint ? " to the webhook" : "",
            !cli->conf->alarms.command && !cli->conf->alarms.endpoint ? " to the log alone" : "");
  json_array_append_new(
      results, json_pack("{s:s, s:b, s:s?}", "lane", lane->conf->name, "told", told, "problem", told ? NULL : problem));
  if (alarm && cli_ask(lane, acknowledgement(alarm), &over) != CLI_EXIT_FINE)
    told = FALSE;
  json_decref(over);
  return told ? CLI_EXIT_FINE : CLI_EXIT_FAILED;
}

static CliExit test(Cli *cli, GPtrArray *lanes) {
  json_t *results = json_array();
  CliExit exit = CLI_EXIT_FINE;
  for (guint i = 0; i < lanes->len; i++) {
    CliExit one = test_lane(cli, lanes->pdata[i], results);
    exit = exit == CLI_EXIT_FINE ? one : exit;
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "lanes", results));
  json_decref(results);
  return exit;
}

static CliExit alarms_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  const char *what = cli->n_arguments ? cli->arguments[0] : "list";
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  if (strcmp(what, "acknowledge") == 0)
    return acknowledge(cli, lanes);
  if (strcmp(what, "list") == 0 && cli->n_arguments < 2)
    return list(cli, lanes);
  if (strcmp(what, "test") == 0 && cli->n_arguments < 2)
    return test(cli, lanes);
  cli_complain("alarms takes list, acknowledge ALARM… or test; sallyport alarms --help tells how");
  return CLI_EXIT_USAGE;
}

static const char *const verbs[] = {"list", "acknowledge", "test", NULL};
const CliCommand cli_command_alarms = {
    .name = "alarms",
    .arguments = "[list|acknowledge ALARM…|test]",
    .most = 1000,
    .verbs = verbs,
    .shared = CLI_LANE | CLI_LIMIT,
    .summary = "what is wrong and has not cleared yet",
    .text = "list (default) shows the alarms that stand; with --limit the newest so many, also those that have "
            "cleared.\n"
            "acknowledge: it is not told any more; ALARM is its number, or the beginning of it (4 characters or "
            "more). A file that\n"
            "is missing is waited for no longer; what goes on by itself (a folder that cannot be polled) clears by "
            "itself.\n"
            "test sends an alarm to the configured command and webhook, and tells whether it got there (status 1: "
            "it did not).\n\n"
            "  sallyport alarms\n"
            "  sallyport alarms acknowledge 0k3x9\n"
            "  sallyport alarms test\n",
    .run = alarms_command,
};
