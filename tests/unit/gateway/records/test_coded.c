#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/records/coded.h"
#include "tests/unit/gateway/records/answers.h"
#include "tests/unit/gateway/records/mainframe.h"

static void packed_numbers_are_read_with_their_sign(void **state) {
  (void)state;
  mainframe_check(mainframe_conf(NULL, NULL, "D a:dec=2@4P n:int@2P", NULL),
                  "'D' 0012345C 042F 'D' 0012345D 001D 'D' 0000000D 000C 'D' 9999999F 999D",
                  "1 D 12345 42\n2 D -12345 -1\n3 D 0 0\n4 D 9999999 -999\n= 4 lines, 4 records, ok\n");
  /* unsigned ones have no sign */
  mainframe_check(mainframe_conf(NULL, NULL, "D n:int@2PU", NULL), "'D' 042F 'D' 042C 'D' 042D",
                  "1 D 42\n2 L020 0\n3 L020 0\n= 3 lines, 3 records, ok\n");
}

static void what_is_no_packed_number_is_told_with_its_bytes(void **state) {
  (void)state;
  mainframe_check(mainframe_conf(NULL, NULL, "D n:int@2P", NULL),
                  "'D' 0A2C 'D' 0123 'D' 012A 'D' 012B 'D' 012E 'D' 0000 'D' FFFF 'D' 2020",
                  "1 L020 0\n2 L020 0\n3 L020 0\n4 L020 0\n5 L020 0\n6 L020 0\n7 L020 0\n8 L010 0\n"
                  "= 8 lines, 8 records, ok\n");
  mainframe_check(mainframe_conf("IBM1047", NULL, "D n:int?@2P", NULL), "C4 4040 C4 2020",
                  "1 D null\n2 L020 0\n= 2 lines, 2 records, ok\n");
  mainframe_reason(mainframe_conf(NULL, NULL, "D n:int@3P", NULL), "'D' 0A12FC",
                   "n: no packed number: digits, and in the last half byte C, D or F: X'0A12FC'");
  mainframe_reason(mainframe_conf(NULL, NULL, "D n:int@3PU", NULL), "'D' 00123C",
                   "n: no packed number: digits, and in the last half byte F, as it is unsigned: X'00123C'");
  mainframe_reason(mainframe_conf(NULL, NULL, "D n:int*@3P", NULL), "'D' 0A12FC",
                   "n: no packed number: digits, and in the last half byte C, D or F");
}

static void numbers_beyond_64_bits_are_told_and_not_cut(void **state) {
  (void)state;
  mainframe_check(mainframe_conf(NULL, NULL, "D n:int@16P", NULL),
                  "'D' 0000000000009223372036854775807C 'D' 0000000000009223372036854775808C "
                  "'D' 0000000000009223372036854775808D 'D' 9999999999999999999999999999999D",
                  "1 D 9223372036854775807\n2 L014 0\n3 D -9223372036854775808\n4 L014 0\n= 4 lines, 4 records, ok\n");
}

static void binary_numbers_have_their_highest_byte_first(void **state) {
  (void)state;
  mainframe_check(mainframe_conf(NULL, NULL, "D a:int@1B b:int@2B c:dec=2@4B d:int@8B", NULL),
                  "'D' 7F 0102 00003039 7FFFFFFFFFFFFFFF 'D' FF FFFE FFFFCFC7 8000000000000000 'D' 0A 0D0A 00000000 "
                  "0000000000000001",
                  "1 D 127 258 12345 9223372036854775807\n2 D -1 -2 -12345 -9223372036854775808\n3 D 10 3338 0 1\n"
                  "= 3 lines, 3 records, ok\n");
  mainframe_check(mainframe_conf(NULL, NULL, "D a:int@1BU d:int@8BU", NULL),
                  "'D' FF 7FFFFFFFFFFFFFFF 'D' 00 8000000000000000 'D' 40 4040404040404040",
                  "1 D 255 9223372036854775807\n2 L014 1\n3 D 64 4629771061636907072\n= 3 lines, 3 records, ok\n");
}

static void texts_and_dates_may_be_packed_and_any_bytes_hexadecimal(void **state) {
  (void)state;
  mainframe_check(mainframe_conf(NULL, NULL, "D k:text=6@4P d:date=%Y%m%d?@5P x:text@3X", NULL),
                  "'D' 0001234F 020261130F 00FF0A 'D' 0123456C 000000000F 404040 'D' 1234567F 020261130F 000000 "
                  "'D' 0001234D 020261130F 000000 'D' 0001234F 120261130F 000000 'D' 0001234F 020261131F 000000",
                  "1 D \"001234\" \"2026-11-30\" \"00FF0A\"\n2 D \"123456\" null \"404040\"\n3 L020 0\n4 L020 0\n"
                  "5 L020 1\n6 L015 1\n= 6 lines, 6 records, ok\n");
  mainframe_refused(mainframe_conf(NULL, NULL, "D d:date@6P", NULL), "like %Y%m%d");
  mainframe_refused(mainframe_conf(NULL, NULL, "D d:date=%Y%m%d@4P", NULL), "4 packed bytes have 7 digits");
}

/* Whatever stands at C0 and D0 there: letters with marks in German, braces in the United States. */
static void zones_are_read_by_their_bytes_in_each_code_page(void **state) {
  (void)state;
  static const char *const pages[] = {"IBM037", "IBM273", "IBM277", "IBM278", "IBM280", "IBM284", "IBM285", "IBM297",
                                      "IBM500", "IBM1047", "IBM1140", "IBM1141", "IBM1148"};
  for (guint i = 0; i < G_N_ELEMENTS(pages); i++)
    mainframe_check(mainframe_conf(pages[i], NULL, "D n:int@3^", NULL),
                    "C4 F0F1C0 C4 F0F1D0 C4 F1F2C3 C4 F1F2D9 C4 F1F2F3 C4 F1F2E3 C4 F1C0F1",
                    "1 D 10\n2 D -10\n3 D 123\n4 D -129\n5 D 123\n6 L012 0\n7 L012 0\n= 7 lines, 7 records, ok\n");
}

static void zones_of_ascii_machines_are_read_where_they_are_declared(void **state) {
  (void)state;
  mainframe_check(mainframe_conf(NULL, NULL, "D n:int@3Z", NULL), "'D012D01rD01pD00pD01LD01zD01o'",
                  "1 D 12\n2 D -12\n3 D -10\n4 D 0\n5 L012 0\n6 L012 0\n7 L012 0\n= 7 lines, 7 records, ok\n");
  mainframe_refused(mainframe_conf("IBM037", NULL, "D n:int@3Z", NULL), "files in ASCII");
}

/* Line ends and NULs are faults in texts alone. */
static void texts_beside_coded_fields_are_still_looked_at(void **state) {
  (void)state;
  mainframe_check(mainframe_conf(NULL, NULL, "D m:text@2 n:int@2B o:text@1", NULL),
                  "'Dab' 0A00 'x' 'D' 0A62 0000 'x' 'Dab' 0000 00 'Dab' 0001 FF 'Dab' 00",
                  "1 D \"ab\" 2560 \"x\"\n2 L007 0\n3 L002 2\n4 L001 2\n5 L009 -1\n= 5 lines, 5 records, T009 in 5\n");
  mainframe_reason(mainframe_conf(NULL, NULL, "D n:int@2B m:text@2", NULL), "'D' 0A00 'x' 0D",
                   "m: a CR or LF in a layout without line ends, byte 5 of the line");
  mainframe_reason(mainframe_conf(NULL, NULL, "D n:int@2B m:text@2", NULL), "'D' 0A00 'x' 00",
                   "m: a NUL byte, byte 5 of the line");
}

static void headers_totals_and_addenda_may_be_packed(void **state) {
  (void)state;
  ConfLayout *conf = mainframe_conf("IBM1047", "H s:int@2P x:text@3", "D k:text@2 a:dec=2@3P",
                                    "T n:int@2B#count s:dec=2@3P#sum=a");
  mainframe_check(conf, "C8 017C C1C2C3 C4 D2F1 01234C C4 D2F2 01234D C4 D2F3 0123AC E3 0003 01234C",
                  "2 D \"K1\" 1234\n3 D \"K2\" -1234\n4 L020 1\nH 1 \"017\" \"ABC\"\nT 5 \"3\" \"01234\"\n"
                  "= 5 lines, 3 records, T005 in 4\n");
  conf = mainframe_conf(NULL, NULL, "D k:text@2 a:int@2P", "T n:int@2B#count s:int@2P#sum=a");
  layouts_beside(&conf->addenda, "C b:int?@2P c:int@2P");
  mainframe_check(conf, "'DK1' 012C 'C' 2020 007D 'DK2' 013C 'C' 0A0C 001C 'T' 0002 025C",
                  "1 D \"K1\" 12 null -7 2\n3 L020 2\nT 5 \"2\" \"025\"\n= 5 lines, 2 records, ok\n");
}

/* SO and SI around characters of two bytes: what a field has of them is whole. */
static void texts_that_shift_begin_and_end_unshifted(void **state) {
  (void)state;
  mainframe_check(mainframe_conf("IBM1388", NULL, "D m:text@7 n:int@2P", NULL),
                  "C4 0E4DB90FC14040 012C C4 C14040 0E4DB90F 012C C4 0E4DB940404040 012C C4 0E4D0F40404040 012C "
                  "C4 0FC14040404040 012C C4 0E0FC140404040 012C",
                  "1 D \"\346\261\211A\" 12\n2 D \"A  \346\261\211\" 12\n3 L008 0\n4 L001 0\n5 L001 0\n6 D \"A\" 12\n"
                  "= 6 lines, 6 records, ok\n");
  ConfLayout *conf = mainframe_conf("IBM935", NULL, "D m:text@7", NULL);
  conf->line_end = CONF_LINE_END_LF;
  mainframe_refused(conf, "without line ends only");
}

static void what_is_written_reads_the_same(void **state) {
  (void)state;
  static const struct {
    ConfField field;
    const char *text;
    gsize bytes;
    const char *written; /* NULL: it does not fit */
  } cases[] = {
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_PACKED}, "-123", 3, "00123D"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_PACKED}, "12345", 3, "12345C"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_PACKED}, "123456", 3, NULL},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_PACKED, .sign = CONF_SIGN_UNSIGNED}, "12", 2, "012F"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_PACKED, .sign = CONF_SIGN_UNSIGNED}, "-12", 2, NULL},
      {{.type = CONF_TEXT, .usage = CONF_USAGE_PACKED}, "0012", 3, "00012F"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_BINARY}, "-2", 2, "FFFE"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_BINARY}, "32767", 2, "7FFF"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_BINARY}, "-32768", 2, "8000"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_BINARY}, "32768", 2, NULL},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_BINARY}, "-9223372036854775808", 8, "8000000000000000"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_BINARY, .sign = CONF_SIGN_UNSIGNED}, "65535", 2, "FFFF"},
      {{.type = CONF_INTEGER, .usage = CONF_USAGE_BINARY, .sign = CONF_SIGN_UNSIGNED}, "-1", 2, NULL},
      {{.type = CONF_TEXT, .usage = CONF_USAGE_HEX}, "00FF", 2, "00FF"},
      {{.type = CONF_TEXT, .usage = CONF_USAGE_HEX}, "0G", 1, NULL},
      {{.type = CONF_INTEGER, .sign = CONF_SIGN_OVERPUNCH, .pad = '0'}, "12}", 4, "F0F1F2D0"},
      {{.type = CONF_INTEGER, .sign = CONF_SIGN_OVERPUNCH, .pad = ' '}, "12C", 4, "40F1F2C3"},
      {{.type = CONF_INTEGER, .sign = CONF_SIGN_OVERPUNCH, .pad = '0'}, "123", 3, "F1F2F3"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    guint8 bytes[8] = {0};
    g_autoptr(GByteArray) wanted = mainframe_bytes(cases[i].written ? cases[i].written : "");
    gboolean fits = coded_write(&cases[i].field, cases[i].text, strlen(cases[i].text), bytes, cases[i].bytes);
    if (fits != !!cases[i].written || (fits && memcmp(bytes, wanted->data, wanted->len) != 0))
      fail_msg("%s in %zu bytes: %02X%02X%02X%02X", cases[i].text, cases[i].bytes, bytes[0], bytes[1], bytes[2],
               bytes[3]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(packed_numbers_are_read_with_their_sign),
                                     cmocka_unit_test(what_is_no_packed_number_is_told_with_its_bytes),
                                     cmocka_unit_test(numbers_beyond_64_bits_are_told_and_not_cut),
                                     cmocka_unit_test(binary_numbers_have_their_highest_byte_first),
                                     cmocka_unit_test(texts_and_dates_may_be_packed_and_any_bytes_hexadecimal),
                                     cmocka_unit_test(zones_are_read_by_their_bytes_in_each_code_page),
                                     cmocka_unit_test(zones_of_ascii_machines_are_read_where_they_are_declared),
                                     cmocka_unit_test(texts_beside_coded_fields_are_still_looked_at),
                                     cmocka_unit_test(headers_totals_and_addenda_may_be_packed),
                                     cmocka_unit_test(texts_that_shift_begin_and_end_unshifted),
                                     cmocka_unit_test(what_is_written_reads_the_same)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
