/* tests/corpus/layout: NAME.dat is a file as partners send it, NAME.expect its layout and, behind "--", what it must be
 * parsed to (layouts.h says how that is written down). tests/corpus/formats: the layout stands in FORMAT.conf there, or
 * in what is shipped, conf/samples/layouts, as it would in a configuration; and the files as FORMAT.WHAT.dat and
 * FORMAT.WHAT.expect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/formats.h"
#include <stdio.h>
#include <cmocka.h>

/* from the root of the tree, where make runs */
static const char *const FOLDER = "tests/corpus/layout";

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
      layouts_line(g_str_equal(words[0], "header")   ? &conf->header
                   : g_str_equal(words[0], "record") ? &conf->record
                                                     : &conf->trailer,
                   words[1]);
    }
  }
  return conf;
}

static void check_file(const char *name, const ConfLayout *conf, const char *data_path, const char *expected) {
  g_autofree char *data = NULL;
  gsize length;
  GError *error = NULL;
  Layout *layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s: %s", name, error->message);
  assert_true(g_file_get_contents(data_path, &data, &length, NULL));
  static const gsize cuts[] = {1, 2, 37, 100, 1 << 20};
  for (guint i = 0; i < G_N_ELEMENTS(cuts); i++) {
    g_autofree char *told = layouts_tell(layout, data, length, cuts[i]);
    if (!g_str_equal(told, expected))
      fail_msg("%s, in chunks of %zu:\n%s", name, cuts[i], told);
  }
  layout_free(layout);
}

static void check(const char *name) {
  g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".expect"));
  g_autofree char *expect_path = g_strconcat(FOLDER, "/", name, NULL),
                  *data_path = g_strconcat(FOLDER, "/", stem, ".dat", NULL);
  g_autofree char *expect = NULL;
  assert_true(g_file_get_contents(expect_path, &expect, NULL, NULL));
  char *expected = strstr(expect, "--\n");
  assert_non_null(expected);
  *expected = 0;
  ConfLayout *conf = read_layout(expect);
  check_file(name, conf, data_path, expected + 3);
  layouts_free(conf);
}

static void check_format(const char *name) {
  g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".expect"));
  g_autofree char *format = g_strndup(name, strcspn(name, "."));
  g_autofree char *own = g_strconcat(FORMATS, "/", format, ".conf", NULL);
  gboolean is_own = g_file_test(own, G_FILE_TEST_EXISTS);
  g_autofree char *conf_path = g_strconcat(is_own ? FORMATS : SHIPPED, "/", format, ".conf", NULL),
                  *data_path = g_strconcat(FORMATS, "/", stem, ".dat", NULL);
  g_autofree char *expect_path = g_strconcat(FORMATS, "/", name, NULL), *expected = NULL;
  assert_true(g_file_get_contents(expect_path, &expected, NULL, NULL));
  Conf *conf = formats_read(conf_path);
  check_file(name, conf_layout(conf, format), data_path, expected);
  conf_free(conf);
}

static guint for_each(const char *path, const char *suffix, void (*each)(const char *name)) {
  GDir *folder = g_dir_open(path, 0, NULL);
  if (!folder)
    fail_msg("%s is not here: run from the root of the tree", path);
  guint n = 0;
  for (const char *name; (name = g_dir_read_name(folder));)
    if (g_str_has_suffix(name, suffix)) {
      if (each)
        each(name);
      n++;
    }
  g_dir_close(folder);
  return n;
}

static void every_file_of_the_corpus_has_its_verdict(void **state) {
  (void)state;
  assert_true(for_each(FOLDER, ".expect", check) >= 25);
}

static void every_file_of_every_format_has_its_verdict(void **state) {
  (void)state;
  guint checked = for_each(FORMATS, ".expect", check_format);
  assert_true(checked >= 35);
  assert_int_equal(for_each(FORMATS, ".dat", NULL), checked);
}

/* What is called good is accepted as a whole, and what is called bad is not. */
static void check_name(const char *name) {
  g_autofree char *path = g_strconcat(FORMATS, "/", name, NULL), *told = NULL;
  assert_true(g_file_get_contents(path, &told, NULL, NULL));
  gboolean is_good = strstr(name, ".good") != NULL, is_accepted = g_str_has_suffix(told, ", ok\n");
  g_auto(GStrv) lines = g_strsplit(told, "\n", -1);
  for (char **line = lines; *line; line++)
    is_accepted = is_accepted && !g_regex_match_simple("^[0-9]+ L[0-9]{3} ", *line, 0, 0);
  if (is_good != is_accepted || is_good == !!strstr(name, ".bad"))
    fail_msg("%s: is it good or bad?", name);
}

static void good_files_are_good_and_bad_ones_bad(void **state) {
  (void)state;
  assert_true(for_each(FORMATS, ".expect", check_name) >= 35);
}

/* The lines of a layout that stand in the manual, too: all but the remarks before it. */
static void check_manual(const char *name) {
  g_autofree char *path = g_strconcat(FORMATS, "/", name, NULL), *text = NULL, *manual = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  assert_true(g_file_get_contents("packaging/man/sallyport-layout.7", &manual, NULL, NULL));
  const char *layout = strstr(text, "layout \"");
  g_autofree char *begins = g_strndup(layout, strcspn(layout, "\n") + 1), *shown = g_strconcat(layout, ".Ed\n", NULL);
  if (strstr(manual, begins) && !strstr(manual, shown))
    fail_msg("%s: packaging/man/sallyport-layout.7 has another one", name);
}

static void the_manual_has_the_layouts_that_are_tested(void **state) {
  (void)state;
  assert_true(for_each(FORMATS, ".conf", check_manual) >= 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_file_of_the_corpus_has_its_verdict),
                                     cmocka_unit_test(every_file_of_every_format_has_its_verdict),
                                     cmocka_unit_test(good_files_are_good_and_bad_ones_bad),
                                     cmocka_unit_test(the_manual_has_the_layouts_that_are_tested)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
