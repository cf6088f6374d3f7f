/* A reader, for what asks (read.c) and what verifies (verify.c). */
#pragma once
#include "store/details/details_private.h"

typedef struct {
  Db *details, *business;
  DetailView view;
  GPtrArray *runs; /* KeyRun: of the snapshot under way */
} ReaderShard;
struct DetailsReader {
  char *folder, *name;
  guint n_shards;
  guint64 seed;
  gint64 through; /* of the snapshot: what is beyond it does not count yet */
  ReaderShard *shards;
};
/* A snapshot of every file, with the runs that it names. */
gboolean details_reader_begin(DetailsReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void details_reader_end(DetailsReader *reader);
gint64 reader_shard_indexed(const ReaderShard *shard);
