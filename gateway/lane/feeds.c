#include "gateway/lane/feeds.h"
#include "gateway/flow/admission/declarations.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/flow/feed_calendar.h"
#include "gateway/flow/admission/looks.h"
#include "gateway/flow/admission/overlooked.h"
#include "gateway/common/endpoint.h"
#include "gateway/processors/http/http_throttle.h"
#include "gateway/records/feedback.h"
#include "gateway/processors/processors.h"
#include <string.h>

/* Pools are shared by the feeds of a lane that use the same endpoint. At least so many connections as one of them
 * needs. */
static EndpointPool *pool_with(Feeds *feeds, const ConfPartner *partner, const char *name, guint connections,
                               const LanePaths *paths, GError **error) {
  const ConfEndpoint *conf = conf_endpoint(partner, name);
  CourierEndpoint endpoint = endpoint_of(partner, conf);
  EndpointPool *pool = feeds_pool_named(feeds, endpoint.name);
  if (pool)
    return pool;
  EndpointPoolOptions options = {
      .endpoint = endpoint, .connections = MAX(MAX(conf->connections, connections), 1), .book_path = paths->book};
  pool = endpoint_pool_start(&options, error);
  if (pool)
    g_ptr_array_add(feeds->pools, pool);
  return pool;
}

static EndpointPool *pool_for(Feeds *feeds, const ConfPartner *partner, const char *name, const LanePaths *paths,
                              GError **error) {
  return pool_with(feeds, partner, name, 1, paths, error);
}

/* A poll of a mailbox keeps a connection while it waits: it has one of its own beside those that items come by. */
static guint waiting_polls(const ConfLane *lane, const ConfFeed *feed) {
  guint count = 0;
  for (guint i = 0; i < lane->feeds->len; i++) {
    const ConfFeed *other = lane->feeds->pdata[i];
    count += other->source.ready == CONF_READY_LISTED && other->source.wait > 0 &&
             g_strcmp0(other->partner, feed->partner) == 0 &&
             g_strcmp0(other->source.endpoint, feed->source.endpoint) == 0;
  }
  return count;
}

static EndpointPool *source_pool(Feeds *feeds, const Feed *feed, const ConfLane *lane, const LanePaths *paths,
                                 GError **error) {
  const ConfEndpoint *endpoint = conf_endpoint(feed->partner, feed->conf->source.endpoint);
  guint waiting = waiting_polls(lane, feed->conf);
  return pool_with(feeds, feed->partner, endpoint->name, waiting > 0 ? endpoint->connections + waiting : 1, paths,
                   error);
}

/* What the feed's process needs: an endpoint of our own system, and what it shares with other feeds. */
static gboolean set_processor(Feeds *feeds, Feed *feed, const Conf *conf, const ConfLane *lane, const LanePaths *paths,
                              GError **error) {
  const Processor *processor = feed->processor = processor_of(feed->conf);
  ProcessorTarget target = {0};
  if (processor->target) {
    processor->target(lane, feed->conf, &target);
    feed->process = pool_with(feeds, conf_system(conf, target.system), target.endpoint, target.connections, paths,
                              error);
    if (!feed->process)
      return FALSE;
  }
  return !processor->open || processor->open(feeds, feed, error);
}

static Ledger *ledger_for(Feeds *feeds, const ConfLedger *conf, guint scale, const LanePaths *paths, GError **error) {
  Ledger *ledger = g_hash_table_lookup(feeds->ledgers, conf->name);
  if (ledger)
    return ledger;
  LedgerOptions options = {
      .folder = paths->folder, .name = conf->name, .shards = conf->shards, .scale = scale, .unit = conf->amount};
  ledger = ledger_open(&options, error);
  if (ledger)
    g_hash_table_insert(feeds->ledgers, g_strdup(conf->name), ledger);
  return ledger;
}

static gboolean set_ledger(Feeds *feeds, Feed *feed, const LanePaths *paths, GError **error) {
  if (!conf_process_keeps_ledger(feed->conf->process))
    return TRUE;
  feed->ledger = ledger_for(feeds, &feed->conf->ledger, feed->columns->scale, paths, error);
  return feed->ledger != NULL;
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
  if (!layout_set_key(feed->layout, feed->conf, error))
    return FALSE;
  feedback_keep_spellings(feed->layout, &feed->conf->feedback, feed->conf->key_fields);
  if (feed->conf->business_date)
    layout_judge_date(feed->layout, feed->conf->business_date, feed->conf->business_back / 86400,
                      feed->conf->business_ahead / 86400);
  if (!conf_process_keeps_ledger(feed->conf->process))
    return TRUE;
  int account = layout_column(feed->layout, feed->conf->ledger.account),
      amount = layout_column(feed->layout, feed->conf->ledger.amount);
  int key = layout_column(feed->layout, feed->conf->key);
  if (account < 0 || amount < 0 || key < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s:%u: feed %s: key, account and amount must be fields of layout %s's record",
                               feed->conf->where.file, feed->conf->where.line, feed->conf->name, feed->conf->layout);
  guint n_columns;
  layout_keep_amount(feed->layout, (guint)amount);
  int date = feed->conf->business_date ? layout_column(feed->layout, feed->conf->business_date) : -1;
  const ConfLine *record = &layout_conf(feed->layout)->record;
  const ConfField *day = date < 0 ? NULL : conf_line_field(record, feed->conf->business_date);
  feed->columns = g_new(LedgerColumns, 1);
  *feed->columns = (LedgerColumns){
      .account = (guint)account, .amount = (guint)amount, .key = (guint)key, .business_date = date};
  feed->columns->has_times = day && day->type == CONF_TIMESTAMP;
  feed->columns->scale = layout_columns(feed->layout, &n_columns)[amount].scale;
  return TRUE;
}

static gboolean set_schedule(Feed *feed, const Conf *conf, GError **error) {
  const ConfSourceFolder *source = &feed->conf->source;
  const char *zone = source->time_zone ? source->time_zone : conf->node.time_zone;
  gint64 now = g_get_real_time();
  if (!(feed->watch = feed_watch_new(conf, feed->conf, error)))
    return FALSE;
  gboolean is_period = source->every > 0 || !source->cron;
  feed->schedule = is_period ? schedule_new_every(source->every > 0 ? source->every : 60)
                             : schedule_new_cron(source->cron, zone, error);
  if (!feed->schedule ||
      (feed->watch->polls && !schedule_keep_to(feed->schedule, feed->watch->polls, zone ? zone : "UTC", error)))
    return FALSE;
  feed->next_poll = schedule_has(feed->schedule, now) ? 0 : schedule_next(feed->schedule, now);
  return TRUE;
}

static void feed_free(Feed *feed) {
  layout_free(feed->layout);
  schedule_free(feed->schedule);
  feed_watch_free(feed->watch);
  g_clear_pointer(&feed->looks, looks_free);
  declarations_free(feed->declarations);
  overlooked_free(feed->overlooked);
  g_free(feed->rules);
  g_free(feed->columns);
  g_free(feed->cursor);
  g_free(feed);
}

static Feed *feed_new(Feeds *feeds, const Conf *conf, const ConfLane *lane, const ConfFeed *settings,
                      const LanePaths *paths, GError **error) {
  Feed *feed = g_new0(Feed, 1);
  feed->conf = settings;
  feed->partner = conf_partner(conf, settings->partner);
  feed->gnupg_home = conf->node.gnupg_home;
  feed->declarations = declarations_new(&settings->source);
  feed->overlooked = overlooked_new(conf, settings);
  feed->looks = looks_new();
  set_rules(feed);
  if ((feed->layout = layout_new(conf_layout(conf, settings->layout), error)) && set_columns(feed, error) &&
      set_schedule(feed, conf, error) && set_ledger(feeds, feed, paths, error) &&
      (feed->source = source_pool(feeds, feed, lane, paths, error)) &&
      (feed->feedback = pool_for(feeds, feed->partner, settings->feedback.endpoint, paths, error)) &&
      set_processor(feeds, feed, conf, lane, paths, error))
    return feed;
  feed_free(feed);
  return NULL;
}

/* Where reconciliation files are pushed, and their being done is told. */
static gboolean set_ways_out(Feeds *feeds, const Conf *conf, const ConfLane *lane, const LanePaths *paths,
                             GError **error) {
  for (guint i = 0; lane->reconciles && i < lane->reconciles->len; i++) {
    const ConfReconcile *reconcile = lane->reconciles->pdata[i];
    const ConfPartner *requester = conf_partner(conf, reconcile->requester);
    if ((reconcile->push_endpoint && !pool_for(feeds, requester, reconcile->push_endpoint, paths, error)) ||
        (reconcile->status_endpoint && !pool_for(feeds, requester, reconcile->status_endpoint, paths, error)))
      return FALSE;
  }
  return TRUE;
}

/* The folders by which mailboxes are reached, too. */
static gboolean set_drop_folders(Feeds *feeds, const Conf *conf, const ConfLane *lane, const LanePaths *paths,
                                 GError **error) {
  for (guint i = 0; lane->exchanges && i < lane->exchanges->len; i++) {
    const ConfExchange *exchange = lane->exchanges->pdata[i];
    for (guint j = 0; exchange->drop_folders && j < exchange->drop_folders->len; j++) {
      const ConfDropFolder *folder = exchange->drop_folders->pdata[j];
      if (!pool_for(feeds, conf_partner(conf, folder->name), folder->endpoint, paths, error))
        return FALSE;
    }
  }
  return TRUE;
}

static void close_ledger(gpointer ledger) {
  ledger_close(ledger);
}
static void free_service(gpointer service) {
  accrual_service_free(service);
}

Feeds *feeds_open(const Conf *conf, const ConfLane *lane, const LanePaths *paths, GError **error) {
  Feeds *feeds = g_new0(Feeds, 1);
  feeds->feeds = g_ptr_array_new();
  feeds->pools = g_ptr_array_new();
  feeds->ledgers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_ledger);
  feeds->services = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_service);
  for (guint i = 0; i < lane->feeds->len; i++) {
    Feed *feed = feed_new(feeds, conf, lane, lane->feeds->pdata[i], paths, error);
    if (!feed) {
      if (feeds_stop_pools(feeds, 0)) /* none has had anything to connect for */
        feeds_close(feeds);
      return NULL;
    }
    g_ptr_array_add(feeds->feeds, feed);
  }
  if (set_ways_out(feeds, conf, lane, paths, error) && set_drop_folders(feeds, conf, lane, paths, error))
    return feeds;
  if (feeds_stop_pools(feeds, 0))
    feeds_close(feeds);
  return NULL;
}

static gboolean add_pool_named(Feeds *feeds, const GPtrArray *partners, const char *name, const LanePaths *paths,
                               GError **error) {
  for (guint i = 0; i < partners->len; i++) {
    const ConfPartner *partner = partners->pdata[i];
    for (guint j = 0; partner->endpoints && j < partner->endpoints->len; j++) {
      const ConfEndpoint *endpoint = partner->endpoints->pdata[j];
      if (g_str_equal(endpoint_of(partner, endpoint).name, name) &&
          !pool_for(feeds, partner, endpoint->name, paths, error))
        return FALSE;
    }
  }
  return TRUE;
}

gboolean feeds_add_decided(Feeds *feeds, const Conf *conf, const LanePaths *paths, const GPtrArray *intents,
                           GError **error) {
  for (guint i = 0; i < intents->len; i++) {
    const char *name = ((const BookIntent *)intents->pdata[i])->endpoint;
    if (name && !feeds_pool_named(feeds, name) && !add_pool_named(feeds, conf->partners, name, paths, error))
      return FALSE;
  }
  return TRUE;
}

/* All are halted before one is waited for, so that the grace is one for all of them. */
gboolean feeds_stop_pools(Feeds *feeds, guint grace_seconds) {
  gint64 until = g_get_monotonic_time() + grace_seconds * G_USEC_PER_SEC;
  for (guint i = 0; feeds && i < feeds->pools->len; i++)
    endpoint_pool_halt(feeds->pools->pdata[i]);
  for (guint i = 0; feeds && i < feeds->pools->len; i++) {
    gint64 left = MAX(0, until - g_get_monotonic_time());
    if (!endpoint_pool_stop(feeds->pools->pdata[i], (guint)(left / G_USEC_PER_SEC)))
      feeds->is_stuck = TRUE;
  }
  return !feeds || !feeds->is_stuck;
}

void feeds_close(Feeds *feeds) {
  if (!feeds)
    return;
  for (guint i = 0; i < feeds->feeds->len; i++)
    feed_free(feeds->feeds->pdata[i]);
  for (guint i = 0; i < feeds->pools->len && !feeds->is_stuck; i++)
    endpoint_pool_free(feeds->pools->pdata[i]);
  g_ptr_array_unref(feeds->feeds);
  g_ptr_array_unref(feeds->pools);
  g_hash_table_unref(feeds->ledgers);
  if (!feeds->is_stuck)
    g_hash_table_unref(feeds->services);
  if (!feeds->is_stuck)
    g_datalist_clear(&feeds->shared);
  g_free(feeds);
}
