/* A capability that exists in the tests only: it takes notes. Request: toy-note {text} → {ok, notes}. */
#pragma once
#include "gateway/flow/lane_service.h"

extern const LaneService toy_service;
