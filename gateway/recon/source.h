/* Where a task's records come from: a stream of batches of records with the same columns, in an order that is the same
 * at every reading.
 *
 * A column's value is text or a scaled integer in a block, the line number, or one text for all records of a piece
 * (already as it is to be read, not quoted). A position behind a record can be told as a text, and another source of
 * the same task opened there goes on with the very next record: that is how a task resumes at a shard. */
#pragma once
#include "conf/conf.h"
#include "gateway/recon/snapshot.h"
#include "store/block.h"
#include "store/book.h"
#include "store/staging.h"

enum { RECON_CELL_CONSTANT = -1, RECON_CELL_LINE = -2 };
typedef struct {
  gint column; /* of the piece's block, or one of the above */
  const char *text;
  gsize length; /* of a constant; text NULL: null */
} ReconCell;
typedef struct {
  const RecordBlock *block;
  ReconCell *cells; /* one per column of the source */
} ReconPiece;
typedef struct {
  guint32 piece, record;
} ReconEntry;
/* Valid until the next call. */
typedef struct {
  const ReconPiece *pieces;
  guint n_pieces;
  const ReconEntry *entries;
  guint n; /* at least one */
} ReconBatch;

typedef struct ReconSource ReconSource;
struct ReconSource {
  const StagingColumn *columns;
  guint n_columns;
  gboolean (*next)(ReconSource *source, const ReconBatch **batch, GError **error); /* *batch NULL at the end */
  /* behind this entry of the last batch; the caller frees */
  char *(*position)(const ReconSource *source, guint entry);
  void (*close)(ReconSource *source);
};
static inline void recon_source_close(ReconSource *source) {
  if (source)
    source->close(source);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReconSource, recon_source_close)
int recon_source_column(const ReconSource *source, const char *name); /* -1: none */

/* Records of a batch as a block of their own with all columns of the source, from entry `from` on as far as there is
 * room; returns how many were taken. For sorting, conditions and extracts, where the stream's own form is of no use. */
RecordBlock *recon_block_new(const ReconSource *source, guint capacity);
guint recon_block_take(const ReconSource *source, const ReconBatch *batch, guint from, RecordBlock *into);

/* What every source of a task is told. */
typedef struct {
  const Conf *conf;
  const ConfLane *lane;
  const ConfReconcile *reconcile;
  const char *folder;    /* the lane's: ledgers */
  const char *work;      /* the task's: extracts, sorting */
  const char *from, *to; /* business dates, both included */
  BookReader *reader;    /* the thread's */
  gint64 at;             /* microseconds: when the snapshot was taken */
  /* ledger: the snapshot, and files (ids) that are not whole in it */
  const gint64 *positions;
  guint shards;
  GHashTable *without;
  const ReconSnapshot *before; /* ledger: whose files are not told again; NULL: all are told */
  const gboolean *stop; /* becomes TRUE when the lane ends */
  gboolean is_statement; /* delimited: only compared, so that numbers are read loosely */
  const ConfFeed *key_of; /* likewise: its key is composed, where the layout has all of it; NULL: none is */
} ReconSourceOptions;

/* The entries of the ledger, in the order of files and lines; key account amount business_date file name line batch
 * posted_at feed. */
ReconSource *recon_source_ledger(const ReconSourceOptions *options, const char *position,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Files of the book with their totals, in the order in which they were seen. */
ReconSource *recon_source_files(const ReconSourceOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Every record of the files with its outcome: accepted ones from the ledger, the others from what the book keeps of
 * them. */
ReconSource *recon_source_records(const ReconSourceOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A delimited or fixed file with a layout. */
ReconSource *recon_source_delimited(const ReconSourceOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A query of an SQLite or PostgreSQL database. */
ReconSource *recon_source_query(const ReconSourceOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Only the records that hold an SQL condition. Takes the inner one, also when it fails. */
ReconSource *recon_source_where(ReconSource *inner, const char *condition, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a configuration can name: NULL-terminated. NULL for a source that tells its columns only when it is read. */
const char *const *recon_source_names(ConfReadFrom from);

/* --- Extracts: all records of a source in a file of the task, ordered, from which shards are then made. Whatever the
 * source is, it is read once and as a whole before the first shard exists, so that no shard can disagree with another,
 * and resuming reads the same. */
typedef struct {
  const char *folder, *name;
  char *const *order; /* columns; NULL: as they come */
  const gboolean *stop;
} ReconExtractOptions;
/* Makes FOLDER/NAME anew; durable on return. *sha256 is of its bytes. Flat memory: an external merge sort. */
gboolean recon_extract_make(ReconSource *source, const ReconExtractOptions *options, char **sha256, guint64 *records,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* FILE when it is not there or not whole: made again. */
ReconSource *recon_extract_open(const char *folder, const char *name, const char *position,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
