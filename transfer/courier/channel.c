#include "transfer/courier/channel_private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE (1u << 20)

static void close_end(int *end) {
  if (*end >= 0)
    close(*end);
  *end = -1;
}

gboolean channel_open(Channel *channel, int to, guint64 at, guint64 limit, GError **error) {
  int ends[2];
  *channel = (Channel){.from = -1, .theirs = -1};
  if (pipe2(ends, O_CLOEXEC) != 0)
    return sallyport_error_errno(error, errno, "make a pipe for a courier");
  *channel = (Channel){.from = ends[0], .theirs = ends[1], .to = to, .at = at, .limit = limit};
  (void)fcntl(ends[0], F_SETPIPE_SZ, (int)PIECE); /* refused to one who has many: the usual size does */
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
    return TRUE;
  sallyport_error_errno(error, errno, "set up a pipe for a courier");
  channel_clear(channel);
  return FALSE;
}

void channel_sent(Channel *channel) {
  close_end(&channel->theirs);
}

/* The courier's next write fails: it ends the transfer itself, and its connection stays of use. */
static gboolean refuse(Channel *channel, int number) {
  sallyport_error_errno(&channel->error, number, "write what was got");
  close_end(&channel->from);
  return FALSE;
}

/* Where the kernel cannot move it, or fails at that: this tells why. -1 with errno. */
static ssize_t copy_piece(Channel *channel, gsize most) {
  if (!channel->buffer)
    channel->buffer = g_malloc(PIECE);
  ssize_t length = read(channel->from, channel->buffer, most);
  for (ssize_t written = 0; written < length;) {
    ssize_t done = pwrite(channel->to, channel->buffer + written, (gsize)(length - written),
                          (off_t)channel->at + written);
    if (done < 0 && errno != EINTR)
      return refuse(channel, errno) ? 0 : -1;
    written += MAX(done, 0);
  }
  return length;
}

static ssize_t move_piece(Channel *channel, gsize most) {
  loff_t at = (loff_t)channel->at;
  if (channel->buffer)
    return copy_piece(channel, most);
  ssize_t done = splice(channel->from, NULL, channel->to, &at, most, SPLICE_F_NONBLOCK);
  return done < 0 && errno != EAGAIN && errno != EINTR ? copy_piece(channel, most) : done;
}

gboolean channel_take(Channel *channel) {
  while (channel->from >= 0) {
    /* one byte beyond the limit shows a courier that goes on */
    gsize most = (gsize)MIN((guint64)PIECE, channel->limit - channel->at);
    char beyond;
    ssize_t done = most > 0 ? move_piece(channel, most) : read(channel->from, &beyond, 1);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0 && (errno == EAGAIN || channel->from < 0))
      return channel->error == NULL;
    if (done < 0)
      return refuse(channel, errno);
    if (done == 0) /* the courier has ended, or closed its end */
      break;
    if (most == 0) {
      channel->is_over = TRUE;
      break;
    }
    channel->at += (guint64)done;
  }
  close_end(&channel->from);
  return channel->error == NULL;
}

void channel_clear(Channel *channel) {
  close_end(&channel->from);
  close_end(&channel->theirs);
  g_clear_pointer(&channel->buffer, g_free);
  g_clear_error(&channel->error);
}

/* Not the descriptor itself: with it a process may write. One of the same file that may not. */
int channel_read_only(int fd, gboolean *is_new, GError **error) {
  char path[40];
  int flags = fcntl(fd, F_GETFL);
  *is_new = FALSE;
  if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY)
    return fd;
  g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int made = flags < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (made < 0)
    sallyport_error_errno(error, errno, "open what is to be sent for reading only");
  *is_new = made >= 0;
  return made;
}
