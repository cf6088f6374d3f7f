#include "conf/conf.h"
#include "tests/unit/conf/parse.h"
#include "tests/unit/folder.h"
#include <glib/gstdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a folder of configuration files ---- */

static char *folder;

static int make_folder(void **state) {
  (void)state;
  g_autofree char *template = g_build_filename(g_get_tmp_dir(), "sallyport-conf-XXXXXX", NULL);
  folder = g_mkdtemp(g_steal_pointer(&template));
  g_autofree char *conf_d = g_build_filename(folder, "conf.d", NULL);
  assert_int_equal(g_mkdir(conf_d, 0700), 0);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  folder_remove(folder);
  g_clear_pointer(&folder, g_free);
  return 0;
}

static void put(const char *name, const char *text) {
  g_autofree char *path = g_build_filename(folder, name, NULL);
  assert_true(g_file_set_contents(path, text, -1, NULL));
}

static ConfSource *read_folder(void) {
  g_autofree char *path = g_build_filename(folder, "sallyport.conf", NULL);
  g_autoptr(GError) error = NULL;
  ConfSource *source = conf_source_read(path, &error);
  if (!source)
    fail_msg("%s", error->message);
  return source;
}

/* What is told of the folder's files, with paths from there. */
static char *tell_source(const ConfSource *source) {
  ConfReport *report = conf_report_new();
  conf_free(conf_parse(source, report));
  GString *told = g_string_new(NULL);
  for (guint i = 0; i < report->findings->len; i++) {
    const ConfFinding *finding = report->findings->pdata[i];
    g_string_append_printf(told, "%s:%u: %s\n", finding->where.file, finding->where.line, finding->message);
  }
  conf_report_free(report);
  g_autofree char *prefix = g_strconcat(folder, "/", NULL);
  g_string_replace(told, prefix, "", 0);
  return g_string_free(told, FALSE);
}

static char *tell_folder(void) {
  ConfSource *source = read_folder();
  char *told = tell_source(source);
  conf_source_free(source);
  return told;
}

/* right_one, cut where its partner begins and ends. */
static void split_right_one(char **node, char **partner, char **rest) {
  const char *begin = strstr(right_one, "partner \"bank\" {"), *end = strstr(right_one, "layout \"points\" {\n");
  *node = g_strndup(right_one, (gsize)(begin - right_one));
  *partner = g_strndup(begin, (gsize)(end - begin));
  *rest = g_strdup(end);
}

static void files_beside_are_read_in_the_order_of_their_names_and_told_by_their_own_lines(void **state) {
  (void)state;
  g_autofree char *node = NULL, *partner = NULL, *rest = NULL;
  split_right_one(&node, &partner, &rest);
  put("sallyport.conf", node);
  put("conf.d/20-rest.conf", rest);
  put("conf.d/10-bank.conf", partner);
  put("conf.d/.hidden.conf", "nonsense");
  put("conf.d/other.txt", "nonsense");
  g_autofree char *sound = tell_folder();
  assert_string_equal(sound, "");
  put("conf.d/15-wrong.conf", "\n\nlane \"other\" { threads = many }\ncolour = red\n");
  put("conf.d/30-again.conf", "partner \"bank\" {}\n");
  g_autofree char *told = tell_folder();
  assert_string_equal(
      told, "conf.d/15-wrong.conf:4: 'colour' is not known in the top level\n"
            "conf.d/30-again.conf:1: partner \"bank\" stands twice in the top level (first at conf.d/10-bank.conf:1)\n"
            "conf.d/15-wrong.conf:3: 'threads' must be a whole number from 0 to 256\n"
            "conf.d/15-wrong.conf:3: lane \"other\" has no feed\n");
}

static void a_line_includes_files_at_its_place_also_within_a_section(void **state) {
  (void)state;
  g_autofree char *node = NULL, *partner = NULL, *rest = NULL;
  split_right_one(&node, &partner, &rest);
  g_autofree char *main_text = g_strconcat(
      node,
      "include('partners/*.inc')\nlayout \"empty\" { delimiter = \",\" record \"D\" { include(\"fields.inc\") } }\n",
      rest, NULL);
  g_autofree char *partners = g_build_filename(folder, "partners", NULL);
  g_mkdir(partners, 0700);
  put("sallyport.conf", main_text);
  put("partners/bank.inc", partner);
  put("fields.inc", "# a field\nfield \"a\" {}\nfield \"b\" { typ = text }\n");
  g_autofree char *told = tell_folder();
  assert_string_equal(told, "fields.inc:3: 'typ' is not known in field \"b\"; did you mean 'type'?\n");
  put("fields.inc", "field \"a\" {} }\n");
  g_autofree char *stray = tell_folder();
  assert_string_equal(stray, "fields.inc:1: a closing brace without its opening one\n");
}

static void a_file_that_includes_itself_is_told_and_not_followed(void **state) {
  (void)state;
  g_autofree char *text = g_strconcat(right_one, "include(\"a.inc\")\n", NULL);
  put("sallyport.conf", text);
  put("a.inc", "include(\"b.inc\")\n");
  put("b.inc", "\ninclude(\"a.inc\")\n");
  ConfSource *source = read_folder();
  ConfReport *report = conf_report_new();
  assert_null(conf_parse(source, report));
  assert_int_equal(report->findings->len, 1);
  const ConfFinding *finding = report->findings->pdata[0];
  assert_true(g_str_has_suffix(finding->where.file, "b.inc"));
  assert_int_equal(finding->where.line, 2);
  assert_true(g_str_has_suffix(finding->message, "a.inc includes itself"));
  conf_report_free(report);
  conf_source_free(source);
}

static void a_file_that_cannot_be_read_is_told_and_the_others_are_checked(void **state) {
  (void)state;
  put("sallyport.conf", "node { name = \"a b\" }\n");
  g_autofree char *pipe_path = g_build_filename(folder, "conf.d/pipe.conf", NULL);
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  g_autofree char *large = g_strnfill(1024 * 1024 + 1, '\n');
  put("conf.d/large.conf", large);
  g_autofree char *told = tell_folder();
  assert_string_equal(
      told, "conf.d/large.conf:0: cannot be read: larger than 1 MiB, the most for one file\n"
            "conf.d/pipe.conf:0: cannot be read: not a regular file\n"
            "sallyport.conf:1: 'name' must be 1 to 64 letters, digits or . _ -, beginning with a letter or digit\n");
}

static void a_missing_main_file_is_an_error_that_names_it(void **state) {
  (void)state;
  g_autofree char *path = g_build_filename(folder, "none.conf", NULL);
  g_autoptr(GError) error = NULL;
  assert_null(conf_source_read(path, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  assert_non_null(strstr(error->message, "none.conf: cannot read the configuration: No such file or directory"));
}

static void where_no_configuration_is_the_message_says_how_to_begin_one(void **state) {
  (void)state;
  g_autofree char *path = g_build_filename(folder, "none.conf", NULL);
  g_autoptr(GError) error = NULL;
  assert_null(conf_source_read(path, &error));
  assert_non_null(strstr(error->message, "share/doc/sallyport/examples"));
  assert_non_null(strstr(error->message, "man sallyport.conf"));
  g_clear_error(&error);
  assert_null(conf_source_read(folder, &error)); /* what is there needs no example */
  assert_null(strstr(error->message, "examples"));
}

static void more_files_than_the_limit_are_refused(void **state) {
  (void)state;
  put("sallyport.conf", "");
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *name = g_strdup_printf("conf.d/%04u.conf", i);
    put(name, "");
  }
  g_autofree char *path = g_build_filename(folder, "sallyport.conf", NULL);
  g_autoptr(GError) error = NULL;
  assert_null(conf_source_read(path, &error));
  assert_non_null(strstr(error->message, "more than 1000 configuration files"));
}

/* ---- to a lane, and back ---- */

static int saved(const ConfSource *source) {
  int fd = memfd_create("configuration", MFD_CLOEXEC);
  assert_true(fd >= 0);
  assert_true(conf_source_save(source, fd, NULL));
  return fd;
}

static void what_was_checked_is_what_a_lane_gets_whatever_happens_to_the_files(void **state) {
  (void)state;
  put("sallyport.conf", right_one);
  put("conf.d/empty.conf", "");
  g_autofree char *missing = g_build_filename(folder, "conf.d/missing.conf", NULL);
  assert_int_equal(symlink("nowhere", missing), 0);
  ConfSource *source = read_folder();
  int fd = saved(source);
  put("sallyport.conf", "changed");
  for (int lane = 0; lane < 2; lane++) { /* one descriptor serves several lanes */
    ConfSource *loaded = conf_source_load(fd, NULL);
    assert_non_null(loaded);
    assert_true(conf_source_equal(source, loaded));
    g_autofree char *before = tell_source(source);
    g_autofree char *after = tell_source(loaded);
    assert_string_equal(before, after);
    assert_string_equal(before, "conf.d/missing.conf:0: cannot be read: No such file or directory\n");
    conf_source_free(loaded);
  }
  ConfSource *changed = read_folder();
  assert_false(conf_source_equal(source, changed));
  conf_source_free(changed);
  conf_source_free(source);
  close(fd);
}

static void a_source_is_loaded_from_a_pipe_too(void **state) {
  (void)state;
  ConfSource *source = conf_source_from_text("a.conf", "node {}", 7);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_true(conf_source_save(source, ends[1], NULL));
  close(ends[1]);
  ConfSource *loaded = conf_source_load(ends[0], NULL);
  assert_true(conf_source_equal(source, loaded));
  close(ends[0]);
  conf_source_free(loaded);
  conf_source_free(source);
}

static void a_damaged_hand_over_is_refused_wherever_it_is_cut_or_changed(void **state) {
  (void)state;
  ConfSource *source = conf_source_from_text("a.conf", "node {}", 7);
  int fd = saved(source);
  off_t length = lseek(fd, 0, SEEK_END);
  for (off_t cut = 0; cut < length; cut++) {
    int shorter = saved(source);
    assert_int_equal(ftruncate(shorter, cut), 0);
    g_autoptr(GError) error = NULL;
    assert_null(conf_source_load(shorter, &error));
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_BUG);
    close(shorter);
  }
  for (off_t at = 0; at < length; at++) { /* a changed byte is refused, or is part of the text: never a crash */
    int other = saved(source);
    assert_int_equal(pwrite(other, "\xFE", 1, at), 1);
    conf_source_free(conf_source_load(other, NULL));
    close(other);
  }
  close(fd);
  conf_source_free(source);
}

static void freeing_nothing_is_fine(void **state) {
  (void)state;
  conf_free(NULL);
  conf_report_free(NULL);
  conf_source_free(NULL);
  assert_true(conf_source_equal(NULL, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(files_beside_are_read_in_the_order_of_their_names_and_told_by_their_own_lines,
                                      make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_line_includes_files_at_its_place_also_within_a_section, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_file_that_includes_itself_is_told_and_not_followed, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_is_told_and_the_others_are_checked, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_missing_main_file_is_an_error_that_names_it, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(where_no_configuration_is_the_message_says_how_to_begin_one, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(more_files_than_the_limit_are_refused, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(what_was_checked_is_what_a_lane_gets_whatever_happens_to_the_files, make_folder,
                                      remove_folder),
      cmocka_unit_test(a_source_is_loaded_from_a_pipe_too),
      cmocka_unit_test(a_damaged_hand_over_is_refused_wherever_it_is_cut_or_changed),
      cmocka_unit_test(freeing_nothing_is_fine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
