/* Which details are in which full file: shared by who closes (full_files.c), reads and verifies. */
#pragma once
#include "store/details/details_private.h"
#include "store/details/reader_private.h"
#include "store/details_platforms.h"

/* A writer's or a reader's. */
typedef struct {
  Db *details;
  DetailView *view;
  gint64 settled; /* a writer's */
} FileShard;
typedef struct {
  Db *files; /* where files are noted: the first shard's business data */
  guint n;
  FileShard shards[DETAILS_SHARDS_MAX];
} FileBase;
FileBase filed_of_writer(Details *details);
FileBase filed_of_reader(DetailsReader *reader);

/* Some details of a shard and a day, as they are noted when they are left over. */
typedef struct {
  gint64 id, day, since, first_event, last_event;
  guint shard;
  guint64 count;
  Wide amount;
  GByteArray *numbers;
} LeftOver;
enum { NUMBER_BYTES = 8, LEFT_OVER_MOST = 4096 };
void left_over_free(LeftOver *left);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LeftOver, left_over_free)
LeftOver *left_over_of(DbStatement *row);
gint64 left_over_number(const LeftOver *left, guint index);
static inline guint left_over_count(const LeftOver *left) {
  return left->numbers->len / NUMBER_BYTES;
}

DetailFile *filed_row(DbStatement *row);
gboolean filed_one(Db *db, const char *query, const gint64 *sequence, DetailFile **file,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The last detail of the shard that a file has looked at; 0: there is no such file. */
gboolean filed_part_last(Db *db, gint64 sequence, guint shard, gint64 *last, GError **error) G_GNUC_WARN_UNUSED_RESULT;
static inline gint64 filed_high(Wide amount) {
  return (gint64)(amount >> 32);
}
static inline gint64 filed_low(Wide amount) {
  return (gint64)(amount & 0xffffffff);
}
static inline Wide filed_wide(gint64 high, gint64 low) {
  return ((Wide)high << 32) + low;
}

/* --- filed_walk.c: details of the shard behind `after` up to `last`; those of these days are added to the sums, the
 * others are noted as left over by the file `left_by` (0: they are not noted). */
typedef struct {
  guint shard;
  gint64 after, last, left_by;
} FiledSpan;
gboolean filed_walk(const FileBase *base, const FiledSpan *span, const DetailDays *days, DetailSums *sums,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Likewise what was left over and is in no file yet. */
gboolean filed_add_waiting(const FileBase *base, const DetailDays *days, DetailSums *sums,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean filed_visit(const FileBase *base, const DetailFile *file, DetailVisit visit, gpointer user,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
