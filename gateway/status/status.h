/* The gateway at one moment, for whoever shows it: what a lane's book says, and what the lane says about itself while
 * it runs. It reads and asks only; words, tables and masks are of those who show it. */
#pragma once
#include "gateway/status/lanes.h"
#include "store/book_recon.h"
#include "store/book_watch.h"
#include <jansson.h>

/* One lane at one moment. */
typedef struct {
  const StatusLane *lane; /* borrowed */
  json_t *answer;        /* of the running lane; NULL: it does not run */
  GPtrArray *counts;     /* BookCount* */
  GPtrArray *polls;      /* BookPoll* */
  GPtrArray *posting;    /* BookFile* */
  GPtrArray *unsent;     /* BookFile*: their answers could not be delivered yet */
  GPtrArray *alarms;     /* BookAlarm* */
  GPtrArray *dues;       /* BookDue* */
  GPtrArray *statements; /* ReconTask*: those that are not made, not out, or not told */
  guint pending;         /* intents */
} LaneStatus;

/* FALSE: the book cannot be read, and *status is to be cleared all the same. A lane that does not answer does not run,
 * which is no error; of one without a book only the answer is there. */
gboolean lane_status_read(const StatusLane *lane, LaneStatus *status, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void lane_status_clear(LaneStatus *status);

/* One feed, put together from the book's counts, its last poll, and what the lane says. Borrows from the status. */
typedef struct {
  const char *name;
  const BookPoll *poll;
  gint64 next_poll;
  guint64 under_way, held, closed, records, accepted, rejected, duplicates;
} FeedStatus;
void lane_status_feed(const LaneStatus *status, const char *name, FeedStatus *feed);
/* What the lane says of one feed; NULL: nothing. Borrowed. */
json_t *lane_status_told(const LaneStatus *status, const char *feed, const char *what);
/* Files that are live, of feeds that this lane does not have (any more): nothing is done with them, and no feed's row
 * tells of them. An object of feed to number of files, the caller's. */
json_t *lane_status_without_feed(const LaneStatus *status);

/* What the front says of itself; NULL: it does not run. The caller's. */
json_t *front_status_ask(const ConfNode *node);
