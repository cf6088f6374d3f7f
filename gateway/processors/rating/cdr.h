/* Full files: what was rated, as lines of the fields that the rating names; and what platforms get of them.
 *
 *   H|sallyport-cdr-2|BUSINESS|SEQUENCE|PERIOD|OPENED|CLOSED|REASON|COUNT|SUM|FIRST EVENT|LAST EVENT|LATE|SUM OF LATE|
 *     LOST|SUPPLEMENT|DIGEST OF THE FILE BEFORE
 *   F|field|field …
 *   D|value|value …
 *   T|COUNT|SUM|SHA-256 of all that stands before this line
 *
 * Values that hold a bar, a quote or a line end stand in quotes, as of RFC 4180. The bytes follow from the details and
 * from what was noted when the file was closed, so that it can be written again. A platform's file begins with
 * H|form|BUSINESS|PLATFORM|SEQUENCE|PERIOD|OPENED|CLOSED|DIGEST OF THE FULL FILE, and has F, D and T|COUNT|SUM. */
#pragma once
#include "gateway/processors/rating/desk.h"
#include "gateway/flow/lane_service.h"
#include "store/details_platforms.h"

#define CDR_FORM "sallyport-cdr-2"
enum { CDR_HEADER_VALUES = 16 };

/* CONFIGURATION: a field or a condition that is none. */
gboolean cdr_check(const Conf *conf, const ConfRating *rating, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What is noted of it when a file is closed. The caller frees. */
char *cdr_format(const RatingDesk *desk);
/* Writes the file into the folder, durable on return; *path and *sha256 are the caller's. */
gboolean cdr_write(Details *details, const DetailFile *file, const char *previous, const char *folder, char **path,
                   char **sha256, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- cdr_split.c */
typedef struct {
  const Conf *conf;
  const ConfRating *rating;
  const char *path;
  const char *into;    /* a folder; NULL: the platforms' files are reckoned, and not made */
  const char *sha256;  /* what the full file must be; NULL: as its own trailer says */
  guint64 watched;     /* a record, from 1: `where` tells its lines in the platforms' files */
} CdrSplit;
typedef struct {
  guint64 records;
  DetailMatrix routed;
  GPtrArray *files;   /* PlatformFile*, in the order of the platforms */
  GArray *where;      /* guint64, of each platform: the line, from 1; 0: it did not get the record */
  guint64 offset;     /* of the watched record in the full file */
  gboolean was_split; /* all its files were there, with the same bytes */
} CdrMatrix;
void cdr_matrix_clear(CdrMatrix *matrix);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CdrMatrix, cdr_matrix_clear)
/* Makes the platforms' files of a full file, from it and the configuration alone. FILE: it is not as it was written, a
 * file of that name is there with other bytes, or its records do not go where `route` and `unrouted` want them. */
gboolean cdr_split(const CdrSplit *split, CdrMatrix *matrix, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *cdr_digest_of(const char *path, GError **error); /* SHA-256, hexadecimal; the caller frees. NULL on error */

/* cdr_close.c: closes the full files for which it is time (or `now`), writes them and their platforms' files, and those
 * that a crash has left unwritten. Under the desk's lock; it is open. *written: how many. */
typedef struct {
  const LaneHost *host; /* NULL: alarms are not raised */
  const char *folder;   /* the lane's */
  gint64 now;           /* microseconds since 1970 */
  gboolean close_now;
} CdrTurn;
gboolean cdr_take_turn(RatingDesk *desk, const CdrTurn *turn, guint *written, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* cdr_apart.c: takes apart what is written, the oldest first, up to one that has to be held. Likewise. */
gboolean cdr_take_apart(RatingDesk *desk, const CdrTurn *turn, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Text NULL: it is cleared. */
void cdr_alarm(const LaneHost *host, const char *kind, const char *subject, const char *text);
/* cdr_incoming.c: full files that others have put into the folder `incoming`. */
void cdr_take_incoming(const RatingDesk *desk, const CdrTurn *turn);
/* cdr_push.c: a thread that brings each platform's files to its endpoint, one after the other. Borrows the desks
 * (RatingDesk*), and takes their locks. */
typedef struct CdrPusher CdrPusher;
CdrPusher *cdr_pusher_start(const LaneHost *host, const GPtrArray *desks, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Cuts off the call under way. TRUE: it has ended, and is freed (NULL: TRUE). FALSE: it hangs in a connection that is
 * being made, and is left behind, with all that it knows, until the process ends. */
gboolean cdr_pusher_stop(CdrPusher *pusher, guint grace_seconds) G_GNUC_WARN_UNUSED_RESULT;

/* --- cdr_line.c */
char *cdr_folder(const char *lane_folder, const char *rating);    /* the caller frees */
char *cdr_platforms(const char *lane_folder, const char *rating); /* likewise: where the platforms' files lie */
void cdr_put_value(GString *line, const char *value, gsize length);
/* The next value of a line; *at moves behind it. FALSE: there is none. */
gboolean cdr_get_value(const char **at, const char *end, GString *value);
typedef struct {
  gint64 sequence;
  const char *period;
  guint supplement;
} CdrNumber;
/* The name; a supplement's has _S01 before its ending. The caller frees. */
char *cdr_name(const char *pattern, const CdrNumber *number);
/* The one that its form had when it was closed, whatever the configuration says since then. The caller frees. */
char *cdr_file_name(const DetailFile *file);
/* Fields that rating adds to the record's: of what type, and scale. */
gboolean cdr_own_field(const ConfRating *rating, const char *name, StagingColumn *column);

/* --- cdr_sink.c: a file that is written under a hidden name, and gets its own when it is whole. */
typedef struct CdrSink CdrSink;
/* Without a folder nothing is written, and its digest is reckoned all the same. */
CdrSink *cdr_sink_open(const char *folder, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GString *cdr_sink_line(CdrSink *sink); /* to append to */
gboolean cdr_sink_flush(CdrSink *sink, gboolean all, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *cdr_sink_digest(CdrSink *sink); /* of all lines up to here; hexadecimal, the caller frees */
/* Durable on return. With the name taken: *was_there, if by the same bytes; FILE, if by others. */
gboolean cdr_sink_finish(CdrSink *sink, gboolean *was_there, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void cdr_sink_close(CdrSink *sink); /* NULL is allowed; what is not finished is gone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CdrSink, cdr_sink_close)
