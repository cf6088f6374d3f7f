/* What an FTP or HTTP server has shown: how the line is protected and until when, and what FTP can do beyond its oldest
 * form. */
#include "gateway/cli/doctor/doctor.h"
#include <string.h>

enum { DAYS_WARNED = 30 };

static void tell_certificate(Doctor *doctor) {
  gint64 ends = courier_fact_number(doctor->connection, "certificate-ends", 0),
         now = g_get_real_time() / G_USEC_PER_SEC, days = (ends - now) / 86400;
  gboolean first = TRUE;
  for (guint i = 0; i < doctor->connection->len; i++) {
    const CourierFact *fact = doctor->connection->pdata[i];
    if (strcmp(fact->name, "certificate") != 0)
      continue;
    doctor_find(doctor, DOCTOR_OK, "certificate", NULL, "%s%s", first ? "" : "certified by: ", fact->value);
    first = FALSE;
  }
  if (ends > 0 && days < DAYS_WARNED)
    doctor_find(
        doctor, DOCTOR_WARNING, "certificate",
        "tell the partner; and where its key is pinned, put the next one into the second slot of tls-key before",
        "it ends in %" G_GINT64_FORMAT " days: from then on nothing is sent and nothing fetched", days);
  if (ends > 0 && (!doctor->endpoint.tls_keys || !doctor->endpoint.tls_keys[0]))
    doctor_find(doctor, DOCTOR_NOTE, "certificate", NULL,
                "no key is pinned (tls-key): any certificate for this name from an authority that is trusted is taken");
}

gboolean doctor_tls(Doctor *doctor) {
  const char *protocol = courier_fact(doctor->connection, "tls");
  if (doctor->endpoint.tls == COURIER_TLS_NONE) {
    doctor_find(doctor, DOCTOR_WARNING, "tls",
                "have the partner turn on TLS, then ftp:// without clear-text, or https://",
                "the line is in the clear: login, names and content can be read and changed on the way; what is sealed "
                "is safe from that, its login is not");
    return TRUE;
  }
  if (protocol)
    doctor_find(doctor, strstr(protocol, "TLSv1.3") || strstr(protocol, "TLSv1.2") ? DOCTOR_OK : DOCTOR_WARNING, "tls",
                NULL, "%s", protocol);
  tell_certificate(doctor);
  return TRUE;
}

static void tell_listing(Doctor *doctor) {
  const char *way = courier_fact(doctor->connection, "listing");
  if (g_strcmp0(way, "LIST") != 0)
    doctor_find(doctor, DOCTOR_OK, "listing", NULL, "by MLSD: names, sizes and times without guessing");
  else
    doctor_find(
        doctor, DOCTOR_NOTE, "listing",
        doctor->endpoint.listing_time_zone ? NULL : "listing-time-zone, if it is not UTC there",
        "by LIST: its times are in the server's own zone, and in minutes, or days when they are old; taken to be in %s",
        doctor->endpoint.listing_time_zone ? doctor->endpoint.listing_time_zone : "UTC");
}

static void tell_passive(Doctor *doctor) {
  const char *named = courier_fact(doctor->connection, "passive-address"),
             *control = courier_fact(doctor->connection, "control-address");
  if (!named || !control)
    return;
  if (strcmp(named, control) == 0)
    doctor_find(doctor, DOCTOR_OK, "passive", NULL, "data connections go to %s, as the control connection does", named);
  else
    doctor_find(
        doctor, DOCTOR_NOTE, "passive", NULL,
        "the server names %s for its data: it does not know its own address. That is passed over, data goes to %s",
        named, control);
}

gboolean doctor_ftp(Doctor *doctor) {
  static const DoctorExtra extras[] = {
      {"SIZE", "sizes are taken from listings"},
      {"MDTM", "times are taken from listings"},
      {"REST", "a download that breaks goes on only if it takes REST all the same"},
      {"UTF8", "names are bytes of a character set that nobody tells"},
  };
  doctor_find_extras(doctor, "features", extras, G_N_ELEMENTS(extras));
  tell_listing(doctor);
  tell_passive(doctor);
  return TRUE;
}
