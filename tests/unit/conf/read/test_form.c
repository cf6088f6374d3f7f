#include "tests/unit/conf/parse.h"

static const Row rows[] = {
    {"", "", ""},
    {"key = \"ref\"", "keyy = \"ref\"", "24: 'keyy' is not known in feed \"bank-points\"; did you mean 'key'?\n"},
    {"key = \"ref\"", "connections = 3  key = \"ref\"",
     "24: 'connections' does not stand in feed \"bank-points\" but in endpoint\n"},
    {"key = \"ref\"", "colour = red  key = \"ref\"", "24: 'colour' is not known in feed \"bank-points\"\n"},
    {"key = \"ref\"", "password = \"hunter2\"  key = \"ref\"",
     "24: 'password' is not known in feed \"bank-points\": secrets stand in files of their own (password-file, "
     "passphrase-file)\n"},
    {"identity-file = \"/etc/key\"", "password-file = hunter2 hunter3\n    identity-file = \"/etc/key\"",
     "11: this word does not belong here: an option is name = value, a section is name { … }\n"
     "11: 'password-file' must be an absolute path without '..'\n"},
    {"identity-file = \"/etc/key\"", "passwort \"hunter2\" {}\n    identity-file = \"/etc/key\"",
     "11: 'passwort' is not known in endpoint \"main\": secrets stand in files of their own (password-file, "
     "passphrase-file)\n"},
    {"key = \"ref\"", "key = ", "24: 'key' has no value\n"},
    {"key = \"ref\"", "key \"ref\"", "24: 'key' is an option: key = …\n"},
    {"layout = \"points\"", "layout = { \"points\" }", "23: 'layout' takes one value, not a list\n"},
    {"key = \"ref\"", "key = \"ref\";", "24: no semicolon here: a value ends by itself\n"},
    {"key = \"ref\"", "key = \"ref\" key = \"points\"",
     "24: 'key' stands twice in feed \"bank-points\" (first at test.conf:24)\n"},
    {"key = \"ref\"", "key += \"ref\"", "24: 'key' is set by '=', with all its values in one list\n"},
    {"match = 'P_*.pgp'", "match = P_*.pgp",
     "28: a value with special characters needs quotes (single quotes for patterns)\n"},
    {"key = \"ref\"", "key = \"${KEY}\"",
     "24: environment variables are not expanded: write \\${ in double quotes, or use single quotes, to mean the "
     "characters\n"},
    {"key = \"ref\"", "key = \"\\q\"",
     "24: a backslash sequence that has no meaning; write \\\\ for a backslash, or use single quotes\n"},
    {"key = \"ref\"", "key = \"r\\0ef\"",
     "24: a backslash sequence that has no meaning; write \\\\ for a backslash, or use single quotes\n"},
    {"key = \"ref\"", "key = \"ref", "24: the string that begins here has no closing \"\n"},
    {"key = \"ref\"", "/* key = \"ref\"", "24: the comment that begins here has no end (*/)\n"},
    {"key = \"ref\"", "key = \"r\001ef\"", "24: the text is not UTF-8, or holds a control character\n"},
    {"layout \"points\" {\n", "layout {\n", "14: 'layout' needs a name: layout \"…\" { … }\n"},
    {"source {", "source \"x\" {", "25: 'source' has no name: source { … }\n"},
    {"source {", "source = {", "25: 'source' is a section: source { … }\n"},
    {"    source {", "    source\n    {", ""},
    {"batch {", "sourcee { x = 1 { } y \"a\" { b = 2 } } batch {",
     "31: 'sourcee' is not known in feed \"bank-points\"; did you mean 'source'?\n"},
    {"batch {", "source { path = \"/x\" } batch {",
     "31: 'source' stands twice in feed \"bank-points\" (first at test.conf:25)\n"},
    {"rule \"range\" {", "rule \"range\" { check = \"1\" code = \"E2\" } rule \"range\" {",
     "30: rule \"range\" stands twice in feed \"bank-points\" (first at test.conf:30)\n"},
    {"lane \"points\" {", "lane \"points\" {} lane \"points\" {",
     "20: lane \"points\" stands twice in the top level (first at test.conf:20)\n"
     "20: warning: lane \"points\" has no feed\n"},
    {"      match = 'P_*.pgp'\n    }\n", "      match = 'P_*.pgp'\n",
     "29: before this, the closing brace of source (test.conf:25) is missing\n"},
    {"lane \"points\" {", "} lane \"points\" {", "20: a closing brace without its opening one\n"},
    {"node {", "partner \"bank\" {} node {",
     "2: partner \"bank\" stands twice in the top level (first at test.conf:1)\n"
     "1: partner \"bank\" has no endpoint\n"
     "26: partner \"bank\" has no endpoint \"main\"\n"
     "34: partner \"bank\" has no endpoint \"main\"\n"
     "25: feed \"bank-points\" needs 'signed-by' in an openpgp { … } of partner \"bank\" (test.conf:1): the key that "
     "the partner signs with, or its current and next one\n"
     "25: feed \"bank-points\" needs 'decrypt-with' in an openpgp { … } of partner \"bank\" (test.conf:1): our own "
     "key\n"
     "33: feed \"bank-points\" needs 'encrypt-to' in an openpgp { … } of partner \"bank\" (test.conf:1): the partner's "
     "key, or its current and next one\n"},
    {"node {", "include(\"other.conf\") node {", "1: include(\"other.conf\"): there is no such file\n"},
    {"node {", "include other.conf node {", "1: write include(\"file\"), or include('folder/*.conf')\n"},
    {"encrypt-to = {", "encrypt-to = { \"x\" \"y\"",
     "4: a list is { \"a\", \"b\" }; this value does not belong here\n"},
    {"node { name = \"gw\" time-zone = \"UTC\" }", "",
     "0: there is no node { … }: it says where the gateway keeps its state\n"},
    {"key = \"ref\"",
     "= \"ref\" { } ) +=", "24: '=' does not belong here: an option is name = value, a section is name { … }\n"},
    {"key = \"ref\"", "@ = 1 key = \"ref\"", "24: '@' is not known in feed \"bank-points\"\n"},
    {"key = \"ref\"", "password-file =\n hunter2\n hunter3 key = \"ref\"",
     "24: 'password-file' does not stand in feed \"bank-points\" but in endpoint\n"
     "26: this word does not belong here: an option is name = value, a section is name { … }\n"},
};

static void every_fault_of_form_is_told_at_its_line_and_the_rest_is_read_on(void **state) {
  (void)state;
  check_rows(rows, G_N_ELEMENTS(rows));
}

static void a_value_beyond_8_kib_is_told_and_not_shown(void **state) {
  (void)state;
  g_autofree char *value = g_strnfill(8193, 'g');
  g_autofree char *text = g_strdup_printf("node { name = \"%s\" time-zone = \"UTC\" }", value);
  g_autofree char *told = parse_and_tell("test.conf", text, strlen(text));
  assert_string_equal(
      told, "1: a value of more than 8192 bytes\n0: warning: there is no lane: the gateway has nothing to do\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_fault_of_form_is_told_at_its_line_and_the_rest_is_read_on),
      cmocka_unit_test(a_value_beyond_8_kib_is_told_and_not_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
