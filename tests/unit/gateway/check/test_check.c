#include "gateway/check/check.h"
#include "gateway/common/key_use.h"
#include "gateway/supervisor/lane_fingerprint.h"
#include "tests/unit/gateway/site.h"
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static Conf *parse(const char *text) {
  ConfSource *source = conf_source_from_text("test.conf", text, strlen(text));
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  if (!conf)
    fail_msg("%s", ((ConfFinding *)report->findings->pdata[0])->message);
  conf_report_free(report);
  conf_source_free(source);
  return conf;
}

/* The site's configuration with one place changed. */
static char *text_of(const Site *site, const char *from, const char *to) {
  g_autofree char *head = site_head(site), *lane = site_lane("good", 1);
  g_autofree char *text = g_strconcat(head, lane, NULL);
  char *place = from ? strstr(text, from) : NULL;
  if (!from)
    return g_steal_pointer(&text);
  assert_non_null(place);
  return g_strdup_printf("%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
}

/* "LINE error|warning: text" of all findings. */
static char *findings(const Site *site, const char *from, const char *to) {
  g_autofree char *text = text_of(site, from, to);
  Conf *conf = parse(text);
  ConfReport *report = conf_report_new();
  gboolean ok = check_configuration(conf, FALSE, report);
  assert_int_equal(ok, report->errors == 0);
  GString *told = g_string_new(NULL);
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    g_string_append_printf(told, "%u %s: %s\n", finding->where.line, finding->is_warning ? "warning" : "error",
                           finding->message);
  }
  conf_report_free(report);
  conf_free(conf);
  return g_string_free(told, FALSE);
}

static void expect(const Site *site, const char *from, const char *to, const char *words) {
  g_autofree char *told = findings(site, from, to);
  if (!strstr(told, words))
    fail_msg("\"%s\" is told as:\n%sexpected: %s", to, told, words);
}

static void a_good_configuration_has_no_finding(void **state) {
  g_autofree char *told = findings(*state, NULL, NULL);
  assert_string_equal(told, "");
}

static void a_rule_that_does_not_compile_is_told_at_its_line(void **state) {
  expect(*state, "points > 0", "points >", "22 error: rule \"points >\": ");
  expect(*state, "points > 0", "pionts > 0", "pionts");
  expect(*state, "points > 0", "points > (SELECT 1)", "error: rule");
  expect(*state, "points > 0", "points > random()", "error: rule");
}

static void a_rule_may_use_the_headers_fields(void **state) {
  g_autofree char *told = findings(*state, "points > 0", "header_serial > 0 AND header_day > '2020-01-01'");
  assert_string_equal(told, "");
  expect(*state, "points > 0", "header_nothing > 0", "header_nothing");
}

static void a_header_that_may_be_a_record_is_a_warning(void **state) {
  static const char any[] = "layout \"plain\" {\n  delimiter = \",\"  lines-by = position\n"
                            "  header { field \"a\" {} field \"b\" {} }\n"
                            "  record { field \"member\" {} field \"ref\" {} }\n}\n";
  static const char fixed[] = "layout \"plain\" {\n  type = fixed  lines-by = position\n"
                              "  header { field \"a\" { bytes = 8 } field \"n\" { type = integer  bytes = 4 } }\n"
                              "  record { field \"ref\" { bytes = 8 } field \"n\" { type = integer  bytes = 4 } }\n"
                              "}\n";
  g_autofree char *after = g_strconcat(any, "lane \"good\" {", NULL);
  expect(*state, "lane \"good\" {", after, "warning: layout \"plain\": any line would do as its header");
  g_autofree char *after_fixed = g_strconcat(fixed, "lane \"good\" {", NULL);
  expect(*state, "lane \"good\" {", after_fixed, "give header and record a tag each");
}

static void a_schedule_without_an_instant_is_told(void **state) {
  expect(*state, "match = 'P_*.pgp'", "match = 'P_*.pgp'  cron = \"0 0 31 2 *\"", "error: ");
  expect(*state, "match = 'P_*.pgp'", "match = 'P_*.pgp'  cron = \"61 * * * *\"", "error: ");
}

static void secret_files_are_ours_alone(void **state) {
  const Site *site = *state;
  g_autofree char *path = g_build_filename(site->folder, "secret", NULL);
  g_autofree char *setting = g_strdup_printf("passphrase-file = \"%s\"  decrypt-with", path);
  expect(site, "decrypt-with", setting, "No such file");
  assert_true(g_file_set_contents(path, "x", 1, NULL));
  assert_int_equal(chmod(path, 0640), 0);
  expect(site, "decrypt-with", setting, "chmod 600");
  assert_int_equal(chmod(path, 0600), 0);
  g_autofree char *told = findings(site, "decrypt-with", setting);
  assert_string_equal(told, "");
  assert_int_equal(truncate(path, 0), 0);
  expect(site, "decrypt-with", setting, "is empty");
}

static void a_state_folder_that_cannot_be_made_is_told(void **state) {
  const Site *site = *state;
  g_autofree char *from = g_strdup_printf("state = \"%s/state\"", site->folder);
  g_autofree char *to = g_strdup_printf("state = \"%s/state\"", site->configuration);
  site_write(site, "");
  expect(site, from, to, "state folder");
}

/* /run belongs to root, and the service's user checks before systemd has made the folder. Looked at by a child, since
 * root, which the test may be, can write anywhere. */
static void a_runtime_folder_that_systemd_will_make_is_a_warning(void **state) {
  const Site *site = *state;
  g_autofree char *from = g_strdup_printf("runtime = \"%s/run\"", site->folder);
  g_autofree char *above = g_build_filename(site->folder, "roots-own", NULL);
  g_autofree char *missing = g_strdup_printf("runtime = \"%s/sallyport\"", above);
  g_autofree char *there = g_strdup_printf("runtime = \"%s\"", above);
  assert_int_equal(g_mkdir(above, 0555), 0);
  assert_int_equal(chmod(site->folder, 0755), 0);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
      _exit(1);
    g_autofree char *soft = findings(site, from, missing), *hard = findings(site, from, there);
    gboolean as_meant = strstr(soft, "warning: runtime folder") && strstr(soft, "systemd") &&
                        !strstr(soft, "error: runtime") && strstr(hard, "error: runtime folder");
    _exit(as_meant ? 0 : 2);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

static void a_local_folder_that_is_not_there_yet_is_a_warning(void **state) {
  const Site *site = *state;
  g_autofree char *from = g_strdup_printf("file://%s", site->drop);
  g_autofree char *to = g_strdup_printf("file://%s/later", site->drop);
  expect(site, from, to, "warning: the folder");
}

/* --- What else the configuration names on this machine. */

static char *site_file(const Site *site, const char *name, const char *text, int mode) {
  char *path = g_build_filename(site->folder, name, NULL);
  assert_true(g_file_set_contents(path, text, -1, NULL));
  assert_int_equal(chmod(path, (mode_t)mode), 0);
  return path;
}

static void certificates_may_be_read_by_all_and_written_by_few(void **state) {
  const Site *site = *state;
  g_autofree char *certificate = site_file(site, "our.pem", "x", 0644), *key = site_file(site, "our.key", "x", 0600);
  g_autofree char *with = g_strdup_printf("system \"core\" { endpoint \"api\" { url = \"https://core.example\" "
                                          "certificate-file = \"%s\" private-key-file = \"%s\" } }\nnode {",
                                          certificate, key);
  g_autofree char *told = findings(site, "node {", with);
  assert_string_equal(told, "");
  assert_int_equal(chmod(certificate, 0646), 0);
  expect(site, "node {", with, "1 error: certificate-file");
  assert_int_equal(chmod(key, 0640), 0);
  expect(site, "node {", with, "chmod 600");
}

static void what_systemd_hands_over_is_looked_at_where_it_can_be_seen(void **state) {
  const Site *site = *state;
  static const char with[] = "passphrase-file = \"credential:phrase\"  decrypt-with";
  expect(site, "decrypt-with", with,
         "3 warning: passphrase-file \"credential:phrase\" can be seen by the service only");
  assert_true(g_setenv("CREDENTIALS_DIRECTORY", site->folder, TRUE));
  expect(site, "decrypt-with", with, "3 error: passphrase-file \"credential:phrase\": No such file");
  g_autofree char *path = site_file(site, "phrase", "x", 0440);
  g_autofree char *told = findings(site, "decrypt-with", with);
  g_unsetenv("CREDENTIALS_DIRECTORY");
  assert_string_equal(told, "");
}

static void a_calendars_file_is_read(void **state) {
  const Site *site = *state;
  g_autofree char *path = site_file(site, "holidays", "2026-10-01\n2026-10-10 working\n", 0644);
  g_autofree char *with = g_strdup_printf("calendar \"banking\" { holidays-file = \"%s\" }\nnode {", path);
  g_autofree char *told = findings(site, "node {", with);
  assert_string_equal(told, "");
  assert_true(g_file_set_contents(path, "2026-10-01\n1st of May\n", -1, NULL));
  expect(site, "node {", with, ":2: ");
}

static void the_alarms_program_must_start(void **state) {
  const Site *site = *state;
  g_autofree char *path = site_file(site, "page", "#!/bin/sh\n", 0700);
  g_autofree char *with = g_strdup_printf("alarms { command = { \"%s\", \"x\" } }\nnode {", path);
  g_autofree char *told = findings(site, "node {", with);
  assert_string_equal(told, "");
  assert_int_equal(remove(path), 0);
  expect(site, "node {", with, "1 error: command");
}

#define RECONCILE(read) \
  "  reconcile \"daily\" { requester = \"bank\" type = \"credits\" threshold = 5000 " \
  "push { endpoint = \"main\" path = \"rec\" }\n    read { " read " } }\n  threads = 1"

static void a_read_rule_names_columns_that_there_are(void **state) {
  g_autofree char *told = findings(*state, "threads = 1",
                                   RECONCILE("from = ledger ledger = \"good-miles\" columns = { \"key\", \"amount\" } "
                                             "order = { \"account\" } where = \"amount > 0 AND account GLOB 'M*'\""));
  assert_string_equal(told, "");
  expect(*state, "threads = 1", RECONCILE("from = ledger ledger = \"good-miles\" columns = { \"member\" }"),
         "19 error: 'columns': there is no column \"member\"");
  expect(*state, "threads = 1", RECONCILE("from = records columns = { \"key\" } order = { \"batch\" }"),
         "19 error: 'order': there is no column \"batch\"");
  expect(*state, "threads = 1", RECONCILE("from = files columns = { \"name\" } where = \"records > (SELECT 1)\""),
         "19 error: 'where': ");
  expect(*state, "threads = 1", RECONCILE("from = files columns = { \"name\" } where = \"amuont > 0\""),
         "19 error: 'where': ");
  expect(*state, "threads = 1",
         RECONCILE("from = delimited path = \"/nowhere/x_{date}\" layout = \"points\" columns = { \"ref\" } where = "
                   "\"points > nothing\""),
         "19 error: 'where': ");
  expect(
      *state, "threads = 1",
      RECONCILE("from = sqlite path = \"/nowhere/x\" query = \"SELECT a FROM b WHERE c = :date\" columns = { \"a\" }"),
      "19 warning: the file");
}

/* --- Keys against a ring that is made up: what gpg itself says is crypto/'s to test. */

static OpenpgpKey *key(GPtrArray *ring, const char *fingerprint, gint64 expires) {
  OpenpgpKey *one = g_new0(OpenpgpKey, 1);
  g_strlcpy(one->fingerprint, fingerprint, sizeof one->fingerprint);
  one->user_id = g_strdup("somebody");
  one->sign_ends = one->encrypt_ends = expires;
  one->can_sign = one->can_encrypt = one->has_secret = TRUE;
  g_ptr_array_add(ring, one);
  return one;
}

static void expect_use(const Site *site, GPtrArray *ring, guint index, KeyCondition condition, const char *words) {
  g_autofree char *text = text_of(site, NULL, NULL);
  Conf *conf = parse(text);
  g_autoptr(GPtrArray) uses = key_uses(conf, ring, 1000 * 86400);
  assert_int_equal(uses->len, 4);
  const KeyUse *use = uses->pdata[index];
  assert_int_equal(use->condition, condition);
  if (words)
    assert_non_null(strstr(use->remark, words));
  else
    assert_null(use->remark);
  conf_free(conf);
}

static GPtrArray *ring_of(gint64 partner_end, OpenpgpKey **partner, OpenpgpKey **own) {
  GPtrArray *ring = g_ptr_array_new_with_free_func((GDestroyNotify)openpgp_key_free);
  *partner = key(ring, SITE_PARTNER_KEY, partner_end);
  *own = key(ring, SITE_OWN_KEY, 0);
  return ring;
}

static void a_day_ends_at_its_midnight_in_utc(void **state) {
  static const char *const wrong[] = {"",           "2027-3-1",    "2027-02-30", "2027-13-01",
                                      "31.03.2027", "2027-03-31x", "+027-03-31"};
  ConfOpenpgp openpgp = {.sha1_until = NULL};
  gint64 ends;
  (void)state;
  assert_int_equal(conf_sha1_ends(&openpgp), 0);
  openpgp.sha1_until = (char *)(gsize)"1970-01-02";
  assert_int_equal(conf_sha1_ends(&openpgp), 2 * 86400);
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
    if (conf_day_ends(wrong[i], &ends))
      fail_msg("\"%s\" is a day", wrong[i]);
}

static void keys_are_good_ending_ended_unfit_or_missing(void **state) {
  enum { ENCRYPT_TO, SIGNED_BY, DECRYPT_WITH, SIGN_WITH };
  OpenpgpKey *partner, *own;
  g_autoptr(GPtrArray) good = ring_of(0, &partner, &own);
  expect_use(*state, good, ENCRYPT_TO, KEY_GOOD, NULL);
  expect_use(*state, good, SIGN_WITH, KEY_GOOD, NULL);
  own->has_secret = FALSE;
  expect_use(*state, good, DECRYPT_WITH, KEY_UNFIT, "secret part");
  partner->can_encrypt = FALSE;
  expect_use(*state, good, ENCRYPT_TO, KEY_UNFIT, "cannot be encrypted to");
  expect_use(*state, good, SIGNED_BY, KEY_GOOD, NULL);
  partner->state = OPENPGP_KEY_REVOKED;
  expect_use(*state, good, SIGNED_BY, KEY_ENDED, "revoked");
  g_autoptr(GPtrArray) soon = ring_of(1029 * (gint64)86400, &partner, &own);
  expect_use(*state, soon, ENCRYPT_TO, KEY_ENDS_SOON, "in 29 days");
  g_autoptr(GPtrArray) later = ring_of(1030 * (gint64)86400, &partner, &own);
  expect_use(*state, later, ENCRYPT_TO, KEY_GOOD, NULL);
  g_autoptr(GPtrArray) ended = ring_of(999 * (gint64)86400, &partner, &own);
  expect_use(*state, ended, SIGNED_BY, KEY_ENDED, "expired on 1972-09-26");
  g_autoptr(GPtrArray) turned = ring_of(0, &partner, &own); /* a use that ended does not end the other one */
  partner->sign_ends = 999 * (gint64)86400;
  expect_use(*state, turned, SIGNED_BY, KEY_ENDED, "expired");
  expect_use(*state, turned, ENCRYPT_TO, KEY_GOOD, NULL);
  g_autoptr(GPtrArray) subkeys = ring_of(0, &partner, &own);
  partner->subkeys = g_strsplit(SITE_PARTNER_KEY, " ", -1);
  g_strlcpy(partner->fingerprint, "00112233445566778899AABBCCDDEEFF00112233", sizeof partner->fingerprint);
  expect_use(*state, subkeys, SIGNED_BY, KEY_MISSING, "name its primary key, 00112233445566778899AABB");
  g_autoptr(GPtrArray) empty = g_ptr_array_new();
  expect_use(*state, empty, DECRYPT_WITH, KEY_MISSING, "not in the key ring");
}

/* --- A lane's part. */

static char *part(const char *text) {
  Conf *conf = parse(text);
  char *part = part_of_lane(conf, conf->lanes->pdata[0]);
  conf_free(conf);
  return part;
}

static void a_lanes_part_shows_each_change_that_concerns_it(void **state) {
  const Site *site = *state;
  static const char *const changes[][2] = {{"name = \"gw\"", "name = \"gw2\""},
                                           {"threads = 1", "threads = 2"},
                                           {"points > 0", "points > 1"},
                                           {"code = \"E1\"", "code = \"E2\""},
                                           {"mask = yes", "mask = no"},
                                           {"scale = 2", "scale = 3"},
                                           {"control = count", "optional = no"},
                                           {"size-max = 5000", "size-max = 4999"},
                                           {"match = 'P_*.pgp'", "match = 'Q_*.pgp'"},
                                           {"match = 'P_*.pgp'", "match = 'P_*.pgp' after = delete"},
                                           {"name = '{stem}_FB.pgp'", "name = '{stem}_FB.gpg'"},
                                           {SITE_PARTNER_KEY, SITE_OWN_KEY}};
  g_autofree char *text = text_of(site, NULL, NULL);
  g_autofree char *before = part(text);
  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    g_autofree char *changed = text_of(site, changes[i][0], changes[i][1]);
    g_autofree char *after = part(changed);
    if (strcmp(before, after) == 0)
      fail_msg("%s: does not show", changes[i][1]);
  }
}

static void a_lanes_part_does_not_show_what_concerns_others_or_only_moves_it(void **state) {
  const Site *site = *state;
  g_autofree char *head = site_head(site), *lane = site_lane("good", 1), *other = site_lane("other", 3);
  g_autofree char *text = g_strconcat(head, lane, NULL),
                  *longer = g_strconcat("# moved\n\n", head, "\n", lane, other, NULL);
  g_autofree char *before = part(text), *after = part(longer);
  assert_string_equal(before, after);
}

static void a_part_shows_a_change_in_what_the_lane_refers_to(void **state) {
  const Site *site = *state;
  static const char all[] =
      "calendar \"banking\" { holidays = { \"2026-10-01\" } }\n"
      "system \"core\" { endpoint \"api\" { url = \"https://core.example/a\" } }\n"
      "alarms { webhook { system = \"core\" endpoint = \"api\" path = \"/alarms\" } repeat = \"2h\" }\n"
      "partner \"third\" { access { token-sha256 = { "
      "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\" } } }\n"
      "node {";
  static const struct {
    const char *from, *to;
    gboolean shows;
  } changes[] = {{"2026-10-01", "2026-10-02", TRUE},   {"core.example/a", "core.example/b", TRUE},
                 {"/alarms", "/alarm", TRUE},          {"repeat = \"2h\"", "repeat = \"3h\"", TRUE},
                 {"calendar = \"banking\"", "", TRUE}, {"0123456789abcdef0", "f123456789abcdef0", FALSE}};
  g_autofree char *with = text_of(site, "node {", all);
  char *place = strstr(with, "match = 'P_*.pgp'");
  g_autofree char *text = g_strdup_printf("%.*scalendar = \"banking\" %s", (int)(place - with), with, place);
  g_autofree char *before = part(text);
  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    char *at = strstr(text, changes[i].from);
    assert_non_null(at);
    g_autofree char *changed = g_strdup_printf("%.*s%s%s", (int)(at - text), text, changes[i].to,
                                               at + strlen(changes[i].from));
    g_autofree char *after = part(changed);
    if ((strcmp(before, after) != 0) != changes[i].shows)
      fail_msg("%s", changes[i].to);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_set_up, site_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_good_configuration_has_no_finding),
      TEST(a_rule_that_does_not_compile_is_told_at_its_line),
      TEST(a_rule_may_use_the_headers_fields),
      TEST(a_header_that_may_be_a_record_is_a_warning),
      TEST(a_schedule_without_an_instant_is_told),
      TEST(secret_files_are_ours_alone),
      TEST(a_state_folder_that_cannot_be_made_is_told),
      TEST(a_runtime_folder_that_systemd_will_make_is_a_warning),
      TEST(a_local_folder_that_is_not_there_yet_is_a_warning),
      TEST(certificates_may_be_read_by_all_and_written_by_few),
      TEST(what_systemd_hands_over_is_looked_at_where_it_can_be_seen),
      TEST(a_calendars_file_is_read),
      TEST(the_alarms_program_must_start),
      TEST(a_read_rule_names_columns_that_there_are),
      cmocka_unit_test(a_day_ends_at_its_midnight_in_utc),
      TEST(keys_are_good_ending_ended_unfit_or_missing),
      TEST(a_lanes_part_shows_each_change_that_concerns_it),
      TEST(a_lanes_part_does_not_show_what_concerns_others_or_only_moves_it),
      TEST(a_part_shows_a_change_in_what_the_lane_refers_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
