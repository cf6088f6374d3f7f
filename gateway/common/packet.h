/* A packet between the front and a lane: a JSON object, bytes behind it, and perhaps one descriptor. One packet of a
 * SOCK_SEQPACKET socket each, at most PACKET_LIMIT bytes, which the kernel takes without being asked for more room. */
#pragma once
#include "gateway/base/error.h"
#include <jansson.h>

enum { PACKET_LIMIT = 200 * 1024 };

typedef struct {
  json_t *head;
  const void *bytes; /* of a received one: in the buffer that it was received into */
  gsize length;
  int fd; /* -1: none; a received one is the receiver's to close */
} Packet;

/* Waits for room. FALSE: the other end is gone, or the packet over the limit. */
gboolean packet_send(int socket, const Packet *packet) G_GNUC_WARN_UNUSED_RESULT;
/* Waits for the next one. `buffer` has PACKET_LIMIT bytes. FALSE: the end of the connection, or no packet of ours; the
 * head is the caller's. */
gboolean packet_receive(int socket, void *buffer, Packet *packet) G_GNUC_WARN_UNUSED_RESULT;
