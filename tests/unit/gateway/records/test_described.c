#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/mainframe.h"

static ConfLayout *described_conf(ConfDescriptor descriptor, const char *record) {
  ConfLayout *conf = mainframe_conf(NULL, "H p:text@3", record, "T n:int@2B#count");
  conf->descriptor = descriptor;
  return conf;
}

static const char *const TOLD = "2 D \"K1\" 12\n3 D \"K2\" -13\nH 1 \"ABC\"\nT 4 \"2\"\n= 4 lines, 2 records, ok\n";

static void each_line_has_the_length_that_its_word_says(void **state) {
  (void)state;
  mainframe_check(described_conf(CONF_DESCRIPTOR_RDW, "D k:text@2 a:int@2P"),
                  "00080000 'HABC' 00090000 'DK1' 012C 00090000 'DK2' 013D 00070000 'T' 0002", TOLD);
  mainframe_check(described_conf(CONF_DESCRIPTOR_LENGTH, "D k:text@2 a:int@2P"),
                  "00040000 'HABC' 00050000 'DK1' 012C 00050000 'DK2' 013D 00030000 'T' 0002", TOLD);
  mainframe_check(described_conf(CONF_DESCRIPTOR_BDW, "D k:text@2 a:int@2P"),
                  "00150000 00080000 'HABC' 00090000 'DK1' 012C 00140000 00090000 'DK2' 013D 00070000 'T' 0002", TOLD);
}

static void a_line_of_another_length_than_its_kind_s_is_one_fault(void **state) {
  (void)state;
  mainframe_check(described_conf(CONF_DESCRIPTOR_RDW, "D k:text@2 a:int@2P"),
                  "00080000 'HABC' 000A0000 'DK1' 012C 'x' 00080000 'DK2' 01 00040000 00050000 'X' 00070000 'T' 0004",
                  "2 L009 -1\n3 L009 -1\n4 L009 -1\n5 L005 -1\nH 1 \"ABC\"\nT 6 \"4\"\n= 6 lines, 4 records, ok\n");
}

/* What the line has no more of is absent, also where blanks would be a number. */
static void a_line_may_end_early_where_the_layout_says_so(void **state) {
  (void)state;
  ConfLayout *conf = described_conf(CONF_DESCRIPTOR_RDW, "D k:text@2 a:int?@2P b:int?@2B");
  conf->record.open = 1u << CONF_OPEN_FEWER;
  mainframe_check(conf,
                  "00080000 'HABC' 000B0000 'DK1' 012C 2020 00090000 'DK2' 012C 00070000 'DK3' 00080000 'DK4' 01 "
                  "000A0000 'DK5' 012C 00 00070000 'T' 0005",
                  "2 D \"K1\" 12 8224\n3 D \"K2\" 12 null\n4 D \"K3\" null null\n5 L009 1\n6 L009 2\nH 1 \"ABC\"\n"
                  "T 7 \"5\"\n= 7 lines, 5 records, ok\n");
}

static void behind_a_wrong_word_nothing_is_looked_for(void **state) {
  (void)state;
  static const struct {
    ConfDescriptor descriptor;
    const char *words, *told, *reason;
  } cases[] = {
      {CONF_DESCRIPTOR_RDW, "00080000 'HABC' 00090001 'DK1' 012C 00070000 'T' 0001",
       "2 L009 -1\nH 1 \"ABC\"\n= 2 lines, 1 records, T017 in 2\n",
       "at byte 9 of the file: X'00090001' is no descriptor word of a record: two bytes with a length that counts the "
       "word, and two of zeros; a length before is wrong, the bytes are damaged, or 'descriptor' is another"},
      {CONF_DESCRIPTOR_RDW, "00080000 'HABC' 00090100 'DK1' 012C",
       "2 L009 -1\nH 1 \"ABC\"\n= 2 lines, 1 records, T017 in 2\n",
       "at byte 9 of the file: X'00090100' is no descriptor word of a record: two bytes with a length that counts the "
       "word, and two of zeros; this is a segment of a record (RECFM=VBS): send whole records"},
      {CONF_DESCRIPTOR_RDW, "00080000 'HABC' 00000000", "2 L009 -1\nH 1 \"ABC\"\n= 2 lines, 1 records, T017 in 2\n",
       "at byte 9 of the file: X'00000000' is no descriptor word of a record: two bytes with a length that counts the "
       "word, and two of zeros; a length before is wrong, the bytes are damaged, or 'descriptor' is another"},
      {CONF_DESCRIPTOR_RDW, "00030000 'HAB'", "1 L009 -1\n= 1 lines, 1 records, T017 in 1\n",
       "at byte 1 of the file: X'00030000' is no descriptor word of a record: two bytes with a length that counts the "
       "word, and two of zeros; if lengths do not count the word, it is descriptor = length"},
      {CONF_DESCRIPTOR_RDW, "00080000 'HABC' 00090000 'DK1' 01",
       "2 L009 -1\nH 1 \"ABC\"\n= 2 lines, 1 records, T009 in 2\n",
       "at byte 9 of the file: the file ends within a record: 8 bytes are left, fewer than it has by its descriptor "
       "word; the file was cut off, or a word before is wrong"},
      {CONF_DESCRIPTOR_RDW, "00080000 'HABC' 0009", "2 L009 -1\nH 1 \"ABC\"\n= 2 lines, 1 records, T009 in 2\n",
       "at byte 9 of the file: the file ends within a record: 2 bytes are left, fewer than it has by its descriptor "
       "word; the file was cut off, or a word before is wrong"},
      {CONF_DESCRIPTOR_BDW, "000C0000 00080000 'HABC' 000D0000 00090000 'DK1'",
       "2 L009 -1\nH 1 \"ABC\"\n= 2 lines, 1 records, T009 in 2\n",
       "at byte 13 of the file: the file ends within a block: 11 bytes are left, fewer than it has by its descriptor "
       "word; the file was cut off, or a word before is wrong"},
      {CONF_DESCRIPTOR_BDW, "00080000 'HABC'", "H 1\n= 1 lines, 0 records, T017 in 1\n",
       "at byte 5 of the file: X'48414243' is no descriptor word of a record: two bytes with a length that counts the "
       "word, and two of zeros; a length before is wrong, the bytes are damaged, or 'descriptor' is another"},
      {CONF_DESCRIPTOR_BDW, "80000010 00080000 'HABC' 00040000", "1 L009 -1\n= 1 lines, 1 records, T017 in 1\n",
       "at byte 1 of the file: X'80000010' is no descriptor word of a block: two bytes with a length that counts the "
       "word, and two of zeros; a length before is wrong, the bytes are damaged, or 'descriptor' is another"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    mainframe_check(described_conf(cases[i].descriptor, "D k:text@2 a:int@2P"), cases[i].words, cases[i].told);
    mainframe_reason(described_conf(cases[i].descriptor, "D k:text@2 a:int@2P"), cases[i].words, cases[i].reason);
  }
}

/* A record that goes on behind its block, where another block follows. */
static void a_record_stays_within_its_block(void **state) {
  (void)state;
  mainframe_check(described_conf(CONF_DESCRIPTOR_BDW, "D k:text@2 a:int@2P"),
                  "000C0000 00080000 'HABC' 000C0000 00090000 'DK1' 01 000B0000 00070000 'T' 0001",
                  "2 L009 -1\nH 1 \"ABC\"\n= 2 lines, 1 records, T017 in 2\n");
}

static void a_record_and_its_addenda_are_read_together_across_blocks(void **state) {
  (void)state;
  ConfLayout *conf = described_conf(CONF_DESCRIPTOR_BDW, "D k:text@2 a:int@2P");
  layouts_beside(&conf->addenda, "C c:text@1");
  mainframe_check(conf,
                  "000C0000 00080000 'HABC' 00130000 00090000 'DK1' 012C 00060000 'Cx' 000A0000 00060000 'Cy' "
                  "00140000 00090000 'DK2' 013D 00070000 'T' 0002",
                  "2 D \"K1\" 12 \"x y\" 4\n5 D \"K2\" -13 null 5\nH 1 \"ABC\"\nT 6 \"2\"\n= 6 lines, 2 records, ok\n");
}

static void a_file_with_other_words_than_declared_is_told_so(void **state) {
  (void)state;
  static const char *const bdw = "000C0000 00080000 'HABC' 000B0000 00070000 'T' 0000";
  mainframe_reason(described_conf(CONF_DESCRIPTOR_RDW, "D k:text@2 a:int@2P"), bdw,
                   "the tag '\\x00' is not one of the layout's");
  mainframe_check(described_conf(CONF_DESCRIPTOR_RDW, "D k:text@2 a:int@2P"), "00030000 00090000 'DK1' 012C 00",
                  "1 L009 -1\n= 1 lines, 1 records, T017 in 1\n"); /* too short to be a block's */
  mainframe_check(described_conf(CONF_DESCRIPTOR_RDW, "D k:text@2 a:int@2P"), bdw,
                  "1 L005 -1\n2 L005 -1\n= 2 lines, 2 records, T017 in 1\n");
  mainframe_check(mainframe_conf(NULL, NULL, "D k:text@2 a:int@2P", NULL), "00090000 'DK1' 012C 00",
                  "1 L005 -1\n2 L005 -1\n= 2 lines, 2 records, T017 in 1\n");
}

static void by_position_the_first_line_is_the_header_and_the_last_the_trailer(void **state) {
  (void)state;
  ConfLayout *conf = mainframe_conf("IBM1047", "- p:text@3", "- k:text@2 a:int@3P", "- n:int@2B#count");
  conf->descriptor = CONF_DESCRIPTOR_RDW;
  conf->lines_by = CONF_LINES_BY_POSITION;
  mainframe_check(conf, "00070000 C1C2C3 00090000 D2F1 00012C 00060000 0001",
                  "2 D \"K1\" 12\nH 1 \"ABC\"\nT 3 \"1\"\n= 3 lines, 1 records, ok\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_line_has_the_length_that_its_word_says),
      cmocka_unit_test(a_line_of_another_length_than_its_kind_s_is_one_fault),
      cmocka_unit_test(a_line_may_end_early_where_the_layout_says_so),
      cmocka_unit_test(behind_a_wrong_word_nothing_is_looked_for),
      cmocka_unit_test(a_record_stays_within_its_block),
      cmocka_unit_test(a_record_and_its_addenda_are_read_together_across_blocks),
      cmocka_unit_test(a_file_with_other_words_than_declared_is_told_so),
      cmocka_unit_test(by_position_the_first_line_is_the_header_and_the_last_the_trailer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
