/* What a sample of a partner's file may be read by: a layout as text of a configuration, with what it was concluded
 * from beside it. It concludes from bytes alone; what cannot be known from them is said to be unsure, and what is not
 * is held against the whole file by the parser itself before it is said. Knows no feed and no partner. */
#pragma once
#include <glib.h>
#include "gateway/base/error.h"

typedef struct {
  char *text;        /* the layout, which `check` takes; each line ends */
  GPtrArray *unsure; /* char*: what a person has to look at, a sentence each; they are in the text, too */
  guint64 lines, records;
  char *verdict; /* NULL: the whole file is read by it without a fault; else the first one's code, line and reason */
} GuessReport;

/* `text` is the whole file, mapped; it is walked over a few times. Memory is bounded: of a long file, 20,000 lines at
 * its beginning and what is near its end are looked at closely, and lines are counted and summed over all of it.
 * `name`: the layout's. FILE when it is no file of lines that a layout can say, with the cause. */
gboolean guess_layout(const guint8 *text, gsize length, const char *name, GuessReport *report,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same of the file at this path, which has to be a plain one. */
gboolean guess_layout_file(const char *path, const char *name, GuessReport *report,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void guess_report_clear(GuessReport *report);
