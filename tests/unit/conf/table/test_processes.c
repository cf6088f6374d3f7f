/* What is done with the records: the processes, and the batches that they take. */
#include "tests/unit/conf/parse.h"

#define SYSTEM                                                                                      \
  "system \"core\" { endpoint \"api\" { url = \"https://core.example\" } endpoint \"box\" { url = " \
  "\"file:///srv/core\" } } "
#define LEDGER "    process ledger { name = \"miles\" account = \"member\" amount = \"points\" }\n"
#define HTTP(options) "    process http { name = \"miles\" account = \"member\" amount = \"points\" " options " }\n"
#define API "system = \"core\" endpoint = \"api\" path = \"/batches\""
#define DELIVER(options) "    process deliver { " options " }\n"
#define BOX "system = \"core\" endpoint = \"box\" path = \"/in\" name = '{stem}.dat' envelope = unprotected-plain-text"

/* Rows change the right one in which the system is there already: `process` has the line 32. */
static const Row rows[] = {
    {LEDGER, HTTP(API), ""},
    {LEDGER, HTTP(API " body = csv timeout = \"5s\" columns = { \"member\", \"ref\" } shards = 2"), ""},
    {LEDGER, HTTP(""),
     "32: 'system' is missing in process \"http\": the inner system that credits the records\n"
     "32: 'endpoint' is missing in process \"http\": one of the system's endpoints\n"
     "32: 'path' is missing in process \"http\": the path of its interface\n"},
    {LEDGER, "    process http { " API " }\n",
     "32: 'name' is missing in process \"http\": the ledger's name\n"
     "32: 'account' is missing in process \"http\": the field that says whose account is credited\n"
     "32: 'amount' is missing in process \"http\": the field that says how much\n"},
    {LEDGER, HTTP("system = \"cores\" endpoint = \"api\" path = \"/batches\""),
     "32: there is no system \"cores\"; did you mean \"core\"?\n"},
    {LEDGER, HTTP("system = \"bank\" endpoint = \"main\" path = \"/batches\""),
     "32: \"bank\" is a partner, and 'system' names a system\n"},
    {LEDGER, HTTP("system = \"core\" endpoint = \"apu\" path = \"/batches\""),
     "32: system \"core\" has no endpoint \"apu\"; did you mean \"api\"?\n"},
    {LEDGER, HTTP("system = \"core\" endpoint = \"box\" path = \"/batches\""),
     "32: endpoint \"box\" of system \"core\" is file://, and this needs https://\n"},
    {LEDGER, HTTP("system = \"core\" endpoint = \"api\" path = \"batches\""),
     "32: 'path' must be a URL's path: it begins with '/', has no '..' and no '#', and what is not plain is "
     "percent-encoded\n"},
    {LEDGER, HTTP("system = \"core\" endpoint = \"api\" path = \"/a/%2E%2e/b\""),
     "32: 'path' must be a URL's path: it begins with '/', has no '..' and no '#', and what is not plain is "
     "percent-encoded\n"},
    {LEDGER, HTTP(API " body = xml timeout = \"2h\" columns = { \"nobody\" }"),
     "32: 'body' must be one of: json, csv\n"
     "32: 'timeout' must be a time like \"60s\", \"5m\", \"2h\" or \"1d\" from 1s to 1h\n"
     "32: 'columns': the record of layout \"points\" has no field \"nobody\"\n"},
    {LEDGER, HTTP(API " marker = '{name}.ok' packing = gzip"),
     "32: 'marker' has no meaning for process http\n"
     "32: 'packing' has no meaning for process http\n"},
    {"amount = \"points\" }", "amount = \"points\" system = \"core\" }",
     "32: 'system' has no meaning for process ledger\n"},

    {LEDGER, DELIVER(BOX), ""},
    {LEDGER,
     DELIVER("system = \"core\" endpoint = \"box\" path = \"/in\" name = '{stem}.pgp' marker = '{name}.ok' envelope = "
             "openpgp encrypt-to = { \"" FINGERPRINT "\" } packing = zip if-exists = replace"),
     ""},
    {LEDGER, DELIVER(""),
     "32: 'system' is missing in process \"deliver\": the inner system that takes the files\n"
     "32: 'endpoint' is missing in process \"deliver\": one of the system's endpoints\n"
     "32: 'path' is missing in process \"deliver\": the folder on the endpoint\n"
     "32: 'name' is missing in process \"deliver\": what the files are called there, as '{name}'\n"
     "32: 'envelope' is missing in process \"deliver\": how the file is handed on: openpgp (encrypted anew), or "
     "unprotected-plain-text\n"},
    {LEDGER,
     DELIVER("system = \"core\" endpoint = \"api\" path = \"/in\" name = '{stem}' envelope = unprotected-plain-text"),
     "32: endpoint \"api\" of system \"core\" is https://, and this needs folders: sftp://, ftp://, ftps://, "
     "mailbox:// or file://\n"},
    {LEDGER,
     DELIVER("system = \"core\" endpoint = \"box\" path = \"/../in\" name = 'all' marker = '{name}' envelope = "
             "detached-signature"),
     "32: 'path' must not hold '..'\n"
     "32: 'name' must contain {name}, {stem}, {id} or {sequence}: else each file's feedback would replace the last "
     "one's\n"
     "32: 'marker' is the name of the file itself\n"
     "32: 'envelope' must be one of: openpgp, unprotected-plain-text\n"},
    {LEDGER, DELIVER(BOX " encrypt-to = { \"" FINGERPRINT "\" }"),
     "32: 'encrypt-to' has a meaning only with envelope = openpgp\n"},
    {LEDGER, DELIVER("system = \"core\" endpoint = \"box\" path = \"/in\" name = '{stem}' envelope = openpgp"),
     "32: 'encrypt-to' is missing in process \"deliver\": the key of the system that takes the file, or its current "
     "and next one\n"},
    {LEDGER, DELIVER(BOX " account = \"member\" shards = 3"),
     "32: 'account' has no meaning for process deliver\n"
     "32: 'shards' has no meaning for process deliver\n"},
    {LEDGER, DELIVER(BOX) "    on-reject = record\n",
     "33: 'on-reject': process deliver hands on whole files, so one bad record keeps the whole file back: on-reject = "
     "file\n"},
    {LEDGER, DELIVER(BOX) "    repeats { keys = hold }\n",
     "33: 'keys' has a meaning only with a process that keeps keys: deliver does not\n"},
    {LEDGER,
     DELIVER("system = \"core\" endpoint = \"box\" path = \"/in\" name = '{stem}_{sequence}.dat' envelope = "
             "unprotected-plain-text"),
     ""},

    {"size-max = 5000", "size-max = 5000 pressure { target-latency = \"1s\" threads-min = 2 threads-max = 16 }", ""},
    {"size-max = 5000", "size-max = 5000 pressure { target-latency = \"1s\" threads-min = 9 }", ""},
    {"size-max = 5000", "size-max = 5000 pressure { target-latency = \"1s\" threads-min = 4 threads-max = 3 }",
     "31: 'threads-min' (4) is greater than 'threads-max' (3)\n"},
    {"size-max = 5000", "size-max = 5000 pressure { target-latency = \"1s\" threads-max = 1000 }",
     "31: 'threads-max' must be a whole number from 1 to 256\n"},
};

static char *with_system(const Row *row) {
  const char *place = strstr(right_one, row->from);
  assert_non_null(place);
  return g_strdup_printf(SYSTEM "%.*s%s%s", (int)(place - right_one), right_one, row->to, place + strlen(row->from));
}

static void what_a_process_says_wrongly_is_told(void **state) {
  (void)state;
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *text = with_system(&rows[i]);
    g_autofree char *told = parse_and_tell("test.conf", text, strlen(text));
    if (strcmp(told, rows[i].told) != 0)
      fail_msg("row %zu (%s)\nsays:\n%swants:\n%s", i, rows[i].to, told, rows[i].told);
  }
}

static Conf *parse_with_system(const char *from, const char *to) {
  g_autofree char *text = with_system(&(Row){.from = from, .to = to});
  ConfSource *source = conf_source_from_text("test.conf", text, strlen(text));
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  assert_int_equal(report->findings->len, 0);
  conf_report_free(report);
  conf_source_free(source);
  return conf;
}

static void each_process_has_its_own_settings(void **state) {
  (void)state;
  Conf *conf = parse_with_system(LEDGER, HTTP(API));
  const ConfFeed *feed = conf_feed(conf, "bank-points", NULL);
  assert_int_equal(feed->process, CONF_PROCESS_HTTP);
  assert_string_equal(feed->ledger.name, "miles");
  assert_string_equal(feed->http.system, "core");
  assert_string_equal(feed->http.path, "/batches");
  assert_int_equal(feed->http.body, CONF_BODY_JSON);
  assert_int_equal(feed->http.timeout, 30);
  assert_null(feed->http.columns);
  conf_free(conf);
  conf = parse_with_system(LEDGER, DELIVER(BOX));
  feed = conf_feed(conf, "bank-points", NULL);
  assert_int_equal(feed->process, CONF_PROCESS_DELIVER);
  assert_null(feed->ledger.name);
  assert_string_equal(feed->deliver.name, "{stem}.dat");
  assert_int_equal(feed->deliver.envelope, CONF_ENVELOPE_NONE);
  assert_int_equal(feed->deliver.if_exists, CONF_EXISTS_REFUSE);
  conf_free(conf);
}

static void what_is_only_handed_on_needs_no_key(void **state) {
  (void)state;
  g_autofree char *deliver = g_strconcat(
      "    source {\n      endpoint = \"main\"\n      path = \"/out\"\n      match = 'P_*.pgp'\n    }\n", DELIVER(BOX),
      NULL);
  g_autofree char *rest = g_strdup(strstr(right_one, "    key = \"ref\"\n"));
  *strstr(rest, "    feedback {") = '\0';
  Conf *conf = parse_with_system(rest, deliver);
  assert_null(conf_feed(conf, "bank-points", NULL)->key);
  conf_free(conf);
}

/* What is handed on must not come in again. */
static void a_file_is_not_handed_on_to_where_it_was_taken_from(void **state) {
  (void)state;
  static const char text[] = "partner \"local\" { endpoint \"drop\" { url = \"file:///srv/core\" } }\n";
  static const char told_of_it[] =
      "warning: what feed \"bank-points\" hands on (its 'name') can be taken in by feed \"local\"";
  static const struct {
    const char *match;
    gboolean is_told;
  } cases[] = {{"*.dat", TRUE}, {"*.txt", FALSE}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *base = with_system(&(Row){.from = LEDGER, .to = DELIVER(BOX)});
    g_autofree char *feed = g_strdup_printf(
        "feed \"local\" { partner = \"local\" layout = \"points\" key = \"ref\" source { endpoint = \"drop\" path = "
        "\"/in\" match = '%s' envelope = unprotected-plain-text } "
        "process ledger { name = \"x\" account = \"member\" amount = \"points\" } feedback { endpoint = \"drop\" path "
        "= \"/fb\" name = '{name}' envelope = unprotected-plain-text } }",
        cases[i].match);
    char *lane = strstr(base, "lane \"points\" {\n") + strlen("lane \"points\" {");
    g_autofree char *whole = g_strdup_printf("%s%.*s\n%s%s", text, (int)(lane - base), base, feed, lane);
    g_autofree char *told = parse_and_tell("test.conf", whole, strlen(whole));
    gboolean is_as_wanted = cases[i].is_told ? !!strstr(told, told_of_it) : !strstr(told, "hands on");
    if (!is_as_wanted)
      fail_msg("%s", told);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_process_says_wrongly_is_told),
      cmocka_unit_test(each_process_has_its_own_settings),
      cmocka_unit_test(what_is_only_handed_on_needs_no_key),
      cmocka_unit_test(a_file_is_not_handed_on_to_where_it_was_taken_from),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
