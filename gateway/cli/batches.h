/* A file's batches, for show and trace. */
#pragma once
#include "gateway/cli/output.h"
#include "store/book.h"

json_t *cli_batches_json(const CliOutput *out, const BookFile *file, const GPtrArray *batches, guint scale);
void cli_print_batches(const CliOutput *out, const BookFile *file, const GPtrArray *batches);
/* The idempotency key under which the batch is, or was, asked of an interface; NULL: it was not. The caller frees. */
char *cli_batch_key(const BookFile *file, const BookBatch *batch);
