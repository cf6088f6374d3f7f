/* exchange: the mailboxes of the lanes, and what lies in them; from the books. */
#include "gateway/cli/books.h"
#include "store/exchange_requests.h"
#include <string.h>

enum { STANDARD_LIMIT = 50 };

typedef struct {
  char *state, *date;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, state, "state", 's', "STATE", "items, requests: only those that are in this state", CLI_VALUE_TEXT),
    CLI_TEXT(Given, date, "date", 'd', "DATE", "compare: the day on which items were put; today", CLI_VALUE_TEXT),
    {0},
};

typedef struct {
  Cli *cli;
  const StatusLane *lane;
  const ConfExchange *conf;
  ExchangeDirection direction;
  CliTable *table; /* NULL: lines */
  json_t *list;
  guint found;     /* show */
  gboolean differs; /* compare */
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

static json_t *item_json(const CliOutput *out, const ExchangeItem *item) {
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "mailbox", item->mailbox, "direction",
                             exchange_direction_word(item->direction), "id", item->id, "state",
                             exchange_state_word(item->state), "size", (json_int_t)item->size, "sha256", item->sha256);
#define PUT(member) cli_json_text(object, #member, item->member);
  EXCHANGE_DECLARED(PUT)
  EXCHANGE_TOLD(PUT)
  const struct {
    const char *name;
    gint64 at;
  } times[] = {{"begun_at", item->began_at},   {"put_at", item->put_at},
               {"listed_at", item->listed_at}, {"obtained_at", item->got_at},
               {"acknowledged_at", item->acknowledged_at}};
  for (guint i = 0; i < G_N_ELEMENTS(times); i++)
    cli_json_time(out, object, times[i].name, times[i].at);
  return object;
}

static void show_item(Shown *shown, const ExchangeItem *item) {
  const CliOutput *out = shown->cli->out;
  json_array_append_new(shown->list, item_json(out, item));
  cli_table_cell(shown->table, g_strdup(item->id));
  cli_table_cell(shown->table, g_strdup(exchange_direction_word(item->direction)));
  cli_table_cell(shown->table, g_strdup(exchange_state_word(item->state)));
  cli_table_cell(shown->table, cli_unsigned(out, item->size));
  cli_table_cell(shown->table, cli_time_brief(out, item->put_at));
  cli_table_cell(shown->table, cli_time_brief(out, item->acknowledged_at));
  cli_table_cell(shown->table, g_strdup(item->name));
}

static guint limit_of(const Shown *shown) {
  guint limit = cli_limit(shown->cli, STANDARD_LIMIT);
  return limit ? limit : G_MAXINT32;
}

static gboolean show_items(Shown *shown, GError **error) {
  const char *wanted = ((const Given *)shown->cli->own)->state;
  for (guint state = 0; state < EXCHANGE_N_STATES; state++) {
    if (wanted && strcmp(wanted, exchange_state_word((ExchangeState)state)) != 0)
      continue;
    ExchangeSince since = {shown->conf->name, shown->direction, (ExchangeState)state, G_MAXINT64,
                           limit_of(shown)};
    g_autoptr(GPtrArray) items = exchange_since(shown->lane->reader, &since, error);
    if (!items)
      return FALSE;
    for (guint i = 0; i < items->len; i++)
      show_item(shown, items->pdata[i]);
  }
  return TRUE;
}

/* --- show: one item, or two of one id, one in each direction */

static void print_item(const CliOutput *out, json_t *object) {
  const char *name;
  json_t *value;
  json_object_foreach(object, name, value)
    cli_line(out, name, json_is_string(value) ? g_strdup(json_string_value(value))
                                              : cli_number(out, json_integer_value(value)));
}

static gboolean show_one(Shown *shown, GError **error) {
  const CliOutput *out = shown->cli->out;
  g_autoptr(ExchangeItem) item = exchange_find_item(shown->lane->reader, shown->conf->name, shown->direction,
                                                    shown->cli->arguments[2], error);
  if (!item)
    return *error == NULL;
  json_t *object = item_json(out, item);
  if (!out->is_json)
    print_item(out, object);
  json_array_append_new(shown->list, object);
  shown->found++;
  return TRUE;
}

/* --- requests */

static void show_request(Shown *shown, const ExchangeRequest *request) {
  const CliOutput *out = shown->cli->out;
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I}", "mailbox", request->mailbox, "direction",
                             exchange_direction_word(request->direction), "id", request->id, "state",
                             request_state_word(request->state), "attempts", (json_int_t)request->attempts);
  cli_json_text(object, "answer", request->answer);
  cli_json_text(object, "reason", request->reason);
  cli_json_time(out, object, "asked_at", request->created_at);
  cli_json_time(out, object, "changed_at", request->changed_at);
  cli_json_time(out, object, "lease_until", request->lease_until);
  cli_json_time(out, object, "deferred_since", request->deferred_since);
  json_array_append_new(shown->list, object);
  gboolean is_deferred = request->deferred_since && request->state == REQUEST_TAKEN;
  cli_table_cell(shown->table, g_strdup(request->id));
  cli_table_cell(shown->table, g_strdup(exchange_direction_word(request->direction)));
  cli_table_cell(shown->table, g_strdup(request_state_word(request->state)));
  cli_table_cell(shown->table, cli_time_brief(out, request->created_at));
  cli_table_cell(shown->table, cli_number(out, request->attempts));
  cli_table_cell(shown->table, g_strdup(is_deferred       ? "waits for an idle source"
                                        : request->answer ? request->answer
                                                          : request->reason));
}

static gboolean show_requests(Shown *shown, GError **error) {
  const char *wanted = ((const Given *)shown->cli->own)->state;
  for (guint state = 0; state < REQUEST_N_STATES; state++) {
    if (wanted && strcmp(wanted, request_state_word((RequestState)state)) != 0)
      continue;
    g_autoptr(GPtrArray) requests = exchange_requests(shown->lane->reader, shown->conf->name, shown->direction,
                                                      (RequestState)state, limit_of(shown), error);
    if (!requests)
      return FALSE;
    for (guint i = 0; i < requests->len; i++)
      show_request(shown, requests->pdata[i]);
  }
  return TRUE;
}

/* --- compare: what was put on a day against what was said of it when it was acknowledged */

typedef struct {
  gint64 put, acknowledged, waiting, expired, uncounted; /* items */
  json_t *differing;
} Compared;

static void compare_item(const CliOutput *out, Compared *compared, const ExchangeItem *item) {
  gboolean is_acknowledged = item->state == EXCHANGE_ACKNOWLEDGED || item->state == EXCHANGE_REMOVED,
           is_counted = item->ack_records || item->ack_totals,
           differs = (item->ack_records && g_strcmp0(item->records, item->ack_records) != 0) ||
                     (item->ack_totals && g_strcmp0(item->totals, item->ack_totals) != 0);
  compared->put++;
  compared->acknowledged += is_acknowledged;
  compared->waiting += item->state == EXCHANGE_STORED || item->state == EXCHANGE_LISTED;
  compared->expired += item->state == EXCHANGE_EXPIRED;
  compared->uncounted += is_acknowledged && !is_counted && (item->records || item->totals);
  if (differs)
    json_array_append_new(compared->differing, item_json(out, item));
}

static gboolean read_day(Shown *shown, gint64 from, Compared *compared, GError **error) {
  g_autoptr(GDateTime) begins = g_date_time_new_from_unix_utc(from / G_USEC_PER_SEC);
  g_autoptr(GDateTime) local = g_date_time_to_timezone(begins, shown->cli->out->time_zone);
  g_autoptr(GDateTime) ends = g_date_time_add_days(local, 1);
  ExchangeBetween between = {.mailbox = shown->conf->name,
                             .direction = shown->direction,
                             .from = from,
                             .to = g_date_time_to_unix(ends) * G_USEC_PER_SEC,
                             .limit = 1000};
  for (guint n = between.limit; n == between.limit;) {
    g_autoptr(GPtrArray) items = exchange_put_between(shown->lane->reader, &between, error);
    if (!items)
      return FALSE;
    n = items->len;
    for (guint i = 0; i < n; i++)
      compare_item(shown->cli->out, compared, items->pdata[i]);
    between.after = n ? ((const ExchangeItem *)items->pdata[n - 1])->seq : 0;
  }
  return TRUE;
}

static gboolean compare_flow(Shown *shown, GError **error) {
  const char *date = ((const Given *)shown->cli->own)->date;
  const CliOutput *out = shown->cli->out;
  Compared compared = {.differing = json_array()};
  gint64 from;
  if (!cli_parse_time(out, date ? date : "today", g_get_real_time(), &from))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "--date %s is no day, such as 2026-11-20", date);
  gboolean ok = read_day(shown, from, &compared, error);
  gint64 differing = (gint64)json_array_size(compared.differing);
  const gint64 counts[] = {compared.put,     compared.acknowledged, compared.waiting,
                            compared.expired, compared.uncounted,    differing};
  static const char *const names[] = {"put", "acknowledged", "waiting", "expired", "uncounted", "differing"};
  json_t *object = json_pack("{s:s, s:s}", "mailbox", shown->conf->name, "direction",
                             exchange_direction_word(shown->direction));
  cli_table_cell(shown->table, g_strdup(shown->conf->name));
  cli_table_cell(shown->table, g_strdup(exchange_direction_word(shown->direction)));
  for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
    json_object_set_new(object, names[i], json_integer(counts[i]));
    cli_table_coloured(shown->table, cli_number(out, counts[i]), i == 5 && counts[i] ? CLI_RED : CLI_PLAIN);
  }
  json_object_set_new(object, "items", compared.differing);
  json_array_append_new(shown->list, object);
  shown->differs |= differing > 0 || compared.put != compared.acknowledged + compared.waiting + compared.expired;
  return ok;
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
  cli_complain("there is no mailbox \"%s\" whose lane has run: `sallyport exchange list` shows them", name);
  return CLI_EXIT_NOT_FOUND;
}

/* --- new-epoch */

static CliExit new_epoch(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  for (guint i = 0; exit == CLI_EXIT_FINE && i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    for (guint j = 0; lane->conf->exchanges && j < lane->conf->exchanges->len; j++) {
      const ConfExchange *conf = lane->conf->exchanges->pdata[j];
      json_t *answer = NULL;
      if (strcmp(conf->name, cli->arguments[1]) != 0)
        continue;
      exit = cli_ask(lane, json_pack("{s:s, s:s, s:s}", "do", "exchange-new-epoch", "mailbox", conf->name, "by",
                                     cli_who()), &answer);
      json_decref(answer);
      return exit;
    }
  }
  if (exit == CLI_EXIT_FINE)
    cli_complain("there is no mailbox \"%s\"", cli->arguments[1]);
  return exit == CLI_EXIT_FINE ? CLI_EXIT_NOT_FOUND : exit;
}

/* --- The verbs */

static const CliColumn flow_columns[] = {
    {"MAILBOX", CLI_LEFT, CLI_SHRINKS},      {"DIRECTION", CLI_LEFT, CLI_WHOLE},
    {"TO", CLI_LEFT, CLI_SHRINKS},           {"RECEIVING", CLI_RIGHT, CLI_DROPPED(1)},
    {"WAITING", CLI_RIGHT, CLI_WHOLE},       {"ACKNOWLEDGED", CLI_RIGHT, CLI_WHOLE},
    {"EXPIRED", CLI_RIGHT, CLI_WHOLE}};
static const CliColumn item_columns[] = {
    {"ITEM", CLI_LEFT, CLI_WHOLE},           {"DIRECTION", CLI_LEFT, CLI_DROPPED(2)},
    {"STATE", CLI_LEFT, CLI_WHOLE},          {"BYTES", CLI_RIGHT, CLI_WHOLE},
    {"PUT", CLI_LEFT, CLI_WHOLE},            {"ACKNOWLEDGED", CLI_LEFT, CLI_DROPPED(1)},
    {"NAME", CLI_LEFT, CLI_SHRINKS}};
static const CliColumn request_columns[] = {
    {"REQUEST", CLI_LEFT, CLI_WHOLE}, {"DIRECTION", CLI_LEFT, CLI_DROPPED(1)}, {"STATE", CLI_LEFT, CLI_WHOLE},
    {"ASKED", CLI_LEFT, CLI_WHOLE},   {"TAKEN", CLI_RIGHT, CLI_WHOLE},         {"ANSWER", CLI_LEFT, CLI_SHRINKS}};
static const CliColumn compare_columns[] = {
    {"MAILBOX", CLI_LEFT, CLI_SHRINKS},       {"DIRECTION", CLI_LEFT, CLI_WHOLE}, {"PUT", CLI_RIGHT, CLI_WHOLE},
    {"ACKNOWLEDGED", CLI_RIGHT, CLI_WHOLE},   {"WAITING", CLI_RIGHT, CLI_WHOLE},  {"EXPIRED", CLI_RIGHT, CLI_WHOLE},
    {"UNCOUNTED", CLI_RIGHT, CLI_DROPPED(1)}, {"DIFFERING", CLI_RIGHT, CLI_WHOLE}};

typedef struct {
  const char *word, *list; /* the list's name in JSON */
  const CliColumn *columns;
  guint n_columns;
  guint least, most; /* arguments */
  gboolean (*one)(Shown *shown, GError **error);
} Verb;
#define COLUMNS(columns) columns, G_N_ELEMENTS(columns)
static const Verb verb_rows[] = {
    {"list", "mailboxes", COLUMNS(flow_columns), 1, 2, show_flow},
    {"items", "items", COLUMNS(item_columns), 2, 2, show_items},
    {"show", "items", NULL, 0, 3, 3, show_one},
    {"requests", "requests", COLUMNS(request_columns), 2, 2, show_requests},
    {"compare", "compared", COLUMNS(compare_columns), 1, 2, compare_flow},
};

static CliExit exit_of(const Shown *shown, const Verb *verb, CliExit exit) {
  if (exit != CLI_EXIT_FINE || verb->one != show_one || shown->found > 0)
    return exit == CLI_EXIT_FINE && shown->differs ? CLI_EXIT_CORRUPT : exit;
  cli_complain("mailbox \"%s\" has no item \"%s\"", shown->cli->arguments[1], shown->cli->arguments[2]);
  return CLI_EXIT_NOT_FOUND;
}

static CliExit show(Cli *cli, const Verb *verb) {
  g_autoptr(GPtrArray) lanes = NULL;
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  Shown shown = {.cli = cli, .list = json_array()};
  shown.table = verb->columns ? cli_table_new(verb->columns, verb->n_columns) : NULL;
  exit = show_all(&shown, lanes, cli->n_arguments > 1 ? cli->arguments[1] : NULL, verb->one);
  if (exit == CLI_EXIT_FINE && cli->out->is_json)
    cli_json(cli->out, json_pack("{s:O}", verb->list, shown.list));
  else if (exit == CLI_EXIT_FINE && shown.table)
    cli_table_print(g_steal_pointer(&shown.table), cli->out);
  g_clear_pointer(&shown.table, cli_table_free);
  exit = exit_of(&shown, verb, exit);
  json_decref(shown.list);
  return exit;
}

static CliExit exchange_command(Cli *cli) {
  const char *word = cli->arguments[0];
  for (guint i = 0; i < G_N_ELEMENTS(verb_rows); i++)
    if (strcmp(word, verb_rows[i].word) == 0 && cli->n_arguments >= verb_rows[i].least &&
        cli->n_arguments <= verb_rows[i].most)
      return show(cli, &verb_rows[i]);
  if (strcmp(word, "new-epoch") == 0 && cli->n_arguments == 2)
    return new_epoch(cli);
  cli_complain("exchange %s: list [MAILBOX], items MAILBOX, show MAILBOX ITEM, requests MAILBOX, compare [MAILBOX], or "
               "new-epoch MAILBOX; sallyport exchange --help tells more",
               word);
  return CLI_EXIT_USAGE;
}

static const char *const verbs[] = {"list", "items", "show", "requests", "compare", "new-epoch", NULL};
const CliCommand cli_command_exchange = {
    .name = "exchange",
    .arguments = "list|items|show|requests|compare|new-epoch [MAILBOX [ITEM]]",
    .least = 1,
    .most = 3,
    .verbs = verbs,
    .shared = CLI_LANE | CLI_LIMIT,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "mailboxes between two partners, and what lies in them",
    .text = "list shows how many items wait, were acknowledged or expired, in each direction: forward is from the "
            "source to the\n"
            "consumer. items and requests show them, oldest first in each state, show all that is known of one item.\n"
            "compare counts what was put on a day, and holds the records and totals that were declared of each item\n"
            "against those that were told when it was acknowledged; where they differ it ends with 11.\n"
            "new-epoch makes all cursors void: after a book was restored, so that both ends begin anew.\n\n"
            "  sallyport exchange list\n"
            "  sallyport exchange items medical-claims --state expired\n"
            "  sallyport exchange compare medical-claims --date 2026-11-20\n",
    .run = exchange_command,
};
