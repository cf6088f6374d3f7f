/* What goes out was decided once: name, folder and endpoint stand in the book's intents, in the transaction that
 * decides them. A configuration that has changed since does not change where they go: no second copy
 * comes to be. */
#pragma once
#include "gateway/flow/step.h"

/* The endpoint that the file's next intent goes to; NULL: none is pending. The caller frees. */
gboolean decided_endpoint(BookReader *reader, const char *file, char **endpoint,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* CONFIGURATION unless the step is connected to the endpoint that the intent names. */
gboolean decided_is_here(const Step *step, const BookIntent *intent, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The file of ours that is put: in the spool of answers, wherever the state lies by now. The caller frees. */
char *decided_source(const Step *step, const BookIntent *intent);
