/* What the sources share: which files are wanted, and what is known of them. */
#pragma once
#include "gateway/recon/source.h"

typedef struct {
  char *id, *name, *feed, *business_date;
} ReconFile;
typedef struct {
  ReconSourceOptions options; /* a copy; what it points to outlives it */
  ReconFile *last;            /* what was looked at last */
} ReconFiles;

void recon_files_init(ReconFiles *files, const ReconSourceOptions *options);
void recon_files_clear(ReconFiles *files);
/* Looks the file up in the book; TRUE when its feed is wanted and it is whole in the snapshot. *error only when the
 * book cannot be read. */
gboolean recon_files_look(ReconFiles *files, const char *id, GError **error);
/* By name and feed, for those who have the file already. */
gboolean recon_files_wants(const ReconFiles *files, const char *id, const char *feed);

/* The decimals of a ledger's amounts, as the ledger keeps them; of one that does not know its own, those of the amount
 * field of a feed that credits it. */
guint recon_ledger_scale(const ReconSourceOptions *options, const char *ledger);
/* Of the amounts of all feeds that are read, which must agree: CONFIGURATION otherwise. */
gboolean recon_feeds_scale(const ReconSourceOptions *options, guint *scale, GError **error) G_GNUC_WARN_UNUSED_RESULT;
