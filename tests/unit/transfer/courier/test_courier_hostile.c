/* Servers that lie, break off, dawdle or die: each ends in the error that the interface promises, and the lane lives.
 */
#include "tests/unit/transfer/courier_fixture.h"
#include "tests/unit/transfer/hostile_sftp.h"

typedef struct {
  Sshd *server;
  Courier *courier;
  TestEndpoint made;
  char *path;
} Scene;

static Scene *scene_with(const char *subsystem, guint io_timeout) {
  Scene *scene = g_new0(Scene, 1);
  scene->server = sshd_start(&(SshdPlan){.subsystem = subsystem});
  CourierEndpoint *endpoint = test_endpoint(&scene->made, scene->server);
  endpoint->io_timeout = io_timeout;
  scene->path = g_build_filename(scene->server->folder, "file", NULL);
  return scene;
}

/* A server that lies in the way `how`. */
static Scene *scene_of(const char *how, guint io_timeout) {
  g_autofree char *self = g_file_read_link("/proc/self/exe", NULL),
                  *command = g_strdup_printf("%s hostile-sftp %s", self, how);
  Scene *scene = scene_with(command, io_timeout);
  scene->courier = test_open(&scene->made.endpoint);
  return scene;
}

static void end_scene(Scene *scene) {
  courier_close(scene->courier);
  sshd_stop(scene->server);
  g_free(scene->path);
  g_free(scene);
}

/* A get from such a server; the descriptor holds `kept` good bytes afterwards, in order. */
static void get_fails(const char *how, guint io_timeout, SallyportErrorCode code, guint64 kept) {
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of(how, io_timeout);
  int fd = test_file(0);
  guint64 end;
  assert_false(
      courier_get(scene->courier, &(CourierGet){.path = scene->path, .fd = fd, .size_limit = 1 << 20}, &end, &error));
  assert_code(&error, code);
  assert_content(fd, kept);
  close(fd);
  end_scene(scene);
}

static void get_works(const char *how, guint64 size) {
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of(how, 20);
  int fd = test_file(0);
  guint64 end;
  assert_fine(
      courier_get(scene->courier, &(CourierGet){.path = scene->path, .fd = fd, .size_limit = 1 << 20}, &end, &error),
      error);
  assert_int_equal(end, size);
  assert_content(fd, size);
  close(fd);
  end_scene(scene);
}

static void a_size_of_2_to_the_63_is_refused(void **state) {
  (void)state;
  get_fails("huge", 20, SALLYPORT_ERROR_PARTNER, 0);
}
static void a_file_that_grows_while_it_is_read_is_read_again_later(void **state) {
  (void)state;
  get_fails("grow", 20, SALLYPORT_ERROR_AGAIN, 1000);
}
static void an_early_end_is_not_taken_for_the_end(void **state) {
  (void)state;
  get_fails("short", 20, SALLYPORT_ERROR_PARTNER, 500);
}
static void a_size_told_too_small_cuts_no_file(void **state) {
  (void)state;
  get_fails("told-less", 20, SALLYPORT_ERROR_PARTNER, 400000);
}
static void the_end_of_a_file_may_be_said_in_other_ways(void **state) {
  (void)state;
  get_works("empty-end", 1000);
  get_works("fails-behind", 1000);
}
static void text_where_sftp_is_to_begin_is_named(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *self = g_file_read_link("/proc/self/exe", NULL),
                  *command = g_strdup_printf("%s hostile-sftp noise", self);
  Scene *scene = scene_with(command, 20);
  assert_null(courier_open(&scene->made.endpoint, &error));
  assert_non_null(strstr(error->message, "Welcome to the partner"));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  end_scene(scene);
}
/* A plain failure says nothing: the listing does ("twice" stands in it, "file" does not). */
static void a_vague_answer_to_a_look_is_no_answer(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  CourierStat stat;
  Scene *scene = scene_of("vague", 20);
  assert_fine(courier_stat(scene->courier, "/folder/twice", &stat, &error), error);
  assert_true(stat.exists && stat.size == 12);
  end_scene(scene);
  scene = scene_of("vague", 20);
  assert_fine(courier_stat(scene->courier, "/folder/file", &stat, &error), error);
  assert_false(stat.exists);
  end_scene(scene);
}
static void an_upload_that_is_gone_at_its_close_is_told(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  gboolean vanished = FALSE;
  Scene *scene = scene_of("gone", 20);
  int fd = test_file(1000);
  CourierPut put = {.path = "/x", .fd = fd, .size = 1000, .vanished = &vanished};
  assert_fine(courier_put(scene->courier, &put, &error), error);
  assert_true(vanished);
  put.vanished = NULL;
  assert_false(courier_put(scene->courier, &put, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  close(fd);
  end_scene(scene);
}
static void a_server_that_takes_small_pieces_gets_small_ones(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  gboolean vanished;
  Scene *scene = scene_of("small-writes", 20);
  int fd = test_file(100000);
  CourierPut put = {.path = "/x", .fd = fd, .size = 100000, .vanished = &vanished};
  assert_false(courier_put(scene->courier, &put, &error)); /* all was taken; it tells a size of 1000 */
  assert_non_null(strstr(error->message, "of 100000"));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  close(fd);
  end_scene(scene);
}
static void more_data_than_asked_for_is_a_violation(void **state) {
  (void)state;
  get_fails("overlong", 20, SALLYPORT_ERROR_PARTNER, 0);
}
static void an_answer_to_nothing_is_a_violation(void **state) {
  (void)state;
  get_fails("wrong-id", 20, SALLYPORT_ERROR_PARTNER, 0);
}
static void a_length_of_4_GiB_is_a_violation(void **state) {
  (void)state;
  get_fails("length", 20, SALLYPORT_ERROR_PARTNER, 0);
}
static void a_handle_of_5_KB_is_a_violation(void **state) {
  (void)state;
  get_fails("handle", 20, SALLYPORT_ERROR_PARTNER, 0);
}
/* The time-out holds for the login too, which takes its time on a busy machine: not less than some seconds. */
static void silence_ends_at_the_time_out(void **state) {
  (void)state;
  get_fails("silent", 6, SALLYPORT_ERROR_AGAIN, 0);
}
static void a_byte_now_and_then_is_no_progress(void **state) {
  (void)state;
  get_fails("drip", 6, SALLYPORT_ERROR_AGAIN, 0);
}
static void a_server_that_dies_in_the_middle_leaves_a_good_beginning(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of("break", 20);
  int fd = test_file(0);
  guint64 end;
  struct stat about;
  assert_false(
      courier_get(scene->courier, &(CourierGet){.path = scene->path, .fd = fd, .size_limit = 1 << 20}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  assert_true(courier_is_lost(scene->courier));
  assert_int_equal(fstat(fd, &about), 0);
  assert_content(fd, (guint64)about.st_size); /* without gaps: this is where to resume */
  close(fd);
  end_scene(scene);
}
static void seven_bytes_at_a_time_arrive_all_the_same(void **state) {
  (void)state;
  get_works("trickle", 1000);
}
static void answers_that_overtake_each_other_are_put_in_order(void **state) {
  (void)state;
  get_works("reorder", 400000);
}
static void a_server_without_sizes_is_read_to_its_end(void **state) {
  (void)state;
  get_works("no-fstat", 1000);
}

static void a_byte_per_answer_is_too_slow(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of("crawl", 6);
  int fd = test_file(0);
  guint64 end;
  gint64 begun = g_get_monotonic_time();
  assert_false(
      courier_get(scene->courier, &(CourierGet){.path = scene->path, .fd = fd, .size_limit = 1 << 20}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  assert_true(g_get_monotonic_time() - begun < 10 * G_USEC_PER_SEC);
  close(fd);
  end_scene(scene);
}

static void names_that_are_no_names_are_counted_and_left_out(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of("names", 20);
  gboolean truncated = TRUE;
  guint refused = 0;
  g_autoptr(GPtrArray)
      entries = courier_list(scene->courier, &(CourierListing){.folder = "x"}, &truncated, &refused, &error);
  assert_fine(entries != NULL, error);
  assert_int_equal(entries->len, 4); /* 255 x, cr\r\nlf, \xff\xfe, twice (once) */
  assert_int_equal(refused, 6);
  assert_false(truncated);
  for (guint i = 0; i < entries->len; i++) {
    gsize length;
    const char *name = g_bytes_get_data(((CourierEntry *)entries->pdata[i])->name, &length);
    assert_true(length > 0 && length <= 255 && !memchr(name, '/', length) && !memchr(name, 0, length));
  }
  end_scene(scene);
}

static void an_endless_listing_ends_at_the_limit(void **state) {
  (void)state;
  static const char *const hows[] = {"endless", "endless-bad"};
  for (gsize i = 0; i < G_N_ELEMENTS(hows); i++) {
    g_autoptr(GError) error = NULL;
    Scene *scene = scene_of(hows[i], 20);
    gboolean truncated = FALSE;
    guint refused = 0;
    g_autoptr(GPtrArray) entries = courier_list(scene->courier, &(CourierListing){.folder = "x", .limit = 3000},
                                                &truncated, &refused, &error);
    assert_fine(entries != NULL, error);
    assert_int_equal(entries->len, i == 0 ? 3000 : 0);
    assert_true(truncated);
    end_scene(scene);
  }
}

static void a_listing_of_4_billion_names_in_nothing_is_a_violation(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of("count", 20);
  assert_null(courier_list(scene->courier, &(CourierListing){.folder = "x"}, NULL, NULL, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_true(courier_is_lost(scene->courier));
  end_scene(scene);
}

static void what_is_not_sftp_does_not_open(void **state) {
  (void)state;
  static const char *const hows[] = {"hostile-sftp version", "hostile-sftp garbage"};
  g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(hows); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *command = g_strdup_printf("%s %s", self, hows[i]);
    Scene *scene = scene_with(i == 0 ? command : "/bin/echo Good day to you, this is a restricted account", 20);
    assert_null(courier_open(&scene->made.endpoint, &error));
    assert_code(&error, SALLYPORT_ERROR_PARTNER);
    end_scene(scene);
  }
}

static void a_rename_without_an_answer_is_unknown(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of("vanish", 20);
  assert_false(courier_rename(scene->courier, &(CourierRename){"a", "b", COURIER_TARGET_REPLACE}, &error));
  /* "b" is looked at first and is there, so "b" is moved aside: that is the rename that gets no answer */
  assert_code(&error, SALLYPORT_ERROR_UNCERTAIN);
  assert_true(courier_is_lost(scene->courier));
  end_scene(scene);
}

/* --- A good server whose sessions are killed, or a courier that is. */

typedef struct {
  Scene *scene;
  gboolean kill_courier;
  guint64 at;
} Breaker;

static gboolean break_line(gpointer user, guint64 bytes) {
  Breaker *breaker = user;
  breaker->at = bytes;
  if (breaker->kill_courier)
    courier_abort(breaker->scene->courier);
  else
    sshd_end_sessions(breaker->scene->server);
  return TRUE;
}

static void broken_transfer(gboolean kill_courier) {
  const guint64 size = 1500000000;
  for (int put = 0; put < 2; put++) {
    g_autoptr(GError) error = NULL;
    Scene *scene = scene_with(NULL, 20);
    scene->courier = test_open(&scene->made.endpoint);
    Breaker breaker = {scene, kill_courier, 0};
    int fd = test_file(0), remote = open(scene->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    guint64 end;
    assert_int_equal(ftruncate(put ? fd : remote, (off_t)size), 0);
    gboolean ok =
        put ? courier_put(
                  scene->courier,
                  &(CourierPut){.path = scene->path, .fd = fd, .size = size, .progress = break_line, .user = &breaker},
                  &error)
            : courier_get(
                  scene->courier,
                  &(CourierGet){
                      .path = scene->path, .fd = fd, .size_limit = size, .progress = break_line, .user = &breaker},
                  &end, &error);
    assert_false(ok);
    assert_code(&error, SALLYPORT_ERROR_AGAIN);
    assert_true(courier_is_lost(scene->courier));
    assert_true(breaker.at > 0 && breaker.at < size);
    courier_close(scene->courier);
    scene->courier = test_open(&scene->made.endpoint); /* and a new one goes on */
    CourierStat stat;
    assert_fine(courier_stat(scene->courier, scene->path, &stat, &error), error);
    close(fd);
    close(remote);
    end_scene(scene);
  }
}

static void a_line_cut_in_get_or_put_is_tried_again(void **state) {
  (void)state;
  broken_transfer(FALSE);
}

static void a_courier_killed_in_get_or_put_is_replaced(void **state) {
  (void)state;
  broken_transfer(TRUE);
}

static void an_idle_courier_notices_that_the_line_is_gone(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_with(NULL, 20);
  scene->courier = test_open(&scene->made.endpoint);
  sshd_end_sessions(scene->server);
  for (int i = 0; i < 300 && !courier_is_lost(scene->courier); i++)
    g_usleep(10000);
  assert_true(courier_is_lost(scene->courier));
  assert_false(courier_remove(scene->courier, scene->path, &error));
  assert_non_null(error);
  end_scene(scene);
}

/* SIGKILL to a process that holds a courier: the courier must not outlive it. */
static void a_courier_dies_with_its_lane(void **state) {
  (void)state;
  Scene *scene = scene_with(NULL, 20);
  int report[2];
  assert_int_equal(pipe2(report, O_CLOEXEC), 0);
  pid_t lane = fork();
  if (lane == 0) {
    Courier *courier = courier_open(&scene->made.endpoint, NULL);
    pid_t pid = courier ? courier_pid(courier) : 0;
    if (write(report[1], &pid, sizeof pid) == sizeof pid)
      pause();
    _exit(1);
  }
  pid_t courier = 0;
  assert_int_equal(read(report[0], &courier, sizeof courier), sizeof courier);
  assert_true(courier > 0);
  kill(lane, SIGKILL);
  waitpid(lane, NULL, 0);
  gboolean gone = FALSE;
  for (int i = 0; i < 300 && !gone; i++) {
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", courier), *text = NULL;
    gone = !g_file_get_contents(path, &text, NULL, NULL) || strstr(text, ") Z");
    g_usleep(10000);
  }
  assert_true(gone);
  close(report[0]);
  close(report[1]);
  end_scene(scene);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  if (count > 2 && strcmp(arguments[1], "hostile-sftp") == 0)
    return hostile_main(arguments[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_size_of_2_to_the_63_is_refused),
      cmocka_unit_test(a_file_that_grows_while_it_is_read_is_read_again_later),
      cmocka_unit_test(an_early_end_is_not_taken_for_the_end),
      cmocka_unit_test(a_size_told_too_small_cuts_no_file),
      cmocka_unit_test(the_end_of_a_file_may_be_said_in_other_ways),
      cmocka_unit_test(text_where_sftp_is_to_begin_is_named),
      cmocka_unit_test(a_vague_answer_to_a_look_is_no_answer),
      cmocka_unit_test(an_upload_that_is_gone_at_its_close_is_told),
      cmocka_unit_test(a_server_that_takes_small_pieces_gets_small_ones),
      cmocka_unit_test(more_data_than_asked_for_is_a_violation),
      cmocka_unit_test(an_answer_to_nothing_is_a_violation),
      cmocka_unit_test(a_length_of_4_GiB_is_a_violation),
      cmocka_unit_test(a_handle_of_5_KB_is_a_violation),
      cmocka_unit_test(silence_ends_at_the_time_out),
      cmocka_unit_test(a_byte_now_and_then_is_no_progress),
      cmocka_unit_test(a_byte_per_answer_is_too_slow),
      cmocka_unit_test(a_server_that_dies_in_the_middle_leaves_a_good_beginning),
      cmocka_unit_test(seven_bytes_at_a_time_arrive_all_the_same),
      cmocka_unit_test(answers_that_overtake_each_other_are_put_in_order),
      cmocka_unit_test(a_server_without_sizes_is_read_to_its_end),
      cmocka_unit_test(names_that_are_no_names_are_counted_and_left_out),
      cmocka_unit_test(an_endless_listing_ends_at_the_limit),
      cmocka_unit_test(a_listing_of_4_billion_names_in_nothing_is_a_violation),
      cmocka_unit_test(what_is_not_sftp_does_not_open),
      cmocka_unit_test(a_rename_without_an_answer_is_unknown),
      cmocka_unit_test(a_line_cut_in_get_or_put_is_tried_again),
      cmocka_unit_test(a_courier_killed_in_get_or_put_is_replaced),
      cmocka_unit_test(an_idle_courier_notices_that_the_line_is_gone),
      cmocka_unit_test(a_courier_dies_with_its_lane),
  };
  if (!sshd_available()) {
    fprintf(stderr, "SKIPPED: sshd or ssh-keygen is not installed\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
