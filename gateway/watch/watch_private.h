/* What the watch's thread (watch.c) and its requests (watch_control.c) share. */
#pragma once
#include "gateway/watch/watch.h"

extern const LaneRequest watch_requests[];
void watch_wake(gpointer watch); /* any thread */
