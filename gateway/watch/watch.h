/* The watch of a lane: a thread that looks once a second at what should be and is not: files that are due, held, not
 * delivered, folders that cannot be polled, endpoints that refuse us; raises and clears the alarms of these, and lets
 * the teller tell them. It waits for nobody but the book. */
#pragma once
#include "gateway/flow/feed_set.h"
#include "gateway/watch/alarm.h"

typedef struct Watch Watch;
typedef struct {
  const Conf *conf;
  const char *lane;
  Book *book;
  const char *book_path;
  const Feeds *feeds;
  gint64 started_at;                                 /* of the lane; microseconds since 1970 */
  void (*poll_now)(gpointer user, const char *feed); /* something is due: look into its folder once more */
  gpointer user;
} WatchOptions; /* all outlive it */
Watch *watch_start(const WatchOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void watch_wake(Watch *watch);
/* Ends its threads, before the pools are stopped, at whose state they look. FALSE: it and the configuration have to
 * be left until the process ends (teller.h). */
gboolean watch_stop(Watch *watch, guint grace_seconds);
/* after a watch_stop that was TRUE, and when nobody can tell it anything any more; NULL is fine */
void watch_free(Watch *watch);
Alarms *watch_alarms(Watch *watch); /* for what others find; lives as long as the watch */
/* The book cannot be written: told without it, once an hour. Any thread; returns at once. NULL is fine. */
void watch_book_unwritable(Watch *watch, const char *why);
