#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static ConfLayout *fixed_conf(const char *header, const char *record, const char *trailer) {
  ConfLayout *conf = layouts_conf("|", header, record, trailer);
  conf->kind = CONF_LAYOUT_FIXED;
  return conf;
}

/* The same for every way of cutting it. Frees the configuration. */
static void check_bytes(ConfLayout *conf, const char *text, gsize length, const char *expected) {
  GError *error = NULL;
  Layout *layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s", error->message);
  g_autofree char *exactly = g_memdup2(text, length); /* a read beyond is seen */
  for (gsize cut = 1; cut < length + 2; cut += cut < 40 ? 1 : length) {
    g_autofree char *told = layouts_tell(layout, exactly, length, cut);
    if (!g_str_equal(told, expected))
      fail_msg("in chunks of %zu:\n%s", cut, told);
  }
  layout_free(layout);
  layouts_free(conf);
}

static void check(ConfLayout *conf, const char *text, const char *expected) {
  check_bytes(conf, text, strlen(text), expected);
}

static void refused(ConfLayout *conf, const char *word) {
  GError *error = NULL;
  assert_null(layout_new(conf, &error));
  if (!strstr(error->message, word))
    fail_msg("not about \"%s\": %s", word, error->message);
  g_error_free(error);
  layouts_free(conf);
}

static void fields_have_their_places(void **state) {
  (void)state;
  check(fixed_conf("H p:text@6 d:date=%Y%m%d@8", "D m:text@6 n:int@5>0 a:dec=2@7> c:enum=A/B?@1",
                   "T n:int@4>0#count s:int@5>0#sum=n"),
        "HACME  20261120\nDM1    00012   1.50A\nDM2    -0003  -2.00 \nT000200009\n",
        "2 D \"M1\" 12 150 \"A\"\n3 D \"M2\" -3 -200 null\nH 1 \"ACME\" \"2026-11-20\"\nT 4 \"0002\" \"00009\"\n= 4 "
        "lines, 2 records, ok\n");
}

static void padding_is_removed_as_declared_and_nothing_else(void **state) {
  (void)state;
  check(fixed_conf(NULL, "D l:text@4 r:text@4> z:text@4>0 y:text@4<0", NULL), "D a    b 00121200\nD       x00120d00\n",
        "1 D \" a\" \"b \" \"12\" \"12\"\n2 L010 0\n= 2 lines, 2 records, ok\n");
  check(fixed_conf(NULL, "D l:text?@4 r:text?@4> z:text?@4>0 y:text?@4<0", NULL),
        "D x     y00000000\nD                \nD  x y       00 0\n",
        "1 D \" x\" \"y\" null null\n2 D null null null null\n3 D \"  x\" \"y   \" null \"00 \"\n= 3 lines, 3 records, "
        "ok\n");
}

static void numbers_keep_their_zeros_and_dates_theirs(void **state) {
  (void)state;
  check(fixed_conf(NULL, "D n:int@4>0 o:int?@4>0 d:date=%d%m%Y?@8>0", NULL),
        "D0000000001122026\nD0010    00000000\nD-001+007        \nD+-0100-401122026\nD  1000 401122026\n",
        "1 D 0 0 \"2026-12-01\"\n2 D 10 null null\n3 D -1 7 null\n4 L012 0\n5 L012 0\n= 5 lines, 5 records, ok\n");
}

static void decimals_may_be_implied(void **state) {
  (void)state;
  check(fixed_conf(NULL, "D a:dec=2@7>0~ b:dec=3@5>~", NULL),
        "D0001230   12\nD-001230    0\nD0012.30   12\nD9999999  1.2\n",
        "1 D 1230 12\n2 D -1230 0\n3 L013 0\n4 L013 1\n= 4 lines, 4 records, ok\n");
}

static void the_last_digit_may_carry_the_sign(void **state) {
  (void)state;
  static const char *const positive = "{ABCDEFGHI", *const negative = "}JKLMNOPQR";
  for (int digit = 0; digit < 10; digit++) {
    g_autofree char *text = g_strdup_printf("D012%c012%cX\nD0120%c000%cX\n", positive[digit], negative[digit],
                                            '0' + digit, positive[digit]);
    memmove(text + 15, text + 16, strlen(text + 16) + 1); /* the second line's first field has four bytes, too */
    g_autofree char *expected = g_strdup_printf("1 D %d %d \"X\"\n2 D %d %d \"X\"\n= 2 lines, 2 records, ok\n",
                                                120 + digit, -(120 + digit), 120, digit);
    g_autofree char *lines = g_strdup_printf("D012%c012%cX\nD0120000%cX\n", positive[digit], negative[digit],
                                             positive[digit]);
    check(fixed_conf(NULL, "D a:int@4>0^ b:dec=2@4>0^~ c:text@1", NULL), lines, expected);
  }
  check(fixed_conf(NULL, "D a:int@4>0^ b:dec=2?@6>^", NULL),
        "D000}      \nD-001  1.0J\nD12A3     2\nD{{{{     2\nD   A     2\n",
        "1 D 0 null\n2 L012 0\n3 L012 0\n4 L012 0\n5 L012 0\n= 5 lines, 5 records, ok\n");
  check(fixed_conf(NULL, "D a:int@20>0^ b:dec=2?@6>^", NULL),
        "D0922337203685477580G  1.0J\nD0922337203685477580H      \nD0922337203685477580Q      \n",
        "1 D 9223372036854775807 -101\n2 L014 0\n3 L014 0\n= 3 lines, 3 records, ok\n");
}

static void widths_are_bytes_of_the_declared_set(void **state) {
  (void)state;
  ConfLayout *conf = fixed_conf(NULL, "D n:text@4 c:text@6 i:int@2>0", NULL);
  conf->charset = g_strdup("GBK");
  /* 汉字 are BABA D7D6; 亅 is 8174 and 0x7C a second byte */
  check(conf, "D\272\272\327\326ab\201\174  07\nD\201\174  \272\272\327\326xy08\n",
        "1 D \"\346\261\211\345\255\227\" \"ab\344\272\205\" 7\n2 D \"\344\272\205\" \"\346\261\211\345\255\227xy\" "
        "8\n= 2 lines, 2 records, ok\n");
  check(fixed_conf(NULL, "D n:text@4 i:int@2>0", NULL), "D\303\251x 01\nD\346\261\2110102\n",
        "1 D \"\303\251x\" 1\n2 L009 -1\n= 2 lines, 2 records, ok\n");
}

static void a_character_cut_in_two_is_told(void **state) {
  (void)state;
  static const struct {
    const char *charset, *text, *expected;
  } cases[] = {{"GBK", "Dabc\272\272   01\n", "1 L008 0\n= 1 lines, 1 records, ok\n"},
               {"GBK", "Dabcd\272 xy01\n", "1 L001 1\n= 1 lines, 1 records, ok\n"},
               {"GB18030", "Dab\201\060\201\060cd01\n", "1 L008 0\n= 1 lines, 1 records, ok\n"},
               {"GB18030", "Dabc\201\060\201\060d01\n", "1 L008 0\n= 1 lines, 1 records, ok\n"},
               {NULL, "Dabc\303\251abc01\n", "1 L008 0\n= 1 lines, 1 records, ok\n"},
               {NULL, "Dab\346\261\211abc01\n", "1 L008 0\n= 1 lines, 1 records, ok\n"},
               {NULL, "Dabc\303  cd01\n", "1 L001 0\n= 1 lines, 1 records, ok\n"},
               {"SHIFT_JIS", "Dabc\203\134cde01\n", "1 L008 0\n= 1 lines, 1 records, ok\n"},
               {"BIG5", "Dabc\244\134cde01\n", "1 L008 0\n= 1 lines, 1 records, ok\n"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = fixed_conf(NULL, "D n:text@4 c:text@4 i:int@2>0", NULL);
    conf->charset = g_strdup(cases[i].charset);
    check(conf, cases[i].text, cases[i].expected);
  }
}

static void a_line_of_another_length_is_told(void **state) {
  (void)state;
  check(fixed_conf("H p:text@3", "D m:text@3 n:int@2", "T n:int@2#count"),
        "HABC\nDabc1 \nDabc1\nDabc1  \n\nXabc1 \nD\nT6 \n",
        "2 D \"abc\" 1\n3 L009 -1\n4 L009 -1\n5 L009 -1\n6 L005 -1\n7 L009 -1\nH 1 \"ABC\"\nT 8 \"6\"\n= 8 lines, 6 "
        "records, ok\n");
  check(fixed_conf("H p:text@3", "D m:text@3 n:int@2", "T n:int@2#count"), "HABCD\nDabc1 \nT1\n",
        "2 D \"abc\" 1\nH 1\nT 3\n= 3 lines, 1 records, L009 in 1\n");
}

static void line_ends_are_those_declared(void **state) {
  (void)state;
  ConfLayout *conf = fixed_conf(NULL, "D m:text@3", NULL);
  conf->line_end = CONF_LINE_END_CRLF;
  check(conf, "Dabc\r\nDabc\nDab\rc\r\n", "1 D \"abc\"\n2 L007 -1\n3 L007 -1\n= 3 lines, 3 records, ok\n");
  conf = fixed_conf(NULL, "D m:text@3", NULL);
  check(conf, "Dabc\r\nDabc\nDabc", "1 D \"abc\"\n2 D \"abc\"\n3 D \"abc\"\n= 3 lines, 3 records, ok\n");
  conf = fixed_conf(NULL, "D m:text@3", NULL);
  conf->line_end = CONF_LINE_END_CR;
  check(conf, "Dabc\rDab\n\r", "1 D \"abc\"\n2 L007 -1\n= 2 lines, 2 records, ok\n");
}

static void a_header_with_another_line_end_is_not_missing(void **state) {
  (void)state;
  ConfLayout *conf = fixed_conf("H p:text@3", "D m:text@3", NULL);
  conf->line_end = CONF_LINE_END_CRLF;
  check(conf, "Habc\nDabc\r\n", "2 D \"abc\"\nH 1\n= 2 lines, 1 records, L007 in 1\n");
}

static ConfLayout *stream_conf(const char *header, const char *record, const char *trailer) {
  ConfLayout *conf = fixed_conf(header, record, trailer);
  conf->line_end = CONF_LINE_END_NONE;
  return conf;
}

static void records_may_stand_without_line_ends(void **state) {
  (void)state;
  check(stream_conf("H p:text@5", "D m:text@3 n:int@2>0", "T n:int@5>0#count"), "HACME Dab 01Dcd 02T00002",
        "2 D \"ab\" 1\n3 D \"cd\" 2\nH 1 \"ACME\"\nT 4 \"00002\"\n= 4 lines, 2 records, ok\n");
  ConfLayout *conf = stream_conf("- p:text@5", "- m:text@3 n:int@2>0", "- n:int@5>0#count");
  conf->lines_by = CONF_LINES_BY_POSITION;
  check(conf, "\357\273\277ACME ab 01cd 0200002",
        "2 D \"ab\" 1\n3 D \"cd\" 2\nH 1 \"ACME\"\nT 4 \"00002\"\n= 4 lines, 2 records, ok\n");
}

static void a_rest_without_line_ends_is_told(void **state) {
  (void)state;
  check(stream_conf(NULL, "D m:text@3 n:int@2>0", NULL), "Dab 01Dcd 02D",
        "1 D \"ab\" 1\n2 D \"cd\" 2\n3 L009 -1\n= 3 lines, 3 records, T009 in 3\n");
  check(stream_conf(NULL, "D m:text@3 n:int@2>0", NULL), "Dab 01\n",
        "1 D \"ab\" 1\n2 L009 -1\n= 2 lines, 2 records, T009 in 2\n");
  /* a second trailer that is cut off is told alike wherever a chunk ends */
  check(stream_conf(NULL, "D m:text@3 n:int@2>0", "T n:int@5>0#count"), "Dab 01T00001T00",
        "1 D \"ab\" 1\nT 2 \"00001\"\n= 3 lines, 1 records, T008 in 3\n");
  check(stream_conf(NULL, "D m:text@3 n:int@2>0", NULL), "Dab\r01D\ncd02",
        "1 L007 0\n2 L007 0\n= 2 lines, 2 records, ok\n");
  check_bytes(stream_conf(NULL, "D m:text@3 n:int@2>0", NULL), "Da\0b01Dabc\0002", 12,
              "1 L002 0\n2 L002 1\n= 2 lines, 2 records, ok\n");
  refused(stream_conf("H p:text@3", "D m:text@3 n:int@2>0", NULL), "same length");
}

static void ebcdic_is_read_without_line_ends(void **state) {
  (void)state;
  ConfLayout *conf = stream_conf(NULL, "D m:text@4 n:int@3>0^ a:dec=2@4>", NULL);
  conf->charset = g_strdup("IBM037");
  check_bytes(conf,
              "\304\301\202\100\100\360\361\321\361\113\365\360"
              "\304\301\202\203\100\360\360\303\140\113\365\100",
              24, "1 D \"Ab\" -11 150\n2 L013 2\n= 2 lines, 2 records, ok\n");
  /* LF is 25 there, and 0a is another control character; CR is the same in both */
  conf = stream_conf(NULL, "D m:text@3", NULL);
  conf->charset = g_strdup("IBM037");
  check_bytes(conf,
              "\304\301\012\301"
              "\304\301\045\301"
              "\304\301\015\301",
              12, "1 D \"A\302\216A\"\n2 L007 0\n3 L007 0\n= 3 lines, 3 records, ok\n");
  conf = fixed_conf(NULL, "D m:text@4", NULL);
  conf->charset = g_strdup("IBM037");
  refused(conf, "without line ends only");
}

static void tags_have_their_bytes(void **state) {
  (void)state;
  ConfLayout *conf = fixed_conf("HD p:text@2", "D m:text@2", "TRL n:int@1#count");
  check(conf, "HD ab\nD  cd\nDX cd\nTRL2\n",
        "2 D \"cd\"\n3 L005 -1\nH 1 \"ab\"\nT 4 \"2\"\n= 4 lines, 2 records, ok\n");
  conf = fixed_conf(NULL, "D m:text@2", NULL);
  conf->tag_bytes = 4;
  check(conf, "D   ab\n", "1 D \"ab\"\n= 1 lines, 1 records, ok\n");
  conf = fixed_conf(NULL, "DDDDD m:text@2", NULL);
  conf->tag_bytes = 4;
  refused(conf, "does not fit");
}

static void several_types_of_records_share_their_columns(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", "H p:text", "D m:text n:int r:text",
                                  "T c:int#count d:int#count/D e:int#count/E s:int#sum=n t:int#sum=n/E");
  layouts_record(conf, "E r:text f:dec=2? n:int");
  check(conf, "H|x\nD|m|5|r1\nE|r2|1.50|7\nE|r3||-1\nD|m|6\nX|1\nE|r4|x|10\nD|\377|6|r5\nT|7|3|3|21|16\n",
        "2 D \"m\" 5 \"r1\" null \"D\"\n3 D null 7 \"r2\" 150 \"E\"\n4 D null -1 \"r3\" null \"E\"\n5 L004 -1 \"D\"\n6 "
        "L005 -1\n7 L013 3 \"E\"\n8 L001 0 \"D\"\n"
        "H 1 \"x\"\nT 9 \"7\" \"3\" \"3\" \"21\" \"16\"\n= 9 lines, 7 records, T005 in 5\n");
}

static void totals_are_held_per_type(void **state) {
  (void)state;
  static const struct {
    const char *trailer, *verdict;
  } cases[] = {{"T|3|1|2|12|7", "ok"},
               {"T|3|2|1|12|7", "T003 in 5"},
               {"T|3|1|2|12|12", "T004 in 5"},
               {"T|3|1|2|7|7", "T004 in 5"},
               {"T|2|1|2|12|7", "T003 in 5"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf("|", "H p:text", "D n:int",
                                    "T c:int#count d:int#count/D e:int#count/EE s:int#sum=n t:int#sum=n/EE");
    layouts_record(conf, "EE n:int r:text?");
    g_autofree char *text = g_strdup_printf("H|x\nD|5\nEE|3|\nEE|4|\n%s\n", cases[i].trailer);
    g_auto(GStrv) declared = g_strsplit(cases[i].trailer + 2, "|", -1);
    g_autofree char *expected = g_strdup_printf("2 D 5 null \"D\"\n3 D 3 null \"EE\"\n4 D 4 null \"EE\"\nH 1 \"x\"\nT "
                                                "5 \"%s\" \"%s\" \"%s\" \"%s\" \"%s\"\n= 5 lines, 3 records, %s\n",
                                                declared[0], declared[1], declared[2], declared[3], declared[4],
                                                cases[i].verdict);
    check(conf, text, expected);
  }
}

static void fixed_records_of_several_types_have_their_lengths(void **state) {
  (void)state;
  ConfLayout *conf = fixed_conf(NULL, "D1 m:text@3 n:int@3>0", "T c:int@2>0#count s:int@3>0#sum=n/D2");
  layouts_record(conf, "D2 n:int@5>0^ x:text?@3");
  check(conf, "D1abc001\nD20000Bxyz\nD20000K\nD20000K   \nD3abc001\nT 05002\n",
        "1 D \"abc\" 1 null \"D1\"\n2 D null 2 \"xyz\" \"D2\"\n3 L009 -1 \"D2\"\n4 D null -2 null \"D2\"\n5 L005 -1\nT "
        "6 \"05\" \"002\"\n= 6 lines, 5 records, T005 in 3\n");
}

static void what_fixed_lines_cannot_be_is_refused(void **state) {
  (void)state;
  refused(fixed_conf(NULL, "D m:text", NULL), "need the field's bytes");
  refused(fixed_conf(NULL, "D m:int@5<0", NULL), "another number");
  ConfLayout *conf = layouts_conf("|", NULL, "D m:text", NULL);
  conf->line_end = CONF_LINE_END_NONE;
  refused(conf, "delimited lines have line ends");
  conf = fixed_conf(NULL, "D m:text@20000", NULL);
  refused(conf, "line limit");
  conf = layouts_conf("|", NULL, "D m:text", NULL);
  layouts_record(conf, "E m:int");
  refused(conf, "another type");
  conf = layouts_conf("|", NULL, "D m:text", NULL);
  layouts_record(conf, "E record_type:text");
  refused(conf, "record_type");
  conf = layouts_conf("|", NULL, "D m:text", "T n:int#count/X");
  refused(conf, "no record has the tag");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_have_their_places),
      cmocka_unit_test(padding_is_removed_as_declared_and_nothing_else),
      cmocka_unit_test(numbers_keep_their_zeros_and_dates_theirs),
      cmocka_unit_test(decimals_may_be_implied),
      cmocka_unit_test(the_last_digit_may_carry_the_sign),
      cmocka_unit_test(widths_are_bytes_of_the_declared_set),
      cmocka_unit_test(a_character_cut_in_two_is_told),
      cmocka_unit_test(a_line_of_another_length_is_told),
      cmocka_unit_test(line_ends_are_those_declared),
      cmocka_unit_test(a_header_with_another_line_end_is_not_missing),
      cmocka_unit_test(records_may_stand_without_line_ends),
      cmocka_unit_test(a_rest_without_line_ends_is_told),
      cmocka_unit_test(ebcdic_is_read_without_line_ends),
      cmocka_unit_test(tags_have_their_bytes),
      cmocka_unit_test(several_types_of_records_share_their_columns),
      cmocka_unit_test(totals_are_held_per_type),
      cmocka_unit_test(fixed_records_of_several_types_have_their_lengths),
      cmocka_unit_test(what_fixed_lines_cannot_be_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
