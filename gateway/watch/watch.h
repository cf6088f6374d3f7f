/* The watch of a lane: a thread that looks once a second at what should be and is not: files that are due, held, not
 * delivered, folders that cannot be polled, endpoints that refuse us; raises and clears the alarms of these, and lets
 * the teller tell them. It waits for nobody but the book. */
#pragma once
#include "gateway/flow/lane_service.h"

/* Of every lane. That the book cannot be written is told without it, once an hour. Requests:
 *   acknowledge {alarm, kind} → {ok, alarm}
 *   test-alarm {} → {ok, kind, subject} */
extern const LaneService watch_service;
