/* Local drop folders: the same interface, and nothing above or through a link out is reached. */
#include "tests/unit/folder.h"
#include "tests/unit/transfer/courier_fixture.h"

typedef struct {
  char *root, *outside;
  CourierEndpoint endpoint;
  Courier *courier;
} Scene;

static char *in(const Scene *scene, const char *name) {
  return g_build_filename(scene->root, name, NULL);
}

static int open_scene(void **state) {
  Scene *scene = g_new0(Scene, 1);
  scene->root = g_dir_make_tmp("folder-XXXXXX", NULL);
  scene->outside = g_dir_make_tmp("outside-XXXXXX", NULL);
  scene->endpoint = (CourierEndpoint){
      .kind = COURIER_LOCAL, .name = "local/drop", .folder = scene->root, .io_timeout = 20};
  scene->courier = test_open(&scene->endpoint);
  *state = scene;
  return 0;
}

static int close_scene(void **state) {
  Scene *scene = *state;
  courier_close(scene->courier);
  assert_int_equal(folder_remove(scene->root) + folder_remove(scene->outside), 0);
  g_free(scene->root);
  g_free(scene->outside);
  g_free(scene);
  return 0;
}

static gboolean get(Scene *scene, const char *path, GError **error) {
  int fd = test_file(0);
  guint64 end;
  gboolean ok = courier_get(scene->courier, &(CourierGet){.path = path, .fd = fd, .size_limit = 1 << 20}, &end, error);
  close(fd);
  return ok;
}

static gboolean put(Scene *scene, const char *path, guint64 size, GError **error) {
  int fd = test_file(size);
  gboolean ok = courier_put(scene->courier, &(CourierPut){.path = path, .fd = fd, .size = size}, error);
  close(fd);
  return ok;
}

static void files_go_and_come_whole_and_resumed(void **state) {
  Scene *scene = *state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = in(scene, "sub/file");
  int whole = test_file(3000000), part = test_file(1000000);
  guint64 end;
  assert_non_null(strstr(courier_describe(scene->courier), "seccomp"));
  assert_fine(courier_make_folder(scene->courier, "/sub", &error), error);
  assert_fine(courier_make_folder(scene->courier, "sub", &error), error);
  assert_fine(put(scene, "/sub/file", 1000000, &error), error);
  assert_file(path, 1000000);
  assert_fine(courier_put(scene->courier,
                          &(CourierPut){.path = "sub/file", .fd = whole, .offset = 1000000, .size = 3000000}, &error),
              error);
  assert_file(path, 3000000);
  assert_fine(courier_get(scene->courier,
                          &(CourierGet){.path = "sub/file", .fd = part, .offset = 1000000, .size_limit = 3000000}, &end,
                          &error),
              error);
  assert_content(part, 3000000);
  assert_false(
      courier_get(scene->courier, &(CourierGet){.path = "sub/file", .fd = part, .size_limit = 2999999}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_fine(put(scene, "sub/file", 0, &error), error);
  assert_file(path, 0);
  close(whole);
  close(part);
}

static void rename_keeps_or_replaces(void **state) {
  Scene *scene = *state;
  g_autoptr(GError) error = NULL;
  g_autofree char *to = in(scene, "done/b");
  assert_fine(courier_make_folder(scene->courier, "done", &error), error);
  assert_fine(put(scene, "a", 10, &error), error);
  assert_fine(courier_rename(scene->courier, &(CourierRename){"a", "/done/b", COURIER_TARGET_REFUSE}, &error), error);
  assert_file(to, 10);
  assert_fine(put(scene, "a", 20, &error), error);
  assert_false(courier_rename(scene->courier, &(CourierRename){"a", "done/b", COURIER_TARGET_REFUSE}, &error));
  assert_non_null(strstr(error->message, "exists"));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_fine(courier_rename(scene->courier, &(CourierRename){"a", "done/b", COURIER_TARGET_REPLACE}, &error), error);
  assert_file(to, 20);
  assert_fine(courier_remove(scene->courier, "done/b", &error), error);
  assert_fine(courier_remove(scene->courier, "done/b", &error), error);
  assert_false(courier_remove(scene->courier, "done", &error)); /* a folder */
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
}

static void links_fifos_and_second_names_are_refused(void **state) {
  Scene *scene = *state;
  g_autoptr(GError) error = NULL;
  g_autofree char *secret = g_build_filename(scene->outside, "secret", NULL), *link = in(scene, "link"),
                  *fifo = in(scene, "fifo"), *hard = in(scene, "hard"), *folder_link = in(scene, "folder-link"),
                  *here = in(scene, "here"), *inside = in(scene, "inside");
  test_write(secret, 100);
  test_write(here, 10);
  assert_int_equal(symlink(secret, link), 0);
  assert_int_equal(symlink("here", inside), 0);
  assert_int_equal(symlink(scene->outside, folder_link), 0);
  assert_int_equal(mkfifo(fifo, 0666), 0);
  assert_int_equal(linkat(AT_FDCWD, secret, AT_FDCWD, hard, 0), 0);
  static const char *const refused[] = {"link", "inside",    "folder-link/secret", "fifo",
                                        "hard", "../secret", "/../../etc/passwd",  "."};
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    assert_false(get(scene, refused[i], &error));
    assert_code(&error, SALLYPORT_ERROR_PARTNER);
    assert_false(put(scene, refused[i], 5, &error));
    assert_code(&error, SALLYPORT_ERROR_PARTNER);
  }
  assert_file(secret, 100); /* neither truncated nor written */
  g_autoptr(GPtrArray) entries = courier_list(scene->courier, &(CourierListing){.folder = "/"}, NULL, NULL, &error);
  assert_fine(entries != NULL, error);
  assert_int_equal(entries->len, 6);
  for (guint i = 0; i < entries->len; i++) {
    const CourierEntry *entry = entries->pdata[i];
    gboolean is_here = g_bytes_get_size(entry->name) == 4 &&
                       memcmp(g_bytes_get_data(entry->name, NULL), "here", 4) == 0;
    assert_int_equal(entry->is_file, is_here);
  }
  CourierStat stat;
  assert_fine(courier_stat(scene->courier, "link", &stat, &error), error);
  assert_true(stat.exists && !stat.is_file);
  assert_false(courier_stat(scene->courier, "folder-link/secret", &stat, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_false(
      courier_rename(scene->courier, &(CourierRename){"here", "folder-link/stolen", COURIER_TARGET_REPLACE}, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_false(courier_rename(scene->courier, &(CourierRename){"here", "../stolen", COURIER_TARGET_REPLACE}, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_false(courier_remove(scene->courier, "folder-link/secret", &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_fine(courier_remove(scene->courier, "link", &error), error); /* the link itself, not what it points at */
  assert_file(secret, 100);
}

static void names_of_any_bytes_are_listed_as_they_are(void **state) {
  Scene *scene = *state;
  g_autoptr(GError) error = NULL;
  static const char *const names[] = {"\x01 control", "cr\r\nlf", "\xff\xfe not UTF-8", "积分.dat", "积分.DAT"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    assert_fine(put(scene, names[i], i, &error), error);
  gboolean truncated = TRUE;
  guint refused = 1;
  g_autoptr(GPtrArray)
      entries = courier_list(scene->courier, &(CourierListing){.folder = "."}, &truncated, &refused, &error);
  assert_fine(entries != NULL, error);
  assert_int_equal(entries->len, G_N_ELEMENTS(names));
  assert_false(truncated);
  assert_int_equal(refused, 0);
}

static void a_missing_folder_is_a_configuration_error(void **state) {
  Scene *scene = *state;
  g_autoptr(GError) error = NULL;
  scene->endpoint.folder = "/nonexistent/folder";
  assert_null(courier_open(&scene->endpoint, &error));
  assert_code(&error, SALLYPORT_ERROR_CONFIGURATION);
  scene->endpoint.folder = NULL;
  assert_null(courier_open(&scene->endpoint, &error));
  assert_code(&error, SALLYPORT_ERROR_CONFIGURATION);
}

static void an_impossible_path_is_our_mistake_and_costs_nothing(void **state) {
  Scene *scene = *state;
  g_autoptr(GError) error = NULL;
  g_autofree char *long_path = g_strnfill(5000, 'x');
  CourierStat stat;
  assert_false(courier_stat(scene->courier, long_path, &stat, &error));
  assert_code(&error, SALLYPORT_ERROR_BUG);
  assert_false(courier_stat(scene->courier, "", &stat, &error));
  assert_code(&error, SALLYPORT_ERROR_BUG);
  assert_true(courier_stat(scene->courier, "x", &stat, &error));
  assert_false(courier_is_lost(scene->courier));
}

static void a_full_disk_is_tried_again(void **state) {
  Scene *scene = *state;
  if (geteuid() != 0) {
    fprintf(stderr, "SKIPPED: a small file system needs root\n");
    skip();
  }
  g_autoptr(GError) error = NULL;
  g_autofree char *small = in(scene, "small"),
                  *mount = g_strdup_printf("mount -t tmpfs -o size=1m none '%s' 2>/dev/null", small),
                  *umount = g_strdup_printf("umount '%s'", small);
  assert_fine(courier_make_folder(scene->courier, "small", &error), error);
  if (system(mount) != 0) {
    fprintf(stderr, "SKIPPED: no mount here\n");
    skip();
  }
  scene->endpoint.folder = small;
  Courier *courier = test_open(&scene->endpoint);
  int fd = test_file(3000000);
  gboolean ok = courier_put(courier, &(CourierPut){.path = "file", .fd = fd, .size = 3000000}, &error);
  courier_close(courier);
  close(fd);
  assert_int_equal(system(umount), 0);
  assert_false(ok);
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
  const struct CMUnitTest tests[] = {
      SCENE_TEST(files_go_and_come_whole_and_resumed),
      SCENE_TEST(rename_keeps_or_replaces),
      SCENE_TEST(links_fifos_and_second_names_are_refused),
      SCENE_TEST(names_of_any_bytes_are_listed_as_they_are),
      SCENE_TEST(a_missing_folder_is_a_configuration_error),
      SCENE_TEST(an_impossible_path_is_our_mistake_and_costs_nothing),
      SCENE_TEST(a_full_disk_is_tried_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
