/* The HTTP courier against a real server: who it trusts, what a post's outcome is, ranges, and servers that break off
 * or lie. */
#include "tests/unit/transfer/authority.h"
#include "tests/unit/transfer/courier_fixture.h"
#include "transfer/curl/curl_link.h"
#include "transfer/http/http_head.h"
#include <glib/gstdio.h>
#include <signal.h>

static Authority *authority;

typedef struct {
  GPid pid;
  int input;
  guint port;
} Web;

static Web web_start(const char *certificate, const char *clients) {
  g_autofree char *name = g_strconcat(certificate, ".crt", NULL),
                  *key_name = g_strconcat(certificate ? certificate : "", ".key", NULL);
  g_autofree char *crt = certificate ? authority_file(authority, name) : NULL,
                  *key = authority_file(authority, key_name);
  g_autofree char *ca = clients ? authority_file(authority, clients) : NULL;
  const char *arguments[] = {"/usr/bin/python3", "tests/unit/transfer/web.py", crt, key, ca, NULL};
  Web web = {0};
  int output;
  g_autoptr(GError) error = NULL;
  if (!g_spawn_async_with_pipes(NULL, (char **)arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &web.pid,
                                &web.input, &output, NULL, &error))
    fail_msg("%s", error->message);
  char line[16] = "";
  for (gsize at = 0; at < sizeof line - 1 && read(output, line + at, 1) == 1 && line[at] != '\n'; at++)
    continue;
  close(output);
  web.port = (guint)g_ascii_strtoull(line, NULL, 10);
  assert_true(web.port > 0);
  return web;
}

static void web_stop(const Web *web) {
  close(web->input);
  waitpid(web->pid, NULL, 0);
}

static Web plain, secure; /* one in the clear, one with the good certificate, for all tests */

static CourierEndpoint endpoint_of(const Web *web, CourierTls tls) {
  return (CourierEndpoint){.kind = COURIER_HTTP,
                           .name = "core/main",
                           .host = tls ? "localhost" : "127.0.0.1",
                           .port = web->port,
                           .tls = tls,
                           .folder = "/base",
                           .connect_timeout = 20,
                           .io_timeout = 20};
}

static char *ca_of(const char *name) {
  return authority_file(authority, name);
}

/* A body of `size` bytes is posted; the answer is in a new descriptor. */
static gboolean post(Courier *courier, const char *path, guint64 size, CourierReply *reply, int *answer,
                     GError **error) {
  int body = test_file(size);
  *answer = test_file(0);
  const CourierPost wanted = {
      .path = path, .body = body, .body_size = size, .answer = *answer, .answer_limit = 1 << 20, .timeout = 20};
  gboolean ok = courier_post(courier, &wanted, reply, error);
  close(body);
  return ok;
}

static char *text_of(int fd) {
  char *text = g_malloc0(65536);
  assert_true(pread(fd, text, 65535, 0) >= 0);
  close(fd);
  return text;
}

static void a_body_goes_and_its_answer_comes_back(void **state) {
  (void)state;
  static const guint64 sizes[] = {0, 1, 700000};
  g_autofree char *ca = ca_of("ca.crt");
  CourierEndpoint clear = endpoint_of(&plain, COURIER_TLS_NONE), tls = endpoint_of(&secure, COURIER_TLS_IMPLICIT);
  tls.ca_file = ca;
  for (int i = 0; i < 2; i++) {
    Courier *courier = test_open(i == 0 ? &clear : &tls);
    for (gsize j = 0; j < G_N_ELEMENTS(sizes); j++) {
      g_autoptr(GError) error = NULL;
      CourierReply reply;
      int answer;
      assert_fine(post(courier, "/echo", sizes[j], &reply, &answer, &error), error);
      assert_int_equal(reply.status, 200);
      assert_int_equal(reply.size, sizes[j]);
      assert_int_equal(reply.retry_after, -1);
      assert_content(answer, sizes[j]);
      close(answer);
    }
    courier_close(courier);
  }
}

/* What the server sees of a request's headers. */
static char *headers_seen(const CourierEndpoint *endpoint, const char *const *headers) {
  g_autoptr(GError) error = NULL;
  CourierReply reply;
  Courier *courier = test_open(endpoint);
  int body = test_file(3), answer = test_file(0);
  const CourierPost wanted = {
      .path = "headers", .headers = headers, .body = body, .body_size = 3, .answer = answer, .answer_limit = 65536};
  for (int i = 0; i < 2; i++) /* also when the connection is used again */
    assert_fine(courier_post(courier, &wanted, &reply, &error), error);
  courier_close(courier);
  close(body);
  return text_of(answer);
}

static void headers_and_credentials_arrive(void **state) {
  (void)state;
  static const char *const headers[] = {"Content-Type: application/json", "Idempotency-Key: 17", NULL};
  g_autofree char *secret = authority_file(authority, "secret"), *bearer = NULL, *basic = NULL, *none = NULL;
  assert_true(g_file_set_contents(secret, "s3cret\n", -1, NULL));
  CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  none = headers_seen(&endpoint, headers);
  endpoint.token_file = secret;
  bearer = headers_seen(&endpoint, headers);
  endpoint.token_file = NULL;
  endpoint.user = "gw";
  endpoint.password_file = secret;
  basic = headers_seen(&endpoint, headers);
  assert_non_null(strstr(none, "Content-Type: application/json"));
  assert_non_null(strstr(none, "Idempotency-Key: 17"));
  assert_null(strstr(none, "Authorization"));
  assert_null(strstr(none, "Expect"));
  assert_non_null(strstr(bearer, "Authorization: Bearer s3cret"));
  assert_non_null(strstr(basic, "Authorization: Basic Z3c6czNjcmV0"));
  g_unlink(secret);
}

static void a_header_of_two_lines_is_never_sent(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  CourierReply reply;
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  Courier *courier = test_open(&endpoint);
  static const char *const headers[] = {"A: b\r\nAuthorization: mine", NULL};
  assert_false(courier_post(courier, &(CourierPost){.path = "/echo", .headers = headers, .body = -1, .answer = 0},
                            &reply, &error));
  assert_code(&error, SALLYPORT_ERROR_BUG);
  assert_false(courier_post(courier, &(CourierPost){.path = "/a b\r\nX: y", .body = -1, .answer = 0, .answer_limit = 9},
                            &reply, &error));
  assert_code(&error, SALLYPORT_ERROR_CONFIGURATION);
  courier_close(courier);
}

static void any_status_is_an_answer_and_says_when_to_come_back(void **state) {
  (void)state;
  static const struct {
    const char *path;
    guint status;
    gint64 retry;
  } cases[] = {{"/busy", 503, 7}, {"/busy-until", 429, 90}, {"/nothing", 404, -1}, {"/redirect", 307, -1}};
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  Courier *courier = test_open(&endpoint);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    CourierReply reply;
    int answer;
    assert_fine(post(courier, cases[i].path, 10, &reply, &answer, &error), error);
    assert_int_equal(reply.status, cases[i].status);
    assert_int_equal(reply.retry_after, cases[i].retry);
    close(answer);
  }
  courier_close(courier);
}

static void post_fails(const CourierEndpoint *endpoint, const char *path, guint64 limit, guint timeout,
                       SallyportErrorCode code) {
  g_autoptr(GError) error = NULL;
  CourierReply reply;
  Courier *courier = test_open(endpoint);
  int body = test_file(100), answer = test_file(0);
  const CourierPost wanted = {
      .path = path, .body = body, .body_size = 100, .answer = answer, .answer_limit = limit, .timeout = timeout};
  assert_false(courier_post(courier, &wanted, &reply, &error));
  assert_code(&error, code);
  close(body);
  close(answer);
  courier_close(courier);
}

static void a_post_without_an_answer_is_unknown_and_not_repeated(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  CourierReply reply;
  int answer;
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  post_fails(&endpoint, "/cut", 1000, 20, SALLYPORT_ERROR_UNCERTAIN);
  post_fails(&endpoint, "/half", 1000, 20, SALLYPORT_ERROR_UNCERTAIN);
  post_fails(&endpoint, "/silent", 1000, 1, SALLYPORT_ERROR_UNCERTAIN);
  /* on a connection that has been used, libcurl would try once more by itself */
  Courier *courier = test_open(&endpoint);
  assert_fine(post(courier, "/echo", 10, &reply, &answer, &error), error);
  close(answer);
  assert_false(post(courier, "/cut", 10, &reply, &answer, &error));
  assert_code(&error, SALLYPORT_ERROR_UNCERTAIN);
  close(answer);
  answer = test_file(0);
  assert_fine(courier_post(courier, &(CourierPost){.path = "/seen", .body = -1, .answer = answer, .answer_limit = 100},
                           &reply, &error),
              error);
  g_autofree char *seen = text_of(answer);
  assert_true(g_str_has_prefix(seen, "2 "));
  courier_close(courier);
}

static void too_long_an_answer_is_the_servers_fault(void **state) {
  (void)state;
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  post_fails(&endpoint, "/large", 4999, 20, SALLYPORT_ERROR_PARTNER);
  post_fails(&endpoint, "/headed", 4999, 20, SALLYPORT_ERROR_PARTNER);
}

static void a_closed_connection_is_replaced_by_the_lane(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  CourierReply reply;
  int answer;
  g_autofree char *ca = ca_of("ca.crt");
  CourierEndpoint endpoint = endpoint_of(&secure, COURIER_TLS_IMPLICIT);
  endpoint.ca_file = ca;
  Courier *courier = test_open(&endpoint);
  for (int i = 0; i < 3; i++) {
    assert_fine(post(courier, "/forget", 10, &reply, &answer, &error), error);
    assert_int_equal(reply.size, 3);
    close(answer);
    g_usleep(100000); /* its end has arrived: a post is not sent into a closed connection */
  }
  courier_close(courier);
}

static void a_get_on_a_connection_that_has_just_ended_is_asked_again(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  CourierReply reply;
  int answer;
  guint64 end = 0;
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  Courier *courier = test_open(&endpoint);
  assert_fine(post(courier, "/echo", 10, &reply, &answer, &error), error);
  close(answer);
  for (int i = 0; i < 2; i++) {
    int fd = test_file(0);
    assert_fine(courier_get(courier, &(CourierGet){.path = "/first/5000", .fd = fd, .size_limit = 10000}, &end, &error),
                error);
    assert_int_equal(end, 5000);
    close(fd);
  }
  courier_close(courier);
}

static void nobody_is_trusted_but_the_right_server(void **state) {
  (void)state;
  g_autofree char *ca = ca_of("ca.crt"), *stranger = ca_of("stranger.crt"), *right = authority_pin(authority, "server"),
                  *wrong = authority_pin(authority, "other"), *secret = authority_file(authority, "secret");
  const char *const good_pins[] = {wrong, right, NULL}, *const bad_pins[] = {wrong, NULL};
  Web other = web_start("other", NULL), alone = web_start("alone", NULL);
  const struct {
    const Web *web;
    const char *ca;
    const char *const *pins;
    const char *host;
    gboolean good;
  } cases[] = {{&secure, ca, NULL, "localhost", TRUE},      {&secure, ca, NULL, "127.0.0.1", TRUE},
               {&secure, ca, good_pins, "localhost", TRUE}, {&secure, stranger, NULL, "localhost", FALSE},
               {&secure, NULL, NULL, "localhost", FALSE},   {&secure, ca, bad_pins, "localhost", FALSE},
               {&secure, ca, NULL, "127.0.0.2", FALSE},     {&other, ca, NULL, "localhost", FALSE},
               {&alone, ca, NULL, "localhost", FALSE}};
  assert_true(g_file_set_contents(secret, "s3cret\n", -1, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    CourierReply reply;
    int answer;
    CourierEndpoint endpoint = endpoint_of(cases[i].web, COURIER_TLS_IMPLICIT);
    endpoint.ca_file = cases[i].ca;
    endpoint.tls_keys = cases[i].pins;
    endpoint.host = cases[i].host;
    endpoint.token_file = secret;
    Courier *courier = courier_open(&endpoint, &error);
    if (!courier && g_str_equal(cases[i].host, "127.0.0.2") && error->code == SALLYPORT_ERROR_AGAIN)
      continue; /* nobody listens there */
    if (!courier && !cases[i].ca && error->code == SALLYPORT_ERROR_CONFIGURATION)
      continue; /* a machine without any authorities */
    assert_fine(courier != NULL, error);
    gboolean ok = post(courier, "/echo", 10, &reply, &answer, &error);
    if (cases[i].good)
      assert_fine(ok, error);
    else
      assert_false(ok);
    if (!ok)
      assert_code(&error, SALLYPORT_ERROR_LOGIN);
    close(answer);
    courier_close(courier);
  }
  g_unlink(secret);
  web_stop(&other);
  web_stop(&alone);
}

static void a_client_certificate_opens_the_door(void **state) {
  (void)state;
  g_autofree char *ca = ca_of("ca.crt"), *crt = ca_of("client.crt"), *key = ca_of("client.locked"),
                  *phrase = authority_file(authority, "phrase");
  Web web = web_start("server", "ca.crt");
  assert_true(g_file_set_contents(phrase, "secret\n", -1, NULL));
  for (int i = 0; i < 3; i++) {
    g_autoptr(GError) error = NULL;
    CourierReply reply;
    int answer;
    CourierEndpoint endpoint = endpoint_of(&web, COURIER_TLS_IMPLICIT);
    endpoint.ca_file = ca;
    endpoint.certificate_file = i > 0 ? crt : NULL;
    endpoint.private_key_file = i > 0 ? key : NULL;
    endpoint.passphrase_file = i > 0 ? phrase : NULL;
    if (i == 2)
      assert_true(g_file_set_contents(phrase, "wrong\n", -1, NULL));
    Courier *courier = test_open(&endpoint);
    gboolean ok = post(courier, "/echo", 10, &reply, &answer, &error);
    if (i == 1)
      assert_fine(ok, error);
    else
      assert_false(ok);
    if (i == 2)
      assert_code(&error, SALLYPORT_ERROR_CONFIGURATION);
    close(answer);
    courier_close(courier);
  }
  g_unlink(phrase);
  web_stop(&web);
}

static void what_does_not_speak_tls_gets_no_credential(void **state) {
  (void)state;
  g_autofree char *ca = ca_of("ca.crt");
  CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_IMPLICIT);
  endpoint.ca_file = ca;
  post_fails(&endpoint, "/echo", 100, 20, SALLYPORT_ERROR_AGAIN);
}

static void nobody_there_is_tried_again(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  const CourierEndpoint endpoint = {.kind = COURIER_HTTP, .host = "127.0.0.1", .port = 1, .connect_timeout = 5};
  assert_null(courier_open(&endpoint, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  const CourierEndpoint unreadable = {
      .kind = COURIER_HTTP, .host = "127.0.0.1", .port = plain.port, .token_file = "/nonexistent"};
  assert_null(courier_open(&unreadable, &error));
  assert_code(&error, SALLYPORT_ERROR_CONFIGURATION);
}

/* --- Get and stat. */

/* The descriptor holds the good beginning up to `offset` already. */
static gboolean get(Courier *courier, const char *path, guint64 offset, guint64 limit, guint64 expected,
                    GError **error) {
  int fd = test_file(offset);
  guint64 end = 0;
  gboolean ok = courier_get(courier, &(CourierGet){.path = path, .offset = offset, .size_limit = limit, .fd = fd}, &end,
                            error);
  if (ok)
    assert_int_equal(end, expected);
  assert_content(fd, expected);
  close(fd);
  return ok;
}

static void a_file_is_got_whole_or_from_where_it_broke(void **state) {
  (void)state;
  static const char *const paths[] = {"/file/70000", "/plain/70000"};
  static const guint64 offsets[] = {0, 1, 35000, 69999, 70000};
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  Courier *courier = test_open(&endpoint);
  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
    for (gsize j = 0; j < G_N_ELEMENTS(offsets); j++) {
      g_autoptr(GError) error = NULL;
      assert_fine(get(courier, paths[i], offsets[j], 70000, 70000, &error), error);
    }
  courier_close(courier);
}

static void a_get_that_is_not_whole_is_no_success(void **state) {
  (void)state;
  static const struct {
    const char *path;
    guint64 offset, limit, kept;
    SallyportErrorCode code;
  } cases[] = {{"/short/5000", 0, 90000, 5000, SALLYPORT_ERROR_AGAIN},
               {"/file/5000", 6000, 90000, 6000, SALLYPORT_ERROR_AGAIN},
               {"/plain/5000", 6000, 90000, 6000, SALLYPORT_ERROR_AGAIN},
               {"/wrong-range/5000", 100, 90000, 100, SALLYPORT_ERROR_PARTNER},
               {"/file/5000", 0, 4000, 0, SALLYPORT_ERROR_PARTNER},
               {"/refuse/404", 0, 90000, 0, SALLYPORT_ERROR_PARTNER},
               {"/refuse/401", 0, 90000, 0, SALLYPORT_ERROR_LOGIN},
               {"/refuse/503", 0, 90000, 0, SALLYPORT_ERROR_AGAIN},
               {"/refuse/302", 0, 90000, 0, SALLYPORT_ERROR_PARTNER}};
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    Courier *courier = test_open(&endpoint);
    assert_false(get(courier, cases[i].path, cases[i].offset, cases[i].limit, cases[i].kept, &error));
    assert_code(&error, cases[i].code);
    courier_close(courier);
  }
}

static void a_byte_now_and_then_is_no_progress(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  endpoint.io_timeout = 2;
  Courier *courier = test_open(&endpoint);
  int fd = test_file(0);
  guint64 end;
  gint64 begun = g_get_monotonic_time();
  assert_false(courier_get(courier, &(CourierGet){.path = "/trickle/500", .size_limit = 1000, .fd = fd}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  assert_true(g_get_monotonic_time() - begun < 15 * G_USEC_PER_SEC);
  close(fd);
  courier_close(courier);
}

static void stat_tells_size_and_time_and_what_is_not_there(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  CourierStat stat;
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  Courier *courier = test_open(&endpoint);
  assert_fine(courier_stat(courier, "/file/1234", &stat, &error), error);
  assert_true(stat.exists && stat.is_file);
  assert_int_equal(stat.size, 1234);
  assert_int_equal(stat.modified, 1767225600);
  assert_fine(courier_stat(courier, "/refuse/404", &stat, &error), error);
  assert_false(stat.exists);
  assert_false(courier_stat(courier, "/refuse/500", &stat, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  courier_close(courier);
}

static void what_http_does_not_have_is_said(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  const CourierEndpoint endpoint = endpoint_of(&plain, COURIER_TLS_NONE);
  Courier *courier = test_open(&endpoint);
  assert_null(courier_list(courier, &(CourierListing){.folder = "/"}, NULL, NULL, &error));
  assert_code(&error, SALLYPORT_ERROR_CONFIGURATION);
  assert_false(courier_remove(courier, "/a", &error));
  assert_code(&error, SALLYPORT_ERROR_CONFIGURATION);
  assert_false(courier_is_lost(courier));
  courier_close(courier);
}

/* --- Codes and heads. */

static void codes_mean_what_is_to_be_done(void **state) {
  (void)state;
  static const struct {
    CURLcode code;
    guint reply;
    SallyportErrorCode expected;
  } cases[] = {{CURLE_PEER_FAILED_VERIFICATION, 0, SALLYPORT_ERROR_LOGIN},
               {CURLE_SSL_PINNEDPUBKEYNOTMATCH, 0, SALLYPORT_ERROR_LOGIN},
               {CURLE_USE_SSL_FAILED, 534, SALLYPORT_ERROR_LOGIN},
               {CURLE_LOGIN_DENIED, 530, SALLYPORT_ERROR_LOGIN},
               {CURLE_LOGIN_DENIED, 421, SALLYPORT_ERROR_AGAIN},
               {CURLE_SSL_CERTPROBLEM, 0, SALLYPORT_ERROR_CONFIGURATION},
               {CURLE_COULDNT_CONNECT, 0, SALLYPORT_ERROR_AGAIN},
               {CURLE_OPERATION_TIMEDOUT, 0, SALLYPORT_ERROR_AGAIN},
               {CURLE_PARTIAL_FILE, 426, SALLYPORT_ERROR_AGAIN},
               {CURLE_FTP_COULDNT_RETR_FILE, 550, SALLYPORT_ERROR_PARTNER},
               {CURLE_FTP_COULDNT_RETR_FILE, 450, SALLYPORT_ERROR_AGAIN},
               {CURLE_UPLOAD_FAILED, 553, SALLYPORT_ERROR_PARTNER},
               {CURLE_UPLOAD_FAILED, 452, SALLYPORT_ERROR_AGAIN},
               {CURLE_WEIRD_SERVER_REPLY, 0, SALLYPORT_ERROR_PARTNER},
               {CURLE_URL_MALFORMAT, 0, SALLYPORT_ERROR_BUG},
               {CURLE_REMOTE_DISK_FULL, 552, SALLYPORT_ERROR_AGAIN}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    if (curl_code(cases[i].code, cases[i].reply) != cases[i].expected)
      fail_msg("%d with %u is %s", (int)cases[i].code, cases[i].reply,
               sallyport_error_word(curl_code(cases[i].code, cases[i].reply)));
}

static gint64 retry_after(const char *value, const char *date) {
  return http_retry_after(value, date);
}

static void retry_after_is_read_strictly(void **state) {
  (void)state;
  const char *date = "Thu, 01 Jan 2026 00:00:00 GMT";
  assert_int_equal(retry_after("0", date), 0);
  assert_int_equal(retry_after("120", date), 120);
  assert_int_equal(retry_after("99999999", date), 86400);
  assert_int_equal(retry_after("-5", date), -1);
  assert_int_equal(retry_after("12x", date), -1);
  assert_int_equal(retry_after("99999999999999999999999999", date), -1);
  assert_int_equal(retry_after("soon", date), -1);
  assert_int_equal(retry_after("Thu, 01 Jan 2026 01:00:00 GMT", date), 3600);
  assert_int_equal(retry_after("Wed, 31 Dec 2025 01:00:00 GMT", date), 0);
}

static void ranges_are_read_strictly(void **state) {
  (void)state;
  static const struct {
    const char *text;
    gint64 from, total;
  } cases[] = {{"bytes 5-9/10", 5, 10},   {"bytes 5-9/*", 5, -1},   {"bytes */10", -1, 10},
               {"bytes -5-9/10", -1, 10}, {"lines 5-9/10", -1, -1}, {"bytes", -1, -1}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    HttpRange range = http_range(cases[i].text);
    assert_int_equal(range.from, cases[i].from);
    assert_int_equal(range.total, cases[i].total);
  }
}

static int set_up(void **state) {
  (void)state;
  authority = authority_new();
  plain = web_start(NULL, NULL);
  secure = web_start("server", NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  web_stop(&plain);
  web_stop(&secure);
  authority_free(authority);
  return 0;
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "courier") == 0)
    return courier_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_body_goes_and_its_answer_comes_back),
      cmocka_unit_test(headers_and_credentials_arrive),
      cmocka_unit_test(a_header_of_two_lines_is_never_sent),
      cmocka_unit_test(any_status_is_an_answer_and_says_when_to_come_back),
      cmocka_unit_test(a_post_without_an_answer_is_unknown_and_not_repeated),
      cmocka_unit_test(too_long_an_answer_is_the_servers_fault),
      cmocka_unit_test(a_closed_connection_is_replaced_by_the_lane),
      cmocka_unit_test(a_get_on_a_connection_that_has_just_ended_is_asked_again),
      cmocka_unit_test(nobody_is_trusted_but_the_right_server),
      cmocka_unit_test(a_client_certificate_opens_the_door),
      cmocka_unit_test(what_does_not_speak_tls_gets_no_credential),
      cmocka_unit_test(nobody_there_is_tried_again),
      cmocka_unit_test(a_file_is_got_whole_or_from_where_it_broke),
      cmocka_unit_test(a_get_that_is_not_whole_is_no_success),
      cmocka_unit_test(a_byte_now_and_then_is_no_progress),
      cmocka_unit_test(stat_tells_size_and_time_and_what_is_not_there),
      cmocka_unit_test(what_http_does_not_have_is_said),
      cmocka_unit_test(codes_mean_what_is_to_be_done),
      cmocka_unit_test(retry_after_is_read_strictly),
      cmocka_unit_test(ranges_are_read_strictly),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
