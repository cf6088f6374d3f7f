/* The stored wrong configurations of tests/corpus/wrong-conf, each with what the check says of it, word for word.
 *
 * A case is `=== its name`, what is changed in right.conf, `---`, and the findings as "LINE: message" in the order in
 * which they are told. A change is `@ LINE`, the lines that stand there behind `-`, those that come in their place
 * behind `+`. A case without a change is a text of its own. A finding that came later, or is worded anew, has what was
 * told before behind `~` in the line above. */
#include "tests/unit/conf/parse.h"
#include <stdlib.h>

#define FOLDER "tests/corpus/wrong-conf/"

static char **read_lines(const char *name) {
  g_autofree char *path = g_strconcat(FOLDER, name, NULL), *text = NULL;
  g_autoptr(GError) error = NULL;
  if (!g_file_get_contents(path, &text, NULL, &error))
    fail_msg("%s", error->message);
  return g_strsplit(text, "\n", -1);
}

/* Lines are compared and taken without their indentation. */
static char *plain(const char *line) {
  return g_strstrip(g_strdup(line));
}

/* One change: puts `+` lines before the lines at NUMBER, and takes those out that `-` names. Lines keep their numbers
 * until all changes are made, since what goes and what comes is kept in the line's own text. */
static guint apply_change(char **base, char *const *from, guint at, guint number) {
  g_autoptr(GString) added = g_string_new(NULL);
  guint gone = number;
  for (at++; from[at] && strchr("-+", from[at][0]) && !g_str_equal(from[at], "---"); at++) {
    g_autofree char *text = plain(from[at] + 1);
    if (from[at][0] == '+') {
      g_string_append_printf(added, "%s\n", text);
      continue;
    }
    g_autofree char *there = plain(base[gone - 1]);
    if (strcmp(there, text) != 0)
      fail_msg("right.conf:%u has '%s', not '%s'", gone, there, text);
    g_free(base[gone - 1]);
    base[gone++ - 1] = g_strdup("\f");
  }
  char *old = base[number - 1];
  base[number - 1] = g_strconcat(added->str, old, NULL);
  g_free(old);
  return at - 1;
}

/* The configuration that a case's lines, up to "---", mean. */
static char *text_of(char *const *right, char *const *lines, guint *at) {
  g_auto(GStrv) base = g_strdupv((char **)right);
  g_autoptr(GString) own = g_string_new(NULL);
  gboolean is_change = FALSE;
  for (; lines[*at] && !g_str_equal(lines[*at], "---"); (*at)++) {
    if (!g_str_has_prefix(lines[*at], "@ ")) {
      g_string_append_printf(own, "%s\n", lines[*at]);
      continue;
    }
    is_change = TRUE;
    *at = apply_change(base, lines, *at, (guint)atoi(lines[*at] + 2));
  }
  if (!is_change)
    return g_string_free(g_steal_pointer(&own), FALSE);
  g_autofree char *joined = g_strjoinv("\n", base);
  g_auto(GStrv) kept = g_strsplit(joined, "\f\n", -1);
  return g_strjoinv("", kept);
}

static char *wanted_of(char *const *lines, guint *at) {
  GString *wanted = g_string_new(NULL);
  for (; lines[*at] && !g_str_has_prefix(lines[*at], "==="); (*at)++)
    if (g_ascii_isdigit(lines[*at][0]))
      g_string_append_printf(wanted, "%s\n", lines[*at]);
  return g_string_free(wanted, FALSE);
}

static guint check_cases(const char *name, char *const *right) {
  g_auto(GStrv) lines = read_lines(name);
  guint at = 0, count = 0, wrong = 0;
  while (lines[at] && !g_str_has_prefix(lines[at], "==="))
    at++;
  for (; lines[at]; count++) {
    const char *title = lines[at++] + 4;
    g_autofree char *text = text_of(right, lines, &at);
    g_autofree char *wanted = wanted_of(lines, &at);
    g_autofree char *told = parse_and_tell("c", text, strlen(text));
    if (strcmp(told, wanted) == 0)
      continue;
    wrong++;
    print_message("%s: %s\nsays:\n%swants:\n%s", name, title, told, wanted);
  }
  assert_int_equal(wrong, 0);
  return count;
}

static void each_stored_wrong_configuration_is_told_in_the_same_words(void **state) {
  (void)state;
  g_auto(GStrv) right = read_lines("right.conf");
  g_autoptr(GDir) folder = g_dir_open(FOLDER, 0, NULL);
  guint count = 0;
  assert_non_null(folder);
  for (const char *name; (name = g_dir_read_name(folder));)
    if (g_str_has_suffix(name, ".cases"))
      count += check_cases(name, right);
  assert_true(count > 800); /* it does look */
}

static void the_right_configuration_is_right(void **state) {
  (void)state;
  g_auto(GStrv) right = read_lines("right.conf");
  g_autofree char *text = g_strjoinv("\n", right);
  g_autofree char *told = parse_and_tell("c", text, strlen(text));
  assert_string_equal(told, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_right_configuration_is_right),
      cmocka_unit_test(each_stored_wrong_configuration_is_told_in_the_same_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
