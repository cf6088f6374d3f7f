/* What an alarm's command gets, and what bounds it. */
#include "gateway/common/run_command.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

static gboolean shell(const char *script, const char *input, guint seconds, GError **error) {
  char program[] = "/bin/sh", flag[] = "-c", zero[] = "x", argument[] = "$(id); 'a b'";
  char *const argv[] = {program, flag, (char *)script, zero, argument, NULL};
  return command_run(&(CommandRun){.argv = argv, .input = input, .seconds = seconds, .cancel = -1}, error);
}

static void assert_fine(const char *script) {
  g_autoptr(GError) error = NULL;
  if (!shell(script, "the input\n", 20, &error))
    fail_msg("%s: %s", script, error->message);
}

static void expect_failure(const char *script, guint seconds, const char *words) {
  g_autoptr(GError) error = NULL;
  assert_false(shell(script, "", seconds, &error));
  if (!strstr(error->message, words))
    fail_msg("%s: %s", script, error->message);
}

static void it_gets_its_arguments_and_input_and_nothing_else(void **state) {
  (void)state;
  setenv("CANARY", "secret", 1);
  assert_fine("test \"$(cat)\" = 'the input'");
  assert_fine("test \"$1\" = \"\\$(id); 'a b'\"");
  assert_fine(
      "test -z \"$CANARY\" && test \"$LC_ALL\" = C.UTF-8 && test -n \"$PATH\" && test \"$(env | wc -l)\" -le 6");
  assert_fine("test \"$(pwd)\" = / && test \"$(ls /proc/self/fd | wc -l)\" -le 4");
}

static void its_failure_is_told_with_the_beginning_of_what_it_said(void **state) {
  (void)state;
  expect_failure("echo no such pager >&2; exit 3", 20, "status 3: no such pager");
  expect_failure("kill -TERM $$", 20, "signal 15");
  expect_failure("printf 'a\\033[31mb'; exit 1", 20, "a\\x1b[31mb");
  expect_failure("head -c 1000000 /dev/zero | tr '\\0' x; exit 1", 20, "xxx");
  assert_fine("head -c 1000000 /dev/zero");
  g_autoptr(GError) error = NULL;
  char missing[] = "/nowhere/pager";
  char *const argv[] = {missing, NULL};
  assert_false(command_run(&(CommandRun){.argv = argv, .input = "", .seconds = 5, .cancel = -1}, &error));
  assert_non_null(strstr(error->message, "cannot be run"));
}

static void it_is_killed_with_all_that_it_has_started(void **state) {
  (void)state;
  g_autofree char *path = NULL, *text = NULL;
  close(g_file_open_tmp("pid-XXXXXX", &path, NULL));
  g_autofree char *script = g_strdup_printf("sleep 1000 & echo $! > %s; wait", path);
  gint64 began = g_get_monotonic_time();
  expect_failure(script, 1, "was killed");
  assert_true(g_get_monotonic_time() - began < 10 * (gint64)G_USEC_PER_SEC);
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  pid_t child = (pid_t)atoi(text);
  for (guint i = 0; i < 200 && kill(child, 0) == 0; i++) { /* somebody has to reap it */
    g_autofree char *stat_path = g_strdup_printf("/proc/%d/stat", child), *stat = NULL;
    if (!g_file_get_contents(stat_path, &stat, NULL, NULL) || strstr(stat, ") Z "))
      break;
    g_usleep(10000);
    assert_true(i < 199);
  }
  g_unlink(path);
}

static void what_goes_on_in_the_background_is_not_waited_for(void **state) {
  (void)state;
  gint64 began = g_get_monotonic_time();
  assert_fine("sleep 5 & true");
  assert_true(g_get_monotonic_time() - began < 4 * (gint64)G_USEC_PER_SEC);
}

static void it_can_be_called_off(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  char program[] = "/bin/sleep", long_time[] = "1000";
  char *const argv[] = {program, long_time, NULL};
  int cancel = eventfd(1, EFD_CLOEXEC);
  assert_false(command_run(&(CommandRun){.argv = argv, .input = "", .seconds = 1000, .cancel = cancel}, &error));
  close(cancel);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_gets_its_arguments_and_input_and_nothing_else),
      cmocka_unit_test(its_failure_is_told_with_the_beginning_of_what_it_said),
      cmocka_unit_test(it_is_killed_with_all_that_it_has_started),
      cmocka_unit_test(what_goes_on_in_the_background_is_not_waited_for),
      cmocka_unit_test(it_can_be_called_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
