/* The front's end of the lanes' sockets for it (gateway/common/packet_desk.h). A question takes a connection of the
 * lane that is idle, or makes one; one thread waits for all answers and wakes the requests that wait for them. */
#pragma once
#include "gateway/common/packet.h"
#include "gateway/front/front_private.h"

typedef struct Link Link;
/* The front's one. NULL: *error. */
Link *link_of(Front *front, GError **error);

/* A question and what came of it. Its result is to be looked at when it is done, and stays until it is freed. */
typedef struct {
  gint references, is_done; /* atomic */
  json_t *head;             /* the answer's; NULL: the lane went away, or took no connection */
  GBytes *bytes;            /* behind it; NULL: none */
  int fd;                   /* -1: none; who takes it sets it so */
} LinkCall;
/* Of the lane's socket of this path. Takes the packet's head; its bytes and its descriptor are the caller's. NULL: the
 * lane is not there. One that has more connections to take than its socket holds is there: the question waits for some
 * seconds until it takes one, without a thread. */
LinkCall *link_ask(Link *link, const char *path, const Packet *question);
gboolean link_call_is_done(LinkCall *call);
void link_call_unref(LinkCall *call);

/* Long polls that are under way: FALSE when there are `most` already, and then this one is none. */
gboolean link_poll_begins(Link *link, guint most);
void link_poll_ends(Link *link);

/* --- Who writes into an item's file. Only one at a time: an upload that comes anew fences the one before, whose
 * connection may be dead and not know it. */
typedef struct {
  Link *link;
  char *item;     /* mailbox, direction and id */
  pthread_mutex_t lock;
  int fd; /* -1: nothing is written any more; under the lock */
  guint64 offset; /* of the next byte */
} Upload;
/* Takes the descriptor. */
Upload *upload_begin(Link *link, const char *item, int fd);
/* FALSE: it has been fenced, or *number is why it cannot be written. */
gboolean upload_write(Upload *upload, const char *bytes, gsize length, int *number);
/* Nothing is written from now on. */
void upload_end(Upload *upload);
void upload_free(Upload *upload);
/* Fences who writes into the item, if anybody does. */
void upload_fence(Link *link, const char *item);
