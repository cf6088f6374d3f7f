#include "transfer/sftp/kexinit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void add_number(GByteArray *to, guint32 number) {
  guint32 big = GUINT32_TO_BE(number);
  g_byte_array_append(to, (const guint8 *)&big, sizeof big);
}

/* A packet with these lists; padding of 4. */
static GByteArray *packet_of(const char *const lists[KEXINIT_LISTS]) {
  GByteArray *packet = g_byte_array_new();
  guint8 zeroes[21] = {0}, head[2] = {4, 20};
  add_number(packet, 0);
  g_byte_array_append(packet, head, sizeof head);
  g_byte_array_append(packet, zeroes, 16);
  for (guint i = 0; i < KEXINIT_LISTS; i++) {
    add_number(packet, (guint32)strlen(lists[i]));
    g_byte_array_append(packet, (const guint8 *)lists[i], (guint)strlen(lists[i]));
  }
  g_byte_array_append(packet, zeroes, 5 + 4);
  guint32 length = GUINT32_TO_BE(packet->len - 4);
  memcpy(packet->data, &length, sizeof length);
  return packet;
}

static const char *const ordinary[KEXINIT_LISTS] = {"curve25519-sha256,kex-strict-s-v00@openssh.com",
                                                    "ssh-ed25519",
                                                    "aes128-ctr",
                                                    "aes256-ctr",
                                                    "hmac-sha2-256",
                                                    "hmac-sha2-512",
                                                    "none",
                                                    "none,zlib",
                                                    "",
                                                    ""};

static void free_lists(char *lists[KEXINIT_LISTS]) {
  for (guint i = 0; i < KEXINIT_LISTS; i++)
    g_free(lists[i]);
}

static void the_lists_come_out_in_their_order(void **state) {
  (void)state;
  char *lists[KEXINIT_LISTS];
  g_autoptr(GByteArray) packet = packet_of(ordinary);
  assert_int_equal(kexinit_parse(packet->data, packet->len, lists), KEXINIT_WHOLE);
  for (guint i = 0; i < KEXINIT_LISTS; i++)
    assert_string_equal(lists[i], ordinary[i]);
  free_lists(lists);
}

static void a_packet_that_is_not_all_there_is_waited_for(void **state) {
  (void)state;
  char *lists[KEXINIT_LISTS];
  g_autoptr(GByteArray) packet = packet_of(ordinary);
  for (guint cut = 0; cut < packet->len; cut++)
    assert_int_equal(kexinit_parse(packet->data, cut, lists), KEXINIT_MORE);
}

static void a_packet_that_is_none_is_refused(void **state) {
  (void)state;
  char *lists[KEXINIT_LISTS];
  /* lengths, the type, and a list that reaches beyond its packet; each alone */
  static const struct {
    guint at;
    guint8 byte;
  } wrong[] = {{0, 1}, {4, 255}, {5, 21}, {22, 1}, {25, 200}};
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GByteArray) packet = packet_of(ordinary);
    packet->data[wrong[i].at] = wrong[i].byte;
    if (kexinit_parse(packet->data, packet->len, lists) != KEXINIT_WRONG)
      fail_msg("byte %u as %u is taken", wrong[i].at, wrong[i].byte);
  }
  const char *odd[KEXINIT_LISTS];
  memcpy(odd, ordinary, sizeof odd);
  odd[2] = "aes\x1b[2J";
  g_autoptr(GByteArray) packet = packet_of(odd);
  assert_int_equal(kexinit_parse(packet->data, packet->len, lists), KEXINIT_WRONG);
}

static void expect_banner(const char *text, KexinitGot expected, const char *banner, gsize end) {
  g_autofree char *found = NULL;
  gsize used;
  if (kexinit_banner((const guint8 *)text, strlen(text), &found, &used) != expected)
    fail_msg("%s", text);
  if (banner) {
    assert_string_equal(found, banner);
    assert_int_equal(used, end);
  }
}

static void the_banner_is_found_behind_other_lines(void **state) {
  (void)state;
  expect_banner("SSH-2.0-OpenSSH_9.2\r\nrest", KEXINIT_WHOLE, "SSH-2.0-OpenSSH_9.2", 21);
  expect_banner("Welcome\r\n*** be good ***\nSSH-2.0-x\n", KEXINIT_WHOLE, "SSH-2.0-x", 35);
  expect_banner("SSH-2.0-OpenSSH_9", KEXINIT_MORE, NULL, 0);
  expect_banner("", KEXINIT_MORE, NULL, 0);
  g_autofree char *endless = g_strnfill(3000, 'x'), *longest = g_strconcat("SSH-", endless, "\n", NULL);
  expect_banner(endless, KEXINIT_WRONG, NULL, 0);
  expect_banner(longest, KEXINIT_WRONG, NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_lists_come_out_in_their_order),
      cmocka_unit_test(a_packet_that_is_not_all_there_is_waited_for),
      cmocka_unit_test(a_packet_that_is_none_is_refused),
      cmocka_unit_test(the_banner_is_found_behind_other_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
