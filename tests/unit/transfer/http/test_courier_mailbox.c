/* Mailboxes: what of an exchange's list is believed. That items go there and come back is shown with a real one. */
#include "tests/unit/transfer/authority.h"
#include "tests/unit/transfer/courier_fixture.h"
#include "transfer/courier_mailbox.h"

static GPid server;
static int input;
static guint port;

static void start_server(void) {
  const char *arguments[] = {"/usr/bin/python3", "tests/unit/transfer/web.py", NULL};
  int output;
  g_autoptr(GError) error = NULL;
  if (!g_spawn_async_with_pipes(NULL, (char **)arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &server, &input,
                                &output, NULL, &error))
    fail_msg("%s", error->message);
  char line[16] = "";
  for (gsize at = 0; at < sizeof line - 1 && read(output, line + at, 1) == 1 && line[at] != '\n'; at++)
    continue;
  close(output);
  port = (guint)g_ascii_strtoull(line, NULL, 10);
  assert_true(port > 0);
}

static Courier *open_courier(void) {
  const CourierEndpoint endpoint = {.kind = COURIER_MAILBOX,
                                    .name = "gw/box",
                                    .host = "127.0.0.1",
                                    .port = port,
                                    .folder = "/base",
                                    .connect_timeout = 20,
                                    .io_timeout = 20};
  return test_open(&endpoint);
}

static GPtrArray *list(Courier *courier, const char *mailbox, char **cursor, guint *refused, GError **error) {
  const CourierListing listing = {.folder = mailbox, .cursor = cursor};
  gboolean truncated;
  return courier_list(courier, &listing, &truncated, refused, error);
}

static void what_waits_is_listed_with_its_digest_and_the_cursor(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *cursor = NULL, *again = NULL;
  guint refused;
  Courier *courier = open_courier();
  g_autoptr(GPtrArray) entries = list(courier, "/good", &cursor, &refused, &error);
  assert_fine(entries != NULL, error);
  assert_int_equal(entries->len, 1);
  const CourierEntry *entry = entries->pdata[0];
  assert_true(entry->is_file && entry->size == 5 && entry->modified == 0);
  assert_int_equal(strlen(entry->sha256), 64);
  assert_string_equal(cursor, "e.2");
  const CourierListing later = {.folder = "good", .after = cursor, .wait = 1, .cursor = &again};
  gboolean truncated;
  g_autoptr(GPtrArray) none = courier_list(courier, &later, &truncated, &refused, &error);
  assert_fine(none && none->len == 0, error);
  assert_string_equal(again, "e.2");
  courier_close(courier);
}

static void a_list_that_errs_is_refused_as_a_whole(void **state) {
  (void)state;
  static const struct {
    const char *mailbox;
    SallyportErrorCode code;
    const char *said;
  } cases[] = {
      {"no-json", SALLYPORT_ERROR_PARTNER, "no page"},       {"no-cursor", SALLYPORT_ERROR_PARTNER, "no page"},
      {"no-items", SALLYPORT_ERROR_PARTNER, "no page"},      {"no-digest", SALLYPORT_ERROR_PARTNER, "no page"},
      {"short-digest", SALLYPORT_ERROR_PARTNER, "no page"},  {"below-zero", SALLYPORT_ERROR_PARTNER, "no page"},
      {"long-cursor", SALLYPORT_ERROR_PARTNER, "no page"},   {"endless", SALLYPORT_ERROR_PARTNER, "more than"},
      {"new", SALLYPORT_ERROR_PARTNER, "no cursor"},         {"busy", SALLYPORT_ERROR_AGAIN, "\\x1b[31m again"},
      {"stranger", SALLYPORT_ERROR_LOGIN, "status 401"},     {"nothing", SALLYPORT_ERROR_PARTNER, "status 404"},
      {"two/folders", SALLYPORT_ERROR_PARTNER, "one folder"}, {"a?b", SALLYPORT_ERROR_PARTNER, "one folder"},
  };
  Courier *courier = open_courier();
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    guint refused;
    g_autofree char *cursor = NULL;
    if (list(courier, cases[i].mailbox, &cursor, &refused, &error))
      fail_msg("%s is believed", cases[i].mailbox);
    assert_null(cursor);
    if (sallyport_error_code(error) != cases[i].code || !strstr(error->message, cases[i].said))
      fail_msg("%s: %s", cases[i].mailbox, error->message);
    assert_false(courier_is_lost(courier));
  }
  courier_close(courier);
}

static void names_that_lead_elsewhere_and_repeated_ones_are_left_out(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  guint refused = 0;
  Courier *courier = open_courier();
  g_autoptr(GPtrArray) upwards = list(courier, "upwards", NULL, &refused, &error);
  assert_fine(upwards && upwards->len == 0 && refused == 1, error);
  g_autoptr(GPtrArray) twice = list(courier, "twice", NULL, &refused, &error);
  assert_fine(twice && twice->len == 1 && refused == 1, error);
  courier_close(courier);
}

static void a_name_that_is_no_id_is_never_sent(void **state) {
  (void)state;
  static const char *const names[] = {"good", "good/", "good/a/b", "good/..", "good/a?b", "good/\xc3\xa4", "../a"};
  Courier *courier = open_courier();
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autoptr(GError) error = NULL;
    const CourierAcknowledgement said = {.path = names[i], .sha256 = "ab", .size = 1};
    assert_false(courier_acknowledge(courier, &said, &error));
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_PARTNER);
    assert_non_null(strstr(error->message, "one folder"));
  }
  courier_close(courier);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "courier") == 0)
    return courier_main();
  start_server();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_waits_is_listed_with_its_digest_and_the_cursor),
      cmocka_unit_test(a_list_that_errs_is_refused_as_a_whole),
      cmocka_unit_test(names_that_lead_elsewhere_and_repeated_ones_are_left_out),
      cmocka_unit_test(a_name_that_is_no_id_is_never_sent),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  close(input);
  waitpid(server, NULL, 0);
  return failed;
}
