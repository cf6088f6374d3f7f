/* Staging: one SQLite file per inbound file, holding the whole decrypted file as typed records before any rule sees it.
 *
 * The records are stored in blocks of typed columns, some thousand records a row: a row per record costs more than all
 * other steps together (DESIGN.md, Measured). It is derived from the durable ciphertext, so it is written without
 * journal and synced once, by staging_complete; a file without the mark that staging_complete sets was cut short by a
 * crash and is staged again. It holds plaintext: mode 0600, and it is removed when the file is closed. */
#pragma once
#include "gateway/base/error.h"
#include "store/block.h"

typedef struct {
  const char *name;
  BlockType type;
  guint scale;
} StagingColumn;

typedef struct Staging Staging; /* being written; by one thread at a time */

/* Creates PATH anew (one that is there is a leftover and is replaced). */
Staging *staging_create(const char *path, const StagingColumn *columns, guint n_columns,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Appends the block; sets block->first to the next ordinal. Blocks come in the file's order. */
gboolean staging_append(Staging *staging, RecordBlock *block, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A named value of the header or trailer ("header.business_date"), or a fact of the parse ("lines"). Text, UTF-8. */
gboolean staging_set(Staging *staging, const char *name, const char *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Marks it complete, syncs it and its folder: durable on return. Frees `staging` in every case. */
gboolean staging_complete(Staging *staging, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void staging_discard(Staging *staging); /* frees it and removes its file */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Staging, staging_discard)

typedef struct StagingReader StagingReader; /* one per thread; any number at a time */
/* FILE when the mark of completeness is missing (stage again), STORAGE when it is damaged. */
StagingReader *staging_reader_open(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void staging_reader_close(StagingReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StagingReader, staging_reader_close)
guint64 staging_count(const StagingReader *reader);                                  /* records */
const StagingColumn *staging_columns(const StagingReader *reader, guint *n_columns); /* borrowed */
char *staging_get(StagingReader *reader, const char *name); /* NULL: not set. The caller frees. */
/* A block that fits this file's columns. */
RecordBlock *staging_block_new(const StagingReader *reader, guint capacity);
/* Fills `into` with the records first … first+count-1 (ordinals from 1), fewer at the file's end. count <=
 * into->capacity. */
gboolean staging_read(StagingReader *reader, guint64 first, guint count, RecordBlock *into,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

void staging_remove(const char *path); /* the file and whatever SQLite left beside it */
