#include "gateway/front/link.h"
#include "gateway/common/local_socket.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 16 };
/* A lane that has too many connections to take just now takes one soon, or is stopped. */
enum { QUEUE_SECONDS = 5, QUEUE_LOOK_MS = 10 };

struct Link {
  Waits *waits;
  int epoll, ends[2]; /* ends: a socket pair that says when to stop */
  int queued;         /* an eventfd: a question waits for a connection */
  pthread_t thread;
  gint polls;           /* atomic: long polls */
  pthread_mutex_t lock; /* of all below, and of all uploads */
  GHashTable *idle;    /* path of a lane's socket → GQueue* of connections */
  GHashTable *calls;   /* connection → OpenCall*: what it is asked */
  GHashTable *uploads; /* item → Upload* */
  GQueue queue;        /* Queued*: questions to lanes that take no connection at the moment */
};

typedef struct {
  LinkCall *call;
  GQueue *home; /* where the connection goes when it is answered */
} OpenCall;

typedef struct {
  LinkCall *call;
  char *path;
  Packet packet; /* a copy */
  gint64 until;
} Queued;

/* --- Calls */

void link_call_unref(LinkCall *call) {
  if (!call || !g_atomic_int_dec_and_test(&call->references))
    return;
  json_decref(call->head);
  g_clear_pointer(&call->bytes, g_bytes_unref);
  if (call->fd >= 0)
    close(call->fd);
  g_free(call);
}

gboolean link_call_is_done(LinkCall *call) {
  return g_atomic_int_get(&call->is_done);
}

static void queue_free(gpointer data) {
  GQueue *queue = data;
  for (gpointer socket; (socket = g_queue_pop_head(queue));)
    close(GPOINTER_TO_INT(socket));
  g_queue_free(queue);
}

/* Under the lock. */
static GQueue *home_of(Link *link, const char *path) {
  GQueue *home = g_hash_table_lookup(link->idle, path);
  if (!home)
    g_hash_table_insert(link->idle, g_strdup(path), home = g_queue_new());
  return home;
}

/* It waits for nothing. -1 with errno: EAGAIN when the lane is there and has too many to take just now. */
static int connect_lane(const Link *link, const char *path) {
  int socket = local_socket_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK, NULL);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
  if (socket >= 0)
    epoll_ctl(link->epoll, EPOLL_CTL_ADD, socket, &event);
  return socket;
}

/* Under the lock from the look for a connection to the sending, which finds room at once: the thread of answers closes
 * no connection meanwhile, and does not take an answer for one that nobody asked for. FALSE: no connection, errno. */
static gboolean send_call(Link *link, const char *path, LinkCall *call, const Packet *packet) {
  GQueue *home = home_of(link, path);
  gpointer idle = g_queue_pop_head(home);
  int socket = idle ? GPOINTER_TO_INT(idle) : connect_lane(link, path);
  if (socket < 0)
    return FALSE;
  OpenCall *asking = g_new(OpenCall, 1);
  *asking = (OpenCall){call, home};
  g_hash_table_insert(link->calls, GINT_TO_POINTER(socket), asking);
  if (!packet_send(socket, packet))
    shutdown(socket, SHUT_RDWR); /* the thread finds its end, and tells */
  return TRUE;
}

static void queued_free(Queued *queued) {
  json_decref(queued->packet.head);
  if (queued->packet.fd >= 0)
    close(queued->packet.fd);
  g_free((gpointer)(gintptr)queued->packet.bytes);
  g_free(queued->path);
  g_free(queued);
}

/* Under the lock. */
static void queue_call(Link *link, const char *path, LinkCall *call, const Packet *packet) {
  Queued *queued = g_new(Queued, 1);
  *queued = (Queued){.call = call,
                     .path = g_strdup(path),
                     .packet = {.head = json_incref(packet->head),
                                .bytes = g_memdup2(packet->bytes, packet->length),
                                .length = packet->length,
                                .fd = packet->fd >= 0 ? fcntl(packet->fd, F_DUPFD_CLOEXEC, 3) : -1},
                     .until = g_get_monotonic_time() + (gint64)QUEUE_SECONDS * G_USEC_PER_SEC};
  g_queue_push_tail(&link->queue, queued);
  (void)eventfd_write(link->queued, 1);
}

/* FALSE: the lane is not there. */
static gboolean send_or_queue(Link *link, const char *path, LinkCall *call, const Packet *packet) {
  pthread_mutex_lock(&link->lock);
  gboolean is_sent = send_call(link, path, call, packet), is_full = !is_sent && errno == EAGAIN;
  if (is_full)
    queue_call(link, path, call, packet);
  pthread_mutex_unlock(&link->lock);
  return is_sent || is_full;
}

LinkCall *link_ask(Link *link, const char *path, const Packet *question) {
  LinkCall *call = g_new0(LinkCall, 1);
  *call = (LinkCall){.references = 2, .fd = -1};
  gboolean is_asked = send_or_queue(link, path, call, question);
  json_decref(question->head);
  if (is_asked)
    return call;
  call->references = 1;
  link_call_unref(call);
  return NULL;
}

gboolean link_poll_begins(Link *link, guint most) {
  if ((guint)g_atomic_int_add(&link->polls, 1) < most)
    return TRUE;
  link_poll_ends(link);
  return FALSE;
}

void link_poll_ends(Link *link) {
  g_atomic_int_add(&link->polls, -1);
}

/* --- The thread of answers */

static void finish(Link *link, OpenCall *asking, const Packet *packet) {
  LinkCall *call = asking->call;
  call->head = packet->head;
  call->fd = packet->fd;
  call->bytes = packet->length ? g_bytes_new(packet->bytes, packet->length) : NULL;
  g_atomic_int_set(&call->is_done, TRUE);
  front_wake(link->waits, call);
  link_call_unref(call);
  g_free(asking);
}

/* Under the lock: a connection that has ended, idle or not. */
static void forget(Link *link, int socket) {
  GHashTableIter all;
  gpointer home;
  g_hash_table_iter_init(&all, link->idle);
  while (g_hash_table_iter_next(&all, NULL, &home))
    g_queue_remove(home, GINT_TO_POINTER(socket));
  close(socket);
}

static void receive(Link *link, int socket, guint8 *buffer) {
  Packet packet;
  gboolean is_open = packet_receive(socket, buffer, &packet);
  pthread_mutex_lock(&link->lock);
  OpenCall *asking = g_hash_table_lookup(link->calls, GINT_TO_POINTER(socket));
  g_hash_table_remove(link->calls, GINT_TO_POINTER(socket));
  if (is_open && asking)
    g_queue_push_head(asking->home, GINT_TO_POINTER(socket));
  else
    forget(link, socket);
  pthread_mutex_unlock(&link->lock);
  if (!is_open)
    packet = (Packet){.fd = -1};
  if (asking)
    finish(link, asking, &packet);
}

/* Those that found no connection: each takes one that has become idle, or makes one now that the lane has taken others.
 * Under the lock; whoever gets none in time, or whose lane has gone, is to be told. */
static GQueue take_from_queue(Link *link) {
  GQueue left = G_QUEUE_INIT, lost = G_QUEUE_INIT;
  gint64 now = g_get_monotonic_time();
  for (Queued *queued; (queued = g_queue_pop_head(&link->queue));) {
    if (send_call(link, queued->path, queued->call, &queued->packet))
      queued_free(queued);
    else
      g_queue_push_tail(errno == EAGAIN && now < queued->until ? &left : &lost, queued);
  }
  link->queue = left;
  return lost;
}

/* Milliseconds until it is to be done again; -1: nothing waits. */
static int serve_queue(Link *link) {
  pthread_mutex_lock(&link->lock);
  GQueue lost = take_from_queue(link);
  int again = g_queue_is_empty(&link->queue) ? -1 : QUEUE_LOOK_MS;
  pthread_mutex_unlock(&link->lock);
  for (Queued *queued; (queued = g_queue_pop_head(&lost));) {
    OpenCall *asking = g_new(OpenCall, 1);
    *asking = (OpenCall){queued->call, NULL};
    finish(link, asking, &(Packet){.fd = -1});
    queued_free(queued);
  }
  return again;
}

static void *receive_all(void *user) {
  Link *link = user;
  g_autofree guint8 *buffer = g_malloc(PACKET_LIMIT);
  for (;;) {
    struct epoll_event events[EVENTS];
    eventfd_t count;
    int n = epoll_wait(link->epoll, events, EVENTS, serve_queue(link));
    if (n < 0 && errno != EINTR)
      return NULL;
    for (int i = 0; i < n; i++)
      if (events[i].data.fd == link->ends[0])
        return NULL;
    for (int i = 0; i < n; i++) {
      if (events[i].data.fd == link->queued)
        (void)eventfd_read(link->queued, &count);
      else
        receive(link, events[i].data.fd, buffer);
    }
  }
}

static void link_free(gpointer data) {
  Link *link = data;
  GHashTableIter all;
  gpointer socket, asking;
  close(link->ends[1]);
  pthread_join(link->thread, NULL);
  g_hash_table_iter_init(&all, link->calls);
  while (g_hash_table_iter_next(&all, &socket, &asking)) {
    close(GPOINTER_TO_INT(socket));
    link_call_unref(((OpenCall *)asking)->call);
    g_free(asking);
  }
  for (Queued *queued; (queued = g_queue_pop_head(&link->queue));) {
    link_call_unref(queued->call);
    queued_free(queued);
  }
  g_hash_table_unref(link->calls);
  g_hash_table_unref(link->idle);
  g_hash_table_unref(link->uploads);
  close(link->queued);
  close(link->epoll);
  close(link->ends[0]);
  pthread_mutex_destroy(&link->lock);
  g_free(link);
}

static gpointer link_new(Front *front, GError **error) {
  Link *link = g_new0(Link, 1);
  struct epoll_event event = {.events = EPOLLIN};
  link->waits = front->waits;
  link->epoll = epoll_create1(EPOLL_CLOEXEC);
  link->queued = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (link->epoll < 0 || link->queued < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link->ends) != 0) {
    sallyport_error_errno(error, errno, "front: the lanes' answers");
    g_free(link);
    return NULL;
  }
  event.data.fd = link->ends[0];
  epoll_ctl(link->epoll, EPOLL_CTL_ADD, link->ends[0], &event);
  event.data.fd = link->queued;
  epoll_ctl(link->epoll, EPOLL_CTL_ADD, link->queued, &event);
  link->idle = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, queue_free);
  link->calls = g_hash_table_new(g_direct_hash, g_direct_equal);
  link->uploads = g_hash_table_new(g_str_hash, g_str_equal);
  pthread_mutex_init(&link->lock, NULL);
  int number = pthread_create(&link->thread, NULL, receive_all, link);
  if (number == 0)
    return link;
  sallyport_error_errno(error, number, "front: start a thread");
  g_free(link);
  return NULL;
}

Link *link_of(Front *front, GError **error) {
  return front_own(front, "lanes", link_new, link_free, error);
}

/* --- Uploads */

static void stop_writing(Upload *upload) {
  pthread_mutex_lock(&upload->lock);
  if (upload->fd >= 0)
    close(upload->fd);
  upload->fd = -1;
  pthread_mutex_unlock(&upload->lock);
}

void upload_fence(Link *link, const char *item) {
  pthread_mutex_lock(&link->lock);
  Upload *upload = g_hash_table_lookup(link->uploads, item);
  if (upload)
    stop_writing(upload);
  g_hash_table_remove(link->uploads, item);
  pthread_mutex_unlock(&link->lock);
}

Upload *upload_begin(Link *link, const char *item, int fd) {
  Upload *upload = g_new0(Upload, 1);
  *upload = (Upload){.link = link, .item = g_strdup(item), .fd = fd};
  pthread_mutex_init(&upload->lock, NULL);
  upload_fence(link, item);
  pthread_mutex_lock(&link->lock);
  g_hash_table_insert(link->uploads, upload->item, upload);
  pthread_mutex_unlock(&link->lock);
  return upload;
}

gboolean upload_write(Upload *upload, const char *bytes, gsize length, int *number) {
  *number = 0;
  pthread_mutex_lock(&upload->lock);
  gboolean writes = upload->fd >= 0;
  while (writes && *number == 0 && length > 0) {
    ssize_t put = pwrite(upload->fd, bytes, length, (off_t)upload->offset);
    if (put < 0)
      *number = errno == EINTR ? 0 : errno;
    else
      upload->offset += (guint64)put, bytes += put, length -= (gsize)put;
  }
  pthread_mutex_unlock(&upload->lock);
  return writes && *number == 0;
}

void upload_end(Upload *upload) {
  Link *link = upload->link;
  pthread_mutex_lock(&link->lock);
  if (g_hash_table_lookup(link->uploads, upload->item) == upload)
    g_hash_table_remove(link->uploads, upload->item);
  pthread_mutex_unlock(&link->lock);
  stop_writing(upload);
}

void upload_free(Upload *upload) {
  upload_end(upload);
  pthread_mutex_destroy(&upload->lock);
  g_free(upload->item);
  g_free(upload);
}
