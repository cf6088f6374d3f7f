/* Whether the tables have every setting: by the bytes of the structs, and by the names that the headers declare, so
 * that also one is found that alignment hides. */
#include "conf/conf.h"
#include "conf/read/table.h"
#include "conf/read/text.h"
#include "conf/table/tables.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void every_byte_of_every_struct_is_a_rows(void **state) {
  (void)state;
  const char *first;
  gsize missing = text_uncovered(&table_root, &first);
  if (missing)
    fail_msg("%s has %zu bytes that no row of its table in conf/table/ covers: add the new setting there", first,
             missing);
}

static char *replaced(char *text, const char *pattern, const char *by) {
  g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_DOTALL, 0, NULL);
  char *result = g_regex_replace_literal(regex, text, -1, 0, by, 0, NULL);
  g_free(text);
  return result;
}

/* Declarations without comments. */
static char *plain_header(const char *path) {
  char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  return replaced(text, "/\\*.*?\\*/", "");
}

/* Each declaration's name is its last word. */
static guint check_struct(const char *of, const char *declarations) {
  guint count = 0;
  if (strcmp(of, "ConfWhere") == 0) /* no settings */
    return 0;
  g_autoptr(GRegex) last = g_regex_new("(\\w+)\\s*[;,]", 0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  for (g_regex_match(last, declarations, 0, &match); g_match_info_matches(match);
       g_match_info_next(match, NULL), count++) {
    g_autofree char *name = g_match_info_fetch(match, 1);
    if (!text_has_member(&table_root, of, name))
      fail_msg("no table in conf/table/ has %s of %s", name, of);
  }
  return count;
}

static guint check_header(const char *path) {
  guint count = 0;
  g_autofree char *text = plain_header(path);
  g_autoptr(GRegex) structs = g_regex_new("typedef struct \\{([^}]*)\\} (\\w+);", G_REGEX_DOTALL, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  for (g_regex_match(structs, text, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL)) {
    g_autofree char *declarations = g_match_info_fetch(match, 1), *of = g_match_info_fetch(match, 2);
    count += check_struct(of, declarations);
  }
  return count;
}

static void every_member_of_every_struct_has_a_row(void **state) {
  (void)state;
  guint count = 0;
  g_autoptr(GDir) folder = g_dir_open("conf/model", 0, NULL);
  assert_non_null(folder);
  for (const char *name; (name = g_dir_read_name(folder));) {
    g_autofree char *path = g_build_filename("conf/model", name, NULL);
    count += check_header(path);
  }
  assert_true(count > 200); /* it does look */
}

/* What stands in a section of its own, for the reader's sake, is a setting of the struct around it: its default holds
 * also where nobody has written the section. */
static void check_defaults(const Table *table) {
  RowWalk walk = {.table = table}, rows;
  for (const Row *row, *inner; (row = grammar_next(&walk));) {
    rows = (RowWalk){.table = row->inner};
    if (!row->kind->is_section)
      continue;
    check_defaults(row->inner);
    while (row->kind == &kind_within && !row->always && (inner = grammar_next(&rows)))
      if (inner->otherwise || inner->text)
        fail_msg("without the section %s, %s does not have its default: say .always", row->name, inner->name);
  }
}

static void every_default_holds_without_its_section(void **state) {
  (void)state;
  check_defaults(&table_root);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_byte_of_every_struct_is_a_rows),
      cmocka_unit_test(every_member_of_every_struct_has_a_row),
      cmocka_unit_test(every_default_holds_without_its_section),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
