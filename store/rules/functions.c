/* The functions that rules need and SQLite lacks, and its date functions without what makes them depend on the moment
 * or the machine. SQLite refuses 'now' in a CHECK only; here a value from the partner's file could say it as well, so
 * the arguments are looked at, and SQLite's own functions are called in a connection of their own. */
#include "store/rules/sandbox_private.h"
#include <string.h>

enum { DATE_FUNCTIONS = 5, DATE_ARGUMENTS = 6 };
static const char *const date_names[DATE_FUNCTIONS] = {"date", "time", "datetime", "strftime", "unixepoch"};

typedef struct {
  struct PureDates *dates;
  guint function;
} DateFunction;

struct PureDates {
  sqlite3 *db;
  sqlite3_stmt *calls[DATE_FUNCTIONS][DATE_ARGUMENTS + 1];
  DateFunction functions[DATE_FUNCTIONS];
};

static gboolean depends_on_moment(sqlite3_value *value) {
  if (sqlite3_value_type(value) != SQLITE_TEXT)
    return FALSE;
  g_autofree char *text = g_strstrip(g_strdup((const char *)sqlite3_value_text(value)));
  return g_ascii_strcasecmp(text, "now") == 0 || g_ascii_strcasecmp(text, "localtime") == 0 ||
         g_ascii_strcasecmp(text, "utc") == 0;
}

static sqlite3_stmt *date_call(DateFunction *self, int arguments) {
  sqlite3_stmt **call = &self->dates->calls[self->function][arguments];
  if (*call)
    return *call;
  GString *sql = g_string_new("SELECT ");
  g_string_append_printf(sql, "%s(", date_names[self->function]);
  for (int i = 0; i < arguments; i++)
    g_string_append(sql, i ? ", ?" : "?");
  g_string_append_c(sql, ')');
  *call = sqlite_prepare(self->dates->db, sql->str, NULL);
  g_string_free(sql, TRUE);
  return *call;
}

static void pure_date(sqlite3_context *context, int n, sqlite3_value **values) {
  DateFunction *self = sqlite3_user_data(context);
  const char *name = date_names[self->function];
  gboolean moment = n == (self->function == 3 ? 1 : 0); /* strftime(FORMAT) is strftime(FORMAT, 'now') */
  for (int i = 0; i < n; i++)
    moment |= depends_on_moment(values[i]);
  if (moment || n > DATE_ARGUMENTS) {
    g_autofree char *why = g_strdup_printf(moment
                                               ? "%s() must not depend on the present moment or the machine's time zone"
                                               : "%s() has too many arguments",
                                           name);
    sqlite3_result_error(context, why, -1);
    return;
  }
  sqlite3_stmt *call = date_call(self, n);
  for (int i = 0; call && i < n; i++)
    sqlite3_bind_value(call, i + 1, values[i]);
  if (call && sqlite3_step(call) == SQLITE_ROW)
    sqlite3_result_value(context, sqlite3_column_value(call, 0));
  else
    sqlite3_result_error(context, sqlite3_errmsg(self->dates->db), -1);
  if (call)
    sqlite_reset(call);
}

/* scaled('12.3', 2) = 1230, exactly: more digits than the scale, or a value beyond 64 bits, is an error. */
static gboolean scale_decimal(const char *text, int scale, gint64 *value) {
  gboolean negative = *text == '-';
  text += negative || *text == '+';
  int after = -1, digits = 0;
  gint64 sum = 0;
  for (; *text; text++) {
    if (*text == '.' && after < 0 && digits > 0) {
      after = 0;
      continue;
    }
    if (!g_ascii_isdigit(*text) || after >= scale || __builtin_mul_overflow(sum, 10, &sum) ||
        __builtin_sub_overflow(sum, *text - '0', &sum)) /* counts downwards: the smallest value has no positive twin */
      return FALSE;
    digits++;
    after += after >= 0;
  }
  for (int i = MAX(after, 0); i < scale; i++)
    if (__builtin_mul_overflow(sum, 10, &sum))
      return FALSE;
  *value = sum;
  return digits > 0 && after != 0 && (negative || !__builtin_sub_overflow(0, sum, value));
}

static void scaled(sqlite3_context *context, int n, sqlite3_value **values) {
  (void)n;
  gint64 value, scale = sqlite3_value_int64(values[1]);
  const char *text = (const char *)sqlite3_value_text(values[0]);
  if (text && sqlite3_value_type(values[0]) != SQLITE_FLOAT && sqlite3_value_type(values[1]) == SQLITE_INTEGER &&
      scale >= 0 && scale <= 18 && scale_decimal(text, (int)scale, &value)) {
    sqlite3_result_int64(context, value);
    return;
  }
  sqlite3_result_error(context, "scaled() takes a decimal number as text and its scale, like scaled('12.30', 2)", -1);
}

/* holds(value, name): whether the rule's value is true; a value that is neither integer nor null ends the run. */
static void holds(sqlite3_context *context, int n, sqlite3_value **values) {
  (void)n;
  int type = sqlite3_value_type(values[0]);
  if (type == SQLITE_INTEGER || type == SQLITE_NULL) {
    sqlite3_result_int(context, type == SQLITE_INTEGER && sqlite3_value_int64(values[0]) != 0);
    return;
  }
  g_autofree char *why = g_strdup_printf("the value of rule %s is %s: a rule is a condition",
                                         (const char *)sqlite3_value_text(values[1]),
                                         type == SQLITE_FLOAT  ? "REAL"
                                         : type == SQLITE_TEXT ? "text"
                                                               : "a blob");
  sqlite3_result_error(context, why, -1);
}

struct PureDates *rule_functions_add(sqlite3 *db) {
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  struct PureDates *dates = g_new0(struct PureDates, 1);
  int rc = sqlite3_open_v2(":memory:", &dates->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  for (guint i = 0; i < DATE_FUNCTIONS && rc == SQLITE_OK; i++) {
    dates->functions[i] = (DateFunction){dates, i};
    rc = sqlite3_create_function_v2(db, date_names[i], -1, flags, &dates->functions[i], pure_date, NULL, NULL, NULL);
  }
  if (rc == SQLITE_OK)
    rc = sqlite3_create_function_v2(db, "scaled", 2, flags, NULL, scaled, NULL, NULL, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_function_v2(db, "holds", 2, flags, NULL, holds, NULL, NULL, NULL);
  if (rc == SQLITE_OK)
    rc = rule_money_functions_add(db);
  if (rc == SQLITE_OK)
    return dates;
  pure_dates_free(dates);
  return NULL;
}

void pure_dates_free(struct PureDates *dates) {
  if (!dates)
    return;
  for (guint i = 0; i < DATE_FUNCTIONS; i++)
    for (guint j = 0; j <= DATE_ARGUMENTS; j++)
      sqlite3_finalize(dates->calls[i][j]);
  sqlite_close(dates->db);
  g_free(dates);
}
