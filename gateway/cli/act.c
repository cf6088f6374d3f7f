/* retry, hold, release, reject, poll: what changes something is asked of the lane, which alone writes its book. */
#include "gateway/cli/books.h"
#include <string.h>

static void put_if(json_t *request, const char *name, const char *value) {
  if (value)
    json_object_set_new(request, name, json_string(value));
}

static CliExit act_on(const Cli *cli, GPtrArray *lanes, const char *what, const char *reason, const char *text,
                      json_t *answers) {
  CliFile found;
  json_t *answer = NULL;
  CliExit exit = cli_find_file(lanes, text, &found);
  if (exit != CLI_EXIT_FINE)
    return exit;
  json_t *request = json_pack("{s:s, s:s, s:s}", "do", what, "file", found.file->id, "by", cli_who());
  put_if(request, "reason", reason);
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
static CliExit act(Cli *cli, const char *what, const char *reason) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  json_t *answers = json_array();
  for (guint i = 0; i < cli->n_arguments; i++) {
    CliExit one = act_on(cli, lanes, what, reason, cli->arguments[i], answers);
    exit = exit == CLI_EXIT_FINE ? one : exit;
  }
  if (cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", "files", answers));
  json_decref(answers);
  return exit;
}

/* --- What hold, release and reject take besides. */
typedef struct {
  char *reason;
} Why;
static const CliOption options[] = {
    CLI_TEXT(Why, reason, "reason", 'r', "TEXT", "why, for the file's history and for the partner", CLI_VALUE_TEXT),
    {0}};

static const char *reason_of(const Cli *cli) {
  return ((const Why *)cli->own)->reason;
}

/* --- The commands. */

static CliExit retry_command(Cli *cli) {
  return act(cli, "retry", NULL);
}
static CliExit hold_command(Cli *cli) {
  return act(cli, "hold", reason_of(cli));
}
static CliExit release_command(Cli *cli) {
  return act(cli, "release", reason_of(cli));
}

static CliExit reject_command(Cli *cli) {
  const char *reason = reason_of(cli);
  if (!reason || !*reason) {
    cli_complain("reject needs --reason TEXT: it is what the partner is told");
    return CLI_EXIT_USAGE;
  }
  return act(cli, "reject", reason);
}

static CliExit resend_command(Cli *cli) {
  CliExit exit = act(cli, "resend", reason_of(cli));
  if (exit == CLI_EXIT_FINE && !cli->out->is_json)
    fprintf(cli->out->file, "Its answer is being sent again; `sallyport show FILE` says what came of it.\n");
  return exit;
}

static const StatusLane *lane_of_feed(GPtrArray *lanes, const char *feed) {
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    for (guint j = 0; j < lane->conf->feeds->len; j++)
      if (strcmp(((const ConfFeed *)lane->conf->feeds->pdata[j])->name, feed) == 0)
        return lane;
  }
  return NULL;
}

static CliExit poll_feed(const Cli *cli, GPtrArray *lanes, const char *feed, json_t *answers) {
  const StatusLane *lane = lane_of_feed(lanes, feed);
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

static CliExit poll_command(Cli *cli) {
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

const CliCommand cli_command_retry = {
    .name = "retry",
    .arguments = "FILE…",
    .least = 1,
    .most = 1000,
    .summary = "try again now what waits for its next try",
    .text = "Also for a delivery that the partner's server has refused.\n\n"
            "  sallyport retry 0k3x9\n",
    .run = retry_command,
};

const CliCommand cli_command_hold = {
    .name = "hold",
    .arguments = "FILE…",
    .least = 1,
    .most = 1000,
    .own = options,
    .own_size = sizeof(Why),
    .summary = "stop a file before it is posted, until it is released",
    .text = "A file that is posting or beyond cannot be held.\n\n"
            "  sallyport hold 0k3x9 --reason 'the bank asked us to wait'\n",
    .run = hold_command,
};

const CliCommand cli_command_release = {
    .name = "release",
    .arguments = "FILE…",
    .least = 1,
    .most = 1000,
    .own = options,
    .own_size = sizeof(Why),
    .summary = "let a held file go on from where it was",
    .text = "The reason stands in the file's history and in the audit chain.\n\n"
            "  sallyport release 0k3x9 --reason 'they closed two shops, their mail of 2026-11-20'\n",
    .run = release_command,
};

const CliCommand cli_command_reject = {
    .name = "reject",
    .arguments = "FILE…",
    .least = 1,
    .most = 1000,
    .own = options,
    .own_size = sizeof(Why),
    .summary = "send a file back as an exception file",
    .text = "The reason is told to the partner. Nothing of the file is credited; it cannot be taken back.\n\n"
            "  sallyport reject 0k3x9 --reason 'withdrawn by phone, 2026-11-20'\n",
    .run = reject_command,
};

const CliCommand cli_command_resend = {
    .name = "resend",
    .arguments = "FILE…",
    .least = 1,
    .most = 1000,
    .own = options,
    .own_size = sizeof(Why),
    .summary = "send the answer of a closed file once more",
    .text = "The same bytes, under the same name, to where they went; what still lies there is left as it is.\n"
            "They are kept as long as node { archive-days } says.\n\n"
            "  sallyport resend POINTS_0003.dat.pgp --reason 'lost at the bank, their mail of 2026-11-20'\n",
    .run = resend_command,
};

const CliCommand cli_command_poll = {
    .name = "poll",
    .arguments = "FEED…",
    .least = 1,
    .most = 1000,
    .summary = "look into a feed's drop folder now",
    .text = "\n"
            "  sallyport poll acme-points\n",
    .run = poll_command,
};
