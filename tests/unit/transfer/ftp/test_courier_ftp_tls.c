/* The FTP courier with TLS: as it should be, refused, stripped, and of a server that is somebody else. */
#include "tests/unit/transfer/ftp/scene.h"

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

static inline int make_authority(void **state) {
  (void)state;
  authority = authority_new();
  return 0;
}

static inline int drop_authority(void **state) {
  (void)state;
  authority_free(authority);
  return 0;
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_go_and_come_under_tls),
      cmocka_unit_test(nobody_hears_the_password_but_the_right_server),
      cmocka_unit_test(no_data_goes_in_the_clear),
  };
  return cmocka_run_group_tests(tests, make_authority, drop_authority);
}
