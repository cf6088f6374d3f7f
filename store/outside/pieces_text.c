/* Keys, positions, and the SELECT around somebody's query. Comparing keys of several columns is written out, for not
 * every database knows (a, b) > (x, y): a >= x AND (a > x OR (a = x AND b > y)), whose first part an index serves. */
#include "store/outside/pieces_private.h"
#include <string.h>

void outside_key_clear(OutsideKey *key) {
  for (guint i = 0; i < key->n; i++)
    g_free(key->texts[i]);
  *key = (OutsideKey){0};
}

gboolean outside_key_equal(const OutsideKey *one, const OutsideKey *other) {
  gboolean is_equal = one->n == other->n;
  for (guint i = 0; i < one->n && is_equal; i++)
    is_equal = strcmp(one->texts[i], other->texts[i]) == 0;
  return is_equal;
}

char *outside_key_position(const OutsideKey *key) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < key->n; i++)
    g_string_append_printf(text, "%c%zu:%s,", key->is_integer[i] ? 'i' : 't', strlen(key->texts[i]), key->texts[i]);
  return g_string_free(text, FALSE);
}

gboolean outside_key_read(const char *position, guint n, OutsideKey *key) {
  *key = (OutsideKey){0};
  for (const char *at = position; *at; ) {
    gsize left = strlen(at);
    char *colon = NULL;
    if (key->n == OUTSIDE_KEY_COLUMNS || (*at != 'i' && *at != 't') || !g_ascii_isdigit(at[1]))
      return FALSE;
    guint64 length = g_ascii_strtoull(at + 1, &colon, 10);
    const char *value = colon + 1;
    if (*colon != ':' || length > left || (gsize)(value - at) + length >= left || value[length] != ',')
      return FALSE;
    key->is_integer[key->n] = *at == 'i';
    key->texts[key->n++] = g_strndup(value, length);
    at = value + length + 1;
  }
  return key->n > 0 && (n == 0 || key->n == n);
}

char *outside_position_show(const char *position) {
  OutsideKey key = {0};
  GString *text = position ? g_string_new(NULL) : NULL;
  if (position && outside_key_read(position, 0, &key))
    for (guint i = 0; i < key.n; i++)
      g_string_append_printf(text, "%s%s", i ? ", " : "", key.texts[i]);
  outside_key_clear(&key);
  return text ? g_string_free(text, FALSE) : NULL;
}

/* --- The text. */

OutsideText outside_text_new(void) {
  return (OutsideText){g_string_new(NULL), g_array_new(FALSE, TRUE, sizeof(OutsideValue))};
}

void outside_text_clear(OutsideText *text) {
  g_string_free(text->sql, TRUE);
  g_array_unref(text->values);
}

static void put_mark(OutsideText *text, OutsideEngine engine, const OutsideKey *key, guint i) {
  static const struct {
    char mark;
    gboolean is_numbered;
  } marks[] = {
#define MARK(constant, word, mark, numbered) {mark, numbered},
      OUTSIDE_ENGINES(MARK)};
  OutsideValue value = {key->texts[i], key->is_integer[i]};
  g_array_append_val(text->values, value);
  g_string_append_c(text->sql, marks[engine].mark);
  if (marks[engine].is_numbered)
    g_string_append_printf(text->sql, "%u", text->values->len);
}

/* column OPERATOR mark */
static void compare(OutsideText *text, const OutsidePiece *piece, const char *operator, const OutsideKey *key,
                    guint i) {
  g_string_append_printf(text->sql, "%s %s ", piece->cursor[i], operator);
  put_mark(text, piece->query.engine, key, i);
}

static void beyond(OutsideText *text, const OutsidePiece *piece, const OutsideKey *key, gboolean is_after) {
  const char *strict = is_after ? ">" : "<", *weak = is_after ? ">=" : "<=";
  guint last = key->n - 1;
  if (last > 0) {
    compare(text, piece, weak, key, 0);
    g_string_append(text->sql, " AND ");
  }
  for (guint i = 0; i < last; i++) {
    g_string_append_c(text->sql, '(');
    compare(text, piece, strict, key, i);
    g_string_append(text->sql, " OR (");
    compare(text, piece, "=", key, i);
    g_string_append(text->sql, " AND ");
  }
  compare(text, piece, is_after ? strict : weak, key, last);
  for (guint i = 0; i < last; i++)
    g_string_append(text->sql, "))");
}

static void put_conditions(OutsideText *text, const OutsidePiece *piece, const OutsideKey *after,
                           const OutsideKey *until) {
  if (after || until)
    g_string_append(text->sql, " WHERE ");
  if (after)
    beyond(text, piece, after, TRUE);
  if (after && until)
    g_string_append(text->sql, " AND ");
  if (until)
    beyond(text, piece, until, FALSE);
}

static void put_each(OutsideText *text, const OutsidePiece *piece, const char *behind, const char *between) {
  for (guint i = 0; piece->cursor[i]; i++)
    g_string_append_printf(text->sql, "%s%s%s", i ? between : "", piece->cursor[i], behind);
}

/* The line end closes a comment that the query may end with. */
static void put_query(OutsideText *text, const OutsidePiece *piece, const char *what) {
  g_autofree char *query = g_strchomp(g_strdup(piece->query.query));
  for (gsize n = strlen(query); n > 0 && (query[n - 1] == ';' || g_ascii_isspace(query[n - 1])); n--)
    query[n - 1] = '\0';
  g_string_append_printf(text->sql, "SELECT %s FROM (%s\n) sallyport_rows", what, query);
}

void outside_text_make(OutsideText *text, OutsideTextKind kind, const OutsidePiece *piece, const OutsideKey *after,
                       const OutsideKey *until) {
  put_query(text, piece, kind == OUTSIDE_TEXT_NULLS ? "1 AS found" : "*");
  if (!piece->cursor)
    return;
  if (kind == OUTSIDE_TEXT_NULLS) {
    g_string_append(text->sql, " WHERE ");
    put_each(text, piece, " IS NULL", " OR ");
    return;
  }
  put_conditions(text, piece, after, until);
  if (kind == OUTSIDE_TEXT_NEWEST) { /* of nulls nothing is known that could be a key */
    g_string_append(text->sql, after || until ? " AND " : " WHERE ");
    put_each(text, piece, " IS NOT NULL", " AND ");
  }
  g_string_append(text->sql, " ORDER BY ");
  put_each(text, piece, kind == OUTSIDE_TEXT_NEWEST ? " DESC" : "", ", ");
}
