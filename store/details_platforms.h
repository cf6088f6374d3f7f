/* What platforms got of full files (store/details_files.h): the matrix of counts and sums, which stays, and the way of
 * each platform's file to where it belongs. */
#pragma once
#include "store/details_files.h"

typedef struct {
  gint64 sequence;
  char *platform, *name, *sha256;
  guint64 count;
  Wide amount;
  gboolean is_pushed; /* it is to be brought somewhere; else it stays where it was made */
  gint64 pushed_at;   /* microseconds since 1970; 0: not yet */
  gint64 due_at;      /* of the next try, behind one that failed */
  guint tries;
  char *reason; /* why the last try failed */
} PlatformFile;
void platform_file_free(PlatformFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlatformFile, platform_file_free)

/* The oldest file that is written and not taken apart; *file NULL: none. */
gboolean details_unsplit(Details *details, DetailFile **file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* It is not taken apart, and why; those behind it wait, too. */
gboolean details_hold_split(Details *details, gint64 sequence, const char *why,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The matrix (PlatformFile*) in one transaction: it is taken apart. Durable on return. */
typedef struct {
  gint64 sequence, now;
  const DetailMatrix *matrix;
  const GPtrArray *files;
} DetailSplit;
gboolean details_split(Details *details, const DetailSplit *split, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The oldest file of the platform that is not pushed; *file NULL: none. */
gboolean details_next_push(Details *details, const char *platform, PlatformFile **file,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean details_pushed(Details *details, const PlatformFile *file, gint64 now,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean details_put_off_push(Details *details, const PlatformFile *file, gint64 due_at, const char *why,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* PlatformFile*, by platform. NULL on error. */
GPtrArray *details_reader_platforms(DetailsReader *reader, gint64 sequence, GError **error);
/* Likewise: of each platform the oldest file that waits to be pushed. */
GPtrArray *details_reader_unpushed(DetailsReader *reader, GError **error);
