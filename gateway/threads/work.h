/* Queues of work and the threads that do it: a lane's workers, and the threads of an endpoint, each with a courier of
 * its own. */
#pragma once
#include "gateway/base/error.h"
#include "store/book.h"
#include "transfer/courier.h"

typedef struct Task Task;
struct Task {
  /* Runs it and disposes of it. `reader` is the thread's own. In an endpoint's thread either `courier` is connected or
   * `failure` says why it is not; elsewhere both are NULL. *lost: set by the task when the courier must not be used
   * again. */
  void (*run)(Task *task, BookReader *reader, Courier *courier, const GError *failure);
  void (*drop)(Task *task); /* instead of run, when the queue ends first */
};

/* --- Workers */
typedef struct Workers Workers;
Workers *workers_start(guint threads, const char *book_path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void workers_add(Workers *workers, Task *task);
void workers_stop(Workers *workers); /* lets each finish the task it is at, drops the rest, joins */

/* --- Carriers: one per endpoint, `connections` threads */
typedef struct Carrier Carrier;
typedef struct {
  CourierEndpoint endpoint; /* what it points to outlives the carrier */
  guint connections;
  guint idle_seconds; /* a courier is closed after this long without work; 0: 60 */
  const char *book_path;
} CarrierOptions;
Carrier *carrier_start(const CarrierOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
const char *carrier_name(const Carrier *carrier);
void carrier_add(Carrier *carrier, Task *task);
void carrier_add_first(Carrier *carrier, Task *task); /* polls: before files */
void carrier_halt(Carrier *carrier); /* begins no more tasks, drops what waits; what is added from now on is dropped */
/* Halts it and waits for its threads; transfers that are still under way after the grace are aborted. FALSE: a thread
 * is still connecting to a server that does not answer, which cannot be cut short. It will touch nothing any more but
 * what its endpoint points to: that and the carrier must be left as they are until the process ends. */
gboolean carrier_stop(Carrier *carrier, guint grace_seconds);
void carrier_free(Carrier *carrier); /* after a carrier_stop that was TRUE, and when nobody can add to it any more */

/* After a failed connection no other is tried before a back-off; after three refused logins none at all until
 * carrier_reset. */
typedef enum { CARRIER_GOOD, CARRIER_WAITING, CARRIER_BREAKER } CarrierState;
typedef struct {
  CarrierState state;
  guint connected, queued;
  gint64 retry_at;
  char *problem;
  char *describe;
} CarrierStatus;
void carrier_status(Carrier *carrier, CarrierStatus *status); /* free problem and describe */
void carrier_reset(Carrier *carrier);
