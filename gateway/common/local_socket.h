/* A lane's or the front's sockets in the runtime folder: only root and the service's own user get through. Paths may be
 * longer than a socket's address holds. */
#pragma once
#include "gateway/base/error.h"
#include <sys/types.h>

typedef struct {
  int fd;       /* for poll */
  int folder;   /* of the socket */
  char *name;   /* in it */
  dev_t device; /* of the socket as we made it: a successor's is not removed */
  ino_t inode;
} LocalSocket;

/* `type` is SOCK_STREAM or SOCK_SEQPACKET. What a dead process left there is replaced; AGAIN while a living one
 * listens. */
LocalSocket *local_socket_listen(const char *path, int type, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void local_socket_end(LocalSocket *socket); /* removes it; NULL is fine */
/* The next connection, close-on-exec; -1: none, or one that is not let in, which is logged. */
int local_socket_accept(const LocalSocket *socket, uid_t *uid);
/* -1: AGAIN when nobody listens there; with SOCK_NONBLOCK in the type also when too many wait to be accepted, and then
 * errno is EAGAIN. */
int local_socket_connect(const char *path, int type, GError **error) G_GNUC_WARN_UNUSED_RESULT;
