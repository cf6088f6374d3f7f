/* Which batches may be under way at the same time, and in which order they wait: first come, first served.
 *
 * A batch waits while too many are under way; while an earlier one of another file has a key range that touches its own
 * (so that its look at what is posted sees everything that could have its keys: a key is unique over all shards, though
 * each shard has a writer of its own); while an earlier one that must be alone is under way; and, if it must be alone
 * itself, for all earlier ones. Private to store/ledger/. */
#pragma once
#include <glib.h>
#include <pthread.h>

typedef struct {
  const char *file;      /* borrowed, as are the keys */
  const char *min, *max; /* NULL: no keys */
  gsize min_length, max_length;
  gboolean alone;
} LedgerFlight;

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue flights; /* LedgerFlight *, in order of arrival, with those that still wait */
} LedgerAdmission;

void ledger_admission_init(LedgerAdmission *admission);
void ledger_admission_clear(LedgerAdmission *admission);
/* Takes a place in the queue; the second call returns when the batch may go. Two calls, since what decides on `alone`
 * must be in the order of arrival too. */
void ledger_admission_arrive(LedgerAdmission *admission, LedgerFlight *flight);
void ledger_admission_wait(LedgerAdmission *admission, LedgerFlight *flight);
void ledger_admission_leave(LedgerAdmission *admission, LedgerFlight *flight);
void ledger_admission_drain(LedgerAdmission *admission); /* waits until nothing is under way */
