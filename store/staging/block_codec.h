/* A range of a block's records as bytes, and back: the form in which staging and the ledger store them.
 *
 * The form is dense (columns without nulls, texts of one length, short lengths, small integers and consecutive line
 * numbers cost little or nothing) and made and read by whole-column loops. It carries its own length and a checksum
 * over all of it: bytes that were cut, changed or made by something else are refused, never read beyond. Integers are
 * little-endian. Faults and ordinals are not part of it. */
#pragma once
#include "gateway/base/error.h"
#include "store/block.h"

/* Appends the encoded records from … from+count-1 to `out`. */
void block_encode(const RecordBlock *block, guint from, guint count, GByteArray *out);

/* How many records the bytes hold; 0 when they are not an encoded block (block_decode says why). */
guint block_encoded_count(const void *bytes, gsize length);

/* Appends the records from … from+count-1 of the encoded ones to `into`, which must have the columns that were encoded
 * and room for `count`. STORAGE when the bytes are damaged; `into` is then as before. */
gboolean block_decode(const void *bytes, gsize length, guint from, guint count, RecordBlock *into,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
