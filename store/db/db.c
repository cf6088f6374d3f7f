/* What is the same with every engine. */
#include "store/db/db.h"
#include <string.h>

char *db_named(const char *sql, const char *name) {
  g_autofree char *mark = g_strdup_printf("-- name: %s\n", name);
  const char *at = sql;
  while ((at = strstr(at, mark)) && at != sql && at[-1] != '\n')
    at++;
  if (!at)
    return NULL;
  at += strlen(mark);
  const char *end = strstr(at, "-- name: ");
  return end ? g_strndup(at, (gsize)(end - at)) : g_strdup(at);
}

DbStatement *db_prepare_named(Db *db, const char *sql, const char *name, GError **error) {
  g_autofree char *text = db_named(sql, name);
  if (!text) {
    sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no SQL statement is named %s", name);
    return NULL;
  }
  DbStatement *statement = db_prepare(db, text, error);
  if (!statement)
    g_prefix_error(error, "%s: ", name);
  return statement;
}

void db_bind(DbStatement *statement, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (guint i = 1; *format; i++, format++) {
    const void *bytes;
    switch (*format) {
    case 'i':
      db_bind_integer(statement, i, va_arg(arguments, gint64));
      break;
    case 'u':
      db_bind_integer(statement, i, va_arg(arguments, guint));
      break;
    case 's':
      db_bind_text(statement, i, va_arg(arguments, const char *), -1);
      break;
    case 't':
      bytes = va_arg(arguments, const void *);
      db_bind_text(statement, i, bytes, (gssize)va_arg(arguments, gsize));
      break;
    case 'b':
      bytes = va_arg(arguments, const void *);
      db_bind_bytes(statement, i, bytes, va_arg(arguments, gsize));
      break;
    case 'n':
      db_bind_null(statement, i);
      break;
    case '-':
      break;
    default:
      g_assert_not_reached();
    }
  }
  va_end(arguments);
}

gboolean db_done(DbStatement *statement, GError **error) {
  gboolean row = TRUE;
  while (row)
    if (!db_step(statement, &row, error))
      return FALSE;
  return TRUE;
}

char *db_text_copy(DbStatement *statement, guint column) {
  return g_strdup(db_text(statement, column));
}

GBytes *db_bytes_copy(DbStatement *statement, guint column) {
  gsize length;
  const void *bytes = db_bytes(statement, column, &length);
  return bytes ? g_bytes_new(bytes, length) : NULL;
}

gboolean db_value(Db *db, const char *sql, gint64 *value, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(db, sql, error);
  gboolean row = FALSE;
  *value = 0;
  if (!statement || !db_step(statement, &row, error))
    return FALSE;
  if (row)
    *value = db_integer(statement, 0);
  return TRUE;
}
