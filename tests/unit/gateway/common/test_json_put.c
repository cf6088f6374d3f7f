#include "gateway/common/json_put.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void a_text_reads_back_as_it_was(void **state) {
  static const char *const texts[] = {"",   "plain", "\"quoted\" \\ back", "tab\tline\nreturn\rnull-ish \x01\x1f\x7f",
                                      "积分", "/",     "ends with \\"};
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GString) json = g_string_new("[");
    json_put_text(json, texts[i], strlen(texts[i]));
    g_string_append_c(json, ']');
    json_t *read = json_loads(json->str, 0, NULL);
    assert_non_null(read);
    assert_string_equal(json_string_value(json_array_get(read, 0)), texts[i]);
    json_decref(read);
  }
  (void)state;
}

static void what_is_not_utf8_is_made_so_and_nothing_is_null(void **state) {
  static const struct {
    const char *text, *json;
  } rows[] = {{NULL, "null"}, {"", "\"\""}, {"a\xff" "b", "\"a\357\277\275b\""}, {"a", "\"a\""}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GString) json = g_string_new(NULL);
    json_put_shown(json, rows[i].text);
    assert_string_equal(json->str, rows[i].json);
  }
  (void)state;
}

static void decimals_keep_every_digit(void **state) {
  static const struct {
    gint64 value;
    guint scale;
    const char *json;
  } rows[] = {{0, 0, "\"0\""},
              {0, 2, "\"0.00\""},
              {1230, 2, "\"12.30\""},
              {-5, 2, "\"-0.05\""},
              {-1230, 0, "\"-1230\""},
              {G_MAXINT64, 0, "\"9223372036854775807\""},
              {G_MININT64, 0, "\"-9223372036854775808\""},
              {G_MININT64, 18, "\"-9.223372036854775808\""},
              {7, 18, "\"0.000000000000000007\""}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GString) json = g_string_new(NULL);
    json_put_decimal(json, rows[i].value, rows[i].scale);
    assert_string_equal(json->str, rows[i].json);
  }
  (void)state;
}

/* The library is the judge, but for numbers that it cannot hold. */
static void a_text_is_whole_exactly_when_the_library_reads_it(void **state) {
  static const char *const texts[] = {
      "{}", "[]", " {\n} ", "{\"a\":1}", "{\"a\" : [1, -2.5e+3, 0, 1E5, 0.25]}",
      "{\"b\":{\"c\":null,\"d\":true,\"e\":false}}", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"]", "[\"积分\"]", "", " ",
      "{", "}", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1} x", "{} {}",
      "\"text\"", "1", "null", "[nul]", "[01]", "[1.]", "[.5]", "[-]", "[1e]", "[+1]", "[\"a]", "[\"\\x\"]",
      "[\"\\u12g4\"]", "[\"\\u12\"]", "[\"\\", "[\"tab\there\"]", "[\"\xff\"]", "{\"a\"", "{\"a\":", "[tru",
      "{'a':1}", "[,1]", "[1 2]", "{\"a\":1 \"b\":2}", "{\"a\" 1}"};
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    json_t *read = json_loads(texts[i], 0, NULL);
    if (json_put_fits(texts[i]) != !!read)
      fail_msg("%s: the library says %s", texts[i], read ? "yes" : "no");
    json_decref(read);
  }
  (void)state;
}

static void a_depth_without_end_is_refused(void **state) {
  g_autofree char *deep = g_strnfill(100000, '[');
  assert_false(json_put_fits(deep));
  g_autoptr(GString) fair = g_string_new(NULL);
  for (guint i = 0; i < 64; i++) {
    g_string_prepend_c(fair, '[');
    g_string_append_c(fair, ']');
  }
  assert_true(json_put_fits(fair->str));
  assert_true(json_put_fits("[123456789012345678901234567890]"));
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_reads_back_as_it_was),
      cmocka_unit_test(what_is_not_utf8_is_made_so_and_nothing_is_null),
      cmocka_unit_test(decimals_keep_every_digit),
      cmocka_unit_test(a_text_is_whole_exactly_when_the_library_reads_it),
      cmocka_unit_test(a_depth_without_end_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
