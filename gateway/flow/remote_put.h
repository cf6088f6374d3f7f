/* Putting a whole file under a name on the other side, exactly once: the same for an answer to a partner and for a file
 * that is handed on to an inner system. It looks first whether the effect is there already, so that it may be run again
 * after a crash or a lost reply at any point:
 *
 *   crash while uploading              a temporary name there, which the next run overwrites
 *   crash or cut after the rename      the target has our size and our SHA-256 (read back): taken as put
 *   the target is there, other bytes   refused (PARTNER) or replaced, as is said
 *
 * What the server says of its rename is not believed but looked at. When neither name is there afterwards, it has lost
 * the file, or somebody has taken it away already: nobody may before its marker is there, so with a marker to come it
 * is put again; without one it counts as put, and the log tells of it. */
#pragma once
#include "transfer/courier.h"

typedef struct {
  Courier *courier;
  const char *scratch; /* folder of unnamed files, for what is read back */
  const char *to;
  const char *owner; /* our file's id: a part of the temporary name, the same at every try */
  int fd;            /* the content, from its start */
  guint64 size;
  const char *sha256; /* hex */
  gboolean replace, marker_follows;
} RemotePut;
gboolean remote_put(const RemotePut *put, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* An empty file under its final name: there is nothing in it that could be half written. */
gboolean remote_put_marker(Courier *courier, const char *scratch, const char *to,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
