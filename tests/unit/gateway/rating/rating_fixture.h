/* A site with one rating, as text, and its plan. */
#pragma once
#include "gateway/rating/example.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

typedef struct {
  ConfSource *source;
  Conf *conf;
  RatingPlan *plan; /* NULL: it could not be made */
  GError *error;
} Site;

static const char site_text[] =
    "node { name = \"gw\" time-zone = \"UTC\" state = \"/var/lib/sallyport\" }\n"
    "partner \"bank\" { openpgp { encrypt-to = { \"0123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "    signed-by = { \"1123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "    decrypt-with = \"2123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "  endpoint \"main\" { url = \"sftp://gw@sftp.bank.example:22\" identity-file = \"/etc/keys/id\"\n"
    "    host-key = { \"SHA256:NWWIVOYrhFw5XY1WxmzuV5EpCv9mEKOAwSJIA6kuGbs\" } } }\n"
    "layout \"usage\" { type = delimited delimiter = \"|\" record \"D\" { field \"serial\" {} field \"member\" {}\n"
    "    field \"seconds\" { type = integer } field \"price\" { type = decimal scale = @scale@ optional = yes }\n"
    "    field \"product\" {} field \"zone\" {} field \"at\" { type = timestamp } field \"tier\" { optional = yes }\n"
    "    field \"campaign\" { optional = yes } } trailer \"T\" { field \"n\" { type = integer control = count } } }\n"
    "layout \"rates\" { type = delimited delimiter = \"|\" record \"D\" { field \"product_code\" {}\n"
    "    field \"zone_code\" {}\n"
    "    field \"rate\" { type = decimal scale = 2 } field \"from\" { type = date } field \"until\" { type = date\n"
    "    optional = yes } } trailer \"T\" { field \"n\" { type = integer control = count } } }\n"
    "layout \"tiers\" { type = delimited delimiter = \"|\" record \"D\" { field \"product_code\" {}\n"
    "    field \"up_to\" { type = integer } field \"tier_rate\" { type = decimal scale = 2 } }\n"
    "    trailer \"T\" { field \"n\" { type = integer control = count } } }\n"
    "lane \"music\" {\n"
    "  feed \"rates\" { partner = \"bank\" layout = \"rates\"\n"
    "    source { endpoint = \"main\" path = \"/r\" match = 'R_*' ready = stable }\n"
    "    process reference { name = \"rates\" key = { \"product_code\", \"zone_code\" }\n"
    "    valid = { \"from\", \"until\" } until = inclusive-day } feedback { endpoint = \"main\" path = \"/ra\"\n"
    "    name = '{stem}_FB.pgp' } }\n"
    "  feed \"tiers\" { partner = \"bank\" layout = \"tiers\"\n"
    "    source { endpoint = \"main\" path = \"/t\" match = 'T_*' ready = stable }\n"
    "    process reference { name = \"tiers\" key = { \"product_code\", \"up_to\" } }\n"
    "    feedback { endpoint = \"main\" path = \"/ta\" name = '{stem}_FB.pgp' } }\n"
    "  rating \"music\" { layout = \"usage\" account = \"member\" event-time = \"at\" time-zone = \"@zone@\"\n"
    "    scale = @scale@ @body@ } }\n";

static const char *site_zone G_GNUC_UNUSED = "Asia/Shanghai";

/* Puts VALUE where WORD stands. Takes the text. */
static inline char *put_in(char *text, const char *word, const char *value) {
  g_auto(GStrv) parts = g_strsplit(text, word, -1);
  g_free(text);
  return g_strjoinv(value, parts);
}

static inline void site_open(Site *site, guint scale, const char *body) {
  g_autofree char *path = NULL, *number = g_strdup_printf("%u", scale);
  g_autofree char *text = put_in(put_in(put_in(g_strdup(site_text), "@scale@", number), "@zone@", site_zone), "@body@",
                                 body);
  int fd = g_file_open_tmp("sallyport-rating-XXXXXX", &path, NULL);
  *site = (Site){0};
  assert_true(fd >= 0);
  close(fd);
  assert_true(g_file_set_contents(path, text, -1, NULL));
  site->source = conf_source_read(path, NULL);
  ConfReport *report = conf_report_new();
  site->conf = conf_parse(site->source, report);
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    print_message("%u: %s\n", finding->where.line, finding->message);
  }
  assert_non_null(site->conf);
  conf_report_free(report);
  g_unlink(path);
  const ConfLane *lane = site->conf->lanes->pdata[0];
  site->plan = rating_plan_new(site->conf, lane->ratings->pdata[0], &site->error);
}

static inline void site_close(Site *site) {
  rating_plan_free(site->plan);
  g_clear_error(&site->error);
  conf_free(site->conf);
  conf_source_free(site->source);
}
