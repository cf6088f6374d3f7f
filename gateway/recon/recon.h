/* Reconciliation in a lane: a thread that makes the tasks that are due, generates one after the other, hands what is
 * published to the endpoints' threads, and takes files away whose days are over. Everything that it knows is in the
 * book: it can be ended at any moment. */
#pragma once
#include "gateway/flow/lane_service.h"

/* Of the lanes that have reconcile blocks. Its status says what is being generated, and the next due time of each
 * block. Requests: recon-run {name, date, again} → {ok, task, state, version, period, made}: made is false where a task
 * for that period is there already; its state says whether there is something to wait for recon-fetched,
 * recon-acknowledged {task}: what the front tells of a requester */
extern const LaneService recon_service;
