/* A file of the book as JSON, the same for `files` and `show`. Every member is always there; null: not known (yet). */
#pragma once
#include "gateway/cli/books.h"
#include "gateway/records/exceptions.h"

/* "waits for its marker X.ok"; NULL: for nothing. The caller frees. */
char *cli_wait_words(const CliOutput *out, const BookFile *file);
/* The file's object behind what `into` has, in one line. */
void cli_file_put(const CliOutput *out, const Conf *conf, const CliLane *lane, const BookFile *file, GString *into);
/* The same as a value. */
json_t *cli_file_json(const CliOutput *out, const Conf *conf, const CliLane *lane, const BookFile *file);
/* Records that were not accepted (RecordException *), the same for `show` and `try`. NULL: an empty list. */
json_t *cli_refused_json(const GPtrArray *refused);
const char *cli_outcome_word(Outcome outcome);
/* The feed's scale of amounts; 0 when the feed is not configured any more. */
guint cli_file_scale(const Conf *conf, const CliLane *lane, const BookFile *file);
/* An object's members as "name=value, …" for people; what is not one, as it stands. The caller frees. */
char *cli_flat_json(const char *text);
