#include "conf/conf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Rows of one's own database lie in the clear on one's own disk, which is told. */
static gboolean is_expected(const ConfFinding *finding) {
  return finding->is_warning && strstr(finding->where.file, "/queries.conf") &&
         strstr(finding->message, "unprotected plain text");
}

static Conf *parse_sample(ConfSource **source) {
  g_autoptr(GError) error = NULL;
  *source = conf_source_read("conf/samples/sallyport.conf", &error);
  if (!*source)
    fail_msg("%s", error->message);
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(*source, report);
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    if (!is_expected(finding))
      fail_msg("%s:%u: %s", finding->where.file, finding->where.line, finding->message);
  }
  conf_report_free(report);
  assert_non_null(conf);
  return conf;
}

/* But for plain text on the source's own disk, which is told. */
static void each_role_has_a_complete_sample(void **state) {
  (void)state;
  static const char *const roles[] = {"source", "exchange", "consumer"};
  for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_strdup_printf("conf/samples/roles/%s.conf", roles[i]);
    ConfSource *source = conf_source_read(path, &error);
    if (!source)
      fail_msg("%s", error->message);
    ConfReport *report = conf_report_new();
    Conf *conf = conf_parse(source, report);
    for (guint j = 0; j < report->findings->len; j++) {
      const ConfFinding *finding = report->findings->pdata[j];
      if (!finding->is_warning || !strstr(finding->message, "unprotected plain text"))
        fail_msg("%s:%u: %s", finding->where.file, finding->where.line, finding->message);
    }
    assert_non_null(conf);
    conf_report_free(report);
    conf_free(conf);
    conf_source_free(source);
  }
}

static void the_shipped_sample_passes_the_check_and_says_what_it_shows(void **state) {
  (void)state;
  ConfSource *source = NULL;
  Conf *conf = parse_sample(&source);
  assert_string_equal(conf->node.name, "gw-01");
  assert_string_equal(conf->node.gnupg_home, "/var/lib/sallyport/gnupg");
  const ConfPartner *partner = conf_partner(conf, "acme-bank");
  assert_string_equal(partner->openpgp.decrypt_with, "89ABCDEF0123456789ABCDEF0123456789ABCDEF");
  assert_string_equal(partner->openpgp.sign_with, partner->openpgp.decrypt_with);
  const ConfEndpoint *endpoint = conf_endpoint(partner, "main");
  assert_string_equal(endpoint->user, "gw");
  assert_string_equal(endpoint->host, "sftp.acme.example");
  assert_int_equal(endpoint->port, 22);
  assert_int_equal(endpoint->connections, 2);
  const ConfLayout *layout = conf_layout(conf, "accrual-v1");
  assert_int_equal(layout->record.fields->len, 4);
  const ConfField *member = layout->record.fields->pdata[0];
  assert_true(member->mask);
  const ConfField *total = layout->trailer.fields->pdata[1];
  assert_int_equal(total->control, CONF_CONTROL_SUM);
  assert_string_equal(total->control_field, "points");
  const ConfLane *lane = NULL;
  const ConfFeed *feed = conf_feed(conf, "acme-points", &lane);
  assert_string_equal(lane->name, "points");
  assert_true(feed->reject_file);
  assert_int_equal(feed->batch.size_max, 5000);
  assert_int_equal(feed->batch.target_latency, 800);
  assert_int_equal(feed->source.every, 60);
  assert_int_equal(feed->source.ready, CONF_READY_MARKER);
  assert_true(feed->source.size_limit == 4ULL << 30);
  assert_string_equal(feed->source.time_zone, "Asia/Shanghai");
  const ConfRule *rule = feed->rules->pdata[1];
  assert_string_equal(rule->check, "member GLOB 'M[0-9]*' AND length(member) = 8");
  assert_string_equal(feed->feedback.columns[1], "points");
  conf_free(conf);
  conf_source_free(source);
}

/* The lines of the sample that show a default in a comment are true, too. */
static void what_the_sample_shows_as_defaults_are_the_defaults(void **state) {
  (void)state;
  ConfSource *source = NULL;
  Conf *conf = parse_sample(&source);
  const ConfLayout *layout = conf_layout(conf, "accrual-v1");
  assert_int_equal(layout->line_limit, 16384);
  assert_int_equal(layout->quote, CONF_QUOTE_NONE);
  assert_int_equal(layout->line_end, CONF_LINE_END_ANY);
  const ConfFeed *feed = conf_feed(conf, "acme-points", NULL);
  assert_true(feed->plain_limit == 4ULL << 30);
  assert_int_equal(feed->ratio_limit, 200);
  assert_int_equal(feed->retry_limit, 10);
  assert_int_equal(feed->source.looks, 3);
  assert_int_equal(feed->ledger.shards, 4);
  assert_int_equal(feed->feedback.compress, CONF_COMPRESS_NONE);
  assert_int_equal(feed->feedback.if_exists, CONF_EXISTS_REFUSE);
  const ConfEndpoint *endpoint = conf_endpoint(conf_partner(conf, "acme-bank"), "main");
  assert_int_equal(endpoint->connect_timeout, 15);
  assert_int_equal(endpoint->io_timeout, 60);
  assert_int_equal(conf->node.key_warning_days, 30);
  assert_int_equal(conf->node.log_level, CONF_LOG_INFO);
  conf_free(conf);
  conf_source_free(source);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_role_has_a_complete_sample),
      cmocka_unit_test(the_shipped_sample_passes_the_check_and_says_what_it_shows),
      cmocka_unit_test(what_the_sample_shows_as_defaults_are_the_defaults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
