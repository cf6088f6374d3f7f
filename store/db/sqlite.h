/* SQLite's side of the driver, for those who need the engine itself: the sandbox of rules (store/rules/), databases of
 * others (store/outside/), and the tests of damage. Nobody else includes this. */
#pragma once
#include "store/db/db.h"
#include <sqlite3.h>

/* db_fail for a connection of one's own; the only place that maps SQLite's codes. */
gboolean sqlite_fail(sqlite3 *sqlite, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
gboolean sqlite_run(sqlite3 *sqlite, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
sqlite3_stmt *sqlite_prepare(sqlite3 *sqlite, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void sqlite_reset(sqlite3_stmt *statement); /* and clears its bindings */
void sqlite_close(sqlite3 *sqlite);         /* every statement must have been finalized; NULL is allowed */
sqlite3 *db_sqlite(Db *db);                 /* borrowed */
