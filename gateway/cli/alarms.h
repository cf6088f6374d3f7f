/* Alarms and due days as commands show them. */
#pragma once
#include "gateway/cli/books.h"
#include "store/book_watch.h"

json_t *cli_alarms_json(const CliOutput *out, const GPtrArray *alarms); /* a list; BookAlarm* */
json_t *cli_dues_json(const CliOutput *out, const GPtrArray *dues);     /* likewise; BookDue* */
/* The alarms that stand, and what is due, as `status` shows them: nothing where there is nothing. */
void cli_print_alarms(const CliOutput *out, const GPtrArray *alarms);
void cli_print_dues(const CliOutput *out, const GPtrArray *dues, gint64 now);
