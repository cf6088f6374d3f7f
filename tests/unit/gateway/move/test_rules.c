/* What changes the digest of a feed's rules, and what does not. */
#include "conf/conf.h"
#include "gateway/move/compare.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char head[] =
    "node { name = \"gw\" time-zone = \"UTC\" state = \"/var/lib/sallyport\" }\n"
    "partner \"acme\" { openpgp { encrypt-to = { \"0123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "    signed-by = { \"1123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "    decrypt-with = \"2123456789ABCDEF0123456789ABCDEF01234567\" }\n"
    "  endpoint \"main\" { url = \"sftp://gw@sftp.bank.example:22\" identity-file = \"/etc/keys/id\"\n"
    "    host-key = { \"SHA256:NWWIVOYrhFw5XY1WxmzuV5EpCv9mEKOAwSJIA6kuGbs\" } } }\n"
    "layout \"rates\" { type = delimited delimiter = \"|\" record \"D\" { field \"code\" {}\n"
    "    field \"rate\" { type = decimal scale = 2 } }\n"
    "  trailer \"T\" { field \"n\" { type = integer control = count } } }\n"
    "layout \"usage\" { type = delimited delimiter = \"|\" record \"D\" {\n"
    "    field \"serial\" {} field \"member\" {}\n"
    "    field \"seconds\" { type = integer } field \"at\" { type = timestamp } field \"code\" {} }\n"
    "  trailer \"T\" { field \"n\" { type = integer control = count } } }\n";
static const char lane[] =
    "lane \"music\" {\n"
    "feed \"rates\" { partner = \"acme\" layout = \"rates\"\n"
    "  source { endpoint = \"main\" path = \"/r\" match = 'R_*' ready = stable }\n"
    "  process reference { name = \"rates\" key = { \"code\" } }\n"
    "  feedback { endpoint = \"main\" path = \"/ra\" name = '{stem}_FB.pgp' } }\n"
    "rating \"music\" { layout = \"usage\" account = \"member\" key = { \"serial\" } event-time = \"at\"\n"
    "  quantity { value = \"seconds\" } lookup \"rate\" { table = \"rates\" key = { \"code\" } }\n"
    "  step \"one\" { amount = \"price(quantity, rate, 60)\" }\n"
    "  step \"two\" { when = \"code = 'a  b'\" amount = \"portion(amount, 1, 2)\" }\n"
    "  round { mode = half-up scale = 2 }\n"
    "  example \"e\" { in = \"seconds=60 rate=1\" out = \"1.00\" } }\n"
    "feed \"calls\" { partner = \"acme\" layout = \"usage\"\n"
    "  source { endpoint = \"main\" path = \"/u\" match = 'U_*' ready = stable }\n"
    "  rule \"r1\" { check = \"seconds >= 0\" code = \"E1\" message = \"below zero\" }\n"
    "  rule \"r2\" { check = \"seconds < 90000\" code = \"E2\" }\n"
    "  process rating { name = \"music\" }\n"
    "  feedback { endpoint = \"main\" path = \"/ua\" name = '{stem}_FB.pgp' } }\n"
    "scenario \"a\" { feeds = { \"calls\" } keys = { \"seconds\" } when = \"seconds < 60\" }\n"
    "scenario \"b\" { feeds = { \"calls\" } keys = { \"seconds\" } otherwise = yes } }\n";

/* Of the feed "calls", with one place changed. */
static char *digest_of(const char *from, const char *to) {
  g_autofree char *text = g_strconcat(head, lane, NULL);
  g_auto(GStrv) parts = g_strsplit(text, from, 2);
  if (!parts[1])
    fail_msg("there is no %s", from);
  g_autofree char *changed = g_strjoinv(to, parts);
  ConfReport *report = conf_report_new();
  ConfSource *source = conf_source_from_text("other.conf", changed, strlen(changed));
  Conf *conf = conf_parse(source, report);
  if (!conf)
    fail_msg("%s: %s", to, ((ConfFinding *)report->findings->pdata[0])->message);
  const ConfLane *music;
  const ConfFeed *feed = conf_feed(conf, "calls", &music);
  g_autofree char *all = state_rules_digest(conf, music);
  char *digest = state_feed_rules(conf, music, feed);
  assert_int_equal(strlen(digest), 64);
  assert_string_not_equal(all, digest);
  conf_free(conf);
  conf_source_free(source);
  conf_report_free(report);
  return digest;
}

typedef struct {
  const char *from, *to;
} Edit;

static void what_records_come_to_changes_it(void **state) {
  static const Edit edits[] = {
      {"seconds >= 0", "seconds > 0"},
      {"code = \"E1\"", "code = \"E3\""},
      {"\"seconds\" { type = integer }", "\"seconds\" { type = decimal scale = 1 }"},
      {"\"rate\" { type = decimal scale = 2 }", "\"rate\" { type = decimal scale = 3 }"},
      {"price(quantity, rate, 60)", "price(quantity, rate, 61)"},
      {"code = 'a  b'", "code = 'a b'"},
      {"half-up", "half-even"},
      {"when = \"seconds < 60\"", "when = \"seconds <= 60\""},
      {"scenario \"a\"", "scenario \"c\""},
      {"message = \"below zero\" }\n  rule \"r2\" { check = \"seconds < 90000\" code = \"E2\" }",
       "}\n"},
      {"step \"one\" { amount = \"price(quantity, rate, 60)\" }\n"
       "  step \"two\" { when = \"code = 'a  b'\" amount = \"portion(amount, 1, 2)\" }",
       "step \"two\" { when = \"code = 'a  b'\" amount = \"portion(amount, 1, 2)\" }\n"
       "step \"one\" { amount = \"price(quantity, rate, 60)\" }"},
      {"process rating {", "on-reject = record process rating {"},
  };
  g_autofree char *before = digest_of("lane", "lane");
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(edits); i++) {
    g_autofree char *digest = digest_of(edits[i].from, edits[i].to);
    if (strcmp(digest, before) == 0)
      fail_msg("\"%s\" is not seen", edits[i].to);
  }
}

static void how_it_is_written_and_where_does_not(void **state) {
  static const Edit edits[] = {
      {"lane \"music\" {", "# a comment\n\nlane \"music\" { threads = 3\n"},
      {"seconds >= 0", "  seconds\n  >=  0 "},
      {"message = \"below zero\"", "message = \"must not be below zero\""},
      {"example \"e\" { in = \"seconds=60 rate=1\" out = \"1.00\" }", ""},
      {"price(quantity, rate, 60)", "price(quantity,\n rate, 60)"},
      {"path = \"/u\"", "path = \"/elsewhere\""},
      {"field \"member\" {}\n    field \"seconds\" { type = integer }",
       "field \"seconds\" { type = integer }\n field \"member\" {}"},
      {"scenario \"a\" { feeds = { \"calls\" } keys = { \"seconds\" } when = \"seconds < 60\" }\n"
       "scenario \"b\" { feeds = { \"calls\" } keys = { \"seconds\" } otherwise = yes }",
       "scenario \"b\" { keys = { \"seconds\" } feeds = { \"calls\" } otherwise = yes }\n"
       "scenario \"a\" { feeds = { \"calls\" } when = \"seconds <  60\" keys = { \"seconds\" } }"},
      {"scenario \"a\" {", "scenario \"of-others\" { feeds = { \"rates\" } keys = { \"code\" } otherwise = yes }\n"
                           "scenario \"a\" {"},
  };
  g_autofree char *before = digest_of("lane", "lane");
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(edits); i++) {
    g_autofree char *digest = digest_of(edits[i].from, edits[i].to);
    if (strcmp(digest, before) != 0)
      fail_msg("\"%s\" is taken for another rule", edits[i].to);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_records_come_to_changes_it),
      cmocka_unit_test(how_it_is_written_and_where_does_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
