#include "gateway/feeds.h"
#include "gateway/endpoint.h"
#include <string.h>

static void look_free(gpointer look) { g_free(look); }

static char *endpoint_name(const ConfPartner *partner, const ConfEndpoint *endpoint) {
  return g_strdup_printf("%s%s/%s", partner->is_system ? "system " : "", partner->name, endpoint->name); /* a partner may be called so, too */
}

static Carrier *find_carrier(const Feeds *feeds, const char *name) {
  for (guint i = 0; i < feeds->carriers->len; i++)
    if (g_str_equal(carrier_name(feeds->carriers->pdata[i]), name))
      return feeds->carriers->pdata[i];
  return NULL;
}

/* Carriers are shared by the feeds of a lane that use the same endpoint. At least so many connections as one of them needs. */
static Carrier *carrier_with(Feeds *feeds, const ConfPartner *partner, const char *name, guint connections, const LanePaths *paths, GError **error) {
  const ConfEndpoint *conf = conf_endpoint(partner, name);
  g_autofree char *full = endpoint_name(partner, conf);
  Carrier *carrier = find_carrier(feeds, full);
  if (carrier)
    return carrier;
  CarrierOptions options = {.endpoint = endpoint_of(partner, conf), .connections = MAX(MAX(conf->connections, connections), 1),
                            .book_path = paths->book};
  carrier = carrier_start(&options, error);
  if (carrier)
    g_ptr_array_add(feeds->carriers, carrier);
  return carrier;
}

static Carrier *carrier_for(Feeds *feeds, const ConfPartner *partner, const char *name, const LanePaths *paths, GError **error) {
  return carrier_with(feeds, partner, name, 1, paths, error);
}

/* Every feed of this lane that posts to the endpoint may have so many calls in flight. */
static guint calls_in_flight(const ConfLane *lane, const char *system, const char *endpoint) {
  guint most = 1;
  for (guint i = 0; i < lane->feeds->len; i++) {
    const ConfFeed *feed = lane->feeds->pdata[i];
    if (feed->process == CONF_PROCESS_HTTP && g_str_equal(feed->http.system, system) && g_str_equal(feed->http.endpoint, endpoint))
      most = MAX(most, feed->batch.threads_max);
  }
  return most;
}

/* The endpoint of our own system that takes the batches, or the files. */
static gboolean set_process(Feeds *feeds, Feed *feed, const Conf *conf, const ConfLane *lane, const LanePaths *paths, GError **error) {
  const ConfFeed *settings = feed->conf;
  if (settings->process == CONF_PROCESS_LEDGER)
    return TRUE;
  gboolean is_http = settings->process == CONF_PROCESS_HTTP;
  const char *system = is_http ? settings->http.system : settings->deliver.system;
  const char *endpoint = is_http ? settings->http.endpoint : settings->deliver.endpoint;
  feed->process = carrier_with(feeds, conf_system(conf, system), endpoint, calls_in_flight(lane, system, endpoint), paths, error);
  return feed->process != NULL;
}

static Ledger *ledger_for(Feeds *feeds, const ConfLedger *conf, const LanePaths *paths, GError **error) {
  Ledger *ledger = g_hash_table_lookup(feeds->ledgers, conf->name);
  if (ledger)
    return ledger;
  LedgerOptions options = {.folder = paths->folder, .name = conf->name, .shards = conf->shards};
  ledger = ledger_open(&options, error);
  if (ledger)
    g_hash_table_insert(feeds->ledgers, g_strdup(conf->name), ledger);
  return ledger;
}

static void set_rules(Feed *feed) {
  feed->n_rules = feed->conf->rules ? feed->conf->rules->len : 0;
  feed->rules = g_new0(Rule, feed->n_rules + 1);
  for (guint i = 0; i < feed->n_rules; i++) {
    const ConfRule *rule = feed->conf->rules->pdata[i];
    feed->rules[i] = (Rule){.name = rule->name, .check = rule->check, .code = rule->code};
  }
}

static gboolean set_columns(Feed *feed, GError **error) {
  int account = layout_column(feed->layout, feed->conf->ledger.account), amount = layout_column(feed->layout, feed->conf->ledger.amount);
  int key = layout_column(feed->layout, feed->conf->key);
  if (account < 0 || amount < 0 || key < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s:%u: feed %s: key, account and amount must be fields of layout %s's record",
                               feed->conf->where.file, feed->conf->where.line, feed->conf->name, feed->conf->layout);
  int date = feed->conf->business_date ? layout_column(feed->layout, feed->conf->business_date) : -1;
  feed->columns = (LedgerColumns){.account = (guint)account, .amount = (guint)amount, .key = (guint)key, .business_date = date};
  return TRUE;
}

static Schedule *schedule_for(const Conf *conf, const ConfSourceFolder *source, GError **error) {
  if (source->every > 0 || !source->cron)
    return schedule_new_every(source->every > 0 ? source->every : 60);
  return schedule_new_cron(source->cron, source->time_zone ? source->time_zone : conf->node.time_zone, error);
}

static void feed_free(Feed *feed) {
  layout_free(feed->layout);
  schedule_free(feed->schedule);
  g_clear_pointer(&feed->looks, g_hash_table_unref);
  g_free(feed->rules);
  g_free(feed);
}

static Feed *feed_new(Feeds *feeds, const Conf *conf, const ConfLane *lane, const ConfFeed *settings, const LanePaths *paths, GError **error) {
  Feed *feed = g_new0(Feed, 1);
  feed->conf = settings;
  feed->partner = conf_partner(conf, settings->partner);
  feed->gnupg_home = conf->node.gnupg_home;
  feed->looks = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, look_free);
  set_rules(feed);
  if ((feed->layout = layout_new(conf_layout(conf, settings->layout), error)) && set_columns(feed, error) &&
      (feed->schedule = schedule_for(conf, &settings->source, error)) &&
      (feed->ledger = ledger_for(feeds, &settings->ledger, paths, error)) &&
      (feed->source = carrier_for(feeds, feed->partner, settings->source.endpoint, paths, error)) &&
      (feed->feedback = carrier_for(feeds, feed->partner, settings->feedback.endpoint, paths, error)) &&
      set_process(feeds, feed, conf, lane, paths, error))
    return feed;
  feed_free(feed);
  return NULL;
}

static void close_ledger(gpointer ledger) { ledger_close(ledger); }

Feeds *feeds_open(const Conf *conf, const ConfLane *lane, const LanePaths *paths, GError **error) {
  Feeds *feeds = g_new0(Feeds, 1);
  feeds->feeds = g_ptr_array_new();
  feeds->carriers = g_ptr_array_new();
  feeds->ledgers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_ledger);
  for (guint i = 0; i < lane->feeds->len; i++) {
    Feed *feed = feed_new(feeds, conf, lane, lane->feeds->pdata[i], paths, error);
    if (!feed) {
      if (feeds_stop_carriers(feeds, 0)) /* none has had anything to connect for */
        feeds_close(feeds);
      return NULL;
    }
    g_ptr_array_add(feeds->feeds, feed);
  }
  return feeds;
}

/* All are halted before one is waited for, so that the grace is one for all of them. */
gboolean feeds_stop_carriers(Feeds *feeds, guint grace_seconds) {
  gint64 until = g_get_monotonic_time() + grace_seconds * G_USEC_PER_SEC;
  for (guint i = 0; feeds && i < feeds->carriers->len; i++)
    carrier_halt(feeds->carriers->pdata[i]);
  for (guint i = 0; feeds && i < feeds->carriers->len; i++) {
    gint64 left = MAX(0, until - g_get_monotonic_time());
    if (!carrier_stop(feeds->carriers->pdata[i], (guint)(left / G_USEC_PER_SEC)))
      feeds->is_stuck = TRUE;
  }
  return !feeds || !feeds->is_stuck;
}

void feeds_close(Feeds *feeds) {
  if (!feeds)
    return;
  for (guint i = 0; i < feeds->feeds->len; i++)
    feed_free(feeds->feeds->pdata[i]);
  for (guint i = 0; i < feeds->carriers->len && !feeds->is_stuck; i++)
    carrier_free(feeds->carriers->pdata[i]);
  g_ptr_array_unref(feeds->feeds);
  g_ptr_array_unref(feeds->carriers);
  g_hash_table_unref(feeds->ledgers);
  g_free(feeds);
}

Feed *feeds_find(const Feeds *feeds, const char *name) {
  for (guint i = 0; i < feeds->feeds->len; i++)
    if (g_str_equal(((Feed *)feeds->feeds->pdata[i])->conf->name, name))
      return feeds->feeds->pdata[i];
  return NULL;
}

GArray *feed_rule_constants(const ConfLayout *layout) {
  GArray *constants = g_array_new(FALSE, TRUE, sizeof(RuleConstant));
  for (guint i = 0; layout->header.present && i < layout->header.fields->len; i++) {
    const ConfField *field = layout->header.fields->pdata[i];
    gboolean is_number = field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
    RuleConstant constant = {.name = g_strdup_printf("header_%s", field->name), .text = NULL, .is_text = !is_number};
    g_array_append_val(constants, constant);
  }
  return constants;
}

void rule_constants_free(GArray *constants) {
  for (guint i = 0; constants && i < constants->len; i++) {
    RuleConstant *constant = &g_array_index(constants, RuleConstant, i);
    g_free((char *)constant->name);
    g_free((char *)constant->text);
  }
  if (constants)
    g_array_unref(constants);
}
