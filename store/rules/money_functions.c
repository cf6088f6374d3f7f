/* store/money.h for rules. Between the functions a value travels as a blob that only they read: SQLite itself would
 * make a REAL of a product that leaves 64 bits, and -2 of -5/2. What has no value (a quantity below 0, what leaves its
 * bits) is null, so that the record breaks the rule; what is wrong with the rule itself is an error. */
#include "store/money.h"
#include "store/rules/sandbox_private.h"
#include <string.h>

static gboolean fail(sqlite3_context *context, const char *why) {
  sqlite3_result_error(context, why, -1);
  return FALSE;
}

/* Whole numbers are amounts of so many units. */
gboolean rule_money_read(sqlite3_value *value, Money *money) {
  if (sqlite3_value_type(value) == SQLITE_INTEGER) {
    *money = money_of(sqlite3_value_int64(value));
    return TRUE;
  }
  if (sqlite3_value_type(value) != SQLITE_BLOB || sqlite3_value_bytes(value) != (int)sizeof *money)
    return FALSE;
  memcpy(money, sqlite3_value_blob(value), sizeof *money);
  return money->denominator > 0;
}

static gboolean take_money(sqlite3_context *context, sqlite3_value *value, Money *money) {
  return rule_money_read(value, money) ||
         fail(context, "an amount of money must be an integer column, scaled('12.30', 2), or what price(), portion(), "
                       "plus(), minus(), lowest() or highest() gives");
}

static gboolean take_integer(sqlite3_context *context, sqlite3_value *value, gint64 *integer) {
  *integer = sqlite3_value_int64(value);
  return sqlite3_value_type(value) == SQLITE_INTEGER ||
         fail(context, "a quantity must be an integer that fits in 64 bits");
}

void rule_money_give(sqlite3_context *context, Money money) {
  Money bytes;
  memset(&bytes, 0, sizeof bytes); /* padding, too: equal values are equal blobs */
  bytes.numerator = money.numerator;
  bytes.denominator = money.denominator;
  sqlite3_result_blob(context, &bytes, sizeof bytes, SQLITE_TRANSIENT);
}

static gboolean any_null(int n, sqlite3_value **values) {
  for (int i = 0; i < n; i++)
    if (sqlite3_value_type(values[i]) == SQLITE_NULL)
      return TRUE;
  return FALSE;
}

/* price(quantity, rate, per), portion(amount, parts, of) */
static void scaled_money(sqlite3_context *context, int n, sqlite3_value **values) {
  gboolean is_price = sqlite3_user_data(context) != NULL;
  Money money;
  gint64 by, over;
  if (any_null(n, values) || !take_money(context, values[is_price ? 1 : 0], &money) ||
      !take_integer(context, values[is_price ? 0 : 1], &by) || !take_integer(context, values[2], &over))
    return;
  if (over < 1)
    fail(context, is_price ? "price(quantity, rate, per): `per` must be 1 or more"
                           : "portion(amount, parts, of): `of` must be 1 or more");
  else if (is_price ? money_price(by, money, over, &money) : money_portion(money, by, over, &money))
    rule_money_give(context, money);
}

static void units(sqlite3_context *context, int n, sqlite3_value **values) {
  gint64 quantity, increment, first, billed;
  if (any_null(n, values) || !take_integer(context, values[0], &quantity) ||
      !take_integer(context, values[1], &increment) || !take_integer(context, values[2], &first))
    return;
  if (increment < 1 || first < 0)
    fail(context, "units(quantity, increment, first): the increment must be 1 or more, `first` 0 or more");
  else if (money_units(quantity, increment, first, &billed))
    sqlite3_result_int64(context, billed);
}

typedef gboolean (*Folding)(Money a, Money b, Money *result);
static gboolean lower(Money a, Money b, Money *result) {
  *result = money_compare(b, a) < 0 ? b : a;
  return TRUE;
}
static gboolean higher(Money a, Money b, Money *result) {
  *result = money_compare(b, a) > 0 ? b : a;
  return TRUE;
}
static const struct {
  const char *name;
  Folding fold;
} foldings[] = {{"plus", money_add}, {"minus", money_subtract}, {"lowest", lower}, {"highest", higher}};

/* plus(a, …), minus(a, b, …), lowest(a, …), highest(a, …): of equal ones the first. */
static void folded(sqlite3_context *context, int n, sqlite3_value **values) {
  gsize which = GPOINTER_TO_SIZE(sqlite3_user_data(context));
  Money result, next;
  if (n < 2) {
    g_autofree char *why = g_strdup_printf("%s() takes two amounts or more", foldings[which].name);
    fail(context, why);
    return;
  }
  if (any_null(n, values) || !take_money(context, values[0], &result))
    return;
  for (int i = 1; i < n; i++)
    if (!take_money(context, values[i], &next) || !foldings[which].fold(result, next, &result))
      return;
  rule_money_give(context, result);
}

static void compare(sqlite3_context *context, int n, sqlite3_value **values) {
  Money a, b;
  if (!any_null(n, values) && take_money(context, values[0], &a) && take_money(context, values[1], &b))
    sqlite3_result_int(context, money_compare(a, b));
}

/* rounded(amount, 'half-up'), or with 2 decimals fewer: rounded(amount, 'half-up', 2) */
static void rounded(sqlite3_context *context, int n, sqlite3_value **values) {
  Money money;
  MoneyRounding rounding;
  gint64 result, dropped = 0;
  if (any_null(n, values) || !take_money(context, values[0], &money) ||
      (n == 3 && !take_integer(context, values[2], &dropped)))
    return;
  if (!money_rounding_parse((const char *)sqlite3_value_text(values[1]), &rounding) || dropped < 0 ||
      dropped > MONEY_SCALE_MAX)
    fail(context, "rounded(amount, how, decimals fewer): `how` must be 'half-up', 'half-even', 'down' or 'up', and the "
                  "decimals 0 to 18");
  else if (money_round(money, rounding, (guint)dropped, &result))
    sqlite3_result_int64(context, result);
}

int rule_money_functions_add(sqlite3 *db) {
  static const struct {
    const char *name;
    int arguments;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
    gsize own;
  } rows[] = {{"price", 3, scaled_money, 1}, {"portion", 3, scaled_money, 0}, {"units", 3, units, 0},
              {"compare", 2, compare, 0},    {"rounded", 2, rounded, 0},      {"rounded", 3, rounded, 0}};
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  int rc = SQLITE_OK;
  for (gsize i = 0; i < G_N_ELEMENTS(rows) && rc == SQLITE_OK; i++)
    rc = sqlite3_create_function_v2(db, rows[i].name, rows[i].arguments, flags, GSIZE_TO_POINTER(rows[i].own),
                                    rows[i].function, NULL, NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(foldings) && rc == SQLITE_OK; i++)
    rc = sqlite3_create_function_v2(db, foldings[i].name, -1, flags, GSIZE_TO_POINTER(i), folded, NULL, NULL, NULL);
  return rc;
}
