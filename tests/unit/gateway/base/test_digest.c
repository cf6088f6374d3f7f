#include "gateway/base/digest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void assert_digest(const guint8 digest[DIGEST_SHA256_SIZE], const char *expected) {
  g_autofree char *hex = digest_hex(digest, DIGEST_SHA256_SIZE);
  assert_string_equal(hex, expected);
}

static void known_digests_come_out(void **state) {
  guint8 out[DIGEST_SHA256_SIZE];
  (void)state;
  digest_sha256("abc", 3, out);
  assert_digest(out, OF_ABC);
  digest_sha256("", 0, out);
  assert_digest(out, OF_NOTHING);
}

static void a_digest_in_pieces_is_the_digest_of_the_whole(void **state) {
  guint8 out[DIGEST_SHA256_SIZE];
  Digest *digest = digest_new_sha256();
  (void)state;
  digest_update(digest, "a", 1);
  digest_update(digest, "", 0);
  digest_update(digest, "bc", 2);
  digest_finish(digest, out);
  assert_digest(out, OF_ABC);
  digest_free(digest_new_sha256());
  digest_free(NULL);
}

static int file_of(const char *text) {
  char path[] = "/tmp/sallyport-digest-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  unlink(path);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  return fd;
}

static void a_part_of_a_file_is_digested_and_the_offset_stays(void **state) {
  guint8 out[DIGEST_SHA256_SIZE];
  guint64 size = 0;
  g_autoptr(GError) error = NULL;
  int fd = file_of("xxabcyy");
  (void)state;
  lseek(fd, 5, SEEK_SET);
  assert_true(digest_file_sha256(fd, 2, 3, out, &size, &error));
  assert_digest(out, OF_ABC);
  assert_int_equal(size, 3);
  assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
  close(fd);
}

static void a_length_without_end_goes_to_the_end(void **state) {
  guint8 out[DIGEST_SHA256_SIZE];
  guint64 size = 0;
  g_autoptr(GError) error = NULL;
  int fd = file_of("abc");
  (void)state;
  assert_true(digest_file_sha256(fd, 0, G_MAXUINT64, out, &size, &error));
  assert_digest(out, OF_ABC);
  assert_int_equal(size, 3);
  assert_true(digest_file_sha256(fd, 3, G_MAXUINT64, out, NULL, &error));
  assert_digest(out, OF_NOTHING);
  close(fd);
}

static void a_file_larger_than_the_buffer_is_digested_whole(void **state) {
  guint8 of_file[DIGEST_SHA256_SIZE], of_memory[DIGEST_SHA256_SIZE];
  g_autoptr(GError) error = NULL;
  gsize length = 3 * 1024 * 1024 + 7;
  g_autofree char *text = g_malloc(length + 1);
  (void)state;
  memset(text, 'z', length);
  text[length] = '\0';
  int fd = file_of(text);
  digest_sha256(text, length, of_memory);
  assert_true(digest_file_sha256(fd, 0, G_MAXUINT64, of_file, NULL, &error));
  assert_memory_equal(of_file, of_memory, sizeof of_file);
  close(fd);
}

static void an_unreadable_descriptor_is_an_error(void **state) {
  guint8 out[DIGEST_SHA256_SIZE];
  g_autoptr(GError) error = NULL;
  (void)state;
  assert_false(digest_file_sha256(-1, 0, 1, out, NULL, &error));
  assert_non_null(error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_digests_come_out),
      cmocka_unit_test(a_digest_in_pieces_is_the_digest_of_the_whole),
      cmocka_unit_test(a_part_of_a_file_is_digested_and_the_offset_stays),
      cmocka_unit_test(a_length_without_end_goes_to_the_end),
      cmocka_unit_test(a_file_larger_than_the_buffer_is_digested_whole),
      cmocka_unit_test(an_unreadable_descriptor_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
