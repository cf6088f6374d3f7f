#include "store/ledger/admission_private.h"
#include "store/ledger/ledger_private.h"
#include <string.h>

enum { UNDER_WAY = 16 }; /* enough for a group commit, and some ten megabytes at 5,000 records each */

void ledger_admission_init(LedgerAdmission *admission) {
  pthread_mutex_init(&admission->lock, NULL);
  pthread_cond_init(&admission->changed, NULL);
  g_queue_init(&admission->flights);
}

void ledger_admission_clear(LedgerAdmission *admission) {
  g_queue_clear(&admission->flights);
  pthread_cond_destroy(&admission->changed);
  pthread_mutex_destroy(&admission->lock);
}

static gboolean touch(const LedgerFlight *a, const LedgerFlight *b) {
  return a->min && b->min && ledger_compare_texts(a->min, a->min_length, b->max, b->max_length) <= 0 &&
         ledger_compare_texts(b->min, b->min_length, a->max, a->max_length) <= 0;
}

static gboolean may_go(const LedgerAdmission *admission, const LedgerFlight *flight) {
  guint before = 0;
  for (const GList *at = admission->flights.head; at && at->data != flight; at = at->next) {
    const LedgerFlight *earlier = at->data;
    gboolean other = strcmp(earlier->file, flight->file) != 0;
    if (flight->alone || earlier->alone || ++before >= UNDER_WAY || (other && touch(earlier, flight)))
      return FALSE;
  }
  return TRUE;
}

void ledger_admission_arrive(LedgerAdmission *admission, LedgerFlight *flight) {
  pthread_mutex_lock(&admission->lock);
  g_queue_push_tail(&admission->flights, flight);
  pthread_mutex_unlock(&admission->lock);
}

void ledger_admission_wait(LedgerAdmission *admission, LedgerFlight *flight) {
  pthread_mutex_lock(&admission->lock);
  while (!may_go(admission, flight))
    pthread_cond_wait(&admission->changed, &admission->lock);
  pthread_mutex_unlock(&admission->lock);
}

void ledger_admission_leave(LedgerAdmission *admission, LedgerFlight *flight) {
  pthread_mutex_lock(&admission->lock);
  g_queue_remove(&admission->flights, flight);
  pthread_cond_broadcast(&admission->changed);
  pthread_mutex_unlock(&admission->lock);
}

void ledger_admission_drain(LedgerAdmission *admission) {
  pthread_mutex_lock(&admission->lock);
  while (admission->flights.length > 0)
    pthread_cond_wait(&admission->changed, &admission->lock);
  pthread_mutex_unlock(&admission->lock);
}
