/* Single-row mode: libpq keeps one row at a time, whatever the result's size. While the server works, `stop` is asked
 * five times a second, and the query cancelled there: who gives up leaves nothing running on a machine of others. */
#include "store/outside/outside_private.h"
#include "gateway/base/secret.h"
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

enum {
  OID_INT8 = 20,
  OID_INT2 = 21,
  OID_INT4 = 23,
  OID_NUMERIC = 1700,
  NUMERIC_HEAD = 4,
  PARAMETERS = 64,
  LOOK_MS = 200,
  PASSWORD_LIMIT = 4096
};

typedef struct {
  Outside outside;
  PGconn *connection;
  PGresult *row;
  gboolean is_end;
} Postgresql;

static gboolean fail(const Postgresql *postgresql, const PGresult *result, const char *what, GError **error) {
  const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
  g_autofree char *text = g_strdup(result ? PQresultErrorMessage(result) : PQerrorMessage(postgresql->connection));
  gboolean later = !state || outside_is_passing(state);
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

/* What stands in the connection string wins over what stands before it here, and the password's file over that. */
static gboolean log_in(Postgresql *postgresql, const OutsideQuery *query, GError **error) {
  const char *names[] = {"connect_timeout", "dbname", "password", NULL};
  char *password = NULL;
  g_autofree char *seconds = g_strdup_printf("%d", OUTSIDE_LOGIN_SECONDS);
  if (!secret_read_line(query->password_file, PASSWORD_LIMIT, &password, error))
    return FALSE;
  const char *values[] = {seconds, query->database, password, NULL};
  if (!password)
    names[2] = NULL;
  postgresql->connection = PQconnectdbParams(names, values, 1);
  secret_clear(&password);
  return PQstatus(postgresql->connection) == CONNECTION_OK || fail(postgresql, NULL, "connect", error);
}

static gboolean connect_to(Postgresql *postgresql, const OutsideQuery *query, GError **error) {
  if (!log_in(postgresql, query, error))
    return FALSE;
  PQsetNoticeReceiver(postgresql->connection, ignore_notices, NULL);
  g_autofree char *patience = g_strdup_printf("SET statement_timeout = '%us'", query->seconds);
  return run_command(postgresql, "SET client_encoding = 'UTF8'", error) &&
         run_command(postgresql, "SET datestyle = 'ISO'", error) &&
         run_command(postgresql, "SET timezone = 'UTC'", error) &&
         (query->seconds == 0 || run_command(postgresql, patience, error)) &&
         run_command(postgresql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error);
}

static StagingColumn column_of(const PGresult *described, int i) {
  StagingColumn column = {.name = PQfname(described, i), .type = BLOCK_TEXT};
  Oid type = PQftype(described, i);
  int modifier = PQfmod(described, i);
  /* 11 bits, two's complement */
  guint scale = modifier >= NUMERIC_HEAD ? (guint)(modifier - NUMERIC_HEAD) & 0x7ff : OUTSIDE_SCALE_MOST + 1;
  if (type == OID_INT8 || type == OID_INT4 || type == OID_INT2)
    column.type = BLOCK_INTEGER;
  else if (type == OID_NUMERIC && scale <= OUTSIDE_SCALE_MOST)
    column = (StagingColumn){column.name, BLOCK_INTEGER, scale};
  return column;
}

static gboolean describe_query(Postgresql *postgresql, const PGresult *described, GError **error) {
  if (PQnfields(described) == 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "query: it gives no columns");
  for (int i = 0; i < PQnfields(described); i++)
    outside_add_column(&postgresql->outside, column_of(described, i));
  return TRUE;
}

static gboolean send_query(Postgresql *postgresql, const OutsideQuery *query, guint parameters, GError **error) {
  OutsideValue values[PARAMETERS];
  const char *texts[PARAMETERS];
  if (!outside_values(query, parameters, values, PARAMETERS, error))
    return FALSE;
  for (guint i = 0; i < parameters; i++)
    texts[i] = values[i].text;
  return (PQsendQueryPrepared(postgresql->connection, "", (int)parameters, texts, NULL, NULL, 0) == 1 &&
          PQsetSingleRowMode(postgresql->connection) == 1) ||
         fail(postgresql, NULL, "query", error);
}

/* Prepared as one statement: the extended protocol takes no second one behind a semicolon. */
static gboolean begin_query(Postgresql *postgresql, const OutsideQuery *query, GError **error) {
  g_autofree char *limited = g_strdup_printf("%s LIMIT %u", query->query, query->most);
  PGresult *prepared = PQprepare(postgresql->connection, "", query->most ? limited : query->query, 0, NULL);
  gboolean ok = PQresultStatus(prepared) == PGRES_COMMAND_OK || fail(postgresql, prepared, "query", error);
  PQclear(prepared);
  if (!ok)
    return FALSE;
  PGresult *described = PQdescribePrepared(postgresql->connection, "");
  ok = PQresultStatus(described) == PGRES_COMMAND_OK ? describe_query(postgresql, described, error)
                                                     : fail(postgresql, described, "query", error);
  guint parameters = ok ? (guint)PQnparams(described) : 0;
  PQclear(described);
  return ok && send_query(postgresql, query, parameters, error);
}

static gboolean put_row(Postgresql *postgresql, RecordBlock *block, GError **error) {
  record_block_begin(block, postgresql->outside.rows + 1);
  for (guint i = 0; i < postgresql->outside.n; i++)
    if (!PQgetisnull(postgresql->row, 0, (int)i) &&
        !outside_put(&postgresql->outside, block, i, PQgetvalue(postgresql->row, 0, (int)i),
                     (gsize)PQgetlength(postgresql->row, 0, (int)i), error))
      return FALSE;
  record_block_end(block);
  postgresql->outside.rows++;
  return TRUE;
}

static void cancel(Postgresql *postgresql) {
  char ignored[256];
  PGcancel *how = PQgetCancel(postgresql->connection);
  if (how)
    PQcancel(how, ignored, sizeof ignored);
  PQfreeCancel(how);
}

static gboolean wait_for_row(Postgresql *postgresql, GError **error) {
  struct pollfd there = {.fd = PQsocket(postgresql->connection), .events = POLLIN};
  while (PQisBusy(postgresql->connection)) {
    if (outside_is_stopped(&postgresql->outside, error)) {
      cancel(postgresql);
      return FALSE;
    }
    if (poll(&there, 1, LOOK_MS) > 0 && PQconsumeInput(postgresql->connection) != 1)
      return fail(postgresql, NULL, "query", error);
  }
  return TRUE;
}

static gboolean take_row(Postgresql *postgresql, GError **error) {
  PQclear(postgresql->row);
  postgresql->row = NULL;
  if (!wait_for_row(postgresql, error))
    return FALSE;
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
  postgresql->outside =
      (Outside){.fill = postgresql_fill, .close = postgresql_close, .stop = query->stop, .user = query->user};
  if (connect_to(postgresql, query, error) && begin_query(postgresql, query, error))
    return &postgresql->outside;
  outside_close(&postgresql->outside);
  return NULL;
}
