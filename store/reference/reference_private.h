/* What the files of store/reference/ share: connections, rows as they are read, groups of rows of one key. */
#pragma once
#include "store/db/db.h"
#include "store/reference.h"

/* --- files.c */
char *reference_path(const char *folder, const char *name);
/* Made where it is missing, and brought up to date. */
Db *reference_open_writer(const char *folder, const char *name, GError **error);

struct ReferenceReader {
  Db *db;
  gint64 schema;
  DbStatement *at, *of_id, *of_key, *of_prefix; /* prepared when they are first asked */
};

/* --- digest.c: hexadecimal, the caller's; NULL on error. Memory is flat. */
char *reference_digest(Db *db, guint64 *n_rows, GError **error);

/* --- load.c */
struct ReferenceLoad {
  char *folder, *name, *scratch;
  ReferenceKind kind;
  gboolean may_miss;
  Db *db; /* the file beside */
  DbStatement *add;
  guint64 added;
  gboolean is_filled; /* its transaction is over */
};

/* --- group.c: the rows of one key, in the order of their starts. */
typedef struct {
  gint64 start, finish, origin, id;
  guint64 line;
  gsize content; /* offset in the group's texts */
  gboolean takes_away;
} GroupRow;
typedef struct {
  GString *key, *texts;
  GArray *rows; /* GroupRow */
} Group;
Group *group_new(void);
void group_free(Group *group);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Group, group_free)
static inline const GroupRow *group_row(const Group *group, guint index) {
  return &g_array_index(group->rows, GroupRow, index);
}
static inline const char *group_content(const Group *group, const GroupRow *row) {
  return group->texts->str + row->content;
}
void group_begin(Group *group, const char *key);
void group_add(Group *group, const GroupRow *row, const char *content);

/* A statement whose rows come in the order of their keys, taken group by group. */
typedef struct {
  DbStatement *statement;
  gboolean has_row, is_begun;
} GroupCursor;
void reference_row_of(DbStatement *statement, ReferenceRow *row); /* borrowed until the next step */
/* FALSE in *any: there are no more. A group of more than REFERENCE_KEY_ROWS is cut off there: its rows are one more. */
gboolean group_next(GroupCursor *cursor, Group *group, gboolean *any, GError **error);

/* --- merge.c */
/* What a new version changes of the one before it; NULL functions: it is only counted. */
typedef struct {
  gboolean (*enter)(gpointer user, const char *key, const GroupRow *row, const char *content, GError **error);
  gboolean (*leave)(gpointer user, gint64 id, GError **error);
  gpointer user;
} MergeSink;
/* `live`: the version in force, in one snapshot that the sink's writes do not touch; NULL: there is none. */
gboolean reference_merge(ReferenceLoad *load, ReferenceReader *live, const MergeSink *sink, ReferenceFindings *findings,
                         GError **error);

/* --- forget.c: in the transaction that makes the version `newest`. */
gboolean reference_forget(Db *db, gint64 newest, const ReferenceFacts *facts, GError **error);
