/* Whether a lane with idle { } may work now. Once a second its thread reads the signals, asks the probe, decides, and
 * wakes the lane when the decision is another one; what is under way in pieces (remote_put.h) waits before its next
 * piece. Files that wait longer than `latest` are told, or let through slowly.
 *
 * The process runs at idle priority from idle_new() on, and all that it starts with it. */
#pragma once
#include "gateway/common/remote_put.h"
#include "gateway/flow/lane_service.h"

typedef struct Idle Idle;
/* `stopping` is set before the lane ends: who waits for the next piece waits no longer. Both are kept. */
Idle *idle_new(const ConfIdle *conf, const gint *stopping);
void idle_free(Idle *idle); /* NULL is fine */
gboolean idle_may_work(Idle *idle); /* any thread; NULL: always */
const RemotePace *idle_pace(Idle *idle);
extern const LaneService idle_service;
