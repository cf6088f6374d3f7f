/* What the front serves of ratings: batches of usage come in. What the lane is asked, and answers, is told in
 * gateway/processors/rating/intake.h. */
#pragma once
#include "gateway/front/routes.h"

extern const FrontRoute front_rating_routes[]; /* ends with a NULL method */
