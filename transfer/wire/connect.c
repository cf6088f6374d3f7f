#include "transfer/wire/connect.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int remaining_ms(gint64 until) {
  gint64 left = (until - g_get_monotonic_time() + 999) / 1000;
  return (int)CLAMP(left, 0, G_MAXINT);
}

void connect_quick_ack(int socket) {
  int on = 1;
  (void)setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* An idle line through a firewall is kept open, and a dead peer is noticed within about two minutes. */
static void set_options(int socket) {
  int on = 1, idle = 60, interval = 15, count = 4;
  (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  connect_quick_ack(socket);
}

/* 0 or an errno. */
static int finish_connect(int socket, gint64 until) {
  struct pollfd wanted = {.fd = socket, .events = POLLOUT};
  int ready, number = 0;
  do
    ready = poll(&wanted, 1, remaining_ms(until));
  while (ready < 0 && errno == EINTR);
  if (ready <= 0)
    return ready == 0 ? ETIMEDOUT : errno;
  socklen_t length = sizeof number;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &length) == 0 ? number : errno;
}

static int connect_one(const struct addrinfo *address, gint64 until, int *number) {
  int made = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *number = errno;
  if (made < 0)
    return -1;
  set_options(made);
  *number = connect(made, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
  if (*number == EINPROGRESS)
    *number = finish_connect(made, until);
  if (*number == 0)
    return made;
  close(made);
  return -1;
}

static void tell_tried(const ConnectWatch *watch, const struct addrinfo *address, gint64 begun, int number) {
  char text[NI_MAXHOST] = "?";
  if (!watch)
    return;
  (void)getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
  watch->tried(watch->user, text, g_get_monotonic_time() - begun, number);
}

static int connect_first(const struct addrinfo *addresses, gint64 deadline, const ConnectWatch *watch, int *number) {
  int made = -1, tried = EHOSTUNREACH;
  *number = EHOSTUNREACH;
  for (const struct addrinfo *address = addresses; address && (made < 0 || watch); address = address->ai_next) {
    /* half of the time that is left, so that one black hole leaves some for the others */
    gint64 now = g_get_monotonic_time();
    int other = connect_one(address, address->ai_next ? now + (deadline - now) / 2 : deadline, &tried);
    tell_tried(watch, address, now, tried);
    if (made >= 0 && other >= 0)
      close(other);
    else if (other >= 0)
      made = other;
    *number = made >= 0 ? 0 : tried;
  }
  return made;
}

int connect_to(const char *host, guint port, gint64 deadline, GError **error) {
  return connect_watched(host, port, deadline, NULL, error);
}

int connect_watched(const char *host, guint port, gint64 deadline, const ConnectWatch *watch, GError **error) {
  const struct addrinfo wanted = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
  struct addrinfo *addresses = NULL;
  gint64 begun = g_get_monotonic_time();
  char service[8];
  snprintf(service, sizeof service, "%u", port & 0xffffu);
  int failed = getaddrinfo(host, service, &wanted, &addresses);
  if (failed == EAI_BADFLAGS || failed == EAI_ADDRFAMILY || failed == EAI_NODATA || failed == EAI_NONAME) {
    /* AI_ADDRCONFIG hides loopback addresses on a machine without any other interface */
    const struct addrinfo any = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    failed = getaddrinfo(host, service, &any, &addresses);
  }
  if (watch)
    watch->resolved(watch->user, g_get_monotonic_time() - begun);
  if (failed != 0) {
    /* also a name that is said not to exist: resolvers have bad days */
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "host %s: %s", host,
                        failed == EAI_SYSTEM ? g_strerror(errno) : gai_strerror(failed));
    return -1;
  }
  int number, made = connect_first(addresses, deadline, watch, &number);
  freeaddrinfo(addresses);
  if (made < 0)
    sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "connect to %s, port %u: %s", host, port, g_strerror(number));
  return made;
}
