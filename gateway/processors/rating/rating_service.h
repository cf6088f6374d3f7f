/* The lane's part of process rating: suspended usage gets its price when what it lacked has come. */
#pragma once
#include "gateway/flow/lane_service.h"

extern const LaneService rating_service;
