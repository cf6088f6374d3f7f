/* The mailboxes of an exchange that feeds take items from: are they ours, and what waits there. Their lists are asked
 * for, and nothing is obtained or acknowledged. */
#include "gateway/cli/doctor/doctor.h"
#include <fnmatch.h>
#include <string.h>

static gboolean wants(gpointer feed, const char *name) {
  return fnmatch(((const ConfFeed *)feed)->source.match, name, FNM_PERIOD) == 0;
}

static gboolean list_for(Doctor *doctor, const ConfFeed *feed) {
  g_autoptr(GError) error = NULL;
  gboolean truncated;
  guint refused;
  const CourierListing listing = {.folder = feed->source.path, .wanted = wants, .user = (gpointer)feed};
  g_autoptr(GPtrArray) items = courier_list(doctor->courier, &listing, &truncated, &refused, &error);
  if (items) {
    doctor_find(doctor, DOCTOR_OK, "mailbox", NULL, "feed %s: mailbox %s is ours, and %u items of it wait there",
                feed->name, feed->source.path, items->len);
    return TRUE;
  }
  const char *set = sallyport_error_code(error) == SALLYPORT_ERROR_LOGIN
                        ? "token-file or certificate-file; or the exchange does not know them yet"
                    : sallyport_error_code(error) == SALLYPORT_ERROR_PARTNER
                        ? "path: a mailbox of which the exchange has made us an end"
                        : "url; or ask again later";
  doctor_find(doctor, DOCTOR_PROBLEM, "mailbox", set, "feed %s: %s", feed->name, error->message);
  return !courier_is_lost(doctor->courier);
}

gboolean doctor_mailboxes(Doctor *doctor) {
  guint asked = 0;
  for (guint l = 0; l < doctor->conf->lanes->len; l++) {
    const ConfLane *lane = doctor->conf->lanes->pdata[l];
    for (guint f = 0; f < lane->feeds->len; f++) {
      const ConfFeed *feed = lane->feeds->pdata[f];
      if (g_strcmp0(feed->partner, doctor->partner->name) != 0 ||
          g_strcmp0(feed->source.endpoint, doctor->settings->name) != 0)
        continue;
      asked++;
      if (!list_for(doctor, feed))
        return FALSE;
    }
  }
  if (asked == 0)
    doctor_find(doctor, DOCTOR_NOTE, "mailbox", NULL, "no feed takes items from there: no mailbox was asked for");
  return TRUE;
}
