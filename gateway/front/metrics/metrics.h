/* What machines watch: /metrics (Prometheus), /healthz, /readyz. */
#pragma once
#include "gateway/front/routes.h"
#include "gateway/status/status.h"

extern const FrontRoute front_metrics_routes[];

/* The text of all lanes at this moment; a lane whose book cannot be read has sallyport_lane_up 0 and nothing more.
 * *all_up: every lane of the configuration answers. Asks the lanes: it may take seconds. */
GString *metrics_text(const Conf *conf, gboolean *all_up);
