/* Reconciliations, and the front that serves them. */
#include "tests/unit/conf/parse.h"

/* On line 20, of the lane. The partner's second endpoint is on line 8. */
#define READ "read { from = ledger ledger = \"miles\" columns = { \"key\", \"amount\" } }"
#define BASE "requester = \"bank\" type = \"credits\" threshold = 5000 push { endpoint = \"main\" path = \"/rec\" } "
#define FRONT                                                                                                    \
  "front { listen = \"[::]:8443\" url = \"https://files.example\" certificate-file = \"/c\" private-key-file = " \
  "\"/k\" } "
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ACCESS "access { token-sha256 = { \"" DIGEST "\" } } "

/* The right one, with this before its node, this within its partner, and this in its lane. */
typedef struct {
  const char *top, *partner, *lane, *told;
} Case;
#define ONE(options) "reconcile \"daily\" { " options " }"

static char *text_of(const Case *one) {
  g_autoptr(GString) text = g_string_new(one->top);
  g_string_append(text, right_one);
  g_autofree char *partner = g_strconcat("partner \"bank\" { endpoint \"web\" { url = \"https://bank.example\" } ",
                                         one->partner, NULL);
  g_autofree char *lane = g_strconcat("lane \"points\" { ", one->lane, NULL);
  g_assert(g_string_replace(text, "partner \"bank\" {", partner, 1) == 1);
  g_assert(g_string_replace(text, "lane \"points\" {", lane, 1) == 1);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static const Case cases[] = {
    {"", "", ONE(BASE READ), ""},
    {"", "",
     ONE(BASE "read { from = files columns = { \"name\", \"state\" } feeds = { \"bank-points\" } statuses = { "
              "\"closed\", \"held\" } }"),
     ""},
    {"", "",
     ONE(BASE "read { from = records columns = { \"key\" } statuses = { \"accepted\", \"duplicate\" } order = { "
              "\"key\" } where = \"line > 1\" }"),
     ""},
    {"", "",
     ONE(BASE "read { from = delimited path = \"/srv/x_{date}.csv\" layout = \"points\" columns = { \"ref\", "
              "\"points\" } amount = \"points\" }"),
     ""},
    {"", "",
     ONE(BASE "read { from = sqlite path = \"/srv/x.db\" query = \"SELECT a, b FROM c WHERE d = :date\" columns = { "
              "\"a\", \"b\" } amount = \"b\" }"),
     ""},
    {"", "",
     ONE(BASE "read { from = postgresql path = \"host=db passfile=/etc/pgpass\" query = \"SELECT a FROM c WHERE d = "
              "$1\" columns = { \"a\" } }"),
     ""},
    {"", "", ONE(BASE READ " late = supplement"), ""},
    {"", "", ONE(BASE "read { from = files columns = { \"name\" } } late = supplement"),
     "20: 'late = supplement' needs 'from = ledger' in the read rule: of others a version is made with all of the "
     "period, late = new-version\n"},
    {"", "", ONE(BASE READ " late = supplement delimited-manifest = yes"),
     "20: 'late = supplement' does not go with 'delimited-manifest', which cannot say that a version adds to the one "
     "before: whoever reads it would take it for all\n"},

    /* R1: what is missing or doubtful, with what it is for. */
    {"", "", ONE(""),
     "20: 'requester' is missing in reconcile \"daily\": the partner that the files are for\n"
     "20: 'type' is missing in reconcile \"daily\": the data type that the requester asks for\n"
     "20: 'threshold' is missing in reconcile \"daily\": the most records that one shard holds\n"
     "20: 'read' is missing in reconcile \"daily\": the read rule: which records, of which columns\n"
     "20: warning: reconcile \"daily\" is neither pushed nor served: its files stay here\n"},
    {"", "", ONE(BASE "read { }"),
     "20: 'from' is missing in read: where the records are: ledger, files, records, delimited, sqlite, postgresql or "
     "odbc\n"
     "20: 'columns' is missing in read: what is written of each record, in this order\n"},
    {"", "", ONE(BASE "read { from = table }"),
     "20: 'from' must be one of: ledger, files, records, delimited, sqlite, postgresql, odbc\n"
     "20: 'columns' is missing in read: what is written of each record, in this order\n"},
    {"", "", ONE(BASE "read { from = ledger }"),
     "20: 'ledger' is missing in read: the ledger whose entries are read\n"
     "20: 'columns' is missing in read: what is written of each record, in this order\n"},
    {"", "", ONE(BASE "read { from = delimited columns = { \"a\" } }"),
     "20: 'path' is missing in read: the file that is read\n"
     "20: 'layout' is missing in read: how its records are written\n"},
    {"", "", ONE(BASE "read { from = sqlite columns = { \"a\" } }"),
     "20: 'path' is missing in read: the database file\n"
     "20: 'query' is missing in read: a SELECT with :date for the business date\n"},
    {"", "", ONE(BASE "read { from = postgresql columns = { \"a\" } }"),
     "20: 'path' is missing in read: the connection, as \"host=db dbname=core\"\n"
     "20: 'query' is missing in read: a SELECT with $1 for the business date\n"},
    {"", "",
     ONE("requester = \"bonk\" type = \"a b\" threshold = 0 push { endpoint = \"main\" path = \"/rec\" } " READ),
     "20: there is no partner \"bonk\"; did you mean \"bank\"?\n"
     "20: 'type' must be 1 to 64 letters, digits or . _ -, beginning with a letter or digit\n"
     "20: 'threshold' must be a whole number from 1 to 100000000\n"},

    /* Sources have what is theirs. */
    {"", "", ONE(BASE "read { from = ledger ledger = \"smiles\" columns = { \"key\" } }"),
     "20: 'ledger': no feed of lane \"points\" credits a ledger \"smiles\"\n"},
    {"", "",
     ONE(BASE
         "read { from = ledger ledger = \"miles\" columns = { \"key\" } path = \"/x\" statuses = { \"closed\" } }"),
     "20: 'statuses' has no meaning for from = ledger\n"
     "20: 'path' has no meaning for from = ledger\n"},
    {"", "", ONE(BASE "read { from = files columns = { \"name\" } statuses = { \"closed\", \"done\" } }"),
     "20: 'statuses': each must be one of: seen, admitted, fetched, opened, staged, validated, posting, posted, "
     "sealed, answered, closed, rejected, duplicate, held\n"},
    {"", "",
     ONE(BASE "read { from = records columns = { \"key\" } statuses = { \"posted\" } feeds = { \"bank-point\" } }"),
     "20: 'feeds': lane \"points\" has no feed \"bank-point\"; did you mean \"bank-points\"?\n"
     "20: 'statuses': each must be one of: accepted, rejected, duplicate\n"},
    {"", "",
     ONE(BASE
         "read { from = sqlite path = \"x.db\" query = \"SELECT a FROM b\" columns = { \"a\" } where = \"a > 1\" }"),
     "20: 'where' has no meaning for from = sqlite\n"
     "20: 'path' must be an absolute path without '..'\n"
     "20: warning: 'query' does not hold :date: it gives the same records for every date\n"},
    {"", "",
     ONE(BASE "read { from = postgresql path = \"postgresql://gw:hunter2@db/core\" query = \"SELECT $1\" columns = { "
              "\"a\" } }"),
     "20: 'path' holds a password: put it into a file that only the gateway can read, and name that with "
     "password-file\n"},
    {"", "",
     ONE(BASE
         "read { from = postgresql path = \"host=db password=hunter2\" query = \"SELECT $1\" columns = { \"a\" } }"),
     "20: 'path' holds a password: put it into a file that only the gateway can read, and name that with "
     "password-file\n"},
    {"", "", ONE(BASE "read { from = delimited path = \"/srv/x.csv\" layout = \"point\" columns = { \"a\" } }"),
     "20: there is no layout \"point\"; did you mean \"points\"?\n"},
    {"", "",
     ONE(BASE "read { from = delimited path = \"/srv/x.csv\" layout = \"points\" columns = { \"ref\", \"nothing\", "
              "\"ref\" } order = { \"a b\" } amount = \"money\" }"),
     "20: warning: 'path' does not hold {date}: it is the same file for every date\n"
     "20: 'columns': from = delimited has no column \"nothing\"\n"
     "20: 'columns': \"ref\" stands there twice\n"
     "20: 'order' must hold names of columns: letters, digits or _, not beginning with a digit\n"
     "20: 'amount' must be one of 'columns': the requester adds it up, too\n"},

    /* When, and how. */
    {"calendar \"banking\" { } ", "",
     ONE(BASE READ " period = month at = \"03:30\" day-offset = 2 calendar = \"banking\" time-zone = \"Asia/Shanghai\" "
                   "keep-days = 400 late = new-version late-wait = \"1h\""),
     ""},
    {"calendar \"banking\" { } ", "",
     ONE(BASE READ
         " period = week at = \"25:00\" day-offset = 99 calendar = \"bankin\" time-zone = \"x\" keep-days = 0 "
         "late = never late-wait = \"2d\""),
     "20: 'period' must be one of: day, month\n"
     "20: 'at' must be a time of the day from \"00:00\" to \"23:59\" (or with seconds, \"23:59:59\")\n"
     "20: 'day-offset' must be a whole number from 0 to 60\n"
     "20: there is no calendar \"bankin\"; did you mean \"banking\"?\n"
     "20: 'time-zone' must be a zone that this machine knows, as \"Asia/Shanghai\" or \"UTC\"\n"
     "20: 'keep-days' must be a whole number from 1 to 36500\n"
     "20: 'late' must be one of: tell, new-version, supplement\n"
     "20: 'late-wait' must be a time like \"60s\", \"5m\", \"2h\" or \"1d\" from 1s to 1d\n"},
    {"", "", ONE(BASE READ " day-offset = 0"),
     "20: warning: 'day-offset' is 0: the files are made on the period's last day, and what comes behind 'at' is not "
     "in them\n"},
    {"", "", ONE(BASE READ " delimiter = '\"' charset = \"KLINGON\" line-end = cr compress = zip encrypt = perhaps"),
     "20: 'delimiter' holds the quote of quote = rfc4180\n"
     "20: 'charset' must be a character set that this machine knows (iconv -l lists them)\n"
     "20: 'line-end' must be one of: lf, crlf\n"
     "20: 'compress' must be one of: none, gzip, zstd\n"
     "20: 'encrypt' must be yes or no\n"},
    {"", "", ONE(BASE READ " shard-name = 'x.csv' manifest-name = '{type}.json'"),
     "20: 'shard-name' must contain {shard}: else each shard would replace the last one\n"
     "20: 'shard-name' must contain {date}: else each period's files would replace the last one's\n"
     "20: 'manifest-name' must contain {date}: else each period's files would replace the last one's\n"},
    {"", "", ONE(BASE READ " shard-name = '{name}_{shard}' manifest-name = '{date}_{shard}'"),
     "20: 'shard-name': it may hold {type} {date} {shard} {requester} {version}, and no other braces\n"
     "20: 'shard-name' must contain {date}: else each period's files would replace the last one's\n"
     "20: 'manifest-name' holds {shard}, and there is one manifest for all shards\n"},

    /* Ways out. */
    {"", "", ONE("requester = \"bank\" type = \"credits\" threshold = 5 " READ),
     "20: warning: reconcile \"daily\" is neither pushed nor served: its files stay here\n"},
    {"", "", ONE(BASE READ " status { endpoint = \"web\" path = \"/status\" }"), ""},
    {"", "", ONE(BASE READ " status { endpoint = \"main\" path = \"status\" }"),
     "20: endpoint \"main\" of partner \"bank\" is sftp://, and this needs https://\n"
     "20: 'path' must be a URL's path: it begins with '/', has no '..' and no '#', and what is not plain is "
     "percent-encoded\n"},
    {"", "",
     ONE("requester = \"bank\" type = \"credits\" threshold = 5 push { endpoint = \"web\" path = \"/../x\" marker = "
         "'done' } " READ),
     "20: endpoint \"web\" of partner \"bank\" is https://, and this needs folders: sftp://, ftp://, ftps://, "
     "mailbox:// or file://\n"
     "20: 'path' must not hold '..'\n"
     "20: 'marker' must contain {name} or {stem}: else one marker would stand for all files\n"},
    {FRONT, ACCESS, ONE("requester = \"bank\" type = \"credits\" threshold = 5 " READ), ""},
    {FRONT, ACCESS, ONE("requester = \"bank\" type = \"credits\" threshold = 5 serve = no " READ),
     "20: warning: reconcile \"daily\" is neither pushed nor served: its files stay here\n"},
    {"", ACCESS, ONE(BASE READ " serve = yes"), "20: 'serve' needs the front { … } that serves\n"},
    {FRONT, "", ONE(BASE READ " serve = yes"),
     "20: 'serve': partner \"bank\" has no access { … } by which it could show who it is\n"},
    {FRONT, "access { certificate-sha256 = { \"" DIGEST "\" } } ", ONE(BASE READ),
     "2: partner \"bank\" shows who it is by a certificate only, and the front (test.conf:1) has no client-ca-file to "
     "ask for one\n"},

    /* Several of them. */
    {"", "", ONE(BASE READ) " reconcile \"daily\" { " BASE READ " }",
     "20: reconcile \"daily\" stands twice in lane \"points\" (first at test.conf:20)\n"},
    {"", "", ONE(BASE READ) " reconcile \"again\" { " BASE READ " }",
     "20: requester \"bank\" has two reconciliations of type \"credits\": reconcile \"daily\", and this (the other is "
     "at test.conf:20)\n"},
    {"lane \"other\" { reconcile \"again\" { " BASE
     "read { from = files columns = { \"name\" } } } reconcile \"daily\" { requester = \"bank\" type = \"files\" "
     "threshold = 5 push { endpoint = \"main\" path = \"/rec\" } read { from = files columns = { \"name\" } } } }\n",
     "", ONE(BASE READ),
     "21: requester \"bank\" has two reconciliations of type \"credits\": reconcile \"again\", and this (the other is "
     "at test.conf:1)\n"
     "21: reconcile \"daily\" stands in lane \"other\", too (test.conf:1): their names are unique over all lanes\n"},
    {"", "",
     ONE(BASE READ
         " shard-name = '{date}_{shard}' manifest-name = '{date}.m'") " reconcile \"files\" { requester = \"bank\" "
                                                                      "type = \"files\" threshold = 5 push { endpoint "
                                                                      "= \"main\" path = \"/rec\" } read { from = "
                                                                      "files columns = { \"name\" } } }",
     "20: reconcile \"files\" and reconcile \"daily\" (test.conf:20) can give files of one name to one folder: put "
     "{type} into their names\n"},
    {"", "",
     ONE(BASE READ) " reconcile \"files\" { requester = \"bank\" type = \"files\" threshold = 5 push { endpoint = "
                    "\"main\" path = \"/rec\" } read { from = files columns = { \"name\" } } }",
     ""},

    /* The front. */
    {"front { }\n", "", "",
     "1: 'listen' is missing in front: the address and port, as \"[::]:8443\" or \"0.0.0.0:8443\"\n"
     "1: 'certificate-file' is missing in front: the certificate that requesters check (PEM, with those between it and "
     "its root)\n"
     "1: 'private-key-file' is missing in front: the certificate's private key\n"
     "1: 'url' is missing in front: how requesters reach the front, as \"https://files.example\": manifests hold it\n"},
    {"front { listen = \"files.example:8443\" url = \"sftp://x@files.example\" certificate-file = \"/c\" "
     "private-key-file = \"credential:k\" connections = 0 }\n",
     "", "",
     "1: 'listen' must be an address and a port, as \"0.0.0.0:8443\", \"[::]:8443\" or \"127.0.0.1:8443\"\n"
     "1: 'url' must be https:// (or http://), a host and perhaps a path, without a user\n"
     "1: 'connections' must be a whole number from 1 to 10000\n"},
    {"front { listen = \"[::1]:0\" url = \"http://files.example\" certificate-file = \"/c\" private-key-file = \"/k\" "
     "}\n",
     "", "",
     "1: 'listen' must be an address and a port, as \"0.0.0.0:8443\", \"[::]:8443\" or \"127.0.0.1:8443\"\n"
     "1: 'url' is http://, and the front speaks TLS\n"},
    {"front { listen = \"127.0.0.1:8080\" url = \"https://files.example/x/\" clear-text = yes }\n", "", "", ""},
    {"front { listen = \"0.0.0.0:8080\" url = \"http://files.example\" clear-text = yes certificate-file = \"/c\" }\n",
     "", "",
     "1: warning: 'listen': what goes over this address is not encrypted; a proxy on this machine reaches 127.0.0.1\n"
     "1: 'certificate-file' has a meaning only with TLS, which clear-text = yes turns off\n"},
};

static void what_a_reconciliation_says_wrongly_is_told(void **state) {
  (void)state;
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = text_of(&cases[i]);
    g_autofree char *told = parse_and_tell("test.conf", text, strlen(text));
    if (strcmp(told, cases[i].told) != 0)
      fail_msg("case %zu (%s)\nsays:\n%swants:\n%s", i, cases[i].lane, told, cases[i].told);
    assert_null(strstr(told, "hunter"));
  }
}

static Conf *parse_case(const Case *one) {
  g_autofree char *text = text_of(one);
  ConfSource *source = conf_source_from_text("test.conf", text, strlen(text));
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  assert_int_equal(report->findings->len, 0);
  conf_report_free(report);
  conf_source_free(source);
  return conf;
}

static const ConfReconcile *first(const Conf *conf) {
  return ((const ConfLane *)conf->lanes->pdata[0])->reconciles->pdata[0];
}

static void what_is_not_said_of_a_reconciliation_has_its_default(void **state) {
  (void)state;
  Conf *conf = parse_case(&(Case){.top = "", .partner = "", .lane = ONE(BASE READ)});
  const ConfReconcile *one = first(conf);
  assert_int_equal(one->read.from, CONF_READ_LEDGER);
  assert_string_equal(one->read.amount, "amount");
  assert_null(one->read.order);
  assert_int_equal(one->period, CONF_PERIOD_DAY);
  assert_int_equal(one->at, 7200);
  assert_int_equal(one->day_offset, 1);
  assert_null(one->calendar);
  assert_string_equal(one->time_zone, "UTC");
  assert_string_equal(one->shard_name, "{type}_{date}_{shard}.csv");
  assert_string_equal(one->manifest_name, "{type}_{date}.manifest.json");
  assert_string_equal(one->delimiter, ",");
  assert_string_equal(one->charset, "UTF-8");
  assert_string_equal(one->line_end, "lf");
  assert_true(one->quote && one->header_line && !one->neutralise && !one->encrypt && !one->delimited_manifest &&
              !one->serve);
  assert_int_equal(one->compress, CONF_SHARD_PLAIN);
  assert_int_equal(one->keep_days, 90);
  assert_int_equal(one->late, CONF_LATE_TELL);
  assert_int_equal(one->late_wait, 300);
  assert_null(one->status_endpoint);
  conf_free(conf);
}

static void default_names_say_how_shards_are_packed(void **state) {
  (void)state;
  Conf *conf = parse_case(&(Case){.top = "", .partner = "", .lane = ONE(BASE READ " compress = zstd encrypt = yes")});
  assert_string_equal(first(conf)->shard_name, "{type}_{date}_{shard}.csv.zst.pgp");
  assert_string_equal(first(conf)->manifest_name, "{type}_{date}.manifest.json");
  conf_free(conf);
}

static void a_front_serves_who_has_access(void **state) {
  (void)state;
  Conf *conf = parse_case(&(Case){.top = FRONT, .partner = ACCESS, .lane = ONE(BASE READ)});
  assert_true(first(conf)->serve);
  assert_int_equal(conf->front.connections, 256);
  assert_int_equal(conf->front.connections_per_address, 16);
  assert_int_equal(conf->front.timeout, 30);
  assert_string_equal(conf->front.url, "https://files.example");
  conf_free(conf);
  conf = parse_case(&(Case){.top = FRONT, .partner = "", .lane = ONE(BASE READ)});
  assert_false(first(conf)->serve);
  conf_free(conf);
}

/* A partner that only fetches from the front: no endpoint, no feed; and the key that signs its manifests. */
static void a_requester_needs_our_signing_key_and_nothing_else(void **state) {
  (void)state;
  static const char text[] = "node { name = \"gw\" time-zone = \"UTC\" } " FRONT "partner \"asker\" { %s" ACCESS "}\n"
                             "lane \"out\" { reconcile \"daily\" { requester = \"asker\" type = \"files\" threshold = "
                             "5 %s read { from = files columns = { \"name\" } } } }\n";
  static const struct {
    const char *openpgp, *options, *told;
  } needs[] = {
      {"openpgp { sign-with = \"" FINGERPRINT "\" } ", "", ""},
      {"", "",
       "2: reconcile \"daily\" needs 'sign-with' in an openpgp { … } of partner \"asker\" (test.conf:1): our own key, "
       "which signs the manifests\n"},
      {"openpgp { sign-with = \"" FINGERPRINT "\" } ", "encrypt = yes",
       "2: reconcile \"daily\" needs 'encrypt-to' in the openpgp { … } of partner \"asker\" (test.conf:1): the "
       "requester's key, which its shards are encrypted to\n"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(needs); i++) {
    g_autoptr(GString) whole = g_string_new(text);
    g_string_replace(whole, "%s", needs[i].openpgp, 1);
    g_string_replace(whole, "%s", needs[i].options, 1);
    g_autofree char *told = parse_and_tell("test.conf", whole->str, whole->len);
    assert_string_equal(told, needs[i].told);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_reconciliation_says_wrongly_is_told),
      cmocka_unit_test(what_is_not_said_of_a_reconciliation_has_its_default),
      cmocka_unit_test(default_names_say_how_shards_are_packed),
      cmocka_unit_test(a_front_serves_who_has_access),
      cmocka_unit_test(a_requester_needs_our_signing_key_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
