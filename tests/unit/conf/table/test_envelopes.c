/* What is around the records, and beside the files: envelopes, packing, digests, files that declare; and the keys that
 * they need. */
#include "tests/unit/conf/parse.h"

/* On line 28, of the source; and on line 36, of the feedback. */
#define HERE "match = 'P_*.pgp'"
#define SOURCE(options) "match = 'P_*.pgp' " options
#define THERE "name = '{stem}_FB.pgp'"
#define FEEDBACK(options) "name = '{stem}_FB.pgp' " options

#define UNPROTECTED                                                                                                  \
  "25: warning: feed \"bank-points\" takes unprotected plain text: whoever can write into its folder can post, and " \
  "what is changed on the way is not noticed\n"

static const char openpgp[] = "  openpgp {\n"
                              "    encrypt-to = { \"" FINGERPRINT "\" }\n"
                              "    signed-by = { \"" FINGERPRINT "\" }\n"
                              "    decrypt-with = \"" FINGERPRINT "\"\n"
                              "  }\n";

static const Row rows[] = {
    {HERE, SOURCE("envelope = detached-signature inner-packing = gzip outer-packing = zip"), ""},
    {HERE, SOURCE("envelope = detached-signature signature = '{stem}.asc'"), ""},
    {HERE, SOURCE("envelope = unprotected-plain-text inner-packing = zstd"), UNPROTECTED},
    {HERE, SOURCE("envelope = none"),
     "28: 'envelope' must be one of: openpgp, detached-signature, unprotected-plain-text\n"},
    {HERE, SOURCE("envelope = plain-text outer-packing = rar"),
     "28: 'envelope' must be one of: openpgp, detached-signature, unprotected-plain-text\n"
     "28: 'outer-packing' must be one of: none, gzip, zstd, zip\n"},
    {HERE, SOURCE("signature = '{name}.sig'"),
     "28: 'signature' has a meaning only with envelope = detached-signature\n"},
    {HERE, SOURCE("envelope = detached-signature signature = '{name}'"),
     "28: 'signature' is the name of the file itself\n"
     "25: warning: 'match' takes the signatures, too: they will be seen as files that never become ready\n"},
    {HERE, SOURCE("envelope = detached-signature signature = 'all.sig'"),
     "28: 'signature' must contain {name} or {stem}: else one marker would stand for all files\n"},
    {HERE, SOURCE("envelope = unprotected-plain-text inner-packing = zstd outer-packing = gzip"),
     "28: 'inner-packing': there is no envelope between it and outer-packing; one packing is enough\n" UNPROTECTED},

    {HERE, SOURCE("ready = declared declared { file = '{name}.sha256' }"), ""},
    {HERE,
     SOURCE("declared { file = 'INDEX_*.txt' format = columns columns = { \"name\", \"-\", \"-\", \"size\", \"md5\" } "
            "delimiter = \"\\t\" }"),
     ""},
    {HERE,
     SOURCE("declared { file = '{stem}.idx' format = pairs columns = { \"rows:records\", \"sum:total\", \"a:b:sha512\" "
            "} }"),
     ""},
    {HERE, SOURCE("ready = declared"),
     "25: 'declared' is missing in source: the file that says that another is complete\n"},
    {HERE, SOURCE("declared { }"),
     "28: 'file' is missing in declared: the file that declares: '{name}.sha256', or of several files, "
     "'INDEX_*.txt'\n"},
    {HERE, SOURCE("declared { file = '{id}.sha256' columns = { \"size\" } delimiter = \",\" }"),
     "28: 'file' must contain {name} or {stem}: else one marker would stand for all files\n"
     "28: 'columns' has a meaning only with format = columns or pairs\n"
     "28: 'delimiter' has a meaning only with format = columns or pairs\n"},
    {HERE, SOURCE("declared { file = 'in/[a' format = columns }"),
     "28: 'file': it matches names in one folder, so it holds no '/'\n"
     "28: 'columns' is missing in declared: what stands where in it\n"},
    {HERE, SOURCE("declared { file = '{name}.idx' format = columns columns = { \"size\", \"crc32\" } }"),
     "28: 'columns': each is one of name size records total md5 sha1 sha256 sha512 -\n"},
    {HERE, SOURCE("declared { file = '{name}.idx' format = pairs columns = { \"size\" } }"),
     "28: 'columns': each is one of name size records total md5 sha1 sha256 sha512 -, behind the key that the file has "
     "for it and a colon, as \"rows:records\"\n"},
    {HERE, SOURCE("declared { file = '{name}.idx' format = columns columns = { \"name\", \"-\" } }"),
     "28: 'columns' declare nothing that could be checked: a size, a number of records, a total or a digest\n"},
    {HERE, SOURCE("declared { file = '{name}.idx' format = columns columns = { \"size\", \"size\" } }"),
     "28: 'columns': size stands there twice\n"},
    {HERE, SOURCE("declared { file = '*.idx' format = columns columns = { \"size\" } }"),
     "28: 'columns': an index of several files needs the column name\n"},
    {HERE, SOURCE("declared { file = 'P_INDEX*.pgp' }"),
     "25: warning: 'match' takes the files that declare them, too: they will be seen as files that never become "
     "ready\n"},

    {THERE,
     FEEDBACK("envelope = detached-signature packing = zip member = '{stem}.csv' outer-packing = gzip charset = "
              "\"GBK\" delimiter = \",\" line-end = crlf neutralise-formulas = yes digest = '{name}.md5'"),
     ""},
    {THERE, FEEDBACK("envelope = unprotected-plain-text compress = fast"),
     "36: 'compress' has a meaning only with envelope = openpgp, which does it\n"},
    {THERE, FEEDBACK("member = 'x.csv'"),
     "36: 'member' has a meaning only with packing = zip or outer-packing = zip\n"},
    {THERE, FEEDBACK("charset = \"KLINGON\" delimiter = \"\\n\" line-end = cr neutralise-formulas = perhaps"),
     "36: 'charset' must be a character set that this machine knows (iconv -l lists them)\n"
     "36: 'delimiter' holds a line end\n"
     "36: 'line-end' must be one of: lf, crlf\n"
     "36: 'neutralise-formulas' must be yes or no\n"},
    {THERE, FEEDBACK("envelope = unprotected-plain-text packing = gzip outer-packing = gzip"),
     "36: 'outer-packing': there is no envelope between it and packing; one packing is enough\n"},
    {THERE, FEEDBACK("digest = '{name}'"), "36: 'digest' is the name of the file itself\n"},
    {THERE, FEEDBACK("digest = '{name}.ok' marker = '{name}.ok'"), "36: 'digest' and 'marker' are the same name\n"},
    {"path = \"/in\"\n      name = '{stem}_FB.pgp'",
     "path = \"/out\"\n      name = 'F_{stem}.txt' digest = 'P_{name}.pgp'",
     "33: feedback goes to the folder that files are taken from, and its 'digest' can match 'P_*.pgp': feed "
     "\"bank-points\" would take in its own answers\n"},
    {"match = 'P_*.pgp'", "match = 'P_*.*'",
     "33: warning: files of 'match' can differ behind their first dot only, and then their answers have one name: put "
     "{extension} or {name} into 'name'\n"},

    /* Keys are asked for where they are needed. */
    {openpgp, "\n\n\n\n\n",
     "25: feed \"bank-points\" needs 'signed-by' in an openpgp { … } of partner \"bank\" (test.conf:2): the key that "
     "the partner signs with, or its current and next one\n"
     "25: feed \"bank-points\" needs 'decrypt-with' in an openpgp { … } of partner \"bank\" (test.conf:2): our own "
     "key\n"
     "33: feed \"bank-points\" needs 'encrypt-to' in an openpgp { … } of partner \"bank\" (test.conf:2): the partner's "
     "key, or its current and next one\n"},
    {"    decrypt-with = \"" FINGERPRINT "\"\n", "\n",
     "25: feed \"bank-points\" needs 'decrypt-with' in the openpgp { … } of partner \"bank\" (test.conf:3): our own "
     "key\n"},
    {"    decrypt-with = \"" FINGERPRINT "\"\n", "sign-with = \"" FINGERPRINT "\"\n",
     "25: feed \"bank-points\" needs 'decrypt-with' in the openpgp { … } of partner \"bank\" (test.conf:3): our own "
     "key\n"},
    {"    signed-by = { \"" FINGERPRINT "\" }\n", "\n",
     "25: feed \"bank-points\" needs 'signed-by' in the openpgp { … } of partner \"bank\" (test.conf:3): the key that "
     "the partner signs with, or its current and next one\n"},
    {"    encrypt-to = { \"" FINGERPRINT "\" }\n", "\n",
     "33: feed \"bank-points\" needs 'encrypt-to' in the openpgp { … } of partner \"bank\" (test.conf:3): the "
     "partner's key, or its current and next one\n"},
};

static void what_is_around_a_file_and_said_wrongly_is_told(void **state) {
  (void)state;
  check_rows(rows, G_N_ELEMENTS(rows));
}

/* Two places changed: the source's envelope and the feedback's, with these keys; the words told, or none. */
static void check_need(const char *keys, const char *source, const char *feedback, const char *told) {
  g_autoptr(GString) text = g_string_new(right_one);
  g_autofree char *in = g_strdup_printf(SOURCE("envelope = %s"), source),
                  *out = g_strdup_printf(FEEDBACK("envelope = %s"), feedback);
  assert_int_equal(g_string_replace(text, openpgp, keys, 0), 1);
  assert_int_equal(g_string_replace(text, HERE, in, 0), 1);
  assert_int_equal(g_string_replace(text, THERE, out, 0), 1);
  g_autofree char *says = parse_and_tell("test.conf", text->str, text->len);
  gboolean is_as_wanted = *told == '\0' ? !strstr(says, " needs '") : !!strstr(says, told);
  if (!is_as_wanted)
    fail_msg("%s / %s says: %s", source, feedback, says);
}

static void each_envelope_needs_its_own_keys(void **state) {
  (void)state;
  static const char signed_by[] = "openpgp { signed-by = { \"" FINGERPRINT "\" } }\n",
                    sign_with[] = "openpgp { sign-with = \"" FINGERPRINT "\" }\n";
  static const char both[] = "openpgp { signed-by = { \"" FINGERPRINT "\" } sign-with = \"" FINGERPRINT "\" }\n";
  check_need("", "unprotected-plain-text", "unprotected-plain-text", "");
  check_need("", "detached-signature", "unprotected-plain-text", "needs 'signed-by'");
  check_need(signed_by, "detached-signature", "unprotected-plain-text", "");
  check_need(signed_by, "detached-signature", "detached-signature", "needs 'sign-with'");
  check_need(sign_with, "unprotected-plain-text", "detached-signature", "");
  check_need(both, "detached-signature", "detached-signature", "");
  check_need(both, "detached-signature", "openpgp", "needs 'encrypt-to'");
  check_need(both, "openpgp", "detached-signature", "needs 'decrypt-with'");
}

static void what_is_not_said_of_an_envelope_has_its_default(void **state) {
  (void)state;
  Conf *conf = build_with(HERE, SOURCE("envelope = detached-signature declared { file = '{name}.idx' format = pairs "
                                       "columns = { \"rows:records\" } }"));
  const ConfSourceFolder *source = &conf_feed(conf, "bank-points", NULL)->source;
  assert_string_equal(source->signature, "{name}.sig");
  assert_int_equal(source->ready, CONF_READY_STABLE);
  assert_true(source->declared.present);
  assert_string_equal(source->declared.delimiter, "=");
  conf_free(conf);
  conf = build_with(
      HERE, SOURCE("ready = declared declared { file = '*.idx' format = columns columns = { \"name\", \"size\" } }"));
  source = &conf_feed(conf, "bank-points", NULL)->source;
  assert_int_equal(source->ready, CONF_READY_DECLARED);
  assert_string_equal(source->declared.delimiter, ",");
  assert_null(source->signature);
  conf_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_around_a_file_and_said_wrongly_is_told),
      cmocka_unit_test(each_envelope_needs_its_own_keys),
      cmocka_unit_test(what_is_not_said_of_an_envelope_has_its_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
