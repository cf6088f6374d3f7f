/* Which route a path belongs to. */
#include "gateway/front/routes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_path_belongs_to_the_first_route_that_matches_it(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"/v1/manifests", "/v1/manifests"},
      {"/v1/manifests/points/2026-11-20", "/v1/manifests/{}/{}"},
      {"/v1/manifests/points/2026-11-20/md5", "/v1/manifests/{}/{}/{}"},
      {"/v1/manifests/points/2026-11-20/acknowledgement", "/v1/manifests/{}/{}/acknowledgement"},
      {"/v1/objects/0123", "/v1/objects/{}"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    const FrontRoute *route = front_route_of(rows[i][0]);
    assert_non_null(route);
    assert_string_equal(route->pattern, rows[i][1]);
  }
}

static void what_is_no_route_or_no_plain_word_belongs_to_none(void **state) {
  (void)state;
  static const char *const paths[] = {"",
                                      "/",
                                      "/v1",
                                      "/v2/manifests",
                                      "/v1/manifests/",
                                      "//v1/manifests",
                                      "/v1/objects/",
                                      "/v1/objects/a b",
                                      "/v1/objects/..%2f",
                                      "/v1/objects/x/y",
                                      "/v1/manifests/points",
                                      "/v1/manifests/points/2026-11-20/md5/more"};
  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
    assert_null(front_route_of(paths[i]));
  g_autofree char *word = g_strnfill(65, 'x'), *path = g_strconcat("/v1/objects/", word, NULL);
  assert_null(front_route_of(path));
}

static void every_route_says_who_may_ask(void **state) {
  (void)state;
  const FrontRoute *route = front_route_of("/v1/manifests");
  for (; route->method; route++) {
    assert_non_null(route->access);
    assert_non_null(route->handler);
    assert_true(strcmp(route->method, "GET") == 0 || strcmp(route->method, "POST") == 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_path_belongs_to_the_first_route_that_matches_it),
      cmocka_unit_test(what_is_no_route_or_no_plain_word_belongs_to_none),
      cmocka_unit_test(every_route_says_who_may_ask),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
