/* What lies in a drop folder and is never taken, so that nobody would hear of it: files for which a marker, a
 * signature or a declaration does not come, and files whose name is no feed's. Either is an alarm of the feed once it
 * has lain there unchanged, by our own clock, for source { tell-after }. What is known is forgotten by a restart, the
 * alarms are not: they end when nothing lies there any more, or nothing for so long. Of one feed; touched by its one
 * poll at a time. */
#pragma once
#include "conf/conf.h"
#include "store/book_watch.h"

typedef struct Overlooked Overlooked;
/* conf outlives it. */
Overlooked *overlooked_new(const Conf *conf, const ConfFeed *feed);
void overlooked_free(Overlooked *overlooked);

/* A listing begins; `now` is monotonic. */
void overlooked_begin(Overlooked *overlooked, gint64 now);
/* It has a file that the feed does not take. At most 1,000 such names are kept. */
void overlooked_pass(Overlooked *overlooked, const char *name, guint64 size, gint64 modified);
/* It has a file that waits for something, and has not changed since then (monotonic). FALSE: it is not counted, as its
 * row is wanted, which overlooked_wait() takes. */
gboolean overlooked_wait_unnamed(Overlooked *overlooked, gint64 since);
/* It has a file that waits for `on` (for people; borrowed), and has not changed since then (monotonic). */
void overlooked_wait(Overlooked *overlooked, const BookFile *file, const char *on, gint64 since);
/* The listing has ended; is_whole: it was not cut off, else that is an alarm, too. Raises and clears the feed's
 * alarms. */
gboolean overlooked_tell(BookTransaction *tx, Overlooked *overlooked, gboolean is_whole, guint ways,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
