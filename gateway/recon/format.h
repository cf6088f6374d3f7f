/* Records as the requester's lines: delimiter, quotes (RFC 4180), character set, line end, and ' before texts that a
 * spreadsheet would take for a formula. Fast where there is nothing to do: a column that holds nothing which needs care
 * is copied as it stands. */
#pragma once
#include "gateway/recon/source.h"
#include "gateway/records/charset.h"

typedef struct ReconFormat ReconFormat;
/* CONFIGURATION: a column that the source does not have, a character set that iconv does not have. Borrows both until
 * it is freed. */
ReconFormat *recon_format_new(const ConfReconcile *reconcile, const ReconSource *source,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void recon_format_free(ReconFormat *format);
guint recon_format_scale(const ReconFormat *format); /* of the amount column; 0 without one */

/* Appends the header line, or nothing where there is none. */
gboolean recon_format_header(ReconFormat *format, GByteArray *into, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Looks a batch over before its lines are asked for. */
void recon_format_batch(ReconFormat *format, const ReconBatch *batch);
/* Appends the lines of the entries from … to-1 of that batch and adds their amounts to *total. CONFIGURATION for a
 * value that cannot be written as configured (a character that the set does not have, a delimiter without quotes),
 * naming the column; FILE when the sum of the amounts leaves 64 bits. */
gboolean recon_format_lines(ReconFormat *format, guint from, guint to, GByteArray *into, gint64 *total,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
