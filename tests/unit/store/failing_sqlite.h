/* SQLite whose N-th statement is interrupted, or whose N-th allocation fails: for a test that does the same work for
 * N = 1, 2, 3 … until nothing fails any more. To be installed before the first connection is opened; both ways end as
 * SALLYPORT_ERROR_AGAIN. */
#pragma once
#include <glib.h>
#include <sqlite3.h>
#include <stdatomic.h>

typedef enum { FAILING_STATEMENT = 1, FAILING_MEMORY, FAILING_KINDS } FailingKind;
static struct {
  sqlite3_mem_methods real;
  atomic_int kind, at, calls, hit;
} failing;

static inline void failing_arm(FailingKind kind, int at) {
  failing.at = at;
  failing.calls = failing.hit = 0;
  failing.kind = (int)kind;
}
/* TRUE: something failed. */
static inline gboolean failing_disarm(void) {
  failing.kind = 0;
  return failing.hit;
}
/* The next N: each of the first ones, then fewer and fewer. */
static inline int failing_next(int at) {
  return at + 1 + at / 16;
}
static inline gboolean failing_now(FailingKind kind) {
  if (failing.kind != (int)kind || ++failing.calls != failing.at)
    return FALSE;
  failing.hit = 1;
  return TRUE;
}

static inline void *failing_malloc(int n) {
  return failing_now(FAILING_MEMORY) ? NULL : failing.real.xMalloc(n);
}
static inline void *failing_realloc(void *p, int n) {
  return failing_now(FAILING_MEMORY) ? NULL : failing.real.xRealloc(p, n);
}
static inline int failing_statement(unsigned trace, void *db, void *statement, void *text) {
  (void)trace, (void)statement, (void)text;
  if (failing_now(FAILING_STATEMENT))
    sqlite3_interrupt(db);
  return 0;
}
static inline int failing_watch(sqlite3 *db, char **why, const void *api) {
  (void)why, (void)api;
  return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, failing_statement, db);
}

static inline void failing_install(void) {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &failing.real);
  sqlite3_mem_methods methods = failing.real;
  methods.xMalloc = failing_malloc;
  methods.xRealloc = failing_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* or most of what is small would not be asked for */
  sqlite3_auto_extension((void (*)(void))failing_watch);
}
