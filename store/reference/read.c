/* RowChange, rows and differences, as they are asked for. */
#include "store/reference/reference_private.h"
#include "store/reference/queries.sql.h"
#include <string.h>

static const char *const kinds[] = {"full", "delta", "rollback"};

const char *reference_kind_word(ReferenceKind kind) {
  return kinds[kind];
}

static ReferenceKind kind_of(const char *word) {
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (g_strcmp0(word, kinds[i]) == 0)
      return (ReferenceKind)i;
  return REFERENCE_FULL;
}

static DbStatement *ask(ReferenceReader *reader, const char *name, GError **error) {
  return db_prepare_named(reader->db, reference_queries_sql, name, error);
}

/* --- RowChange */

void reference_version_free(ReferenceVersion *version) {
  if (!version)
    return;
  g_free(version->file);
  g_free(version->made_by);
  g_free(version->shape);
  g_free(version->digest);
  g_free(version);
}

static ReferenceVersion *version_of(DbStatement *s) {
  ReferenceVersion *version = g_new(ReferenceVersion, 1);
  *version = (ReferenceVersion){.number = db_integer(s, 0),
                                .kind = kind_of(db_text(s, 1)),
                                .sequence = db_text(s, 2) ? db_integer(s, 2) : REFERENCE_NO_SEQUENCE,
                                .file = db_text_copy(s, 3),
                                .back_to = db_integer(s, 4),
                                .made_at = db_integer(s, 5),
                                .made_by = db_text_copy(s, 6),
                                .shape = db_text_copy(s, 7),
                                .rows = (guint64)db_integer(s, 8),
                                .added = (guint64)db_integer(s, 9),
                                .changed = (guint64)db_integer(s, 10),
                                .removed = (guint64)db_integer(s, 11),
                                .gaps = (guint64)db_integer(s, 12),
                                .kept = db_integer(s, 13) != 0,
                                .gap_line = (guint64)db_integer(s, 14),
                                .digest = db_text_copy(s, 15)};
  return version;
}

static GPtrArray *versions(ReferenceReader *reader, gint64 number, guint limit, GError **error) {
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)reference_version_free);
  g_autoptr(DbStatement) s = ask(reader, reader->schema < 2 ? "versions-of-1" : "versions", error);
  gboolean row = s != NULL;
  if (!s)
    return NULL;
  db_bind(s, "ii", number, limit ? (gint64)limit : G_MAXINT64);
  while (row) {
    if (!db_step(s, &row, error))
      return NULL;
    if (row)
      g_ptr_array_add(list, version_of(s));
    if (row && !db_row_whole(s, error))
      return NULL;
  }
  return g_steal_pointer(&list);
}

GPtrArray *reference_versions(ReferenceReader *reader, guint limit, GError **error) {
  return versions(reader, 0, limit, error);
}

gboolean reference_version(ReferenceReader *reader, gint64 number, ReferenceVersion **version, GError **error) {
  g_autoptr(GPtrArray) found = versions(reader, number, 1, error);
  *version = found && found->len > 0 ? g_ptr_array_steal_index(found, 0) : NULL;
  return found != NULL;
}

gboolean reference_version_of_file(ReferenceReader *reader, const char *file, gint64 *number, GError **error) {
  g_autoptr(DbStatement) s = ask(reader, "version-of-file", error);
  gboolean row = FALSE;
  *number = 0;
  if (!s)
    return FALSE;
  db_bind(s, "s", file);
  if (!db_step(s, &row, error))
    return FALSE;
  if (row)
    *number = db_integer(s, 0);
  db_reset(s);
  return TRUE;
}

/* --- Rows */

gboolean reference_find(ReferenceReader *reader, gint64 version, const char *key, gint64 at, ReferenceRow *row,
                        gboolean *found, GError **error) {
  if (!reader->at && !(reader->at = ask(reader, "row-at", error)))
    return FALSE;
  db_reset(reader->at);
  db_bind(reader->at, "sii", key, version, at);
  if (!db_step(reader->at, found, error))
    return FALSE;
  if (*found)
    reference_row_of(reader->at, row);
  *found = *found && row->finish > at;
  return db_row_whole(reader->at, error);
}

gboolean reference_row(ReferenceReader *reader, gint64 id, ReferenceRow *row, gboolean *found, GError **error) {
  if (!reader->of_id && !(reader->of_id = ask(reader, "row", error)))
    return FALSE;
  db_reset(reader->of_id);
  db_bind(reader->of_id, "i", id);
  if (!db_step(reader->of_id, found, error))
    return FALSE;
  if (*found)
    reference_row_of(reader->of_id, row);
  return db_row_whole(reader->of_id, error);
}

static gboolean visit_all(DbStatement *s, ReferenceVisit visit, gpointer user, GError **error) {
  gboolean row = TRUE, goes_on = TRUE;
  while (goes_on) {
    ReferenceRow at;
    if (!db_step(s, &row, error))
      return FALSE;
    if (!row)
      return TRUE;
    reference_row_of(s, &at);
    if (!db_row_whole(s, error))
      return FALSE;
    goes_on = visit(user, &at, db_columns(s) < 8 || db_integer(s, 7) != 0);
  }
  db_reset(s);
  return TRUE;
}

static gboolean visit_key(ReferenceReader *reader, gint64 version, const char *key, ReferenceVisit visit, gpointer user,
                          GError **error) {
  if (!reader->of_key && !(reader->of_key = ask(reader, "rows-of-key-and-version", error)))
    return FALSE;
  db_bind(reader->of_key, "si", key, version);
  return visit_all(reader->of_key, visit, user, error);
}

gboolean reference_visit(ReferenceReader *reader, gint64 version, const char *key, ReferenceVisit visit, gpointer user,
                         GError **error) {
  if (key)
    return visit_key(reader, version, key, visit, user, error);
  g_autoptr(DbStatement) s = ask(reader, "rows-of-version", error);
  if (!s)
    return FALSE;
  db_bind(s, "i", version);
  return visit_all(s, visit, user, error);
}

gboolean reference_stay(ReferenceReader *reader, GError **error) {
  return db_begin_read(reader->db, error);
}

gboolean reference_visit_prefix(ReferenceReader *reader, gint64 version, const char *prefix, ReferenceVisit visit,
                                gpointer user, GError **error) {
  g_autofree char *end = g_strdup(prefix);
  if (!reader->of_prefix && !(reader->of_prefix = ask(reader, "rows-of-prefix", error)))
    return FALSE;
  end[strlen(end) - 1]++;
  db_bind(reader->of_prefix, "ssi", prefix, end, version);
  return visit_all(reader->of_prefix, visit, user, error);
}

/* --- Differences. A row that went and came back with a rollback has two ids, and is no difference. */

typedef struct {
  ReferenceVisit visit;
  gpointer user;
  ReferenceRow gone; /* the last row that goes, not told yet; its texts are in the strings */
  GString *key, *content;
  gboolean has_gone;
} RowChange;

static gboolean tell_gone(RowChange *difference) {
  gboolean has = difference->has_gone;
  difference->has_gone = FALSE;
  return !has || difference->visit(difference->user, &difference->gone, FALSE);
}

static gboolean is_gone_row(const RowChange *difference, const ReferenceRow *row) {
  const ReferenceRow *gone = &difference->gone;
  return difference->has_gone && gone->start == row->start && gone->finish == row->finish &&
         strcmp(gone->key, row->key) == 0 && strcmp(gone->content, row->content) == 0;
}

static gboolean differ(gpointer user, const ReferenceRow *row, gboolean comes) {
  RowChange *difference = user;
  if (comes && is_gone_row(difference, row)) {
    difference->has_gone = FALSE;
    return TRUE;
  }
  if (!tell_gone(difference))
    return FALSE;
  if (comes)
    return difference->visit(difference->user, row, TRUE);
  difference->gone = *row;
  difference->gone.key = g_string_assign(difference->key, row->key)->str;
  difference->gone.content = g_string_assign(difference->content, row->content)->str;
  difference->has_gone = TRUE;
  return TRUE;
}

gboolean reference_visit_difference(ReferenceReader *reader, gint64 from, gint64 to, ReferenceVisit visit,
                                    gpointer user, GError **error) {
  g_autoptr(DbStatement) s = ask(reader, "difference", error);
  if (!s)
    return FALSE;
  db_bind(s, "ii", from, to);
  RowChange difference = {.visit = visit, .user = user, .key = g_string_new(NULL), .content = g_string_new(NULL)};
  gboolean ok = visit_all(s, differ, &difference, error);
  if (ok)
    tell_gone(&difference);
  g_string_free(difference.key, TRUE);
  g_string_free(difference.content, TRUE);
  return ok;
}
