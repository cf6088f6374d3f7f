#include "tests/unit/transfer/one_sshd.h"

static char *remote(const char *name) {
  return g_build_filename(server->folder, name, NULL);
}

static void put(Courier *courier, const char *path, guint64 size) {
  g_autoptr(GError) error = NULL;
  int fd = test_file(size);
  assert_fine(courier_put(courier, &(CourierPut){.path = path, .fd = fd, .size = size}, &error), error);
  close(fd);
}

static void the_description_names_server_cipher_and_cage(void **state) {
  (void)state;
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  const char *text = courier_describe(courier);
  assert_non_null(strstr(text, "OpenSSH"));
  assert_non_null(strstr(text, "ssh-ed25519"));
  assert_non_null(strstr(text, "seccomp"));
  assert_non_null(strstr(text, "posix-rename"));
  assert_false(courier_is_lost(courier));
  courier_close(courier);
}

static void files_of_all_sizes_come_back_as_they_went(void **state) {
  (void)state;
  static const guint64 sizes[] = {0, 1, 4096, 32767, 32768, 32769, 261119, 261120, 261121, 1000000, 9000001};
  g_autoptr(GError) error = NULL;
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autofree char *path = remote("sized");
    put(courier, path, sizes[i]);
    assert_file(path, sizes[i]);
    int fd = test_file(0);
    guint64 end = 99;
    assert_fine(courier_get(courier, &(CourierGet){.path = path, .fd = fd, .size_limit = sizes[i]}, &end, &error),
                error);
    assert_int_equal(end, sizes[i]);
    assert_content(fd, sizes[i]);
    close(fd);
  }
  courier_close(courier);
}

static void get_and_put_go_on_where_they_broke(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = remote("resumed");
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  int whole = test_file(700000), half = test_file(300000);
  test_write(path, 300000);
  assert_fine(courier_put(courier, &(CourierPut){.path = path, .fd = whole, .offset = 300000, .size = 700000}, &error),
              error);
  assert_file(path, 700000);
  guint64 end;
  assert_fine(courier_get(courier, &(CourierGet){.path = path, .fd = half, .offset = 300000, .size_limit = 1 << 20},
                          &end, &error),
              error);
  assert_content(half, 700000);
  assert_fine(courier_get(courier, &(CourierGet){.path = path, .fd = half, .offset = 700000, .size_limit = 1 << 20},
                          &end, &error),
              error);
  assert_int_equal(end, 700000);
  /* what cannot be resumed */
  assert_false(courier_get(courier, &(CourierGet){.path = path, .fd = half, .offset = 800000, .size_limit = 1 << 20},
                           &end, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  test_write(path, 100);
  assert_false(
      courier_put(courier, &(CourierPut){.path = path, .fd = whole, .offset = 300000, .size = 700000}, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  assert_file(path, 100);
  put(courier, path, 50); /* offset 0 truncates */
  assert_file(path, 50);
  close(whole);
  close(half);
  courier_close(courier);
}

static void a_file_over_its_limit_is_not_taken(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = remote("large");
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  put(courier, path, 500000);
  int fd = test_file(0);
  guint64 end;
  assert_false(courier_get(courier, &(CourierGet){.path = path, .fd = fd, .size_limit = 499999}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_content(fd, 0);
  /* still well */
  assert_fine(courier_get(courier, &(CourierGet){.path = path, .fd = fd, .size_limit = 500000}, &end, &error), error);
  close(fd);
  courier_close(courier);
}

static void what_is_missing_or_forbidden_is_the_partners(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *missing = remote("no/such");
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  int fd = test_file(10);
  guint64 end;
  CourierStat stat;
  assert_false(courier_get(courier, &(CourierGet){.path = missing, .fd = fd, .size_limit = 10}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_false(courier_put(courier, &(CourierPut){.path = missing, .fd = fd, .size = 10}, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_null(courier_list(courier, &(CourierListing){.folder = missing}, NULL, NULL, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_false(courier_get(courier, &(CourierGet){.path = server->folder, .fd = fd, .size_limit = 10}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_true(courier_stat(courier, missing, &stat, &error));
  assert_false(stat.exists);
  assert_true(courier_remove(courier, missing, &error));
  assert_false(courier_is_lost(courier));
  close(fd);
  courier_close(courier);
}

static void stat_does_not_follow_links(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *file = remote("pointed-at"), *link = remote("link");
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  CourierStat stat;
  test_write(file, 42);
  assert_int_equal(symlink(file, link), 0);
  assert_fine(courier_stat(courier, file, &stat, &error), error);
  assert_true(stat.exists && stat.is_file && stat.size == 42);
  assert_true(stat.modified > 1600000000);
  assert_fine(courier_stat(courier, link, &stat, &error), error);
  assert_true(stat.exists && !stat.is_file);
  assert_fine(courier_stat(courier, server->folder, &stat, &error), error);
  assert_true(stat.exists && !stat.is_file);
  courier_close(courier);
}

static gboolean ends_with(gpointer user, const char *name) {
  return g_str_has_suffix(name, user);
}

/* What is not wanted takes no room: of 5,000 names one in a hundred is kept, or as many as may be. */
static void assert_wanted_only(Courier *courier, const char *folder) {
  g_autoptr(GError) error = NULL;
  gboolean truncated = TRUE;
  guint refused;
  CourierListing listing = {.folder = folder, .limit = 400, .wanted = ends_with, .user = (gpointer) "77"};
  g_autoptr(GPtrArray) wanted = courier_list(courier, &listing, &truncated, &refused, &error);
  assert_fine(wanted != NULL, error);
  assert_int_equal(wanted->len, 50);
  assert_false(truncated);
  listing.user = (gpointer) "7";
  g_autoptr(GPtrArray) first = courier_list(courier, &listing, &truncated, &refused, &error);
  assert_int_equal(first->len, 400);
  assert_true(truncated);
  listing.limit = 300; /* 4,800 are read: the last ones are not seen, and it is told */
  listing.user = (gpointer) "77";
  g_autoptr(GPtrArray) some = courier_list(courier, &listing, &truncated, &refused, &error);
  assert_true(some->len < 51 && truncated);
}

static void a_folder_of_5000_files_is_listed_in_order(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = remote("many");
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  assert_fine(courier_make_folder(courier, folder, &error), error);
  assert_fine(courier_make_folder(courier, folder, &error), error); /* it is there: fine */
  for (int i = 0; i < 5000; i++) {
    g_autofree char *path = g_strdup_printf("%s/file-%05d", folder, i);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  }
  gboolean truncated = TRUE;
  guint refused = 9;
  g_autoptr(GPtrArray)
      entries = courier_list(courier, &(CourierListing){.folder = folder}, &truncated, &refused, &error);
  assert_fine(entries != NULL, error);
  assert_int_equal(entries->len, 5000);
  assert_false(truncated);
  assert_int_equal(refused, 0);
  const CourierEntry *last = entries->pdata[4999];
  assert_true(last->is_file);
  assert_memory_equal(g_bytes_get_data(last->name, NULL), "file-04999", 10);
  g_autoptr(GPtrArray)
      some = courier_list(courier, &(CourierListing){.folder = folder, .limit = 10}, &truncated, &refused, &error);
  assert_int_equal(some->len, 10);
  assert_true(truncated);
  assert_wanted_only(courier, folder);
  g_autoptr(GPtrArray)
      all = courier_list(courier, &(CourierListing){.folder = folder, .limit = 5000}, &truncated, &refused, &error);
  assert_int_equal(all->len, 5000);
  assert_false(truncated);
  courier_close(courier);
}

static void rename_and_remove(Courier *courier, const char *folder) {
  g_autoptr(GError) error = NULL;
  g_autofree char *from = g_build_filename(folder, "from", NULL), *to = g_build_filename(folder, "to", NULL),
                  *aside = g_build_filename(folder, "to.aside", NULL);
  CourierRename refuse = {from, to, COURIER_TARGET_REFUSE}, replace = {from, to, COURIER_TARGET_REPLACE};
  unlink(to);
  test_write(from, 10);
  assert_fine(courier_rename(courier, &refuse, &error), error);
  assert_file(to, 10);
  assert_int_equal(access(from, F_OK), -1);
  test_write(from, 20);
  assert_false(courier_rename(courier, &refuse, &error));
  assert_non_null(strstr(error->message, "exists"));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_file(to, 10);
  assert_file(from, 20);
  test_write(aside, 99); /* as a crash in the middle of an earlier one leaves it */
  assert_fine(courier_rename(courier, &replace, &error), error);
  assert_file(to, 20);
  assert_int_equal(access(from, F_OK), -1);
  assert_false(courier_rename(courier, &replace, &error)); /* its source is gone */
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  assert_file(to, 20);
  test_write(from, 30);
  assert_fine(courier_remove(courier, to, &error), error);
  assert_fine(courier_rename(courier, &replace, &error), error); /* no target: the same */
  assert_file(to, 30);
  assert_fine(courier_remove(courier, to, &error), error);
  assert_fine(courier_remove(courier, to, &error), error);
}

static void rename_refuses_or_replaces_an_existing_target(void **state) {
  (void)state;
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  rename_and_remove(courier, server->folder);
  courier_close(courier);
}

static void a_server_without_extensions_does_as_well(void **state) {
  (void)state;
  Sshd *plain = sshd_start(&(SshdPlan){.subsystem = "internal-sftp -P posix-rename,fsync,limits,setstat,fsetstat"});
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, plain));
  g_autofree char *path = g_build_filename(plain->folder, "file", NULL),
                  *aside = g_build_filename(plain->folder, "to.aside", NULL);
  assert_null(strstr(courier_describe(courier), "posix-rename"));
  rename_and_remove(courier, plain->folder);
  assert_int_equal(access(aside, F_OK), -1);
  put(courier, path, 1000000);
  assert_file(path, 1000000);
  courier_close(courier);
  sshd_stop(plain);
}

static void a_server_without_stat_does_as_well(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Sshd *plain = sshd_start(&(SshdPlan){.subsystem = "internal-sftp -P fstat"});
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, plain));
  g_autofree char *path = g_build_filename(plain->folder, "file", NULL);
  put(courier, path, 600000);
  int fd = test_file(0);
  guint64 end;
  assert_fine(courier_get(courier, &(CourierGet){.path = path, .fd = fd, .size_limit = 600000}, &end, &error), error);
  assert_content(fd, 600000);
  assert_false(courier_get(courier, &(CourierGet){.path = path, .fd = fd, .size_limit = 599999}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_PARTNER);
  close(fd);
  courier_close(courier);
  sshd_stop(plain);
}

static void keys_are_exchanged_anew_in_the_middle(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Sshd *restless = sshd_start(&(SshdPlan){.config = "RekeyLimit 3M"});
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, restless));
  g_autofree char *path = g_build_filename(restless->folder, "file", NULL);
  put(courier, path, 20000000);
  assert_file(path, 20000000);
  int fd = test_file(0);
  guint64 end;
  assert_fine(courier_get(courier, &(CourierGet){.path = path, .fd = fd, .size_limit = 1 << 30}, &end, &error), error);
  assert_content(fd, 20000000);
  close(fd);
  courier_close(courier);
  sshd_stop(restless);
}

static gboolean stop_at_once(gpointer user, guint64 bytes) {
  (void)bytes;
  ++*(guint *)user;
  return FALSE;
}

static void the_caller_can_stop_a_transfer(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = remote("stopped");
  TestEndpoint made;
  Courier *courier = test_open(test_endpoint(&made, server));
  int fd = test_file(0);
  guint calls = 0;
  assert_int_equal(ftruncate(fd, 3000000000), 0);
  assert_false(courier_put(
      courier, &(CourierPut){.path = path, .fd = fd, .size = 3000000000, .progress = stop_at_once, .user = &calls},
      &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  assert_int_equal(calls, 1);
  assert_true(courier_is_lost(courier));
  assert_false(courier_remove(courier, path, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN); /* nothing was asked any more */
  close(fd);
  courier_close(courier);
  unlink(path);
}

static void a_hundred_couriers_leave_no_descriptor_and_no_child(void **state) {
  (void)state;
  TestEndpoint made;
  courier_close(test_open(test_endpoint(&made, server)));
  guint before = test_descriptors();
  for (int i = 0; i < 100; i++) {
    Courier *courier = test_open(test_endpoint(&made, server));
    assert_true(courier_pid(courier) > 0);
    courier_close(courier);
  }
  assert_int_equal(test_descriptors(), before);
  pid_t child = waitpid(-1, NULL, WNOHANG); /* the server is a child of ours and lives; no other is left */
  assert_int_equal(child, 0);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_description_names_server_cipher_and_cage),
      cmocka_unit_test(files_of_all_sizes_come_back_as_they_went),
      cmocka_unit_test(get_and_put_go_on_where_they_broke),
      cmocka_unit_test(a_file_over_its_limit_is_not_taken),
      cmocka_unit_test(what_is_missing_or_forbidden_is_the_partners),
      cmocka_unit_test(stat_does_not_follow_links),
      cmocka_unit_test(a_folder_of_5000_files_is_listed_in_order),
      cmocka_unit_test(rename_refuses_or_replaces_an_existing_target),
      cmocka_unit_test(a_server_without_extensions_does_as_well),
      cmocka_unit_test(a_server_without_stat_does_as_well),
      cmocka_unit_test(keys_are_exchanged_anew_in_the_middle),
      cmocka_unit_test(the_caller_can_stop_a_transfer),
      cmocka_unit_test(a_hundred_couriers_leave_no_descriptor_and_no_child),
  };
  if (!sshd_available()) {
    fprintf(stderr, "SKIPPED: sshd or ssh-keygen is not installed\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
