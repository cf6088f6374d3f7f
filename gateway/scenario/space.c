#include "gateway/scenario/space_private.h"
#include "gateway/base/wide.h"
#include <string.h>

enum { MOST_WORDS = 4096 }; /* words of one key */

static void key_free(Key *key) {
  if (key->words)
    g_ptr_array_unref(key->words);
  key_values_free(key->domain);
  g_free(key);
}

KeySpace *key_space_new(void) {
  KeySpace *space = g_new0(KeySpace, 1);
  space->keys = g_ptr_array_new_with_free_func((GDestroyNotify)key_free);
  return space;
}

void key_space_free(KeySpace *space) {
  if (!space)
    return;
  g_ptr_array_unref(space->keys);
  g_free(space);
}

int key_space_find(const KeySpace *space, const char *name, gsize length) {
  for (guint i = 0; i < space->keys->len; i++) {
    const Key *key = space->keys->pdata[i];
    if (strlen(key->name) == length && memcmp(key->name, name, length) == 0)
      return (int)i;
  }
  return -1;
}

/* --- Keys */

static gint64 word(Key *key, const char *text, gsize length) {
  gint64 number = key_number_of(key, text, length);
  if (number == (gint64)key->words->len)
    g_ptr_array_add(key->words, g_strndup(text, length));
  return number;
}

static gboolean is_tag(const KeyOrigin *source, const char *name) {
  return layout_conf(source->layout)->records->len > 1 && strcmp(name, "record_type") == 0;
}

/* NULL: there is none. */
static const ConfField *field_of(const KeyOrigin *source, const char *name, Key *key) {
  const ConfLayout *layout = layout_conf(source->layout);
  int column = layout_column(source->layout, name);
  key->home = column >= 0 ? KEY_OF_RECORD : KEY_OF_HEADER;
  key->column = column >= 0 ? (guint)column : 0;
  if (column >= 0)
    return conf_line_field(&layout->record, name);
  for (guint i = 0; g_str_has_prefix(name, "header_") && i < layout->header.fields->len; i++) {
    const ConfField *field = layout->header.fields->pdata[i];
    key->column = i;
    if (strcmp(field->name, name + strlen("header_")) == 0)
      return field;
  }
  return NULL;
}

static gboolean set_field(Key *key, const ConfField *field, GError **error) {
  if (field->type == CONF_TIMESTAMP)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "not decidable: key \"%s\" is a timestamp; take a date, or what a field says of it",
                               key->name);
  gboolean is_number = field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
  key->kind = is_number ? KEY_NUMBER : field->type == CONF_DATE ? KEY_DATE : KEY_TEXT;
  key->scale = field->type == CONF_DECIMAL ? field->scale : 0;
  key->domain->null = field->optional;
  for (char **value = field->values; field->type == CONF_ENUMERATION && value && *value; value++)
    (void)word(key, *value, strlen(*value));
  key->closed = field->type == CONF_ENUMERATION;
  return TRUE;
}

static void set_words(Key *key, const KeyOrigin *source) {
  const GPtrArray *records = layout_conf(source->layout)->records;
  key->kind = KEY_TEXT;
  key->domain->null = FALSE;
  key->home = is_tag(source, key->name) ? KEY_OF_RECORD : KEY_OF_FEED;
  if (key->home == KEY_OF_FEED) {
    (void)word(key, source->feed->partner, strlen(source->feed->partner));
    return;
  }
  key->closed = TRUE;
  for (guint i = 0; i < records->len; i++) {
    const char *tag = ((const ConfLine *)records->pdata[i])->tag;
    if (tag)
      (void)word(key, tag, strlen(tag));
    else
      key->closed = FALSE; /* what no other line's tag fits */
  }
}

/* Texts have the numbers from 0 on, dates the years that a configuration can name. */
static void narrow(Key *key) {
  Span span = {G_MININT64, G_MAXINT64};
  if (key->kind == KEY_DATE)
    span = (Span){day_of(1900, 1, 1), day_of(9999, 12, 31)};
  else if (key->kind == KEY_TEXT)
    span = (Span){0, key->closed ? (gint64)key->words->len - 1 : G_MAXINT64};
  g_array_set_size(key->domain->spans, 0);
  key_values_add(key->domain, span);
}

gboolean key_space_add(KeySpace *space, const KeyOrigin *source, const char *name, GError **error) {
  if (key_space_find(space, name, strlen(name)) >= 0)
    return TRUE;
  if (space->keys->len == KEYS_MOST)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the scenarios of a feed have at most %d keys",
                               KEYS_MOST);
  Key *key = g_new0(Key, 1);
  const ConfField *field = field_of(source, name, key);
  key->name = name;
  key->words = g_ptr_array_new_with_free_func(g_free);
  key->domain = key_values_span(G_MININT64, G_MAXINT64);
  g_ptr_array_add(space->keys, key);
  if (field && !is_tag(source, name)) {
    if (!set_field(key, field, error))
      return FALSE;
  } else if (is_tag(source, name) || strcmp(name, "partner") == 0) {
    set_words(key, source);
  } else {
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "key \"%s\": the records of feed \"%s\" have no such field", name, source->feed->name);
  }
  narrow(key);
  return TRUE;
}

/* --- Constants */

static gboolean wrong(GError **error, const Key *key, const KeyConstant *constant, const char *what) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%.*s is no value of key \"%s\": %s",
                             (int)constant->length, constant->text, key->name, what);
}

/* Digits, and perhaps a point and digits, with a sign before them. */
static gboolean read_amount(const Key *key, const KeyConstant *constant, KeyPoint *point, GError **error) {
  gboolean negative = constant->text[0] == '-';
  const char *at = constant->text + negative, *end = constant->text + constant->length;
  gint64 value = 0;
  guint decimals = 0;
  gboolean behind = FALSE, rest = FALSE;
  for (; at < end; at++) {
    if (*at == '.') {
      behind = TRUE;
      continue;
    }
    if (behind && decimals == key->scale) {
      rest |= *at != '0';
      continue;
    }
    decimals += behind ? 1 : 0;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
      return wrong(error, key, constant, "it leaves 64 bits");
  }
  for (; decimals < key->scale; decimals++)
    if (__builtin_mul_overflow(value, 10, &value))
      return wrong(error, key, constant, "it leaves 64 bits");
  *point = (KeyPoint){negative ? -value - rest : value, !rest};
  return TRUE;
}

gboolean key_read(Key *key, const KeyConstant *constant, KeyPoint *point, GError **error) {
  g_autofree char *text = g_strndup(constant->text, constant->length);
  Day day;
  if (constant->quoted != (key->kind != KEY_NUMBER))
    return wrong(error, key, constant, key->kind == KEY_NUMBER ? "it is a number" : "it stands in quotes");
  if (key->kind == KEY_NUMBER)
    return read_amount(key, constant, point, error);
  if (key->kind == KEY_DATE) {
    if (!day_parse(text, &day))
      return wrong(error, key, constant, "it is a date as '2026-11-20'");
    *point = (KeyPoint){day, TRUE};
    return TRUE;
  }
  if (key->closed && key_number_of(key, constant->text, constant->length) == (gint64)key->words->len)
    return wrong(error, key, constant, "it is none of the words that there are");
  if (key->words->len == MOST_WORDS)
    return wrong(error, key, constant, "there are too many texts in its conditions");
  *point = (KeyPoint){word(key, constant->text, constant->length), TRUE};
  return TRUE;
}

gint64 key_number_of(const Key *key, const char *text, gsize length) {
  for (guint i = 0; i < key->words->len; i++) {
    const char *known = key->words->pdata[i];
    if (strlen(known) == length && memcmp(known, text, length) == 0)
      return i;
  }
  return key->words->len;
}

/* --- Shown */

static gint64 plainest(const KeyValues *values) {
  if (key_values_has(values, 0))
    return 0;
  const Span *first = &g_array_index(values->spans, Span, 0);
  return first->low > G_MININT64 ? first->low : first->high;
}

/* A text that is none of those that have a number. */
static char *other_word(const Key *key) {
  char *text = g_strdup("other");
  for (guint i = 2; key_number_of(key, text, strlen(text)) < (gint64)key->words->len; i++) {
    g_free(text);
    text = g_strdup_printf("other-%u", i);
  }
  return text;
}

static void show_text(const Key *key, gint64 value, GString *into) {
  g_autofree char *other = value < 0 || value >= (gint64)key->words->len ? other_word(key) : NULL;
  g_auto(GStrv) parts = g_strsplit(other ? other : key->words->pdata[value], "'", -1);
  g_autofree char *quoted = g_strjoinv("''", parts);
  g_string_append_printf(into, "'%s'", quoted);
}

void key_show(const Key *key, const KeyValues *values, GString *into) {
  g_string_append_printf(into, "%s%s=", into->len > 0 ? ", " : "", key->name);
  if (values->spans->len == 0) {
    g_string_append(into, "NULL");
    return;
  }
  gint64 value = plainest(values);
  if (key->kind == KEY_TEXT) {
    show_text(key, value, into);
  } else if (key->kind == KEY_DATE) {
    g_autofree char *text = day_text((Day)value);
    g_string_append_printf(into, "'%s'", text);
  } else {
    char digits[WIDE_BYTES];
    gsize length = wide_print(value, key->scale, digits);
    g_string_append_len(into, digits, (gssize)length);
  }
}
