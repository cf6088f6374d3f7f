/* Full files of a store of details: each detail with a price is in exactly one. A file is closed in one transaction,
 * with its number and, of each shard, the details behind those of the file before, up to the last one; what is in it
 * never changes from then on, so that it can be written, and written again, whatever a crash has left. */
#pragma once
#include "store/details.h"

typedef struct {
  gint64 sequence; /* from 1, without a gap */
  char *period, *reason, *format, *sha256; /* sha256 NULL: closed, and not written yet */
  gint64 opened_at, closed_at;             /* microseconds since 1970 */
  guint64 count;
  Wide amount;
} DetailFile;
void detail_file_free(DetailFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DetailFile, detail_file_free)

/* What is in no file yet, between admissions. */
typedef struct {
  guint64 count;
  gint64 since;     /* when the first of it was rated; 0: nothing */
  gint64 opened_at; /* when the file before was closed; 0: there is none */
} DetailUnfiled;
gboolean details_unfiled(Details *details, DetailUnfiled *unfiled, GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef struct {
  const char *period, *reason, *format;
  gint64 now;
} DetailClosing;
/* All that is in no file yet is in this one: durable on return. Between admissions. */
gboolean details_close_file(Details *details, const DetailClosing *closing, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *file NULL: all are written. *previous: the digest of the one before; NULL: it is the first. The caller frees. */
gboolean details_unwritten(Details *details, DetailFile **file, char **previous,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Its details, by shard and number: those with a price alone. */
gboolean details_visit_file(Details *details, const DetailFile *file, DetailVisit visit, gpointer user,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean details_written(Details *details, gint64 sequence, const char *sha256,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* DetailFile*, by number, at most `limit` of the newest (0: all). NULL on error. */
GPtrArray *details_reader_files(DetailsReader *reader, guint limit, GError **error);
/* Numbers without a gap, and each file's count and sum those of its details. */
gboolean details_verify_files(DetailsReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
