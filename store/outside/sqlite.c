#include "store/outside/outside_private.h"
#include "store/db/sqlite.h"
#include <string.h>

typedef struct {
  Outside outside;
  Db *connection;
  sqlite3 *db; /* of the connection */
  sqlite3_stmt *statement;
  gboolean has_row, is_end; /* a row is waiting to be put */
} Sqlite;

static int authorize(void *user, int action, const char *one, const char *two, const char *database,
                     const char *trigger) {
  (void)user, (void)one, (void)database, (void)trigger;
  if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE)
    return SQLITE_OK;
  return action == SQLITE_FUNCTION && g_strcmp0(two, "load_extension") != 0 ? SQLITE_OK : SQLITE_DENY;
}

static int look_for_stop(void *user) {
  const Outside *outside = user;
  return outside->stop && outside->stop(outside->user);
}

enum { PARAMETERS = 64 };

static void bind(sqlite3_stmt *statement, const char *name, const char *value) {
  int number = sqlite3_bind_parameter_index(statement, name);
  if (number > 0)
    sqlite3_bind_text(statement, number, value, -1, SQLITE_TRANSIENT);
}

static gboolean bind_values(const Sqlite *sqlite, const OutsideQuery *query, GError **error) {
  OutsideValue values[PARAMETERS];
  guint wanted = (guint)sqlite3_bind_parameter_count(sqlite->statement);
  if (!query->values) {
    bind(sqlite->statement, ":date", query->date);
    bind(sqlite->statement, ":from", query->from);
    bind(sqlite->statement, ":to", query->to);
    return TRUE;
  }
  if (!outside_values(query, wanted, values, PARAMETERS, error))
    return FALSE;
  for (guint i = 0; i < wanted; i++)
    if (values[i].is_integer)
      sqlite3_bind_int64(sqlite->statement, (int)i + 1, g_ascii_strtoll(values[i].text, NULL, 10));
    else
      sqlite3_bind_text(sqlite->statement, (int)i + 1, values[i].text, -1, SQLITE_TRANSIENT);
  return TRUE;
}

/* One SELECT, whose parameters are ours. */
static gboolean prepare(Sqlite *sqlite, const OutsideQuery *query, GError **error) {
  const char *tail = NULL;
  g_autofree char *limited = g_strdup_printf("%s LIMIT %u", query->query, query->most);
  const char *text = query->most ? limited : query->query;
  if (sqlite3_prepare_v2(sqlite->db, text, -1, &sqlite->statement, &tail) != SQLITE_OK)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: query: %s", query->database,
                               sqlite3_errmsg(sqlite->db));
  for (; tail && *tail; tail++)
    if (!strchr(" \t\r\n;", *tail))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: query: more than one statement",
                                 query->database);
  if (!sqlite->statement || !sqlite3_stmt_readonly(sqlite->statement) || sqlite3_column_count(sqlite->statement) == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: query: no SELECT", query->database);
  return bind_values(sqlite, query, error);
}

static gboolean step(Sqlite *sqlite, GError **error) {
  int code = sqlite3_step(sqlite->statement);
  sqlite->has_row = code == SQLITE_ROW;
  sqlite->is_end = code == SQLITE_DONE;
  if (sqlite->has_row || sqlite->is_end)
    return TRUE;
  if (outside_is_stopped(&sqlite->outside, error))
    return FALSE;
  gboolean busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED || (code & 0xff) == SQLITE_NOMEM;
  return sallyport_error_set(error, busy ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_CONFIGURATION, "query: %s",
                             sqlite3_errmsg(sqlite->db));
}

static gboolean is_integer(const Sqlite *sqlite, int column) {
  const char *declared = sqlite3_column_decltype(sqlite->statement, column);
  if (!declared)
    return sqlite->has_row && sqlite3_column_type(sqlite->statement, column) == SQLITE_INTEGER;
  g_autofree char *upper = g_ascii_strup(declared, -1);
  return strstr(upper, "INT") != NULL;
}

static void learn_columns(Sqlite *sqlite) {
  for (int i = 0; i < sqlite3_column_count(sqlite->statement); i++)
    outside_add_column(&sqlite->outside, (StagingColumn){.name = sqlite3_column_name(sqlite->statement, i),
                                                         .type = is_integer(sqlite, i) ? BLOCK_INTEGER : BLOCK_TEXT});
}

static gboolean put_value(Sqlite *sqlite, guint column, RecordBlock *block, GError **error) {
  int type = sqlite3_column_type(sqlite->statement, (int)column);
  if (type == SQLITE_NULL)
    return TRUE;
  if (type == SQLITE_FLOAT || type == SQLITE_BLOB)
    return outside_refuse(&sqlite->outside, column,
                          type == SQLITE_BLOB ? "a BLOB" : "a REAL, which is no exact number: CAST it, or use printf",
                          error);
  if (sqlite->outside.columns[column].type == BLOCK_INTEGER) {
    if (type != SQLITE_INTEGER)
      return outside_refuse(&sqlite->outside, column, "a text among integers", error);
    record_block_put_integer(block, column, sqlite3_column_int64(sqlite->statement, (int)column));
    return TRUE;
  }
  const char *text = (const char *)sqlite3_column_text(sqlite->statement, (int)column);
  gsize length = (gsize)sqlite3_column_bytes(sqlite->statement, (int)column);
  return text ? outside_put(&sqlite->outside, block, column, text, length, error)
              : outside_refuse(&sqlite->outside, column, "a text that is too large", error);
}

static gboolean sqlite_fill(Outside *outside, RecordBlock *block, GError **error) {
  Sqlite *sqlite = (Sqlite *)outside;
  while (record_block_has_room(block) && !sqlite->is_end) {
    if (sqlite->has_row) {
      record_block_begin(block, outside->rows + 1);
      for (guint i = 0; i < outside->n; i++)
        if (!put_value(sqlite, i, block, error))
          return FALSE;
      record_block_end(block);
      outside->rows++;
    }
    if (!step(sqlite, error))
      return FALSE;
  }
  return TRUE;
}

static void sqlite_close_outside(Outside *outside) {
  Sqlite *sqlite = (Sqlite *)outside;
  sqlite3_finalize(sqlite->statement);
  db_close(sqlite->connection);
  g_free(sqlite);
}

Outside *outside_open_sqlite(const OutsideQuery *query, GError **error) {
  Sqlite *sqlite = g_new0(Sqlite, 1);
  sqlite->outside =
      (Outside){.fill = sqlite_fill, .close = sqlite_close_outside, .stop = query->stop, .user = query->user};
  if (!g_file_test(query->database, G_FILE_TEST_EXISTS))
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "there is no database %s", query->database);
  else
    sqlite->connection = db_open(&(DbOptions){.path = query->database, .use = DB_READ}, error);
  if (sqlite->connection) {
    sqlite->db = db_sqlite(sqlite->connection);
    sqlite3_set_authorizer(sqlite->db, authorize, NULL);
    sqlite3_progress_handler(sqlite->db, 100000, look_for_stop, sqlite);
    if (prepare(sqlite, query, error) && step(sqlite, error)) {
      learn_columns(sqlite);
      return &sqlite->outside;
    }
  }
  outside_close(&sqlite->outside);
  return NULL;
}
