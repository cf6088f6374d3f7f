#include "gateway/check/check_private.h"
#include "gateway/common/paths.h"
#include "gateway/time/calendar.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What systemd hands over is shown to the service only: seen from elsewhere, nothing can be said of it. Its mode is
 * systemd's, who lets the service's user in by an ACL, which looks like a group that may read. */
static gboolean is_credential(const char *configured) {
  return g_str_has_prefix(configured, "credential:");
}

static gboolean check_readable(ConfWhere where, const char *what, const char *configured, struct stat *there,
                               ConfReport *report) {
  const char *path = secret_path(configured);
  if (is_credential(configured) && path == configured)
    conf_report_warning(report, where, "%s \"%s\" can be seen by the service only, which systemd hands it to", what,
                        configured);
  else if (stat(path, there) != 0)
    conf_report_error(report, where, "%s \"%s\": %s", what, configured, g_strerror(errno));
  else if (!S_ISREG(there->st_mode))
    conf_report_error(report, where, "%s \"%s\" is not a plain file", what, configured);
  else if (access(path, R_OK) != 0)
    conf_report_error(report, where, "%s \"%s\" cannot be read by this user: chown it to the service's", what,
                      configured);
  else if (there->st_size == 0)
    conf_report_error(report, where, "%s \"%s\" is empty", what, configured);
  else
    return TRUE;
  return FALSE;
}

static void check_public(ConfWhere where, const char *what, const char *path, ConfReport *report) {
  struct stat there;
  if (path && check_readable(where, what, path, &there, report) && there.st_mode & 0002 && !is_credential(path))
    conf_report_error(report, where, "%s \"%s\" can be written by everyone (mode %03o): chmod 644 it", what, path,
                      (guint)there.st_mode & 0777);
}

void check_secret(ConfWhere where, const char *what, const char *path, ConfReport *report) {
  struct stat there;
  if (path && check_readable(where, what, path, &there, report) && there.st_mode & 0077 && !is_credential(path))
    conf_report_error(report, where, "%s \"%s\" can be read or written by others (mode %03o): chmod 600 it", what, path,
                      (guint)there.st_mode & 0777);
}

static void check_local_folder(const ConfEndpoint *endpoint, ConfReport *report) {
  if (endpoint->scheme == CONF_URL_FILE && endpoint->folder && !g_file_test(endpoint->folder, G_FILE_TEST_IS_DIR))
    conf_report_warning(report, endpoint->where, "the folder \"%s\" of endpoint %s is not there (yet)",
                        endpoint->folder, endpoint->name);
}

static void check_endpoint(const ConfEndpoint *endpoint, ConfReport *report) {
  check_secret(endpoint->where, "identity-file", endpoint->identity_file, report);
  check_identity(endpoint, report);
  check_secret(endpoint->where, "passphrase-file", endpoint->passphrase_file, report);
  check_secret(endpoint->where, "password-file", endpoint->password_file, report);
  check_secret(endpoint->where, "token-file", endpoint->token_file, report);
  check_secret(endpoint->where, "private-key-file", endpoint->private_key_file, report);
  check_public(endpoint->where, "certificate-file", endpoint->certificate_file, report);
  check_public(endpoint->where, "ca-file", endpoint->ca_file, report);
  check_local_folder(endpoint, report);
}

static void check_partner(const ConfPartner *partner, ConfReport *report) {
  check_secret(partner->openpgp.where, "passphrase-file", partner->openpgp.passphrase_file, report);
  for (guint i = 0; partner->endpoints && i < partner->endpoints->len; i++)
    check_endpoint(partner->endpoints->pdata[i], report);
}

static void check_front(const ConfFront *front, ConfReport *report) {
  check_public(front->where, "certificate-file", front->certificate_file, report);
  check_secret(front->where, "private-key-file", front->private_key_file, report);
  check_public(front->where, "client-ca-file", front->client_ca_file, report);
}

static void check_alarms(const ConfAlarms *alarms, ConfReport *report) {
  const char *program = alarms->command ? alarms->command[0] : NULL;
  if (program && (!g_file_test(program, G_FILE_TEST_IS_REGULAR) || access(program, X_OK) != 0))
    conf_report_error(report, alarms->where, "command \"%s\" is no program that this user can start", program);
}

void check_files(const Conf *conf, ConfReport *report) {
  for (guint i = 0; i < conf->partners->len; i++)
    check_partner(conf->partners->pdata[i], report);
  check_front(&conf->front, report);
  check_alarms(&conf->alarms, report);
}

void check_calendars(const Conf *conf, ConfReport *report) {
  for (guint i = 0; i < conf->calendars->len; i++) {
    const ConfCalendar *described = conf->calendars->pdata[i];
    g_autoptr(GError) error = NULL;
    g_autoptr(Calendar) calendar = calendar_new(described, &error);
    if (!calendar)
      conf_report_error(report, described->where, "%s", error->message);
  }
}
