/* What the state holds, whatever the configuration says: every folder of a lane below STATE/lanes that has a book, with
 * the book's holdings and the ledgers beside it. Read-only; the lanes may run. */
#pragma once
#include "conf/conf.h"
#include "store/book_holdings.h"
#include "store/ledger.h"

typedef struct {
  char *name;
  LedgerFacts facts;
} HeldLedger;
typedef struct {
  char *name; /* the folder's */
  char *folder;
  BookHoldings *book;
  GPtrArray *ledgers; /* HeldLedger*, by name; while one is being moved: none, they are told by the move */
  guint64 files, live, credits;
  char *problem; /* why it cannot be read: nothing is known of it then, and book is NULL; else NULL */
} HeldLane;

/* HeldLane*, by name. A lane that cannot be read is no reason that the others are not. */
GPtrArray *held_lanes(const ConfNode *node);
const HeldLane *held_lane(const GPtrArray *held, const char *name); /* NULL: none */
const HeldLedger *held_ledger(const HeldLane *lane, const char *name);
/* Has it taken a file, or credited anything? */
gboolean held_has_something(const HeldLane *lane);
