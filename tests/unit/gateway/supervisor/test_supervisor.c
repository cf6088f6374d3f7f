/* A real supervisor, in a process of its own, with this very program as its lanes: what a lane does is told by its
 * name. */
#include "gateway/supervisor/supervisor.h"
#include "gateway/common/log.h"
#include "gateway/supervisor/pidfile.h"
#include "tests/unit/gateway/site.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* --- The lane. It writes what happens to it as lines of FOLDER/NAME.events. */

static void tell(const char *folder, const char *lane, const char *what) {
  g_autofree char *path = g_strdup_printf("%s/%s.events", folder, lane);
  g_autofree char *line = g_strdup_printf("%s %d\n", what, (int)getpid());
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0 && write(fd, line, strlen(line)) < 0)
    _exit(99);
  close(fd);
}

static volatile sig_atomic_t is_asked;
static void be_asked(int signal) {
  (void)signal, is_asked = 1;
}

static gboolean configuration_is_whole(int fd, const char *name) {
  ConfSource *source = conf_source_load(fd, NULL);
  ConfReport *report = conf_report_new();
  Conf *conf = source ? conf_parse(source, report) : NULL;
  gboolean ok = conf && conf_lane(conf, name);
  conf_free(conf);
  conf_report_free(report);
  conf_source_free(source);
  return ok;
}

static void leave_a_child(const char *folder, const char *name) {
  if (fork() != 0)
    return;
  tell(folder, name, "child");
  for (;;)
    pause();
}

static int be_lane(char **arguments) {
  const char *name = arguments[2], *folder = getenv("SITE_FOLDER");
  int configuration = atoi(arguments[4]), supervisor = atoi(arguments[6]);
  signal(SIGTERM, g_str_has_prefix(name, "stubborn") ? SIG_IGN : be_asked);
  tell(folder, name, "start");
  if (!configuration_is_whole(configuration, name))
    tell(folder, name, "broken");
  if (getenv("NOTIFY_SOCKET"))
    tell(folder, name, "notify");
  if (g_strcmp0(getenv("G_SLICE"), "always-malloc") != 0)
    tell(folder, name, "slices");
  if (g_str_has_prefix(name, "crash"))
    return 1;
  if (g_str_has_prefix(name, "distrust"))
    return 3;
  if (g_str_has_prefix(name, "parent")) {
    leave_a_child(folder, name);
    g_usleep(200000);
    return 1;
  }
  while (!is_asked) {
    struct pollfd polled = {.fd = supervisor, .events = POLLIN};
    if (!g_str_has_prefix(name, "silent") && send(supervisor, ".", 1, MSG_NOSIGNAL) < 0)
      break;
    if (poll(&polled, 1, 50) > 0)
      break; /* its end */
  }
  tell(folder, name, is_asked ? "asked" : "orphan");
  return 0;
}

/* --- The test's side. */

static char *events(const Site *site, const char *lane) {
  g_autofree char *path = g_strdup_printf("%s/%s.events", site->folder, lane);
  char *text = NULL;
  return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

static guint count(const Site *site, const char *lane, const char *what) {
  g_autofree char *text = events(site, lane);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  guint found = 0;
  for (char **line = lines; *line; line++)
    found += g_str_has_prefix(*line, what) ? 1 : 0;
  return found;
}

/* The process of the last event of this kind. */
static pid_t last_pid(const Site *site, const char *lane, const char *what) {
  g_autofree char *text = events(site, lane);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  pid_t pid = 0;
  for (char **line = lines; *line; line++)
    if (g_str_has_prefix(*line, what))
      pid = (pid_t)atoi(strchr(*line, ' ') + 1);
  return pid;
}

#define wait_for(condition) \
  do { \
    gint64 until_ = g_get_monotonic_time() + 15 * G_USEC_PER_SEC; \
    while (!(condition)) { \
      if (g_get_monotonic_time() > until_) \
        fail_msg("waited in vain for %s", #condition); \
      g_usleep(10000); \
    } \
  } while (0)

/* Ended, also when nobody has fetched its status. */
static gboolean is_gone(pid_t pid) {
  g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;
  return !g_file_get_contents(path, &text, NULL, NULL) || strstr(text, ") Z ");
}

static pid_t start_with(const Site *site, SupervisorOptions options) {
  options.configuration = site->configuration;
  options.program = "/proc/self/exe";
  options.without_keys = TRUE;
  pid_t pid = fork();
  if (pid == 0) {
    g_autofree char *log = g_build_filename(site->folder, "log", NULL);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, STDERR_FILENO);
    setenv("SITE_FOLDER", site->folder, TRUE);
    _exit(supervisor_run(&options));
  }
  return pid;
}

static pid_t start(const Site *site) {
  return start_with(site, (SupervisorOptions){.stop_seconds = 5});
}

static int end_of(pid_t pid) {
  int status;
  wait_for(waitpid(pid, &status, WNOHANG) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int stop(pid_t pid) {
  kill(pid, SIGTERM);
  return end_of(pid);
}

static gboolean is_logged(const Site *site, const char *words) {
  g_autofree char *path = g_build_filename(site->folder, "log", NULL);
  g_autofree char *text = NULL;
  return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, words);
}

static void lanes_run_with_their_configuration_and_end_when_asked(void **state) {
  const Site *site = *state;
  site_configure(site, "good other");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1 && count(site, "other", "start") == 1);
  assert_int_equal(stop(supervisor), 0);
  assert_int_equal(count(site, "good", "asked"), 1);
  assert_int_equal(count(site, "other", "asked"), 1);
  assert_int_equal(count(site, "good", "broken"), 0);
}

static void one_lane_alone_can_be_run(void **state) {
  const Site *site = *state;
  site_configure(site, "good other");
  pid_t supervisor = start_with(site, (SupervisorOptions){.only_lane = "other"});
  wait_for(count(site, "other", "start") == 1);
  assert_int_equal(stop(supervisor), 0);
  assert_int_equal(count(site, "good", "start"), 0);
  assert_int_equal(end_of(start_with(site, (SupervisorOptions){.only_lane = "nowhere"})), 4);
}

static void a_lane_that_ends_is_started_again_after_a_growing_pause(void **state) {
  const Site *site = *state;
  site_configure(site, "crash");
  gint64 begun = g_get_monotonic_time();
  pid_t supervisor = start(site);
  wait_for(count(site, "crash", "start") == 4); /* after 0.2, 0.4 and 0.8 s */
  assert_true(g_get_monotonic_time() - begun > 1300000);
  assert_int_equal(stop(supervisor), 0);
}

static void a_killed_lane_comes_back_and_the_others_are_left_alone(void **state) {
  const Site *site = *state;
  site_configure(site, "good other");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1 && count(site, "other", "start") == 1);
  pid_t other = last_pid(site, "other", "start");
  kill(last_pid(site, "good", "start"), SIGKILL);
  wait_for(count(site, "good", "start") == 2);
  assert_int_equal(last_pid(site, "other", "start"), other);
  assert_int_equal(kill(other, 0), 0);
  assert_int_equal(stop(supervisor), 0);
}

static void a_silent_lane_is_killed_and_started_again(void **state) {
  const Site *site = *state;
  site_configure(site, "silent good");
  pid_t supervisor = start_with(site, (SupervisorOptions){.silent_seconds = 1});
  wait_for(count(site, "silent", "start") == 2);
  assert_int_equal(count(site, "good", "start"), 1);
  assert_true(is_logged(site, "lane-silent"));
  assert_int_equal(stop(supervisor), 0);
}

static void a_lane_whose_storage_cannot_be_trusted_stays_down_and_is_told(void **state) {
  const Site *site = *state;
  site_configure(site, "distrust good");
  pid_t supervisor = start(site);
  wait_for(is_logged(site, "lane-stopped"));
  g_usleep(700000); /* longer than the first two back-offs: only time can show that nothing comes */
  assert_int_equal(count(site, "distrust", "start"), 1);
  assert_int_equal(count(site, "good", "start"), 1);
  assert_int_equal(stop(supervisor), 0);
}

static void a_lane_that_does_not_finish_is_killed_in_time(void **state) {
  const Site *site = *state;
  site_configure(site, "stubborn good");
  pid_t supervisor = start_with(site, (SupervisorOptions){.stop_seconds = 1});
  wait_for(count(site, "stubborn", "start") == 1);
  gint64 begun = g_get_monotonic_time();
  assert_int_equal(stop(supervisor), 0);
  assert_in_range(g_get_monotonic_time() - begun, 900000, 4000000);
  assert_true(is_gone(last_pid(site, "stubborn", "start")));
}

static void a_second_signal_ends_it_at_once(void **state) {
  const Site *site = *state;
  site_configure(site, "stubborn");
  pid_t supervisor = start_with(site, (SupervisorOptions){.stop_seconds = 60});
  wait_for(count(site, "stubborn", "start") == 1);
  kill(supervisor, SIGINT);
  wait_for(is_logged(site, "stopping"));
  assert_int_equal(stop(supervisor), 0);
}

static void what_a_dead_lane_leaves_behind_is_killed(void **state) {
  const Site *site = *state;
  site_configure(site, "parent");
  pid_t supervisor = start(site);
  wait_for(count(site, "parent", "child") >= 1 && count(site, "parent", "start") >= 2);
  g_autofree char *text = events(site, "parent");
  pid_t first_child = (pid_t)atoi(strstr(text, "child ") + 6);
  wait_for(is_gone(first_child));
  assert_int_equal(stop(supervisor), 0);
}

static void lanes_notice_the_end_of_their_supervisor(void **state) {
  const Site *site = *state;
  site_configure(site, "good other");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1 && count(site, "other", "start") == 1);
  kill(supervisor, SIGKILL);
  assert_int_equal(end_of(supervisor), 1000 + SIGKILL);
  wait_for(count(site, "good", "orphan") == 1 && count(site, "other", "orphan") == 1);
}

static void a_reload_replaces_only_the_lanes_whose_part_changed(void **state) {
  const Site *site = *state;
  site_configure(site, "good other");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1 && count(site, "other", "start") == 1);
  site_configure(site, "good other=7");
  kill(supervisor, SIGHUP);
  wait_for(count(site, "other", "start") == 2);
  assert_int_equal(count(site, "other", "asked"), 1);
  assert_int_equal(count(site, "good", "start"), 1);
  assert_int_equal(stop(supervisor), 0);
}

static void a_reload_starts_new_lanes_and_ends_removed_ones(void **state) {
  const Site *site = *state;
  site_configure(site, "good other");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1 && count(site, "other", "start") == 1);
  site_configure(site, "good third");
  kill(supervisor, SIGHUP);
  wait_for(count(site, "third", "start") == 1 && count(site, "other", "asked") == 1);
  assert_int_equal(count(site, "good", "start"), 1);
  assert_int_equal(stop(supervisor), 0);
  assert_int_equal(count(site, "other", "start"), 1);
}

static void a_change_that_no_lanes_part_shows_replaces_all(void **state) {
  const Site *site = *state;
  site_configure(site, "good other");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1 && count(site, "other", "start") == 1);
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(site->configuration, &text, NULL, NULL));
  g_autofree char *commented = g_strconcat(text, "# a comment\n", NULL);
  assert_true(g_file_set_contents(site->configuration, commented, -1, NULL));
  kill(supervisor, SIGHUP);
  wait_for(count(site, "good", "start") == 2 && count(site, "other", "start") == 2);
  assert_int_equal(stop(supervisor), 0);
}

static void an_unchanged_configuration_replaces_nothing(void **state) {
  const Site *site = *state;
  site_configure(site, "good");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1);
  kill(supervisor, SIGHUP);
  wait_for(is_logged(site, "changed=nothing"));
  assert_int_equal(stop(supervisor), 0);
  assert_int_equal(count(site, "good", "start"), 1);
}

static void a_bad_configuration_is_refused_and_the_old_one_stays(void **state) {
  const Site *site = *state;
  site_configure(site, "good");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1);
  g_autofree char *bad = site_lane("good", 1);
  g_autofree char *worse = g_strconcat(bad, "nonsense {}\n", NULL);
  site_write(site, worse);
  kill(supervisor, SIGHUP);
  wait_for(is_logged(site, "reload-refused") && is_logged(site, "nonsense"));
  site_configure(site, "good third");
  kill(supervisor, SIGHUP);
  wait_for(count(site, "third", "start") == 1);
  assert_int_equal(count(site, "good", "start"), 1);
  assert_int_equal(stop(supervisor), 0);
}

static void a_bad_configuration_does_not_start(void **state) {
  const Site *site = *state;
  site_write(site, "nonsense {}\n");
  assert_int_equal(end_of(start(site)), 3);
  g_unlink(site->configuration);
  assert_int_equal(end_of(start(site)), 3);
}

static void a_second_supervisor_is_refused(void **state) {
  const Site *site = *state;
  g_autofree char *runtime = g_build_filename(site->folder, "run", NULL);
  site_configure(site, "good");
  pid_t supervisor = start(site);
  wait_for(count(site, "good", "start") == 1);
  assert_int_equal(supervisor_pid(runtime), supervisor);
  assert_int_equal(end_of(start(site)), 1);
  assert_true(is_logged(site, "a supervisor runs already"));
  assert_int_equal(kill(supervisor, 0), 0);
  assert_int_equal(stop(supervisor), 0);
  assert_int_equal(supervisor_pid(runtime), 0);
  assert_int_equal(count(site, "good", "start"), 1);
}

/* --- As systemd sees it. */

static int notify_socket(const Site *site) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  g_snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", site->folder);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  setenv("NOTIFY_SOCKET", address.sun_path, TRUE);
  return fd;
}

static void hear(int fd, GString *heard) {
  char text[4096];
  ssize_t got;
  while ((got = recv(fd, text, sizeof text, 0)) > 0)
    g_string_append_len(heard, text, got);
}

#define wait_to_hear(words) wait_for((hear(fd, heard), strstr(heard->str, (words)) != NULL))

static void systemd_is_told_what_happens(void **state) {
  const Site *site = *state;
  GString *heard = g_string_new(NULL);
  int fd = notify_socket(site);
  setenv("WATCHDOG_USEC", "200000", TRUE);
  site_configure(site, "good");
  pid_t supervisor = start(site);
  wait_to_hear("READY=1");
  assert_true(count(site, "good", "start") == 1);
  wait_to_hear("WATCHDOG=1");
  wait_to_hear("STATUS=1 of 1 lanes running");
  g_string_truncate(heard, 0);
  kill(supervisor, SIGHUP);
  wait_to_hear("RELOADING=1\nMONOTONIC_USEC=");
  wait_to_hear("READY=1");
  assert_int_equal(stop(supervisor), 0);
  wait_to_hear("STOPPING=1");
  assert_int_equal(count(site, "good", "notify"), 0); /* lanes do not speak for the service */
  assert_int_equal(count(site, "good", "slices"), 0); /* and what they free goes back */
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  close(fd);
  g_string_free(heard, TRUE);
}

static void a_lane_that_cannot_start_does_not_hold_up_the_service(void **state) {
  const Site *site = *state;
  GString *heard = g_string_new(NULL);
  int fd = notify_socket(site);
  site_configure(site, "crash good");
  pid_t supervisor = start(site);
  wait_to_hear("READY=1");
  assert_int_equal(stop(supervisor), 0);
  unsetenv("NOTIFY_SOCKET");
  close(fd);
  g_string_free(heard, TRUE);
}

int main(int argc, char **argv) {
  if (argc == 7 && strcmp(argv[1], "lane") == 0)
    return be_lane(argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_set_up, site_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(lanes_run_with_their_configuration_and_end_when_asked),
      TEST(one_lane_alone_can_be_run),
      TEST(a_lane_that_ends_is_started_again_after_a_growing_pause),
      TEST(a_killed_lane_comes_back_and_the_others_are_left_alone),
      TEST(a_silent_lane_is_killed_and_started_again),
      TEST(a_lane_whose_storage_cannot_be_trusted_stays_down_and_is_told),
      TEST(a_lane_that_does_not_finish_is_killed_in_time),
      TEST(a_second_signal_ends_it_at_once),
      TEST(what_a_dead_lane_leaves_behind_is_killed),
      TEST(lanes_notice_the_end_of_their_supervisor),
      TEST(a_reload_replaces_only_the_lanes_whose_part_changed),
      TEST(a_reload_starts_new_lanes_and_ends_removed_ones),
      TEST(a_change_that_no_lanes_part_shows_replaces_all),
      TEST(an_unchanged_configuration_replaces_nothing),
      TEST(a_bad_configuration_is_refused_and_the_old_one_stays),
      TEST(a_bad_configuration_does_not_start),
      TEST(a_second_supervisor_is_refused),
      TEST(systemd_is_told_what_happens),
      TEST(a_lane_that_cannot_start_does_not_hold_up_the_service),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
