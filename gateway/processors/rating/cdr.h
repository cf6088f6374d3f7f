/* Full files: what was rated, as lines of the fields that the rating names; and what platforms get of them.
 *
 *   H|sallyport-cdr-1|BUSINESS|SEQUENCE|PERIOD|OPENED|CLOSED|REASON|COUNT|SUM|DIGEST OF THE FILE BEFORE
 *   F|field|field …
 *   D|value|value …
 *   T|COUNT|SUM|SHA-256 of all that stands before this line
 *
 * Values that hold a bar, a quote or a line end stand in quotes, as of RFC 4180. The bytes follow from the details and
 * from what was noted when the file was closed, so that it can be written again. A platform's file has the same form,
 * its own name behind the business, and in the place of the digest the full file's. */
#pragma once
#include "gateway/processors/rating/desk.h"
#include "store/details_files.h"

/* CONFIGURATION: a field or a condition that is none. */
gboolean cdr_check(const Conf *conf, const ConfRating *rating, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What is noted of it when a file is closed. The caller frees. */
char *cdr_format(const ConfRating *rating);
/* Writes the file into the folder, durable on return; *path and *sha256 are the caller's. */
gboolean cdr_write(Details *details, const DetailFile *file, const char *previous, const char *folder, char **path,
                   char **sha256, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  guint64 records, unrouted, several; /* to no platform, to more than one */
  gboolean was_split;                 /* all its files were there, with the same bytes */
} CdrMatrix;
/* Makes the platforms' files of a full file, from it and the configuration alone. FILE: it is not as it was written, or
 * a file of that name is there with other bytes. */
gboolean cdr_split(const Conf *conf, const ConfRating *rating, const char *path, const char *into, CdrMatrix *matrix,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* cdr_close.c: closes a full file when it is time for it (or `now`), writes it and its platforms' files, and those that
 * a crash has left unwritten. Under the desk's lock; it is open. *written: how many. */
typedef struct {
  const char *folder; /* the lane's */
  gboolean close_now;
} CdrTurn;
gboolean cdr_take_turn(RatingDesk *desk, const CdrTurn *turn, guint *written, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *cdr_folder(const char *lane_folder, const char *rating); /* the caller frees */

/* --- cdr_line.c */
void cdr_put_value(GString *line, const char *value, gsize length);
/* The next value of a line; *at moves behind it. FALSE: there is none. */
gboolean cdr_get_value(const char **at, const char *end, GString *value);
char *cdr_name(const char *pattern, gint64 sequence, const char *period);
/* Fields that rating adds to the record's: of what type, and scale. */
gboolean cdr_own_field(const ConfRating *rating, const char *name, StagingColumn *column);

/* --- cdr_sink.c: a file that is written under a hidden name, and gets its own when it is whole. */
typedef struct CdrSink CdrSink;
CdrSink *cdr_sink_open(const char *folder, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GString *cdr_sink_line(CdrSink *sink); /* to append to */
gboolean cdr_sink_flush(CdrSink *sink, gboolean all, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *cdr_sink_digest(CdrSink *sink); /* of all lines up to here; hexadecimal, the caller frees */
/* Durable on return. With the name taken: *was_there, if by the same bytes; FILE, if by others. */
gboolean cdr_sink_finish(CdrSink *sink, gboolean *was_there, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void cdr_sink_close(CdrSink *sink); /* NULL is allowed; what is not finished is gone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CdrSink, cdr_sink_close)
