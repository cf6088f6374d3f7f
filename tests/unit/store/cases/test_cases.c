/* The case library: which cases stay, and that a change is whole. */
#include "store/cases.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

static char *make_folder(void) {
  return g_dir_make_tmp("sallyport-cases-XXXXXX", NULL);
}

static void remove_folder(char *folder) {
  g_autofree char *words = g_strdup_printf("rm -r '%s'", folder);
  assert_true(g_spawn_command_line_sync(words, NULL, NULL, NULL, NULL));
  g_free(folder);
}

/* Cases with the ids FIRST to LAST of a cell, in this order or the other way round. */
static void add(CaseLibrary *library, guint first, guint last, const CaseBounds *bounds, gboolean expected) {
  g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(g_free), ids = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  for (gint i = (gint)first; i != (gint)last + (first <= last ? 1 : -1); i += first <= last ? 1 : -1) {
    char *id = g_strdup_printf("%064d", i);
    LibraryCase *one = g_new0(LibraryCase, 1);
    *one = (LibraryCase){id,  "feed", i % 2 ? "odd" : "even", CASES_NO_CHANNEL, "rules", "file", (guint64)i, 1,
                         "{}", "{}",  "{}"};
    g_ptr_array_add(ids, id);
    g_ptr_array_add(cases, one);
  }
  assert_int_equal(case_library_add(library, cases, bounds, &error), expected);
  assert_int_equal(!error, expected);
}

static gboolean put_line(gpointer user, const LibraryCase *found) {
  g_string_append_printf(user, "%" G_GUINT64_FORMAT " ", found->line);
  return TRUE;
}

static void holds(const char *folder, const char *expected) {
  g_autoptr(CaseLibrary) library = case_library_read(folder, NULL);
  g_autoptr(GString) lines = g_string_new(NULL);
  assert_non_null(library);
  assert_true(case_library_each(library, "feed", NULL, put_line, lines, NULL));
  assert_string_equal(lines->str, expected);
}

static void each_cell_keeps_its_smallest_whatever_the_order_and_however_often(void **state) {
  const CaseBounds bounds = {3, 100};
  (void)state;
  for (guint turn = 0; turn < 2; turn++) {
    char *folder = make_folder();
    CaseLibrary *library = case_library_open(folder, NULL);
    if (turn == 0) {
      add(library, 1, 20, &bounds, TRUE);
    } else {
      add(library, 20, 11, &bounds, TRUE);
      add(library, 9, 1, &bounds, TRUE);
      case_library_close(library);
      library = case_library_open(folder, NULL);
      add(library, 5, 18, &bounds, TRUE);
      add(library, 1, 10, &bounds, TRUE);
    }
    holds(folder, "1 2 3 4 5 6 ");
    g_autoptr(GPtrArray) cells = case_library_cells(library, NULL);
    assert_int_equal(cells->len, 2);
    assert_int_equal(((const LibraryCell *)cells->pdata[0])->cases, 3);
    case_library_close(library);
    remove_folder(folder);
  }
}

static void what_would_be_too_many_leaves_it_as_it_was(void **state) {
  const CaseBounds bounds = {10, 8};
  char *folder = make_folder();
  CaseLibrary *library = case_library_open(folder, NULL);
  (void)state;
  add(library, 5, 9, &bounds, TRUE);
  add(library, 1, 4, &bounds, FALSE);
  holds(folder, "5 6 7 8 9 ");
  add(library, 2, 4, &bounds, TRUE);
  holds(folder, "2 3 4 5 6 7 8 9 ");
  case_library_close(library);
  remove_folder(folder);
}

static void what_is_none_is_told_and_what_is_not_there_is_no_error(void **state) {
  char *folder = make_folder();
  g_autofree char *path = g_strdup_printf("%s/cases.db", folder);
  g_autoptr(GError) error = NULL;
  (void)state;
  assert_null(case_library_read(folder, &error));
  assert_null(error);
  assert_true(g_file_set_contents(path,
                                  "this is no database, and it is longer than a header of one has to be; so it is "
                                  "looked at as one, and refused",
                                  -1, NULL));
  assert_null(case_library_read(folder, &error));
  assert_non_null(strstr(error->message, path));
  remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_cell_keeps_its_smallest_whatever_the_order_and_however_often),
      cmocka_unit_test(what_would_be_too_many_leaves_it_as_it_was),
      cmocka_unit_test(what_is_none_is_told_and_what_is_not_there_is_no_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
