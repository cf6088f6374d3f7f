/* The names of answers: one file's each, for ever. */
#pragma once
#include "store/book.h"

/* The file of this feed that has the name, or NULL without error. The caller frees. */
char *book_answer_owner(BookReader *reader, const char *feed, const char *name,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives the name to the file. AGAIN when another has it. Again for the same file: no effect. */
gboolean book_claim_answer(BookTransaction *tx, const char *feed, const char *name, const char *file,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
