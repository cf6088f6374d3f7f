/* Single-row mode: libpq keeps one row at a time, whatever the result's size. */
#include "store/outside/outside_private.h"
#include <libpq-fe.h>
#include <string.h>

enum {
  OID_INT8 = 20,
  OID_INT2 = 21,
  OID_INT4 = 23,
  OID_NUMERIC = 1700,
  NUMERIC_HEAD = 4,
  SCALE_MAX = 18,
  PARAMETERS = 3
};

typedef struct {
  Outside outside;
  PGconn *connection;
  PGresult *row;
  gboolean is_end;
  guint64 rows;
} Postgresql;

/* Class 08 no connection, 40 rolled back, 53 no resources, 55 not in this state, 57 stopped by an operator: later. */
static gboolean fail(const Postgresql *postgresql, const PGresult *result, const char *what, GError **error) {
  const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
  g_autofree char *text = g_strdup(result ? PQresultErrorMessage(result) : PQerrorMessage(postgresql->connection));
  gboolean later = !state;
  static const char *const classes[] = {"08", "40", "53", "55", "57"};
  for (guint i = 0; state && i < G_N_ELEMENTS(classes); i++)
    later |= strncmp(state, classes[i], 2) == 0;
  return sallyport_error_set(error, later ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_CONFIGURATION, "PostgreSQL: %s: %s",
                             what, g_strstrip(text));
}

static gboolean run_command(Postgresql *postgresql, const char *command, GError **error) {
  PGresult *result = PQexec(postgresql->connection, command);
  gboolean ok = PQresultStatus(result) == PGRES_COMMAND_OK || fail(postgresql, result, command, error);
  PQclear(result);
  return ok;
}

static void ignore_notices(void *user, const PGresult *result) {
  (void)user, (void)result;
}

static gboolean connect_to(Postgresql *postgresql, const char *database, GError **error) {
  postgresql->connection = PQconnectdb(database);
  if (PQstatus(postgresql->connection) != CONNECTION_OK)
    return fail(postgresql, NULL, "connect", error);
  PQsetNoticeReceiver(postgresql->connection, ignore_notices, NULL);
  return run_command(postgresql, "SET client_encoding = 'UTF8'", error) &&
         run_command(postgresql, "SET datestyle = 'ISO'", error) &&
         run_command(postgresql, "SET timezone = 'UTC'", error) &&
         run_command(postgresql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error);
}

static StagingColumn column_of(const PGresult *described, int i) {
  StagingColumn column = {.name = g_strdup(PQfname(described, i)), .type = BLOCK_TEXT};
  Oid type = PQftype(described, i);
  int modifier = PQfmod(described, i);
  /* 11 bits, two's complement */
  guint scale = modifier >= NUMERIC_HEAD ? (guint)(modifier - NUMERIC_HEAD) & 0x7ff : SCALE_MAX + 1;
  if (type == OID_INT8 || type == OID_INT4 || type == OID_INT2)
    column.type = BLOCK_INTEGER;
  else if (type == OID_NUMERIC && scale <= SCALE_MAX)
    column = (StagingColumn){column.name, BLOCK_INTEGER, scale};
  return column;
}

static gboolean describe_query(Postgresql *postgresql, const PGresult *described, int *parameters, GError **error) {
  *parameters = PQnparams(described);
  if (*parameters > PARAMETERS)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: more than $1, $2 and $3");
  if (PQnfields(described) == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: it gives no columns");
  postgresql->outside.columns = g_new0(StagingColumn, (gsize)PQnfields(described));
  for (int i = 0; i < PQnfields(described); i++)
    postgresql->outside.columns[postgresql->outside.n++] = column_of(described, i);
  return TRUE;
}

/* Prepared as one statement: the extended protocol takes no second one behind a semicolon. */
static gboolean begin_query(Postgresql *postgresql, const OutsideQuery *query, GError **error) {
  const char *values[PARAMETERS] = {query->date, query->from, query->to};
  int parameters = 0;
  PGresult *prepared = PQprepare(postgresql->connection, "", query->query, 0, NULL);
  gboolean ok = PQresultStatus(prepared) == PGRES_COMMAND_OK || fail(postgresql, prepared, "query", error);
  PQclear(prepared);
  if (!ok)
    return FALSE;
  PGresult *described = PQdescribePrepared(postgresql->connection, "");
  ok = PQresultStatus(described) == PGRES_COMMAND_OK ? describe_query(postgresql, described, &parameters, error)
                                                     : fail(postgresql, described, "query", error);
  PQclear(described);
  if (!ok)
    return FALSE;
  return (PQsendQueryPrepared(postgresql->connection, "", parameters, values, NULL, NULL, 0) == 1 &&
          PQsetSingleRowMode(postgresql->connection) == 1) ||
         fail(postgresql, NULL, "query", error);
}

static gboolean refuse_column(const Postgresql *postgresql, guint column, const char *what, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "query: row %" G_GUINT64_FORMAT ", column %s: %s",
                             postgresql->rows + 1, postgresql->outside.columns[column].name, what);
}

/* "-12.30" at scale 2 is -1230; NaN and infinities are refused. */
static gboolean scaled(const char *text, guint scale, gint64 *value) {
  gboolean is_negative = *text == '-', has_point = FALSE;
  guint decimals = 0;
  *value = 0;
  for (text += is_negative; *text; text++) {
    if (*text == '.' && !has_point) {
      has_point = TRUE;
      continue;
    }
    if (!g_ascii_isdigit(*text) || __builtin_mul_overflow(*value, 10, value) ||
        __builtin_sub_overflow(*value, *text - '0', value))
      return FALSE;
    decimals += has_point ? 1 : 0;
  }
  for (; decimals < scale; decimals++)
    if (__builtin_mul_overflow(*value, 10, value))
      return FALSE;
  return decimals == scale && (is_negative || !__builtin_sub_overflow(0, *value, value));
}

static gboolean put_row(Postgresql *postgresql, RecordBlock *block, GError **error) {
  record_block_begin(block, postgresql->rows + 1);
  for (guint i = 0; i < postgresql->outside.n; i++) {
    const StagingColumn *column = &postgresql->outside.columns[i];
    gint64 value;
    if (PQgetisnull(postgresql->row, 0, (int)i))
      continue;
    const char *text = PQgetvalue(postgresql->row, 0, (int)i);
    gsize length = (gsize)PQgetlength(postgresql->row, 0, (int)i);
    if (column->type == BLOCK_INTEGER && !scaled(text, column->scale, &value))
      return refuse_column(postgresql, i, "beyond 64 bits, or no number", error);
    if (column->type == BLOCK_INTEGER)
      record_block_put_integer(block, i, value);
    else if (g_utf8_validate(text, (gssize)length, NULL))
      record_block_put_text(block, i, text, length);
    else
      return refuse_column(postgresql, i, "a text that is not UTF-8", error);
  }
  record_block_end(block);
  postgresql->rows++;
  return TRUE;
}

static gboolean take_row(Postgresql *postgresql, GError **error) {
  PQclear(postgresql->row);
  postgresql->row = PQgetResult(postgresql->connection);
  ExecStatusType status = postgresql->row ? PQresultStatus(postgresql->row) : PGRES_FATAL_ERROR;
  if (status == PGRES_TUPLES_OK) /* the end of a result in single-row mode */
    postgresql->is_end = TRUE;
  return status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK || fail(postgresql, postgresql->row, "query", error);
}

static gboolean postgresql_fill(Outside *outside, RecordBlock *block, GError **error) {
  Postgresql *postgresql = (Postgresql *)outside;
  if (outside_is_stopped(outside, error))
    return FALSE;
  while (record_block_has_room(block) && !postgresql->is_end) {
    if (!take_row(postgresql, error))
      return FALSE;
    if (!postgresql->is_end && !put_row(postgresql, block, error))
      return FALSE;
  }
  return TRUE;
}

static void postgresql_close(Outside *outside) {
  Postgresql *postgresql = (Postgresql *)outside;
  PQclear(postgresql->row);
  PQfinish(postgresql->connection);
  g_free(postgresql);
}

Outside *outside_open_postgresql(const OutsideQuery *query, GError **error) {
  Postgresql *postgresql = g_new0(Postgresql, 1);
  postgresql->outside = (Outside){.fill = postgresql_fill, .close = postgresql_close, .stop = query->stop};
  if (connect_to(postgresql, query->database, error) && begin_query(postgresql, query, error))
    return &postgresql->outside;
  outside_close(&postgresql->outside);
  return NULL;
}
