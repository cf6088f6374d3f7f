#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/records/charset.h"
#include <string.h>
#include <cmocka.h>

/* Bytes that look like text now and then: ASCII, leads, trails, whole characters. */
static gsize make_bytes(GRand *random, guint8 *bytes, gsize most) {
  static const char *const pieces[] = {"abc",
                                       "|",
                                       "\272\272",
                                       "\201|",
                                       "\201\060\201\060",
                                       "\303\251",
                                       "\346\261\211",
                                       "\360\237\230\200",
                                       "\355\240\200",
                                       "\300\200",
                                       "\"",
                                       "\216\241",
                                       "\217\242\241"};
  gsize n = 0;
  while (n + 8 < most && g_rand_int_range(random, 0, 20) > 0) {
    if (g_rand_int_range(random, 0, 4) == 0) {
      bytes[n++] = (guint8)g_rand_int_range(random, 1, 256);
      continue;
    }
    const char *piece = pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))];
    memcpy(bytes + n, piece, strlen(piece));
    n += strlen(piece);
  }
  return n;
}

static void utf8_is_what_glib_holds_for_utf8(void **state) {
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  guint8 bytes[200];
  for (int round = 0; round < 200000; round++) {
    gsize n = make_bytes(random, bytes, sizeof bytes);
    const char *end = NULL;
    gboolean valid = g_utf8_validate_len((const char *)bytes, n, &end);
    gssize bad = charset_check_utf8(bytes, n);
    assert_int_equal(bad, valid ? -1 : (const guint8 *)end - bytes);
  }
}

static void decoding_by_runs_is_decoding_the_whole(void **state) {
  (void)state;
  static const char *const names[] = {"GB18030",    "GBK",        "GB2312", "BIG5",   "BIG5-HKSCS",
                                      "SHIFT_JIS",  "CP932",      "EUC-JP", "EUC-KR", "EUC-TW",
                                      "ISO-8859-1", "ISO-8859-5", "CP1258", "KOI8-R", "ASCII"};
  g_autoptr(GRand) random = g_rand_new_with_seed(2);
  g_autoptr(GByteArray) by_runs = g_byte_array_new(), whole = g_byte_array_new();
  guint8 bytes[200];
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    GError *error = NULL;
    Charset *charset = charset_new(names[i], &error);
    if (!charset)
      fail_msg("%s", error->message);
    CharsetConverter *decoder = charset_decoder_new(charset);
    for (int round = 0; round < 20000; round++) {
      gsize n = make_bytes(random, bytes, sizeof bytes);
      g_byte_array_set_size(by_runs, 0);
      g_byte_array_set_size(whole, 0);
      gssize bad = charset_decode(charset, decoder, bytes, n, by_runs),
             bad_whole = charset_convert(decoder, bytes, n, whole);
      if (bad != bad_whole || (bad < 0 && (by_runs->len != whole->len ||
                                           (whole->len > 0 && memcmp(by_runs->data, whole->data, whole->len) != 0))))
        fail_msg("%s: %zd instead of %zd, %u bytes instead of %u", names[i], bad, bad_whole, by_runs->len, whole->len);
    }
    charset_converter_free(decoder);
    charset_free(charset);
  }
}

/* The sets that the manual names, and their like. For each: every byte and every pair of bytes is read as iconv reads
 * it, and what makes the structure of a line (LF, CR, a quote, a blank, NUL) is never the second byte of a character.
 */
static void no_second_byte_is_a_line_end_or_a_quote(void **state) {
  (void)state;
  static const char *const names[] = {
      "GB18030",      "GBK",          "GB2312",       "CP936",        "BIG5",       "BIG5-HKSCS",  "CP950",
      "EUC-TW",       "SHIFT_JIS",    "CP932",        "EUC-JP",       "EUC-KR",     "CP949",       "JOHAB",
      "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-5",   "ISO-8859-7",   "ISO-8859-9", "ISO-8859-15", "WINDOWS-1250",
      "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1255", "WINDOWS-1258", "KOI8-R",     "KOI8-U",      "CP437",
      "CP850",        "CP866",        "TIS-620",      "MACINTOSH",    "ASCII"};
  g_autoptr(GByteArray) decoded = g_byte_array_new(), whole = g_byte_array_new();
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    GError *error = NULL;
    Charset *charset = charset_new(names[i], &error);
    if (!charset)
      fail_msg("%s", error->message);
    assert_true(charset_check_structural(charset, NULL));
    CharsetConverter *decoder = charset_decoder_new(charset);
    for (guint pair = 0; pair < 0x10000; pair++) {
      const guint8 bytes[] = {(guint8)(pair >> 8), (guint8)pair};
      g_byte_array_set_size(decoded, 0);
      g_byte_array_set_size(whole, 0);
      gssize bad = charset_decode(charset, decoder, bytes, 2, decoded),
             bad_whole = charset_convert(decoder, bytes, 2, whole);
      if (bad != bad_whole || decoded->len != whole->len ||
          (whole->len > 0 && memcmp(decoded->data, whole->data, whole->len) != 0))
        fail_msg("%s: %02x %02x is not what iconv reads", names[i], bytes[0], bytes[1]);
      guint characters = 0;
      for (guint at = 0; at < decoded->len; at++)
        characters += (decoded->data[at] & 0xc0) != 0x80;
      gboolean is_one = bad < 0 && characters == 1;
      if (is_one && bytes[0] >= 0x80 && bytes[1] < 0x30)
        fail_msg("%s: %02x %02x is a character", names[i], bytes[0], bytes[1]);
      if (is_one && bytes[0] >= 0x80 && bytes[1] < 0x80 && !charset->lead[bytes[0]] && charset->table)
        fail_msg("%s: %02x is no lead", names[i], bytes[0]);
    }
    charset_converter_free(decoder);
    charset_free(charset);
  }
}

static void sets_of_other_structure_are_refused(void **state) {
  (void)state;
  static const char *const refused[] = {
      "UTF-16",  "UTF-16LE", "UTF-32", "UTF-7",           "ISO-2022-JP", "ISO-2022-KR", "ISO-2022-CN",  "T.61",
      "ISO-2022-CN-EXT", "nonsense",    "GBK//IGNORE", "GBK//TRANSLIT"};
  for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autoptr(GError) error = NULL;
    if (charset_new(refused[i], &error))
      fail_msg("%s is taken", refused[i]);
    assert_int_equal(error->code, SALLYPORT_ERROR_CONFIGURATION);
  }
  static const char *const ebcdic[] = {"IBM037", "IBM1047", "IBM500", "IBM273", "IBM284", "IBM1140",
                                       "IBM930", "IBM933",  "IBM935", "IBM937", "IBM939", "IBM1364",
                                       "IBM1371", "IBM1388", "IBM1390", "IBM1399"};
  for (guint i = 0; i < G_N_ELEMENTS(ebcdic); i++) {
    Charset *charset = charset_new(ebcdic[i], NULL);
    assert_non_null(charset);
    assert_false(charset_check_structural(charset, NULL));
    assert_int_equal(charset->blank, 0x40);
    assert_true(charset->has_zones);
    assert_int_equal(charset->is_shifting, i >= 6);
    assert_true(charset->is_line_end[0x0d] && charset->is_line_end[0x25] && !charset->is_line_end[0x0a]);
    charset_free(charset);
  }
}

static void what_is_decoded_encodes_to_the_same_bytes(void **state) {
  (void)state;
  static const struct {
    const char *name, *bytes, *utf8;
  } cases[] = {{"IBM1388", "\016\115\271\017\301", "\346\261\211A"},
               {"GB18030", "\272\272\327\326 a", "\346\261\211\345\255\227 a"},
               {"GBK", "\201\174", "\344\272\205"},
               {"BIG5", "\272\176", "\346\274\242"},
               {"SHIFT_JIS", "\212\277", "\346\274\242"},
               {"ISO-8859-1", "\351", "\303\251"},
               {"EUC-KR", "\307\321", "\355\225\234"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Charset *charset = charset_new(cases[i].name, NULL);
    CharsetConverter *decoder = charset_decoder_new(charset), *encoder = charset_encoder_new(charset);
    g_autoptr(GByteArray) utf8 = g_byte_array_new(), bytes = g_byte_array_new();
    assert_int_equal(charset_decode(charset, decoder, (const guint8 *)cases[i].bytes, strlen(cases[i].bytes), utf8),
                     -1);
    assert_int_equal(utf8->len, strlen(cases[i].utf8));
    assert_memory_equal(utf8->data, cases[i].utf8, utf8->len);
    assert_int_equal(charset_convert(encoder, utf8->data, utf8->len, bytes), -1);
    assert_int_equal(bytes->len, strlen(cases[i].bytes));
    assert_memory_equal(bytes->data, cases[i].bytes, bytes->len);
    charset_converter_free(decoder);
    charset_converter_free(encoder);
    charset_free(charset);
  }
}

/* As glibc 2.36 converts them. utf8 NULL: refused; later editions read it as `replaced`, which cannot be written. */
static const struct {
  const char *bytes, *utf8, *replaced;
} editions[] = {
    {"\xfe\x51", "\U00020087", "\ue816"}, {"\xfe\x52", "\U00020089", "\ue817"}, {"\xfe\x53", "\U000200cc", "\ue818"},
    {"\xfe\x6c", "\U000215d7", "\ue831"}, {"\xfe\x76", "\U0002298f", "\ue83b"}, {"\xfe\x91", "\U000241fe", "\ue855"},
    {"\x82\x35\x90\x37", NULL, "\ue81e"}, {"\x82\x35\x90\x38", NULL, "\ue826"}, {"\x82\x35\x90\x39", NULL, "\ue82b"},
    {"\x82\x35\x91\x30", NULL, "\ue82c"}, {"\x82\x35\x91\x31", NULL, "\ue832"}, {"\x82\x35\x91\x32", NULL, "\ue843"},
    {"\x82\x35\x91\x33", NULL, "\ue854"}, {"\x82\x35\x91\x34", NULL, "\ue864"}, {"\x84\x31\x82\x36", NULL, "\ue78d"},
    {"\x84\x31\x82\x37", NULL, "\ue78f"}, {"\x84\x31\x82\x38", NULL, "\ue78e"}, {"\x84\x31\x82\x39", NULL, "\ue790"},
    {"\x84\x31\x83\x30", NULL, "\ue791"}, {"\x84\x31\x83\x31", NULL, "\ue792"}, {"\x84\x31\x83\x32", NULL, "\ue793"},
    {"\x84\x31\x83\x33", NULL, "\ue794"}, {"\x84\x31\x83\x34", NULL, "\ue795"}, {"\x84\x31\x83\x35", NULL, "\ue796"}};

static void assert_converts(gssize bad, const GByteArray *into, gssize bad_at, const char *before, const char *wanted,
                            const char *behind) {
  g_autofree char *whole = g_strconcat(before, bad_at < 0 ? wanted : "", bad_at < 0 ? behind : "", NULL);
  assert_int_equal(bad, bad_at);
  assert_int_equal(into->len, strlen(whole));
  assert_memory_equal(into->data, whole, into->len);
}

/* Alone and between others. The last of them has two spellings in GB18030, and is not written back. */
static void check_edition(const Charset *charset, guint e) {
  static const struct {
    const char *bytes, *utf8;
  } around[] = {{"", ""},
                {"a|", "a|"},
                {"\xba\xba", "\u6c49"},
                {"\x81\x30\x81\x30", "\302\200"},
                {"\x95\x32\x90\x33", "\U00020089"}};
  const char *bytes = editions[e].bytes, *written[] = {editions[e].utf8, editions[e].replaced};
  CharsetConverter *decoder = charset_decoder_new(charset), *encoder = charset_encoder_new(charset);
  g_autoptr(GByteArray) into = g_byte_array_new();
  for (guint a = 0; a < G_N_ELEMENTS(around); a++) {
    const char *beside = around[a].bytes, *beside_utf8 = around[a].utf8;
    g_autofree char *text = g_strconcat(beside, bytes, beside, NULL);
    g_byte_array_set_size(into, 0);
    assert_converts(charset_decode(charset, decoder, (const guint8 *)text, strlen(text), into), into,
                    editions[e].utf8 ? -1 : (gssize)strlen(beside), beside_utf8, editions[e].utf8, beside_utf8);
    for (guint w = 0; w < 2 && a < 4; w++) {
      if (!written[w])
        continue;
      g_autofree char *wide = g_strconcat(beside_utf8, written[w], beside_utf8, NULL);
      g_byte_array_set_size(into, 0);
      assert_converts(charset_convert(encoder, (const guint8 *)wide, strlen(wide), into), into,
                      w == 0 ? -1 : (gssize)strlen(beside_utf8), beside, bytes, beside);
    }
  }
  charset_converter_free(decoder);
  charset_converter_free(encoder);
}

static void what_the_editions_of_gb18030_differ_in_is_as_glibc_2_36_has_it(void **state) {
  (void)state;
  static const char *const names[] = {"GB18030", "gb18030", "Gb18030"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    Charset *charset = charset_new(names[i], NULL);
    for (guint e = 0; e < G_N_ELEMENTS(editions); e++)
      check_edition(charset, e);
    charset_free(charset);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(utf8_is_what_glib_holds_for_utf8),
      cmocka_unit_test(decoding_by_runs_is_decoding_the_whole),
      cmocka_unit_test(no_second_byte_is_a_line_end_or_a_quote),
      cmocka_unit_test(sets_of_other_structure_are_refused),
      cmocka_unit_test(what_is_decoded_encodes_to_the_same_bytes),
      cmocka_unit_test(what_the_editions_of_gb18030_differ_in_is_as_glibc_2_36_has_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
