/* A courier that was taken over: this program itself, started as a courier, which does with its descriptors what it
 * likes. What the lane has taken from it stays what it was. */
#include "tests/unit/transfer/courier_fixture.h"
#include "transfer/wire/wire.h"
#include <signal.h>

/* --- The courier. What it kept of the last get, and whether that was still of use, it tells by the next stat. */

static void answer(const WireMessage *message) {
  if (!wire_send_waiting(3, message, NULL))
    _exit(1);
}

static void send_bytes(int fd, const char *bytes, gsize length) {
  if (write(fd, bytes, length) != (ssize_t)length)
    _exit(2);
}

static void do_get(const WireMessage *request, int *kept) {
  g_autofree char *path = wire_string(request->path);
  WireMessage done = {.type = WIRE_DONE, .fd = -1, .size = request->offset + 4};
  send_bytes(request->fd, "good", 4);
  if (strcmp(path, "/more") == 0)
    send_bytes(request->fd, "and more than was allowed", 25);
  if (strcmp(path, "/lie") == 0)
    done.size = 3;
  if (strcmp(path, "/end") == 0)
    _exit(0);
  *kept = dup(request->fd);
  answer(&done);
}

/* The file's content must not change by anything that can be done to the descriptor. */
static gboolean may_change(int fd) {
  return pwrite(fd, "EVIL", 4, 0) >= 0 || ftruncate(fd, 0) == 0 || write(fd, "EVIL", 4) >= 0;
}

static int be_a_courier(void) {
  WireBuffer buffer;
  WireMessage request;
  int kept = -1;
  signal(SIGPIPE, SIG_IGN);
  while (wire_receive(3, -1, &buffer, &request) == WIRE_GOT_MESSAGE) {
    WireMessage done = {.type = request.type == WIRE_OPEN ? WIRE_READY : WIRE_DONE, .fd = -1, .exists = 1};
    if (request.type == WIRE_GET) {
      do_get(&request, &kept);
      continue;
    }
    if (request.type == WIRE_STAT)
      done.exists = may_change(kept) ? 1 : 0;
    if (request.type == WIRE_PUT)
      done.exists = may_change(request.fd) ? 0 : 1;
    answer(&done);
  }
  return 0;
}

/* --- The lane. */

static Courier *open_courier(void) {
  static const CourierEndpoint endpoint = {
      .kind = COURIER_LOCAL, .name = "partner/main", .folder = "/", .io_timeout = 20};
  return test_open(&endpoint);
}

static void assert_holds(int fd, const char *text) {
  char found[64] = "";
  assert_true(pread(fd, found, sizeof found - 1, 0) >= 0);
  assert_string_equal(found, text);
}

static void what_was_got_cannot_be_changed_by_its_courier(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Courier *courier = open_courier();
  CourierStat stat;
  guint64 end = 0;
  int fd = test_file(0);
  assert_fine(courier_get(courier, &(CourierGet){.path = "/f", .fd = fd, .size_limit = 9}, &end, &error), error);
  assert_int_equal(end, 4);
  assert_fine(courier_stat(courier, "/", &stat, &error), error);
  assert_false(stat.exists);
  assert_holds(fd, "good");
  close(fd);
  courier_close(courier);
}

static void what_is_sent_cannot_be_changed_by_its_courier(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Courier *courier = open_courier();
  int fd = test_file(9); /* open for writing, too */
  assert_fine(courier_put(courier, &(CourierPut){.path = "/f", .fd = fd, .size = 9}, &error), error);
  assert_content(fd, 9);
  close(fd);
  courier_close(courier);
}

static void more_than_was_asked_for_is_not_taken(void **state) {
  (void)state;
  static const char *const paths[] = {"/more", "/lie"};
  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
    g_autoptr(GError) error = NULL;
    Courier *courier = open_courier();
    guint64 end = 77;
    int fd = test_file(0);
    assert_false(courier_get(courier, &(CourierGet){.path = paths[i], .fd = fd, .size_limit = 4}, &end, &error));
    assert_code(&error, SALLYPORT_ERROR_AGAIN);
    assert_int_equal(end, 77);
    assert_true(courier_is_lost(courier));
    assert_holds(fd, "good");
    close(fd);
    courier_close(courier);
  }
}

static void what_came_before_the_courier_ended_is_kept(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Courier *courier = open_courier();
  guint64 end;
  int fd = test_file(0);
  assert_false(courier_get(courier, &(CourierGet){.path = "/end", .fd = fd, .size_limit = 9}, &end, &error));
  assert_code(&error, SALLYPORT_ERROR_AGAIN);
  assert_holds(fd, "good");
  close(fd);
  courier_close(courier);
}

static void a_file_that_cannot_be_written_is_our_own_fault(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  Courier *courier = open_courier();
  guint64 end;
  int full = open("/dev/full", O_RDWR | O_CLOEXEC);
  assert_false(courier_get(courier, &(CourierGet){.path = "/f", .fd = full, .size_limit = 9}, &end, &error));
  assert_true(error->code != SALLYPORT_ERROR_PARTNER && strstr(error->message, "No space left"));
  assert_false(courier_is_lost(courier));
  close(full);
  courier_close(courier);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_got_cannot_be_changed_by_its_courier),
      cmocka_unit_test(what_is_sent_cannot_be_changed_by_its_courier),
      cmocka_unit_test(more_than_was_asked_for_is_not_taken),
      cmocka_unit_test(what_came_before_the_courier_ended_is_kept),
      cmocka_unit_test(a_file_that_cannot_be_written_is_our_own_fault),
  };
  if (argc > 1 && strcmp(argv[1], "courier") == 0)
    return be_a_courier();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
