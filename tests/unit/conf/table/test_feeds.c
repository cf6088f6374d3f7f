#include "tests/unit/conf/parse.h"

static const Row rows[] = {
    {"partner = \"bank\"", "partner = \"bnak\"", "22: there is no partner \"bnak\"; did you mean \"bank\"?\n"},
    {"layout = \"points\"", "layout = \"nothing\"", "23: there is no layout \"nothing\"\n"},
    {"key = \"ref\"", "key = \"reff\"",
     "24: 'key': the record of layout \"points\" has no field \"reff\"; did you mean \"ref\"?\n"},
    {"key = \"ref\"", "key = \"money\"", "24: 'key': field \"money\" must be text or integer\n"},
    {"field \"ref\" {}", "field \"ref\" { optional = yes }",
     "24: 'key': field \"ref\" is optional; every record must have it\n"},
    {"    key = \"ref\"\n", "",
     "21: 'key' is missing in feed \"bank-points\": the field that tells records apart, so that none is credited "
     "twice\n"},
    {"account = \"member\"", "account = \"money\"", "32: 'account': field \"money\" must be text or integer\n"},
    {"amount = \"points\"", "amount = \"member\"", "32: 'amount': field \"member\" must be decimal or integer\n"},
    {"process ledger {", "process magic {", "32: 'process' must be one of: ledger, http, deliver, reference, rating\n"},
    {"process ledger {", "process {", "32: 'process' needs a name: process \"…\" { … }\n"},
    {"    process ledger { name = \"miles\" account = \"member\" amount = \"points\" }\n", "",
     "21: 'process' is missing in feed \"bank-points\": what is done with the records: process ledger { … }\n"},
    {"key = \"ref\"", "key = \"ref\" business-date = \"day\"", ""},
    {"key = \"ref\"", "key = \"ref\" business-date = \"date\"",
     "24: 'business-date': neither the header nor the record of layout \"points\" has a field \"date\"\n"},
    {"key = \"ref\"", "key = \"ref\" business-date = \"member\"",
     "24: 'business-date': field \"member\" must be of type date or timestamp\n"},
    {"size-min = 2500", "size-min = 100",
     "31: 'size-min' is 100, outside 2500 to 5000; if that is meant, say so with allow-any-size = yes\n"},
    {"size-max = 5000", "size-max = 5001",
     "31: 'size-max' is 5001, outside 2500 to 5000; if that is meant, say so with allow-any-size = yes\n"},
    {"size-max = 5000", "size-max = 2499 allow-any-size = yes",
     "31: 'size-min' (2500) is greater than 'size-max' (2499)\n"},
    {"size-max = 5000", "size-max = 5000 pressure {}",
     "31: 'target-latency' is missing in pressure: how long a batch may take before the pressure is too high\n"},
    {"size-min = 2500 size-max = 5000", "size-max = 0", "31: 'size-max' must be a whole number from 1 to 1000000\n"},
    {"endpoint = \"main\"\n      path = \"/out\"", "endpoint = \"mian\"\n      path = \"/out/../x\"",
     "26: partner \"bank\" has no endpoint \"mian\"; did you mean \"main\"?\n"
     "27: 'path' must not hold '..'\n"},
    {"match = 'P_*.pgp'", "match = 'out/P_*.pgp'", "28: 'match': it matches names in one folder, so it holds no '/'\n"},
    {"match = 'P_*.pgp'", "match = 'P_[0-9.pgp'", "28: 'match': a '[' has no ']'\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' ready = marker marker = 'done'",
     "28: 'marker' must contain {name} or {stem}: else one marker would stand for all files\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' ready = marker marker = '{nam}.ok'",
     "28: 'marker': it may hold {name} {stem} {extension} {date} {time} {id} {sequence}, and no other braces\n"},
    {"match = 'P_*.pgp'", "match = 'P_*' ready = marker",
     "25: warning: 'match' takes the marker files, too: they will be seen as files that never become ready\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' marker = '{name}.ok' temporary = { '*.tmp' }",
     "28: 'marker' has a meaning only with ready = marker\n"
     "28: 'temporary' has a meaning only with ready = rename\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' ready = listed after = acknowledge",
     "28: 'ready': listed is for mailbox:// endpoints, which need not be told\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' wait = \"5s\" after = acknowledge",
     "28: 'wait' has a meaning only with ready = listed\n"
     "28: 'after': acknowledge is for mailbox:// endpoints, which need not be told\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' ready = age",
     "25: 'least-age' is missing in source: how long a file must have been left alone\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' every = \"5m\" cron = \"* * * * *\"",
     "28: 'cron' and 'every' exclude each other\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' time-zone = \"UTC\" every = 5",
     "28: 'time-zone' has a meaning only with cron\n"
     "28: 'every' must be a time like \"60s\", \"5m\", \"2h\" or \"1d\" from 1s to 7d\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' archive = \"/out/\"",
     "28: 'archive' is the folder that files are taken from\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.pgp' after = keep archive = \"/old\" size-limit = \"1\"",
     "28: 'archive' has a meaning only with after = archive\n"
     "28: 'size-limit' must be a size like \"64K\", \"512M\" or \"4G\" from 1K to 1T\n"},
    {"name = '{stem}_FB.pgp'", "name = 'feedback.pgp'",
     "36: 'name' must contain {name}, {stem}, {id} or {sequence}: else each file's feedback would replace the last "
     "one's\n"},
    {"name = '{stem}_FB.pgp'", "name = '{stem}_FB.pgp' exception-name = '{stem}_FB.pgp'",
     "36: 'exception-name' and 'name' are the same: the partner could not tell the files apart\n"},
    {"name = '{stem}_FB.pgp'", "name = '{stem}/{name}' marker = 'ok'",
     "36: 'name': it is the name of a file, so it holds no '/'\n"
     "36: 'marker' must contain {name} or {stem}: else one marker would stand for all files\n"},
    {"name = '{stem}_FB.pgp'",
     "name = '{stem}_FB.pgp' columns = { \"ref\", \"pionts\" } compress = max if-exists = ask",
     "36: 'columns': the record of layout \"points\" has no field \"pionts\"; did you mean \"points\"?\n"
     "36: 'compress' must be one of: none, fast, zlib\n"
     "36: 'if-exists' must be one of: refuse, replace\n"},
    {"path = \"/in\"", "path = \"/out/\"",
     "33: feedback goes to the folder that files are taken from, and its 'name' can match 'P_*.pgp': feed "
     "\"bank-points\" would take in its own answers\n"},
    {"path = \"/in\"\n      name = '{stem}_FB.pgp'",
     "path = \"/out\"\n      name = 'F_{stem}.pgp' marker = '{name}.ok'", ""},
    {"check = \"points > 0\" code = \"E1\"", "check = \"\" code = \"E 1\"",
     "30: 'check' is empty\n"
     "30: 'code' must be 1 to 32 letters, digits or . _ -, beginning with a letter or digit\n"},
    {"lane \"points\" {", "lane \"idle\" {}\nlane \"points\" {", "20: warning: lane \"idle\" has no feed\n"},
    {"key = \"ref\"", "key = \"ref\" on-reject = line plain-limit = \"5P\" ratio-limit = 1 retry-limit = 0",
     "24: 'on-reject' must be one of: record, file\n"
     "24: 'plain-limit' must be a size like \"64K\", \"512M\" or \"4G\" from 1K to 1T\n"
     "24: 'ratio-limit' must be a whole number from 2 to 100000\n"
     "24: 'retry-limit' must be a whole number from 1 to 1000\n"},
    {"feed \"bank-points\" {",
     "feed \"second\" { partner = \"bank\" layout = \"points\" key = \"ref\" source { endpoint = \"main\" path = "
     "\"/other\" match = '*' }\nprocess ledger { name = \"miles\" account = \"member\" amount = \"points\" shards = 4 "
     "} feedback { endpoint = \"main\" path = \"/in2\" name = '{name}.fb' } } feed \"bank-points\" {",
     ""},
    {"feed \"bank-points\" {",
     "feed \"second\" { partner = \"bank\" layout = \"points\" key = \"ref\" source { endpoint = \"main\" path = "
     "\"/out\" match = '*_1.pgp' }\nprocess ledger { name = \"miles\" account = \"member\" amount = \"points\" shards "
     "= 4 } feedback { endpoint = \"main\" path = \"/in2\" name = '{name}.fb' } } feed \"bank-points\" {",
     "26: warning: feeds \"bank-points\" and \"second\" take files from one folder, and a name can match both (the "
     "other is at test.conf:21)\n"},
    {"feed \"bank-points\" {",
     "feed \"second\" { partner = \"bank\" layout = \"points\" key = \"ref\" source { endpoint = \"main\" path = "
     "\"/in\" match = '*.pgp' }\nprocess ledger { name = \"miles\" account = \"member\" amount = \"points\" shards = 4 "
     "} feedback { endpoint = \"main\" path = \"/in2\" name = '{name}.fb' } } feed \"bank-points\" {",
     "34: warning: the feedback of feed \"bank-points\" (its 'name') can be taken in by feed \"second\" "
     "(test.conf:21)\n"},
    {"feed \"bank-points\" {",
     "feed \"second\" { partner = \"bank\" layout = \"points\" key = \"ref\" source { endpoint = \"main\" path = "
     "\"/other\" match = '*' }\nprocess ledger { name = \"miles\" account = \"member\" amount = \"points\" shards = 2 "
     "} feedback { endpoint = \"main\" path = \"/in2\" name = '{name}.fb' } } feed \"bank-points\" {",
     "33: ledger \"miles\" has 4 shards here and 2 at test.conf:22\n"},
    {"feed \"bank-points\" {",
     "feed \"second\" { partner = \"bank\" layout = \"points\" key = \"ref\" source { endpoint = \"main\" path = "
     "\"/other\" match = '*' }\nprocess ledger { name = \"miles\" account = \"member\" amount = \"money\" shards = 4 } "
     "feedback { endpoint = \"main\" path = \"/in2\" name = '{name}.fb' } } feed \"bank-points\" {",
     "33: ledger \"miles\" is credited with 0 decimals here and with 2 at test.conf:22\n"},
    {"lane \"points\" {",
     "lane \"other\" { feed \"second\" { partner = \"bank\" layout = \"points\" key = \"ref\" source { endpoint = "
     "\"main\" path = \"/other\" match = '*' }\nprocess ledger { name = \"miles\" account = \"member\" amount = "
     "\"points\" shards = 4 } feedback { endpoint = \"main\" path = \"/in2\" name = '{name}.fb' } } } lane \"points\" "
     "{",
     "33: ledger \"miles\" belongs to lane \"other\" (test.conf:21): a ledger has one lane that writes it\n"},
    {"lane \"points\" {",
     "lane \"other\" { feed \"bank-points\" { partner = \"bank\" layout = \"points\" key = \"ref\" source { endpoint = "
     "\"main\" path = \"/other\" match = '*' }\nprocess ledger { name = \"else\" account = \"member\" amount = "
     "\"points\" shards = 4 } feedback { endpoint = \"main\" path = \"/in2\" name = '{name}.fb' } } } lane \"points\" "
     "{",
     "22: feed \"bank-points\" stands in lane \"other\", too (test.conf:20): feeds' names are unique over all lanes\n"},
};

static void every_reference_that_leads_nowhere_and_every_contradiction_is_told(void **state) {
  (void)state;
  check_rows(rows, G_N_ELEMENTS(rows));
}

/* Its endpoint, and the source's settings of right_one with others. */
static char *with_mailbox(const char *source) {
  static const char *const from[] = {"url = \"sftp://gw@sftp.example:22\"\n", "    host-key = ", "    identity-file = ",
                                     "match = 'P_*.pgp'"};
  const char *const to[] = {"url = \"mailbox://gw.example:8443\"\n", "    # ", "    # ", source};
  char *text = g_strdup(right_one);
  for (gsize i = 0; i < G_N_ELEMENTS(from); i++) {
    g_autofree char *before = text;
    g_auto(GStrv) parts = g_strsplit(before, from[i], 2);
    text = g_strjoinv(to[i], parts);
  }
  return text;
}

static void a_mailbox_leaves_no_choice_of_what_shows_that_an_item_is_there(void **state) {
  (void)state;
  static const struct {
    const char *source, *told;
  } cases[] = {
      {"match = 'P_*' wait = \"10s\"", ""},
      {"match = 'P_*' ready = listed after = acknowledge", ""},
      {"match = 'P_*' ready = stable",
       "28: 'ready': listed is for mailbox:// endpoints, which need not be told\n"},
      {"match = 'P_*' after = delete",
       "28: 'after': acknowledge is for mailbox:// endpoints, which need not be told\n"},
      {"match = 'P_*' least-age = \"5s\"", "28: 'least-age' has no meaning with mailbox://\n"},
      {"match = 'P_*' wait = \"2m\"",
       "28: 'wait' must be a time like \"60s\", \"5m\", \"2h\" or \"1d\" from 0s to 1m\n"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = with_mailbox(cases[i].source), *told = parse_and_tell("test.conf", text, strlen(text));
    assert_string_equal(told, cases[i].told);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mailbox_leaves_no_choice_of_what_shows_that_an_item_is_there),
      cmocka_unit_test(every_reference_that_leads_nowhere_and_every_contradiction_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
