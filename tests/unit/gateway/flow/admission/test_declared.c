/* What files beside a file declare of it: every form, and what is not taken. */
#include "gateway/flow/admission/declared.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MD5 "0123456789abcdef0123456789abcdef"
#define SHA1 MD5 "01234567"
#define SHA256 MD5 MD5
#define SHA512 SHA256 SHA256

static char *names[] = {(char *)"name", (char *)"-", (char *)"size", (char *)"records", (char *)"total",
                        (char *)"md5",  NULL};
static char *keys[] = {(char *)"FILE:name", (char *)"BYTES:size", (char *)"a:b:records", NULL};
static const ConfDeclared sums = {.present = TRUE, .format = CONF_DECLARED_SUMS};
static const ConfDeclared columns = {
    .present = TRUE, .format = CONF_DECLARED_COLUMNS, .columns = names, .delimiter = (char *)"|"};
static const ConfDeclared pairs = {
    .present = TRUE, .format = CONF_DECLARED_PAIRS, .columns = keys, .delimiter = (char *)"="};

static GHashTable *parse(const ConfDeclared *conf, const char *text) {
  g_autofree char *problem = NULL;
  GHashTable *entries = declared_parse(conf, text, strlen(text), &problem);
  if (!entries)
    fail_msg("%s: %s", text, problem);
  assert_null(problem);
  return entries;
}

static const Declared *entry(GHashTable *entries, const char *name) {
  g_autoptr(GBytes) key = g_bytes_new(name, strlen(name));
  return g_hash_table_lookup(entries, key);
}

static void assert_problem(const ConfDeclared *conf, const char *text, gsize length, const char *part) {
  g_autofree char *problem = NULL;
  GHashTable *entries = declared_parse(conf, text, length, &problem);
  if (entries || !problem || !strstr(problem, part))
    fail_msg("%.40s…: %s, not \"%s\"", text, problem ? problem : "no problem", part);
}

static void lines_of_the_digest_tools_are_read(void **state) {
  (void)state;
  g_autoptr(GHashTable) entries = parse(&sums, MD5 "  a b\r\n" SHA1 " *bin\n\n" SHA256 "  dir/of/theirs\n\\" SHA512
                                                   "  back\\\\slash\\nline\n");
  assert_string_equal(entry(entries, "a b")->digests[DIGEST_MD5], MD5);
  assert_string_equal(entry(entries, "bin")->digests[DIGEST_SHA1], SHA1);
  assert_string_equal(entry(entries, "theirs")->digests[DIGEST_SHA256], SHA256);
  assert_string_equal(entry(entries, "back\\slash\nline")->digests[DIGEST_SHA512], SHA512);
  assert_int_equal(g_hash_table_size(entries), 4);
}

static void a_bare_digest_is_of_the_file_it_stands_beside(void **state) {
  (void)state;
  g_autofree char *upper = g_ascii_strup(SHA256, -1);
  g_autoptr(GHashTable) entries = parse(&sums, upper);
  assert_string_equal(entry(entries, "")->digests[DIGEST_SHA256], SHA256);
}

static void columns_are_what_the_configuration_says(void **state) {
  (void)state;
  g_autoptr(GHashTable) entries = parse(&columns, "A.dat|x| 12 |3|-1.50|" MD5 "\nB.dat||0|0|0|" MD5);
  const Declared *a = entry(entries, "A.dat");
  assert_true(a->has_size && a->has_records);
  assert_int_equal(a->size, 12);
  assert_int_equal(a->records, 3);
  assert_string_equal(a->total, "-1.50");
  assert_non_null(entry(entries, "B.dat"));
}

static void pairs_are_one_entry_and_unknown_keys_are_theirs(void **state) {
  (void)state;
  g_autoptr(GHashTable) entries = parse(&pairs, "REMARK=a=b\nBYTES = 7\r\nFILE=A.dat\na:b=9\n");
  assert_int_equal(entry(entries, "A.dat")->size, 7);
  assert_int_equal(entry(entries, "A.dat")->records, 9);
}

static void what_cannot_be_read_wholly_is_not_read_at_all(void **state) {
  (void)state;
  static const struct {
    const ConfDeclared *conf;
    const char *text, *part;
  } bad[] = {{&sums, "", "declares nothing"},
             {&sums, "\n\r\n", "declares nothing"},
             {&sums, MD5 "  good\nnonsense\n", "line 2"},
             {&sums, MD5 "0  a", "not a line"},
             {&sums, MD5 " a", "not a line"},
             {&sums, MD5 "  ", "not a line"},
             {&sums, MD5 "x", "not a line"},
             {&sums,
              MD5 "  a\n"
                  "f" MD5,
              "not a line"},
             {&sums, MD5 "  a/", "no name"},
             {&columns, "A|x|12|3|1", "as many values"},
             {&columns, "A|x|-1|3|1|" MD5, "not a number"},
             {&columns, "A|x|1 2|3|1|" MD5, "not a number"},
             {&columns, "A|x|99999999999999999999|3|1|" MD5, "not a number"},
             {&columns, "A|x|1|3|1.|" MD5, "not a total"},
             {&columns, "A|x|1|3|1e3|" MD5, "not a total"},
             {&columns, "A|x|1|3|.5|" MD5, "not a total"},
             {&columns, "|x|1|3|1|" MD5, "no name"},
             {&columns, "A|x|1|3|1|" SHA1, "not a digest"},
             {&pairs, "FILE=A\nBYTES=1\n", "not all of its keys"},
             {&pairs, "FILE=A\nFILE=B\n", "twice"},
             {&pairs, "FILE=A\nno delimiter\n", "no delimiter"}};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
    assert_problem(bad[i].conf, bad[i].text, strlen(bad[i].text), bad[i].part);
  assert_problem(&sums, MD5 "  a\0b\n", sizeof(MD5 "  a\0b\n") - 1, "NUL");
  g_autofree char *line = g_strnfill(5000, 'a'), *large = g_strnfill((1 << 20) + 1, '\n');
  assert_problem(&sums, line, 5000, "longer than");
  assert_problem(&sums, large, (1 << 20) + 1, "1 MiB");
}

static void lines_that_contradict_each_other_are_a_problem_and_the_same_twice_is_not(void **state) {
  (void)state;
  static const char other[] = "f"
                              "123456789abcdef0123456789abcdef  a\n";
  g_autofree char *text = g_strconcat(MD5 "  a\n", other, NULL);
  assert_problem(&sums, text, strlen(text), "contradicts");
  g_autoptr(GHashTable) entries = parse(&sums, MD5 "  a\n" MD5 " *x/a\n");
  assert_int_equal(g_hash_table_size(entries), 1);
}

static void a_declaration_lives_on_in_the_evidence(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autoptr(Declared) again = NULL;
  g_autoptr(GHashTable) entries = parse(&columns, "A|x|12|3|1.5|" MD5);
  Declared *was = (Declared *)entry(entries, "A");
  was->file = g_strdup("INDEX");
  g_autofree char *evidence = declared_add_to_evidence(was, "{\"kind\":\"marker\",\"looks\":1}");
  assert_non_null(strstr(evidence, "\"looks\":1"));
  assert_true(declared_from_evidence(evidence, &again, &error));
  assert_true(declared_equal(was, again));
  assert_string_equal(again->file, "INDEX");
  g_autoptr(Declared) none = NULL;
  assert_true(declared_from_evidence("{\"kind\":\"marker\"}", &none, &error));
  assert_null(none);
  assert_true(declared_from_evidence(NULL, &none, &error));
  assert_null(none);
}

static void assert_contradiction(const Declared *declared, DeclaredFacts facts, const char *wanted) {
  g_autofree char *code = NULL, *words = declared_contradiction(declared, &facts, &code);
  if (g_strcmp0(code, wanted) != 0 || !words != !wanted)
    fail_msg("%s %s, not %s", code ? code : "none", words ? words : "", wanted ? wanted : "none");
}

static void records_and_totals_are_held_against_what_was_staged(void **state) {
  (void)state;
  Declared declared = {.has_records = TRUE, .records = 3, .total = (char *)"-12.50", .file = (char *)"I"};
  DeclaredFacts facts = {.records = 3, .has_amount = TRUE, .amount = -1250, .scale = 2};
  assert_contradiction(&declared, facts, NULL);
  assert_contradiction(&declared, (DeclaredFacts){.records = 4, .has_amount = TRUE, .amount = -1250, .scale = 2},
                       "D003");
  assert_contradiction(&declared, (DeclaredFacts){.records = 3, .has_amount = TRUE, .amount = 1250, .scale = 2},
                       "D004");
  assert_contradiction(&declared, (DeclaredFacts){.records = 3, .has_amount = TRUE, .amount = -125, .scale = 1}, NULL);
  assert_contradiction(&declared, (DeclaredFacts){.records = 3, .has_amount = TRUE, .amount = -12, .scale = 0}, "D004");
  assert_contradiction(&declared, (DeclaredFacts){.records = 3, .has_amount = TRUE, .amount = -12500, .scale = 3},
                       NULL);
  assert_contradiction(&declared, (DeclaredFacts){.records = 3}, NULL);
  declared.total = (char *)"99999999999999999999999999999";
  assert_contradiction(&declared, facts, "D004");
}

static void digests_are_of_the_bytes_that_came(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  DigestKind kind;
  char path[] = "/tmp/declared-XXXXXX";
  int fd = mkstemp(path);
  unlink(path);
  assert_int_equal(write(fd, "abc", 3), 3);
  Declared declared = {.digests = {[DIGEST_MD5] = (char *)"900150983cd24fb0d6963f7d28e17f72",
                                   [DIGEST_SHA1] = (char *)"a9993e364706816aba3e25717850c26c9cd0d89d"}};
  g_autofree char *none = NULL, *found = NULL;
  assert_true(declared_check_digests(&declared, fd, &kind, &none, &error));
  assert_null(none);
  declared.digests[DIGEST_SHA512] = (char *)SHA512;
  assert_true(declared_check_digests(&declared, fd, &kind, &found, &error));
  assert_int_equal(kind, DIGEST_SHA512);
  assert_int_equal(strlen(found), 128);
  close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_of_the_digest_tools_are_read),
      cmocka_unit_test(a_bare_digest_is_of_the_file_it_stands_beside),
      cmocka_unit_test(columns_are_what_the_configuration_says),
      cmocka_unit_test(pairs_are_one_entry_and_unknown_keys_are_theirs),
      cmocka_unit_test(what_cannot_be_read_wholly_is_not_read_at_all),
      cmocka_unit_test(lines_that_contradict_each_other_are_a_problem_and_the_same_twice_is_not),
      cmocka_unit_test(a_declaration_lives_on_in_the_evidence),
      cmocka_unit_test(records_and_totals_are_held_against_what_was_staged),
      cmocka_unit_test(digests_are_of_the_bytes_that_came)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
