/* Numbers that are no text: packed (COMP-3), binary (COMP) and zoned ones, and bytes as hexadecimal digits. They are
 * read into the text that a layout without them would have had, -0001234, and written from it: what looks at values,
 * shows or sums them knows nothing of their bytes. Sources: IBM z/Architecture Principles of Operation, chapter 8
 * (decimal formats); IBM Enterprise COBOL Language Reference, USAGE and SIGN. */
#pragma once
#include "gateway/records/layout_private.h"

/* Whether the field is no plain text, and how it is read; into field, and the layout learns of it. CONFIGURATION for a
 * character set that does not go with it. Once the field's type is compiled. */
gboolean coded_compile(Layout *layout, LayoutField *field, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Once all fields are compiled, and whether words stand before lines is known. */
void coded_finish(Layout *layout);
/* The field's bytes as text, into 3 * bytes + 24; *length 0: absent. FAULT_CODED. Of a field that has `coded`. */
typedef Fault CodedReader(const LayoutField *field, const guint8 *at, guint8 *into, gsize *length);
/* What its bytes should have been, and what they are; not of a masked field. The caller frees. */
char *coded_reason(const LayoutField *field, const guint8 *at, gsize length);

/* Whether a fixed field of an answer in this character set is written by coded_write. */
gboolean coded_is_written(const ConfField *conf, const Charset *charset);
/* The field's text as `bytes` bytes. FALSE: it does not fit, or is no such text. */
gboolean coded_write(const ConfField *conf, const char *text, gsize length, guint8 *into, gsize bytes);
/* What stands for nothing: a blank; of binary numbers zero, as blanks would be a number. */
guint8 coded_absent(const ConfField *conf, const Charset *charset);
