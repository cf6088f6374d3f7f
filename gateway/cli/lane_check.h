/* What `verify` checks of one lane: the audit chain, the book, the ledgers, and that they agree. Each check is made
 * whatever the others found; they are spread over some threads, each with connections of its own. */
#pragma once
#include "gateway/cli/books.h"

/* Of one check, in the order in which they are told; `good` is for people, `problem` NULL where it holds. Takes both.
 */
typedef void (*LaneCheckTold)(gpointer user, const char *what, char *good, GError *problem);
/* The lane has a book that can be read. */
void lane_check(const CliOutput *out, const StatusLane *lane, gboolean only_audit, LaneCheckTold told, gpointer user);
