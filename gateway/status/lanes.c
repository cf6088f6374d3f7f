#include "gateway/status/lanes.h"
#include "gateway/move/held.h"
#include "gateway/records/kept_key.h"
#include "gateway/records/layout.h"
#include <string.h>

static void ledger_free(gpointer data) {
  StatusLedger *ledger = data;
  ledger_reader_close(ledger->reader);
  g_free(ledger->name);
  g_free(ledger);
}

static void lane_free(gpointer data) {
  StatusLane *lane = data;
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

guint status_feed_scale(const Conf *conf, const ConfFeed *feed) {
  const ConfField *amount = feed ? record_field(conf, feed, feed->ledger.amount) : NULL;
  return amount && amount->type == CONF_DECIMAL ? amount->scale : 0;
}

guint status_file_scale(const Conf *conf, const StatusLane *lane, const BookFile *file) {
  const ConfLane *of;
  const BookFeed *known = lane->holdings ? book_holdings_feed(lane->holdings, file->feed) : NULL;
  return known && known->is_noted ? known->scale : status_feed_scale(conf, conf_feed(conf, file->feed, &of));
}

/* --- Look-ups by either spelling. */

/* NULL: text is NULL, or no value of the field. */
static char *kept_as(const Conf *conf, const ConfFeed *feed, const char *name, const char *text) {
  const ConfField *field = text ? record_field(conf, feed, name) : NULL;
  return field ? value_kept_as(field, text) : NULL;
}

static char *key_kept(const Conf *conf, const ConfFeed *feed, const char *text) {
  const ConfLayout *layout = conf_layout(conf, feed->layout);
  return text && layout ? key_kept_as(&(KeyForm){.layout = layout, .feed = feed}, text) : NULL;
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

gboolean status_ledger_entries(const StatusLedger *ledger, const LedgerFilter *filter, LedgerEntryVisit visit,
                               gpointer user, GError **error) {
  Seen seen = {visit, user, 0};
  gboolean ok = ledger_entries(ledger->reader, filter, see, &seen, error);
  const GPtrArray *feeds = ledger->lane->conf->feeds;
  for (guint i = 0; ok && seen.seen == 0 && (filter->key || filter->account) && i < feeds->len; i++) {
    const ConfFeed *feed = feeds->pdata[i];
    LedgerFilter other = *filter;
    g_autofree char *key = key_kept(ledger->site, feed, filter->key);
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

gboolean status_ledger_balance(const StatusLedger *ledger, const char *account, gboolean *exists, gint64 *balance,
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

static StatusLedger *find_ledger(const StatusLane *lane, const char *name) {
  for (guint i = 0; i < lane->ledgers->len; i++) {
    StatusLedger *ledger = lane->ledgers->pdata[i];
    if (strcmp(ledger->name, name) == 0)
      return ledger;
  }
  return NULL;
}

/* An entry does not say which feed brought it: what one of them hides is hidden of all. */
static void add_masks(const Conf *conf, StatusLedger *ledger, const ConfFeed *feed) {
  ledger->hides_account |= is_masked(conf, feed, feed->ledger.account);
  ledger->hides_amount |= is_masked(conf, feed, feed->ledger.amount);
  for (char **name = feed->key_fields; name && *name; name++)
    ledger->hides_key |= is_masked(conf, feed, *name);
}

/* A ledger that was never posted to has no files yet: that is no fault. `feed` NULL: no feed of the configuration
 * credits it; then no layout says what of it may be shown. */
static gboolean open_ledger(const Conf *conf, StatusLane *lane, const char *name, const ConfFeed *feed,
                            GError **error) {
  g_autofree char *first = g_strdup_printf("%s/%s.ledger-0.db", lane->paths->folder, name);
  LedgerFacts facts;
  if (!g_file_test(first, G_FILE_TEST_EXISTS))
    return TRUE;
  LedgerReader *reader = ledger_reader_open(lane->paths->folder, name, error);
  if (!reader)
    return FALSE;
  StatusLedger *ledger = g_new0(StatusLedger, 1);
  *ledger = (StatusLedger){.lane = lane, .site = conf, .name = g_strdup(name), .feed = feed, .reader = reader};
  ledger->hides_account = ledger->hides_key = ledger->hides_amount = !feed;
  g_ptr_array_add(lane->ledgers, ledger);
  if (!ledger_facts_read(lane->paths->folder, name, &facts, error))
    return FALSE;
  ledger->scale = facts.has_scale ? facts.scale : status_feed_scale(conf, feed);
  return TRUE;
}

static gboolean open_configured(const Conf *conf, StatusLane *lane, GError **error) {
  for (guint i = 0; i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    const char *name = feed->ledger.name;
    if (name && !find_ledger(lane, name) && !open_ledger(conf, lane, name, feed, error))
      return FALSE;
    StatusLedger *ledger = name ? find_ledger(lane, name) : NULL;
    if (ledger)
      add_masks(conf, ledger, feed);
  }
  return TRUE;
}

/* Those that no feed of the configuration credits. */
static gboolean open_others(const Conf *conf, StatusLane *lane, const HeldLane *held, GError **error) {
  for (guint i = 0; held && i < held->ledgers->len; i++) {
    const HeldLedger *ledger = held->ledgers->pdata[i];
    if (ledger->facts.entries > 0 && !find_ledger(lane, ledger->name) &&
        !open_ledger(conf, lane, ledger->name, NULL, error))
      return FALSE;
  }
  return TRUE;
}

/* While a ledger is being moved its files lie under two names: they are looked at again when it has ended. */
static gboolean open_lane(const Conf *conf, StatusLane *lane, const HeldLane *held, GError **error) {
  gboolean is_moving = held && held->book && held->book->moving;
  if (!g_file_test(lane->paths->book, G_FILE_TEST_EXISTS))
    return TRUE;
  if (held && held->book && !(lane->holdings = book_holdings_read(lane->paths->book, error)))
    return FALSE;
  lane->reader = book_reader_open(lane->paths->book, error);
  return lane->reader && (is_moving || (open_configured(conf, lane, error) && open_others(conf, lane, held, error)));
}

static StatusLane *lane_new(const Conf *conf, const char *name) {
  StatusLane *lane = g_new0(StatusLane, 1);
  lane->paths = lane_paths_new(&conf->node, name);
  lane->ledgers = g_ptr_array_new_with_free_func(ledger_free);
  return lane;
}

/* What the state holds and nobody can read any more keeps no command from its work on the others. */
static void add_unconfigured(const Conf *conf, GPtrArray *opened, const HeldLane *held) {
  g_autoptr(GError) error = NULL;
  StatusLane *lane = lane_new(conf, held->name);
  lane->own = g_new0(ConfLane, 1);
  lane->own->name = g_strdup(held->name);
  lane->own->feeds = g_ptr_array_new();
  lane->own->reconciles = g_ptr_array_new();
  lane->conf = lane->own;
  g_ptr_array_add(opened, lane);
  if (held->problem)
    lane->problem = g_strdup(held->problem);
  else if (!open_lane(conf, lane, held, &error))
    lane->problem = g_strdup(error->message);
  lane->closed = lane->holdings ? book_holdings_closing(lane->holdings, "lane", held->name) : NULL;
}

GPtrArray *status_lanes_open(const Conf *conf, const char *only, GError **error) {
  g_autoptr(GPtrArray) held = held_lanes(&conf->node);
  g_autoptr(GPtrArray) opened = g_ptr_array_new_with_free_func(lane_free);
  for (guint i = 0; i < conf->lanes->len; i++) {
    const ConfLane *one = conf->lanes->pdata[i];
    if (only && strcmp(only, one->name) != 0)
      continue;
    StatusLane *lane = lane_new(conf, one->name);
    lane->conf = one;
    g_ptr_array_add(opened, lane);
    if (!open_lane(conf, lane, held_lane(held, one->name), error))
      return NULL;
  }
  for (guint i = 0; i < held->len; i++) {
    const HeldLane *one = held->pdata[i];
    if (!conf_lane(conf, one->name) && (!only || strcmp(only, one->name) == 0) &&
        (one->problem || held_has_something(one)))
      add_unconfigured(conf, opened, one);
  }
  return g_steal_pointer(&opened);
}
