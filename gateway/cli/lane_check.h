/* What `verify` checks of one lane: the audit chain, the book, the ledgers, that they agree, and the archive. Each of
 * these is made whatever the others found; they are spread over some threads, each with connections of its own. */
#pragma once
#include "gateway/cli/books.h"

/* Of one check, in the order in which they are told; `good` is for people, `problem` NULL where it holds. Takes both.
 */
typedef void (*LaneCheckTold)(gpointer user, const char *what, char *good, GError *problem);
typedef struct {
  const CliOutput *out;
  const StatusLane *lane; /* it has a book that can be read */
  guint archive_days;     /* node { archive-days } */
  gboolean only_audit, without_archive;
  LaneCheckTold told;
  gpointer user;
} LaneCheckOrder;
void lane_check(const LaneCheckOrder *order);
