#include "gateway/common/control.h"
#include "gateway/common/log.h"
#include <glib/gstdio.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct {
  char *folder, *path;
} Place;

static int set_up(void **state) {
  Place *place = g_new0(Place, 1);
  log_setup(LOG_ERROR, FALSE, NULL);
  place->folder = g_dir_make_tmp("sallyport-control-XXXXXX", NULL);
  place->path = g_build_filename(place->folder, "points.sock", NULL);
  *state = place;
  return place->folder ? 0 : -1;
}

static int tear_down(void **state) {
  Place *place = *state;
  g_unlink(place->path);
  g_rmdir(place->folder);
  g_free(place->folder);
  g_free(place->path);
  g_free(place);
  return 0;
}

static json_t *echo(gpointer user, const char *who, const json_t *request) {
  g_atomic_int_inc((gint *)user);
  return json_pack("{s:b, s:s, s:O}", "ok", 1, "who", who, "request", request);
}

static json_t *nothing(gpointer user, const char *who, const json_t *request) {
  (void)user, (void)who, (void)request;
  return NULL;
}

static ControlServer *start(Place *place, gint *count) {
  g_autoptr(GError) error = NULL;
  ControlServer *server = control_server_start(place->path, echo, count, &error);
  assert_null(error);
  assert_non_null(server);
  return server;
}

static json_t *ask(const char *path, int number, GError **error) {
  json_t *request = json_pack("{s:s, s:i}", "do", "status", "n", number);
  json_t *answer = control_ask(path, request, error);
  json_decref(request);
  return answer;
}

static void a_request_is_answered_with_the_callers_name(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  json_t *answer = ask(place->path, 7, NULL);
  assert_non_null(answer);
  assert_string_equal(json_string_value(json_object_get(answer, "who")), g_get_user_name());
  assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "request"), "n")), 7);
  json_decref(answer);
  control_server_stop(server);
  assert_int_equal(count, 1);
  assert_false(g_file_test(place->path, G_FILE_TEST_EXISTS));
}

static void only_the_owner_may_open_the_socket(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  struct stat there;
  assert_int_equal(stat(place->path, &there), 0);
  assert_true(S_ISSOCK(there.st_mode));
  assert_int_equal(there.st_mode & 0077, 0);
  control_server_stop(server);
}

static void no_lane_is_told_as_try_again(void **state) {
  Place *place = *state;
  g_autoptr(GError) error = NULL;
  assert_null(ask(place->path, 1, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
}

static void what_a_dead_process_left_is_replaced(void **state) {
  Place *place = *state;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  g_strlcpy(address.sun_path, place->path, sizeof address.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  close(fd);
  gint count = 0;
  ControlServer *server = start(place, &count);
  json_t *answer = ask(place->path, 1, NULL);
  assert_non_null(answer);
  json_decref(answer);
  control_server_stop(server);
}

static void a_second_server_is_refused_and_the_first_goes_on(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  g_autoptr(GError) error = NULL;
  assert_null(control_server_start(place->path, echo, &count, &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_AGAIN);
  json_t *answer = ask(place->path, 1, NULL);
  assert_non_null(answer);
  json_decref(answer);
  control_server_stop(server);
}

static void a_path_longer_than_a_socket_address_works(void **state) {
  Place *place = *state;
  g_autofree char *deep = g_build_filename(place->folder, "a-folder-whose-name-is-so-long-that-no-socket-address-could",
                                           "ever-hold-it-together-with-the-rest-of-what-is-above-it", NULL);
  g_autofree char *path = g_build_filename(deep, "points.sock", NULL);
  assert_int_equal(g_mkdir_with_parents(deep, 0700), 0);
  gint count = 0;
  ControlServer *server = control_server_start(path, echo, &count, NULL);
  assert_non_null(server);
  json_t *answer = ask(path, 1, NULL);
  assert_non_null(answer);
  json_decref(answer);
  control_server_stop(server);
  g_autofree char *parent = g_path_get_dirname(deep);
  g_rmdir(deep);
  g_rmdir(parent);
}

/* A plain client, for what control_ask does not send. */
static int connect_raw(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  g_strlcpy(address.sun_path, path, sizeof address.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static char *read_to_end(int fd) {
  GString *text = g_string_new(NULL);
  char buffer[4096];
  ssize_t got;
  while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0)
    g_string_append_len(text, buffer, got);
  return g_string_free(text, FALSE);
}

static void what_is_not_an_object_is_refused(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  const char *bad[] = {"hello\n", "[1]\n", "{\"a\":1,\"a\":2}\n", "\n", "{\"do\":\n"};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    int fd = connect_raw(place->path);
    assert_int_equal(send(fd, bad[i], strlen(bad[i]), 0), (int)strlen(bad[i]));
    g_autofree char *text = read_to_end(fd);
    assert_non_null(strstr(text, "\"ok\":false"));
    close(fd);
  }
  control_server_stop(server);
  assert_int_equal(count, 0);
}

static void a_request_without_an_end_is_bounded(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  g_autofree char *longer = g_strnfill(64 * 1024, '{');
  int fd = connect_raw(place->path);
  assert_int_equal(send(fd, longer, 64 * 1024, MSG_NOSIGNAL), 64 * 1024);
  g_autofree char *text = read_to_end(fd);
  assert_non_null(strstr(text, "64 KiB"));
  close(fd);
  control_server_stop(server);
}

static void a_silent_client_is_let_go_and_does_not_stop_others(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  int silent = connect_raw(place->path);
  assert_int_equal(send(silent, "{", 1, 0), 1);
  json_t *answer = ask(place->path, 1, NULL);
  assert_non_null(answer);
  json_decref(answer);
  gint64 begun = g_get_monotonic_time();
  g_autofree char *text = read_to_end(silent);
  assert_string_equal(text, "");
  assert_in_range(g_get_monotonic_time() - begun, 4 * G_USEC_PER_SEC, 7 * G_USEC_PER_SEC);
  close(silent);
  control_server_stop(server);
}

static void several_requests_on_one_connection_are_answered_in_order(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  int fd = connect_raw(place->path);
  const char *text = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n";
  assert_int_equal(send(fd, text, strlen(text), 0), (int)strlen(text));
  shutdown(fd, SHUT_WR);
  g_autofree char *answers = read_to_end(fd);
  g_auto(GStrv) lines = g_strsplit(answers, "\n", -1);
  assert_int_equal(g_strv_length(lines), 4);
  assert_non_null(strstr(lines[0], "\"n\":1"));
  assert_non_null(strstr(lines[2], "\"n\":3"));
  close(fd);
  control_server_stop(server);
}

static void *ask_many(void *data) {
  for (int i = 0; i < 100; i++) {
    json_t *answer = ask(data, i, NULL);
    assert_non_null(answer);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "request"), "n")), i);
    json_decref(answer);
  }
  return NULL;
}

static void more_clients_than_are_served_at_once_are_all_answered(void **state) {
  Place *place = *state;
  gint count = 0;
  ControlServer *server = start(place, &count);
  pthread_t threads[24];
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
    pthread_create(&threads[i], NULL, ask_many, place->path);
  for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
    pthread_join(threads[i], NULL);
  control_server_stop(server);
  assert_int_equal(count, 2400);
}

static void an_answer_that_is_missing_is_told(void **state) {
  Place *place = *state;
  ControlServer *server = control_server_start(place->path, nothing, NULL, NULL);
  json_t *answer = ask(place->path, 1, NULL);
  assert_false(json_is_true(json_object_get(answer, "ok")));
  json_decref(answer);
  control_server_stop(server);
}

static void a_failure_carries_its_code_and_valid_text(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  sallyport_error_set(&error, SALLYPORT_ERROR_FILE, "no such file \xff");
  json_t *failure = control_failure(error);
  assert_string_equal(json_string_value(json_object_get(failure, "code")), "file");
  assert_true(json_is_false(json_object_get(failure, "ok")));
  json_decref(failure);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_request_is_answered_with_the_callers_name),
      TEST(only_the_owner_may_open_the_socket),
      TEST(no_lane_is_told_as_try_again),
      TEST(what_a_dead_process_left_is_replaced),
      TEST(a_second_server_is_refused_and_the_first_goes_on),
      TEST(a_path_longer_than_a_socket_address_works),
      TEST(what_is_not_an_object_is_refused),
      TEST(a_request_without_an_end_is_bounded),
      TEST(a_silent_client_is_let_go_and_does_not_stop_others),
      TEST(several_requests_on_one_connection_are_answered_in_order),
      TEST(more_clients_than_are_served_at_once_are_all_answered),
      TEST(an_answer_that_is_missing_is_told),
      TEST(a_failure_carries_its_code_and_valid_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
