/* A pipelined put. What a small file needs (WRITE, fsync, FSTAT, CLOSE) goes in one flight after OPEN: two round trips.
 * A larger file keeps as many WRITEs in flight as the line holds, and ends with the same tail once all are
 * acknowledged.
 *
 * The size is read back twice: by FSTAT, which came after the WRITEs on a server that keeps the order of requests for
 * one file, as the protocol asks, and by a look at the path after CLOSE, since some servers write the rest, or fail to,
 * only then. Where the look is refused (a folder to put things into only), FSTAT counts; where it does not fit, the
 * path is looked at once more. */
#include "transfer/sftp/sftp_private.h"
#include <string.h>

#define PIECES 512u
#define SMALL_WRITE 4096u

typedef struct {
  Sftp *sftp;
  const DriverTransfer *put;
  SftpHandle handle;
  struct {
    guint32 id, length;
  } pieces[PIECES]; /* unacknowledged WRITEs, in no order */
  guint count;
  gsize in_flight;
  guint64 sent, acknowledged;            /* up to here; bytes so far */
  guint32 sync, stat, close, look;       /* ids; 0: not outstanding */
  gboolean size_known, closing, refused; /* refused: the first refusal has been told, the rest is only taken */
  gboolean is_gone;                      /* a look at the path right after CLOSE finds nothing */
  gboolean write_failed;                 /* by a plain FAILURE of a WRITE */
  guint64 size;
  gint64 since;
} Put;

static gboolean read_into(Put *put, gsize at, guint32 length, GError **error) {
  while (length > 0) {
    gssize done = driver_read(put->put->fd, put->sftp->out->data + at, length, &put->sent, put->put->path, error);
    if (done < 0)
      return FALSE;
    at += (gsize)done;
    length -= (guint32)done;
  }
  return TRUE;
}

static gboolean write_next(Put *put, GError **error) {
  GByteArray *out = put->sftp->out;
  guint32 length = (guint32)MIN(put->put->size - put->sent, put->sftp->write_most);
  SftpRequest request = sftp_request(put->sftp, SFTP_WRITE);
  sftp_put_bytes(out, put->handle.bytes, put->handle.length);
  sftp_put_long(out, put->sent);
  sftp_put_number(out, length);
  gsize at = out->len;
  g_byte_array_set_size(out, out->len + length);
  if (!read_into(put, at, length, error)) {
    g_byte_array_set_size(out, (guint)request.begun);
    return FALSE;
  }
  sftp_finish(out, request.begun);
  put->pieces[put->count].id = request.id;
  put->pieces[put->count++].length = length;
  put->in_flight += length;
  return TRUE;
}

static gboolean expect_ok(Put *put, const SftpAnswer *answer, const char *doing, GError **error) {
  guint32 status;
  if (!sftp_status(put->sftp, answer, &status, error))
    return FALSE;
  if (status == SFTP_OK || put->refused)
    return TRUE;
  put->refused = TRUE;
  sftp_status_error(put->sftp, answer, doing, put->put->path, error);
  /* a plain FAILURE of a write is most often a full disk there, which passes, or the piece was too large for it */
  put->write_failed = status == SFTP_FAILURE && strcmp(doing, "write") == 0;
  if (status == SFTP_FAILURE && error && *error)
    (*error)->code = SALLYPORT_ERROR_AGAIN;
  return FALSE;
}

static gboolean take_write(Put *put, const SftpAnswer *answer, GError **error) {
  for (guint i = 0; i < put->count; i++) {
    if (put->pieces[i].id != answer->id)
      continue;
    put->in_flight -= put->pieces[i].length;
    put->acknowledged += put->pieces[i].length;
    memmove(&put->pieces[i], &put->pieces[i + 1], (--put->count - i) * sizeof *put->pieces);
    if (!expect_ok(put, answer, "write", error))
      return FALSE;
    const DriverHost *host = put->sftp->base.host;
    sftp_renew_clock(put->sftp, put->acknowledged, 1024);
    if (host->progress(host->user, put->put->offset + put->acknowledged))
      return TRUE;
    put->sftp->base.lost = TRUE;
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is gone");
  }
  return sftp_violation(put->sftp, "an answer to nothing that was asked", error);
}

static gboolean take_sync(Put *put, const SftpAnswer *answer, GError **error) {
  guint32 status;
  put->sync = 0;
  if (!sftp_status(put->sftp, answer, &status, error))
    return FALSE;
  if (status == SFTP_UNSUPPORTED)
    put->sftp->has_fsync = FALSE;
  return status == SFTP_UNSUPPORTED || expect_ok(put, answer, "fsync", error);
}

static gboolean take_answer(Put *put, const SftpAnswer *answer, GError **error) {
  SftpAttributes attributes;
  if (answer->id == put->sync)
    return take_sync(put, answer, error);
  if (answer->id == put->close) {
    put->close = 0;
    return expect_ok(put, answer, "close", error);
  }
  if (answer->id != put->stat && answer->id != put->look)
    return take_write(put, answer, error);
  gboolean known, is_look = answer->id == put->look;
  *(is_look ? &put->look : &put->stat) = 0;
  if (!sftp_attributes(put->sftp, answer, &attributes, &known, error))
    return FALSE;
  guint32 status = SFTP_OK;
  if (!known && !sftp_status(put->sftp, answer, &status, error))
    return FALSE;
  put->is_gone = is_look && (status == SFTP_NO_SUCH_FILE || status == SFTP_NO_SUCH_PATH);
  if (known && attributes.has_size) {
    put->size_known = TRUE;
    put->size = attributes.size;
  }
  return TRUE;
}

static gboolean take(Put *put, GError **error) {
  SftpAnswer answer;
  return sftp_receive(put->sftp, &answer, error) && take_answer(put, &answer, error);
}

static gboolean take_what_is_there(Put *put, GError **error) {
  SftpAnswer answer;
  gboolean got = TRUE;
  while (put->count > 0) {
    if (!sftp_receive_now(put->sftp, &answer, &got, error))
      return FALSE;
    if (!got)
      return TRUE;
    if (!take_answer(put, &answer, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean write_all(Put *put, GError **error) {
  while (put->sent < put->put->size) {
    gsize window = sftp_window(put->sftp, put->acknowledged, put->since);
    if (put->count == PIECES || put->in_flight >= window) {
      if (!take(put, error))
        return FALSE;
      continue;
    }
    if (!write_next(put, error))
      return FALSE;
    if (put->sent == put->put->size && put->count == 1)
      return TRUE; /* one flight: it goes with the tail */
    if (!sftp_flush(put->sftp, error) || !take_what_is_there(put, error))
      return FALSE;
  }
  while (put->count > 0)
    if (!take(put, error))
      return FALSE;
  return TRUE;
}

static void ask_tail(Put *put) {
  if (put->sftp->has_fsync && !put->refused) {
    SftpRequest request = sftp_request(put->sftp, SFTP_EXTENDED);
    sftp_put_text(put->sftp->out, "fsync@openssh.com");
    sftp_put_bytes(put->sftp->out, put->handle.bytes, put->handle.length);
    sftp_finish(put->sftp->out, request.begun);
    put->sync = request.id;
  }
  if (!put->refused)
    put->stat = sftp_request_handle(put->sftp, SFTP_FSTAT, &put->handle);
  put->close = sftp_request_handle(put->sftp, SFTP_CLOSE, &put->handle);
  if (!put->refused)
    put->look = sftp_request_text(put->sftp, SFTP_LSTAT, put->put->path);
  put->closing = TRUE;
}

static gboolean take_all(Put *put, GError **error) {
  while (put->count > 0 || put->sync || put->stat || put->close || put->look)
    if (!take(put, error))
      return FALSE;
  return TRUE;
}

/* A partial upload that is shorter than where we go on would get a hole; a longer one is not ours. */
static gboolean check_partial(Put *put, GError **error) {
  SftpAnswer answer;
  SftpAttributes attributes;
  gboolean known;
  if (put->put->offset == 0)
    return TRUE;
  if (!sftp_await(put->sftp, sftp_request_handle(put->sftp, SFTP_FSTAT, &put->handle), &answer, error) ||
      !sftp_attributes(put->sftp, &answer, &attributes, &known, error))
    return FALSE;
  if (!known || !attributes.has_size || (attributes.size >= put->put->offset && attributes.size <= put->put->size))
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                             "put %s: the partial upload has %" G_GUINT64_FORMAT " bytes: begin anew", put->put->path,
                             attributes.size);
}

/* Gone right after CLOSE, which said that all is well: *there tells, and it is for the caller to say what that means.
 */
static gboolean verify_size(Put *put, gboolean *there, GError **error) {
  SftpAttributes attributes;
  gboolean exists;
  *there = !put->is_gone;
  if (put->size_known && put->size == put->put->size)
    return TRUE;
  if (!sftp_look(put->sftp, put->put->path, &attributes, &exists, error))
    return FALSE;
  if (exists && attributes.has_size && attributes.size == put->put->size)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                             "put %s: the server has %" G_GUINT64_FORMAT " bytes of %" G_GUINT64_FORMAT, put->put->path,
                             exists ? attributes.size : 0, put->put->size);
}

static gboolean transfer(Put *put, GError **error) {
  if (!check_partial(put, error) || !write_all(put, error))
    return FALSE;
  ask_tail(put);
  return take_all(put, error);
}

static gboolean put_once(Sftp *sftp, const DriverTransfer *wanted, gboolean *there, gboolean *write_failed,
                         GError **error) {
  sftp_start_clock(sftp);
  SftpRequest request = sftp_request(sftp, SFTP_OPEN);
  sftp_put_text(sftp->out, wanted->path);
  sftp_put_number(sftp->out, SFTP_OPEN_WRITE | SFTP_OPEN_CREATE | (wanted->offset == 0 ? SFTP_OPEN_TRUNCATE : 0));
  sftp_put_number(sftp->out, 0); /* no attributes: the mode is the partner's umask's business */
  sftp_finish(sftp->out, request.begun);
  g_autofree Put *put = g_new0(Put, 1);
  put->sftp = sftp;
  put->put = wanted;
  put->sent = wanted->offset;
  if (!sftp_open_handle(sftp, request.id, "create", wanted->path, &put->handle, error))
    return FALSE;
  put->since = g_get_monotonic_time();
  if (transfer(put, error))
    return verify_size(put, there, error);
  put->refused = TRUE; /* what is still under way is taken, so that the connection stays of use */
  if (!sftp->base.lost && !put->closing)
    ask_tail(put);
  if (!sftp->base.lost && !take_all(put, NULL))
    sftp->base.lost = TRUE;
  *write_failed = put->write_failed;
  return FALSE;
}

/* A server that takes no piece of 32 KiB, which the protocol promises, is asked with small ones from then on. */
gboolean sftp_put(Driver *driver, const DriverTransfer *wanted, gboolean *there, GError **error) {
  Sftp *sftp = (Sftp *)driver;
  gboolean write_failed = FALSE;
  GError *failed = NULL;
  if (wanted->offset > wanted->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "put %s: resumes beyond its end", wanted->path);
  if (put_once(sftp, wanted, there, &write_failed, &failed))
    return TRUE;
  if (write_failed && !sftp->base.lost && sftp->write_most > SMALL_WRITE && wanted->size > SMALL_WRITE) {
    guint32 before = sftp->write_most;
    g_clear_error(&failed);
    sftp->write_most = SMALL_WRITE;
    if (put_once(sftp, wanted, there, &write_failed, &failed))
      return TRUE;
    sftp->write_most = before; /* it was not that */
  }
  g_propagate_error(error, failed);
  return FALSE;
}
