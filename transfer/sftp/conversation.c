#include "transfer/sftp/sftp_private.h"
#include "gateway/base/files.h"
#include <string.h>

#define IN_CAPACITY (1u << 20)
#define PACKET_MOST (320u << 10) /* the largest answer taken: 255 KiB of data, or of names, and its head */

SftpRequest sftp_request(Sftp *sftp, guint8 type) {
  guint32 id = ++sftp->last_id;
  return (SftpRequest){id, sftp_begin(sftp->out, type, id)};
}

guint32 sftp_request_text(Sftp *sftp, guint8 type, const char *text) {
  SftpRequest request = sftp_request(sftp, type);
  sftp_put_text(sftp->out, text);
  sftp_finish(sftp->out, request.begun);
  return request.id;
}

guint32 sftp_request_handle(Sftp *sftp, guint8 type, const SftpHandle *handle) {
  SftpRequest request = sftp_request(sftp, type);
  sftp_put_bytes(sftp->out, handle->bytes, handle->length);
  sftp_finish(sftp->out, request.begun);
  return request.id;
}

static gboolean lost(Sftp *sftp) {
  sftp->base.lost = TRUE;
  return FALSE;
}

gboolean sftp_violation(Sftp *sftp, const char *what, GError **error) {
  sftp->base.lost = TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "the server breaks the SFTP protocol: %s", what);
}

gboolean sftp_flush(Sftp *sftp, GError **error) {
  if (sftp->out->len == 0)
    return TRUE;
  gboolean ok = ssh_write(sftp->ssh, sftp->out->data, sftp->out->len, sftp->deadline, error);
  g_byte_array_set_size(sftp->out, 0);
  return ok || lost(sftp);
}

void sftp_start_clock(Sftp *sftp) {
  sftp->deadline = g_get_monotonic_time() + sftp->base.host->io_timeout;
  sftp->mark = 0;
}

void sftp_renew_clock(Sftp *sftp, guint64 progress, guint64 least) {
  if (progress < sftp->mark + least)
    return;
  sftp->deadline = g_get_monotonic_time() + sftp->base.host->io_timeout;
  sftp->mark = progress;
}

static gboolean is_text(const guint8 *bytes) {
  for (guint i = 0; i < sizeof(guint32); i++)
    if (!g_ascii_isprint(bytes[i]) && !g_ascii_isspace(bytes[i]))
      return FALSE;
  return TRUE;
}

static gboolean words_in_the_way(Sftp *sftp, GError **error) {
  const char *words = (const char *)sftp->in + sftp->in_from;
  g_autofree char *shown = files_show_bytes(words, MIN(sftp->in_to - sftp->in_from, 60), 0);
  sftp->base.lost = TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                             "the server sends text where SFTP is to begin (\"%s\"): a login script of this user "
                             "prints it, and the partner has to silence that",
                             shown);
}

/* Takes one whole answer from what has been received. */
static gboolean take_answer(Sftp *sftp, SftpAnswer *answer, gboolean *got, GError **error) {
  guint32 length;
  SftpCursor cursor = {sftp->in + sftp->in_from, sftp->in + sftp->in_to};
  *got = FALSE;
  if (!sftp_take_number(&cursor, &length))
    return TRUE;
  if ((length < 5 || length > PACKET_MOST) && is_text(sftp->in + sftp->in_from))
    return words_in_the_way(sftp, error);
  if (length < 5 || length > PACKET_MOST)
    return sftp_violation(sftp, "an answer of impossible length", error);
  if ((gsize)(cursor.end - cursor.at) < length)
    return TRUE;
  cursor.end = cursor.at + length;
  sftp->in_from += sizeof length + length;
  answer->type = *cursor.at++;
  *got = sftp_take_number(&cursor, &answer->id);
  answer->body = cursor;
  return TRUE;
}

static gboolean is_ignored(Sftp *sftp, guint32 id) {
  for (guint i = 0; i < sftp->ignored_count; i++)
    if (sftp->ignored[i] == id) {
      sftp->ignored[i] = sftp->ignored[--sftp->ignored_count];
      return TRUE;
    }
  return FALSE;
}

static gssize fill_buffer(Sftp *sftp, GError **error) {
  if (sftp->in_from == sftp->in_to)
    sftp->in_from = sftp->in_to = 0;
  if (IN_CAPACITY - sftp->in_to < PACKET_MOST) {
    memmove(sftp->in, sftp->in + sftp->in_from, sftp->in_to - sftp->in_from);
    sftp->in_to -= sftp->in_from;
    sftp->in_from = 0;
  }
  gssize length = ssh_read(sftp->ssh, sftp->in + sftp->in_to, IN_CAPACITY - sftp->in_to, error);
  if (length > 0)
    sftp->in_to += (gsize)length;
  if (length < 0)
    lost(sftp);
  return length;
}

gboolean sftp_receive_now(Sftp *sftp, SftpAnswer *answer, gboolean *got, GError **error) {
  for (;;) {
    if (!take_answer(sftp, answer, got, error))
      return FALSE;
    if (*got && !is_ignored(sftp, answer->id))
      return TRUE;
    if (*got)
      continue;
    gssize length = fill_buffer(sftp, error);
    if (length <= 0)
      return length == 0;
  }
}

gboolean sftp_receive(Sftp *sftp, SftpAnswer *answer, GError **error) {
  gboolean got;
  if (!sftp_flush(sftp, error))
    return FALSE;
  for (;;) {
    if (!sftp_receive_now(sftp, answer, &got, error))
      return FALSE;
    if (got)
      return TRUE;
    if (!ssh_wait(sftp->ssh, sftp->deadline, error))
      return lost(sftp);
  }
}

gboolean sftp_await(Sftp *sftp, guint32 id, SftpAnswer *answer, GError **error) {
  gint64 begun = g_get_monotonic_time();
  if (!sftp_receive(sftp, answer, error))
    return FALSE;
  if (answer->id != id)
    return sftp_violation(sftp, "an answer to nothing that was asked", error);
  sftp->round_trip = MIN(sftp->round_trip, g_get_monotonic_time() - begun);
  return TRUE;
}

/* At most as many as there is room for: each operation leaves one, and an answer that does not come for that long is
 * one that will never be recognised, which ends the connection as a violation. */
void sftp_ignore(Sftp *sftp, guint32 id) {
  if (sftp->ignored_count == SFTP_IGNORED_MOST)
    memmove(sftp->ignored, sftp->ignored + 1, --sftp->ignored_count * sizeof *sftp->ignored);
  sftp->ignored[sftp->ignored_count++] = id;
}

gboolean sftp_status(Sftp *sftp, const SftpAnswer *answer, guint32 *status, GError **error) {
  SftpCursor body = answer->body;
  if (answer->type != SFTP_STATUS || !sftp_take_number(&body, status))
    return sftp_violation(sftp, "an answer of the wrong type", error);
  return TRUE;
}

static SallyportErrorCode code_of(guint32 status) {
  switch (status) {
  case SFTP_NO_CONNECTION:
  case SFTP_CONNECTION_LOST:
  case SFTP_NO_MEDIA:
  case SFTP_NO_SPACE:
  case SFTP_QUOTA:
  case SFTP_LOCKED:
    return SALLYPORT_ERROR_AGAIN;
  default:
    return SALLYPORT_ERROR_PARTNER;
  }
}

const char *sftp_status_words(guint32 status) {
  switch (status) {
  case SFTP_OK:
    return "ok";
  case SFTP_EOF:
    return "end of file";
  case SFTP_NO_SUCH_FILE:
  case SFTP_NO_SUCH_PATH:
    return "no such file";
  case SFTP_PERMISSION_DENIED:
    return "permission denied";
  case SFTP_UNSUPPORTED:
    return "not supported by the server";
  case SFTP_ALREADY_EXISTS:
    return "exists";
  case SFTP_NO_SPACE:
    return "no space";
  case SFTP_QUOTA:
    return "over quota";
  default:
    return "failed";
  }
}

gboolean sftp_status_error(Sftp *sftp, const SftpAnswer *answer, const char *doing, const char *path, GError **error) {
  guint32 status;
  if (!sftp_status(sftp, answer, &status, error))
    return FALSE;
  SftpCursor body = answer->body;
  const guint8 *text = NULL;
  gsize length = 0;
  if (!sftp_take_number(&body, &status) || !sftp_take_bytes(&body, &text, &length))
    length = 0; /* old servers send no words */
  g_autofree char *shown = files_show_bytes(path, strlen(path), 0);
  g_autofree char *said = files_show_bytes(length > 0 ? (const char *)text : "", length, 200);
  return sallyport_error_set(error, code_of(status), "%s %s: %s (status %u%s%s)", doing, shown,
                             sftp_status_words(status), status, *said ? ": " : "", said);
}

gboolean sftp_open_handle(Sftp *sftp, guint32 id, const char *doing, const char *path, SftpHandle *handle,
                          GError **error) {
  SftpAnswer answer;
  const guint8 *bytes;
  if (!sftp_await(sftp, id, &answer, error))
    return FALSE;
  if (answer.type == SFTP_STATUS)
    return sftp_status_error(sftp, &answer, doing, path, error);
  if (answer.type != SFTP_HANDLE || !sftp_take_bytes(&answer.body, &bytes, &handle->length) ||
      handle->length > sizeof handle->bytes)
    return sftp_violation(sftp, "no good handle", error);
  memcpy(handle->bytes, bytes, handle->length);
  return TRUE;
}

gboolean sftp_attributes(Sftp *sftp, const SftpAnswer *answer, SftpAttributes *attributes, gboolean *known,
                         GError **error) {
  SftpCursor body = answer->body;
  guint32 status;
  *attributes = (SftpAttributes){0};
  *known = answer->type == SFTP_ATTRS;
  if (!*known)
    return sftp_status(sftp, answer, &status, error);
  return sftp_take_attributes(&body, attributes) || sftp_violation(sftp, "malformed attributes", error);
}

gsize sftp_window(const Sftp *sftp, guint64 bytes, gint64 since) {
  gint64 elapsed = g_get_monotonic_time() - since;
  if (elapsed <= 0)
    return SFTP_WINDOW_LEAST;
  double wanted = 2.0 * (double)bytes / (double)elapsed * (double)sftp->round_trip;
  return (gsize)CLAMP(wanted, (double)SFTP_WINDOW_LEAST, (double)SFTP_WINDOW_MOST);
}
