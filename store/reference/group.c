#include "store/reference/reference_private.h"
#include <string.h>

Group *group_new(void) {
  Group *group = g_new(Group, 1);
  *group = (Group){g_string_new(NULL), g_string_new(NULL), g_array_new(FALSE, FALSE, sizeof(GroupRow))};
  return group;
}

void group_free(Group *group) {
  g_string_free(group->key, TRUE);
  g_string_free(group->texts, TRUE);
  g_array_unref(group->rows);
  g_free(group);
}

void group_begin(Group *group, const char *key) {
  g_string_assign(group->key, key);
  g_string_truncate(group->texts, 0);
  g_array_set_size(group->rows, 0);
}

void group_add(Group *group, const GroupRow *row, const char *content) {
  GroupRow kept = *row;
  kept.content = group->texts->len;
  g_string_append(group->texts, content ? content : "");
  g_string_append_c(group->texts, '\0');
  g_array_append_val(group->rows, kept);
}

void reference_row_of(DbStatement *s, ReferenceRow *row) {
  *row = (ReferenceRow){.key = db_text(s, 0),
                        .start = db_integer(s, 1),
                        .finish = db_integer(s, 2),
                        .content = db_text(s, 3),
                        .origin = db_integer(s, 4),
                        .line = (guint64)db_integer(s, 5),
                        .id = db_integer(s, 6)};
}

static gboolean take(GroupCursor *cursor, Group *group, GError **error) {
  ReferenceRow row;
  reference_row_of(cursor->statement, &row);
  if (!db_row_whole(cursor->statement, error))
    return FALSE;
  if (group->rows->len == 0)
    group_begin(group, row.key);
  else if (strcmp(row.key, group->key->str) != 0)
    return TRUE;
  GroupRow taken = {.start = row.start,
                    .finish = row.finish,
                    .origin = row.origin,
                    .id = row.id,
                    .line = row.line,
                    .takes_away = !row.content};
  group_add(group, &taken, row.content);
  return db_step(cursor->statement, &cursor->has_row, error);
}

gboolean group_next(GroupCursor *cursor, Group *group, gboolean *any, GError **error) {
  g_array_set_size(group->rows, 0);
  if (!cursor->is_begun && !db_step(cursor->statement, &cursor->has_row, error))
    return FALSE;
  cursor->is_begun = TRUE;
  for (guint before = 0; cursor->has_row && group->rows->len <= REFERENCE_KEY_ROWS; before = group->rows->len) {
    if (!take(cursor, group, error))
      return FALSE;
    if (group->rows->len == before)
      break;
  }
  *any = group->rows->len > 0;
  return TRUE;
}
