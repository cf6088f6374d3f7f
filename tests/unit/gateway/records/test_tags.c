/* Tags that are not the first thing in a line, lines without one, lines of more or fewer fields, and lines that end in
 * bytes of the layout's own; each from chunks of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/pieces.h"
#include <stdio.h>
#include <cmocka.h>

static void expect(ConfLayout *conf, const char *text, const char *wanted) {
  g_autofree char *told = pieces_tell(conf, text, 2);
  if (!g_str_equal(told, wanted))
    fail_msg("%s\nis told as\n%sand not\n%s", text, told, wanted);
}

static void clear(ConfLayout *conf) {
  g_strfreev(conf->tag_at);
  conf->tag_at = NULL;
  layouts_free(conf);
}

static void refuse(ConfLayout *conf, const char *wanted) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  assert_null(layout);
  if (!strstr(error->message, wanted))
    fail_msg("%s, without %s", error->message, wanted);
  clear(conf);
}

static ConfLayout *spread(ConfLayout *conf, const char *places) {
  conf->tag_at = g_strsplit(places, " ", -1);
  return conf;
}

/* --- Delimited */

/* A kind in the second field and, of records, a segment in the fourth. */
static ConfLayout *delimited(ConfQuote quote) {
  ConfLayout *conf = spread(layouts_conf(",", "0 bank:text year:int", "3,A bank:text n:int key:text",
                                         "9 bank:text n:int#count sum:int#sum=n"),
                            "2 4");
  layouts_record(conf, "3,B bank:text n:int note:text?");
  layouts_beside(&conf->addenda, "3,Z bank2:text n2:int more:text?");
  conf->quote = quote;
  return conf;
}

static void a_tag_stands_in_fields_that_are_not_the_first(void **state) {
  (void)state;
  static const char good[] = "001,0,2026\n001,3,5,A,k1\n001,3,7,Z,x\n001,3,6,B,\n001,9,2,11\n";
  for (ConfQuote quote = CONF_QUOTE_NONE; quote <= CONF_QUOTE_RFC4180; quote++) {
    ConfLayout *conf = delimited(quote);
    expect(conf, good,
           "2 D \"001\" 5 \"k1\" null \"001\" 7 \"x\" 3 \"3,A\"\n4 D \"001\" 6 null null null null null 4 \"3,B\"\n"
           "H 1 \"001\" \"2026\"\nT 5 \"001\" \"2\" \"11\"\n= 5 lines, 2 records, ok\n");
    clear(conf);
  }
}

static void a_fault_names_the_field_behind_a_tag(void **state) {
  (void)state;
  ConfLayout *conf = spread(layouts_conf("|", NULL, "D key:text n:int more:text?", "T n:int#count sum:int#sum=n"), "2");
  expect(conf, "a|D|x|\n" "b|D|3\n" "c|E|3|\n" "a\377|D|4|\n" "2|T|9\n",
         "1 L012 1\n2 L004 -1\n3 L005 -1\n4 L001 0\nT 5 \"2\" \"9\"\n= 5 lines, 4 records, T003 in 5\n");
  clear(conf);
}

static void a_tag_may_be_quoted_and_values_before_it_too(void **state) {
  (void)state;
  ConfLayout *conf = spread(layouts_conf(",", "H a:text", "D key:text n:int", "T n:int#count"), "2");
  conf->quote = CONF_QUOTE_RFC4180;
  layouts_beside(&conf->addenda, "A x:text");
  expect(conf, "x,\"H\"\n\"k,\n1\",\"D\",1\n\"y\n,\",A\n\"z\",\"A\"\n1,T\n",
         "2 D \"k,\n1\" 1 \"y\n, z\" 6\nH 1 \"x\"\nT 7 \"1\"\n= 7 lines, 1 records, ok\n");
  clear(conf);
}

/* --- Fixed */

static ConfLayout *fixed(void) {
  ConfLayout *conf = spread(layouts_conf("", "0 bank:text@3 free:text?@6", "3A bank:text@3 n:int@3>0 key:text@2",
                                         "9 bank:text@3 n:int@3>0#count sum:int@3>0#sum=n"),
                            "4 8");
  layouts_record(conf, "3B bank:text@3 n:int@3>0 note:text@2");
  conf->kind = CONF_LAYOUT_FIXED;
  return conf;
}

static void a_tag_stands_among_the_bytes_of_a_fixed_line(void **state) {
  (void)state;
  ConfLayout *conf = fixed();
  expect(conf, "0010      \n0013005Ak1\n0013007Bno\n0013007Cno\n0019003012\n",
         "2 D \"001\" 5 \"k1\" null \"3A\"\n3 D \"001\" 7 null \"no\" \"3B\"\n4 L005 -1\n"
         "H 1 \"001\" null\nT 5 \"001\" \"003\" \"012\"\n= 5 lines, 3 records, T005 in 4\n");
  conf->line_end = CONF_LINE_END_NONE;
  expect(conf, "0010      0013005Ak10019001005",
         "2 D \"001\" 5 \"k1\" null \"3A\"\n"
         "H 1 \"001\" null\nT 3 \"001\" \"001\" \"005\"\n= 3 lines, 1 records, ok\n");
  clear(conf);
}

static void places_that_do_not_fit_the_fields_or_the_tag_are_refused(void **state) {
  (void)state;
  ConfLayout *conf = fixed();
  g_free(conf->record.tag);
  conf->record.tag = g_strdup("3AX");
  refuse(conf, "has more bytes than its places");
  conf = spread(layouts_conf("", NULL, "D a:text@4 b:text@2", NULL), "3");
  conf->kind = CONF_LAYOUT_FIXED;
  refuse(conf, "goes over byte 3 of the line, where its tag stands");
  conf = spread(layouts_conf("", NULL, "D a:text@4", NULL), "8");
  conf->kind = CONF_LAYOUT_FIXED;
  refuse(conf, "ends before its tag's place");
  refuse(spread(layouts_conf(",", NULL, "D,E a:text", NULL), "8"), "has more parts than there are places");
  refuse(spread(layouts_conf(",", NULL, "D a:text", NULL), "x"), "is no place");
}

/* --- Lines without a tag */

static void what_no_tag_fits_is_the_record_without_one(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf(",", "HDR day:text", "- key:text n:int", "TRL n:int#count sum:int#sum=n");
  conf->untagged = TRUE;
  expect(conf, "HDR,x\na,1\nHDRS,2\n,3\nTRL,3,6\n",
         "2 D \"a\" 1\n3 D \"HDRS\" 2\n4 L010 0\nH 1 \"x\"\nT 5 \"3\" \"6\"\n= 5 lines, 3 records, ok\n");
  layouts_record(conf, "X key:text n:int");
  expect(conf, "HDR,x\na,1\nX,b,2\nX,2\nTRL,3,5\n",
         "2 D \"a\" 1 null\n3 D \"b\" 2 \"X\"\n4 L004 -1 \"X\"\n"
         "H 1 \"x\"\nT 5 \"3\" \"5\"\n= 5 lines, 3 records, T005 in 4\n");
  layouts_record(conf, "- key:text n:int");
  refuse(conf, "only one kind");
}

static void an_addendum_may_have_no_tag(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D key:text n:int text:text?", NULL);
  conf->untagged = TRUE;
  layouts_beside(&conf->addenda, "- text:text?");
  expect(conf, "D|a|1|one\ntwo\nthree\nD|b|2|\n\xffx\n",
         "1 D \"a\" 1 \"one two three\" 3\n4 L001 -1\n= 5 lines, 2 records, ok\n");
  layouts_free(conf);
}

/* --- More and fewer fields */

static void set_open(ConfLayout *conf, guint open) {
  conf->header.open = conf->record.open = conf->trailer.open = open;
}

static void fields_at_the_end_may_be_missing_or_too_many_where_declared(void **state) {
  (void)state;
  enum { FEWER = 1 << CONF_OPEN_FEWER, MORE = 1 << CONF_OPEN_MORE };
  static const char text[] = "H|x\nD|a|1\nD|b\nD|c|1|2|3\nT|3\n";
  ConfLayout *conf = layouts_conf("|", "H p:text q:text?", "D key:text n:int? m:int?", "T n:int#count s:int?");
  expect(conf, text, "2 L004 -1\n3 L004 -1\n4 L004 -1\nH 1\nT 5\n= 5 lines, 3 records, L004 in 1\n");
  set_open(conf, FEWER);
  expect(conf, text,
         "2 D \"a\" 1 null\n3 D \"b\" null null\n4 L004 -1\nH 1 \"x\" null\n"
         "T 5 \"3\" null\n= 5 lines, 3 records, ok\n");
  set_open(conf, FEWER | MORE);
  expect(conf, text,
         "2 D \"a\" 1 null\n3 D \"b\" null null\n4 D \"c\" 1 2\nH 1 \"x\" null\nT 5 \"3\" null\n"
         "= 5 lines, 3 records, ok\n");
  expect(conf, "H|x\nD\nD|\nT|2|1|2|3|4|5|6|7\n",
         "2 L010 0\n3 L010 0\nH 1 \"x\" null\nT 4 \"2\" \"1\"\n= 4 lines, 2 records, ok\n");
  layouts_free(conf);
}

static void a_fixed_line_may_be_shorter_or_longer_where_declared(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("", NULL, "D key:text@4 n:int?@3>0 note:text?@5", NULL);
  conf->kind = CONF_LAYOUT_FIXED;
  static const char text[] = "Dk1  001x\nDk2\nDk3  00\nDk4  002note!more\n";
  expect(conf, text, "1 L009 -1\n2 L009 -1\n3 L009 -1\n4 L009 -1\n= 4 lines, 4 records, ok\n");
  set_open(conf, 1 << CONF_OPEN_FEWER | 1 << CONF_OPEN_MORE);
  expect(conf, text,
         "1 D \"k1\" 1 \"x\"\n2 D \"k2\" null null\n3 L012 1\n4 D \"k4\" 2 \"note!\"\n= 4 lines, 4 records, ok\n");
  layouts_free(conf);
}

/* --- Terminators */

static ConfLayout *ended_in(const char *terminator) {
  ConfLayout *conf = layouts_conf("*", "ISA of:text", "CLP key:text n:int", "IEA n:int#count all:int#lines");
  conf->terminator = (char *)(gsize)terminator;
  return conf;
}

static void lines_end_in_any_one_or_two_bytes(void **state) {
  (void)state;
  static const char *const ends[] = {"~", "'", "/", "~~", "@!", "\x1d", "/'"};
  static const char *const breaks[] = {"", "\n", "\r\n", "\r"};
  for (guint e = 0; e < G_N_ELEMENTS(ends); e++)
    for (guint b = 0; b < G_N_ELEMENTS(breaks); b++) {
      ConfLayout *conf = ended_in(ends[e]);
      g_autofree char *end = g_strconcat(ends[e], breaks[b], NULL);
      g_autofree char *text = g_strconcat("ISA*x", end, "CLP*a*1", end, "CLP*b*x", end, "IEA*2*4", end, NULL);
      expect(conf, text, "2 D \"a\" 1\n3 L012 1\nH 1 \"x\"\nT 4 \"2\" \"4\"\n= 4 lines, 2 records, ok\n");
      layouts_free(conf);
    }
}

static void a_lone_byte_of_two_ends_nothing(void **state) {
  (void)state;
  ConfLayout *conf = ended_in("@!");
  expect(conf, "ISA*@x!@!CLP*!@*1@!IEA*1*3@!",
         "2 D \"!@\" 1\nH 1 \"@x!\"\nT 3 \"1\" \"3\"\n= 3 lines, 1 records, ok\n");
  layouts_free(conf);
}

/* Whatever the pattern says of where it may stop. */
static void a_pattern_is_held_against_the_whole_line(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D key:text n:int?", NULL);
  conf->record.split = (char *)(gsize) "([a-z])(*ACCEPT)(\\d)?";
  expect(conf, "D|a\nD|a1\nD|a and more\n", "1 D \"a\" null\n2 L004 -1\n3 L004 -1\n= 3 lines, 3 records, ok\n");
  layouts_free(conf);
}

static void an_empty_line_or_a_line_break_elsewhere_is_a_fault(void **state) {
  (void)state;
  ConfLayout *conf = ended_in("~");
  expect(conf, "ISA*x~~CLP*a*1~\n\nCLP*b\n*2~IEA*3*5~\n",
         "2 L004 -1\n3 D \"a\" 1\n4 L007 -1\nH 1 \"x\"\nT 5 \"3\" \"5\"\n= 5 lines, 3 records, ok\n");
  layouts_free(conf);
}

static void by_position_the_last_line_is_the_last_one_that_was_ended(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("*", "- of:date", "- key:text n:int", NULL);
  conf->lines_by = CONF_LINES_BY_POSITION;
  conf->terminator = (char *)(gsize) "~";
  expect(conf, "2026-11-20~a*1~\nb*2~\n", "2 D \"a\" 1\n3 D \"b\" 2\nH 1 \"2026-11-20\"\n= 3 lines, 2 records, ok\n");
  expect(conf, "2026-11-20~a*1~\nb*2\n",
         "2 D \"a\" 1\n3 L007 -1\nH 1 \"2026-11-20\"\n= 3 lines, 2 records, T012 in 3\n");
  layouts_line(&conf->trailer, "- n:int#count");
  expect(conf, "2026-11-20~a*1~1~\r\n", "2 D \"a\" 1\nH 1 \"2026-11-20\"\nT 3 \"1\"\n= 3 lines, 1 records, ok\n");
  layouts_free(conf);
}

static void fixed_lines_may_end_so_too_and_others_be_passed_over(void **state) {
  (void)state;
  static const char *const beginnings[] = {"#", NULL};
  ConfLayout *conf = layouts_conf("", NULL, "D key:text@3 n:int@2>0", "T n:int@2>0#count");
  conf->kind = CONF_LAYOUT_FIXED;
  conf->terminator = (char *)(gsize) "'";
  conf->pass_over = (ConfPassOver){.present = TRUE, .beginning = (char **)(gsize)beginnings};
  expect(conf, "# x'\n#'Dabc01'\nDdef02'#'\nT02'\n#'\n",
         "3 D \"abc\" 1\n4 D \"def\" 2\nT 6 \"02\"\n= 7 lines, 2 records, ok\n");
  layouts_free(conf);
}

static void a_terminator_that_may_be_half_a_character_is_refused(void **state) {
  (void)state;
  ConfLayout *conf = ended_in("~");
  conf->charset = g_strdup("GBK");
  refuse(conf, "its bytes may be a part of a character");
  conf = ended_in("'");
  conf->charset = g_strdup("GBK");
  expect(conf, "ISA*\xba\xba'CLP*\xd7\xd6*1'IEA*1*3'",
         "2 D \"字\" 1\nH 1 \"汉\"\nT 3 \"1\" \"3\"\n= 3 lines, 1 records, ok\n");
  layouts_free(conf);
}

/* What a first line with the layout's own tag is, is no question. */
static void its_own_first_line_is_not_taken_for_a_file_of_another_kind(void **state) {
  (void)state;
  ConfLayout *conf = ended_in("~");
  expect(conf, "ISA*x*y~IEA*0*2~", "H 1\nT 2 \"0\" \"2\"\n= 2 lines, 0 records, L004 in 1\n");
  expect(conf, "UNB+x~IEA*1*2~", "1 L005 -1\nT 2 \"1\" \"2\"\n= 2 lines, 1 records, T016 in 1\n");
  layouts_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tag_stands_in_fields_that_are_not_the_first),
      cmocka_unit_test(a_fault_names_the_field_behind_a_tag),
      cmocka_unit_test(a_tag_may_be_quoted_and_values_before_it_too),
      cmocka_unit_test(a_tag_stands_among_the_bytes_of_a_fixed_line),
      cmocka_unit_test(places_that_do_not_fit_the_fields_or_the_tag_are_refused),
      cmocka_unit_test(what_no_tag_fits_is_the_record_without_one),
      cmocka_unit_test(an_addendum_may_have_no_tag),
      cmocka_unit_test(fields_at_the_end_may_be_missing_or_too_many_where_declared),
      cmocka_unit_test(a_fixed_line_may_be_shorter_or_longer_where_declared),
      cmocka_unit_test(lines_end_in_any_one_or_two_bytes),
      cmocka_unit_test(a_lone_byte_of_two_ends_nothing),
      cmocka_unit_test(a_pattern_is_held_against_the_whole_line),
      cmocka_unit_test(an_empty_line_or_a_line_break_elsewhere_is_a_fault),
      cmocka_unit_test(by_position_the_last_line_is_the_last_one_that_was_ended),
      cmocka_unit_test(fixed_lines_may_end_so_too_and_others_be_passed_over),
      cmocka_unit_test(a_terminator_that_may_be_half_a_character_is_refused),
      cmocka_unit_test(its_own_first_line_is_not_taken_for_a_file_of_another_kind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
