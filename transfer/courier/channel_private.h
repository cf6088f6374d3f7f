/* How content passes between lane and courier. What is got comes by a pipe: the lane writes it into a file that no
 * courier has a descriptor of, so that nothing which was hashed, verified or parsed can be changed behind the lane's
 * back by a courier that was taken over. What is put is handed over for reading only. Used by courier.c and call.c. */
#pragma once
#include "gateway/base/error.h"

typedef struct {
  int from;         /* our end of the pipe; -1: closed */
  int theirs;       /* the courier's, until it is sent; -1: closed */
  int to;           /* the caller's file */
  guint64 at;       /* where the next byte goes */
  guint64 limit;    /* it ends there at the latest */
  gboolean is_over; /* more came than the limit */
  guint8 *buffer;   /* NULL: the kernel moves the pages */
  GError *error;    /* ours: the file could not be written */
} Channel;

/* To `to`, from `at` on. */
gboolean channel_open(Channel *channel, int to, guint64 at, guint64 limit, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The courier has its end: ours of it closes, so that the pipe ends with the courier. */
void channel_sent(Channel *channel);
/* Writes what has come so far, without waiting. FALSE: it cannot be written; the courier is left to notice. */
gboolean channel_take(Channel *channel);
void channel_clear(Channel *channel);

/* The same file, for reading only: `fd` itself if it is so, else a new descriptor, the caller's to close. -1: error. */
int channel_read_only(int fd, gboolean *is_new, GError **error) G_GNUC_WARN_UNUSED_RESULT;
