/* The FTP courier against a small server that lies, breaks off, says nothing, or never ends. */
#include "tests/unit/transfer/ftp/scene.h"
#include <signal.h>

/* The right file is there under the name that the server would make of it: it must stay as it is. */
static void a_name_that_the_server_would_cut_is_left_alone(void **state) {
  (void)state;
  static const struct {
    const char *ways, *name, *other;
  } rows[] = {{"drops-words", "points -2 final.csv", "points final.csv"},
              {"drops-words mlsd", "points -2 -x", "points"},
              {"drops-words", "points\" 2.csv", "points 2.csv"},
              {"drops-letters", "积分.csv", ".csv"},
              {"drops-letters mlsd", "points\xb5\xc4.csv", "points.csv"},
              {"trims", "points.csv ", "points.csv"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Scene *scene = scene_of(rows[i].ways);
    write_file(scene, rows[i].other, 300);
    FAILS(courier_remove(scene->courier, rows[i].name, error), SALLYPORT_ERROR_PARTNER);
    FAILS(courier_rename(scene->courier, &(CourierRename){rows[i].name, "moved", COURIER_TARGET_REFUSE}, error),
          SALLYPORT_ERROR_PARTNER);
    FAILS(courier_rename(scene->courier, &(CourierRename){rows[i].other, rows[i].name, COURIER_TARGET_REPLACE}, error),
          SALLYPORT_ERROR_PARTNER);
    FAILS(get(scene, rows[i].name, 0, 1000, 0, error), SALLYPORT_ERROR_PARTNER);
    FAILS(put(scene, rows[i].name, 0, 50, error), SALLYPORT_ERROR_PARTNER);
    assert_there(scene, rows[i].other, 300);
    FINE(get(scene, rows[i].other, 0, 1000, 300, error)); /* the connection goes on */
    end_scene(scene);
  }
}

static void odd_names_are_taken_where_the_server_keeps_them(void **state) {
  (void)state;
  static const char *const names[] = {"points -2 final.csv", "points\" 2.csv", "积分.csv", "points.csv "};
  Scene *scene = scene_of("");
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    FINE(put(scene, names[i], 0, 50, error));
    assert_there(scene, names[i], 50);
    FINE(get(scene, names[i], 0, 1000, 50, error));
    FINE(courier_remove(scene->courier, names[i], error));
  }
  g_autofree char *commands = commands_of(scene);
  assert_null(strstr(strstr(commands, "CWD / -Z") + 1, "CWD / -Z")); /* asked once */
  end_scene(scene);
}

static void bytes_stay_as_they_are_where_the_type_counts_that_was_said_before_epsv(void **state) {
  (void)state;
  Scene *scene = scene_of("type-at-epsv");
  for (guint i = 0; i < 2; i++) {
    g_autoptr(GPtrArray) entries = NULL;
    FINE((entries = courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, NULL, error)) != NULL);
    FINE(put(scene, "x", 0, 5000, error));
    assert_there(scene, "x", 5000);
    FINE(get(scene, "x", 0, 5000, 5000, error));
  }
  end_scene(scene);
}

static void a_get_that_is_not_whole_is_no_success(void **state) {
  (void)state;
  get_fails("short", 20, SALLYPORT_ERROR_PARTNER, 500);
  get_fails("told-less", 20, SALLYPORT_ERROR_PARTNER, 1000);
  get_fails("grow", 20, SALLYPORT_ERROR_AGAIN, 1000);
  get_fails("cut", 20, SALLYPORT_ERROR_AGAIN, 1000);
  get_fails("aborted", 20, SALLYPORT_ERROR_AGAIN, 1000);
  get_fails("short aborted", 20, SALLYPORT_ERROR_AGAIN, 500);
}

static void a_listing_that_the_server_has_cut_is_told(void **state) {
  (void)state;
  Scene *scene = scene_of("cut-listing");
  g_autoptr(GError) error = NULL;
  gboolean truncated = FALSE;
  write_file(scene, "x", 1);
  g_autoptr(GPtrArray)
      entries = courier_list(scene->courier, &(CourierListing){.folder = "/"}, &truncated, NULL, &error);
  assert_fine(entries != NULL, error);
  assert_true(truncated && entries->len == 1);
  end_scene(scene);
}

static void an_unknown_form_of_listing_is_an_error_that_shows_a_line(void **state) {
  (void)state;
  Scene *scene = scene_of("vms");
  g_autoptr(GError) error = NULL;
  assert_null(courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, NULL, &error));
  assert_non_null(strstr(error->message, "DISK$MISC"));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_false(courier_is_lost(scene->courier));
  end_scene(scene);
}

static void a_refused_rename_is_not_gone_on_with(void **state) {
  (void)state;
  Scene *scene = scene_of("strict-rename");
  FAILS(courier_rename(scene->courier, &(CourierRename){"/nothing", "/other", COURIER_TARGET_REFUSE}, error),
        SALLYPORT_ERROR_PARTNER);
  assert_false(courier_is_lost(scene->courier));
  end_scene(scene);
}

static void an_upload_that_is_gone_at_once_is_told(void **state) {
  (void)state;
  Scene *scene = scene_of("takes-away");
  gboolean vanished = FALSE;
  int fd = test_file(10);
  FINE(courier_put(scene->courier, &(CourierPut){.path = "/x", .size = 10, .fd = fd, .vanished = &vanished}, error));
  assert_true(vanished);
  FAILS(courier_put(scene->courier, &(CourierPut){.path = "/x", .size = 10, .fd = fd}, error), SALLYPORT_ERROR_PARTNER);
  close(fd);
  end_scene(scene);
}

static void silence_and_trickles_end_at_the_time_out(void **state) {
  (void)state;
  gint64 begun = g_get_monotonic_time();
  get_fails("silent", 2, SALLYPORT_ERROR_AGAIN, 0);
  Scene *scene = scene_with("trickle", NULL);
  scene->endpoint.io_timeout = 2;
  scene->courier = test_open(&scene->endpoint);
  write_file(scene, "x", 1000);
  int fd = test_file(0);
  guint64 end;
  FAILS(courier_get(scene->courier, &(CourierGet){.path = "x", .size_limit = 9999, .fd = fd}, &end, error),
        SALLYPORT_ERROR_AGAIN);
  close(fd);
  end_scene(scene);
  scene = scene_with("drip", NULL); /* a reply a byte at a time is no progress */
  scene->endpoint.io_timeout = 2;
  FAILS(courier_open(&scene->endpoint, error) != NULL, SALLYPORT_ERROR_AGAIN);
  end_scene(scene);
  assert_true(g_get_monotonic_time() - begun < 40 * G_USEC_PER_SEC);
}

static void a_size_beyond_the_limit_or_none_at_all(void **state) {
  (void)state;
  Scene *scene = scene_of("");
  write_file(scene, "x", 1000);
  FAILS(get(scene, "/x", 0, 999, 0, error), SALLYPORT_ERROR_PARTNER);
  end_scene(scene);
  scene = scene_of("no-size");
  write_file(scene, "x", 1000);
  FAILS(get(scene, "/x", 0, 999, 0, error), SALLYPORT_ERROR_PARTNER);
  end_scene(scene);
  scene = scene_of("negative");
  write_file(scene, "x", 1000);
  CourierStat stat;
  FINE(courier_stat(scene->courier, "/x", &stat, error)); /* a size that is no number is none: the listing tells it */
  assert_int_equal(stat.size, 1000);
  end_scene(scene);
}

static void what_is_not_there_or_not_now(void **state) {
  (void)state;
  Scene *scene = scene_of("");
  FAILS(get(scene, "/nothing", 0, 999, 0, error), SALLYPORT_ERROR_PARTNER);
  end_scene(scene);
  scene = scene_of("busy");
  write_file(scene, "locked", 10);
  FAILS(get(scene, "/locked", 0, 999, 0, error), SALLYPORT_ERROR_AGAIN);
  end_scene(scene);
}

static void a_put_that_did_not_arrive_is_no_success(void **state) {
  (void)state;
  static const struct {
    const char *ways;
    SallyportErrorCode code;
  } cases[] = {{"loses", SALLYPORT_ERROR_AGAIN},
               {"aborted", SALLYPORT_ERROR_AGAIN},
               {"full", SALLYPORT_ERROR_AGAIN},
               {"read-only", SALLYPORT_ERROR_PARTNER}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Scene *scene = scene_of(cases[i].ways);
    FAILS(put(scene, "/x", 0, 100000, error), cases[i].code);
    end_scene(scene);
  }
}

static void a_change_without_an_answer_is_unknown(void **state) {
  (void)state;
  Scene *scene = scene_of("vanish");
  write_file(scene, "x", 10);
  FAILS(courier_rename(scene->courier, &(CourierRename){"/x", "/y", COURIER_TARGET_REFUSE}, error),
        SALLYPORT_ERROR_UNCERTAIN);
  assert_true(courier_is_lost(scene->courier));
  courier_close(scene->courier);
  scene->courier = test_open(&scene->endpoint);
  FAILS(courier_remove(scene->courier, "/y", error), SALLYPORT_ERROR_UNCERTAIN);
  assert_true(courier_is_lost(scene->courier));
  end_scene(scene);
}

static void the_servers_address_is_ignored_and_its_low_ports_too(void **state) {
  (void)state;
  Scene *scene = scene_of("no-epsv"); /* names 203.0.113.7 */
  write_file(scene, "x", 1000);
  FINE(get(scene, "/x", 0, 9999, 1000, error));
  end_scene(scene);
  scene = scene_of("low-port"); /* EPSV names port 22; PASV, tried after it, another */
  write_file(scene, "x", 1000);
  g_autoptr(GError) failed = NULL;
  int fd = test_file(0);
  guint64 end;
  gboolean ok = courier_get(scene->courier, &(CourierGet){.path = "/x", .size_limit = 9999, .fd = fd}, &end, &failed);
  assert_true(ok || failed->code == SALLYPORT_ERROR_PARTNER || failed->code == SALLYPORT_ERROR_AGAIN);
  close(fd);
  end_scene(scene);
}

static void names_that_are_no_names_are_counted_and_left_out(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  guint refused = 0;
  Scene *scene = scene_of("hostile-names");
  g_autoptr(GPtrArray) entries = courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, &refused, &error);
  assert_fine(entries != NULL, error);
  assert_int_equal(entries->len, 3); /* 255 x, two bytes, good (once) */
  assert_int_equal(refused, 6);      /* three with a slash, 256 x, good again, and the line that is none */
  end_scene(scene);
}

static void an_endless_listing_ends_at_the_limit(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  gboolean truncated = FALSE;
  Scene *scene = scene_of("endless");
  g_autoptr(GPtrArray)
      entries = courier_list(scene->courier, &(CourierListing){.folder = "/", .limit = 3000}, &truncated, NULL, &error);
  assert_fine(entries != NULL, error);
  assert_int_equal(entries->len, 3000);
  assert_true(truncated);
  end_scene(scene);
}

static void folders_that_cannot_be_listed_now_are_not_empty(void **state) {
  (void)state;
  g_autoptr(GError) why = NULL;
  Scene *scene = scene_of("list-busy");
  FAILS(courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, NULL, error) != NULL,
        SALLYPORT_ERROR_AGAIN);
  end_scene(scene);
  scene = scene_of("empty-is-an-error");
  g_autoptr(GPtrArray) entries = courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, NULL, &why);
  assert_fine(entries != NULL, why);
  assert_int_equal(entries->len, 0);
  end_scene(scene);
}

static void replies_without_an_end_and_a_bad_login_folder_are_refused(void **state) {
  (void)state;
  Scene *scene = scene_with("endless-reply", NULL);
  FAILS(courier_open(&scene->endpoint, error) != NULL, SALLYPORT_ERROR_PARTNER);
  end_scene(scene);
  scene = scene_with("bad-pwd", NULL);
  g_autoptr(GError) error = NULL;
  scene->courier = courier_open(&scene->endpoint, &error); /* refused, or the folder is not believed */
  assert_true(scene->courier || error->code == SALLYPORT_ERROR_PARTNER);
  end_scene(scene);
}

static void logins_that_are_refused_and_logins_that_are_not_possible_now(void **state) {
  (void)state;
  Scene *scene = scene_with("no-user", NULL);
  FAILS(courier_open(&scene->endpoint, error) != NULL, SALLYPORT_ERROR_LOGIN);
  end_scene(scene);
  scene = scene_with("too-many", NULL);
  FAILS(courier_open(&scene->endpoint, error) != NULL, SALLYPORT_ERROR_AGAIN);
  end_scene(scene);
  scene = scene_with("", NULL);
  assert_true(g_file_set_contents(scene->password, "wrong\n", -1, NULL));
  FAILS(courier_open(&scene->endpoint, error) != NULL, SALLYPORT_ERROR_LOGIN);
  end_scene(scene);
}

/* And what was asked of it at that moment is told why: nothing of it was begun. */
static void an_idle_courier_notices_that_the_server_has_gone(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Scene *scene = scene_of("");
  const CourierRename rename = {"in/a", "in/b", COURIER_TARGET_REFUSE};
  kill(scene->pid, SIGKILL);
  for (int i = 0; i < 500 && !courier_is_lost(scene->courier); i++)
    g_usleep(10000);
  assert_true(courier_is_lost(scene->courier));
  assert_false(courier_rename(scene->courier, &rename, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_AGAIN);
  assert_non_null(strstr(error->message, "the server had ended the connection before it was asked"));
  end_scene(scene);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_that_the_server_would_cut_is_left_alone),
      cmocka_unit_test(odd_names_are_taken_where_the_server_keeps_them),
      cmocka_unit_test(bytes_stay_as_they_are_where_the_type_counts_that_was_said_before_epsv),
      cmocka_unit_test(a_get_that_is_not_whole_is_no_success),
      cmocka_unit_test(a_listing_that_the_server_has_cut_is_told),
      cmocka_unit_test(an_unknown_form_of_listing_is_an_error_that_shows_a_line),
      cmocka_unit_test(a_refused_rename_is_not_gone_on_with),
      cmocka_unit_test(an_upload_that_is_gone_at_once_is_told),
      cmocka_unit_test(silence_and_trickles_end_at_the_time_out),
      cmocka_unit_test(a_size_beyond_the_limit_or_none_at_all),
      cmocka_unit_test(what_is_not_there_or_not_now),
      cmocka_unit_test(a_put_that_did_not_arrive_is_no_success),
      cmocka_unit_test(a_change_without_an_answer_is_unknown),
      cmocka_unit_test(the_servers_address_is_ignored_and_its_low_ports_too),
      cmocka_unit_test(names_that_are_no_names_are_counted_and_left_out),
      cmocka_unit_test(an_endless_listing_ends_at_the_limit),
      cmocka_unit_test(folders_that_cannot_be_listed_now_are_not_empty),
      cmocka_unit_test(replies_without_an_end_and_a_bad_login_folder_are_refused),
      cmocka_unit_test(logins_that_are_refused_and_logins_that_are_not_possible_now),
      cmocka_unit_test(an_idle_courier_notices_that_the_server_has_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
