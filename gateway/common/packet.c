#include "gateway/common/packet.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

gboolean packet_send(int socket, const Packet *packet) {
  char *text = json_dumps(packet->head, JSON_COMPACT);
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec parts[] = {{text, text ? strlen(text) + 1 : 0}, {(void *)(gintptr)packet->bytes, packet->length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = packet->length ? 2 : 1};
  if (packet->fd >= 0) {
    control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &packet->fd, sizeof(int));
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
  }
  ssize_t sent = -1;
  while (text && parts[0].iov_len + packet->length <= PACKET_LIMIT &&
         (sent = sendmsg(socket, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
    ;
  free(text);
  return sent >= 0;
}

static int descriptor_of(struct msghdr *message) {
  int fd = -1;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one; one = CMSG_NXTHDR(message, one))
    if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_RIGHTS && one->cmsg_len == CMSG_LEN(sizeof(int)))
      memcpy(&fd, CMSG_DATA(one), sizeof(int));
  return fd;
}

gboolean packet_receive(int socket, void *buffer, Packet *packet) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec part = {buffer, PACKET_LIMIT};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got;
  while ((got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
    ;
  *packet = (Packet){.fd = got > 0 ? descriptor_of(&message) : -1};
  const char *end = got > 0 && !(message.msg_flags & MSG_TRUNC) ? memchr(buffer, '\0', (gsize)got) : NULL;
  if (end)
    packet->head = json_loads(buffer, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(packet->head)) {
    packet->bytes = end + 1;
    packet->length = (gsize)((const char *)buffer + got - (end + 1));
    return TRUE;
  }
  json_decref(packet->head);
  if (packet->fd >= 0)
    close(packet->fd);
  return FALSE;
}
