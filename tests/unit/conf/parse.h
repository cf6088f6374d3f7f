/* For the tables of wrong configurations: a small right one, in which each row changes one place, and what the check
 * must say then, word for word, as "LINE: message". */
#pragma once
#include "conf/conf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define FINGERPRINT "0123456789ABCDEF0123456789ABCDEF01234567"
static const char right_one[] = "node { name = \"gw\" time-zone = \"UTC\" }\n"
                                "partner \"bank\" {\n"
                                "  openpgp {\n"
                                "    encrypt-to = { \"" FINGERPRINT "\" }\n"
                                "    signed-by = { \"" FINGERPRINT "\" }\n"
                                "    decrypt-with = \"" FINGERPRINT "\"\n"
                                "  }\n"
                                "  endpoint \"main\" {\n"
                                "    url = \"sftp://gw@sftp.example:22\"\n"
                                "    host-key = { \"SHA256:NWWIVOYrhFw5XY1WxmzuV5EpCv9mEKOAwSJIA6kuGbs\" }\n"
                                "    identity-file = \"/etc/key\"\n"
                                "  }\n"
                                "}\n"
                                "layout \"points\" {\n"
                                "  delimiter = \"|\"\n"
                                "  header \"H\" { field \"day\" { type = date } }\n"
                                "  record \"D\" { field \"member\" {} field \"points\" { type = integer } field "
                                "\"money\" { type = decimal scale = 2 } field \"ref\" {} }\n"
                                "  trailer \"T\" { field \"count\" { type = integer control = count } field \"total\" "
                                "{ type = integer control = \"sum(points)\" } }\n"
                                "}\n"
                                "lane \"points\" {\n"
                                "  feed \"bank-points\" {\n"
                                "    partner = \"bank\"\n"
                                "    layout = \"points\"\n"
                                "    key = \"ref\"\n"
                                "    source {\n"
                                "      endpoint = \"main\"\n"
                                "      path = \"/out\"\n"
                                "      match = 'P_*.pgp'\n"
                                "    }\n"
                                "    rule \"range\" { check = \"points > 0\" code = \"E1\" }\n"
                                "    batch { size-min = 2500 size-max = 5000 }\n"
                                "    process ledger { name = \"miles\" account = \"member\" amount = \"points\" }\n"
                                "    feedback {\n"
                                "      endpoint = \"main\"\n"
                                "      path = \"/in\"\n"
                                "      name = '{stem}_FB.pgp'\n"
                                "    }\n"
                                "  }\n"
                                "}\n";

typedef struct {
  const char *from, *to, *told;
} Row;

static inline char *parse_and_tell(const char *name, const char *text, gsize length) {
  ConfSource *source = conf_source_from_text(name, text, length);
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  GString *told = g_string_new(NULL);
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    assert_string_equal(finding->where.file, name);
    g_string_append_printf(told, "%u: %s%s\n", finding->where.line, finding->is_warning ? "warning: " : "",
                           finding->message);
  }
  assert_int_equal(conf == NULL, report->errors > 0);
  conf_free(conf);
  conf_report_free(report);
  conf_source_free(source);
  return g_string_free(told, FALSE);
}

static inline void check_rows(const Row *rows, gsize n_rows) {
  for (gsize i = 0; i < n_rows; i++) {
    const char *place = strstr(right_one, rows[i].from);
    assert_non_null(place);
    g_autofree char *text = g_strdup_printf("%.*s%s%s", (int)(place - right_one), right_one, rows[i].to,
                                            place + strlen(rows[i].from));
    g_autofree char *told = parse_and_tell("test.conf", text, strlen(text));
    if (strcmp(told, rows[i].told) != 0)
      fail_msg("row %zu (%s)\nsays:\n%swants:\n%s", i, rows[i].to, told, rows[i].told);
    assert_null(strstr(told, "hunter")); /* the passwords in these tables */
  }
}

/* right_one with one place changed; it must pass without a finding. */
static inline Conf *build_with(const char *from, const char *to) {
  const char *place = strstr(right_one, from);
  assert_non_null(place);
  g_autofree char *text = g_strdup_printf("%.*s%s%s", (int)(place - right_one), right_one, to, place + strlen(from));
  g_autofree char *told = parse_and_tell("test.conf", text, strlen(text));
  assert_string_equal(told, "");
  ConfSource *source = conf_source_from_text("test.conf", text, strlen(text));
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  conf_report_free(report);
  conf_source_free(source);
  assert_non_null(conf);
  return conf;
}
