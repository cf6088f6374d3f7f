/* The one place where an endpoint of the configuration becomes the plain parameters that transfer/ takes. */
#pragma once
#include "conf/conf.h"
#include "transfer/courier.h"

/* Points into the configuration, which outlives it; its name ("acme-bank/main") is interned. */
CourierEndpoint endpoint_of(const ConfPartner *partner, const ConfEndpoint *conf);
