/* tests/corpus/layout: NAME.dat is a file as partners send it, NAME.expect its layout and, behind "--", what it must be
 * parsed to (layouts.h says how that is written down). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/layouts.h"
#include <stdio.h>
#include <cmocka.h>

static const char *const FOLDER = "tests/corpus/layout"; /* from the root of the tree, where make runs */

static void set_line_end(ConfLayout *conf, const char *word) {
  if (g_str_equal(word, "crlf"))
    conf->line_end = CONF_LINE_END_CRLF;
  else if (g_str_equal(word, "lf"))
    conf->line_end = CONF_LINE_END_LF;
  else
    conf->line_end = CONF_LINE_END_CR;
}

static ConfLayout *read_layout(char *description) {
  ConfLayout *conf = layouts_conf("|", NULL, NULL, NULL);
  g_auto(GStrv) lines = g_strsplit(description, "\n", -1);
  for (char **line = lines; *line && **line; line++) {
    g_auto(GStrv) words = g_strsplit(*line, " ", 2);
    if (g_str_equal(words[0], "delimiter")) {
      g_free(conf->delimiter);
      conf->delimiter = g_strdup(words[1]);
    } else if (g_str_equal(words[0], "charset")) {
      conf->charset = g_strdup(words[1]);
    } else if (g_str_equal(words[0], "quote")) {
      conf->quote = CONF_QUOTE_RFC4180;
    } else if (g_str_equal(words[0], "lines")) {
      conf->lines_by = CONF_LINES_BY_POSITION;
    } else if (g_str_equal(words[0], "limit")) {
      conf->line_limit = (guint)atoi(words[1]);
    } else if (g_str_equal(words[0], "end")) {
      set_line_end(conf, words[1]);
    } else {
      layouts_line(g_str_equal(words[0], "header") ? &conf->header : g_str_equal(words[0], "record") ? &conf->record : &conf->trailer, words[1]);
    }
  }
  return conf;
}

static void check(const char *name) {
  g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".expect"));
  g_autofree char *expect_path = g_strconcat(FOLDER, "/", name, NULL), *data_path = g_strconcat(FOLDER, "/", stem, ".dat", NULL);
  g_autofree char *expect = NULL, *data = NULL;
  gsize length;
  assert_true(g_file_get_contents(expect_path, &expect, NULL, NULL) && g_file_get_contents(data_path, &data, &length, NULL));
  char *expected = strstr(expect, "--\n");
  assert_non_null(expected);
  *expected = 0;
  ConfLayout *conf = read_layout(expect);
  GError *error = NULL;
  Layout *layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s: %s", name, error->message);
  static const gsize cuts[] = {1, 100, 1 << 20};
  for (guint i = 0; i < G_N_ELEMENTS(cuts); i++) {
    g_autofree char *told = layouts_tell(layout, data, length, cuts[i]);
    if (!g_str_equal(told, expected + 3))
      fail_msg("%s, in chunks of %zu:\n%s", name, cuts[i], told);
  }
  layout_free(layout);
  layouts_free(conf);
}

static void every_file_of_the_corpus_has_its_verdict(void **state) {
  (void)state;
  GDir *folder = g_dir_open(FOLDER, 0, NULL);
  if (!folder)
    fail_msg("%s is not here: run from the root of the tree", FOLDER);
  guint checked = 0;
  for (const char *name; (name = g_dir_read_name(folder));)
    if (g_str_has_suffix(name, ".expect")) {
      check(name);
      checked++;
    }
  g_dir_close(folder);
  assert_true(checked >= 25);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_file_of_the_corpus_has_its_verdict)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
