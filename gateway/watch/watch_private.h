/* What the watch's thread (watch.c), its looks (looks.c) and its requests (watch_control.c) share. */
#pragma once
#include "gateway/watch/alarm.h"
#include "gateway/watch/dues.h"
#include "gateway/watch/teller.h"
#include "gateway/watch/watch.h"
#include <pthread.h>

typedef struct {
  const LaneHost *host;
  BookReader *reader;
  Teller *teller;
  Dues dues;
  GHashTable *pressed;       /* interface name (borrowed) → Pressed*: the watch's thread only */
  GHashTable *failing_since; /* pool name (borrowed) → gint64*, monotonic microseconds: likewise */
  gint64 pruned_at;          /* monotonic */
  gint64 short_told_at;      /* monotonic; 0: the disk is not short */
  pthread_t thread;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  gboolean woken, stopping;
  char *unwritable;          /* to be told */
  gint64 unwritable_told_at; /* monotonic */
} Watch;

/* --- watch.c */
void watch_wake(gpointer watch); /* any thread */

/* --- looks.c: what is, against what should be; the watch's thread only. */
const BookPoll *watch_poll_of(const GPtrArray *polls, const char *feed); /* NULL: never polled */
gboolean watch_look_at_feeds(Watch *watch, const GPtrArray *polls, gint64 now,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
void watch_look_at_service(Watch *watch, const Feed *feed, gint64 now); /* monotonic; so below */
void watch_look_at_endpoints(Watch *watch, gint64 now);
void watch_look_at_space(Watch *watch);
/* Alarms of what is not configured any more. */
void watch_clear_strangers(Watch *watch);

/* --- watch_control.c */
extern const LaneRequest watch_requests[];
