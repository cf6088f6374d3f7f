/* What other threads say to the lane's main loop. */
#include "gateway/lane/lane_private.h"
#include <sys/eventfd.h>

void lane_wake(Lane *lane) {
  eventfd_write(lane->wake, 1);
}

void lane_stop(Lane *lane, ChildExit exit_status) {
  pthread_mutex_lock(&lane->lock);
  lane->stopping = TRUE;
  g_atomic_int_set(&lane->flow.stopping, 1);
  lane->exit_status = MAX(lane->exit_status, exit_status);
  pthread_mutex_unlock(&lane->lock);
  lane_wake(lane);
}

void lane_report_unwritable(Lane *lane) {
  services_book_unwritable(lane->services, "its disk may be full; the lane's log says what failed");
}
