#include "conf/table/toy_notes.h"

static const Row rows[] = {ROW(ConfToyNotes, "most", most, number, .otherwise = 2, .least = 1, .most = 100), ROWS_END};
const Table table_toy_notes = TABLE(ConfToyNotes, rows);
