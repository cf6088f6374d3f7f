/* How busy the machine is, but for us: two readings of /proc and of our cgroup, and what lies between them.
 *
 * Of the processors, all that was used (steal, too) less what our cgroup has used; waiting for disks and memory by the
 * kernel's pressure (PSI), as its counters grow, less our own: at idle priority it is we who wait. Where our cgroup is
 * the root, or holds others' processes, what we used is that of our own processes, from the supervisor down, and our
 * waiting is not known: the signals are "reduced". Without PSI the processors' wait for disks stands in for it. */
#pragma once
#include "gateway/base/error.h"
#include <sys/types.h>

typedef struct {
  const char *root; /* in front of /proc and /sys: "" */
  pid_t ours;       /* the process above all of ours */
} IdleSources;

typedef struct {
  gint64 at;                /* monotonic, microseconds; 0: none yet */
  guint64 total, busy, disk; /* of all processors: microseconds so far, those in use, those waiting for disks */
  guint64 own;              /* microseconds of processors that we have used */
  guint64 io, memory;       /* microseconds in which some waited for disks, for memory; without ours */
  gboolean has_cgroup, has_pressure;
} IdleReading;
gboolean idle_read(const IdleSources *sources, IdleReading *reading, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Each in thousandths. */
typedef struct {
  guint cpu;    /* of all processors, used by others */
  guint io;     /* of the time, in which some wait for a disk */
  guint memory; /* … for memory */
  gboolean is_reduced;
} IdleSample;
/* FALSE: they cannot be compared (the first one; another way of counting; no time between them). */
gboolean idle_between(const IdleReading *before, const IdleReading *now, IdleSample *sample);
