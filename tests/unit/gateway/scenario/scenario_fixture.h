/* A lane with one feed and its scenarios, as text. */
#pragma once
#include "gateway/records/rule_constants.h"
#include "gateway/scenario/scenario.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char lane_text[] =
    "node { name = \"gw\" time-zone = \"UTC\" state = \"/var/lib/sallyport\" }\n"
    "partner \"acme\" { openpgp { encrypt-to = { \"0123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "    signed-by = { \"1123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "    decrypt-with = \"2123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "  endpoint \"main\" { url = \"sftp://gw@sftp.bank.example:22\" identity-file = \"/etc/keys/id\"\n"
    "    host-key = { \"SHA256:NWWIVOYrhFw5XY1WxmzuV5EpCv9mEKOAwSJIA6kuGbs\" } } }\n"
    "layout \"usage\" { type = delimited delimiter = \"|\" header \"H\" { field \"city\" {} } record \"D\" {\n"
    "    field \"serial\" {} field \"tier\" { optional = yes }\n"
    "    field \"amount\" { type = decimal scale = 2 optional = yes }\n"
    "    field \"day\" { type = date } field \"kind\" { type = enumeration values = { \"x\", \"y\" } }\n"
    "    field \"count\" { type = integer } field \"at\" { type = timestamp } }\n"
    "  trailer \"T\" { field \"n\" { type = integer control = count } } }\n"
    "lane \"points\" { feed \"flights\" { partner = \"acme\" layout = \"usage\" key = \"serial\"\n"
    "    source { endpoint = \"main\" path = \"/r\" match = 'R_*' ready = stable }\n"
    "    process ledger { name = \"miles\" account = \"serial\" amount = \"count\" }\n"
    "    feedback { endpoint = \"main\" path = \"/ra\" name = '{stem}_FB.pgp' } }\n\n\n\n";

typedef struct {
  ConfSource *source;
  Conf *conf;
  Layout *layout;
  ConfReport *report; /* of the scenarios */
  ScenarioSet *set;   /* NULL: there are errors */
} Site;

static inline Site site_of(const char *scenarios) {
  g_autofree char *text = g_strconcat(lane_text, scenarios, "}\n", NULL);
  ConfReport *read = conf_report_new();
  Site site = {.source = conf_source_from_text("test.conf", text, strlen(text)), .report = conf_report_new()};
  site.conf = conf_parse(site.source, read);
  if (!site.conf)
    fail_msg("%s", ((ConfFinding *)read->findings->pdata[0])->message);
  conf_report_free(read);
  site.layout = layout_new(conf_layout(site.conf, "usage"), NULL);
  const ConfLane *lane = site.conf->lanes->pdata[0];
  const ScenarioSource source = {lane, lane->feeds->pdata[0], site.layout};
  site.set = scenario_set_new(&source, site.report);
  return site;
}

static inline void site_clear(Site *site) {
  scenario_set_free(site->set);
  conf_report_free(site->report);
  layout_free(site->layout);
  conf_free(site->conf);
  conf_source_free(site->source);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Site, site_clear)

/* All that is told, a line each: "error: …". */
static inline char *told(const Site *site) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < site->report->findings->len; i++) {
    const ConfFinding *finding = site->report->findings->pdata[i];
    g_string_append_printf(text, "%u %s: %s\n", finding->where.line, finding->is_warning ? "warning" : "error",
                           finding->message);
  }
  return g_string_free(text, FALSE);
}
