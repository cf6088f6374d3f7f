/* The outline of hand-made messages. */
#include "crypto/outline.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static GByteArray *bytes(void) {
  return g_byte_array_new();
}

static void add(GByteArray *message, const char *text, guint length) {
  g_byte_array_append(message, (const guint8 *)text, length);
}

static void fill(GByteArray *message, guint length) {
  for (guint i = 0; i < length; i++)
    add(message, "\x5a", 1);
}

#define PKESK "\xc1\x05\x03keys"
#define PKESK_LENGTH 7

/* One recipient and an MDC body in two parts: 1 + 511 octets, then 40. */
static GByteArray *whole_message(void) {
  GByteArray *message = bytes();
  add(message, PKESK, PKESK_LENGTH);
  add(message, "\xd2\xe9\x01", 3);
  fill(message, 511);
  add(message, "\x28", 1);
  fill(message, 40);
  return message;
}

static Outline outline_of(GByteArray *message, guint piece) {
  Outline outline;
  outline_init(&outline);
  for (guint at = 0; at < message->len; at += piece)
    outline_feed(&outline, message->data + at, MIN(piece, message->len - at));
  outline_end(&outline);
  return outline;
}

static void assert_whole(const Outline *outline) {
  assert_int_equal(outline->body, OUTLINE_MDC);
  assert_int_equal(outline->public_key_sessions, 1);
  assert_true(outline->complete);
  assert_false(outline->beside);
  assert_false(outline->malformed);
}

static void a_whole_message_is_complete_in_any_pieces(void **state) {
  g_autoptr(GByteArray) message = whole_message();
  (void)state;
  for (guint piece = 1; piece <= message->len; piece++) {
    Outline outline = outline_of(message, piece);
    assert_whole(&outline);
    assert_int_equal(outline.form, OUTLINE_BINARY);
  }
}

static void a_message_cut_anywhere_is_incomplete(void **state) {
  g_autoptr(GByteArray) message = whole_message();
  (void)state;
  while (message->len > 1) {
    g_byte_array_set_size(message, message->len - 1);
    Outline outline = outline_of(message, 64);
    assert_false(outline.complete);
    assert_false(outline.beside);
    assert_int_equal(outline.form, OUTLINE_BINARY);
  }
}

static void a_byte_after_the_message_stands_beside_it(void **state) {
  g_autoptr(GByteArray) message = whole_message();
  (void)state;
  add(message, "\n", 1);
  Outline outline = outline_of(message, 100);
  assert_true(outline.complete);
  assert_true(outline.beside);
}

static void every_form_of_length_is_read(void **state) {
  static const struct {
    const char *header;
    guint header_length, body;
  } forms[] = {
      {"\xd2\x0a\x01", 3, 9},                    /* one octet */
      {"\xd2\xc0\x00\x01", 4, 191},              /* two: 192 */
      {"\xd2\xdf\xff\x01", 4, 8382},             /* two: 8383 */
      {"\xd2\xff\x00\x00\x20\xc0\x01", 7, 8383}, /* five: 8384 */
      {"\xd2\xe0\x01\x09", 4, 9},                /* a part of one octet, then nine */
      {"\xd2\xe0\x01\x00", 4, 0},                /* a part of one octet, then an empty one */
      {"\xd2\xe1\x01\x00\xff\x00\x00\x00\x02", 9, 2},
      {"\xd4\x0a\x01", 3, 9}, /* OCB */
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
    g_autoptr(GByteArray) message = bytes();
    add(message, PKESK, PKESK_LENGTH);
    add(message, forms[i].header, forms[i].header_length);
    fill(message, forms[i].body);
    for (guint piece = 1; piece < 20; piece++) {
      Outline outline = outline_of(message, piece);
      assert_true(outline.complete);
      assert_false(outline.beside);
    }
    add(message, "\x00", 1);
    Outline longer = outline_of(message, 50);
    assert_true(longer.beside);
    g_byte_array_set_size(message, message->len - 2);
    Outline shorter = outline_of(message, 50);
    assert_false(shorter.complete);
  }
}

static void old_packet_headers_are_read(void **state) {
  g_autoptr(GByteArray) message = bytes();
  (void)state;
  add(message, "\x85\x00\x05\x03keys", 8); /* PKESK, two octets of length */
  add(message, "\x84\x02\x03k", 4);
  add(message, "\x86\x00\x00\x00\x02\x03k", 7);
  add(message, "\xd2\x03\x01mm", 5);
  Outline outline = outline_of(message, 3);
  assert_int_equal(outline.public_key_sessions, 3);
  assert_true(outline.complete);
  assert_false(outline.malformed);
}

static Outline outline_of_text(const char *text, guint length) {
  g_autoptr(GByteArray) message = bytes();
  add(message, text, length);
  return outline_of(message, 4);
}

static void what_is_no_message_is_foreign(void **state) {
  static const struct {
    const char *text;
    guint length;
  } cases[] = {
      {"H|ACME|20240601\nD|1|2\n", 22},
      {"PK\x03\x04zip", 7},
      {"\x1f\x8b\x08gzip", 7},
      {"\xef\xbb\xbfH|1\n", 7},
      {"\xd6\xd0\xce\xc4\xbb\xfd\xb7\xd6", 8} /* GB18030 */,
      {"\xff\xfe<\x00", 4},
      {"\x00\x00\x00\x00", 4},
      {"\xc1\x05\x09keys", 7},
      {"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabcd\n", 43},
      {"-----BEGIN CERTIFICATE-----\n", 28},
      {"\n\n\n", 3},
      {"{\"a\":1}", 7},
      {"\x99\x01\x0d\x04public key", 14},
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Outline outline = outline_of_text(cases[i].text, cases[i].length);
    assert_int_equal(outline.form, OUTLINE_FOREIGN);
  }
  Outline empty = outline_of_text("", 0);
  assert_int_equal(empty.form, OUTLINE_EMPTY);
}

static void what_is_not_encrypted_is_clear(void **state) {
  static const struct {
    const char *text;
    guint length;
  } cases[] = {
      {"\x90\x0d\x03\x00\x0a\x16keyidxxx\x01", 15},
      {"\xa3\x01zlib", 6},
      {"\xcb\x05"
       "b\x00"
       "abc",
       7},
      {"\x88\x05\x04sign", 7},
      {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nabc\n", 53},
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Outline outline = outline_of_text(cases[i].text, cases[i].length);
    assert_int_equal(outline.body, OUTLINE_CLEAR);
    assert_int_not_equal(outline.form, OUTLINE_FOREIGN);
  }
}

static void kinds_of_bodies_and_sessions_are_told_apart(void **state) {
  (void)state;
  Outline outline = outline_of_text(PKESK "\xc9\x03"
                                          "abc",
                                    PKESK_LENGTH + 5);
  assert_int_equal(outline.body, OUTLINE_UNPROTECTED);
  outline = outline_of_text(PKESK "\xa7"
                                  "abc",
                            PKESK_LENGTH + 4); /* old header without a length */
  assert_int_equal(outline.body, OUTLINE_UNPROTECTED);
  assert_true(outline.complete);
  outline = outline_of_text(PKESK "\xd2\x03\x02"
                                  "ab",
                            PKESK_LENGTH + 5);
  assert_int_equal(outline.body, OUTLINE_AEAD_RFC9580);
  outline = outline_of_text("\xc3\x04\x04\x09\x03\x08\xd2\x03\x01"
                            "ab",
                            11);
  assert_int_equal(outline.passphrase_sessions, 1);
  assert_int_equal(outline.public_key_sessions, 0);
  outline = outline_of_text("\xca\x03PGP" PKESK "\xd2\x03\x01"
                            "ab",
                            5 + PKESK_LENGTH + 5); /* marker */
  assert_true(outline.complete);
  assert_false(outline.malformed);
}

/* A session key for X25519: 263 bits that begin with 0x40, the top bit of the last octet zero, then the wrapped key.
 * How
 * the point is spelled within its octets is gpg's to read. */
static void a_curve_point_has_to_lie_within_its_packet(void **state) {
  static const struct {
    guint at;
    guint8 octet;
    gboolean taken;
  } cases[] = {
      {0, 0xc1, TRUE},  {12, 0x03, FALSE}, {13, 0x06, TRUE}, {13, 0x08, TRUE},  {14, 0x00, TRUE},
      {14, 0x41, TRUE}, {46, 0x80, TRUE},  {46, 0x7f, TRUE}, {12, 0x00, FALSE}, {11, 0x10, TRUE},
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    for (guint piece = 1; piece < 60; piece += 7) {
      g_autoptr(GByteArray) message = bytes();
      add(message, "\xc1\x5e\x03keyidxxx\x12\x01\x07\x40", 15);
      fill(message, 31);
      add(message, "\x55\x30", 2);
      fill(message, 48);
      add(message, "\xd2\x03\x01mm", 5);
      assert_int_equal(message->len, 96 + 5);
      message->data[cases[i].at] = cases[i].octet;
      Outline outline = outline_of(message, piece);
      assert_int_equal(!outline.malformed, cases[i].taken);
    }
  }
}

/* A session key for RSA with 2048 bits: any count of bits that comes to octets which are there. */
static void a_number_may_have_leading_zeros_but_has_to_lie_within_its_packet(void **state) {
  static const struct {
    guint top, high, low;
    gboolean taken;
  } cases[] = {
      {0x80, 0x08, 0x00, TRUE},  {0x40, 0x07, 0xff, TRUE},  {0x01, 0x07, 0xf9, TRUE},  {0x40, 0x08, 0x00, TRUE},
      {0x00, 0x08, 0x00, TRUE},  {0x40, 0x07, 0xfe, TRUE},  {0x80, 0x07, 0xff, TRUE},  {0x01, 0x07, 0xfb, TRUE},
      {0x00, 0x07, 0xf8, TRUE},  {0x00, 0x07, 0xfd, TRUE},  {0x40, 0x07, 0xfd, TRUE},  {0x40, 0x0f, 0xff, FALSE},
      {0x80, 0x00, 0x00, FALSE}, {0x40, 0x00, 0x07, FALSE},
  };
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const char start[] = {'\x85',
                          '\x01',
                          '\x0c',
                          '\x03',
                          'k',
                          'e',
                          'y',
                          'i',
                          'd',
                          'x',
                          'x',
                          'x',
                          '\x01',
                          (char)cases[i].high,
                          (char)cases[i].low,
                          (char)cases[i].top};
    g_autoptr(GByteArray) message = bytes();
    add(message, start, sizeof start);
    fill(message, 255);
    add(message, "\xd2\x03\x01mm", 5);
    Outline outline = outline_of(message, 1 + i);
    assert_int_equal(!outline.malformed, cases[i].taken);
    assert_int_equal(outline.complete, cases[i].taken);
  }
}

/* RFC 4880 §6.1, bit by bit. */
static char *checksum_of(const GByteArray *message) {
  guint32 sum = 0xb704ce;
  for (guint i = 0; i < message->len; i++) {
    sum ^= (guint32)message->data[i] << 16;
    for (int bit = 0; bit < 8; bit++)
      sum = sum & 0x800000 ? (sum << 1 ^ 0x864cfb) & 0xffffff : sum << 1;
  }
  const guint8 octets[] = {(guint8)(sum >> 16), (guint8)(sum >> 8), (guint8)sum};
  return g_base64_encode(octets, sizeof octets);
}

static char *armored(GByteArray *message, guint width, const char *newline) {
  g_autofree char *base64 = g_base64_encode(message->data, message->len);
  GString *text = g_string_new("-----BEGIN PGP MESSAGE-----");
  g_string_append_printf(text, "%sComment: x%s%s", newline, newline, newline);
  for (gsize at = 0; at < strlen(base64); at += width)
    g_string_append_printf(text, "%.*s%s", (int)width, base64 + at, newline);
  g_autofree char *sum = checksum_of(message);
  g_string_append_printf(text, "=%.4s%s-----END PGP MESSAGE-----%s", sum, newline, newline);
  return g_string_free(text, FALSE);
}

static void armor_of_any_padding_is_read(void **state) {
  (void)state;
  for (guint extra = 0; extra < 3; extra++) {
    g_autoptr(GByteArray) message = bytes();
    add(message, PKESK, PKESK_LENGTH);
    add(message, extra == 0 ? "\xd2\x09\x01" : extra == 1 ? "\xd2\x0a\x01" : "\xd2\x0b\x01", 3);
    fill(message, 8 + extra);
    for (guint width = 4; width < 80; width += 19) {
      g_autofree char *text = armored(message, width, width % 2 ? "\n" : "\r\n");
      Outline outline = outline_of_text(text, (guint)strlen(text));
      assert_int_equal(outline.form, OUTLINE_ARMOR);
      assert_whole(&outline);
      Outline unended = outline_of_text(text, (guint)strlen(g_strchomp(text))); /* no newline at the end */
      assert_whole(&unended);
    }
  }
}

static void a_cut_or_doubled_armor_is_seen(void **state) {
  g_autoptr(GByteArray) message = whole_message();
  g_autofree char *text = armored(message, 64, "\n");
  g_autofree char *twice = g_strconcat(text, text, NULL);
  (void)state;
  for (guint length = 30; length < strlen(text) - 2; length += 7) {
    Outline outline = outline_of_text(text, length);
    assert_false(outline.complete);
  }
  Outline doubled = outline_of_text(twice, (guint)strlen(twice));
  assert_true(doubled.beside);
}

static void a_wrong_checksum_is_seen_and_a_missing_one_is_not_missed(void **state) {
  g_autoptr(GByteArray) message = whole_message();
  g_autofree char *text = armored(message, 64, "\n");
  char *sum = strstr(text, "\n=") + 2;
  (void)state;
  sum[1] = sum[1] == 'A' ? 'B' : 'A';
  Outline wrong = outline_of_text(text, (guint)strlen(text));
  assert_true(wrong.malformed);
  memmove(sum - 1, strchr(sum, '\n') + 1, strlen(strchr(sum, '\n')));
  Outline missing = outline_of_text(text, (guint)strlen(text));
  assert_whole(&missing);
}

static void what_the_armor_stands_for_is_handed_out(void **state) {
  g_autoptr(GByteArray) message = whole_message(), decoded = g_byte_array_new();
  g_autofree char *text = armored(message, 60, "\r\n");
  (void)state;
  for (gsize piece = 1; piece < 90; piece += 11) {
    Outline outline;
    outline_init(&outline);
    g_byte_array_set_size(decoded, 0);
    for (gsize at = 0; at < strlen(text); at += piece) {
      guint8 bytes[100];
      gsize length = MIN(piece, strlen(text) - at);
      gsize count = outline_feed_decoding(&outline, (const guint8 *)text + at, length, bytes);
      assert_true(count <= length);
      g_byte_array_append(decoded, bytes, (guint)count);
    }
    outline_end(&outline);
    assert_whole(&outline);
    assert_int_equal(decoded->len, message->len);
    assert_memory_equal(decoded->data, message->data, message->len);
  }
}

/* As gpg reads them: indented lines, no empty line behind the frame, with a header or without, in lines of any width.
 * */
static void armor_is_read_as_gpg_reads_it(void **state) {
  g_autoptr(GByteArray) message = whole_message();
  (void)state;
  for (guint width = 4; width < 400; width += 36) {
    g_autofree char *text = armored(message, width, "\n");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) indented = g_string_new(lines[0]), tight = g_string_new(lines[0]),
                       headed = g_string_new(lines[0]);
    for (guint i = 1; lines[i]; i++) {
      g_string_append_printf(indented, "\n \t%s", lines[i]);
      if (*lines[i] && i != 1)
        g_string_append_printf(tight, "\n%s", lines[i]);
      if (*lines[i])
        g_string_append_printf(headed, "\n%s", lines[i]);
    }
    Outline one = outline_of_text(indented->str, (guint)indented->len);
    assert_whole(&one);
    Outline two = outline_of_text(tight->str, (guint)tight->len);
    assert_whole(&two);
    Outline three = outline_of_text(headed->str, (guint)headed->len);
    assert_whole(&three);
  }
  Outline frame = outline_of_text(" -----BEGIN PGP MESSAGE-----\n\nabcd\n", 36);
  assert_int_equal(frame.form, OUTLINE_FOREIGN); /* gpg finds no armour here */
}

static void random_bytes_never_overrun(void **state) {
  GRand *random = g_rand_new_with_seed(7);
  (void)state;
  for (guint i = 0; i < 20000; i++) {
    g_autoptr(GByteArray) message = bytes();
    guint length = (guint)g_rand_int_range(random, 0, 300);
    if (i % 3 == 0)
      add(message, "-----BEGIN PGP MESSAGE-----\n\n", 29);
    for (guint at = 0; at < length; at++) {
      guint8 octet = (guint8)g_rand_int(random);
      g_byte_array_append(message, &octet, 1);
    }
    Outline outline = outline_of(message, 1 + i % 97);
    assert_true(outline.form <= OUTLINE_ARMOR && outline.body <= OUTLINE_AEAD_RFC9580);
  }
  g_rand_free(random);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_message_is_complete_in_any_pieces),
      cmocka_unit_test(a_message_cut_anywhere_is_incomplete),
      cmocka_unit_test(a_byte_after_the_message_stands_beside_it),
      cmocka_unit_test(every_form_of_length_is_read),
      cmocka_unit_test(old_packet_headers_are_read),
      cmocka_unit_test(what_is_no_message_is_foreign),
      cmocka_unit_test(what_is_not_encrypted_is_clear),
      cmocka_unit_test(kinds_of_bodies_and_sessions_are_told_apart),
      cmocka_unit_test(a_curve_point_has_to_lie_within_its_packet),
      cmocka_unit_test(a_number_may_have_leading_zeros_but_has_to_lie_within_its_packet),
      cmocka_unit_test(armor_of_any_padding_is_read),
      cmocka_unit_test(a_cut_or_doubled_armor_is_seen),
      cmocka_unit_test(a_wrong_checksum_is_seen_and_a_missing_one_is_not_missed),
      cmocka_unit_test(what_the_armor_stands_for_is_handed_out),
      cmocka_unit_test(armor_is_read_as_gpg_reads_it),
      cmocka_unit_test(random_bytes_never_overrun),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
