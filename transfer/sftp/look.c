/* Whether a path is there. Servers differ in how they say that it is not: some answer a look at a missing name with a
 * plain failure, some refuse looks altogether. So a vague answer is no answer: the folder is listed, and where that is
 * refused, or may hide the name, the file is opened for reading. Only when none of these tells, the first refusal
 * counts. */
#include "transfer/sftp/sftp_private.h"
#include <string.h>

typedef enum { THERE, MISSING, VAGUE, BROKEN } SftpLook;

static SftpLook judge_answer(Sftp *sftp, const SftpAnswer *answer, SftpAttributes *attributes, GError **error) {
  gboolean known;
  guint32 status;
  if (!sftp_attributes(sftp, answer, attributes, &known, error))
    return BROKEN;
  if (known)
    return THERE;
  if (!sftp_status(sftp, answer, &status, error))
    return BROKEN;
  return status == SFTP_NO_SUCH_FILE || status == SFTP_NO_SUCH_PATH ? MISSING : VAGUE;
}

/* The text of the first refusal is kept for the error. */
static SftpLook by_stat(Sftp *sftp, const char *path, SftpAttributes *attributes, GError **refusal, GError **error) {
  SftpAnswer answer;
  guint32 status = 0;
  if (!sftp_await(sftp, sftp_request_text(sftp, SFTP_LSTAT, path), &answer, error))
    return BROKEN;
  SftpLook look = judge_answer(sftp, &answer, attributes, error);
  if (look != VAGUE)
    return look;
  if (!sftp_status(sftp, &answer, &status, error))
    return BROKEN;
  if (status != SFTP_UNSUPPORTED) {
    sftp_status_error(sftp, &answer, "look at", path, refusal);
    return VAGUE;
  }
  if (!sftp_await(sftp, sftp_request_text(sftp, SFTP_STAT, path), &answer, error))
    return BROKEN;
  look = judge_answer(sftp, &answer, attributes, error);
  if (look == VAGUE)
    sftp_status_error(sftp, &answer, "look at", path, refusal);
  return look;
}

static gboolean find_among(SftpCursor names, const char *name, SftpAttributes *attributes) {
  guint32 count;
  SftpName each;
  if (!sftp_take_number(&names, &count))
    return FALSE;
  for (guint32 i = 0; i < count && sftp_take_name(&names, &each); i++)
    if (each.name_length == strlen(name) && memcmp(each.name, name, each.name_length) == 0) {
      *attributes = each.attributes;
      return TRUE;
    }
  return FALSE;
}

/* A name that begins with a dot may be there and not listed. */
static SftpLook by_listing(Sftp *sftp, const char *path, SftpAttributes *attributes, GError **error) {
  g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
  SftpHandle handle;
  SftpAnswer answer;
  SftpLook look = VAGUE;
  if (!sftp_open_handle(sftp, sftp_request_text(sftp, SFTP_OPENDIR, folder), "list", folder, &handle, NULL))
    return sftp->base.lost ? BROKEN : VAGUE;
  while (look == VAGUE) {
    if (!sftp_await(sftp, sftp_request_handle(sftp, SFTP_READDIR, &handle), &answer, error))
      return BROKEN;
    guint32 status = 0;
    if (answer.type == SFTP_NAME)
      look = find_among(answer.body, name, attributes) ? THERE : VAGUE;
    else if (!sftp_status(sftp, &answer, &status, error))
      return BROKEN;
    else if (status == SFTP_EOF)
      look = MISSING;
    else
      break;
    sftp_start_clock(sftp);
  }
  sftp_ignore(sftp, sftp_request_handle(sftp, SFTP_CLOSE, &handle));
  return look == MISSING && *name == '.' ? VAGUE : look;
}

static SftpLook by_opening(Sftp *sftp, const char *path, SftpAttributes *attributes, GError **error) {
  SftpHandle handle;
  SftpAnswer answer;
  guint32 status;
  const guint8 *bytes;
  SftpRequest request = sftp_request(sftp, SFTP_OPEN);
  sftp_put_text(sftp->out, path);
  sftp_put_number(sftp->out, SFTP_OPEN_READ);
  sftp_put_number(sftp->out, 0);
  sftp_finish(sftp->out, request.begun);
  if (!sftp_await(sftp, request.id, &answer, error))
    return BROKEN;
  if (answer.type == SFTP_STATUS) {
    if (!sftp_status(sftp, &answer, &status, error))
      return BROKEN;
    return status == SFTP_NO_SUCH_FILE || status == SFTP_NO_SUCH_PATH ? MISSING : VAGUE;
  }
  if (answer.type != SFTP_HANDLE || !sftp_take_bytes(&answer.body, &bytes, &handle.length) ||
      handle.length > sizeof handle.bytes)
    return sftp_violation(sftp, "no good handle", error), BROKEN;
  memcpy(handle.bytes, bytes, handle.length);
  SftpLook look = sftp_await(sftp, sftp_request_handle(sftp, SFTP_FSTAT, &handle), &answer, error)
                      ? judge_answer(sftp, &answer, attributes, error)
                      : BROKEN;
  if (!sftp->base.lost)
    sftp_ignore(sftp, sftp_request_handle(sftp, SFTP_CLOSE, &handle));
  return look == MISSING ? VAGUE : look;
}

gboolean sftp_look(Sftp *sftp, const char *path, SftpAttributes *attributes, gboolean *exists, GError **error) {
  g_autoptr(GError) refusal = NULL;
  SftpLook look = by_stat(sftp, path, attributes, &refusal, error);
  if (look == VAGUE)
    look = by_listing(sftp, path, attributes, error);
  if (look == VAGUE)
    look = by_opening(sftp, path, attributes, error);
  *exists = look == THERE;
  if (look == VAGUE) {
    g_propagate_error(error, g_steal_pointer(&refusal));
    g_prefix_error(error, "the server lets nobody see whether it is there: ");
  }
  return look == THERE || look == MISSING;
}
