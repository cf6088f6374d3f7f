/* A capability inside a lane: a thread of its own, requests over the control socket, a section of the lane's status.
 * Its folder defines one row, gateway/lane/services.c lists it. Capabilities know what the lane offers them (LaneHost),
 * and never each other. */
#pragma once
#include "gateway/flow/feed_set.h"
#include <jansson.h>

/* All of it outlives the services. */
typedef struct {
  const Conf *conf;
  const ConfLane *lane;
  const LanePaths *paths;
  Book *book;
  const Feeds *feeds;
  KeyGate *gate; /* who changes what files of a process change takes their place here meanwhile */
  struct Alarms *alarms; /* gateway/watch/alarm.h */
  struct Idle *idle;     /* gateway/idle/idle.h; NULL: the lane works always */
  const struct RemotePace *pace; /* gateway/common/remote_put.h: likewise, for who has no steps */
  struct Collector *collector; /* gateway/replay/collect.h; NULL: the lane collects no cases */
  guint alarm_ways;      /* of alarms that are raised in a transaction */
  guint threads;         /* for work that can be spread over processors */
  gint64 started_at;     /* microseconds since 1970 */
  /* Any thread; all return at once. */
  void (*poll_now)(gpointer lane, const char *feed); /* something is due: look into its folder once more */
  void (*wake)(gpointer lane);                       /* what it waited for has come: it looks for work */
  void (*storage_failed)(gpointer lane);             /* the disk cannot be trusted any more: the lane stops */
  gpointer user;                                     /* theirs */
} LaneHost;

/* {"do": name, …}: answers with an object (gateway/common/control.h), in the control server's thread. `service` is NULL
 * where the lane has none of it. */
typedef struct {
  const char *name;
  json_t *(*answer)(const LaneHost *host, gpointer service, const char *who, const json_t *request);
} LaneRequest;

typedef struct {
  const char *name; /* also of its section in the status */
  /* NULL without an error: this lane is configured with none of it. */
  gpointer (*start)(const LaneHost *host, GError **error);
  /* Ends its threads, before the endpoints' threads are ended: these may still be at work for it. FALSE: some could not
   * be ended; then it, and all that it knows, is left until the process ends. */
  gboolean (*stop)(gpointer service, guint grace_seconds);
  /* After a stop that was TRUE, and after the endpoints' threads. */
  void (*free)(gpointer service);
  const LaneRequest *requests;                                /* end with a NULL name; NULL: none */
  json_t *(*status)(gpointer service);                        /* NULL: no section */
  void (*book_unwritable)(gpointer service, const char *why); /* any thread; returns at once. NULL: it need not know */
} LaneService;
