#include "store/rules/sandbox_private.h"
#include <string.h>

/* --- The virtual table `record`: one row per record without a fault, values borrowed from the block. */

typedef struct {
  sqlite3_vtab base;
  RuleSandbox *sandbox;
} RecordTable;
typedef struct {
  sqlite3_vtab_cursor base;
  RuleSandbox *sandbox;
  guint at, fault;
} RecordCursor;

static int table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **table,
                         char **message) {
  (void)argc, (void)argv, (void)message;
  RuleSandbox *sandbox = aux;
  g_autofree char *sql = g_strdup_printf("CREATE TABLE record(%s)", sandbox->declaration);
  int rc = sqlite3_declare_vtab(db, sql);
  if (rc != SQLITE_OK)
    return rc;
  RecordTable *record = g_new0(RecordTable, 1);
  record->sandbox = sandbox;
  *table = &record->base;
  return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *table) {
  g_free(table);
  return SQLITE_OK;
}

static int table_plan(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  info->estimatedCost = 1e6; /* always the whole block, whatever the condition */
  return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor) {
  RecordCursor *record = g_new0(RecordCursor, 1);
  record->sandbox = ((RecordTable *)table)->sandbox;
  *cursor = &record->base;
  return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *cursor) {
  g_free(cursor);
  return SQLITE_OK;
}

static void skip_faulty(RecordCursor *cursor) {
  const GArray *faults = cursor->sandbox->block->faults;
  while (cursor->fault < faults->len && g_array_index(faults, BlockFault, cursor->fault).record <= cursor->at) {
    if (g_array_index(faults, BlockFault, cursor->fault).record == cursor->at)
      cursor->at++;
    cursor->fault++;
  }
  cursor->sandbox->record = cursor->at;
}

static int cursor_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc, sqlite3_value **argv) {
  (void)index, (void)name, (void)argc, (void)argv;
  RecordCursor *record = (RecordCursor *)cursor;
  record->at = record->fault = 0;
  skip_faulty(record);
  return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *cursor) {
  RecordCursor *record = (RecordCursor *)cursor;
  record->at++;
  skip_faulty(record);
  return SQLITE_OK;
}

static int cursor_eof(sqlite3_vtab_cursor *cursor) {
  RecordCursor *record = (RecordCursor *)cursor;
  return record->at >= record->sandbox->block->count;
}

static int cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int index) {
  RecordCursor *record = (RecordCursor *)cursor;
  RuleSandbox *sandbox = record->sandbox;
  guint column = (guint)index;
  if (column == sandbox->n_columns + sandbox->n_constants) {
    if (sandbox->amounts)
      rule_money_give(context, sandbox->amounts[record->at]);
    return SQLITE_OK;
  }
  if (column >= sandbox->n_columns) {
    const RuleConstant *constant = &sandbox->constants[column - sandbox->n_columns];
    if (constant->is_null)
      return SQLITE_OK;
    if (!constant->is_text)
      sqlite3_result_int64(context, constant->integer);
    else
      sqlite3_result_text(context, constant->text, -1, SQLITE_STATIC);
    return SQLITE_OK;
  }
  if (record_block_is_null(sandbox->block, column, record->at))
    return SQLITE_OK; /* no result is null */
  if (sandbox->types[column] == BLOCK_INTEGER) {
    sqlite3_result_int64(context, record_block_integer(sandbox->block, column, record->at));
    return SQLITE_OK;
  }
  gsize length;
  const char *text = record_block_text(sandbox->block, column, record->at, &length);
  sqlite3_result_text64(context, text, length, SQLITE_STATIC, SQLITE_UTF8);
  return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
  *rowid = ((RecordCursor *)cursor)->at;
  return SQLITE_OK;
}

/* Without xCreate the table exists by the module's name alone, and nothing can make another of it. */
static const sqlite3_module record_module = {
    .iVersion = 1,
    .xConnect = table_connect,
    .xBestIndex = table_plan,
    .xDisconnect = table_disconnect,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
};

/* --- What a statement may do. */

static gboolean is_allowed_function(const char *name) {
  static const char *const allowed[] = {
      "abs",       "char",    "coalesce", "compare", "date",    "datetime", "glob",     "hex",   "highest",
      "holds",     "ifnull",  "iif",      "instr",   "length",  "like",     "lower",    "lowest", "ltrim",
      "max",       "min",     "minus",    "nullif",  "plus",    "portion",  "price",    "replace", "rounded",
      "rtrim",     "scaled",  "strftime", "substr",  "substring", "time",   "trim",     "typeof", "unicode",
      "unixepoch", "units",   "upper"};
  for (guint i = 0; i < G_N_ELEMENTS(allowed); i++)
    if (g_ascii_strcasecmp(name, allowed[i]) == 0)
      return TRUE;
  return FALSE;
}

static int authorize(void *user, int action, const char *first, const char *second, const char *database,
                     const char *trigger) {
  (void)database, (void)trigger;
  const RuleSandbox *sandbox = user;
  switch (action) {
  case SQLITE_FUNCTION:
    return second && is_allowed_function(second) ? SQLITE_OK : SQLITE_DENY;
  case SQLITE_SELECT:
    return sandbox->defining ? SQLITE_DENY : SQLITE_OK;
  case SQLITE_READ:
    if (sandbox->defining && g_strcmp0(first, "sqlite_master") == 0)
      return SQLITE_OK;
    if (second && g_ascii_strcasecmp(second, "ROWID") == 0)
      return SQLITE_DENY;
    return g_strcmp0(first, sandbox->defining ? "checked" : "record") == 0 ? SQLITE_OK : SQLITE_DENY;
  case SQLITE_CREATE_TABLE:
  case SQLITE_DROP_TABLE:
  case SQLITE_INSERT:
  case SQLITE_UPDATE:
  case SQLITE_DELETE:
    return sandbox->defining ? SQLITE_OK : SQLITE_DENY;
  default:
    return SQLITE_DENY;
  }
}

enum { STEPS_A_CALL = 2048, STEPS_A_RULE_AND_RECORD = 5000, SECONDS_A_BLOCK = 60 };

static int progress(void *user) {
  RuleSandbox *sandbox = user;
  return ++sandbox->steps > sandbox->limit || g_get_monotonic_time() > sandbox->deadline;
}

void rule_sandbox_begin(RuleSandbox *sandbox, const RecordBlock *block, guint rules) {
  sandbox->block = block;
  sandbox->record = 0;
  sandbox->steps = 0;
  sandbox->limit = 16 + ((guint64)block->count + 1) * (rules + 1) * STEPS_A_RULE_AND_RECORD / STEPS_A_CALL;
  sandbox->deadline = g_get_monotonic_time() + SECONDS_A_BLOCK * G_USEC_PER_SEC;
}

static void set_limits(sqlite3 *db) {
  static const struct {
    int limit, value;
  } limits[] = {
      {SQLITE_LIMIT_LENGTH, 16 << 20},   {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},      {SQLITE_LIMIT_EXPR_DEPTH, 200},
      {SQLITE_LIMIT_COMPOUND_SELECT, 1}, {SQLITE_LIMIT_VDBE_OP, 100000},          {SQLITE_LIMIT_FUNCTION_ARG, 32},
      {SQLITE_LIMIT_ATTACHED, 0},        {SQLITE_LIMIT_TRIGGER_DEPTH, 0},         {SQLITE_LIMIT_VARIABLE_NUMBER, 0},
      {SQLITE_LIMIT_WORKER_THREADS, 0},  {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000}};
  for (guint i = 0; i < G_N_ELEMENTS(limits); i++)
    sqlite3_limit(db, limits[i].limit, limits[i].value);
}

static void close_off(sqlite3 *db) {
  static const struct {
    int option, on;
  } options[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                 {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                 {SQLITE_DBCONFIG_DQS_DDL, 0},
                 {SQLITE_DBCONFIG_DQS_DML, 0},
                 {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                 {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                 {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0}};
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    sqlite3_db_config(db, options[i].option, options[i].on, NULL);
}

static void declare(GString *declaration, const char *name, const char *type) {
  char *quoted = sqlite3_mprintf("\"%w\" %s", name, type);
  g_string_append_printf(declaration, "%s%s", declaration->len ? ", " : "", quoted);
  sqlite3_free(quoted);
}

static void copy_shape(RuleSandbox *sandbox, const StagingColumn *columns, guint n_columns,
                       const RuleConstant *constants, guint n_constants) {
  GString *declaration = g_string_new(NULL);
  sandbox->types = g_new0(BlockType, n_columns + 1);
  sandbox->n_columns = n_columns;
  sandbox->constants = g_new0(RuleConstant, n_constants + 1);
  sandbox->n_constants = n_constants;
  for (guint i = 0; i < n_columns; i++) {
    sandbox->types[i] = columns[i].type;
    declare(declaration, columns[i].name, columns[i].type == BLOCK_INTEGER ? "INTEGER" : "TEXT");
  }
  for (guint i = 0; i < n_constants; i++) {
    sandbox->constants[i] = (RuleConstant){.text = g_strdup(constants[i].text),
                                           .integer = constants[i].integer,
                                           .is_text = constants[i].is_text,
                                           .is_null = constants[i].is_null};
    declare(declaration, constants[i].name, constants[i].is_text ? "TEXT" : "INTEGER");
  }
  if (sandbox->money)
    declare(declaration, sandbox->money, "");
  sandbox->declaration = g_string_free(declaration, FALSE);
}

gboolean rule_sandbox_open(RuleSandbox *sandbox, const StagingColumn *columns, guint n_columns,
                           const RuleConstant *constants, guint n_constants, GError **error) {
  copy_shape(sandbox, columns, n_columns, constants, n_constants);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(":memory:", &sandbox->db, flags, NULL) != SQLITE_OK)
    return sqlite_fail(sandbox->db, error, "open a connection for rules");
  sandbox->dates = rule_functions_add(sandbox->db);
  if (!sandbox->dates || sqlite3_create_module_v2(sandbox->db, "record", &record_module, sandbox, NULL) != SQLITE_OK)
    return sqlite_fail(sandbox->db, error, "prepare a connection for rules");
  close_off(sandbox->db);
  /* Connects the table now, before the authorizer is on guard. Two columns of one name end here. */
  if (!sqlite_run(sandbox->db, "SELECT 1 FROM record LIMIT 0", error)) {
    if (error && *error)
      (*error)->code = SALLYPORT_ERROR_CONFIGURATION;
    g_prefix_error(error, "the columns that rules can name: ");
    return FALSE;
  }
  set_limits(sandbox->db);
  sqlite3_set_authorizer(sandbox->db, authorize, sandbox);
  sqlite3_progress_handler(sandbox->db, STEPS_A_CALL, progress, sandbox);
  return TRUE;
}

void rule_sandbox_close(RuleSandbox *sandbox) {
  sqlite_close(sandbox->db);
  pure_dates_free(sandbox->dates);
  for (guint i = 0; i < sandbox->n_constants; i++)
    g_free((char *)sandbox->constants[i].text);
  g_free(sandbox->constants);
  g_free(sandbox->money);
  g_free(sandbox->types);
  g_free(sandbox->declaration);
}
