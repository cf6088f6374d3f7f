/* Requests that wait without a thread, with the library's real server (two threads) and clients on the loopback. */
#include "gateway/front/front_private.h"
#include <arpa/inet.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENTS = 9 /* more than threads */, LONG = 3600 };

typedef struct {
  Front front;
  guint seconds;
  gint is_there, calls; /* atomic */
  gboolean comes_between;
  sem_t looked;
} World;

static const char what[] = "what is waited for";

static enum MHD_Result answer(FrontRequest *request, guint status) {
  struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)(intptr_t) "", MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  enum MHD_Result result = MHD_queue_response(request->connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **context) {
  (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
  World *world = user;
  FrontRequest *request = *context;
  if (!request) {
    request = *context = g_new0(FrontRequest, 1);
    request->front = &world->front;
    request->connection = connection;
    return MHD_YES;
  }
  if (!request->waits_for)
    front_wait_for(request, what, world->seconds);
  gboolean is_there = g_atomic_int_get(&world->is_there);
  g_atomic_int_inc(&world->calls);
  if (world->comes_between && !is_there) {
    g_atomic_int_set(&world->is_there, TRUE);
    front_wake(world->front.waits, what);
  }
  if (!is_there && front_wait(request)) {
    sem_post(&world->looked);
    return MHD_YES;
  }
  return answer(request, is_there ? 200 : 503);
}

static void completed(void *user, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code) {
  (void)user, (void)connection, (void)code;
  if (*context)
    front_wait_forget(*context);
  g_clear_pointer(context, g_free);
}

static void begin(World *world, guint seconds) {
  *world = (World){.seconds = seconds};
  sem_init(&world->looked, 0, 0);
  world->front.waits = waits_new();
  world->front.daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, world, MHD_OPTION_SOCK_ADDR,
      &(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
      MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
  assert_non_null(world->front.daemon);
}

static void end(World *world) {
  waits_end(world->front.waits);
  MHD_stop_daemon(world->front.daemon);
  waits_free(world->front.waits);
  sem_destroy(&world->looked);
}

static int ask(const World *world) {
  static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
      .sin_port = htons(MHD_get_daemon_info(world->front.daemon, MHD_DAEMON_INFO_BIND_PORT)->port)};
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(send(fd, head, strlen(head), MSG_NOSIGNAL), strlen(head));
  return fd;
}

static void assert_status(int fd, const char *status) {
  char line[13] = "";
  assert_int_equal(recv(fd, line, 12, MSG_WAITALL), 12);
  assert_string_equal(line + 9, status);
  close(fd);
}

static void more_requests_than_threads_wait_and_all_are_answered(void **state) {
  (void)state;
  World world;
  int clients[CLIENTS];
  begin(&world, LONG);
  for (guint i = 0; i < CLIENTS; i++)
    clients[i] = ask(&world);
  for (guint i = 0; i < CLIENTS; i++)
    sem_wait(&world.looked);
  front_wake(world.front.waits, "another thing");
  front_wake_late(world.front.waits, g_get_monotonic_time());
  assert_int_equal(g_atomic_int_get(&world.calls), CLIENTS);
  g_atomic_int_set(&world.is_there, TRUE);
  front_wake(world.front.waits, what);
  for (guint i = 0; i < CLIENTS; i++)
    assert_status(clients[i], "200");
  end(&world);
}

static void what_comes_between_the_look_and_the_wait_is_not_missed(void **state) {
  (void)state;
  World world;
  begin(&world, LONG);
  world.comes_between = TRUE;
  assert_status(ask(&world), "200");
  end(&world);
}

static void who_is_woken_for_nothing_waits_on(void **state) {
  (void)state;
  World world;
  begin(&world, LONG);
  int client = ask(&world);
  sem_wait(&world.looked);
  front_wake(world.front.waits, what);
  sem_wait(&world.looked); /* it has looked again */
  front_wake_late(world.front.waits, G_MAXINT64);
  sem_wait(&world.looked);
  g_atomic_int_set(&world.is_there, TRUE);
  front_wake(world.front.waits, what);
  assert_status(client, "200");
  end(&world);
}

static void whose_time_is_over_is_answered_at_once(void **state) {
  (void)state;
  World world;
  begin(&world, 0);
  assert_status(ask(&world), "503");
  end(&world);
}

static void nobody_waits_when_the_front_ends(void **state) {
  (void)state;
  World world;
  begin(&world, LONG);
  int client = ask(&world);
  sem_wait(&world.looked);
  waits_end(world.front.waits);
  assert_status(client, "503");
  assert_status(ask(&world), "503");
  end(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(more_requests_than_threads_wait_and_all_are_answered),
      cmocka_unit_test(what_comes_between_the_look_and_the_wait_is_not_missed),
      cmocka_unit_test(who_is_woken_for_nothing_waits_on),
      cmocka_unit_test(whose_time_is_over_is_answered_at_once),
      cmocka_unit_test(nobody_waits_when_the_front_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
