/* The table of checks, and what they all need. */
#include "gateway/cli/doctor/doctor.h"
#include "gateway/common/endpoint.h"
#include <stdarg.h>
#include <string.h>

enum {
  SFTP = 1 << COURIER_SFTP,
  LOCAL = 1 << COURIER_LOCAL,
  FTP = 1 << COURIER_FTP,
  HTTP = 1 << COURIER_HTTP,
  MAILBOX = 1 << COURIER_MAILBOX
};

/* What this partner is trusted with beyond the rule. */
static gboolean tell_weak_signatures(Doctor *doctor) {
  const ConfOpenpgp *openpgp = &doctor->partner->openpgp;
  gint64 ends = conf_sha1_ends(openpgp);
  gboolean is_over = ends <= g_get_real_time() / G_USEC_PER_SEC;
  if (ends > 0)
    doctor_find(doctor, is_over ? DOCTOR_NOTE : DOCTOR_WARNING, "signatures",
                is_over ? "take sha1-until away" : "have the partner sign with SHA-256, then take sha1-until away",
                is_over ? "its signatures over SHA-1 are refused since the end of %s"
                        : "its signatures over SHA-1 are accepted to the end of %s: with SHA-1, two files can be "
                          "made that have the same signature",
                openpgp->sha1_until);
  return TRUE;
}

static const struct {
  guint kinds;
  gboolean (*run)(Doctor *doctor);
} checks[] = {
    {SFTP | LOCAL | FTP | MAILBOX, tell_weak_signatures},
    {SFTP | FTP | HTTP | MAILBOX, doctor_reach},
    {SFTP, doctor_algorithms},
    {SFTP, doctor_host_keys},
    {LOCAL, doctor_local},
    {SFTP | LOCAL | FTP | HTTP | MAILBOX, doctor_login},
    {FTP | HTTP | MAILBOX, doctor_tls},
    {SFTP, doctor_extensions},
    {FTP, doctor_ftp},
    {SFTP | LOCAL | FTP, doctor_folders},
    {SFTP | LOCAL | FTP, doctor_writes},
};

static void free_finding(gpointer finding) {
  g_free(((DoctorFinding *)finding)->text);
  g_free(((DoctorFinding *)finding)->set);
  g_free(finding);
}

Doctor *doctor_new(const Conf *conf, const ConfPartner *partner, const ConfEndpoint *settings) {
  Doctor *doctor = g_new0(Doctor, 1);
  doctor->conf = conf;
  doctor->partner = partner;
  doctor->settings = settings;
  if (settings)
    doctor->endpoint = endpoint_of(partner, settings);
  doctor->survey = courier_facts_new();
  doctor->connection = courier_facts_new();
  doctor->findings = g_ptr_array_new_with_free_func(free_finding);
  return doctor;
}

void doctor_free(Doctor *doctor) {
  doctor_disconnect(doctor);
  g_ptr_array_unref(doctor->survey);
  g_ptr_array_unref(doctor->connection);
  g_ptr_array_unref(doctor->findings);
  g_free(doctor);
}

const char *doctor_severity_word(DoctorSeverity severity) {
  static const char *const words[] = {"ok", "note", "warning", "problem"};
  return words[severity];
}

DoctorSeverity doctor_worst(const Doctor *doctor) {
  DoctorSeverity worst = DOCTOR_OK;
  for (guint i = 0; i < doctor->findings->len; i++)
    worst = MAX(worst, ((const DoctorFinding *)doctor->findings->pdata[i])->severity);
  return worst;
}

void doctor_find(Doctor *doctor, DoctorSeverity severity, const char *check, const char *set, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  DoctorFinding *finding = g_new(DoctorFinding, 1);
  *finding = (DoctorFinding){severity, check, g_strdup_vprintf(format, arguments), g_strdup(set)};
  va_end(arguments);
  g_ptr_array_add(doctor->findings, finding);
  if (doctor->told)
    doctor->told(doctor->user, finding);
}

static gboolean has_extra(const Doctor *doctor, const char *name) {
  gsize length = strlen(name);
  for (guint i = 0; i < doctor->connection->len; i++) {
    const CourierFact *fact = doctor->connection->pdata[i];
    if (strcmp(fact->name, "extension") == 0 && g_ascii_strncasecmp(fact->value, name, length) == 0 &&
        fact->value[length] <= ' ')
      return TRUE;
  }
  return FALSE;
}

void doctor_find_extras(Doctor *doctor, const char *check, const DoctorExtra *extras, guint n) {
  for (guint i = 0; i < n; i++)
    if (has_extra(doctor, extras[i].name))
      doctor_find(doctor, DOCTOR_OK, check, NULL, "%s", extras[i].name);
    else
      doctor_find(doctor, DOCTOR_NOTE, check, NULL, "no %s among its %s: %s", extras[i].name, check,
                  extras[i].without);
}

char *doctor_time(gint64 microseconds) {
  if (microseconds < 10000)
    return g_strdup_printf("%.2f ms", (double)microseconds / 1000.0);
  if (microseconds < G_USEC_PER_SEC)
    return g_strdup_printf("%.0f ms", (double)microseconds / 1000.0);
  return g_strdup_printf("%.1f s", (double)microseconds / G_USEC_PER_SEC);
}

char *doctor_speed(guint64 bytes, gint64 microseconds) {
  double rate = (double)bytes / (double)MAX(microseconds, 1) * G_USEC_PER_SEC / 1024.0;
  return rate < 1024.0 ? g_strdup_printf("%.0f KiB/s", rate) : g_strdup_printf("%.1f MiB/s", rate / 1024.0);
}

void doctor_examine(Doctor *doctor) {
  for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
    if (!(checks[i].kinds & (1u << doctor->endpoint.kind)))
      continue;
    if (doctor_is_stopped() || !checks[i].run(doctor))
      break;
  }
  doctor_disconnect(doctor);
}
