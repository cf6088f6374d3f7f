#include "gateway/cli/books.h"
#include "gateway/common/control.h"
#include "gateway/records/layout.h"
#include <stdlib.h>
#include <string.h>

static void ledger_free(gpointer data) {
  CliLedger *ledger = data;
  ledger_reader_close(ledger->reader);
  g_free(ledger->name);
  g_free(ledger);
}

static void lane_free(gpointer data) {
  CliLane *lane = data;
  g_ptr_array_unref(lane->ledgers);
  book_reader_close(lane->reader);
  lane_paths_free(lane->paths);
  book_holdings_free(lane->holdings);
  if (lane->own) {
    g_ptr_array_unref(lane->own->feeds);
    g_ptr_array_unref(lane->own->reconciles);
    g_free(lane->own->name);
  }
  g_free(lane->own);
  g_free(lane->problem);
  g_free(lane);
}

static const ConfField *record_field(const Conf *conf, const ConfFeed *feed, const char *name) {
  const ConfLayout *layout = feed ? conf_layout(conf, feed->layout) : NULL;
  return layout ? conf_line_field(&layout->record, name) : NULL;
}

guint cli_feed_scale(const Conf *conf, const ConfFeed *feed) {
  const ConfField *amount = feed ? record_field(conf, feed, feed->ledger.amount) : NULL;
  return amount && amount->type == CONF_DECIMAL ? amount->scale : 0;
}

/* --- Look-ups by either spelling. */

/* NULL: text is NULL, or no value of the field. */
static char *kept_as(const Conf *conf, const ConfFeed *feed, const char *name, const char *text) {
  const ConfField *field = text ? record_field(conf, feed, name) : NULL;
  return field ? value_kept_as(field, text) : NULL;
}

typedef struct {
  LedgerEntryVisit visit;
  gpointer user;
  guint64 seen;
} Seen;

static gboolean see(gpointer user, const LedgerEntry *entry) {
  Seen *seen = user;
  seen->seen++;
  return seen->visit(seen->user, entry);
}

gboolean cli_ledger_entries(const CliLedger *ledger, const LedgerFilter *filter, LedgerEntryVisit visit, gpointer user,
                            GError **error) {
  Seen seen = {visit, user, 0};
  gboolean ok = ledger_entries(ledger->reader, filter, see, &seen, error);
  const GPtrArray *feeds = ledger->lane->conf->feeds;
  for (guint i = 0; ok && seen.seen == 0 && (filter->key || filter->account) && i < feeds->len; i++) {
    const ConfFeed *feed = feeds->pdata[i];
    LedgerFilter other = *filter;
    g_autofree char *key = kept_as(ledger->site, feed, feed->key, filter->key);
    g_autofree char *account = kept_as(ledger->site, feed, feed->ledger.account, filter->account);
    other.key = key;
    other.account = account;
    gboolean is_other = g_strcmp0(key, filter->key) != 0 || g_strcmp0(account, filter->account) != 0;
    if (g_strcmp0(feed->ledger.name, ledger->name) == 0 && is_other && !key == !filter->key &&
        !account == !filter->account)
      ok = ledger_entries(ledger->reader, &other, see, &seen, error);
  }
  return ok;
}

gboolean cli_ledger_balance(const CliLedger *ledger, const char *account, gboolean *exists, gint64 *balance,
                            guint64 *entries, GError **error) {
  gboolean ok = ledger_balance(ledger->reader, account, exists, balance, entries, error);
  const GPtrArray *feeds = ledger->lane->conf->feeds;
  for (guint i = 0; ok && !*exists && i < feeds->len; i++) {
    const ConfFeed *feed = feeds->pdata[i];
    g_autofree char *kept = kept_as(ledger->site, feed, feed->ledger.account, account);
    if (kept && g_strcmp0(feed->ledger.name, ledger->name) == 0 && strcmp(kept, account) != 0)
      ok = ledger_balance(ledger->reader, kept, exists, balance, entries, error);
  }
  return ok;
}

static gboolean is_masked(const Conf *conf, const ConfFeed *feed, const char *name) {
  const ConfField *field = record_field(conf, feed, name);
  return field && field->mask;
}

static CliLedger *find_ledger(const CliLane *lane, const char *name) {
  for (guint i = 0; i < lane->ledgers->len; i++) {
    CliLedger *ledger = lane->ledgers->pdata[i];
    if (strcmp(ledger->name, name) == 0)
      return ledger;
  }
  return NULL;
}

/* An entry does not say which feed brought it: what one of them hides is hidden of all. */
static void add_masks(const Conf *conf, CliLedger *ledger, const ConfFeed *feed) {
  ledger->hides_account |= is_masked(conf, feed, feed->ledger.account);
  ledger->hides_amount |= is_masked(conf, feed, feed->ledger.amount);
  ledger->hides_key |= is_masked(conf, feed, feed->key);
}

/* A ledger that was never posted to has no files yet: that is no fault. `feed` NULL: no feed of the configuration
 * credits it; then no layout says what of it may be shown. */
static gboolean open_ledger(const Conf *conf, CliLane *lane, const char *name, const ConfFeed *feed, GError **error) {
  g_autofree char *first = g_strdup_printf("%s/%s.ledger-0.db", lane->paths->folder, name);
  LedgerFacts facts;
  if (!g_file_test(first, G_FILE_TEST_EXISTS))
    return TRUE;
  LedgerReader *reader = ledger_reader_open(lane->paths->folder, name, error);
  if (!reader)
    return FALSE;
  CliLedger *ledger = g_new0(CliLedger, 1);
  *ledger = (CliLedger){.lane = lane, .site = conf, .name = g_strdup(name), .feed = feed, .reader = reader};
  ledger->hides_account = ledger->hides_key = ledger->hides_amount = !feed;
  g_ptr_array_add(lane->ledgers, ledger);
  if (!ledger_facts_read(lane->paths->folder, name, &facts, error))
    return FALSE;
  ledger->scale = facts.has_scale ? facts.scale : cli_feed_scale(conf, feed);
  return TRUE;
}

static gboolean open_configured(const Conf *conf, CliLane *lane, GError **error) {
  for (guint i = 0; i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    const char *name = feed->ledger.name;
    if (name && !find_ledger(lane, name) && !open_ledger(conf, lane, name, feed, error))
      return FALSE;
    CliLedger *ledger = name ? find_ledger(lane, name) : NULL;
    if (ledger)
      add_masks(conf, ledger, feed);
  }
  return TRUE;
}

/* Those that no feed of the configuration credits. */
static gboolean open_others(const Conf *conf, CliLane *lane, const HeldLane *held, GError **error) {
  for (guint i = 0; held && i < held->ledgers->len; i++) {
    const HeldLedger *ledger = held->ledgers->pdata[i];
    if (ledger->facts.entries > 0 && !find_ledger(lane, ledger->name) &&
        !open_ledger(conf, lane, ledger->name, NULL, error))
      return FALSE;
  }
  return TRUE;
}

/* While a ledger is being moved its files lie under two names: they are looked at again when it has ended. */
static gboolean open_lane(const Conf *conf, CliLane *lane, const HeldLane *held, GError **error) {
  gboolean is_moving = held && held->book && held->book->moving;
  if (!g_file_test(lane->paths->book, G_FILE_TEST_EXISTS))
    return TRUE;
  if (held && held->book && !(lane->holdings = book_holdings_read(lane->paths->book, error)))
    return FALSE;
  lane->reader = book_reader_open(lane->paths->book, error);
  return lane->reader && (is_moving || (open_configured(conf, lane, error) && open_others(conf, lane, held, error)));
}

static CliLane *lane_new(const Cli *cli, const char *name) {
  CliLane *lane = g_new0(CliLane, 1);
  lane->paths = lane_paths_new(&cli->conf->node, name);
  lane->ledgers = g_ptr_array_new_with_free_func(ledger_free);
  return lane;
}

/* What the state holds and nobody can read any more keeps no command from its work on the others. */
static void add_unconfigured(const Cli *cli, GPtrArray *opened, const HeldLane *held) {
  g_autoptr(GError) error = NULL;
  CliLane *lane = lane_new(cli, held->name);
  lane->own = g_new0(ConfLane, 1);
  lane->own->name = g_strdup(held->name);
  lane->own->feeds = g_ptr_array_new();
  lane->own->reconciles = g_ptr_array_new();
  lane->conf = lane->own;
  g_ptr_array_add(opened, lane);
  if (held->problem)
    lane->problem = g_strdup(held->problem);
  else if (!open_lane(cli->conf, lane, held, &error))
    lane->problem = g_strdup(error->message);
  lane->closed = lane->holdings ? book_holdings_closing(lane->holdings, "lane", held->name) : NULL;
}

void cli_tell_unconfigured(GPtrArray *lanes) {
  for (guint i = 0; i < lanes->len; i++) {
    const CliLane *lane = lanes->pdata[i];
    if (lane->own)
      cli_complain("lane %s stands in the state and in no configuration%s%s", lane->conf->name,
                   lane->closed ? ": declared as closed by " : "", lane->closed ? lane->closed->who : "");
    for (guint j = 0; j < lane->ledgers->len && !lane->own; j++) {
      const CliLedger *ledger = lane->ledgers->pdata[j];
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
  g_autoptr(GPtrArray) held = held_lanes(&cli->conf->node);
  if (only && !conf_lane(cli->conf, only) && !held_lane(held, only))
    return no_such_lane(cli->conf, only);
  g_autoptr(GPtrArray) opened = g_ptr_array_new_with_free_func(lane_free);
  for (guint i = 0; i < cli->conf->lanes->len; i++) {
    const ConfLane *conf = cli->conf->lanes->pdata[i];
    if (only && strcmp(only, conf->name) != 0)
      continue;
    CliLane *lane = lane_new(cli, conf->name);
    lane->conf = conf;
    g_ptr_array_add(opened, lane);
    if (!open_lane(cli->conf, lane, held_lane(held, conf->name), &error))
      return cli_fail(error);
  }
  for (guint i = 0; i < held->len; i++) {
    const HeldLane *one = held->pdata[i];
    if (!conf_lane(cli->conf, one->name) && (!only || strcmp(only, one->name) == 0) &&
        (one->problem || held_has_something(one)))
      add_unconfigured(cli, opened, one);
  }
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
    const CliLane *lane = lanes->pdata[i];
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

CliExit cli_ask(const CliLane *lane, json_t *request, json_t **answer) {
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

char *cli_shown_amount(const Cli *cli, const CliLedger *ledger, gint64 amount) {
  return ledger->hides_amount && !cli->options.unmask ? g_strdup("***") : cli_amount(cli->out, amount, ledger->scale);
}

void cli_json_shown_amount(const Cli *cli, json_t *object, const CliLedger *ledger, gint64 amount) {
  if (ledger->hides_amount && !cli->options.unmask)
    cli_json_text(object, "amount", "***");
  else
    cli_json_amount(object, "amount", amount, ledger->scale);
}
