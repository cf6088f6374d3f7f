#include "conf/table/tables.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static char *read_document(const char *path) {
  char *text = NULL;
  g_autoptr(GError) error = NULL;
  if (!g_file_get_contents(path, &text, NULL, &error))
    fail_msg("%s", error->message);
  return text;
}

/* The name as a word of its own, with the word that must stand before it (the manual's macro), if any. */
static gboolean has_word(const char *text, const char *before, const char *name) {
  g_autofree char *pattern = g_strdup_printf("%s(?<![\\w-])%s(?![\\w-])", before, name);
  return g_regex_match_simple(pattern, text, G_REGEX_MULTILINE, 0);
}

static void check_options(const Table *table, const char *section, const char *sample, const char *manual) {
  RowWalk walk = {.table = table};
  for (const Row *row; (row = grammar_next(&walk));) {
    if (!has_word(sample, "", row->name))
      fail_msg("the samples do not show %s of %s", row->name, section);
    gboolean described = has_word(manual, "^\\.(It (Cm|Ic)|Ic|Ss) ", row->name) ||
                         has_word(manual, "^\\.It Ic \\S+ \\{ Cm ", row->name);
    if (!described)
      fail_msg("the manual does not describe %s of %s", row->name, section);
    if (row->kind->is_section)
      check_options(row->inner, row->name, sample, manual);
  }
}

static void append_samples(GString *all, const char *of) {
  GDir *folder = g_dir_open(of, 0, NULL);
  assert_non_null(folder);
  for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
    g_autofree char *path = g_build_filename(of, name, NULL);
    g_autofree char *text = read_document(path);
    g_string_append(all, text);
  }
  g_dir_close(folder);
}

static char *read_samples(void) {
  GString *all = g_string_new(NULL);
  g_autofree char *main_file = read_document("conf/samples/sallyport.conf");
  g_string_append(all, main_file);
  g_autofree char *source = read_document("conf/samples/roles/source.conf");
  g_string_append(all, source);
  append_samples(all, "conf/samples/conf.d");
  append_samples(all, "conf/samples/layouts");
  return g_string_free(all, FALSE);
}

static void every_option_stands_in_the_samples_and_in_the_manual(void **state) {
  (void)state;
  g_autofree char *sample = read_samples();
  g_autofree char *manual = read_document("packaging/man/sallyport.conf.5");
  check_options(&table_root, "the top level", sample, manual);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_option_stands_in_the_samples_and_in_the_manual),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
