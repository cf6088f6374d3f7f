/* What the courier's tests share: an endpoint for a throwaway server, small files with known content, and a main() that
 * is also the courier (and the hostile server). */
#pragma once
#include "gateway/base/error.h"
#include "tests/unit/transfer/sshd.c"
#include "transfer/courier.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct {
  CourierEndpoint endpoint;
  const char *pins[3];
} TestEndpoint;

static inline CourierEndpoint *test_endpoint(TestEndpoint *made, const Sshd *sshd) {
  *made = (TestEndpoint){.pins = {sshd->ed25519, NULL, NULL}};
  made->endpoint = (CourierEndpoint){.kind = COURIER_SFTP,
                                     .name = "partner/main",
                                     .host = "127.0.0.1",
                                     .port = sshd->port,
                                     .user = sshd->user,
                                     .host_keys = made->pins,
                                     .identity_file = sshd->identity,
                                     .connect_timeout = 20,
                                     .io_timeout = 30};
  return &made->endpoint;
}

static inline Courier *test_open(const CourierEndpoint *endpoint) {
  g_autoptr(GError) error = NULL;
  Courier *courier = courier_open(endpoint, &error);
  if (!courier)
    fail_msg("open: %s", error->message);
  return courier;
}

static inline void assert_code(GError **error, SallyportErrorCode code) {
  assert_non_null(*error);
  if ((*error)->code != (int)code)
    fail_msg("%s, not %s: %s", sallyport_error_word((*error)->code), sallyport_error_word(code), (*error)->message);
  g_clear_error(error);
}

static inline void assert_fine(gboolean ok, const GError *error) {
  if (!ok)
    fail_msg("%s", error ? error->message : "failed without an error");
}

/* An unnamed file with `size` bytes that depend on their offset. */
static inline guint8 test_byte(guint64 at) {
  return (guint8)((at * 2654435761u) >> 13);
}

static inline int test_file(guint64 size) {
  char path[] = "/tmp/courier-XXXXXX";
  int fd = mkstemp(path);
  unlink(path);
  guint8 piece[65536];
  for (guint64 at = 0; at < size;) {
    gsize length = (gsize)MIN(size - at, sizeof piece);
    for (gsize i = 0; i < length; i++)
      piece[i] = test_byte(at + i);
    assert_int_equal(pwrite(fd, piece, length, (off_t)at), (ssize_t)length);
    at += length;
  }
  return fd;
}

static inline void assert_content(int fd, guint64 size) {
  guint8 piece[65536];
  struct stat about;
  assert_int_equal(fstat(fd, &about), 0);
  assert_int_equal(about.st_size, size);
  for (guint64 at = 0; at < size;) {
    ssize_t length = pread(fd, piece, sizeof piece, (off_t)at);
    assert_true(length > 0);
    for (ssize_t i = 0; i < length; i++)
      if (piece[i] != test_byte(at + (guint64)i))
        fail_msg("wrong byte at %" G_GUINT64_FORMAT, at + (guint64)i);
    at += (guint64)length;
  }
}

static inline void assert_file(const char *path, guint64 size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    fail_msg("%s: %s", path, g_strerror(errno));
  assert_content(fd, size);
  close(fd);
}

static inline void test_write(const char *path, guint64 size) {
  int from = test_file(size), to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  guint8 piece[65536];
  ssize_t length;
  lseek(from, 0, SEEK_SET);
  while ((length = read(from, piece, sizeof piece)) > 0)
    assert_int_equal(write(to, piece, (gsize)length), length);
  close(from);
  close(to);
}

static inline guint test_descriptors(void) {
  g_autoptr(GDir) open = g_dir_open("/proc/self/fd", 0, NULL);
  guint count = 0;
  while (g_dir_read_name(open))
    count++;
  return count;
}
