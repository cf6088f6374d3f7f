/* What is watched of one feed, compiled from its configuration: the calendar of its polls, its cut-off, what it owes
 * us. Pure functions over it; it is read-only once made. */
#pragma once
#include "conf/conf.h"
#include "gateway/time/calendar.h"
#include "store/book_watch.h"

typedef struct {
  const ConfExpect *conf;
  Calendar *calendar;
  GTimeZone *zone;
} Expect;
typedef struct FeedWatch {
  const ConfFeed *conf;
  Calendar *polls; /* NULL: every day */
  Calendar *cut_off_calendar;
  GTimeZone *cut_off_zone; /* the node's zone also where there is no cut-off */
  Expect *expects;
  guint n_expects;
} FeedWatch;

/* CONFIGURATION: a calendar's file, a time zone. The configuration outlives it. */
FeedWatch *feed_watch_new(const Conf *conf, const ConfFeed *feed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void feed_watch_free(FeedWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FeedWatch, feed_watch_free)

gboolean feed_watch_wants_arrivals(const FeedWatch *watch);
/* When a file came: between the last good poll before (0: none) and the one that lists it now, which after an outage
 * may be days. Within that the partner's time stamp is believed. Microseconds; `modified` is in seconds. */
gint64 feed_watch_arrival(gint64 modified, gint64 last_poll, gint64 now);

/* The business day that a file belongs to by its arrival. *late: it came after the last cut-off before that day.
 * Without a cut-off the day of arrival. What the cut-off holds, or a person lets pass, belongs to the day of arrival or
 * the first business day after it. */
Day feed_watch_day(const FeedWatch *watch, gint64 arrived, gboolean *late);

/* The span of one day: files count that come in [opens_at, closes_at), the alarm is due at due_at. It opens at `from`,
 * but not before the time of the day before is over; the next one opens where it closes, so that a file counts for one
 * day. day-offset counts business days. */
BookDue *expect_due(const Expect *expect, const char *feed, Day day) G_GNUC_WARN_UNUSED_RESULT;
/* The due days that have to be in the book at `now`: all behind `last_day` (NULL: none is yet, and nothing before now
 * is asked for) up to the first whose time has not come; none that was due more than 31 days ago. BookDue*. */
GPtrArray *expect_plan(const Expect *expect, const char *feed, const char *last_day,
                       gint64 now) G_GNUC_WARN_UNUSED_RESULT;
