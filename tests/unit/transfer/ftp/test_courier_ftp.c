/* The FTP courier against a small server: good as it should be, and lying in many ways; with TLS, and with TLS that is
 * refused, stripped, or somebody else's. */
#include "tests/unit/transfer/authority.h"
#include "tests/unit/transfer/courier_fixture.h"
#include <signal.h>
#include <utime.h>

static Authority *authority;

typedef struct {
  char *top, *folder, *password;
  GPid pid;
  int input;
  CourierEndpoint endpoint;
  Courier *courier;
} Scene;

/* WAYS: words for ftp.py. With "tls" the server has the certificate of that name. */
static Scene *scene_with(const char *ways, const char *certificate) {
  Scene *scene = g_new0(Scene, 1);
  scene->top = g_dir_make_tmp("ftp-XXXXXX", NULL);
  scene->folder = g_build_filename(scene->top, "files", NULL);
  scene->password = g_build_filename(scene->top, "password", NULL);
  g_mkdir(scene->folder, 0755);
  assert_true(g_file_set_contents(scene->password, "s3cret\n", -1, NULL));
  g_autofree char *line = g_strdup_printf("/usr/bin/python3 tests/unit/transfer/ftp.py %s %s", scene->folder, ways);
  if (certificate) {
    g_autofree char *plain = g_steal_pointer(&line);
    line = g_strdup_printf("%s certificate=%s/%s.crt key=%s/%s.key", plain, authority->folder, certificate,
                           authority->folder, certificate);
  }
  g_auto(GStrv) arguments = g_strsplit(line, " ", 0);
  GPtrArray *words = g_ptr_array_new();
  for (char **each = arguments; *each; each++)
    if (**each)
      g_ptr_array_add(words, *each);
  g_ptr_array_add(words, NULL);
  int output;
  g_autoptr(GError) error = NULL;
  if (!g_spawn_async_with_pipes(NULL, (char **)words->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &scene->pid,
                                &scene->input, &output, NULL, &error))
    fail_msg("%s", error->message);
  g_ptr_array_unref(words);
  char port[16] = "";
  for (gsize at = 0; at < sizeof port - 1 && read(output, port + at, 1) == 1 && port[at] != '\n'; at++)
    continue;
  close(output);
  scene->endpoint = (CourierEndpoint){.kind = COURIER_FTP,
                                      .name = "partner/main",
                                      .host = certificate ? "localhost" : "127.0.0.1",
                                      .port = (guint)g_ascii_strtoull(port, NULL, 10),
                                      .user = "gw",
                                      .password_file = scene->password,
                                      .connect_timeout = 20,
                                      .io_timeout = 20};
  assert_true(scene->endpoint.port > 0);
  return scene;
}

static Scene *scene_of(const char *ways) {
  Scene *scene = scene_with(ways, NULL);
  scene->courier = test_open(&scene->endpoint);
  return scene;
}

static void remove_all(const char *folder) {
  g_autoptr(GDir) open = g_dir_open(folder, 0, NULL);
  const char *name;
  while (open && (name = g_dir_read_name(open))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      remove_all(path);
    g_remove(path);
  }
  g_rmdir(folder);
}

static void end_scene(Scene *scene) {
  courier_close(scene->courier);
  close(scene->input);
  waitpid(scene->pid, NULL, 0);
  remove_all(scene->top);
  g_free(scene->top);
  g_free(scene->folder);
  g_free(scene->password);
  g_free(scene);
}

static char *file_of(const Scene *scene, const char *name) {
  return g_build_filename(scene->folder, name, NULL);
}

static void write_file(const Scene *scene, const char *name, guint64 size) {
  g_autofree char *path = file_of(scene, name);
  test_write(path, size);
}

/* All that the server was told. */
static char *commands_of(const Scene *scene) {
  g_autofree char *path = g_build_filename(scene->top, "commands", NULL);
  char *text = NULL;
  return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

static gboolean get(Scene *scene, const char *path, guint64 offset, guint64 limit, guint64 expected, GError **error) {
  int fd = test_file(offset);
  guint64 end = 0;
  gboolean ok = courier_get(scene->courier,
                            &(CourierGet){.path = path, .offset = offset, .size_limit = limit, .fd = fd}, &end, error);
  if (ok)
    assert_int_equal(end, expected);
  if (ok || expected <= limit)
    assert_content(fd, ok ? end : expected);
  close(fd);
  return ok;
}

static gboolean put(Scene *scene, const char *path, guint64 offset, guint64 size, GError **error) {
  int fd = test_file(size);
  gboolean ok = courier_put(scene->courier, &(CourierPut){.path = path, .offset = offset, .size = size, .fd = fd},
                            error);
  close(fd);
  return ok;
}

static void assert_there(const Scene *scene, const char *name, guint64 size) {
  g_autofree char *path = file_of(scene, name);
  assert_file(path, size);
}

#define FINE(call)                    \
  do {                                \
    g_autoptr(GError) failed_ = NULL; \
    GError **error = &failed_;        \
    gboolean ok_ = (call);            \
    assert_fine(ok_, failed_);        \
  } while (0)
#define FAILS(call, code)             \
  do {                                \
    g_autoptr(GError) failed_ = NULL; \
    GError **error = &failed_;        \
    assert_false(call);               \
    assert_code(&failed_, code);      \
  } while (0)

/* --- what it does
 * ------------------------------------------------------------------------------------------------------- */

static void files_go_and_come(void **state) {
  (void)state;
  static const guint64 sizes[] = {0, 1, 1000000};
  static const char *const ways[] = {"", "mlsd", "no-epsv", "no-size"};
  for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
    Scene *scene = scene_of(ways[i]);
    for (gsize j = 0; j < G_N_ELEMENTS(sizes); j++) {
      FINE(put(scene, "/a file", 0, sizes[j], error));
      assert_there(scene, "a file", sizes[j]);
      FINE(get(scene, "a file", 0, 4000000, sizes[j], error)); /* from the login folder */
    }
    assert_false(courier_is_lost(scene->courier));
    end_scene(scene);
  }
}

static void transfers_go_on_where_they_broke(void **state) {
  (void)state;
  Scene *scene = scene_of("");
  write_file(scene, "from", 50000);
  static const guint64 offsets[] = {1, 25000, 49999, 50000};
  for (gsize i = 0; i < G_N_ELEMENTS(offsets); i++) {
    FINE(get(scene, "/from", offsets[i], 50000, 50000, error));
    write_file(scene, "to", offsets[i]);
    FINE(put(scene, "/to", offsets[i], 50000, error));
    assert_there(scene, "to", 50000);
  }
  write_file(scene, "to", 999);
  FAILS(put(scene, "/to", 1000, 50000, error), SALLYPORT_ERROR_AGAIN); /* not the part that we know */
  assert_there(scene, "to", 999);
  FAILS(get(scene, "/from", 50001, 60000, 50001, error), SALLYPORT_ERROR_AGAIN);
  end_scene(scene);
}

static void listings_by_either_way_agree(void **state) {
  (void)state;
  static const char *const ways[] = {"", "mlsd", "no-mlsd-after-all"};
  for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
    g_autoptr(GError) why = NULL;
    gboolean truncated = TRUE;
    guint refused = 99;
    Scene *scene = scene_of(ways[i]);
    g_autofree char *sub = file_of(scene, "sub dir"), *inner = g_build_filename(sub, "inner", NULL),
                    *b = file_of(scene, "b");
    write_file(scene, "a name", 17);
    write_file(scene, "b", 0);
    utime(b, &(struct utimbuf){1735689600, 1735689600}); /* 2025-01-01 */
    g_mkdir(sub, 0755);
    test_write(inner, 5);
    g_autoptr(GPtrArray)
        top = courier_list(scene->courier, &(CourierListing){.folder = "/"}, &truncated, &refused, &why);
    assert_fine(top != NULL, why);
    assert_int_equal(top->len, 3);
    assert_int_equal(refused, 0);
    assert_false(truncated);
    const CourierEntry *a = top->pdata[0], *second = top->pdata[1], *folder = top->pdata[2];
    assert_true(a->is_file && a->size == 17 && ABS(a->modified - g_get_real_time() / G_USEC_PER_SEC) < 3600);
    assert_true(second->is_file && second->size == 0 && second->modified == 1735689600);
    assert_false(folder->is_file);
    g_autoptr(GPtrArray) below = courier_list(scene->courier, &(CourierListing){.folder = "sub dir"}, NULL, NULL, &why);
    assert_fine(below != NULL, why);
    assert_int_equal(below->len, 1);
    FINE(get(scene, "a name", 0, 100, 17, error)); /* relative to the login folder still */
    FAILS(courier_list(scene->courier, &(CourierListing){.folder = "/nothing"}, NULL, NULL, error) != NULL,
          SALLYPORT_ERROR_PARTNER);
    assert_false(courier_is_lost(scene->courier));
    end_scene(scene);
  }
}

static void one_name_is_looked_at(void **state) {
  (void)state;
  static const char *const ways[] = {"", "mlsd", "no-size"};
  for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
    CourierStat stat;
    Scene *scene = scene_of(ways[i]);
    g_autofree char *path = file_of(scene, "x"), *sub = file_of(scene, "sub");
    write_file(scene, "x", 1234);
    utime(path, &(struct utimbuf){1735689600, 1735689600});
    g_mkdir(sub, 0755);
    FINE(courier_stat(scene->courier, "/x", &stat, error));
    assert_true(stat.exists && stat.is_file && stat.size == 1234 && stat.modified == 1735689600);
    FINE(courier_stat(scene->courier, "/sub", &stat, error));
    assert_true(stat.exists && !stat.is_file);
    FINE(courier_stat(scene->courier, "/nothing", &stat, error));
    assert_false(stat.exists);
    end_scene(scene);
  }
}

static void names_are_changed_as_the_interface_says(void **state) {
  (void)state;
  static const char *const ways[] = {"", "rename-refuses", "mlsd"};
  for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
    Scene *scene = scene_of(ways[i]);
    write_file(scene, "new", 10);
    write_file(scene, "old", 20);
    FAILS(courier_rename(scene->courier, &(CourierRename){"/new", "/old", COURIER_TARGET_REFUSE}, error),
          SALLYPORT_ERROR_PARTNER);
    assert_there(scene, "new", 10);
    assert_there(scene, "old", 20);
    FINE(courier_rename(scene->courier, &(CourierRename){"/new", "/old", COURIER_TARGET_REPLACE}, error));
    assert_there(scene, "old", 10);
    g_autofree char *aside = file_of(scene, "old.aside"), *new = file_of(scene, "new");
    assert_false(g_file_test(aside, G_FILE_TEST_EXISTS) || g_file_test(new, G_FILE_TEST_EXISTS));
    FINE(courier_rename(scene->courier, &(CourierRename){"old", "fresh", COURIER_TARGET_REFUSE}, error));
    FINE(courier_rename(scene->courier, &(CourierRename){"fresh", "again", COURIER_TARGET_REPLACE}, error));
    FAILS(courier_rename(scene->courier, &(CourierRename){"gone", "again2", COURIER_TARGET_REFUSE}, error),
          SALLYPORT_ERROR_PARTNER);
    FINE(courier_remove(scene->courier, "/again", error));
    FINE(courier_remove(scene->courier, "/again", error));
    FINE(courier_make_folder(scene->courier, "/made", error));
    FINE(courier_make_folder(scene->courier, "/made", error));
    FAILS(courier_make_folder(scene->courier, "/no/such/parent", error), SALLYPORT_ERROR_PARTNER);
    assert_false(courier_is_lost(scene->courier));
    end_scene(scene);
  }
}

static void no_name_becomes_a_command(void **state) {
  (void)state;
  static const char *const names[] = {"/a\r\nDELE x", "/a\nDELE x", "/a\rb", "/a\xff\xf4", "/tab\t"};
  Scene *scene = scene_of("");
  write_file(scene, "x", 1);
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    CourierStat stat;
    FAILS(courier_remove(scene->courier, names[i], error), SALLYPORT_ERROR_PARTNER);
    FAILS(courier_stat(scene->courier, names[i], &stat, error), SALLYPORT_ERROR_PARTNER);
    FAILS(get(scene, names[i], 0, 10, 0, error), SALLYPORT_ERROR_PARTNER);
    FAILS(put(scene, names[i], 0, 10, error), SALLYPORT_ERROR_PARTNER);
    FAILS(courier_make_folder(scene->courier, names[i], error), SALLYPORT_ERROR_PARTNER);
    FAILS(courier_list(scene->courier, &(CourierListing){.folder = names[i]}, NULL, NULL, error) != NULL,
          SALLYPORT_ERROR_PARTNER);
    FAILS(courier_rename(scene->courier, &(CourierRename){"x", names[i], COURIER_TARGET_REPLACE}, error),
          SALLYPORT_ERROR_PARTNER);
  }
  static const char *const odd[] = {"/%41%0d%0a", "/a;type=a", "/-la", "/sp ace", "/\xe7\xa7\xaf\xe5\x88\x86",
                                    "/\xbb\xfd",  "/a?b#c",    "/*[x]"};
  for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) { /* and these are names like others */
    FINE(put(scene, odd[i], 0, 10, error));
    FINE(get(scene, odd[i], 0, 10, 10, error));
    FINE(courier_remove(scene->courier, odd[i], error));
  }
  g_autofree char *commands = commands_of(scene);
  assert_null(strstr(commands, "DELE x"));
  assert_there(scene, "x", 1);
  end_scene(scene);
}

/* --- servers that lie
 * --------------------------------------------------------------------------------------------------- */

static void get_fails(const char *ways, guint io_timeout, SallyportErrorCode code, guint64 kept) {
  Scene *scene = scene_with(ways, NULL);
  scene->endpoint.io_timeout = io_timeout;
  scene->courier = test_open(&scene->endpoint);
  write_file(scene, "x", 1000);
  FAILS(get(scene, "/x", 0, 100000, kept, error), code);
  end_scene(scene);
}

/* The right file is there under the name that the server would make of it: it must stay as it is. */
static void a_name_that_the_server_would_cut_is_left_alone(void **state) {
  (void)state;
  static const struct {
    const char *ways, *name, *other;
  } rows[] = {{"drops-words", "points -2 final.csv", "points final.csv"},
              {"drops-words mlsd", "points -2 -x", "points"},
              {"drops-words", "points\" 2.csv", "points 2.csv"},
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
  static const char *const names[] = {"points -2 final.csv", "points\" 2.csv", "points.csv "};
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

static void a_get_that_is_not_whole_is_no_success(void **state) {
  (void)state;
  get_fails("short", 20, SALLYPORT_ERROR_PARTNER, 500);
  get_fails("told-less", 20, SALLYPORT_ERROR_PARTNER, 1000);
  get_fails("grow", 20, SALLYPORT_ERROR_AGAIN, 1000);
  get_fails("cut", 20, SALLYPORT_ERROR_AGAIN, 1000);
  get_fails("aborted", 20, SALLYPORT_ERROR_AGAIN, 1000);
  get_fails("short aborted", 20, SALLYPORT_ERROR_AGAIN, 500);
}

/* --- servers of their own mind: each optional command has a way back */

static void optional_commands_have_a_way_back(void **state) {
  (void)state;
  static const char *const ways[] = {"mlsd no-mlst-after-all", "mlsd-needs-name", "bad-229", "mlsd bad-229",
                                     "no-size bad-229"};
  for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
    Scene *scene = scene_of(ways[i]);
    CourierStat stat;
    write_file(scene, "x", 1000);
    FINE(courier_make_folder(scene->courier, "/deep", error));
    FINE(courier_stat(scene->courier, "/x", &stat, error));
    assert_true(stat.exists && stat.is_file && stat.size == 1000);
    FINE(courier_stat(scene->courier, "/nowhere/x", &stat, error));
    assert_false(stat.exists);
    FINE(courier_stat(scene->courier, "/deep", &stat, error));
    assert_true(stat.exists && !stat.is_file);
    int fd = test_file(0);
    guint64 end;
    FINE(courier_get(scene->courier, &(CourierGet){.path = "/x", .size_limit = 5000, .fd = fd}, &end, error));
    close(fd);
    FINE(put(scene, "/y", 0, 500, error));
    assert_there(scene, "y", 500);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, NULL, &error);
    assert_fine(entries != NULL, error);
    assert_int_equal(entries->len, 3);
    end_scene(scene);
  }
}

static void sizes_that_are_none_and_folders_that_have_one_are_told_apart(void **state) {
  (void)state;
  Scene *scene = scene_of("size-says-nothing");
  CourierStat stat;
  write_file(scene, "empty", 0);
  FINE(courier_make_folder(scene->courier, "/folder", error));
  FINE(courier_stat(scene->courier, "/empty", &stat, error));
  assert_true(stat.exists && stat.is_file && stat.size == 0);
  FINE(put(scene, "/marker", 0, 0, error));
  FINE(courier_stat(scene->courier, "/folder", &stat, error));
  assert_true(stat.exists && !stat.is_file);
  end_scene(scene);
  scene = scene_of("folders-have-size");
  write_file(scene, "x", 9);
  FINE(courier_make_folder(scene->courier, "/folder", error));
  FINE(courier_stat(scene->courier, "/folder", &stat, error));
  assert_true(stat.exists && !stat.is_file);
  FINE(courier_stat(scene->courier, "/x", &stat, error));
  assert_true(stat.exists && stat.is_file && stat.size == 9);
  end_scene(scene);
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

static void an_idle_courier_notices_that_the_server_has_gone(void **state) {
  (void)state;
  Scene *scene = scene_of("");
  kill(scene->pid, SIGKILL);
  for (int i = 0; i < 500 && !courier_is_lost(scene->courier); i++)
    g_usleep(10000);
  assert_true(courier_is_lost(scene->courier));
  end_scene(scene);
}

/* --- TLS
 * ------------------------------------------------------------------------------------------------------------------ */

static void files_go_and_come_under_tls(void **state) {
  (void)state;
  for (int implicit = 0; implicit < 2; implicit++) {
    Scene *scene = scene_with(implicit ? "implicit" : "mlsd", "server");
    g_autofree char *ca = authority_file(authority, "ca.crt"), *right = authority_pin(authority, "server"),
                    *other = authority_pin(authority, "other");
    const char *const pins[] = {other, right, NULL};
    scene->endpoint.ca_file = ca;
    scene->endpoint.tls = implicit ? COURIER_TLS_IMPLICIT : COURIER_TLS_EXPLICIT;
    scene->endpoint.tls_keys = pins;
    scene->courier = test_open(&scene->endpoint);
    FINE(put(scene, "/x", 0, 2000000, error));
    assert_there(scene, "x", 2000000);
    FINE(get(scene, "/x", 1000000, 2000000, 2000000, error));
    g_autoptr(GError) failed = NULL;
    g_autoptr(GPtrArray) entries = courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, NULL, &failed);
    assert_fine(entries != NULL, failed);
    assert_int_equal(entries->len, 1);
    end_scene(scene);
  }
}

static void nobody_hears_the_password_but_the_right_server(void **state) {
  (void)state;
  static const struct {
    const char *ways, *certificate, *ca;
    gboolean pinned;
    CourierTls tls;
  } cases[] = {{"", "server", "stranger.crt", FALSE, COURIER_TLS_EXPLICIT},
               {"implicit", "server", "stranger.crt", FALSE, COURIER_TLS_IMPLICIT},
               {"", "other", "ca.crt", FALSE, COURIER_TLS_EXPLICIT},
               {"implicit", "other", "ca.crt", FALSE, COURIER_TLS_IMPLICIT},
               {"", "alone", "ca.crt", FALSE, COURIER_TLS_EXPLICIT},
               {"", "server", "ca.crt", TRUE, COURIER_TLS_EXPLICIT},
               {"no-auth", "server", "ca.crt", FALSE, COURIER_TLS_EXPLICIT},
               {"injected", "server", "ca.crt", FALSE, COURIER_TLS_EXPLICIT}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Scene *scene = scene_with(cases[i].ways, cases[i].certificate);
    g_autofree char *ca = authority_file(authority, cases[i].ca), *wrong = authority_pin(authority, "other");
    const char *const pins[] = {wrong, NULL};
    g_autoptr(GError) error = NULL;
    scene->endpoint.ca_file = ca;
    scene->endpoint.tls = cases[i].tls;
    scene->endpoint.tls_keys = cases[i].pinned ? pins : NULL;
    assert_null(courier_open(&scene->endpoint, &error));
    if (strcmp(cases[i].ways, "injected") == 0)
      assert_code(&error, SALLYPORT_ERROR_PARTNER);
    else
      assert_code(&error, SALLYPORT_ERROR_LOGIN);
    g_autofree char *commands = commands_of(scene);
    if (strstr(commands, "USER") || strstr(commands, "PASS"))
      fail_msg("case %zu: the login was sent: %s", i, commands);
    end_scene(scene);
  }
}

static void no_data_goes_in_the_clear(void **state) {
  (void)state;
  static const char *const ways[] = {"no-prot", "clear-data"};
  for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
    Scene *scene = scene_with(ways[i], "server");
    g_autofree char *ca = authority_file(authority, "ca.crt");
    g_autoptr(GError) why = NULL;
    scene->endpoint.ca_file = ca;
    scene->endpoint.tls = COURIER_TLS_EXPLICIT;
    scene->endpoint.io_timeout = 2;
    scene->endpoint.connect_timeout = 3; /* libcurl's patience with the data connection's handshake */
    scene->courier = courier_open(&scene->endpoint, &why);
    if (i == 0) {
      assert_null(scene->courier);
      assert_code(&why, SALLYPORT_ERROR_LOGIN);
    } else {
      assert_fine(scene->courier != NULL, why);
      FAILS(put(scene, "/x", 0, 1000, error), SALLYPORT_ERROR_AGAIN);
    }
    end_scene(scene);
  }
}

static int set_up(void **state) {
  (void)state;
  authority = authority_new();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  authority_free(authority);
  return 0;
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_go_and_come),
      cmocka_unit_test(transfers_go_on_where_they_broke),
      cmocka_unit_test(listings_by_either_way_agree),
      cmocka_unit_test(one_name_is_looked_at),
      cmocka_unit_test(names_are_changed_as_the_interface_says),
      cmocka_unit_test(no_name_becomes_a_command),
      cmocka_unit_test(a_name_that_the_server_would_cut_is_left_alone),
      cmocka_unit_test(odd_names_are_taken_where_the_server_keeps_them),
      cmocka_unit_test(a_get_that_is_not_whole_is_no_success),
      cmocka_unit_test(optional_commands_have_a_way_back),
      cmocka_unit_test(sizes_that_are_none_and_folders_that_have_one_are_told_apart),
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
      cmocka_unit_test(files_go_and_come_under_tls),
      cmocka_unit_test(nobody_hears_the_password_but_the_right_server),
      cmocka_unit_test(no_data_goes_in_the_clear),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
