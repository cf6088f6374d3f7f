#include "transfer/wire/names.h"
#include "transfer/sftp/sftp_packet.h"
#include "transfer/wire/wire.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static WireBuffer buffer;

static gsize encode_get(void) {
  return wire_encode(&(WireMessage){.type = WIRE_GET, .fd = 1, .path = wire_text("/out/a"), .offset = 7, .size = 900},
                     &buffer);
}

static void a_message_decodes_to_what_was_encoded(void **state) {
  (void)state;
  WireMessage got;
  gsize length = encode_get();
  assert_true(wire_decode(buffer.bytes, length, 1, &got));
  assert_int_equal(got.type, WIRE_GET);
  assert_int_equal(got.offset, 7);
  assert_int_equal(got.size, 900);
  g_autofree char *path = wire_string(got.path);
  assert_string_equal(path, "/out/a");
}

static void a_byte_too_few_or_too_many_is_refused(void **state) {
  (void)state;
  WireMessage got;
  gsize length = encode_get();
  for (gsize cut = 0; cut < length; cut++)
    assert_false(wire_decode(buffer.bytes, cut, 1, &got));
  buffer.bytes[length] = 0;
  assert_false(wire_decode(buffer.bytes, length + 1, 1, &got));
}

static void a_descriptor_too_few_or_too_many_is_refused(void **state) {
  (void)state;
  WireMessage got;
  gsize length = encode_get();
  assert_false(wire_decode(buffer.bytes, length, 0, &got));
  assert_false(wire_decode(buffer.bytes, length, 2, &got));
}

static void unknown_types_and_fields_beyond_their_limits_are_refused(void **state) {
  (void)state;
  WireMessage got;
  g_autofree char *long_path = g_strnfill(WIRE_PATH_LIMIT + 1, 'x');
  guint8 unknown[] = {0}, beyond[] = {WIRE_TYPES}, far[] = {255};
  assert_false(wire_decode(unknown, 1, 0, &got));
  assert_false(wire_decode(beyond, 1, 0, &got));
  assert_false(wire_decode(far, 1, 0, &got));
  assert_int_equal(wire_encode(&(WireMessage){.type = WIRE_STAT, .path = wire_text(long_path)}, &buffer), 0);
  assert_int_equal(wire_encode(&(WireMessage){.type = WIRE_TYPES}, &buffer), 0);
  gsize length = wire_encode(&(WireMessage){.type = WIRE_DONE, .exists = 1}, &buffer);
  buffer.bytes[1] = 2; /* exists is 0 or 1 */
  assert_false(wire_decode(buffer.bytes, length, 0, &got));
}

static void a_descriptor_arrives_and_a_surplus_one_is_closed(void **state) {
  (void)state;
  int ends[2];
  WireMessage got;
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  assert_true(wire_send(ends[0], &(WireMessage){.type = WIRE_GET, .fd = file, .path = wire_text("a")}, NULL));
  assert_int_equal(wire_receive(ends[1], 1000, &buffer, &got), WIRE_GOT_MESSAGE);
  assert_true(got.fd >= 0 && fcntl(got.fd, F_GETFD) == FD_CLOEXEC);
  int next = got.fd;
  close(got.fd);
  gsize length = wire_encode(&(WireMessage){.type = WIRE_STAT, .fd = -1, .path = wire_text("a")}, &buffer);
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {.bytes = {0}};
  struct iovec part = {buffer.bytes, length};
  struct msghdr packet = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  control.header = (struct cmsghdr){
      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
  memcpy(CMSG_DATA(&control.header), &file, sizeof file);
  assert_int_equal(sendmsg(ends[0], &packet, 0), length);
  assert_int_equal(wire_receive(ends[1], 1000, &buffer, &got), WIRE_GOT_REFUSED);
  int again = open("/dev/null", O_RDONLY | O_CLOEXEC);
  assert_int_equal(again, next); /* the number is free again */
  assert_int_equal(wire_receive(ends[1], 0, &buffer, &got), WIRE_GOT_NOTHING);
  close(ends[0]);
  assert_int_equal(wire_receive(ends[1], 1000, &buffer, &got), WIRE_GOT_END);
  assert_false(wire_send(ends[1], &(WireMessage){.type = WIRE_STAT, .fd = -1, .path = wire_text("a")}, NULL));
  close(ends[1]);
  close(again);
  close(file);
}

static void entries_are_taken_as_they_were_packed(void **state) {
  (void)state;
  g_autoptr(GByteArray) packed = g_byte_array_new();
  wire_entry_append(
      packed, &(WireEntry){.size = 5, .modified = -1, .is_file = TRUE, .name = (const guint8 *)"ab", .name_length = 2});
  wire_entry_append(packed, &(WireEntry){.name = (const guint8 *)"c", .name_length = 1});
  guint8 digest[WIRE_DIGEST_SIZE] = {7, [31] = 9};
  wire_entry_append(packed,
                    &(WireEntry){.is_file = TRUE, .name = (const guint8 *)"d", .name_length = 1, .sha256 = digest});
  WireBytes rest = {packed->data, packed->len};
  WireEntry entry;
  gboolean bad;
  assert_true(wire_entry_take(&rest, &entry, &bad));
  assert_true(entry.size == 5 && entry.modified == -1 && entry.is_file && entry.name_length == 2);
  assert_true(wire_entry_take(&rest, &entry, &bad));
  assert_null(entry.sha256);
  assert_true(wire_entry_take(&rest, &entry, &bad));
  assert_true(entry.is_file && !entry.is_link);
  assert_memory_equal(entry.sha256, digest, sizeof digest);
  assert_false(wire_entry_take(&rest, &entry, &bad));
  assert_false(bad);
  rest = (WireBytes){packed->data, packed->len - 1};
  assert_true(wire_entry_take(&rest, &entry, &bad) && wire_entry_take(&rest, &entry, &bad));
  assert_false(wire_entry_take(&rest, &entry, &bad));
  assert_true(bad);
}

static void names_are_judged(void **state) {
  (void)state;
  g_autofree char *longest = g_strnfill(256, 'x');
  assert_int_equal(name_judge("a", 1), NAME_ACCEPTED);
  assert_int_equal(name_judge("...", 3), NAME_ACCEPTED);
  assert_int_equal(name_judge("\r\n\xff", 3), NAME_ACCEPTED);
  assert_int_equal(name_judge(longest, 255), NAME_ACCEPTED);
  assert_int_equal(name_judge(longest, 256), NAME_REFUSED);
  assert_int_equal(name_judge("", 0), NAME_REFUSED);
  assert_int_equal(name_judge("a/b", 3), NAME_REFUSED);
  assert_int_equal(name_judge("a\0b", 3), NAME_REFUSED);
  assert_int_equal(name_judge(".", 1), NAME_SKIPPED);
  assert_int_equal(name_judge("..", 2), NAME_SKIPPED);
}

static void attributes_beyond_the_packet_are_refused(void **state) {
  (void)state;
  g_autoptr(GByteArray) packet = g_byte_array_new();
  SftpAttributes attributes;
  sftp_put_number(packet, 0x8000000fu);
  sftp_put_long(packet, 77);
  for (int i = 0; i < 5; i++)
    sftp_put_number(packet, 0100644);
  sftp_put_number(packet, 1);
  sftp_put_text(packet, "name");
  sftp_put_text(packet, "value");
  for (guint length = 0; length <= packet->len; length++) {
    SftpCursor cursor = {packet->data, packet->data + length};
    assert_int_equal(sftp_take_attributes(&cursor, &attributes), length == packet->len);
  }
  assert_int_equal(attributes.size, 77);
  assert_true(sftp_is_file(&attributes, NULL, 0));
  packet->len = 0;
  sftp_put_number(packet, 0x80000000u);
  sftp_put_number(packet, 0xffffffffu);
  SftpCursor cursor = {packet->data, packet->data + packet->len};
  assert_false(sftp_take_attributes(&cursor, &attributes));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_decodes_to_what_was_encoded),
      cmocka_unit_test(a_byte_too_few_or_too_many_is_refused),
      cmocka_unit_test(a_descriptor_too_few_or_too_many_is_refused),
      cmocka_unit_test(unknown_types_and_fields_beyond_their_limits_are_refused),
      cmocka_unit_test(a_descriptor_arrives_and_a_surplus_one_is_closed),
      cmocka_unit_test(entries_are_taken_as_they_were_packed),
      cmocka_unit_test(names_are_judged),
      cmocka_unit_test(attributes_beyond_the_packet_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
