#include "gateway/cli/books.h"
#include "gateway/common/control.h"
#include <stdlib.h>
#include <string.h>

void cli_tell_unconfigured(GPtrArray *lanes) {
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    if (lane->own)
      cli_complain("lane %s stands in the state and in no configuration%s%s", lane->conf->name,
                   lane->closed ? ": declared as closed by " : "", lane->closed ? lane->closed->who : "");
    for (guint j = 0; j < lane->ledgers->len && !lane->own; j++) {
      const StatusLedger *ledger = lane->ledgers->pdata[j];
      if (!ledger->feed)
        cli_complain(
            "ledger %s of lane %s is credited by no feed of the configuration%s", ledger->name, lane->conf->name,
            lane->holdings && book_holdings_closing(lane->holdings, "ledger", ledger->name) ? ": declared as closed"
                                                                                            : "");
    }
  }
}

static CliExit no_such_lane(const Conf *conf, const char *name) {
  GString *names = g_string_new(NULL);
  for (guint i = 0; i < conf->lanes->len; i++)
    g_string_append_printf(names, "%s%s", i ? ", " : "", ((const ConfLane *)conf->lanes->pdata[i])->name);
  cli_complain("there is no lane \"%s\" in the configuration; there are: %s", name, names->str);
  g_string_free(names, TRUE);
  return CLI_EXIT_NOT_FOUND;
}

CliExit cli_lanes(Cli *cli, GPtrArray **lanes) {
  g_autoptr(GError) error = NULL;
  const char *only = cli->options.lane;
  if (!cli->conf && !cli_load(cli))
    return CLI_EXIT_CONFIGURATION;
  g_autoptr(GPtrArray) opened = status_lanes_open(cli->conf, only, &error);
  if (!opened)
    return cli_fail(error);
  if (only && opened->len == 0)
    return no_such_lane(cli->conf, only);
  *lanes = g_steal_pointer(&opened);
  return CLI_EXIT_FINE;
}

void cli_file_clear(CliFile *found) {
  book_file_free(found->file);
  found->file = NULL;
}

CliExit cli_find_file(GPtrArray *lanes, const char *text, CliFile *found) {
  *found = (CliFile){0};
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    g_autoptr(GError) error = NULL;
    BookFile *file = lane->reader ? book_find_file(lane->reader, text, &error) : NULL;
    if (error) {
      cli_complain("%s", error->message);
      cli_file_clear(found);
      return sallyport_error_code(error) == SALLYPORT_ERROR_FILE ? CLI_EXIT_NOT_FOUND : CLI_EXIT_FAILED;
    }
    if (file && found->file) {
      cli_complain("%s is a file of lane %s (%s) and of lane %s (%s): give its whole number", text,
                   found->lane->conf->name, found->file->id, lane->conf->name, file->id);
      book_file_free(file);
      cli_file_clear(found);
      return CLI_EXIT_NOT_FOUND;
    }
    if (file)
      *found = (CliFile){.lane = lane, .file = file};
  }
  if (!found->file) {
    cli_complain("there is no file \"%s\": neither a number, the beginning of one (4 characters or more), nor a name; "
                 "`sallyport files` lists them",
                 text);
    return CLI_EXIT_NOT_FOUND;
  }
  for (guint i = 0; i < found->lane->conf->feeds->len; i++) {
    const ConfFeed *feed = found->lane->conf->feeds->pdata[i];
    if (strcmp(feed->name, found->file->feed) == 0)
      found->feed = feed;
  }
  return CLI_EXIT_FINE;
}

static CliExit exit_of_refusal(const char *code) {
  if (g_strcmp0(code, "file") == 0)
    return CLI_EXIT_REFUSED;
  if (g_strcmp0(code, "uncertain") == 0)
    return CLI_EXIT_UNCERTAIN;
  return CLI_EXIT_FAILED;
}

CliExit cli_ask(const StatusLane *lane, json_t *request, json_t **answer) {
  g_autoptr(GError) error = NULL;
  *answer = control_ask(lane->paths->control, request, &error);
  json_decref(request);
  if (!*answer && sallyport_error_code(error) == SALLYPORT_ERROR_AGAIN) {
    cli_complain("lane %s is not running (%s); start it with `sallyport run` or systemctl start sallyport",
                 lane->conf->name, error->message);
    return CLI_EXIT_NOT_RUNNING;
  }
  if (!*answer)
    return cli_fail(error);
  if (json_is_true(json_object_get(*answer, "ok")))
    return CLI_EXIT_FINE;
  const char *code = json_string_value(json_object_get(*answer, "code"));
  const char *message = json_string_value(json_object_get(*answer, "error"));
  cli_complain("lane %s: %s", lane->conf->name, message ? message : "refused without a reason");
  CliExit status = exit_of_refusal(code);
  json_decref(*answer);
  *answer = NULL;
  return status;
}

const char *cli_who(void) {
  const char *person = getenv("SUDO_USER");
  return person && *person ? person : g_get_user_name();
}

char *cli_shown(const char *value, gboolean hides, gboolean show) {
  return hides && !show ? cli_mask(value) : g_strdup(value);
}

char *cli_shown_amount(const Cli *cli, const StatusLedger *ledger, gint64 amount) {
  return ledger->hides_amount && !cli->options.unmask ? g_strdup("***") : cli_amount(cli->out, amount, ledger->scale);
}

void cli_json_shown_amount(const Cli *cli, json_t *object, const StatusLedger *ledger, gint64 amount) {
  if (ledger->hides_amount && !cli->options.unmask)
    cli_json_text(object, "amount", "***");
  else
    cli_json_amount(object, "amount", amount, ledger->scale);
}
