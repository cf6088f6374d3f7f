/* Putting a whole file under a name on the other side, once: the same for an answer to a partner, for a file that is
 * handed on to an inner system, and for what a requester of reconciliation files gets. It looks first whether the
 * effect is there already, so that it may be run again after a crash or a lost reply at any point:
 *
 *   crash while uploading              a temporary name there, which the next run overwrites, or removes first where
 *                                      nobody may overwrite; where it cannot be removed, another one is taken
 *   crash or cut after the rename      the target has our size and our SHA-256 (read back): taken as put
 *   the same, and it was taken away    neither name is there: the note tells that the rename was under way: it was done
 *   the target is there, other bytes   refused (PARTNER) or replaced, as is said
 *
 * What the server says of its rename is not believed but looked at. Some servers take a file away the moment that it is
 * closed, or renamed; some lose it. Nobody can tell these apart from here, and to send again would bring the partner
 * the same answer twice. So an upload that has vanished is noted beside the file here, and is not repeated before a
 * person asks for it (remote_put_forget(), by `retry`); with `vanishes` it counts as put. With a marker to come, the
 * partner waits for that, and what a rename has lost is put again, three times at most.
 *
 * A mailbox does all this by itself: it knows an item that was put before, goes on with one that was begun, and refuses
 * other bytes. There is no temporary name and no note.
 *
 * The note is a file in `scratch`, OWNER-put-HASH: what was under way ('u' an upload, 'r' a rename; 'v': it had
 * vanished, 'a': it was cut off where nobody can see what became of it) and how often it vanished. It is not synced,
 * but with `vanishes` or `direct`: a power cut between the rename and the reply, with the file taken away at once,
 * makes one more copy. */
#pragma once
#include "transfer/courier.h"

/* What holds a file back: before each piece of it that goes out `next` is asked, and may wait. FALSE: no more now. */
typedef struct RemotePace {
  guint64 piece; /* bytes */
  gboolean (*next)(gpointer user, guint64 bytes, GError **error);
  gboolean (*may)(gpointer user); /* whether something may go out now; returns at once */
  gpointer user;
} RemotePace;

typedef struct {
  Courier *courier;
  const char *scratch; /* folder of unnamed files, for what is read back, and of the note */
  const char *to;
  const char *owner; /* our file's id: a part of the temporary name, the same at every try */
  int fd;            /* the content, from its start */
  guint64 size;
  const char *sha256; /* hex; NULL: of fd's content, when it is needed */
  gboolean replace, marker_follows;
  gboolean direct;   /* under its own name at once: for a server that cannot rename, or takes away what is closed */
  gboolean vanishes; /* what is gone after its upload has been delivered */
  const char *about; /* mailboxes: the item that this belongs to; NULL: none */
  const RemotePace *pace; /* mailboxes: in pieces; NULL: all at once */
  const char *before_rename, *after_rename; /* fail points; NULL: the delivery's */
} RemotePut;
gboolean remote_put(const RemotePut *put, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* An empty file under its final name: there is nothing in it that could be half written. */
gboolean remote_put_marker(Courier *courier, const char *scratch, const char *to,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A person has decided: what had vanished is put again. */
void remote_put_forget(const char *scratch, const char *owner);
