/* What is said to an accrual interface, byte by byte, and answers, most of them hostile. */
#include "gateway/processors/http/accrual.h"
#include "tests/unit/gateway/records/layouts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

typedef struct {
  ConfLayout *conf;
  Layout *layout;
  AccrualColumns *columns;
  RecordBlock *block;
  guint8 skip[8];
  AccrualBody body;
} Fixture;

static ConfHttp http;

static void put(Fixture *f, guint64 line, const char *reference, gint64 amount, const char *note) {
  record_block_begin(f->block, line);
  record_block_put_text(f->block, 0, reference, strlen(reference));
  record_block_put_integer(f->block, 1, amount);
  if (note)
    record_block_put_text(f->block, 2, note, strlen(note));
  record_block_end(f->block);
}

static int set_up(void **state) {
  static const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT};
  GError *error = NULL;
  Fixture *f = g_new0(Fixture, 1);
  f->conf = layouts_conf("|", NULL, "D reference:text amount:dec=2 note:text?", NULL);
  f->layout = layout_new(f->conf, &error);
  assert_null(error);
  f->columns = accrual_columns_new(f->layout, &http, "reference", &error);
  assert_null(error);
  f->block = record_block_new(8, types, 3);
  put(f, 2, "R-1", 1230, "a \"quoted\", \\ and\na break");
  put(f, 3, "R-2", -5, NULL);
  put(f, 4, "R-3", 7, "refused by us");
  put(f, 5, "R-4", G_MAXINT64, "\xe7\xa7\xaf\xe5\x88\x86\x01");
  f->skip[2] = 1;
  f->body = (AccrualBody){.columns = f->columns,
                          .key = "0kabcdefghijklmn-1-4",
                          .feed = "acme-points",
                          .partner = "acme",
                          .file = "P_\"1\".dat",
                          .business_date = "2026-11-20",
                          .batch = 3,
                          .block = f->block,
                          .count = 4,
                          .skip = f->skip};
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  accrual_columns_free(f->columns);
  record_block_free(f->block);
  layout_free(f->layout);
  layouts_free(f->conf);
  g_free(f);
  return 0;
}

static void a_request_in_json_is_this(void **state) {
  Fixture *f = *state;
  g_autoptr(GString) text = g_string_new(NULL);
  accrual_body_put(&f->body, text);
  assert_string_equal(text->str,
                      "{\"idempotency_key\":\"0kabcdefghijklmn-1-4\",\"feed\":\"acme-points\",\"partner\":\"acme\","
                      "\"file\":\"P_\\\"1\\\".dat\",\"batch\":3,"
                      "\"business_date\":\"2026-11-20\",\"records\":[\n"
                      "{\"line\":2,\"key\":\"R-1\",\"reference\":\"R-1\",\"amount\":\"12.30\",\"note\":\"a "
                      "\\\"quoted\\\", \\\\ and\\u000aa break\"},\n"
                      "{\"line\":3,\"key\":\"R-2\",\"reference\":\"R-2\",\"amount\":\"-0.05\",\"note\":null},\n"
                      "{\"line\":5,\"key\":\"R-4\",\"reference\":\"R-4\",\"amount\":\"92233720368547758.07\",\"note\":"
                      "\"\xe7\xa7\xaf\xe5\x88\x86\\u0001\"}\n]}\n");
}

static void a_request_in_csv_is_this(void **state) {
  Fixture *f = *state;
  g_autoptr(GString) text = g_string_new(NULL);
  f->body.is_csv = TRUE;
  accrual_body_put(&f->body, text);
  assert_string_equal(text->str, "line,key,reference,amount,note\r\n"
                                 "2,\"R-1\",\"R-1\",12.30,\"a \"\"quoted\"\", \\ and\na break\"\r\n"
                                 "3,\"R-2\",\"R-2\",-0.05,\r\n"
                                 "5,\"R-4\",\"R-4\",92233720368547758.07,\"\xe7\xa7\xaf\xe5\x88\x86\x01\"\r\n");
}

static void only_the_columns_that_are_wanted_are_sent(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  char *wanted[] = {(char *)"amount", NULL}, *unknown[] = {(char *)"amonut", NULL};
  AccrualColumns *columns = accrual_columns_new(f->layout, &(ConfHttp){.columns = wanted}, "reference", &error);
  assert_non_null(columns);
  assert_int_equal(columns->n_sent, 1);
  accrual_columns_free(columns);
  assert_null(accrual_columns_new(f->layout, &(ConfHttp){.columns = unknown}, "reference", &error));
  assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_CONFIGURATION);
  g_clear_error(&error);
}

static void a_column_cannot_pass_for_the_records_line(void **state) {
  (void)state;
  GError *error = NULL;
  ConfLayout *conf = layouts_conf("|", NULL, "D reference:text line:int", NULL);
  g_autoptr(Layout) layout = layout_new(conf, &error);
  assert_null(accrual_columns_new(layout, &http, "reference", &error));
  assert_non_null(strstr(error->message, "\"line\""));
  g_clear_error(&error);
  g_clear_pointer(&layout, layout_free);
  layouts_free(conf);
}

static AccrualAnswer *read_text(Fixture *f, const char *text) {
  GError *error = NULL;
  AccrualAnswer *answer = accrual_answer_read(&f->body, text, strlen(text), &error);
  if (error)
    fail_msg("%s", error->message);
  return answer;
}

static void check_usual(const AccrualAnswer *answer) {
  assert_int_equal(answer->accepted, 1);
  assert_int_equal(answer->rejected, 1);
  assert_int_equal(answer->duplicates, 1);
  assert_int_equal(answer->statuses[0], ACCRUAL_ACCEPTED);
  assert_int_equal(answer->statuses[1], ACCRUAL_DUPLICATE);
  assert_int_equal(answer->statuses[2], ACCRUAL_NOT_ASKED);
  assert_int_equal(answer->statuses[3], ACCRUAL_REJECTED);
  assert_string_equal(answer->codes[3], "M17");
  assert_string_equal(answer->messages[3], "no such, member");
  assert_null(answer->codes[1]);
}

static void an_answer_says_what_became_of_each_record(void **state) {
  g_autoptr(AccrualAnswer) answer = read_text(
      *state,
      "{\"idempotency_key\":\"0kabcdefghijklmn-1-4\",\"more\":1,\"results\":[{\"key\":\"R-4\",\"status\":\"rejected\","
      "\"code\":\"M17\","
      "\"message\":\"no such, "
      "member\"},{\"key\":\"R-1\",\"status\":\"accepted\",\"code\":null},{\"key\":\"R-2\",\"status\":\"duplicate\"}]}");
  check_usual(answer);
}

static void an_answer_in_csv_says_it_too(void **state) {
  Fixture *f = *state;
  f->body.is_csv = TRUE;
  g_autoptr(AccrualAnswer) answer = read_text(
      f, "key,status,message,code\r\nR-4,rejected,\"no such, member\",M17\r\nR-1,accepted,,\nR-2,duplicate,,");
  check_usual(answer);
}

static void words_of_the_interface_are_cut_and_escaped(void **state) {
  g_autoptr(AccrualAnswer) answer = read_text(
      *state,
      "{\"results\":[{\"key\":\"R-4\",\"status\":\"rejected\",\"code\":\"0123456789012345678901234567890123456789\","
      "\"message\":"
      "\"\\u001b[31mred\"},{\"key\":\"R-1\",\"status\":\"accepted\"},{\"key\":\"R-2\",\"status\":\"accepted\"}]}");
  assert_true(strlen(answer->codes[3]) < 40);
  assert_null(strchr(answer->messages[3], 0x1b));
}

#define RESULT(key, status) "{\"key\":\"" key "\",\"status\":\"" status "\"}"
static void an_answer_that_is_not_whole_is_not_believed(void **state) {
  Fixture *f = *state;
  static const struct {
    gboolean is_csv;
    const char *text, *why;
  } hostile[] = {
      {FALSE, "", "no JSON"},
      {FALSE, "OK", "no JSON"},
      {FALSE, "[]", "results"},
      {FALSE, "{\"results\":{}}", "results"},
      {FALSE, "{\"results\":[]}", "0 of 3"},
      {FALSE, "{\"results\":[" RESULT("R-1", "accepted") "," RESULT("R-2", "accepted") "]}", "R-4 is not"},
      {FALSE,
       "{\"results\":[" RESULT("R-1", "accepted") "," RESULT("R-1", "accepted") "," RESULT(
           "R-2", "accepted") "," RESULT("R-4", "accepted") "]}",
       "twice"},
      {FALSE, "{\"results\":[" RESULT("R-3", "accepted") "]}", "R-3 was not asked"}, /* ours refused it */
      {FALSE, "{\"results\":[" RESULT("X\\u001b-9", "accepted") "]}", "was not asked"},
      {FALSE, "{\"results\":[" RESULT("R-1", "ACCEPTED") "]}", "neither"},
      {FALSE, "{\"results\":[{\"key\":\"R-1\"}]}", "neither"},
      {FALSE, "{\"results\":[{\"key\":1,\"status\":\"accepted\"}]}", "no key"},
      {FALSE, "{\"results\":[17]}", "no object"},
      {FALSE, "{\"results\":[{\"key\":\"R-1\",\"status\":\"accepted\",\"code\":5}]}", "no object"},
      {FALSE, "{\"results\":[{\"key\":\"R-1\",\"key\":\"R-2\",\"status\":\"accepted\"}]}", "no JSON"},
      {FALSE, "{\"idempotency_key\":\"another\",\"results\":[]}", "another idempotency key"},
      {FALSE, "{\"results\":[" RESULT("R-1\\u0000", "accepted") "]}", "no JSON"},
      {TRUE, "", "does not name"},
      {TRUE, "key;status\n", "does not name"},
      {TRUE, "key,status\nR-1,accepted\nR-2,accepted\n", "R-4 is not"},
      {TRUE, "key,status\nR-1\n", "fields"},
      {TRUE, "key,status\n\"R-1,accepted\n", "quotes"},
      {TRUE, "key,status\nR-1,accepted,\n", "fields"},
      {TRUE, "key,status\nR-1,accepted\nR-1,accepted\n", "twice"},
      {TRUE, "key,status\n\xff,accepted\n", "UTF-8"},
      {TRUE, "key,status,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o\n", "does not name"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(hostile); i++) {
    GError *error = NULL;
    f->body.is_csv = hostile[i].is_csv;
    if (accrual_answer_read(&f->body, hostile[i].text, strlen(hostile[i].text), &error))
      fail_msg("believed: %s", hostile[i].text);
    assert_int_equal(sallyport_error_code(error), SALLYPORT_ERROR_PARTNER);
    if (!strstr(error->message, hostile[i].why))
      fail_msg("%s: %s", hostile[i].text, error->message);
    g_clear_error(&error);
  }
}

static void any_cut_of_an_answer_is_refused(void **state) {
  Fixture *f = *state;
  static const char whole[] = "{\"results\":[" RESULT("R-1", "accepted") "," RESULT("R-2", "accepted") "," RESULT(
      "R-4", "accepted") "]}";
  static const char csv[] = "key,status\r\n\"R-1\",accepted\r\n\"R-2\",accepted\r\n\"R-4\",accepted";
  for (gsize cut = 0; cut < sizeof whole - 1; cut++)
    assert_null(accrual_answer_read(&f->body, whole, cut, NULL));
  f->body.is_csv = TRUE;
  for (gsize cut = 0; cut < sizeof csv - 1; cut++)
    assert_null(accrual_answer_read(&f->body, csv, cut, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(a_request_in_json_is_this),
      TEST(a_request_in_csv_is_this),
      TEST(only_the_columns_that_are_wanted_are_sent),
      TEST(a_column_cannot_pass_for_the_records_line),
      TEST(an_answer_says_what_became_of_each_record),
      TEST(an_answer_in_csv_says_it_too),
      TEST(words_of_the_interface_are_cut_and_escaped),
      TEST(an_answer_that_is_not_whole_is_not_believed),
      TEST(any_cut_of_an_answer_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
