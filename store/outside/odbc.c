/* Whatever has an ODBC driver, by unixODBC: Oracle, SQL Server, DB2 … Texts go both ways as UTF-16, which no driver
 * takes for the locale's character set; all values are fetched as texts, so that numbers come exactly as the database
 * writes them.
 *
 * Only read: ODBC's SQL_MODE_READ_ONLY is a hint that drivers may ignore. So only a SELECT (or WITH … SELECT) is taken,
 * the session is made read-only in the database's own words where they are known (`databases`), and nothing is ever
 * committed: everything ends with a rollback. What remains is the login's rights, which the manual speaks of. */
#include "store/outside/outside_private.h"
#include "gateway/base/secret.h"
#include <sql.h>
#include <sqlext.h>
#include <string.h>

enum { PARAMETERS = 64, PASSWORD_LIMIT = 4096, CHUNK = 4096, VALUE_LIMIT = 16 << 20, COMMANDS = 2, TEXT_SIZE = 4000 };

typedef struct {
  Outside outside;
  SQLHENV environment;
  SQLHDBC connection;
  SQLHSTMT statement;
  gboolean is_connected, is_end;
  const struct Database *its;
  GByteArray *value; /* UTF-16, of the one that is being fetched */
} Odbc;

/* By what SQLGetInfo calls the database. Sessions are in UTC, so that the same instant is always the same text; a
 * database that is not here keeps its driver's session. What limits a query stands around the number of rows; without
 * it, the rows beyond those wanted are left with the driver. */
typedef struct Database {
  const char *name;
  const char *before, *behind;
  gboolean has_bigint; /* drivers of others may not take one as a parameter; a text they take */
  gboolean by_affinity; /* a column is text by the name of its type alone; as others, DECIMAL too, it holds a REAL */
  const char *session[COMMANDS];
  const char *transaction; /* its first statement */
} Database;
static const Database databases[] = {
    {.name = "PostgreSQL", /* its driver works with savepoints, in which no transaction can be made read-only */
     .before = "LIMIT ",
     .behind = "",
     .has_bigint = TRUE,
     .session = {"SET TIME ZONE 'UTC'",
                 "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"}},
    {.name = "SQLite",
     .before = "LIMIT ",
     .behind = "",
     .has_bigint = TRUE,
     .by_affinity = TRUE,
     .session = {"PRAGMA query_only = 1"}},
    {.name = "Oracle",
     .before = "FETCH FIRST ",
     .behind = " ROWS ONLY",
     .session = {"ALTER SESSION SET TIME_ZONE = 'UTC'", "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'"},
     .transaction = "SET TRANSACTION READ ONLY"},
    {.name = "DB2", .before = "FETCH FIRST ", .behind = " ROWS ONLY"},
    {.name = "Microsoft SQL Server", .before = "OFFSET 0 ROWS FETCH NEXT ", .behind = " ROWS ONLY"},
    {.name = "MySQL",
     .before = "LIMIT ",
     .behind = "",
     .has_bigint = TRUE,
     .session = {"SET time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY"}},
    {.name = "MariaDB",
     .before = "LIMIT ",
     .behind = "",
     .has_bigint = TRUE,
     .session = {"SET time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY"}},
};
static const Database other_database = {.name = ""};

typedef struct {
  OutsideValue value;
  gint64 integer;
  SQLLEN length;
} Bound;

/* --- Errors. */

static char *from_utf16(const SQLWCHAR *text, gsize units) {
  glong read = 0;
  char *utf8 = g_utf16_to_utf8((const gunichar2 *)text, (glong)units, &read, NULL, NULL);
  if (utf8 && (gsize)read == units)
    return utf8;
  g_free(utf8);
  return NULL;
}

static SQLWCHAR *to_utf16(const char *text) {
  return (SQLWCHAR *)g_utf8_to_utf16(text, -1, NULL, NULL, NULL);
}

/* The first of what the driver tells. */
static gboolean fail(SQLSMALLINT type, SQLHANDLE handle, const char *what, GError **error) {
  SQLWCHAR state[6] = {0}, text[TEXT_SIZE] = {0};
  SQLINTEGER native = 0;
  SQLSMALLINT length = 0;
  if (!SQL_SUCCEEDED(SQLGetDiagRecW(type, handle, 1, state, &native, text, TEXT_SIZE, &length)))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "ODBC: %s: the driver does not say why", what);
  g_autofree char *sqlstate = from_utf16(state, 5);
  g_autofree char *message = from_utf16(text, (gsize)CLAMP(length, 0, TEXT_SIZE - 1));
  gboolean later = sqlstate && outside_is_passing(sqlstate);
  return sallyport_error_set(error, later ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_CONFIGURATION, "ODBC: %s: %s: %s",
                             what, sqlstate ? sqlstate : "", message ? message : "");
}

static gboolean worked(const Odbc *odbc, SQLRETURN code, const char *what, GError **error) {
  if (SQL_SUCCEEDED(code) || code == SQL_NO_DATA)
    return TRUE;
  return odbc->statement ? fail(SQL_HANDLE_STMT, odbc->statement, what, error)
                         : fail(SQL_HANDLE_DBC, odbc->connection, what, error);
}

/* --- The connection. */

/* In braces, whatever it holds: a '}' stands twice. */
static char *with_password(const char *database, const char *password) {
  g_auto(GStrv) parts = g_strsplit(password, "}", -1);
  char *doubled = g_strjoinv("}}", parts);
  const char *between = g_str_has_suffix(database, ";") ? "" : ";";
  char *whole = g_strconcat(database, between, "PWD={", doubled, "}", NULL);
  secret_free(doubled);
  for (char **part = parts; *part; part++)
    explicit_bzero(*part, strlen(*part));
  return whole;
}

static gboolean log_in(Odbc *odbc, const OutsideQuery *query, GError **error) {
  char *password = NULL;
  if (!secret_read_line(query->password_file, PASSWORD_LIMIT, &password, error))
    return FALSE;
  char *whole = password ? with_password(query->database, password) : g_strdup(query->database);
  SQLWCHAR *wide = to_utf16(whole);
  SQLRETURN code = wide ? SQLDriverConnectW(odbc->connection, NULL, wide, SQL_NTS, NULL, 0, NULL, SQL_DRIVER_NOPROMPT)
                        : SQL_ERROR;
  if (wide)
    explicit_bzero(wide, strlen(whole) * sizeof *wide);
  g_free(wide);
  secret_free(whole);
  secret_clear(&password);
  odbc->is_connected = SQL_SUCCEEDED(code);
  return odbc->is_connected || fail(SQL_HANDLE_DBC, odbc->connection, "connect", error);
}

static void learn_database(Odbc *odbc) {
  SQLWCHAR name[128] = {0};
  SQLSMALLINT bytes = 0;
  odbc->its = &other_database;
  if (!SQL_SUCCEEDED(SQLGetInfoW(odbc->connection, SQL_DBMS_NAME, name, sizeof name - sizeof *name, &bytes)))
    return;
  g_autofree char *text = from_utf16(name, (gsize)bytes / sizeof *name);
  for (guint i = 0; text && i < G_N_ELEMENTS(databases); i++)
    if (g_str_has_prefix(text, databases[i].name))
      odbc->its = &databases[i];
}

static gboolean run_command(Odbc *odbc, const char *command, GError **error) {
  g_autofree SQLWCHAR *wide = to_utf16(command);
  gboolean ok = worked(odbc, SQLExecDirectW(odbc->statement, wide, SQL_NTS), command, error);
  SQLFreeStmt(odbc->statement, SQL_CLOSE);
  return ok;
}

/* The strictest isolation that it has: a piece is one state of the data. What a driver does not know of these, it says,
 * and goes on without. */
static void set_manners(Odbc *odbc) {
  SQLUINTEGER has = 0;
  static const SQLUINTEGER levels[] = {SQL_TXN_REPEATABLE_READ, SQL_TXN_SERIALIZABLE};
  SQLSetConnectAttrW(odbc->connection, SQL_ATTR_ACCESS_MODE, (SQLPOINTER)SQL_MODE_READ_ONLY, SQL_IS_UINTEGER);
  SQLGetInfoW(odbc->connection, SQL_TXN_ISOLATION_OPTION, &has, sizeof has, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(levels); i++)
    if (has & levels[i])
      SQLSetConnectAttrW(odbc->connection, SQL_ATTR_TXN_ISOLATION, (SQLPOINTER)(gsize)levels[i], SQL_IS_UINTEGER);
}

static gboolean begin_session(Odbc *odbc, const OutsideQuery *query, GError **error) {
  learn_database(odbc);
  set_manners(odbc);
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, odbc->connection, &odbc->statement)))
    return fail(SQL_HANDLE_DBC, odbc->connection, "begin", error);
  for (guint i = 0; i < COMMANDS && odbc->its->session[i]; i++)
    if (!run_command(odbc, odbc->its->session[i], error))
      return FALSE;
  if (!SQL_SUCCEEDED(SQLSetConnectAttrW(odbc->connection, SQL_ATTR_AUTOCOMMIT, (SQLPOINTER)SQL_AUTOCOMMIT_OFF,
                                        SQL_IS_UINTEGER)))
    return fail(SQL_HANDLE_DBC, odbc->connection, "begin", error);
  if (odbc->its->transaction && !run_command(odbc, odbc->its->transaction, error))
    return FALSE;
  if (query->seconds)
    SQLSetStmtAttrW(odbc->statement, SQL_ATTR_QUERY_TIMEOUT, (SQLPOINTER)(gsize)query->seconds, SQL_IS_UINTEGER);
  return TRUE;
}

static gboolean connect_to(Odbc *odbc, const OutsideQuery *query, GError **error) {
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &odbc->environment)))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "ODBC: unixODBC cannot begin");
  SQLSetEnvAttr(odbc->environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, odbc->environment, &odbc->connection)))
    return fail(SQL_HANDLE_ENV, odbc->environment, "begin", error);
  SQLSetConnectAttrW(odbc->connection, SQL_ATTR_LOGIN_TIMEOUT, (SQLPOINTER)OUTSIDE_LOGIN_SECONDS, SQL_IS_UINTEGER);
  return log_in(odbc, query, error) && begin_session(odbc, query, error);
}

/* --- The query. */

static gboolean is_select(const char *query) {
  query += strspn(query, " \t\r\n(");
  return g_ascii_strncasecmp(query, "SELECT", 6) == 0 || g_ascii_strncasecmp(query, "WITH", 4) == 0;
}

static gboolean is_decimal(SQLSMALLINT type) {
  return type == SQL_DECIMAL || type == SQL_NUMERIC;
}
static gboolean is_text(SQLSMALLINT type) {
  return type == SQL_CHAR || type == SQL_VARCHAR || type == SQL_LONGVARCHAR || type == SQL_WCHAR ||
         type == SQL_WVARCHAR || type == SQL_WLONGVARCHAR;
}
/* SQLite's rule (Datatypes In SQLite, 3.1). Its driver calls a DECIMAL a text, and cuts its value to 15 digits. */
static gboolean has_text_affinity(const Odbc *odbc, SQLUSMALLINT number) {
  SQLWCHAR wide[128] = {0};
  SQLSMALLINT bytes = 0;
  SQLColAttributeW(odbc->statement, number, SQL_DESC_TYPE_NAME, wide, sizeof wide - sizeof *wide, &bytes, NULL);
  g_autofree char *name = from_utf16(wide, (gsize)bytes / sizeof *wide);
  g_autofree char *upper = name ? g_ascii_strup(name, -1) : NULL;
  return upper && (strstr(upper, "CHAR") || strstr(upper, "CLOB") || strstr(upper, "TEXT"));
}
static gboolean is_inexact(const Odbc *odbc, SQLUSMALLINT number, SQLSMALLINT type) {
  return type == SQL_REAL || type == SQL_FLOAT || type == SQL_DOUBLE ||
         (odbc->its->by_affinity && (is_decimal(type) || (is_text(type) && !has_text_affinity(odbc, number))));
}
static gboolean is_bytes(SQLSMALLINT type) {
  return type == SQL_BINARY || type == SQL_VARBINARY || type == SQL_LONGVARBINARY;
}

static gboolean learn_column(Odbc *odbc, SQLUSMALLINT number, GError **error) {
  SQLWCHAR wide[256] = {0};
  SQLSMALLINT length = 0, type = 0, digits = 0, nullable = 0;
  SQLULEN size = 0;
  SQLRETURN code = SQLDescribeColW(odbc->statement, number, wide, G_N_ELEMENTS(wide), &length, &type, &size, &digits,
                                   &nullable);
  if (!worked(odbc, code, "query", error))
    return FALSE;
  g_autofree char *name = from_utf16(wide, (gsize)CLAMP(length, 0, (SQLSMALLINT)G_N_ELEMENTS(wide) - 1));
  StagingColumn column = {.name = name ? name : "", .type = BLOCK_TEXT};
  if (is_inexact(odbc, number, type) || is_bytes(type))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: column %s is %s", column.name,
                               is_bytes(type) ? "of bytes, which are no text"
                               : odbc->its->by_affinity
                                   ? "a number that may be rounded: read integers, or text that the table keeps"
                                   : "a number that may be rounded: CAST it to one with a scale");
  if (type == SQL_SMALLINT || type == SQL_INTEGER || type == SQL_BIGINT || type == SQL_TINYINT)
    column.type = BLOCK_INTEGER;
  else if (is_decimal(type) && digits >= 0 && digits <= OUTSIDE_SCALE_MOST)
    column = (StagingColumn){column.name, BLOCK_INTEGER, (guint)digits};
  outside_add_column(&odbc->outside, column);
  return TRUE;
}

/* An integer goes as one: SQLite compares by what is bound. Of the rest the driver says what it is; one that cannot say
 * takes a text. */
static gboolean bind_value(Odbc *odbc, SQLUSMALLINT number, Bound *bound, GError **error) {
  SQLSMALLINT type = SQL_VARCHAR, digits = 0, nullable = 0;
  SQLULEN size = 0;
  SQLRETURN code;
  bound->length = (SQLLEN)strlen(bound->value.text);
  if (bound->value.is_integer && odbc->its->has_bigint) {
    bound->integer = g_ascii_strtoll(bound->value.text, NULL, 10);
    code = SQLBindParameter(odbc->statement, number, SQL_PARAM_INPUT, SQL_C_SBIGINT, SQL_BIGINT, 0, 0, &bound->integer,
                            0, NULL);
  } else {
    if (!SQL_SUCCEEDED(SQLDescribeParam(odbc->statement, number, &type, &size, &digits, &nullable)) || size == 0)
      size = (SQLULEN)MAX(bound->length, 1);
    code = SQLBindParameter(odbc->statement, number, SQL_PARAM_INPUT, SQL_C_CHAR, type, size, digits,
                            (SQLPOINTER)(intptr_t)bound->value.text, bound->length, &bound->length);
  }
  return worked(odbc, code, "query", error);
}

static gboolean bind_values(Odbc *odbc, const OutsideQuery *query, Bound *bound, GError **error) {
  SQLSMALLINT wanted = 0;
  OutsideValue values[PARAMETERS];
  if (!worked(odbc, SQLNumParams(odbc->statement, &wanted), "query", error) ||
      !outside_values(query, (guint)MAX(wanted, 0), values, PARAMETERS, error))
    return FALSE;
  for (SQLSMALLINT i = 0; i < wanted; i++) {
    bound[i] = (Bound){.value = values[i]};
    if (!bind_value(odbc, (SQLUSMALLINT)(i + 1), &bound[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean begin_query(Odbc *odbc, const OutsideQuery *query, GError **error) {
  Bound bound[PARAMETERS]; /* read when it is executed */
  SQLSMALLINT columns = 0;
  if (!is_select(query->query))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: no SELECT");
  const Database *its = odbc->its;
  g_autofree char *limited = query->most && its->before
                                 ? g_strdup_printf("%s %s%u%s", query->query, its->before, query->most, its->behind)
                                 : g_strdup(query->query);
  g_autofree SQLWCHAR *wide = to_utf16(limited);
  if (!wide)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: not UTF-8");
  if (query->most)
    SQLSetStmtAttrW(odbc->statement, SQL_ATTR_MAX_ROWS, (SQLPOINTER)(gsize)query->most, SQL_IS_UINTEGER);
  if (!worked(odbc, SQLPrepareW(odbc->statement, wide, SQL_NTS), "query", error) ||
      !bind_values(odbc, query, bound, error) ||
      !worked(odbc, SQLExecute(odbc->statement), "query", error) ||
      !worked(odbc, SQLNumResultCols(odbc->statement, &columns), "query", error))
    return FALSE;
  SQLFreeStmt(odbc->statement, SQL_RESET_PARAMS); /* they are the caller's */
  if (columns <= 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: it gives no columns");
  for (SQLSMALLINT i = 0; i < columns; i++)
    if (!learn_column(odbc, (SQLUSMALLINT)(i + 1), error))
      return FALSE;
  return TRUE;
}

/* --- Rows. */

/* In pieces, as long as the driver says that there is more. */
static gboolean get_value(Odbc *odbc, guint column, gboolean *is_null, GError **error) {
  SQLRETURN code = SQL_SUCCESS_WITH_INFO;
  g_byte_array_set_size(odbc->value, 0);
  *is_null = FALSE;
  while (code == SQL_SUCCESS_WITH_INFO) {
    SQLWCHAR chunk[CHUNK];
    SQLLEN left = 0;
    code = SQLGetData(odbc->statement, (SQLUSMALLINT)(column + 1), SQL_C_WCHAR, chunk, sizeof chunk, &left);
    if (code == SQL_NO_DATA)
      return TRUE;
    if (!worked(odbc, code, "query", error))
      return FALSE;
    *is_null = left == SQL_NULL_DATA;
    if (*is_null)
      return TRUE;
    gsize room = sizeof chunk - sizeof *chunk;
    gsize got = left == SQL_NO_TOTAL || (gsize)left > room ? room : (gsize)left;
    g_byte_array_append(odbc->value, (const guint8 *)chunk, (guint)got);
    if (odbc->value->len > VALUE_LIMIT)
      return outside_refuse(&odbc->outside, column, "a text of more than 8,388,608 characters", error);
  }
  return TRUE;
}

static gboolean put_row(Odbc *odbc, RecordBlock *block, GError **error) {
  record_block_begin(block, odbc->outside.rows + 1);
  for (guint i = 0; i < odbc->outside.n; i++) {
    gboolean is_null;
    if (!get_value(odbc, i, &is_null, error))
      return FALSE;
    if (is_null)
      continue;
    g_autofree char *text = from_utf16((const SQLWCHAR *)(gconstpointer)odbc->value->data,
                                       odbc->value->len / sizeof(SQLWCHAR));
    if (!text)
      return outside_refuse(&odbc->outside, i, "a text that is not UTF-16, or has a NUL", error);
    if (!outside_put(&odbc->outside, block, i, text, strlen(text), error))
      return FALSE;
  }
  record_block_end(block);
  odbc->outside.rows++;
  return TRUE;
}

static gboolean odbc_fill(Outside *outside, RecordBlock *block, GError **error) {
  Odbc *odbc = (Odbc *)outside;
  while (record_block_has_room(block) && !odbc->is_end) {
    if (outside_is_stopped(outside, error))
      return FALSE;
    SQLRETURN code = SQLFetch(odbc->statement);
    if (!worked(odbc, code, "query", error))
      return FALSE;
    odbc->is_end = code == SQL_NO_DATA;
    if (!odbc->is_end && !put_row(odbc, block, error))
      return FALSE;
  }
  return TRUE;
}

static void odbc_close(Outside *outside) {
  Odbc *odbc = (Odbc *)outside;
  if (odbc->statement)
    SQLFreeHandle(SQL_HANDLE_STMT, odbc->statement);
  if (odbc->is_connected) {
    SQLEndTran(SQL_HANDLE_DBC, odbc->connection, SQL_ROLLBACK);
    SQLDisconnect(odbc->connection);
  }
  if (odbc->connection)
    SQLFreeHandle(SQL_HANDLE_DBC, odbc->connection);
  if (odbc->environment)
    SQLFreeHandle(SQL_HANDLE_ENV, odbc->environment);
  g_byte_array_unref(odbc->value);
  g_free(odbc);
}

Outside *outside_open_odbc(const OutsideQuery *query, GError **error) {
  Odbc *odbc = g_new0(Odbc, 1);
  odbc->outside = (Outside){.fill = odbc_fill, .close = odbc_close, .stop = query->stop, .user = query->user};
  odbc->value = g_byte_array_new();
  if (connect_to(odbc, query, error) && begin_query(odbc, query, error))
    return &odbc->outside;
  outside_close(&odbc->outside);
  return NULL;
}
