/* The supervisor's own state, and the configuration in force, which a signal changes. */
#pragma once
#include "gateway/supervisor/supervised.h"
#include "gateway/supervisor/supervisor.h"
#include <jansson.h>

typedef struct {
  SupervisorOptions options;
  Conf *conf;
  ConfSource *source;
  GHashTable *wanted; /* name → part */
  GPtrArray *lanes;   /* Supervised* */
  int signals;
  gboolean is_ready, is_stopping;
  int status_at_end; /* CONFIGURATION while a lane does not run since the configuration contradicts its state */
  gint64 watchdog_period, watchdog_at;
  gint64 started_at;
  char *status; /* as last told */
} Supervisor;

/* --- reload.c */

/* Read, parsed and checked as a whole; NULL when any of it is wrong, and everything that is has been logged, and added
 * to `problems` unless that is NULL. At a start what contradicts the state is told, and is no reason to refuse all of
 * it: the lane itself does not come up. */
Conf *supervisor_load(const SupervisorOptions *options, gboolean with_state, ConfSource **source,
                      json_t *problems) G_GNUC_WARN_UNUSED_RESULT;
/* Takes over a checked configuration; converge() then acts on it. */
void supervisor_adopt(Supervisor *s, Conf *conf, ConfSource *source);
/* The lane runs with another part of the configuration than is in force, or is not in it any more. */
gboolean supervisor_is_changed(const Supervisor *s, const Supervised *lane);
/* Reads the configuration anew and takes it up; a wrong one is logged, and the old one stays in force. What came of it
 * stands in the runtime folder then (outcome.h). */
void supervisor_reload(Supervisor *s);
