/* A source that fills one block after the other. It has no positions: what it gives always goes through an extract. */
#pragma once
#include "gateway/recon/source.h"

/* Appends records to the (empty) block while it has room; none: the end. */
typedef gboolean (*ReconFill)(gpointer user, RecordBlock *block, GError **error);
/* Copies the columns; takes `user` and frees it with the source. */
ReconSource *recon_source_of_blocks(const StagingColumn *columns, guint n, ReconFill fill, gpointer user,
                                    GDestroyNotify free_user);
/* A text, or nothing for NULL. */
void recon_put_text(RecordBlock *block, guint column, const char *text);
