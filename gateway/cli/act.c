/* retry, hold, release, reject, poll: what changes something is asked of the lane, which alone writes its book. */
#include "gateway/cli/books.h"
#include <string.h>

static void put_if(json_t *request, const char *name, const char *value) {
  if (value)
    json_object_set_new(request, name, json_string(value));
}

static CliExit act_on(Cli *cli, GPtrArray *lanes, const char *what, const char *text, json_t *answers) {
  CliFile found;
  json_t *answer = NULL;
  CliExit exit = cli_find_file(lanes, text, &found);
  if (exit != CLI_EXIT_FINE)
    return exit;
  json_t *request = json_pack("{s:s, s:s, s:s}", "do", what, "file", found.file->id, "by", cli_who());
  put_if(request, "reason", cli->options.reason);
  exit = cli_ask(found.lane, request, &answer);
  if (answer) {
    const char *state = json_string_value(json_object_get(answer, "state"));
    if (!cli->out->is_json)
      fprintf(cli->out->file, "%s is %s now  %s\n", found.file->id, state ? state : "?", found.file->name_shown);
    json_array_append_new(answers, answer);
  }
  cli_file_clear(&found);
  return exit;
}

/* Each file on its own: one that is refused does not keep the others from theirs. The first bad status is the
 * command's. */
static CliExit act(Cli *cli, const char *what) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  json_t *answers = json_array();
  for (guint i = 0; i < cli->n_arguments; i++) {
    CliExit one = act_on(cli, lanes, what, cli->arguments[i], answers);
    exit = exit == CLI_EXIT_FINE ? one : exit;
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "files", answers));
  json_decref(answers);
  return exit;
}

CliExit cli_retry(Cli *cli) {
  return act(cli, "retry");
}
CliExit cli_hold(Cli *cli) {
  return act(cli, "hold");
}
CliExit cli_release(Cli *cli) {
  return act(cli, "release");
}

CliExit cli_reject(Cli *cli) {
  if (!cli->options.reason || !*cli->options.reason) {
    cli_complain("reject needs --reason TEXT: it is what the partner is told");
    return CLI_EXIT_USAGE;
  }
  return act(cli, "reject");
}

static const CliLane *lane_of_feed(GPtrArray *lanes, const char *feed) {
  for (guint i = 0; i < lanes->len; i++) {
    const CliLane *lane = g_ptr_array_index(lanes, i);
    for (guint j = 0; j < lane->conf->feeds->len; j++)
      if (strcmp(((const ConfFeed *)g_ptr_array_index(lane->conf->feeds, j))->name, feed) == 0)
        return lane;
  }
  return NULL;
}

static CliExit poll_feed(const Cli *cli, GPtrArray *lanes, const char *feed, json_t *answers) {
  const CliLane *lane = lane_of_feed(lanes, feed);
  json_t *answer = NULL;
  if (!lane) {
    cli_complain("there is no feed \"%s\" in the configuration; `sallyport status` lists them", feed);
    return CLI_EXIT_NOT_FOUND;
  }
  CliExit exit = cli_ask(lane, json_pack("{s:s, s:s, s:s}", "do", "poll", "feed", feed, "by", cli_who()), &answer);
  if (answer) {
    if (!cli->out->is_json)
      fprintf(cli->out->file, "%s is being polled\n", feed);
    json_array_append_new(answers, answer);
  }
  return exit;
}

CliExit cli_poll(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  json_t *answers = json_array();
  for (guint i = 0; i < cli->n_arguments; i++) {
    CliExit one = poll_feed(cli, lanes, cli->arguments[i], answers);
    exit = exit == CLI_EXIT_FINE ? one : exit;
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "feeds", answers));
  json_decref(answers);
  return exit;
}
