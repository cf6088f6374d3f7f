/* exchange: the mailboxes of the lanes, and what lies in them; from the books. */
#include "gateway/cli/books.h"
#include "store/exchange.h"
#include <string.h>

enum { STANDARD_LIMIT = 50 };

typedef struct {
  char *state;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, state, "state", 's', "STATE", "items: only those that are receiving, stored, listed, acknowledged, "
             "removed, abandoned or expired", CLI_VALUE_TEXT),
    {0},
};

typedef struct {
  Cli *cli;
  const StatusLane *lane;
  const ConfExchange *conf;
  ExchangeDirection direction;
  CliTable *table;
  json_t *list;
} Shown;

/* --- list */

static gboolean show_flow(Shown *shown, GError **error) {
  ExchangeTally tally;
  const CliOutput *out = shown->cli->out;
  if (!exchange_tally(shown->lane->reader, shown->conf->name, shown->direction, &tally, error))
    return FALSE;
  gint64 waiting = tally.counts[EXCHANGE_STORED] + tally.counts[EXCHANGE_LISTED];
  json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "lane", shown->lane->conf->name, "mailbox", shown->conf->name,
                             "direction", exchange_direction_word(shown->direction), "to",
                             shown->direction == EXCHANGE_FORWARD ? shown->conf->consumer : shown->conf->source);
  for (guint state = 0; state < EXCHANGE_N_STATES; state++)
    json_object_set_new(object, exchange_state_word((ExchangeState)state), json_integer(tally.counts[state]));
  json_array_append_new(shown->list, object);
  cli_table_cell(shown->table, g_strdup(shown->conf->name));
  cli_table_cell(shown->table, g_strdup(exchange_direction_word(shown->direction)));
  cli_table_cell(shown->table, g_strdup(json_string_value(json_object_get(object, "to"))));
  cli_table_cell(shown->table, cli_number(out, tally.counts[EXCHANGE_RECEIVING]));
  cli_table_cell(shown->table, cli_number(out, waiting));
  cli_table_cell(shown->table, cli_number(out, tally.counts[EXCHANGE_ACKNOWLEDGED] + tally.counts[EXCHANGE_REMOVED]));
  cli_table_coloured(shown->table, cli_number(out, tally.counts[EXCHANGE_EXPIRED]),
                     tally.counts[EXCHANGE_EXPIRED] ? CLI_RED : CLI_PLAIN);
  return TRUE;
}

/* --- items */

static void show_item(Shown *shown, const ExchangeItem *item) {
  const CliOutput *out = shown->cli->out;
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "mailbox", item->mailbox, "direction",
                             exchange_direction_word(item->direction), "id", item->id, "state",
                             exchange_state_word(item->state), "size", (json_int_t)item->size, "sha256", item->sha256);
#define PUT(member) cli_json_text(object, #member, item->member);
  EXCHANGE_DECLARED(PUT)
  const struct {
    const char *name;
    gint64 at;
  } times[] = {{"begun_at", item->began_at},   {"put_at", item->put_at},
               {"listed_at", item->listed_at}, {"obtained_at", item->got_at},
               {"acknowledged_at", item->acknowledged_at}};
  for (guint i = 0; i < G_N_ELEMENTS(times); i++)
    cli_json_time(out, object, times[i].name, times[i].at);
  json_array_append_new(shown->list, object);
  cli_table_cell(shown->table, g_strdup(item->id));
  cli_table_cell(shown->table, g_strdup(exchange_direction_word(item->direction)));
  cli_table_cell(shown->table, g_strdup(exchange_state_word(item->state)));
  cli_table_cell(shown->table, cli_unsigned(out, item->size));
  cli_table_cell(shown->table, cli_time_brief(out, item->put_at));
  cli_table_cell(shown->table, cli_time_brief(out, item->acknowledged_at));
  cli_table_cell(shown->table, g_strdup(item->name));
}

static gboolean show_items(Shown *shown, GError **error) {
  const char *wanted = ((const Given *)shown->cli->own)->state;
  for (guint state = 0; state < EXCHANGE_N_STATES; state++) {
    if (wanted && strcmp(wanted, exchange_state_word((ExchangeState)state)) != 0)
      continue;
    ExchangeSince since = {shown->conf->name, shown->direction, (ExchangeState)state, G_MAXINT64,
                           cli_limit(shown->cli, STANDARD_LIMIT)};
    since.limit = since.limit ? since.limit : G_MAXINT32;
    g_autoptr(GPtrArray) items = exchange_since(shown->lane->reader, &since, error);
    if (!items)
      return FALSE;
    for (guint i = 0; i < items->len; i++)
      show_item(shown, items->pdata[i]);
  }
  return TRUE;
}

/* --- Both */

/* All mailboxes, or the one of that name, both ways. */
static CliExit show_all(Shown *shown, GPtrArray *lanes, const char *name, gboolean (*show)(Shown *, GError **)) {
  guint found = 0;
  for (guint i = 0; i < lanes->len; i++) {
    shown->lane = lanes->pdata[i];
    const GPtrArray *exchanges = shown->lane->conf->exchanges;
    for (guint j = 0; exchanges && shown->lane->reader && j < exchanges->len; j++) {
      shown->conf = exchanges->pdata[j];
      g_autoptr(GError) error = NULL;
      if (name && strcmp(name, shown->conf->name) != 0)
        continue;
      found++;
      for (guint direction = 0; direction < 2; direction++) {
        shown->direction = (ExchangeDirection)direction;
        if (!show(shown, &error))
          return cli_fail(error);
      }
    }
  }
  if (found > 0 || !name)
    return CLI_EXIT_FINE;
  cli_complain("there is no mailbox \"%s\" whose lane has run", name);
  return CLI_EXIT_REFUSED;
}

static CliExit show(Cli *cli, const CliColumn *columns, guint n_columns, gboolean (*one)(Shown *, GError **)) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  Shown shown = {.cli = cli, .table = cli_table_new(columns, n_columns), .list = json_array()};
  exit = show_all(&shown, lanes, cli->n_arguments > 1 ? cli->arguments[1] : NULL, one);
  if (exit == CLI_EXIT_FINE && cli->out->is_json) {
    cli_json(cli->out, json_pack("{s:O}", one == show_flow ? "mailboxes" : "items", shown.list));
    cli_table_free(shown.table);
  } else if (exit == CLI_EXIT_FINE) {
    cli_table_print(shown.table, cli->out);
  } else {
    cli_table_free(shown.table);
  }
  json_decref(shown.list);
  return exit;
}

static CliExit exchange_command(Cli *cli) {
  static const CliColumn flows[] = {{"MAILBOX", CLI_LEFT, CLI_SHRINKS},      {"DIRECTION", CLI_LEFT, CLI_WHOLE},
                                    {"TO", CLI_LEFT, CLI_SHRINKS},           {"RECEIVING", CLI_RIGHT, CLI_DROPPED(1)},
                                    {"WAITING", CLI_RIGHT, CLI_WHOLE},       {"ACKNOWLEDGED", CLI_RIGHT, CLI_WHOLE},
                                    {"EXPIRED", CLI_RIGHT, CLI_WHOLE}},
                         items[] = {{"ITEM", CLI_LEFT, CLI_WHOLE},           {"DIRECTION", CLI_LEFT, CLI_DROPPED(2)},
                                    {"STATE", CLI_LEFT, CLI_WHOLE},          {"BYTES", CLI_RIGHT, CLI_WHOLE},
                                    {"PUT", CLI_LEFT, CLI_WHOLE},            {"ACKNOWLEDGED", CLI_LEFT, CLI_DROPPED(1)},
                                    {"NAME", CLI_LEFT, CLI_SHRINKS}};
  const char *verb = cli->arguments[0];
  if (strcmp(verb, "list") == 0)
    return show(cli, flows, G_N_ELEMENTS(flows), show_flow);
  if (strcmp(verb, "items") == 0 && cli->n_arguments == 2)
    return show(cli, items, G_N_ELEMENTS(items), show_items);
  cli_complain("exchange %s: list [MAILBOX], or items MAILBOX; sallyport exchange --help tells more", verb);
  return CLI_EXIT_USAGE;
}

static const char *const verbs[] = {"list", "items", NULL};
const CliCommand cli_command_exchange = {
    .name = "exchange",
    .arguments = "list [MAILBOX]|items MAILBOX",
    .least = 1,
    .most = 2,
    .verbs = verbs,
    .shared = CLI_LANE | CLI_LIMIT,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "mailboxes between two partners, and what lies in them",
    .text = "list shows how many items wait, were acknowledged or expired, in each direction: forward is from the "
            "source to the\n"
            "consumer. items shows them, oldest first in each state.\n\n"
            "  sallyport exchange list\n"
            "  sallyport exchange items medical-claims --state expired\n",
    .run = exchange_command,
};
