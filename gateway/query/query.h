/* A lane's queries: rows of other people's databases that become files in a folder, where a feed takes them like
 * anybody's. So they are checked by the same layouts and rules, go into mailboxes, ledgers or reference tables, and are
 * answered; and they wait for an idle machine where the lane does.
 *
 * A service of the lane, with a thread that reads one query after the other; what each file is made of, and why no row
 * is in two of them, stands in piece.c. */
#pragma once
#include "gateway/flow/lane_service.h"

#define QUERY_FAILING_ALARM "query-failing"
#define QUERY_NULLS_ALARM "query-nulls"
extern const LaneService query_service;
