#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

/* In one piece and in the smallest pieces. */
static void expect(ConfLayout *conf, const char *text, const char *expected) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  assert_non_null(layout);
  g_autofree char *whole = layouts_tell(layout, text, strlen(text), strlen(text) + 1);
  g_autofree char *pieces = layouts_tell(layout, text, strlen(text), 1);
  assert_string_equal(whole, expected);
  assert_string_equal(pieces, expected);
  layouts_free(conf);
}

static void expect_of_columns(const char *text, const char *expected) {
  ConfLayout *conf = layouts_conf(",", "- a:text b:text c:text", "- key:text account:text amount:dec=2", NULL);
  conf->lines_by = CONF_LINES_BY_POSITION;
  expect(conf, text, expected);
}

static void a_file_without_its_line_of_column_names_is_refused(void **state) {
  (void)state;
  expect_of_columns("k1,m1,1000.00\nk2,m2,2.00\n", "2 D \"k2\" \"m2\" 200\nH 1\n= 2 lines, 1 records, T010 in 1\n");
  expect_of_columns("key,account,amount\nk2,m2,2.00\n",
                    "2 D \"k2\" \"m2\" 200\nH 1 \"key\" \"account\" \"amount\"\n= 2 lines, 1 records, ok\n");
  expect_of_columns("Bill,Member,Value\nk2,m2,2.00\n",
                    "2 D \"k2\" \"m2\" 200\nH 1 \"Bill\" \"Member\" \"Value\"\n= 2 lines, 1 records, ok\n");
}

/* Nothing but the line's length is there to be compared: a line that is a record in every field is taken for one. */
static void a_fixed_file_without_its_header_is_refused_where_the_line_is_a_record(void **state) {
  (void)state;
  static const struct {
    const char *header, *text, *expected;
    gboolean any_line;
  } cases[] = {
      {"- of:text@12", "ann     0005\nbob     0007\n", "2 D \"bob\" 7\nH 1\n= 2 lines, 1 records, T010 in 1\n", FALSE},
      {"- of:text@12", "ACME points \nbob     0007\n",
       "2 D \"bob\" 7\nH 1 \"ACME points\"\n= 2 lines, 1 records, ok\n", FALSE},
      {"- of:text@4 day:date=%Y%m%d@8", "ACME20261120\nbob     0007\n",
       "2 D \"bob\" 7\nH 1 \"ACME\" \"2026-11-20\"\n= 2 lines, 1 records, ok\n", FALSE},
      {"- of:text@4 day:date=%Y%m%d@8", "ann     0005\nbob     0007\n",
       "2 D \"bob\" 7\nH 1 \"ann\" null\n= 2 lines, 1 records, L015 in 1\n", FALSE},
      {"- of:text@8 serial:int@4>0", "ACME    0017\nbob     0007\n",
       "2 D \"bob\" 7\nH 1 \"ACME\" \"0017\"\n= 2 lines, 1 records, ok\n", TRUE}, /* it may be a record: `check` */
      {"- of:text@8 n:int@4>0#count", "ann     0005\nbob     0007\n",
       "2 D \"bob\" 7\nH 1 \"ann\" \"0005\"\n= 2 lines, 1 records, T003 in 1\n", FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf(NULL, cases[i].header, "- member:text@8 points:int@4>0", NULL);
    conf->kind = CONF_LAYOUT_FIXED;
    conf->lines_by = CONF_LINES_BY_POSITION;
    g_autoptr(Layout) layout = layout_new(conf, NULL);
    assert_non_null(layout);
    assert_int_equal(layout_header_is_any_line(layout), cases[i].any_line);
    expect(conf, cases[i].text, cases[i].expected);
  }
}

static void columns_in_another_order_are_refused(void **state) {
  (void)state;
  expect_of_columns("key,amount,account\nq1,100.00,200\n",
                    "2 D \"q1\" \"100.00\" 20000\nH 1\n= 2 lines, 1 records, T011 in 1\n");
  expect_of_columns(" Key ,AMOUNT,Account\nq1,100.00,200\n",
                    "2 D \"q1\" \"100.00\" 20000\nH 1\n= 2 lines, 1 records, T011 in 1\n");
  expect_of_columns("x,y,z,b,a,,,,,,\nq1,100.00,200\n",
                    "2 D \"q1\" \"100.00\" 20000\nH 1\n= 2 lines, 1 records, L004 in 1\n");
  expect_of_columns("b,a,c\nq1,100.00,200\n", "2 D \"q1\" \"100.00\" 20000\nH 1\n= 2 lines, 1 records, T011 in 1\n");
}

static void titles_are_compared_byte_for_byte(void **state) {
  (void)state;
  static const struct {
    const char *names, *verdict;
  } cases[] = {
      {"Bill no,account,Value", "ok"},        {"Bill no,Value,account", "T011 in 1"},
      {"bill no,account,Value", "T011 in 1"}, {"Bill no,account,Value,more", "T011 in 1"},
      {"Bill no,account,Value,,,,,,,,,", "T011 in 1"},
      {"Bill no,account", "T011 in 1"},       {"Bill no,account,2.00", "T010 in 1"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf(",", "- a:text b:text c:text", "- key:text account:text amount:dec=2", NULL);
    conf->lines_by = CONF_LINES_BY_POSITION;
    ((ConfField *)conf->record.fields->pdata[0])->title = g_strdup("Bill no");
    ((ConfField *)conf->record.fields->pdata[2])->title = g_strdup("Value");
    g_autofree char *text = g_strconcat(cases[i].names, "\nk2,m2,2.00\n", NULL);
    g_autofree char *names = g_strjoinv("\" \"",
                                        (char *[]){(char *)"Bill no", (char *)"account", (char *)"Value", NULL});
    g_autofree char *expected = g_strdup_printf("2 D \"k2\" \"m2\" 200\nH 1%s%s%s\n= 2 lines, 1 records, %s\n",
                                                i == 0 ? " \"" : "", i == 0 ? names : "", i == 0 ? "\"" : "",
                                                cases[i].verdict);
    expect(conf, text, expected);
  }
}

static void a_file_cut_within_its_last_line_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *header, *trailer, *text, *verdict;
    ConfLastLineEnd last_line_end;
  } cases[] = {
      {NULL, NULL, "M1,5\nM2,987", "2 lines, 2 records, T012 in 2", 0},
      {NULL, NULL, "M1,5\nM2,", "2 lines, 2 records, T012 in 2", 0},
      {NULL, NULL, "M1,5\nM2,987\n", "2 lines, 2 records, ok", 0},
      {NULL, NULL, "M1,5\nM2,987\n\n", "3 lines, 2 records, ok", 0},
      {NULL, NULL, "M1,5\nM2,987", "2 lines, 2 records, ok", CONF_LAST_LINE_END_OPTIONAL},
      {"- count:int#count", NULL, "2\nM1,5\nM2,987", "3 lines, 2 records, T012 in 3", 0},
      {"- total:int#sum=points", NULL, "992\nM1,5\nM2,987", "3 lines, 2 records, ok", 0},
      {"- total:int#sum=points", NULL, "992\nM1,5\nM2,98", "3 lines, 2 records, T004 in 1", 0},
      {NULL, "- total:int#sum=points", "M1,5\nM2,987\n992", "3 lines, 2 records, ok", 0},
      {NULL, "- name:text", "M1,5\nM2,987\nen", "3 lines, 2 records, T012 in 3", 0},
      /* totals of some records, and such that may be absent, prove nothing */
      {"- taken:int#debits=points", NULL, "5\nM1,-5\nM2,987", "3 lines, 2 records, T012 in 3", 0},
      {"- given:int#credits=points", NULL, "5\nM1,5\nM2,-987", "3 lines, 2 records, T012 in 3", 0},
      {"- taken:int#debit-count=points", NULL, "1\nM1,-5\nM2,987", "3 lines, 2 records, T012 in 3", 0},
      {"- total:int?#sum=points", NULL, "\nM1,5\nM2,987", "3 lines, 2 records, L004 in 1", 0},
      {"- day:text total:int?#sum=points", NULL, "x,\nM1,5\nM2,987", "3 lines, 2 records, T012 in 3", 0},
      {NULL, "- name:text total:int?#sum=points", "M1,5\nM2,987\nM3,", "3 lines, 2 records, T012 in 3", 0},
      {NULL, "- name:text taken:int#debits=points", "M1,5\nM2,987\nM3,0", "3 lines, 2 records, T012 in 3", 0},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf(",", cases[i].header, "- member:text points:int", cases[i].trailer);
    conf->lines_by = CONF_LINES_BY_POSITION;
    conf->last_line_end = cases[i].last_line_end;
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_new(conf, &error);
    assert_non_null(layout);
    for (gsize wanted = 1; wanted < 100; wanted += 98) {
      g_autofree char *told = layouts_tell(layout, cases[i].text, strlen(cases[i].text), wanted);
      g_autofree char *end = g_strdup_printf("= %s\n", cases[i].verdict);
      if (!g_str_has_suffix(told, end))
        fail_msg("case %u: %s", i, told);
    }
    layouts_free(conf);
  }
}

/* A line may end before the value that is summed, or a digit of it may be one that the sum does not have. */
static void a_sum_is_a_proof_only_of_what_must_stand_last(void **state) {
  (void)state;
  static const char text[] = "100\nM1,98,0\nM2,987,100";
  for (guint i = 0; i < 3; i++) {
    ConfLayout *conf = layouts_conf(",", "- total:int#sum=fee", "- member:text points:int fee:int?", NULL);
    conf->lines_by = CONF_LINES_BY_POSITION;
    conf->record.open = i == 1 ? 1u << CONF_OPEN_FEWER : 0;
    ((ConfField *)conf->header.fields->pdata[0])->low_digits = i == 2 ? 3 : 0;
    g_autoptr(Layout) layout = layout_new(conf, NULL);
    g_autofree char *told = layouts_tell(layout, text, strlen(text), 100);
    assert_non_null(strstr(told, i == 0 ? "3 lines, 2 records, ok" : "3 lines, 2 records, T012 in 3"));
    layouts_free(conf);
  }
}

/* As when its size is declared beside it. */
static void a_file_that_is_proven_whole_needs_no_last_line_end(void **state) {
  (void)state;
  static const char text[] = "M1,5\nM2,987";
  ConfLayout *conf = layouts_conf(",", NULL, "- member:text points:int", NULL);
  conf->lines_by = CONF_LINES_BY_POSITION;
  g_autoptr(Layout) layout = layout_new(conf, NULL);
  LayoutChunk *chunk = layout_chunk_new(layout);
  for (guint proven = 0; proven < 2; proven++) {
    LayoutSpan span = {.text = (const guint8 *)text,
                       .end = sizeof text - 1,
                       .is_first = TRUE,
                       .is_last = TRUE,
                       .is_proven_whole = proven == 1};
    layout_parse(layout, &span, chunk);
    assert_int_equal(chunk->block->count, 2);
    assert_int_equal(chunk->problems ? chunk->problems->len : 0, 1 - proven);
  }
  layout_chunk_free(chunk);
  layouts_free(conf);
}

static ConfLayout *of_three_lines(ConfLineEnd line_end) {
  ConfLayout *conf = layouts_conf("|", "H partner:text date:date", "D key:text points:int", "T count:int");
  conf->line_end = line_end;
  return conf;
}

/* Its own fault is told, and its line. */
static void a_header_or_trailer_that_is_faulty_is_not_missing(void **state) {
  (void)state;
  static const struct {
    ConfLineEnd line_end;
    ConfQuote quote;
    const char *text, *verdict;
  } cases[] = {
      {CONF_LINE_END_CRLF, CONF_QUOTE_NONE, "H|A|2026-11-20\nD|k|1\r\nT|1\r\n", "1 records, L007 in 1"},
      {CONF_LINE_END_CRLF, CONF_QUOTE_NONE, "H|A|2026-11-20\nD|k|1\nT|1\n", "1 records, L007 in 1"},
      {CONF_LINE_END_CRLF, CONF_QUOTE_NONE, "H|A|2026-11-20\r\nD|k|1\r\nT|1\n", "1 records, L007 in 3"},
      {CONF_LINE_END_CRLF, CONF_QUOTE_NONE, "H|A|2026-11-20\r\nD|k|1\r\nT|1\351\r\n", "1 records, L001 in 3"},
      {CONF_LINE_END_LF, CONF_QUOTE_NONE, "H|A|2026-11-20\r\nD|k|1\nT|1\n", "1 records, L007 in 1"},
      {CONF_LINE_END_LF, CONF_QUOTE_NONE, "H|A|2026-11-20\nD|k|1\nT\r\n", "1 records, L007 in 3"},
      {CONF_LINE_END_LF, CONF_QUOTE_NONE, "H|\351|2026-11-20\nD|k|1\nT|1\n", "1 records, L001 in 1"},
      {CONF_LINE_END_LF, CONF_QUOTE_NONE, "H|A|2026-11-20\nH|\351|\nD|k|1\nT|1\n", "1 records, T007 in 2"},
      {CONF_LINE_END_LF, CONF_QUOTE_NONE, "H|A|2026-11-20\nD|k|1\nT|\351\nT|1\n", "1 records, L001 in 3"},
      {CONF_LINE_END_LF, CONF_QUOTE_RFC4180, "\"H\"|\"A\"b|2026-11-20\nD|k|1\nT|1\n", "1 records, L006 in 1"},
      {CONF_LINE_END_LF, CONF_QUOTE_RFC4180, "H|A|2026-11-20\nD|k|1\n\"T\"|\"\351\"\n", "1 records, L001 in 3"},
      /* no header, or no trailer, by its tag */
      {CONF_LINE_END_LF, CONF_QUOTE_NONE, "HH|\351|2026-11-20\nD|k|1\nT|1\n", "2 records, T001 in 1"},
      {CONF_LINE_END_LF, CONF_QUOTE_NONE, "H|A|2026-11-20\nD|k|1\nT1\r\n", "2 records, T002 in 3"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    for (gsize wanted = 1; wanted < 100; wanted += 98) {
      ConfLayout *conf = of_three_lines(cases[i].line_end);
      conf->quote = cases[i].quote;
      Layout *layout = layout_new(conf, NULL);
      assert_non_null(layout);
      g_autofree char *told = layouts_tell(layout, cases[i].text, strlen(cases[i].text), wanted);
      if (!strstr(told, cases[i].verdict))
        fail_msg("case %u: %s", i, told);
      layout_free(layout);
      layouts_free(conf);
    }
}

static void by_position_a_faulty_first_or_last_line_is_the_header_or_trailer(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"A\351\nk,1\n1\n", "1 records, L001 in 1"},
                                         {"A\nk,1\n1\351\n", "1 records, L001 in 3"},
                                         {"A\nk,\351\n1\n", "1 records, ok"},
                                         {"\nk,1\n1\n", "1 records, L004 in 1"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf(",", "- partner:text", "- key:text points:int", "- count:int");
    conf->lines_by = CONF_LINES_BY_POSITION;
    Layout *layout = layout_new(conf, NULL);
    assert_non_null(layout);
    g_autofree char *told = layouts_tell(layout, cases[i][0], strlen(cases[i][0]), 1);
    if (!strstr(told, cases[i][1]))
      fail_msg("case %u: %s", i, told);
    layout_free(layout);
    layouts_free(conf);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_without_its_line_of_column_names_is_refused),
      cmocka_unit_test(a_fixed_file_without_its_header_is_refused_where_the_line_is_a_record),
      cmocka_unit_test(columns_in_another_order_are_refused),
      cmocka_unit_test(titles_are_compared_byte_for_byte),
      cmocka_unit_test(a_file_cut_within_its_last_line_is_refused),
      cmocka_unit_test(a_sum_is_a_proof_only_of_what_must_stand_last),
      cmocka_unit_test(a_file_that_is_proven_whole_needs_no_last_line_end),
      cmocka_unit_test(a_header_or_trailer_that_is_faulty_is_not_missing),
      cmocka_unit_test(by_position_a_faulty_first_or_last_line_is_the_header_or_trailer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
