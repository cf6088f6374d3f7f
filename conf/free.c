#include "conf/build.h"

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
  g_free(endpoint);
}

void conf_partner_free(gpointer data) {
  ConfPartner *partner = data;
  if (partner == NULL) return;
  g_free(partner->name);
  g_strfreev(partner->openpgp.encrypt_to);
  g_strfreev(partner->openpgp.signed_by);
  g_free(partner->openpgp.decrypt_with);
  g_free(partner->openpgp.sign_with);
  g_free(partner->openpgp.passphrase_file);
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
  g_free(field);
}

static void line_clear(ConfLine *line) {
  g_free(line->tag);
  g_ptr_array_set_free_func(line->fields, field_free);
  g_ptr_array_free(line->fields, TRUE);
}

void conf_layout_free(gpointer data) {
  ConfLayout *layout = data;
  if (layout == NULL) return;
  g_free(layout->name);
  g_free(layout->delimiter);
  g_free(layout->charset);
  line_clear(&layout->header);
  line_clear(&layout->record);
  line_clear(&layout->trailer);
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
}

static void feedback_clear(ConfFeedback *feedback) {
  g_free(feedback->endpoint);
  g_free(feedback->path);
  g_free(feedback->name);
  g_free(feedback->exception_name);
  g_free(feedback->marker);
  g_strfreev(feedback->columns);
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
  g_free(feed->ledger.name);
  g_free(feed->ledger.account);
  g_free(feed->ledger.amount);
  feedback_clear(&feed->feedback);
  g_free(feed);
}

void conf_lane_free(gpointer data) {
  ConfLane *lane = data;
  if (lane == NULL) return;
  g_free(lane->name);
  g_ptr_array_set_free_func(lane->feeds, feed_free);
  g_ptr_array_free(lane->feeds, TRUE);
  g_free(lane);
}

void conf_free(Conf *conf) {
  if (conf == NULL) return;
  g_free(conf->node.name);
  g_free(conf->node.state);
  g_free(conf->node.runtime);
  g_free(conf->node.time_zone);
  g_free(conf->node.gnupg_home);
  g_ptr_array_set_free_func(conf->partners, conf_partner_free);
  g_ptr_array_free(conf->partners, TRUE);
  g_ptr_array_set_free_func(conf->layouts, conf_layout_free);
  g_ptr_array_free(conf->layouts, TRUE);
  g_ptr_array_set_free_func(conf->lanes, conf_lane_free);
  g_ptr_array_free(conf->lanes, TRUE);
  g_free(conf);
}
