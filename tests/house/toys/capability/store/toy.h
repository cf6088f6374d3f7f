/* What the toy capability keeps in a lane's book. */
#pragma once
#include "store/book.h"

gboolean toy_add_note(BookTransaction *tx, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean toy_count_notes(BookReader *reader, gint64 *notes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
