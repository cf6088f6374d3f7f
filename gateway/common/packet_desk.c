#include "gateway/common/packet_desk.h"
#include "gateway/base/clock.h"
#include "gateway/common/local_socket.h"
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 1024, STACK_BYTES = 1 << 20 };

struct PacketDesk {
  PacketAnswer answer;
  gpointer user;
  LocalSocket *listening;
  int ends; /* an eventfd: readable from the end on */
  pthread_t acceptor;
  gboolean has_acceptor;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t ended;
  gboolean is_ending;
  GHashTable *connections; /* descriptors, each with a thread */
};

char *packet_desk_path(const LanePaths *paths, const char *name) {
  g_autofree char *folder = g_path_get_dirname(paths->control), *lane = g_path_get_basename(paths->control),
                  *socket = g_strdup_printf("@%s.%s", name, lane); /* no lane's name begins so */
  return g_build_filename(folder, socket, NULL);
}

typedef struct {
  PacketDesk *desk;
  int socket;
} Served;

static void *serve(void *user) {
  Served *served = user;
  PacketDesk *desk = served->desk;
  g_autofree guint8 *buffer = g_malloc(PACKET_LIMIT);
  Packet question;
  for (gboolean goes_on = TRUE; goes_on && packet_receive(served->socket, buffer, &question);) {
    goes_on = desk->answer(desk->user, served->socket, &question);
    json_decref(question.head);
    if (question.fd >= 0)
      close(question.fd);
  }
  pthread_mutex_lock(&desk->lock);
  g_hash_table_remove(desk->connections, GINT_TO_POINTER(served->socket));
  close(served->socket); /* under the lock: the end shuts no other one that got the number */
  pthread_cond_broadcast(&desk->ended);
  pthread_mutex_unlock(&desk->lock);
  g_free(served);
  return NULL;
}

static gboolean start_thread(Served *served) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int number = pthread_create(&thread, &attributes, serve, served);
  pthread_attr_destroy(&attributes);
  return number == 0;
}

static void take_connection(PacketDesk *desk) {
  uid_t uid;
  int socket = local_socket_accept(desk->listening, &uid);
  if (socket < 0)
    return;
  Served *served = g_new(Served, 1);
  *served = (Served){desk, socket};
  pthread_mutex_lock(&desk->lock);
  gboolean is_served =
      !desk->is_ending && g_hash_table_size(desk->connections) < CONNECTIONS_MOST && start_thread(served);
  if (is_served)
    g_hash_table_add(desk->connections, GINT_TO_POINTER(socket));
  pthread_mutex_unlock(&desk->lock);
  if (is_served)
    return;
  close(socket);
  g_free(served);
}

static void *accept_all(void *user) {
  PacketDesk *desk = user;
  struct pollfd ends[] = {{desk->ends, POLLIN, 0}, {desk->listening->fd, POLLIN, 0}};
  while (!ends[0].revents) {
    if (poll(ends, G_N_ELEMENTS(ends), -1) < 0 && errno != EINTR)
      return NULL;
    if (ends[1].revents)
      take_connection(desk);
  }
  return NULL;
}

PacketDesk *packet_desk_open(const char *path, PacketAnswer answer, gpointer user, GError **error) {
  PacketDesk *desk = g_new0(PacketDesk, 1);
  *desk = (PacketDesk){.answer = answer, .user = user, .ends = eventfd(0, EFD_CLOEXEC)};
  desk->connections = g_hash_table_new(g_direct_hash, g_direct_equal);
  pthread_mutex_init(&desk->lock, NULL);
  clock_condition_init(&desk->ended);
  int number = 0;
  if (desk->ends < 0)
    sallyport_error_errno(error, errno, "open a socket for the front");
  else if ((desk->listening = local_socket_listen(path, SOCK_SEQPACKET, error)) &&
           (number = pthread_create(&desk->acceptor, NULL, accept_all, desk)) == 0)
    desk->has_acceptor = TRUE;
  else if (number != 0)
    sallyport_error_errno(error, number, "start the thread of a socket for the front");
  if (desk->has_acceptor)
    return desk;
  packet_desk_free(desk);
  return NULL;
}

guint packet_desk_connections(PacketDesk *desk) {
  pthread_mutex_lock(&desk->lock);
  guint n = g_hash_table_size(desk->connections);
  pthread_mutex_unlock(&desk->lock);
  return n;
}

gboolean packet_desk_end(PacketDesk *desk, guint grace_seconds) {
  GHashTableIter all;
  gpointer socket;
  gint64 until = g_get_monotonic_time() + (gint64)grace_seconds * G_USEC_PER_SEC;
  if (!desk)
    return TRUE;
  pthread_mutex_lock(&desk->lock);
  desk->is_ending = TRUE;
  pthread_mutex_unlock(&desk->lock);
  eventfd_write(desk->ends, 1);
  if (desk->has_acceptor)
    pthread_join(desk->acceptor, NULL);
  desk->has_acceptor = FALSE;
  pthread_mutex_lock(&desk->lock);
  g_hash_table_iter_init(&all, desk->connections);
  while (g_hash_table_iter_next(&all, &socket, NULL))
    shutdown(GPOINTER_TO_INT(socket), SHUT_RD); /* an answer that is ready still goes out */
  while (g_hash_table_size(desk->connections) > 0 && clock_condition_wait(&desk->ended, &desk->lock, until))
    ;
  gboolean all_ended = g_hash_table_size(desk->connections) == 0;
  pthread_mutex_unlock(&desk->lock);
  return all_ended;
}

void packet_desk_free(PacketDesk *desk) {
  if (!desk)
    return;
  local_socket_end(desk->listening);
  if (desk->ends >= 0)
    close(desk->ends);
  g_hash_table_unref(desk->connections);
  pthread_cond_destroy(&desk->ended);
  pthread_mutex_destroy(&desk->lock);
  g_free(desk);
}
