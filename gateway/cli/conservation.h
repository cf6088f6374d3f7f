/* The invariant between book and ledger: each file's accepted lines are its credits, and no credit lacks its file.
 *
 * It holds at every moment, so it may be checked while the lane works: a file's row is read before its credits, and
 * what is being posted is held to lie between what the book calls posted and what it calls accepted. */
#pragma once
#include "gateway/cli/books.h"

/* What was found in order, for people; the caller frees. NULL with STORAGE that names the first file which does not
 * agree. */
char *conservation_check(const CliOutput *out, const CliLane *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;
