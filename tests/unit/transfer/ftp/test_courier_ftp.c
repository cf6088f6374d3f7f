/* The FTP courier against a small server that is as it should be, or that lacks this and that. */
#include "tests/unit/transfer/ftp/scene.h"

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

/* --- Servers of their own mind: each optional command has a way back. */

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
      cmocka_unit_test(optional_commands_have_a_way_back),
      cmocka_unit_test(sizes_that_are_none_and_folders_that_have_one_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
