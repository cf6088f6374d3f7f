/* process toy { … }, of the tests: a ledger of our own, and in which order it is credited. */
#include "conf/table/kinds.h"
#include "conf/table/process.h"

static const Row rows[] = {ROW(ConfToy, "backwards", backwards, yes, .otherwise = TRUE), ROWS_END};
const Table table_toy = TABLE(ConfToy, rows);

const ProcessParts parts_toy = {
    {{&table_ledger, offsetof(ConfFeed, ledger)}, {&table_toy, offsetof(ConfFeed, toy)}}};
