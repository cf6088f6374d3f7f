/* Full files of a store of details: each detail with a price is in exactly one. A file is closed in one transaction,
 * with its number and, of each shard, the details behind those of the file before, up to the last one. Those of them
 * whose day is not the file's are left over, and noted in the same transaction; a later file takes them. What is in a
 * file never changes from then on, so that it can be written, and written again, whatever a crash has left. */
#pragma once
#include "store/details.h"

typedef struct {
  guint64 count;
  Wide amount;
  gint64 since;                   /* when the first of them was rated, microseconds since 1970; 0: nothing */
  gint64 first_event, last_event; /* likewise; 0: nothing */
  guint64 late;                   /* of days before */
  Wide late_amount;
} DetailSums;

/* What platforms got of a file. A record that several got is in their sums several times: `extra` takes these away. */
typedef struct {
  guint64 unrouted, several, extra;
  Wide unrouted_amount, extra_amount;
} DetailMatrix;

typedef struct {
  gint64 sequence; /* from 1, without a gap */
  char *period, *reason, *format, *sha256; /* sha256 NULL: closed, and not written yet */
  gint64 opened_at, closed_at;             /* microseconds since 1970 */
  gboolean has_day;
  gint64 day;       /* of its period, since 1970 */
  guint supplement; /* of that period, from 1; 0: it is none */
  DetailSums sums;  /* but for `since` */
  gint64 split_at;  /* 0: not taken apart for the platforms yet */
  char *held;       /* why not */
  DetailMatrix matrix;
} DetailFile;
void detail_file_free(DetailFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DetailFile, detail_file_free)

/* Days of events, as somebody's clock has them; they never go back where events do not. */
typedef struct {
  gint64 (*day_of)(gpointer user, gint64 event); /* since 1970; NULL: the event does not matter */
  gpointer user;
  gint64 from, to;    /* those that count, both ends among them */
  gint64 late_before; /* what is of an earlier day is late */
} DetailDays;
#define DETAIL_ALL_DAYS ((DetailDays){.from = G_MININT64, .to = G_MAXINT64, .late_before = G_MININT64})

/* What is in no file yet, of these days; between admissions. */
gboolean details_unfiled(Details *details, const DetailDays *days, DetailSums *sums,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The newest file; NULL: there is none. */
gboolean details_last_file(Details *details, DetailFile **file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The day whose files are made; 0: none was begun. */
gboolean details_open_day(Details *details, gint64 *day, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean details_set_open_day(Details *details, gint64 day, GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  const char *period, *reason, *format;
  gint64 now;
  const DetailDays *days;
  const gint64 *day; /* of the period; NULL: it has none */
  gboolean is_supplement;
  gint64 open_day; /* from now on; 0: as it was */
} DetailClosing;
/* All of these days that is in no file yet is in this one: durable on return. Between admissions. */
gboolean details_close_file(Details *details, const DetailClosing *closing, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *file NULL: all are written. *previous: the digest of the one before; NULL: it is the first. The caller frees. */
gboolean details_unwritten(Details *details, DetailFile **file, char **previous,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Its details, by shard: those that were left over before, then by number. Those with a price alone. */
gboolean details_visit_file(Details *details, const DetailFile *file, DetailVisit visit, gpointer user,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean details_written(Details *details, gint64 sequence, const char *sha256,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading. DetailFile*, by number, at most `limit` of the newest (0: all). NULL on error. */
GPtrArray *details_reader_files(DetailsReader *reader, guint limit, GError **error);
gboolean details_reader_visit_file(DetailsReader *reader, const DetailFile *file, DetailVisit visit, gpointer user,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The file that the detail is in; *file NULL: in none yet. The caller frees. */
gboolean details_reader_file_of(DetailsReader *reader, guint shard, gint64 number, DetailFile **file,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Numbers without a gap, each file's count and sum those of its details, and of what platforms got of it. */
gboolean details_verify_files(DetailsReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
