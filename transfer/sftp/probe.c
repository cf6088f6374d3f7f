/* Probes of an SFTP server: one question each, and what was answered. */
#include "transfer/sftp/sftp_private.h"
#include <string.h>

static gboolean await_status(Sftp *sftp, guint32 id, const DriverFacts *facts, GError **error) {
  SftpAnswer answer;
  guint32 status;
  if (!sftp_await(sftp, id, &answer, error) || !sftp_status(sftp, &answer, &status, error))
    return FALSE;
  driver_fact(facts, "status", "%s", sftp_status_words(status));
  return TRUE;
}

/* Where a relative path begins. Servers without REALPATH are none the worse. */
static gboolean tell_working_folder(Sftp *sftp, const DriverFacts *facts, GError **error) {
  SftpAnswer answer;
  SftpName name;
  guint32 count;
  if (!sftp_await(sftp, sftp_request_text(sftp, SFTP_REALPATH, "."), &answer, error))
    return FALSE;
  if (answer.type != SFTP_NAME)
    return TRUE;
  if (!sftp_take_number(&answer.body, &count) || count != 1 || !sftp_take_name(&answer.body, &name))
    return sftp_violation(sftp, "a malformed path", error);
  driver_fact(facts, "working-folder", "%.*s", (int)MIN(name.name_length, 4096), (const char *)name.name);
  return TRUE;
}

static gboolean probe_connection(Sftp *sftp, const DriverFacts *facts, GError **error) {
  static const char *const agreed[SSH_OFFERS] = {"agreed-kex", "agreed-host-key", "agreed-cipher", "agreed-mac"};
  static const char *const limits[] = {"packet-most", "read-most", "write-most", "handles-most"};
  const char *offered = ssh_login_offered(sftp->ssh), *by = ssh_login_by(sftp->ssh);
  for (guint i = 0; i < SSH_OFFERS; i++)
    driver_fact(facts, agreed[i], "%s", ssh_agreed(sftp->ssh, (SshOffer)i));
  driver_fact(facts, "login-offered", "%s", offered ? offered : "none");
  driver_fact(facts, "login-by", "%s", by ? by : "?");
  driver_fact(facts, "version", "3");
  for (guint i = 0; i < sftp->extensions->len; i++)
    driver_fact(facts, "extension", "%s", (const char *)sftp->extensions->pdata[i]);
  for (guint i = 0; i < G_N_ELEMENTS(limits); i++)
    if (sftp->limits[i] > 0)
      driver_fact(facts, limits[i], "%" G_GUINT64_FORMAT, sftp->limits[i]);
  return tell_working_folder(sftp, facts, error);
}

/* statvfs@openssh.com: block size, fragment size, blocks, free, free for us, … */
static gboolean tell_free(Sftp *sftp, const char *path, const DriverFacts *facts, GError **error) {
  SftpAnswer answer;
  guint64 numbers[5];
  SftpRequest request = sftp_request(sftp, SFTP_EXTENDED);
  sftp_put_text(sftp->out, "statvfs@openssh.com");
  sftp_put_text(sftp->out, path);
  sftp_finish(sftp->out, request.begun);
  if (!sftp_await(sftp, request.id, &answer, error))
    return FALSE;
  if (answer.type != SFTP_EXTENDED_REPLY)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    if (!sftp_take_long(&answer.body, &numbers[i]))
      return sftp_violation(sftp, "a malformed answer to statvfs", error);
  guint64 available = numbers[4], unit = numbers[1];
  if (unit > 0 && available <= G_MAXINT64 / unit)
    driver_fact(facts, "free", "%" G_GUINT64_FORMAT, available * unit);
  return TRUE;
}

static gboolean probe_folder(Sftp *sftp, const char *path, const DriverFacts *facts, GError **error) {
  SftpAnswer answer;
  SftpAttributes attributes;
  gboolean exists;
  if (!sftp_await(sftp, sftp_request_text(sftp, SFTP_STAT, path), &answer, error) ||
      !sftp_attributes(sftp, &answer, &attributes, &exists, error))
    return FALSE;
  if (!exists)
    return sftp_status_error(sftp, &answer, "look at", path, error);
  if (attributes.has_mode)
    driver_fact(facts, "mode", "%o", attributes.mode & 07777u);
  return !sftp->has_statvfs || tell_free(sftp, path, facts, error);
}

/* One read of `length` bytes; *answered is what came, 0 for a refusal or the end. */
static gboolean read_once(Sftp *sftp, const SftpHandle *handle, guint32 length, gsize *answered, GError **error) {
  SftpAnswer answer;
  const guint8 *bytes;
  guint32 status;
  SftpRequest request = sftp_request(sftp, SFTP_READ);
  sftp_put_bytes(sftp->out, handle->bytes, handle->length);
  sftp_put_long(sftp->out, 0);
  sftp_put_number(sftp->out, length);
  sftp_finish(sftp->out, request.begun);
  *answered = 0;
  if (!sftp_await(sftp, request.id, &answer, error))
    return FALSE;
  if (answer.type != SFTP_DATA)
    return sftp_status(sftp, &answer, &status, error);
  return (sftp_take_bytes(&answer.body, &bytes, answered) && *answered <= length) ||
         sftp_violation(sftp, "more data than was asked for", error);
}

/* Up to what a read may be before it comes back short: the protocol promises 32 KiB, OpenSSH does 255. */
static gboolean probe_read(Sftp *sftp, const CourierProbe *probe, const DriverFacts *facts, GError **error) {
  static const guint32 lengths[] = {32768, 65536, 131072, 261120};
  SftpHandle handle;
  gsize answered = 0, most = 0;
  guint32 asked = 0;
  SftpRequest request = sftp_request(sftp, SFTP_OPEN);
  sftp_put_text(sftp->out, probe->path);
  sftp_put_number(sftp->out, SFTP_OPEN_READ);
  sftp_put_number(sftp->out, 0);
  sftp_finish(sftp->out, request.begun);
  if (!sftp_open_handle(sftp, request.id, "open", probe->path, &handle, error))
    return FALSE;
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < G_N_ELEMENTS(lengths) && lengths[i] <= probe->size && most == asked; i++) {
    asked = lengths[i];
    ok = read_once(sftp, &handle, asked, &answered, error);
    most = MAX(most, answered);
  }
  if (!sftp->base.lost)
    sftp_ignore(sftp, sftp_request_handle(sftp, SFTP_CLOSE, &handle));
  driver_fact(facts, "read-asked", "%u", asked);
  driver_fact(facts, "read-answered", "%" G_GSIZE_FORMAT, most);
  return ok;
}

static guint32 request_set_time(Sftp *sftp, const CourierProbe *probe) {
  SftpRequest request = sftp_request(sftp, SFTP_SETSTAT);
  sftp_put_text(sftp->out, probe->path);
  sftp_put_number(sftp->out, SFTP_ATTRIBUTE_TIME);
  sftp_put_number(sftp->out, (guint32)probe->size);
  sftp_put_number(sftp->out, (guint32)probe->size);
  sftp_finish(sftp->out, request.begun);
  return request.id;
}

gboolean sftp_probe(Driver *driver, const CourierProbe *probe, gboolean *known, const DriverFacts *facts,
                    GError **error) {
  Sftp *sftp = (Sftp *)driver;
  sftp_start_clock(sftp);
  *known = TRUE;
  switch (probe->kind) {
  case COURIER_PROBE_CONNECTION:
    return probe_connection(sftp, facts, error);
  case COURIER_PROBE_FOLDER:
    return probe_folder(sftp, probe->path, facts, error);
  case COURIER_PROBE_READ:
    return probe_read(sftp, probe, facts, error);
  case COURIER_PROBE_SET_TIME:
    return await_status(sftp, request_set_time(sftp, probe), facts, error);
  case COURIER_PROBE_RENAME:
    return await_status(sftp, sftp_request_rename(sftp, FALSE, probe->path, probe->target), facts, error);
  case COURIER_PROBE_RENAME_POSIX:
    *known = sftp->has_posix_rename;
    return !*known || await_status(sftp, sftp_request_rename(sftp, TRUE, probe->path, probe->target), facts, error);
  case COURIER_PROBE_REMOVE_FOLDER:
    return await_status(sftp, sftp_request_text(sftp, SFTP_RMDIR, probe->path), facts, error);
  case COURIER_PROBES:
  default:
    break;
  }
  *known = FALSE;
  return TRUE;
}
