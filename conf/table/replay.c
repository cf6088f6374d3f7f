#include "conf/table/replay.h"

static const Row rows[] = {
    WHERE(ConfReplay),
    PRESENT(ConfReplay),
    ROW(ConfReplay, "gate", gate, choice, .words = WORDS(CONF_GATES), .otherwise = CONF_GATE_REPORT),
    ROW(ConfReplay, "keep-per-cell", keep_per_cell, number, .otherwise = 20, .least = 1, .most = 100000),
    ROW(ConfReplay, "max-cases", max_cases, number64, .otherwise = 200000, .least = 1, .most = 100000000),
    ROWS_END,
};
const Table table_replay = TABLE(ConfReplay, rows);
