/* A connection and a statement, shared by the files of this engine only. */
#pragma once
#include "store/db/sqlite.h"

/* Statements of transactions, prepared when first used. */
typedef enum {
  TX_BEGIN,
  TX_BEGIN_READ,
  TX_COMMIT,
  TX_SAVEPOINT,
  TX_RELEASE,
  TX_ROLLBACK_TO,
  TX_ROLLBACK,
  TX_COUNT
} TxStep;
struct Db {
  sqlite3 *sqlite;
  DbStatement *steps[TX_COUNT];
  guint64 log_bytes, log_frame; /* the latter: bytes of one page in the log */
};

struct DbStatement {
  sqlite3_stmt *sqlite;
  Db *db;
};
