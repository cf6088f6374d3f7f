/* What partners owe us: the due days of a lane's expectations, kept in the book, so that none is skipped by a restart
 * or an outage. Everything is reckoned from a clock that is handed in. */
#pragma once
#include "gateway/watch/alarm.h"
#include "gateway/flow/feed_calendar.h"

/* One feed's, as it stands now. */
typedef struct {
  const FeedWatch *watch;
  gint64 looked_at;    /* the last good poll of its folder; microseconds, 0: none */
  gboolean is_coming;  /* a file of it is being fetched */
  gint64 asked_at;     /* the caller's: when it had the folder looked into for that */
  gboolean wants_look; /* set by dues_look: something is due, and its folder has not been looked into since */
} DueFeed;

typedef struct {
  Book *book;
  BookReader *reader;
  Alarms *alarms;
  guint ways;
  gint64 started_at; /* of the lane */
  DueFeed *feeds;
  guint n_feeds;
} Dues;

/* At the lane's start: days ahead are reckoned anew, the calendar may have changed; and what is not expected any more
 * is excused. */
gboolean dues_begin(Dues *dues, gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Adds the days that have come, settles those that are met, and raises file-missing for those whose time is over: once
 * the folder has been looked into since (but five minutes later at the latest), so that a file that lay there is not
 * called missing after an outage. */
gboolean dues_look(Dues *dues, gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
