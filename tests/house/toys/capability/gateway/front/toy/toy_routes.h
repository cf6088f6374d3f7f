/* The toy capability's routes. */
#pragma once
#include "gateway/front/routes.h"

extern const FrontRoute front_toy_routes[];
