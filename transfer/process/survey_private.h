/* The survey of a server before any login, in the courier's process: transfer/probe.h says what it tells. */
#pragma once
#include "transfer/caged/driver.h"

gboolean survey(const DriverHost *host, const WireMessage *wanted, const DriverFacts *facts,
                GError **error) G_GNUC_WARN_UNUSED_RESULT;
