/* Asking lanes, helping people, terminals. */
#include "tests/unit/gateway/cli/cli_world.h"

/* --- Asking a lane. */

static json_t *answer_as_lane(gpointer user, const char *who, const json_t *request) {
  const char *what = json_string_value(json_object_get(request, "do"));
  (void)who;
  json_object_update((json_t *)user, (json_t *)(gsize)request);
  if (strcmp(what, "status") == 0)
    return json_pack("{s:b, s:s, s:i, s:I, s:[], s:[{s:s, s:I}], s:[s]}", "ok", 1, "lane", "good", "pid", 4711, "since",
                     (json_int_t)1795132800000000, "couriers", "feeds", "feed", "good-feed", "next_poll",
                     (json_int_t)1795132860000000, "working", "x");
  if (strcmp(what, "hold") == 0)
    return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", "file", "error", "hold cannot be done: it is closed");
  return json_pack("{s:b, s:s, s:s}", "ok", 1, "file", "f", "state", "admitted");
}

static void without_its_lane_a_command_says_so(void **state) {
  const World *world = *state;
  g_autofree char *words = g_strdup_printf("retry %s", world->held);
  expect(world->site, words, 5, "lane good is not running");
  expect(world->site, "poll good-feed", 5, "lane good is not running");
  expect(world->site, "status", 5, "down");
  expect(world->site, "poll bad-feed", 4, "there is no feed");
}

static void what_changes_something_is_asked_of_the_lane(void **state) {
  const World *world = *state;
  json_t *asked = json_object();
  ControlServer *lane = control_server_start(world->paths->control, answer_as_lane, asked, NULL);
  assert_non_null(lane);
  g_autofree char *release = g_strdup_printf("release %s", world->held);
  g_autofree char *hold = g_strdup_printf("hold %s --reason 'asked to'", world->held);
  g_autofree char *reject = g_strdup_printf("reject %s", world->held);
  expect(world->site, release, 0, "is admitted");
  assert_string_equal(text_of(asked, "do"), "release");
  assert_string_equal(text_of(asked, "file"), world->held);
  assert_non_null(text_of(asked, "by"));
  expect(world->site, hold, 7, "hold cannot be done: it is closed");
  assert_string_equal(text_of(asked, "reason"), "asked to");
  expect(world->site, reject, 2, "--reason");
  expect(world->site, "retry nothing-like-it P_held.pgp", 4, "is admitted");
  expect(world->site, "poll good-feed", 0, "is being polled");
  json_t *status = ask(world->site, "status");
  const json_t *shown = json_array_get(json_object_get(status, "lanes"), 0);
  assert_int_equal(number_of(shown, "pid"), 4711);
  const json_t *feed = json_array_get(json_object_get(shown, "feeds"), 0);
  assert_int_equal(number_of(feed, "held"), 1);
  assert_int_equal(number_of(feed, "closed"), 1);
  assert_int_equal(number_of(feed, "under_way"), 1);
  assert_non_null(text_of(feed, "next_poll"));
  json_decref(status);
  expect(world->site, "status", 0, "1 of 2 batches");
  control_server_stop(lane);
  json_decref(asked);
}

/* --- The program itself. */

static void a_misspelt_command_is_told_what_was_meant(void **state) {
  const World *world = *state;
  static const char *const rows[][2] = {
      {"fiels", "files"}, {"stat", "status"}, {"veriyf", "verify"}, {"realease", "release"}, {"shwo", "show"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *meant = g_strdup_printf("did you mean \"%s\"?", rows[i][1]);
    expect(world->site, rows[i][0], 2, meant);
  }
  expect(world->site, "xyzzy", 2, "sallyport --help lists them");
  expect(world->site, "files --colour", 2, "sallyport files --help tells how");
  expect(world->site, "files --limit -3", 2, "--limit");
  expect(world->site, "", 2, "a command is missing");
}

static void every_command_has_help_with_an_example_and_a_place_in_the_manual(void **state) {
  const World *world = *state;
  g_autofree char *manual = NULL;
  assert_true(g_file_get_contents("packaging/man/sallyport.1", &manual, NULL, NULL));
  for (const CliCommand *const *at = cli_commands; *at; at++) {
    const CliCommand *command = *at;
    if (!command->summary) /* completion's own */
      continue;
    g_autofree char *words = g_strdup_printf("%s --help", command->name),
                    *example = g_strdup_printf("  sallyport %s", command->name);
    g_autofree char *in_manual = g_strdup_printf(".Cm %s", command->name),
                    *item = g_strdup_printf(".It Cm %s", command->name);
    g_auto(Told) told = run(world->site, words);
    assert_int_equal(told.status, 0);
    if (!strstr(told.out, "Usage: ") || (!strstr(told.out, example) && strcmp(command->name, "check") != 0))
      fail_msg("%s: no usage or no example:\n%s", words, told.out);
    if (!strstr(manual, in_manual) && !strstr(manual, item))
      fail_msg("%s is not in the manual", command->name);
  }
#define EXIT_IN_MANUAL(name, number, text) assert_non_null(strstr(manual, ".It " #number "\n" text "\n"));
  CLI_EXITS(EXIT_IN_MANUAL)
#undef EXIT_IN_MANUAL
}

static void a_configuration_that_is_wrong_or_missing_is_told(void **state) {
  const World *world = *state;
  site_write(world->site, "nonsense {}\n");
  expect(world->site, "files", 3, "sallyport.conf:");
  expect(world->site, "check", 3, "error: ");
  json_t *answer = ask(world->site, "check");
  assert_true(json_is_false(json_object_get(answer, "ok")));
  assert_true(json_array_size(json_object_get(answer, "findings")) > 0);
  json_decref(answer);
  g_unlink(world->site->configuration);
  expect(world->site, "files", 3, "No such file");
}

static void a_lane_that_never_ran_has_empty_books(void **state) {
  const World *world = *state;
  site_configure(world->site, "good fresh");
  expect(world->site, "files --lane fresh", 0, NULL);
  expect(world->site, "entries --lane fresh", 0, NULL);
  expect(world->site, "verify", 0, "fresh: book: none yet");
  expect(world->site, "show P_closed.pgp", 0, world->closed);
}

static void completion_knows_commands_options_and_names(void **state) {
  const World *world = *state;
  static const char *const rows[][2] = {{"st", "status\n"},
                                        {"files --fe", "--feed\n"},
                                        {"files --feed g", "good-feed\n"},
                                        {"files --state he", "held\n"},
                                        {"show P_h", "P_held.pgp\n"},
                                        {"status -l g", "good\n"},
                                        {"poll g", "good-feed\n"},
                                        {"audit v", "verify\n"},
                                        {"try g", "good-feed\n"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *words = g_strdup_printf("complete -- -c %s %s", world->site->configuration, rows[i][0]);
    g_auto(Told) told = run(world->site, words);
    assert_string_equal(told.out, rows[i][1]);
  }
}

/* --- A terminal. */

static char *run_on_terminal(const Site *site, const char *words, unsigned short width) {
  struct winsize size = {.ws_row = 24, .ws_col = width};
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;
  assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  assert_true(slave >= 0);
  ioctl(slave, TIOCSWINSZ, &size);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    setenv("TERM", "xterm", TRUE);
    dup2(slave, STDOUT_FILENO);
    be_command(site, words);
  }
  close(slave);
  GString *text = g_string_new(NULL);
  char buffer[4096];
  ssize_t got;
  while ((got = read(master, buffer, sizeof buffer)) > 0)
    g_string_append_len(text, buffer, got);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  close(master);
  return g_string_free(text, FALSE);
}

static void on_a_terminal_tables_fit_and_states_have_colours(void **state) {
  const World *world = *state;
  g_autofree char *wide = run_on_terminal(world->site, "files", 200),
                  *narrow = run_on_terminal(world->site, "files", 120);
  assert_non_null(strstr(wide, "\033[32mclosed\033[0m"));
  assert_non_null(strstr(wide, "\033[33mheld\033[0m"));
  g_autoptr(GRegex) colours = g_regex_new("\033\\[\\d+m", 0, 0, NULL);
  g_autofree char *plain = g_regex_replace_literal(colours, narrow, -1, 0, "", 0, NULL);
  g_auto(GStrv) lines = g_strsplit(plain, "\r\n", -1);
  for (char **line = lines; *line; line++)
    if (cli_text_width(*line) > 120)
      fail_msg("%u columns: %s", cli_text_width(*line), *line);
  assert_non_null(strstr(plain, world->held));
  setenv("NO_COLOR", "1", TRUE);
  g_autofree char *without = run_on_terminal(world->site, "files", 200);
  unsetenv("NO_COLOR");
  assert_null(strchr(without, '\033'));
}

int main(int argc, char **argv) {
  int status = be_sallyport(argc, argv);
  if (status >= 0)
    return status;
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(without_its_lane_a_command_says_so),
      TEST(what_changes_something_is_asked_of_the_lane),
      TEST(a_misspelt_command_is_told_what_was_meant),
      TEST(every_command_has_help_with_an_example_and_a_place_in_the_manual),
      TEST(a_configuration_that_is_wrong_or_missing_is_told),
      TEST(a_lane_that_never_ran_has_empty_books),
      TEST(completion_knows_commands_options_and_names),
      TEST(on_a_terminal_tables_fit_and_states_have_colours),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
