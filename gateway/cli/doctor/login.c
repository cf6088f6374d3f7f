/* The login, as the gateway does it, and what the server has beyond the protocol. */
#include "gateway/cli/doctor/doctor.h"
#include <string.h>

static const char *remedy_for(SallyportErrorCode code) {
  switch (code) {
  case SALLYPORT_ERROR_LOGIN:
    return "url (the user), identity-file, password-file; or the partner has not yet stored our public key";
  case SALLYPORT_ERROR_CONFIGURATION:
    return "the file that is named, as the gateway's user";
  case SALLYPORT_ERROR_PARTNER:
    return "ask the partner whether this user may use SFTP, and whether its folder is there";
  default:
    return "connect-timeout, io-timeout, if it only takes long";
  }
}

static void tell_login(Doctor *doctor) {
  const char *by = courier_fact(doctor->connection, "login-by"),
             *offered = courier_fact(doctor->connection, "login-offered");
  const char *folder = courier_fact(doctor->connection, "working-folder");
  if (by)
    doctor_find(doctor, DOCTOR_OK, "login", NULL, "user %s by %s; the server offers %s", doctor->endpoint.user, by,
                offered);
  if (by && strcmp(by, "none") == 0)
    doctor_find(doctor, DOCTOR_WARNING, "login", "tell the partner: anybody is let in as this user",
                "no credential was asked for");
  if (folder)
    doctor_find(doctor, DOCTOR_OK, "login", NULL, "a relative path begins in %s", folder);
}

/* HTTP has no login of its own: a first question, HEAD of the base path, is what connects. Whatever its answer, if
 * there was one the rest can be looked at. */
static gboolean ask_http(Doctor *doctor) {
  g_autoptr(GError) error = NULL;
  CourierStat stat;
  if (doctor->endpoint.kind != COURIER_HTTP || courier_stat(doctor->courier, "/", &stat, &error))
    return TRUE;
  SallyportErrorCode code = sallyport_error_code(error);
  gboolean answered = !courier_is_lost(doctor->courier), is_well = code == SALLYPORT_ERROR_PARTNER,
           may_be_well = answered && code == SALLYPORT_ERROR_AGAIN;
  doctor_find(doctor, is_well ? DOCTOR_NOTE : may_be_well ? DOCTOR_WARNING : DOCTOR_PROBLEM, "session",
              is_well ? NULL : remedy_for(code), "%s", error->message);
  return answered;
}

gboolean doctor_login(Doctor *doctor) {
  g_autoptr(GError) error = NULL;
  const CourierProbe about = {.kind = COURIER_PROBE_CONNECTION, .path = "", .target = ""};
  gboolean known;
  gint64 begun = g_get_monotonic_time();
  if (!doctor_connect(doctor, FALSE, &error)) {
    doctor_find(doctor, DOCTOR_PROBLEM, "login", doctor_advice(error, remedy_for(sallyport_error_code(error))), "%s",
                error->message);
    return FALSE;
  }
  g_autofree char *time = doctor_time(g_get_monotonic_time() - begun);
  if (doctor->endpoint.kind != COURIER_LOCAL)
    doctor_find(doctor, DOCTOR_OK, "session", NULL, "ready in %s: %s", time, courier_describe(doctor->courier));
  if (doctor->endpoint.kind == COURIER_MAILBOX ? !doctor_mailboxes(doctor) : !ask_http(doctor))
    return FALSE;
  if (!courier_probe(doctor->courier, &about, &known, doctor->connection, &error)) {
    doctor_find(doctor, DOCTOR_PROBLEM, "session", NULL, "%s", error->message);
    return FALSE;
  }
  tell_login(doctor);
  return TRUE;
}

static void tell_limits(Doctor *doctor) {
  gint64 read_most = courier_fact_number(doctor->connection, "read-most", 0),
         write_most = courier_fact_number(doctor->connection, "write-most", 0);
  if (read_most > 0)
    doctor_find(doctor, DOCTOR_OK, "limits", NULL,
                "reads of %" G_GINT64_FORMAT " KiB, writes of %" G_GINT64_FORMAT " KiB, as it says itself",
                read_most >> 10, write_most >> 10);
  else
    doctor_find(doctor, DOCTOR_NOTE, "limits", NULL,
                "it does not tell them: pieces of 32 KiB are asked for, which every server takes");
}

gboolean doctor_extensions(Doctor *doctor) {
  static const DoctorExtra extras[] = {
      {"posix-rename@openssh.com", "an answer that replaces another (if-exists = replace) is put in its place in two "
                                   "steps: between them the old one has another name"},
      {"fsync@openssh.com",
       "what it has acknowledged may be lost when its machine loses power: feedback may have to be sent again by hand"},
      {"statvfs@openssh.com", "its free space cannot be asked for"},
  };
  doctor_find_extras(doctor, "extensions", extras, G_N_ELEMENTS(extras));
  tell_limits(doctor);
  return TRUE;
}
