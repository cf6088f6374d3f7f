/* Reaching the server: its name, its addresses, the time it takes, what it says first. */
#include "gateway/cli/doctor/doctor.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *reason_of(int number) {
  switch (number) {
  case ETIMEDOUT:
    return "no answer: a firewall drops it, or the machine is down";
  case ECONNREFUSED:
    return "refused: nothing listens on that port";
  case ENETUNREACH:
  case EHOSTUNREACH:
    return "no way there from this machine";
  default:
    return g_strerror(number);
  }
}

typedef struct {
  guint good, bad;
} ReachTally;

static void tell_address(Doctor *doctor, const char *value, ReachTally *tally) {
  char address[64];
  gint64 took = 0;
  int number = 0;
  if (sscanf(value, "%63s %" G_GINT64_FORMAT " %d", address, &took, &number) != 3)
    return;
  g_autofree char *time = doctor_time(took);
  if (number == 0) {
    tally->good++;
    doctor_find(doctor, took > 2 * G_USEC_PER_SEC ? DOCTOR_WARNING : DOCTOR_OK, "connect", NULL,
                "%s, port %u: connected in %s", address, doctor->endpoint.port, time);
    return;
  }
  tally->bad++;
  doctor_find(doctor, DOCTOR_WARNING, "connect",
              "an address that does not answer costs time at every connection: have it taken out of the DNS, or opened",
              "%s, port %u: %s (%s)", address, doctor->endpoint.port, reason_of(number), time);
}

gboolean doctor_reach(Doctor *doctor) {
  g_autoptr(GError) error = NULL;
  ReachTally tally = {0, 0};
  gboolean ok = courier_survey(&doctor->endpoint, doctor->survey, &error);
  gint64 resolved = courier_fact_number(doctor->survey, "resolved", -1);
  g_autofree char *time = doctor_time(MAX(resolved, 0));
  for (guint i = 0; i < doctor->survey->len; i++) {
    const CourierFact *fact = doctor->survey->pdata[i];
    if (strcmp(fact->name, "resolved") == 0)
      doctor_find(doctor, resolved > 2 * G_USEC_PER_SEC ? DOCTOR_WARNING : DOCTOR_OK, "name",
                  resolved > 2 * G_USEC_PER_SEC ? "look at this machine's resolver: it is asked at every connection"
                                                : NULL,
                  "%s: looked up in %s", doctor->endpoint.host, time);
    else if (strcmp(fact->name, "address") == 0)
      tell_address(doctor, fact->value, &tally);
  }
  const char *banner = courier_fact(doctor->survey, "banner");
  if (banner)
    doctor_find(doctor, DOCTOR_OK, "banner", NULL, "%s", banner);
  if (ok)
    return TRUE;
  doctor_find(doctor, DOCTOR_PROBLEM, tally.good > 0 ? "banner" : "connect",
              tally.good > 0 ? "url: is it the right port? Or the server has turned this machine's address away: ask "
                               "the partner to allow it"
                             : "url; and ask the partner whether this machine's address is allowed in",
              "%s", error->message);
  return FALSE;
}
