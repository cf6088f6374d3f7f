/* Capabilities whose tables lie in the lane's book: a row each in CAPABILITIES. A capability's folder store/NAME/ has
 * its .sql files and NAME_migrations, the SQL that leads from its version i to i + 1. Each step is one transaction
 * together with the capability's number: a crash leaves the version before, and the next opening takes the step again.
 */
#include "store/book/book_private.h"

#define CAPABILITIES(X) X(recon) X(exchange) X(query)

#define DECLARE(name) extern const BookMigrations name##_migrations;
CAPABILITIES(DECLARE)

static const struct {
  const char *name;
  const BookMigrations *migrations;
} capabilities[] = {
#define ROW(name) {#name, &name##_migrations},
    CAPABILITIES(ROW)};

static gboolean version_of(Db *db, const char *name, guint *version, GError **error) {
  gboolean row;
  g_autoptr(DbStatement) s = db_prepare(db, "SELECT version FROM capability WHERE name = ?1", error);
  *version = 0;
  if (!s)
    return FALSE;
  db_bind(s, "s", name);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row)
    *version = (guint)db_integer(s, 0);
  return TRUE;
}

static gboolean set_version(Db *db, const char *name, guint version, GError **error) {
  g_autoptr(DbStatement) s = db_prepare(db,
                                        "INSERT INTO capability (name, version) VALUES (?1, ?2) "
                                        "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                                        error);
  if (!s)
    return FALSE;
  db_bind(s, "su", name, version);
  return db_done(s, error);
}

static gboolean newer(const char *name, guint version, guint known, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "the book's tables of %s are version %u, newer than this program's (%u): install the "
                             "program that made them, or restore the book from before",
                             name, version, known);
}

gboolean book_capability_migrate(Db *db, const char *name, const BookMigrations *migrations, GError **error) {
  guint version;
  if (!version_of(db, name, &version, error))
    return FALSE;
  if (version > migrations->n)
    return newer(name, version, migrations->n, error);
  for (; version < migrations->n; version++) {
    if (db_begin(db, error) && db_run(db, migrations->steps[version], error) &&
        set_version(db, name, version + 1, error) && db_commit(db, error))
      continue;
    db_rollback(db);
    g_prefix_error(error, "bring the book's tables of %s to version %u: ", name, version + 1);
    return FALSE;
  }
  return TRUE;
}

/* Tables that this program does not know would be left behind by what it writes. */
static gboolean has_no_others(Db *db, GError **error) {
  g_autoptr(DbStatement) s = db_prepare(db, "SELECT name, version FROM capability ORDER BY name", error);
  gboolean row = s != NULL;
  while (row) {
    if (!db_step(s, &row, error))
      return FALSE;
    gboolean known = !row;
    for (guint i = 0; i < G_N_ELEMENTS(capabilities) && !known; i++)
      known = g_strcmp0(capabilities[i].name, db_text(s, 0)) == 0;
    if (!known)
      return newer(db_text(s, 0), (guint)db_integer(s, 1), 0, error);
  }
  return s != NULL;
}

gboolean book_capabilities_migrate(Db *db, GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(capabilities); i++)
    if (!book_capability_migrate(db, capabilities[i].name, capabilities[i].migrations, error))
      return FALSE;
  return has_no_others(db, error);
}

gboolean book_capabilities_check(Db *db, GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(capabilities); i++) {
    guint version;
    if (!version_of(db, capabilities[i].name, &version, error))
      return FALSE;
    if (version > capabilities[i].migrations->n)
      return newer(capabilities[i].name, version, capabilities[i].migrations->n, error);
    if (version < capabilities[i].migrations->n)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "the book's tables of %s are version %u, older than this program's (%u): start its "
                                 "lane with this program once, which brings them up to date",
                                 capabilities[i].name, version, capabilities[i].migrations->n);
  }
  return has_no_others(db, error);
}
