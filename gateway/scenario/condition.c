/* NOT is carried down to the comparisons, where it has its meaning: a comparison with NULL is neither true nor false,
 * so that both it and its opposite hold no NULL; AND and OR change places on the way (De Morgan holds for SQL's three
 * values). What is left is the set of what the whole is TRUE of. */
#include "gateway/scenario/condition_private.h"
#include <string.h>

enum { DEEPEST = 64 };

typedef enum { WORD_END, WORD_NAME, WORD_NUMBER, WORD_TEXT, WORD_SIGN } WordKind;
typedef struct {
  WordKind kind;
  const char *at;
  gsize length;
} Word;
typedef struct {
  const char *text, *next;
  Word token; /* the one that is looked at */
  const KeySpace *space;
  char *const *keys;
  GString *constant; /* a text without its doubled quotes */
  guint depth;
} ConditionReader;

/* --- Tokens */

static gboolean refuse(const ConditionReader *reader, GError **error, const char *what) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "not decidable at \"%.24s\": %s", reader->token.at,
                             what);
}

static gsize length_of_text(const char *at) {
  gsize length = 1;
  while (at[length]) {
    if (at[length] == '\'' && at[length + 1] != '\'')
      return length + 1;
    length += at[length] == '\'' ? 2 : 1;
  }
  return 0;
}

static gsize length_of_number(const char *at) {
  gsize sign = *at == '-', length = sign + strspn(at + sign, "0123456789");
  if (length == sign)
    return 0;
  gsize decimals = at[length] == '.' ? strspn(at + length + 1, "0123456789") : 0;
  return decimals ? length + 1 + decimals : length;
}

static gsize length_of_sign(const char *at) {
  static const char *const signs[] = {"<>", "!=", "<=", ">=", "==", "<", ">", "=", "(", ")", ","};
  for (guint i = 0; i < G_N_ELEMENTS(signs); i++)
    if (g_str_has_prefix(at, signs[i]))
      return strlen(signs[i]);
  return 0;
}

static gboolean step(ConditionReader *reader, GError **error) {
  const char *at = reader->next + strspn(reader->next, " \t\r\n");
  Word *token = &reader->token;
  *token = (Word){WORD_END, at, 0};
  if (*at == '\'')
    *token = (Word){WORD_TEXT, at, length_of_text(at)};
  else if (g_ascii_isdigit(*at) || *at == '-')
    *token = (Word){WORD_NUMBER, at, length_of_number(at)};
  else if (g_ascii_isalpha(*at) || *at == '_')
    *token = (Word){WORD_NAME, at, strspn(at, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_.-")};
  else if (*at)
    *token = (Word){WORD_SIGN, at, length_of_sign(at)};
  reader->next = at + token->length;
  return token->kind == WORD_END || token->length > 0 ||
         refuse(reader, error, "only keys, constants, = <> < <= > >= IN BETWEEN IS NULL AND OR NOT stand here");
}

static gboolean is_word(const ConditionReader *reader, const char *word) {
  const Word *token = &reader->token;
  if (token->kind == WORD_NAME)
    return strlen(word) == token->length && g_ascii_strncasecmp(token->at, word, token->length) == 0;
  return token->kind == WORD_SIGN && strlen(word) == token->length && memcmp(token->at, word, token->length) == 0;
}

/* *taken: the word stood there, and is passed. */
static gboolean take_word(ConditionReader *reader, const char *word, gboolean *taken, GError **error) {
  *taken = is_word(reader, word);
  return !*taken || step(reader, error);
}

static gboolean need_word(ConditionReader *reader, const char *word, GError **error) {
  gboolean taken;
  g_autofree char *what = g_strdup_printf("%s is missing", word);
  return take_word(reader, word, &taken, error) && (taken || refuse(reader, error, what));
}

/* --- Comparisons */

static gboolean is_constant(const ConditionReader *reader) {
  return reader->token.kind == WORD_NUMBER || reader->token.kind == WORD_TEXT;
}

static gboolean take_constant(ConditionReader *reader, Key *key, KeyPoint *point, GError **error) {
  const Word token = reader->token;
  if (is_word(reader, "NULL"))
    return refuse(reader, error, "a comparison with NULL is never true; write IS NULL");
  if (!is_constant(reader))
    return refuse(reader, error, "a constant has to stand here: a number, or 'a text'");
  g_string_truncate(reader->constant, 0);
  for (gsize i = token.kind == WORD_TEXT; i < token.length - (token.kind == WORD_TEXT); i++) {
    g_string_append_c(reader->constant, token.at[i]);
    i += token.kind == WORD_TEXT && token.at[i] == '\'';
  }
  KeyConstant constant = {reader->constant->str, reader->constant->len, token.kind == WORD_TEXT};
  return key_read(key, &constant, point, error) && step(reader, error);
}

typedef enum { SIGN_EQUAL, SIGN_OTHER, SIGN_BELOW, SIGN_UP_TO, SIGN_ABOVE, SIGN_FROM } Sign;

/* `turned`: the constant stands on the left. */
static gboolean take_sign(ConditionReader *reader, gboolean turned, Sign *sign, GError **error) {
  static const struct {
    const char *word;
    Sign sign, turned;
  } signs[] = {{"=", SIGN_EQUAL, SIGN_EQUAL},  {"==", SIGN_EQUAL, SIGN_EQUAL}, {"<>", SIGN_OTHER, SIGN_OTHER},
               {"!=", SIGN_OTHER, SIGN_OTHER}, {"<", SIGN_BELOW, SIGN_ABOVE},  {"<=", SIGN_UP_TO, SIGN_FROM},
               {">", SIGN_ABOVE, SIGN_BELOW},  {">=", SIGN_FROM, SIGN_UP_TO}};
  for (guint i = 0; i < G_N_ELEMENTS(signs); i++)
    if (is_word(reader, signs[i].word)) {
      *sign = turned ? signs[i].turned : signs[i].sign;
      return step(reader, error);
    }
  return refuse(reader, error, "a comparison is missing: = <> < <= > >= IN BETWEEN IS");
}

/* Between two neighbours there is no value: below 10.01 is up to 10.00, at scale 2. */
static KeyValues *values_of(Sign sign, KeyPoint point) {
  gint64 value = point.value;
  gboolean exact = point.exact;
  switch (sign) {
  case SIGN_EQUAL:
    return exact ? key_values_span(value, value) : key_values_new(FALSE);
  case SIGN_UP_TO:
    return key_values_span(G_MININT64, value);
  case SIGN_BELOW:
    if (!exact)
      return key_values_span(G_MININT64, value);
    return value == G_MININT64 ? key_values_new(FALSE) : key_values_span(G_MININT64, value - 1);
  case SIGN_OTHER:
  case SIGN_ABOVE:
  case SIGN_FROM:
    break;
  }
  g_autoptr(KeyValues) opposite = values_of(sign == SIGN_OTHER ? SIGN_EQUAL : sign == SIGN_ABOVE ? SIGN_UP_TO
                                                                                                 : SIGN_BELOW,
                                            point);
  return key_values_others(opposite);
}

static gboolean has_order(const ConditionReader *reader, const Key *key, GError **error) {
  return key->kind != KEY_TEXT ||
         refuse(reader, error, "a text has no order here; it is compared by = <> IN and IS NULL");
}

static KeyValues *take_between(ConditionReader *reader, Key *key, GError **error) {
  KeyPoint low, high;
  if (!has_order(reader, key, error) || !take_constant(reader, key, &low, error) ||
      !need_word(reader, "AND", error) || !take_constant(reader, key, &high, error))
    return NULL;
  g_autoptr(KeyValues) from = values_of(SIGN_FROM, low);
  g_autoptr(KeyValues) up_to = values_of(SIGN_UP_TO, high);
  return key_values_both(from, up_to);
}

static KeyValues *take_in(ConditionReader *reader, Key *key, GError **error) {
  g_autoptr(KeyValues) all = key_values_new(FALSE);
  gboolean more = TRUE;
  if (!need_word(reader, "(", error))
    return NULL;
  while (more) {
    KeyPoint point;
    if (!take_constant(reader, key, &point, error) || !take_word(reader, ",", &more, error))
      return NULL;
    g_autoptr(KeyValues) one = values_of(SIGN_EQUAL, point);
    KeyValues *either = key_values_either(all, one);
    key_values_free(all);
    all = either;
  }
  return need_word(reader, ")", error) ? g_steal_pointer(&all) : NULL;
}

static KeyValues *take_sides(ConditionReader *reader, Key *key, GError **error) {
  Sign sign;
  KeyPoint point;
  if (!take_sign(reader, FALSE, &sign, error) ||
      (sign >= SIGN_BELOW && !has_order(reader, key, error)) || !take_constant(reader, key, &point, error))
    return NULL;
  return values_of(sign, point);
}

/* --- One comparison of a key */

static Key *take_key(ConditionReader *reader, int *number, GError **error) {
  g_autofree char *name = g_strndup(reader->token.at, reader->token.length);
  if (reader->token.kind != WORD_NAME) {
    (void)refuse(reader, error, "a key has to stand here");
    return NULL;
  }
  *number = g_strv_contains((const char *const *)reader->keys, name)
                ? key_space_find(reader->space, name, strlen(name))
                : -1;
  if (*number < 0) {
    (void)refuse(reader, error, "that is none of the scenario's 'keys'");
    return NULL;
  }
  return step(reader, error) ? reader->space->keys->pdata[*number] : NULL;
}

static GPtrArray *one_box(const ConditionReader *reader, int key, KeyValues *values, gboolean negated) {
  GPtrArray *boxes = boxes_new();
  Box *box = box_new(reader->space->keys->len);
  box->values[key] = negated ? key_values_others(values) : values;
  if (negated)
    key_values_free(values);
  if (key_values_empty(box->values[key]))
    box_free(box);
  else
    g_ptr_array_add(boxes, box);
  return boxes;
}

static GPtrArray *take_null(ConditionReader *reader, int key, gboolean negated, GError **error) {
  gboolean opposite;
  if (!take_word(reader, "NOT", &opposite, error) || !need_word(reader, "NULL", error))
    return NULL;
  g_autoptr(KeyValues) none = key_values_new(FALSE);
  return one_box(reader, key, opposite != negated ? key_values_others(none) : key_values_new(TRUE), FALSE);
}

static GPtrArray *take_turned(ConditionReader *reader, gboolean negated, GError **error) {
  ConditionReader behind = *reader;
  int number;
  Sign sign;
  KeyPoint point;
  if (!step(&behind, error) || !take_sign(&behind, TRUE, &sign, error))
    return NULL;
  Key *key = take_key(&behind, &number, error);
  if (!key || (sign >= SIGN_BELOW && !has_order(reader, key, error)) || !take_constant(reader, key, &point, error))
    return NULL;
  reader->next = behind.next;
  reader->token = behind.token;
  return one_box(reader, number, values_of(sign, point), negated);
}

static GPtrArray *take_comparison(ConditionReader *reader, gboolean negated, GError **error) {
  int number;
  gboolean opposite, is, in, between;
  if (is_constant(reader))
    return take_turned(reader, negated, error);
  Key *key = take_key(reader, &number, error);
  if (!key || !take_word(reader, "IS", &is, error))
    return NULL;
  if (is)
    return take_null(reader, number, negated, error);
  if (!take_word(reader, "NOT", &opposite, error) || !take_word(reader, "IN", &in, error))
    return NULL;
  between = FALSE;
  if (!in && !take_word(reader, "BETWEEN", &between, error))
    return NULL;
  if (opposite && !in && !between) {
    (void)refuse(reader, error, "IN or BETWEEN has to stand behind NOT");
    return NULL;
  }
  KeyValues *values = in        ? take_in(reader, key, error)
                      : between ? take_between(reader, key, error)
                                : take_sides(reader, key, error);
  return values ? one_box(reader, number, values, opposite != negated) : NULL;
}

/* --- AND, OR, NOT */

static GPtrArray *take_either(ConditionReader *reader, gboolean negated, GError **error);

static GPtrArray *take_one(ConditionReader *reader, gboolean negated, GError **error) {
  gboolean taken;
  if (++reader->depth > DEEPEST) {
    (void)refuse(reader, error, "it is nested too deeply");
    return NULL;
  }
  g_autoptr(GPtrArray) boxes = NULL;
  if (!take_word(reader, "NOT", &taken, error))
    return NULL;
  if (taken) {
    boxes = take_one(reader, !negated, error);
  } else if (!take_word(reader, "(", &taken, error)) {
    return NULL;
  } else if (taken) {
    boxes = take_either(reader, negated, error);
    if (boxes && !need_word(reader, ")", error))
      return NULL;
  } else {
    boxes = take_comparison(reader, negated, error);
  }
  reader->depth--;
  return g_steal_pointer(&boxes);
}

typedef GPtrArray *(*TakePart)(ConditionReader *reader, gboolean negated, GError **error);

/* Parts with AND or OR between each two. */
static GPtrArray *take_row(ConditionReader *reader, TakePart part, const char *word, gboolean negated, GError **error) {
  gboolean joins = (*word == 'A') != negated, more;
  g_autoptr(GPtrArray) all = part(reader, negated, error);
  while (all) {
    if (!take_word(reader, word, &more, error))
      return NULL;
    if (!more)
      break;
    g_autoptr(GPtrArray) one = part(reader, negated, error);
    GPtrArray *whole = !one ? NULL : joins ? boxes_both(all, one, error) : boxes_either(all, one, error);
    g_ptr_array_unref(all);
    all = whole;
  }
  return g_steal_pointer(&all);
}

static GPtrArray *take_all(ConditionReader *reader, gboolean negated, GError **error) {
  return take_row(reader, take_one, "AND", negated, error);
}

static GPtrArray *take_either(ConditionReader *reader, gboolean negated, GError **error) {
  return take_row(reader, take_all, "OR", negated, error);
}

GPtrArray *condition_boxes(const char *text, const KeySpace *space, char *const *keys, GError **error) {
  g_autoptr(GString) constant = g_string_new(NULL);
  ConditionReader reader = {.text = text, .next = text, .space = space, .keys = keys, .constant = constant};
  g_autoptr(GPtrArray) boxes = step(&reader, error) ? take_either(&reader, FALSE, error) : NULL;
  if (boxes && reader.token.kind != WORD_END) {
    (void)refuse(&reader, error, "AND or OR is missing before it");
    return NULL;
  }
  return g_steal_pointer(&boxes);
}
