/* What several commands say of a file and its records in the same words. */
#pragma once
#include "gateway/cli/output.h"
#include "gateway/records/exceptions.h"
#include "store/book.h"

/* status_wait_words with the time as `out` shows it. NULL: it waits for nothing. The caller frees. */
char *cli_wait_words(const CliOutput *out, const BookFile *file);
/* An object's members as "name=value, …" for people; what is not one, as it stands. The caller frees. */
char *cli_flat_json(const char *text);
const char *cli_outcome_word(Outcome outcome);
/* Records that were not accepted (RecordException *), the same for `show` and `try`. NULL: an empty list. */
json_t *cli_refused_json(const GPtrArray *refused);
