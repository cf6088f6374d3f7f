/* balance and entries: the lanes' ledgers. */
#include "gateway/cli/books.h"

/* --- Balance. */

typedef struct {
  const StatusLedger *ledger;
  gint64 balance;
  guint64 entries;
} Balance;

static gboolean read_balances(GPtrArray *lanes, const char *account, GArray *balances, GError **error) {
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    for (guint j = 0; j < lane->ledgers->len; j++) {
      Balance balance = {.ledger = lane->ledgers->pdata[j]};
      gboolean exists = FALSE;
      if (!status_ledger_balance(balance.ledger, account, &exists, &balance.balance, &balance.entries, error))
        return FALSE;
      if (exists)
        g_array_append_val(balances, balance);
    }
  }
  return TRUE;
}

static void print_balances_json(const CliOutput *out, const char *account, GArray *balances) {
  json_t *list = json_array(), *object = json_object();
  cli_json_text(object, "account", account);
  for (guint i = 0; i < balances->len; i++) {
    const Balance *balance = &g_array_index(balances, Balance, i);
    json_t *row = json_pack("{s:s, s:s, s:I}", "lane", balance->ledger->lane->conf->name, "ledger",
                            balance->ledger->name, "entries", (json_int_t)balance->entries);
    json_object_set_new(row, "configured", json_boolean(balance->ledger->feed));
    cli_json_amount(row, "balance", balance->balance, balance->ledger->scale);
    json_array_append_new(list, row);
    /* Balances of different ledgers are different things: only a single one is the account's. */
    if (balances->len == 1)
      cli_json_amount(object, "balance", balance->balance, balance->ledger->scale);
  }
  json_object_set_new(object, "balances", list);
  cli_json(out, object);
}

static void print_balances(const CliOutput *out, GArray *balances) {
  static const CliColumn columns[] = {{"LANE", CLI_LEFT, CLI_WHOLE},
                                      {"LEDGER", CLI_LEFT, CLI_WHOLE},
                                      {"ENTRIES", CLI_RIGHT, CLI_WHOLE},
                                      {"BALANCE", CLI_RIGHT, CLI_WHOLE}};
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < balances->len; i++) {
    const Balance *balance = &g_array_index(balances, Balance, i);
    cli_table_cell(table, g_strdup(balance->ledger->lane->conf->name));
    cli_table_cell(table, g_strdup(balance->ledger->name));
    cli_table_cell(table, cli_unsigned(out, balance->entries));
    cli_table_cell(table, cli_amount(out, balance->balance, balance->ledger->scale));
  }
  cli_table_print(table, out);
}

static CliExit balance_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GArray) balances = g_array_new(FALSE, FALSE, sizeof(Balance));
  const char *account = cli->arguments[0];
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit != CLI_EXIT_FINE)
    return exit;
  cli_tell_unconfigured(lanes);
  if (!read_balances(lanes, account, balances, &error))
    return cli_fail(error);
  if (balances->len == 0) {
    cli_complain("no ledger has an entry of account \"%s\"", account);
    return CLI_EXIT_NOT_FOUND;
  }
  if (cli->out->is_json)
    print_balances_json(cli->out, account, balances);
  else
    print_balances(cli->out, balances);
  return CLI_EXIT_FINE;
}

/* --- Entries: a ledger can be large, so JSON is written as it is read, and tables hold at most what was asked for. */

typedef struct {
  const Cli *cli;
  const StatusLedger *ledger;
  CliTable *table;
  guint64 count;
} Listing;

static json_t *entry_json(const Cli *cli, const StatusLedger *ledger, const LedgerEntry *entry) {
  g_autofree char *key = cli_shown(entry->key, ledger->hides_key, cli->options.unmask);
  g_autofree char *account = cli_shown(entry->account, ledger->hides_account, cli->options.unmask);
  json_t *object = json_pack("{s:I, s:s, s:s, s:I, s:i}", "id", (json_int_t)entry->id, "lane", ledger->lane->conf->name,
                             "ledger", ledger->name, "line", (json_int_t)entry->line, "batch",
                             (int)entry->batch);
  cli_json_text(object, "key", key);
  cli_json_text(object, "account", account);
  cli_json_shown_amount(cli, object, ledger, entry->amount);
  cli_json_text(object, "business_date", entry->business_date);
  cli_json_text(object, "file", entry->file);
  cli_json_time(cli->out, object, "posted_at", entry->posted_at);
  return object;
}

static gboolean write_entry(gpointer user, const LedgerEntry *entry) {
  Listing *listing = user;
  json_t *object = entry_json(listing->cli, listing->ledger, entry);
  fputs(listing->count++ ? ",\n" : "\n", listing->cli->out->file);
  json_dumpf(object, listing->cli->out->file, JSON_COMPACT);
  json_decref(object);
  return !ferror(listing->cli->out->file);
}

static gboolean add_entry(gpointer user, const LedgerEntry *entry) {
  Listing *listing = user;
  const CliOutput *out = listing->cli->out;
  const StatusLedger *ledger = listing->ledger;
  gboolean unmask = listing->cli->options.unmask;
  listing->count++;
  cli_table_cell(listing->table, g_strdup_printf("%" G_GINT64_FORMAT, entry->id));
  cli_table_cell(listing->table, cli_time_brief(out, entry->posted_at));
  cli_table_cell(listing->table, cli_shown(entry->account, ledger->hides_account, unmask));
  cli_table_cell(listing->table, cli_shown_amount(listing->cli, ledger, entry->amount));
  cli_table_cell(listing->table, cli_shown(entry->key, ledger->hides_key, unmask));
  cli_table_cell(listing->table, g_strdup(entry->business_date));
  cli_table_cell(listing->table, g_strdup_printf("%s:%" G_GUINT64_FORMAT, entry->file, entry->line));
  return TRUE;
}

static gboolean visit_ledgers(GPtrArray *lanes, LedgerFilter filter, Listing *listing, LedgerEntryVisit visit,
                              GError **error) {
  guint64 limit = filter.limit;
  for (guint i = 0; i < lanes->len; i++) {
    const StatusLane *lane = lanes->pdata[i];
    for (guint j = 0; j < lane->ledgers->len; j++) {
      if (limit && listing->count >= limit)
        return TRUE;
      filter.limit = limit ? limit - listing->count : 0;
      listing->ledger = lane->ledgers->pdata[j];
      if (!status_ledger_entries(listing->ledger, &filter, visit, listing, error))
        return FALSE;
    }
  }
  return TRUE;
}

static CliExit list_json(Cli *cli, GPtrArray *lanes, const LedgerFilter *filter) {
  g_autoptr(GError) error = NULL;
  Listing listing = {.cli = cli};
  fputs("{\"entries\":[", cli->out->file);
  if (!visit_ledgers(lanes, *filter, &listing, write_entry, &error))
    return cli_fail(error); /* what was written is cut short, and does not parse: nobody takes it for all */
  fputs("]}\n", cli->out->file);
  return CLI_EXIT_FINE;
}

static CliExit list_table(Cli *cli, GPtrArray *lanes, const LedgerFilter *filter) {
  static const CliColumn columns[] = {{"ENTRY", CLI_LEFT, CLI_WHOLE},     {"CREDITED", CLI_LEFT, CLI_DROPPED(2)},
                                      {"ACCOUNT", CLI_LEFT, CLI_SHRINKS}, {"AMOUNT", CLI_RIGHT, CLI_WHOLE},
                                      {"KEY", CLI_LEFT, CLI_SHRINKS},     {"DATE", CLI_LEFT, CLI_DROPPED(1)},
                                      {"FILE:LINE", CLI_LEFT, CLI_WHOLE}};
  g_autoptr(GError) error = NULL;
  Listing listing = {.cli = cli, .table = cli_table_new(columns, G_N_ELEMENTS(columns))};
  gboolean ok = visit_ledgers(lanes, *filter, &listing, add_entry, &error);
  cli_table_print(listing.table, cli->out);
  if (!ok)
    return cli_fail(error);
  if (cli->out->is_terminal && cli->options.limit < 0 && filter->limit && listing.count == filter->limit)
    fprintf(cli->out->file, "The first %" G_GUINT64_FORMAT "; --limit 0 shows all.\n", listing.count);
  return CLI_EXIT_FINE;
}

typedef struct {
  char *account, *key, *file;
} Wanted;
static const CliOption options[] = {
    CLI_TEXT(Wanted, account, "account", 0, "ACCOUNT", "only this account", CLI_VALUE_TEXT),
    CLI_TEXT(Wanted, key, "key", 0, "KEY", "the record with this key", CLI_VALUE_TEXT),
    CLI_TEXT(Wanted, file, "file", 0, "FILE", "only what this file brought", CLI_VALUE_FILE),
    {0}};

static CliExit entries_command(Cli *cli) {
  g_autoptr(GPtrArray) lanes = NULL;
  const Wanted *wanted = cli->own;
  guint limit = cli_limit(cli, 100);
  LedgerFilter filter = {.account = wanted->account, .key = wanted->key, .limit = limit == G_MAXUINT ? 0 : limit};
  CliFile found = {0};
  CliExit exit = cli_lanes(cli, &lanes);
  if (exit == CLI_EXIT_FINE)
    cli_tell_unconfigured(lanes);
  if (exit == CLI_EXIT_FINE && wanted->file)
    exit = cli_find_file(lanes, wanted->file, &found);
  if (exit != CLI_EXIT_FINE)
    return exit;
  filter.file = found.file ? found.file->id : NULL;
  exit = cli->out->is_json ? list_json(cli, lanes, &filter) : list_table(cli, lanes, &filter);
  cli_file_clear(&found);
  return exit;
}

const CliCommand cli_command_balance = {
    .name = "balance",
    .arguments = "ACCOUNT",
    .least = 1,
    .most = 1,
    .shared = CLI_LANE,
    .summary = "an account's balance",
    .text = "\n"
            "  sallyport balance 6222020000000017\n",
    .run = balance_command,
};

const CliCommand cli_command_entries = {
    .name = "entries",
    .shared = CLI_LANE | CLI_LIMIT | CLI_UNMASK,
    .own = options,
    .own_size = sizeof(Wanted),
    .summary = "credits in the ledger",
    .text = "Shows 100 unless --limit says otherwise (0: all); all with --json.\n\n"
            "  sallyport entries --account 6222020000000017\n"
            "  sallyport entries --file 0k3x9 --limit 0 --json\n",
    .run = entries_command,
};
