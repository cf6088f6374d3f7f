#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static const char *const HEADER = "H partner:text date:date";
static const char *const RECORD = "D member:text=4* points:int amount:dec=2";
static const char *const TRAILER = "T count:int#count total:int#sum=points";

static Layout *compiled(const ConfLayout *conf) {
  GError *error = NULL;
  Layout *layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s", error->message);
  return layout;
}

/* Parses in one piece and in the smallest pieces, which must agree, and compares. */
static void expect_bytes(const ConfLayout *conf, const void *text, gsize length, const char *expected) {
  g_autoptr(Layout) layout = compiled(conf);
  g_autofree char *whole = layouts_tell(layout, text, length, length + 1);
  g_autofree char *pieces = layouts_tell(layout, text, length, 1);
  assert_string_equal(whole, expected);
  assert_string_equal(pieces, expected);
}

static void expect(ConfLayout *conf, const char *text, const char *expected) {
  expect_bytes(conf, text, strlen(text), expected);
  layouts_free(conf);
}

static ConfLayout *usual(void) {
  return layouts_conf("|", HEADER, RECORD, TRAILER);
}
static ConfLayout *one_field(const char *field) {
  g_autofree char *line = g_strconcat("D f:", field, NULL);
  return layouts_conf("|", NULL, line, NULL);
}

/* Each text as the only field: its value, or its code. */
static void expect_values(const char *field, const char *const cases[][2]) {
  for (guint i = 0; cases[i][0]; i++) {
    g_autofree char *line = g_strdup_printf("D|%s\n", cases[i][0]);
    g_autofree char *expected = cases[i][1][0] == 'L'
                                    ? g_strdup_printf("1 %s 0\n= 1 lines, 1 records, ok\n", cases[i][1])
                                    : g_strdup_printf("1 D %s\n= 1 lines, 1 records, ok\n", cases[i][1]);
    expect(one_field(field), line, expected);
  }
}

static void a_whole_file_is_parsed(void **state) {
  (void)state;
  expect(
      usual(), "H|ACME|2026-11-20\nD|M1|5|1.50\nD|M2|-7|0.05\nT|2|-2\n",
      "2 D \"M1\" 5 150\n3 D \"M2\" -7 5\nH 1 \"ACME\" \"2026-11-20\"\nT 4 \"2\" \"-2\"\n= 4 lines, 2 records, ok\n");
}

static void the_last_line_needs_no_line_end(void **state) {
  (void)state;
  expect(usual(), "H|A|2026-11-20\r\nT|0|0", "H 1 \"A\" \"2026-11-20\"\nT 2 \"0\" \"0\"\n= 2 lines, 0 records, ok\n");
}

static void one_empty_last_line_is_passed_over_and_others_are_faults(void **state) {
  (void)state;
  expect(one_field("int"), "D|1\n\n", "1 D 1\n= 2 lines, 1 records, ok\n");
  expect(one_field("int"), "D|1\r\n\r\n", "1 D 1\n= 2 lines, 1 records, ok\n");
  expect(one_field("int"), "D|1\n\n\n", "1 D 1\n2 L004 -1\n= 3 lines, 2 records, ok\n");
  expect(one_field("int"), "\nD|1\n", "1 L004 -1\n2 D 1\n= 2 lines, 2 records, ok\n");
  expect(one_field("int"), "\n", "= 1 lines, 0 records, ok\n");
  expect(one_field("int"), "", "= 0 lines, 0 records, ok\n");
}

static void lines_end_as_the_layout_says(void **state) {
  (void)state;
  static const struct {
    int line_end;
    const char *text, *expected;
  } cases[] = {
      {CONF_LINE_END_ANY, "D|1\nD|2\r\nD|3", "1 D 1\n2 D 2\n3 D 3\n= 3 lines, 3 records, ok\n"},
      {CONF_LINE_END_ANY, "D|1\rD|2\n", "1 L007 -1\n= 1 lines, 1 records, ok\n"},
      {CONF_LINE_END_ANY, "D|1\r\r\nD|2\n", "1 L007 -1\n2 D 2\n= 2 lines, 2 records, ok\n"},
      {CONF_LINE_END_ANY, "D|1\nD|2\r", "1 D 1\n2 L007 -1\n= 2 lines, 2 records, ok\n"},
      {CONF_LINE_END_LF, "D|1\nD|2\r\n", "1 D 1\n2 L007 -1\n= 2 lines, 2 records, ok\n"},
      {CONF_LINE_END_CRLF, "D|1\r\nD|2\nD|3", "1 D 1\n2 L007 -1\n3 D 3\n= 3 lines, 3 records, ok\n"},
      {CONF_LINE_END_CR, "D|1\rD|2\r", "1 D 1\n2 D 2\n= 2 lines, 2 records, ok\n"},
      {CONF_LINE_END_CR, "D|1\r\nD|2\r", "1 D 1\n2 L007 -1\n= 2 lines, 2 records, ok\n"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = one_field("int");
    *(int *)(void *)&conf->line_end = cases[i].line_end;
    conf->last_line_end = CONF_LAST_LINE_END_OPTIONAL;
    expect(conf, cases[i].text, cases[i].expected);
  }
}

static void integers_are_read_strictly(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"0", "0"},
                                         {"007", "7"},
                                         {"-5", "-5"},
                                         {"9223372036854775807", "9223372036854775807"},
                                         {"-9223372036854775808", "-9223372036854775808"},
                                         {"000000000000000000000000000009", "9"},
                                         {"9223372036854775808", "L014"},
                                         {"-9223372036854775809", "L014"},
                                         {"99999999999999999999999999", "L014"},
                                         {"18446744073709551616", "L014"},
                                         {"9999999999999999999999x", "L012"},
                                         {"-0", "L012"},
                                         {"-000", "L012"},
                                         {"+5", "L012"},
                                         {" 5", "L012"},
                                         {"5 ", "L012"},
                                         {"1e3", "L012"},
                                         {"1.0", "L012"},
                                         {"1,000", "L012"},
                                         {"-", "L012"},
                                         {"--1", "L012"},
                                         {"0x1f", "L012"},
                                         {"\357\274\225", "L012"},
                                         {"\331\245", "L012"},
                                         {"", "L010"},
                                         {NULL, NULL}};
  expect_values("int", cases);
}

static void decimals_are_read_strictly(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"0", "0"},
                                         {"12", "1200"},
                                         {"12.3", "1230"},
                                         {"12.30", "1230"},
                                         {"-12.30", "-1230"},
                                         {"-0.01", "-1"},
                                         {"0.00", "0"},
                                         {"00.10", "10"},
                                         {"92233720368547758.07", "9223372036854775807"},
                                         {"-92233720368547758.08", "-9223372036854775808"},
                                         {"92233720368547758.08", "L014"},
                                         {"100000000000000000", "L014"},
                                         {"0.005", "L014"},
                                         {"1.000", "L014"},
                                         {"99999999999999999999.1", "L014"},
                                         {"-0", "L013"},
                                         {"-0.00", "L013"},
                                         {"+1", "L013"},
                                         {"1e3", "L013"},
                                         {".5", "L013"},
                                         {"5.", "L013"},
                                         {".", "L013"},
                                         {"1.2.3", "L013"},
                                         {"1,5", "L013"},
                                         {"1 000", "L013"},
                                         {"\357\274\221.0", "L013"},
                                         {"-", "L013"},
                                         {"", "L010"},
                                         {NULL, NULL}};
  expect_values("dec=2", cases);
}

static void dates_are_real_days(void **state) {
  (void)state;
  static const char *const iso[][2] = {{"2026-11-20", "\"2026-11-20\""},
                                       {"2024-02-29", "\"2024-02-29\""},
                                       {"2000-02-29", "\"2000-02-29\""},
                                       {"1900-02-29", "L015"},
                                       {"2026-02-29", "L015"},
                                       {"2026-04-31", "L015"},
                                       {"2026-13-01", "L015"},
                                       {"2026-00-10", "L015"},
                                       {"2026-01-00", "L015"},
                                       {"0000-01-01", "L015"},
                                       {"2026-1-1", "L015"},
                                       {"20261120", "L015"},
                                       {"2026-11-20 ", "L015"},
                                       {"2026-11-200", "L015"},
                                       {"2026/11/20", "L015"},
                                       {"", "L010"},
                                       {NULL, NULL}};
  static const char *const packed[][2] = {
      {"20261120", "\"2026-11-20\""}, {"20260230", "L015"}, {"2026112", "L015"}, {"202611200", "L015"}, {NULL, NULL}};
  static const char *const german[][2] = {{"20.11.2026", "\"2026-11-20\""}, {"11.20.2026", "L015"}, {NULL, NULL}};
  expect_values("date", iso);
  expect_values("date=%Y%m%d", packed);
  expect_values("date=%d.%m.%Y", german);
}

static void time_stamps_are_normalised(void **state) {
  (void)state;
  static const char *const iso[][2] = {
      {"2026-11-20T08:09:10+08:00", "\"2026-11-20T08:09:10+08:00\""},
      {"2026-11-20T08:09:10Z", "\"2026-11-20T08:09:10Z\""},
      {"2026-11-20T08:09:10.123456789-0330", "\"2026-11-20T08:09:10.123456789-03:30\""},
      {"2026-11-20T08:09:10+08", "\"2026-11-20T08:09:10+08:00\""},
      {"2026-11-20T08:09:10", "L016"},
      {"2026-11-20 08:09:10Z", "L016"},
      {"2026-11-20T24:00:00Z", "L016"},
      {"2026-11-20T08:60:00Z", "L016"},
      {"2026-11-20T08:09:60Z", "L016"},
      {"2026-02-30T08:09:10Z", "L016"},
      {"2026-11-20T08:09:10.Z", "L016"},
      {"2026-11-20T08:09:10.1234567890Z", "L016"},
      {"2026-11-20T08:09:10+15:00", "L016"},
      {"2026-11-20T08:09:10+08:0", "L016"},
      {"2026-11-20T08:09:10Z ", "L016"},
      {"", "L010"},
      {NULL, NULL}};
  static const char *const packed[][2] = {{"20261120080910", "\"2026-11-20T08:09:10\""},
                                          {"20261120080960", "L016"},
                                          {"2026112008091", "L016"},
                                          {NULL, NULL}};
  static const char *const parts[][2] = {{"20/11/2026_08:09:10.5_+0100", "\"2026-11-20T08:09:10.5+01:00\""},
                                         {NULL, NULL}};
  expect_values("time", iso);
  expect_values("time=%Y%m%d%H%M%S", packed);
  expect_values("time=%d/%m/%Y_%T.%f_%z", parts);
}

static void widths_count_characters_and_enumerations_are_exact(void **state) {
  (void)state;
  static const char *const text[][2] = {
      {"abcd", "\"abcd\""},
      {"\346\261\211\345\255\227\346\261\211\345\255\227", "\"\346\261\211\345\255\227\346\261\211\345\255\227\""},
      {"abcde", "L011"},
      {" a ", "\" a \""},
      {"", "L010"},
      {NULL, NULL}};
  static const char *const choice[][2] = {{"EUR", "\"EUR\""}, {"USD", "\"USD\""}, {"eur", "L017"}, {"EURO", "L017"},
                                          {"EU", "L017"},     {"", "L010"},       {NULL, NULL}};
  static const char *const optional[][2] = {{"", "null"}, {"5", "5"}, {"x", "L012"}, {NULL, NULL}};
  expect_values("text=4", text);
  expect_values("enum=EUR/USD", choice);
  expect_values("int?", optional);
}

static void each_bad_line_is_a_fault_and_its_neighbours_are_not(void **state) {
  (void)state;
  expect(layouts_conf("|", NULL, RECORD, NULL),
         "D|M1|5|1\nD|M1|5\nD|M1|5|1|9\nX|M1|5|1\nD|M1|x|1\nD|M\377|5|1\nD|M1|5|1\n",
         "1 D \"M1\" 5 100\n2 L004 -1\n3 L004 -1\n4 L005 -1\n5 L012 1\n6 L001 0\n7 D \"M1\" 5 100\n= 7 lines, 7 "
         "records, ok\n");
}

static void nul_bytes_name_their_field(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, RECORD, NULL);
  static const char text[] = "D|M1|\0|1\nD|M1|5|1\n";
  expect_bytes(conf, text, sizeof text - 1, "1 L002 1\n2 D \"M1\" 5 100\n= 2 lines, 2 records, ok\n");
  layouts_free(conf);
}

static void an_overlong_line_is_one_fault(void **state) {
  (void)state;
  ConfLayout *conf = one_field("text");
  conf->line_limit = 10;
  expect(conf, "D|12345678\nD|123456789\nD|1\n", "1 D \"12345678\"\n2 L003 -1\n3 D \"1\"\n= 3 lines, 3 records, ok\n");
}

static void utf8_is_checked_strictly(void **state) {
  (void)state;
  static const char *const bad[] = {
      "\300\200", "\355\240\200", "\364\220\200\200", "\342\202", "\200", "\370\210\200\200\200", "a\303"};
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autofree char *text = g_strdup_printf("D|%s\nD|ok\n", bad[i]);
    expect(one_field("text"), text, "1 L001 0\n2 D \"ok\"\n= 2 lines, 2 records, ok\n");
  }
}

static void byte_order_marks_are_known(void **state) {
  (void)state;
  expect(one_field("int"), "\357\273\277D|1\n", "1 D 1\n= 1 lines, 1 records, ok\n");
  ConfLayout *conf = one_field("int");
  expect_bytes(conf, "\377\376D\0|\0", 6, "1 L002 -1\n= 1 lines, 1 records, L001 in 1\n");
  layouts_free(conf);
}

static void lines_are_told_apart_by_position(void **state) {
  (void)state;
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"A,2026-11-20\nM1,5,1\nM2,6,1\n2,11\n",
       "2 D \"M1\" 5 100\n3 D \"M2\" 6 100\nH 1 \"A\" \"2026-11-20\"\nT 4 \"2\" \"11\"\n= 4 lines, 2 records, ok\n"},
      {"A,2026-11-20\nM1,5,1\n1,5\n\n",
       "2 D \"M1\" 5 100\nH 1 \"A\" \"2026-11-20\"\nT 3 \"1\" \"5\"\n= 4 lines, 1 records, ok\n"},
      {"A,2026-11-20\n", "H 1 \"A\" \"2026-11-20\"\n= 1 lines, 0 records, T002 in 1\n"},
      {"A,2026-11-20\nM1,5,1\nM2,6,1\n",
       "2 D \"M1\" 5 100\nH 1 \"A\" \"2026-11-20\"\nT 3\n= 3 lines, 1 records, L004 in 3\n"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf(",", "- partner:text date:date", "- member:text points:int amount:dec=2",
                                    "- count:int#count total:int#sum=points");
    conf->lines_by = CONF_LINES_BY_POSITION;
    expect(conf, cases[i].text, cases[i].expected);
  }
}

static void the_order_of_lines_is_checked(void **state) {
  (void)state;
  static const struct {
    const char *text, *code;
  } cases[] = {
      {"D|M1|5|1\nT|1|5\n", "T001"},
      {"H|A|2026-11-20\nD|M1|5|1\n", "T002"},
      {"D|M1|5|1\nH|A|2026-11-20\nT|1|5\n", "T007"},
      {"H|A|2026-11-20\nH|A|2026-11-20\nD|M1|5|1\nT|1|5\n", "T007"},
      {"H|A|2026-11-20\nT|1|5\nD|M1|5|1\n", "T008 in 3"},
      {"H|A|2026-11-20\nD|M1|5|1\nT|1|5\nD|M2|5|1\nD|M3|5|1\n?\n", "T008 in 4"},
      {"H|A|2026-11-20\nD|M1|5|1\nT|1|5\nT|1|5\n", "T008"},
      {"H|A|2026-11-32\nD|M1|5|1\nT|1|5\n", "L015"},
      {"H|A\nD|M1|5|1\nT|1|5\n", "L004"},
      {"H|A|2026-11-20\nD|M1|5|1\nT|x|5\n", "L012"},
      {"", "T001"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    for (gsize wanted = 1; wanted < 100; wanted += 98) {
      ConfLayout *conf = usual();
      Layout *layout = compiled(conf);
      g_autofree char *told = layouts_tell(layout, cases[i].text, strlen(cases[i].text), wanted);
      g_autofree char *verdict = g_strdup_printf(" records, %s", cases[i].code);
      if (!strstr(told, verdict))
        fail_msg("case %u: %s", i, told);
      layout_free(layout);
      layouts_free(conf);
    }
}

static void control_totals_are_confirmed(void **state) {
  (void)state;
  static const struct {
    const char *trailer, *body, *code;
  } cases[] = {
      {"T n:int#count s:dec=3#sum=amount", "D|M1|5|1.25\nD|M2|6|2\nT|2|3.250\n", "ok"},
      {"T n:int#count s:dec=3#sum=amount", "D|M1|5|1.25\nD|M2|6|2\nT|2|3.251\n", "T004"},
      {"T n:int#count s:int#sum=amount", "D|M1|5|1.25\nD|M2|6|1.75\nT|2|3\n", "ok"},
      {"T n:int#count s:int#sum=points", "D|M1|5|1\nD|M2|6|2\nT|3|11\n", "T003"},
      {"T n:int#count s:int#sum=points", "D|M1|5|1\nD|M2|6|2\nT|3|12\n", "T003"},
      {"T n:int?#count s:int?#sum=points", "D|M1|5|1\nT||\n", "ok"},
      {"T n:int#count s:int#sum=points", "D|M12345|5|1\nD|M2|6|2\nT|2|11\n", "ok"},
      {"T n:int#count s:int#sum=points", "D|M\377|5|1\nD|M2|6|2\nT|2|11\n", "ok"},
      {"T n:int#count s:int#sum=points", "D|M1|x|1\nD|M2|6|2\nT|2|11\n", "T005"},
      {"T n:int#count s:int#sum=points", "D|M1|6\nD|M2|6|2\nT|2|11\n", "T005"},
      {"T n:int#count s:int#sum=points", "D|M1|9223372036854775807|1\nD|M2|1|2\nT|2|11\n", "T006"},
      {"T n:int#count s:int#sum=points", "D|M1|9223372036854775807|1\nD|M2|1|2\nD|M2|-1|2\nT|3|9223372036854775807\n",
       "ok"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    for (gsize wanted = 1; wanted < 200; wanted += 150) {
      ConfLayout *conf = layouts_conf("|", NULL, RECORD, cases[i].trailer);
      Layout *layout = compiled(conf);
      g_autofree char *told = layouts_tell(layout, cases[i].body, strlen(cases[i].body), wanted);
      g_autofree char *verdict = g_strdup_printf(" records, %s", cases[i].code);
      if (!strstr(told, verdict))
        fail_msg("case %u: %s", i, told);
      layout_free(layout);
      layouts_free(conf);
    }
}

static void delimiters_may_have_several_bytes(void **state) {
  (void)state;
  expect(layouts_conf("||", NULL, "D a:text? b:text?", NULL), "D||x||y\nD||x|||y\nD||||\nD||x\n",
         "1 D \"x\" \"y\"\n2 D \"x\" \"|y\"\n3 D null null\n4 L004 -1\n= 4 lines, 4 records, ok\n");
  expect(layouts_conf("\302\247", NULL, "D a:text b:text", NULL), "D\302\247x\302\247\303\247\n",
         "1 D \"x\" \"\303\247\"\n= 1 lines, 1 records, ok\n");
}

static ConfLayout *quoted(const char *record) {
  ConfLayout *conf = layouts_conf(",", NULL, record, NULL);
  conf->quote = CONF_QUOTE_RFC4180;
  conf->line_limit = 40;
  return conf;
}

static void quoted_values_may_hold_anything(void **state) {
  (void)state;
  expect(quoted("D a:text b:text?"), "D,\"x,y\",\"say \"\"hi\"\"\"\n\"D\",\"two\r\nlines\",\"\"\nD,a,b\n",
         "1 D \"x,y\" \"say \"hi\"\"\n2 D \"two\r\nlines\" null\n4 D \"a\" \"b\"\n= 4 lines, 3 records, ok\n");
}

static void a_lone_quote_swallows_nothing(void **state) {
  (void)state;
  expect(quoted("D a:text b:text"), "D,5\" disk,x\nD,a,b\nD,\"open,b\nD,a,b\nD,c,d\nD,\"x\"y,b\nD,e,f\n",
         "1 L006 0\n2 D \"a\" \"b\"\n3 L006 0\n4 D \"a\" \"b\"\n5 D \"c\" \"d\"\n6 L006 0\n7 D \"e\" \"f\"\n= 7 lines, "
         "7 records, ok\n");
  expect(quoted("D a:text b:text"), "D,a,\"never closed\nD,a,b\n",
         "1 L006 1\n2 D \"a\" \"b\"\n= 2 lines, 2 records, ok\n");
  expect(quoted("D a:text b:text"), "D,\"x\",y\rz\nD,a,b\n", "1 L007 -1\n2 D \"a\" \"b\"\n= 2 lines, 2 records, ok\n");
}

static void gb18030_text_is_split_behind_its_conversion(void **state) {
  (void)state;
  /* 0x81 0x7c is one character whose second byte looks like '|'; 0x81 0x30 0x81 0x30 is one of four bytes. */
  ConfLayout *conf = layouts_conf("|", NULL, "D a:text=2 b:int", NULL);
  conf->charset = g_strdup("GB18030");
  expect(conf, "D|\272\272\327\326|1\nD|\201|\272|2\nD|\201\060\201\060|3\nD|\272|4\nD|a\377|5\nD|ok|6\n",
         "1 D \"\346\261\211\345\255\227\" 1\n2 L004 -1\n3 D \"\302\200\" 3\n4 L004 -1\n5 L001 0\n6 D \"ok\" 6\n= 6 "
         "lines, 6 records, ok\n");
  conf = layouts_conf("|", NULL, "D a:text=2 b:int", NULL);
  conf->charset = g_strdup("GB18030");
  expect(conf, "D|\201\174x|2\n", "1 D \"\344\272\205x\" 2\n= 1 lines, 1 records, ok\n");
}

static void a_second_byte_is_no_delimiter_before_a_quote(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D a:text b:text", NULL);
  conf->quote = CONF_QUOTE_RFC4180;
  conf->charset = g_strdup("GBK");
  expect(conf, "D|\201\174\"|x\nD|\"\201\174\n\"|y\n",
         "1 L006 0\n2 D \"\344\272\205\n\" \"y\"\n= 3 lines, 2 records, ok\n");
}

static void other_character_sets_work_or_are_refused_clearly(void **state) {
  (void)state;
  static const char *const refused[] = {"UTF-16",      "UTF-16LE",    "UTF-32",          "UTF-7",          "IBM037",
                                        "ISO-2022-JP", "no-such-set", "GB18030//IGNORE", "ASCII//TRANSLIT"};
  for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autoptr(GError) error = NULL;
    ConfLayout *conf = one_field("int");
    conf->charset = g_strdup(refused[i]);
    assert_null(layout_new(conf, &error));
    assert_int_equal(error->code, SALLYPORT_ERROR_CONFIGURATION);
    assert_non_null(strstr(error->message, refused[i]));
    layouts_free(conf);
  }
  static const char *const accepted[] = {"GBK",       "GB2312", "BIG5",   "ISO-8859-1", "windows-1252", "EUC-JP",
                                         "SHIFT_JIS", "EUC-KR", "KOI8-R", "utf-8",      "ASCII"};
  for (guint i = 0; i < G_N_ELEMENTS(accepted); i++) {
    ConfLayout *conf = one_field("int");
    conf->charset = g_strdup(accepted[i]);
    expect(conf, "D|5\n", "1 D 5\n= 1 lines, 1 records, ok\n");
  }
}

static void reasons_never_hold_masked_values(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D card:int* points:int", NULL);
  g_autoptr(Layout) layout = compiled(conf);
  LayoutChunk *chunk = layout_chunk_new(layout);
  static const char text[] = "D|SECRET|5\nD|5|1e3\nSECRET|5|6\nD|SECRET\n";
  layout_parse(layout,
               &(LayoutSpan){.text = (const guint8 *)text, .end = sizeof text - 1, .is_first = TRUE, .is_last = TRUE},
               chunk);
  assert_int_equal(chunk->block->faults->len, 4);
  for (guint i = 0; i < 4; i++)
    assert_null(strstr(g_array_index(chunk->block->faults, BlockFault, i).reason, "SECRET"));
  assert_string_equal(g_array_index(chunk->block->faults, BlockFault, 1).reason, "points: not an integer: '1e3'");
  layout_chunk_free(chunk);
  g_clear_pointer(&layout, layout_free);
  layouts_free(conf);
}

static void a_chunk_is_bounded_however_short_its_lines(void **state) {
  (void)state;
  ConfLayout *conf = one_field("int");
  g_autoptr(Layout) layout = compiled(conf);
  gsize length = 1 << 20;
  g_autofree guint8 *text = g_malloc(length);
  memset(text, '\n', length);
  gsize end = layout_next_chunk(layout, text, length, 0, length);
  assert_in_range(end, 1, 20000);
  LayoutChunk *chunk = layout_chunk_new(layout);
  layout_parse(layout, &(LayoutSpan){.text = text, .end = length, .is_first = TRUE, .is_last = TRUE}, chunk);
  assert_int_equal(chunk->block->count, length - 1); /* nothing is dropped of a range cut by someone else */
  assert_int_equal(chunk->lines, length);
  layout_chunk_free(chunk);
  g_clear_pointer(&layout, layout_free);
  layouts_free(conf);
}

static void configuration_that_only_the_parser_can_check_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *record, *trailer, *says;
  } cases[] = {{"D d:date=%b%m%d", NULL, "%b is not known"},
               {"D d:date=%Y%m", NULL, "needs month and day"},
               {"D d:date=%F%H", NULL, "no part of a date"},
               {"D d:time=%F", NULL, "needs hour and minute"},
               {"D d:date=%F%", NULL, "is not known"},
               {"D d:date=%F%Y", NULL, "twice"},
               {"D d:dec=19", NULL, "scale 19"},
               {"D a:text", "T s:int#sum=a", "not a sum of a number"},
               {"D a:text", "T s:int#sum=b", "not a sum of a number"},
               {"D a:text", "T s:text#count", "a control total is an integer"},
               {"- a:text", NULL, "has none"},
               {"D", NULL, "no fields"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    ConfLayout *conf = layouts_conf("|", NULL, cases[i].record, cases[i].trailer);
    assert_null(layout_new(conf, &error));
    assert_int_equal(error->code, SALLYPORT_ERROR_CONFIGURATION);
    if (!strstr(error->message, cases[i].says))
      fail_msg("%s", error->message);
    layouts_free(conf);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_file_is_parsed),
      cmocka_unit_test(the_last_line_needs_no_line_end),
      cmocka_unit_test(one_empty_last_line_is_passed_over_and_others_are_faults),
      cmocka_unit_test(lines_end_as_the_layout_says),
      cmocka_unit_test(integers_are_read_strictly),
      cmocka_unit_test(decimals_are_read_strictly),
      cmocka_unit_test(dates_are_real_days),
      cmocka_unit_test(time_stamps_are_normalised),
      cmocka_unit_test(widths_count_characters_and_enumerations_are_exact),
      cmocka_unit_test(each_bad_line_is_a_fault_and_its_neighbours_are_not),
      cmocka_unit_test(nul_bytes_name_their_field),
      cmocka_unit_test(an_overlong_line_is_one_fault),
      cmocka_unit_test(utf8_is_checked_strictly),
      cmocka_unit_test(byte_order_marks_are_known),
      cmocka_unit_test(lines_are_told_apart_by_position),
      cmocka_unit_test(the_order_of_lines_is_checked),
      cmocka_unit_test(control_totals_are_confirmed),
      cmocka_unit_test(delimiters_may_have_several_bytes),
      cmocka_unit_test(quoted_values_may_hold_anything),
      cmocka_unit_test(a_lone_quote_swallows_nothing),
      cmocka_unit_test(gb18030_text_is_split_behind_its_conversion),
      cmocka_unit_test(a_second_byte_is_no_delimiter_before_a_quote),
      cmocka_unit_test(other_character_sets_work_or_are_refused_clearly),
      cmocka_unit_test(reasons_never_hold_masked_values),
      cmocka_unit_test(a_chunk_is_bounded_however_short_its_lines),
      cmocka_unit_test(configuration_that_only_the_parser_can_check_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
