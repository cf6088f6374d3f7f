/* From a staged record to a row of a reference table: which column is what, and how keys and contents are written.
 *
 * Both are JSON arrays of texts: the key's fields in the order of the setting, the content's (all other fields but the
 * times of validity and the operation) in the layout's. Numbers are texts with their decimals, absent values null. */
#pragma once
#include "gateway/records/layout.h"
#include "store/reference.h"
#include <jansson.h>

typedef struct ReferenceShape ReferenceShape; /* one thread at a time */
/* Borrows conf and layout. CONFIGURATION for a zone that is not known. */
ReferenceShape *reference_shape_new(const ConfReference *conf, const Layout *layout,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void reference_shape_free(ReferenceShape *shape);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReferenceShape, reference_shape_free)
/* {"key": ["product"], "content": [["rate", "decimal", 2]]}: kept with each version. Borrowed. */
const char *reference_shape_text(const ReferenceShape *shape);
/* The record as a row; its texts are borrowed until the next call. Otherwise *code and *reason say what is wrong with
 * it (the caller frees the reason), without a value of the record. */
gboolean reference_shape_row(ReferenceShape *shape, const RecordBlock *block, guint record, ReferenceRow *row,
                             const char **code, char **reason) G_GNUC_WARN_UNUSED_RESULT;
