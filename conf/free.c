#include "conf/conf.h"

static void endpoint_free(gpointer data) {
  ConfEndpoint *endpoint = data;
  g_free(endpoint->name);
  g_free(endpoint->url);
  g_free(endpoint->user);
  g_free(endpoint->host);
  g_free(endpoint->folder);
  g_strfreev(endpoint->host_keys);
  g_free(endpoint->identity_file);
  g_free(endpoint->passphrase_file);
  g_free(endpoint->password_file);
  g_free(endpoint->ca_file);
  g_strfreev(endpoint->tls_keys);
  g_free(endpoint->certificate_file);
  g_free(endpoint->private_key_file);
  g_free(endpoint->token_file);
  g_free(endpoint->listing_time_zone);
  g_free(endpoint);
}

static void partner_free(gpointer data) {
  ConfPartner *partner = data;
  if (partner == NULL)
    return;
  g_free(partner->name);
  g_strfreev(partner->openpgp.encrypt_to);
  g_strfreev(partner->openpgp.signed_by);
  g_free(partner->openpgp.decrypt_with);
  g_free(partner->openpgp.sign_with);
  g_free(partner->openpgp.passphrase_file);
  g_strfreev(partner->access.token_sha256);
  g_strfreev(partner->access.certificate_sha256);
  g_ptr_array_set_free_func(partner->endpoints, endpoint_free);
  g_ptr_array_free(partner->endpoints, TRUE);
  g_free(partner);
}

static void field_free(gpointer data) {
  ConfField *field = data;
  g_free(field->name);
  g_free(field->format);
  g_strfreev(field->values);
  g_free(field->control_field);
  g_free(field->control_record);
  g_free(field);
}

static void line_clear(ConfLine *line) {
  g_free(line->tag);
  g_ptr_array_set_free_func(line->fields, field_free);
  g_ptr_array_free(line->fields, TRUE);
}

static void record_free(gpointer line) {
  line_clear(line);
  g_free(line);
}

static void layout_free(gpointer data) {
  ConfLayout *layout = data;
  if (layout == NULL)
    return;
  g_free(layout->name);
  g_free(layout->delimiter);
  g_free(layout->charset);
  line_clear(&layout->header);
  line_clear(&layout->record);
  line_clear(&layout->trailer);
  g_ptr_array_set_free_func(layout->records, record_free);
  g_ptr_array_free(layout->records, TRUE);
  g_free(layout);
}

static void rule_free(gpointer data) {
  ConfRule *rule = data;
  g_free(rule->name);
  g_free(rule->check);
  g_free(rule->code);
  g_free(rule->message);
  g_free(rule);
}

static void source_clear(ConfSourceFolder *source) {
  g_free(source->endpoint);
  g_free(source->path);
  g_free(source->match);
  g_free(source->marker);
  g_strfreev(source->temporary);
  g_free(source->cron);
  g_free(source->time_zone);
  g_free(source->archive);
  g_free(source->calendar);
  g_free(source->signature);
  g_free(source->declared.file);
  g_strfreev(source->declared.columns);
  g_free(source->declared.delimiter);
}

static void process_clear(ConfFeed *feed) {
  g_free(feed->ledger.name);
  g_free(feed->ledger.account);
  g_free(feed->ledger.amount);
  g_free(feed->http.system);
  g_free(feed->http.endpoint);
  g_free(feed->http.path);
  g_strfreev(feed->http.columns);
  g_free(feed->deliver.system);
  g_free(feed->deliver.endpoint);
  g_free(feed->deliver.path);
  g_free(feed->deliver.name);
  g_free(feed->deliver.marker);
  g_strfreev(feed->deliver.encrypt_to);
}

static void feedback_clear(ConfFeedback *feedback) {
  g_free(feedback->endpoint);
  g_free(feedback->path);
  g_free(feedback->name);
  g_free(feedback->exception_name);
  g_free(feedback->marker);
  g_strfreev(feedback->columns);
  g_free(feedback->member);
  g_free(feedback->charset);
  g_free(feedback->delimiter);
  g_free(feedback->line_end);
  g_free(feedback->digest);
}

static void expect_free(gpointer data) {
  ConfExpect *expect = data;
  g_free(expect->name);
  g_free(expect->calendar);
  g_free(expect->time_zone);
  g_free(expect);
}

static void watch_clear(ConfFeed *feed) {
  g_free(feed->sequence.name);
  g_free(feed->sequence.header_field);
  g_ptr_array_set_free_func(feed->expects, expect_free);
  g_ptr_array_free(feed->expects, TRUE);
  g_free(feed->cut_off.calendar);
  g_free(feed->cut_off.time_zone);
}

static void feed_free(gpointer data) {
  ConfFeed *feed = data;
  g_free(feed->name);
  g_free(feed->partner);
  g_free(feed->layout);
  g_free(feed->key);
  g_free(feed->business_date);
  source_clear(&feed->source);
  g_ptr_array_set_free_func(feed->rules, rule_free);
  g_ptr_array_free(feed->rules, TRUE);
  process_clear(feed);
  feedback_clear(&feed->feedback);
  watch_clear(feed);
  g_free(feed);
}

static void read_clear(ConfRead *read) {
  g_free(read->ledger);
  g_strfreev(read->feeds);
  g_strfreev(read->statuses);
  g_strfreev(read->columns);
  g_strfreev(read->order);
  g_free(read->where_sql);
  g_free(read->path);
  g_free(read->query);
  g_free(read->layout);
  g_free(read->amount);
}

static void reconcile_free(gpointer data) {
  ConfReconcile *reconcile = data;
  g_free(reconcile->name);
  g_free(reconcile->requester);
  g_free(reconcile->type);
  read_clear(&reconcile->read);
  g_free(reconcile->calendar);
  g_free(reconcile->time_zone);
  g_free(reconcile->shard_name);
  g_free(reconcile->manifest_name);
  g_free(reconcile->delimiter);
  g_free(reconcile->charset);
  g_free(reconcile->line_end);
  g_free(reconcile->push_endpoint);
  g_free(reconcile->push_path);
  g_free(reconcile->push_marker);
  g_free(reconcile->status_endpoint);
  g_free(reconcile->status_path);
  g_free(reconcile);
}

static void lane_free(gpointer data) {
  ConfLane *lane = data;
  if (lane == NULL)
    return;
  g_free(lane->name);
  g_ptr_array_set_free_func(lane->feeds, feed_free);
  g_ptr_array_free(lane->feeds, TRUE);
  g_ptr_array_set_free_func(lane->reconciles, reconcile_free);
  g_ptr_array_free(lane->reconciles, TRUE);
  g_free(lane);
}

static void calendar_free(gpointer data) {
  ConfCalendar *calendar = data;
  g_free(calendar->name);
  g_strfreev(calendar->holidays);
  g_strfreev(calendar->working);
  g_free(calendar->holidays_file);
  g_free(calendar);
}

static void site_clear(Conf *conf) {
  g_strfreev(conf->alarms.command);
  g_free(conf->alarms.system);
  g_free(conf->alarms.endpoint);
  g_free(conf->alarms.path);
  g_free(conf->front.listen);
  g_free(conf->front.certificate_file);
  g_free(conf->front.private_key_file);
  g_free(conf->front.client_ca_file);
  g_free(conf->front.url);
}

void conf_free(Conf *conf) {
  if (conf == NULL)
    return;
  g_free(conf->node.name);
  g_free(conf->node.state);
  g_free(conf->node.runtime);
  g_free(conf->node.time_zone);
  g_free(conf->node.gnupg_home);
  g_ptr_array_set_free_func(conf->partners, partner_free);
  g_ptr_array_free(conf->partners, TRUE);
  g_ptr_array_set_free_func(conf->layouts, layout_free);
  g_ptr_array_free(conf->layouts, TRUE);
  g_ptr_array_set_free_func(conf->lanes, lane_free);
  g_ptr_array_free(conf->lanes, TRUE);
  g_ptr_array_set_free_func(conf->calendars, calendar_free);
  g_ptr_array_free(conf->calendars, TRUE);
  site_clear(conf);
  g_free(conf);
}
