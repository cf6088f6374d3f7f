/* Progress bars on a terminal: one line for the total, one for each thing under way, redrawn in place a few times a
 * second. Elsewhere nothing is printed. They go to standard error, so that what a command answers stays clean. */
#pragma once
#include <glib.h>

typedef struct Progress Progress;
Progress *progress_new(void);
typedef struct {
  const char *name;
  guint64 done, size;
} ProgressLine; /* name NULL: left out */
/* The first line is the total. Called from any thread, one at a time. */
void progress_show(Progress *progress, const ProgressLine *lines, guint n_lines);
void progress_end(Progress *progress); /* takes the bars away, frees */
