#include "gateway/watch/dues.h"
#include "gateway/base/faultpoint.h"
#include "gateway/common/log.h"
#include <string.h>

enum { LONGEST_DOUBT = 300, FETCHING_DOUBT = 60, GIVEN_UP_DAYS = 62, DAY_SECONDS = 86400 };
#define KIND "file-missing"

static char *subject_of(const BookDue *due) {
  return g_strjoin(" ", due->feed, due->name, due->day, NULL);
}

/* --- Changes: what becomes of a day and its alarm are one */

typedef struct {
  const Dues *dues;
  const BookDue *due;
  DueState to;
  gint64 now;
  const char *subject, *text; /* text: raise */
} Settle;

static gboolean settle_change(BookTransaction *tx, gpointer data, GError **error) {
  const Settle *settle = data;
  if (!book_settle_due(tx, settle->due, settle->to, settle->now, error))
    return FALSE;
  AlarmCall call = {.kind = KIND,
                    .subject = settle->subject,
                    .feed = settle->due->feed,
                    .text = settle->text,
                    .ways = settle->dues->ways};
  return settle->text ? book_raise_alarm(tx, &call, error)
                      : book_clear_alarm(tx, KIND, settle->subject, settle->dues->ways, error);
}

static gboolean settle(const Dues *dues, const BookDue *due, DueState to, gint64 now, const char *text,
                       GError **error) {
  g_autofree char *subject = subject_of(due);
  Settle change = {dues, due, to, now, subject, text};
  fault_point("due-before-commit");
  if (!book_write(dues->book, settle_change, &change, error))
    return FALSE;
  fault_point("due-after-commit");
  log_event(to == DUE_MISSED ? LOG_WARNING : LOG_INFO, "due", {"feed", due->feed}, {"expect", due->name},
            {"day", due->day}, {"state", due_state_word(to)});
  return TRUE;
}

static gboolean add_change(BookTransaction *tx, gpointer data, GError **error) {
  const GPtrArray *plan = data;
  for (guint i = 0; i < plan->len; i++)
    if (!book_add_due(tx, plan->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean add_days(Dues *dues, const Expect *expect, const char *feed, gint64 now, GError **error) {
  g_autofree char *last = NULL;
  if (!book_last_due(dues->reader, feed, expect->conf->name, &last, error))
    return FALSE;
  g_autoptr(GPtrArray) plan = expect_plan(expect, feed, last, now);
  return plan->len == 0 || book_write(dues->book, add_change, plan, error);
}

/* --- One day */

static DueFeed *feed_of(const Dues *dues, const BookDue *due, const Expect **expect) {
  for (guint i = 0; i < dues->n_feeds; i++) {
    const FeedWatch *watch = dues->feeds[i].watch;
    for (guint j = 0; j < watch->n_expects && strcmp(watch->conf->name, due->feed) == 0; j++)
      if (strcmp(watch->expects[j].conf->name, due->name) == 0) {
        *expect = &watch->expects[j];
        return &dues->feeds[i];
      }
  }
  return NULL;
}

/* Whether it is too early to say that nothing has come. */
static gboolean is_in_doubt(const Dues *dues, DueFeed *feed, const BookDue *due, gint64 now) {
  gint64 since = MAX(due->due_at, dues->started_at);
  gboolean has_looked = feed->looked_at >= since;
  feed->wants_look |= !has_looked;
  if (!has_looked)
    return now - since < LONGEST_DOUBT * (gint64)G_USEC_PER_SEC;
  return feed->is_coming && now - since < FETCHING_DOUBT * (gint64)G_USEC_PER_SEC;
}

static char *missing_text(const Expect *expect, const BookDue *due, guint have) {
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(due->due_at / G_USEC_PER_SEC);
  g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, expect->zone);
  g_autofree char *by = g_date_time_format(local, "%Y-%m-%d %H:%M %Z");
  return g_strdup_printf("%s: %u file%s of %s (%s) %s due by %s, %u came", due->feed, due->wanted,
                         due->wanted == 1 ? "" : "s", due->day, due->name, due->wanted == 1 ? "was" : "were", by, have);
}

static gboolean look_at(Dues *dues, const BookDue *due, gint64 now, GError **error) {
  const Expect *expect = NULL;
  DueFeed *feed = feed_of(dues, due, &expect);
  guint have = 0;
  BookSpan span = {due->feed, due->opens_at, due->closes_at, due->wanted};
  if (!feed || due->due_at < now - (gint64)GIVEN_UP_DAYS * DAY_SECONDS * G_USEC_PER_SEC)
    return settle(dues, due, DUE_EXCUSED, now, NULL, error);
  if (!book_arrivals(dues->reader, &span, &have, error))
    return FALSE;
  if (have >= due->wanted)
    return settle(dues, due, DUE_MET, now, NULL, error);
  g_autofree char *subject = subject_of(due);
  if (due->state == DUE_MISSED)
    return alarms_state(dues->alarms, KIND, subject) == ALARM_STANDING ||
           settle(dues, due, DUE_EXCUSED, now, NULL, error);
  if (now < due->due_at || is_in_doubt(dues, feed, due, now))
    return TRUE;
  g_autofree char *text = missing_text(expect, due, have);
  return settle(dues, due, DUE_MISSED, now, text, error);
}

gboolean dues_look(Dues *dues, gint64 now, GError **error) {
  for (guint i = 0; i < dues->n_feeds; i++) {
    const FeedWatch *watch = dues->feeds[i].watch;
    dues->feeds[i].wants_look = FALSE;
    for (guint j = 0; j < watch->n_expects; j++)
      if (!add_days(dues, &watch->expects[j], watch->conf->name, now, error))
        return FALSE;
  }
  g_autoptr(GPtrArray) open = book_open_dues(dues->reader, error);
  for (guint i = 0; open && i < open->len; i++)
    if (!look_at(dues, open->pdata[i], now, error))
      return FALSE;
  return open != NULL;
}

static gboolean begin_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_drop_dues_ahead(tx, *(gint64 *)data, error);
}

gboolean dues_begin(Dues *dues, gint64 now, GError **error) {
  return book_write(dues->book, begin_change, &now, error);
}
