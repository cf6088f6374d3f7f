/* Records whose values came by their fields' names, and not as a line: of JSON, or of a CSV with titles. What a value
 * may be, and the codes of what is wrong with it, are those of the layout's lines. */
#pragma once
#include "gateway/records/layout.h"

typedef struct {
  const char *text; /* of any bytes; the caller's */
  gsize length;     /* 0: absent */
} ValuedText;
typedef struct Valued Valued; /* one thread at a time */

/* Whether records of this layout are nothing but their fields: no types, groups, addenda, fields whose sign is
 * another's, or dates that take their year from the header. Else CONFIGURATION. */
gboolean valued_check(const Layout *layout, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of such a layout, which is borrowed. Dates without a year are near the day of arrival. */
Valued *valued_new(const Layout *layout, Day arrival);
void valued_free(Valued *valued);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Valued, valued_free)
guint valued_fields(const Valued *valued);
int valued_field(const Valued *valued, const char *name, gsize length); /* -1: none of this name */
/* Ends a record of the block, which has the layout's columns and room for it: its values, or its first fault. `texts`:
 * one for each field. */
void valued_add(Valued *valued, const ValuedText *texts, guint64 line, RecordBlock *block);
