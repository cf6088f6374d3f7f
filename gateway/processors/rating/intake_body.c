#include "gateway/processors/rating/intake_body.h"
#include "gateway/records/valued.h"
#include <jansson.h>
#include <string.h>

enum { DIGITS = 24 };

typedef struct {
  const IntakeBody *body;
  Valued *valued;
  RecordBlock *block;
  ValuedText *texts;       /* of the record, one for each field */
  char (*numbers)[DIGITS]; /* likewise: what JSON has as a number */
  const char *at, *end;
  IntakeRead result;
  char *why;
} Reading;

static gboolean refuse(Reading *reading, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean refuse(Reading *reading, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  reading->result = INTAKE_UNREADABLE;
  reading->why = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return FALSE;
}

static gboolean add(Reading *reading) {
  if (reading->block->count == reading->body->most) {
    reading->result = INTAKE_TOO_MANY;
    reading->why = g_strdup_printf("a batch has at most %u records", reading->body->most);
    return FALSE;
  }
  valued_add(reading->valued, reading->texts, reading->block->count + 1, reading->block);
  return TRUE;
}

/* --- JSON */

static void skip_blanks(Reading *reading) {
  while (reading->at < reading->end && strchr(" \t\r\n", *reading->at) && *reading->at)
    reading->at++;
}

static gboolean take_sign(Reading *reading, char sign) {
  skip_blanks(reading);
  gboolean is = reading->at < reading->end && *reading->at == sign;
  reading->at += is;
  return is;
}

/* A number with a fraction has been through a double by now: it is not what was sent. */
static gboolean take_member(Reading *reading, const char *name, const json_t *value) {
  guint64 number = reading->block->count + 1;
  int field = valued_field(reading->valued, name, strlen(name));
  if (field < 0)
    return refuse(reading, "record %" G_GUINT64_FORMAT ": there is no field of the name of one of its members", number);
  ValuedText *text = &reading->texts[field];
  if (json_is_string(value))
    *text = (ValuedText){json_string_value(value), json_string_length(value)};
  else if (json_is_integer(value))
    *text = (ValuedText){reading->numbers[field], (gsize)g_snprintf(reading->numbers[field], DIGITS,
                                                                    "%" JSON_INTEGER_FORMAT,
                                                                    json_integer_value(value))};
  else if (!json_is_null(value))
    return refuse(reading, "record %" G_GUINT64_FORMAT ", field %s: a text, a whole number or null; a number with "
                           "decimals is written as a text", number, name);
  return TRUE;
}

/* A whole -0, which the library reads as 0: in a file it is no number, and no other is meant here. What stands in texts
 * is none. */
static gboolean has_minus_zero(const char *at, const char *end) {
  gboolean is_text = FALSE;
  for (; at + 1 < end; at++)
    if (*at == '"')
      is_text = !is_text;
    else if (is_text)
      at += *at == '\\';
    else if (*at == '-' && at[1] == '0')
      return TRUE;
  return FALSE;
}

static gboolean take_object(Reading *reading) {
  json_error_t wrong;
  json_t *object = json_loadb(reading->at, (gsize)(reading->end - reading->at),
                              JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &wrong), *value;
  const char *name;
  gboolean ok = json_is_object(object);
  memset(reading->texts, 0, valued_fields(reading->valued) * sizeof *reading->texts);
  if (!ok)
    refuse(reading, "record %u is no JSON object: %s", reading->block->count + 1, object ? "it is another value"
                                                                                          : wrong.text);
  if (ok)
    json_object_foreach(object, name, value)
      ok = ok && take_member(reading, name, value);
  if (ok && has_minus_zero(reading->at, reading->at + wrong.position)) /* what is no whole number is refused by now */
    ok = refuse(reading, "record %u: -0 is no whole number; write 0", reading->block->count + 1);
  if (ok)
    reading->at += wrong.position;
  ok = ok && add(reading);
  json_decref(object);
  return ok;
}

static gboolean read_json(Reading *reading) {
  if (!take_sign(reading, '['))
    return refuse(reading, "the body is no JSON array");
  if (!take_sign(reading, ']')) {
    do {
      skip_blanks(reading);
      if (!take_object(reading))
        return FALSE;
    } while (take_sign(reading, ','));
    if (!take_sign(reading, ']'))
      return refuse(reading, "behind record %u: a comma or the array's end", reading->block->count);
  }
  skip_blanks(reading);
  return reading->at == reading->end || refuse(reading, "something stands behind the array");
}

/* --- CSV */

typedef struct {
  GString *texts; /* of one line, one behind the other, quotes taken off */
  GArray *ends;   /* gsize */
} CsvLine;

static gboolean take_quoted(Reading *reading, GString *into) {
  for (reading->at++; reading->at < reading->end; reading->at++) {
    if (*reading->at != '"')
      g_string_append_c(into, *reading->at);
    else if (reading->at + 1 < reading->end && reading->at[1] == '"')
      g_string_append_c(into, *reading->at++);
    else
      break;
  }
  return reading->at++ < reading->end;
}

static gboolean at_line_end(const Reading *reading) {
  gsize left = (gsize)(reading->end - reading->at);
  return left == 0 || *reading->at == '\n' || (*reading->at == '\r' && left > 1 && reading->at[1] == '\n');
}

/* FALSE: its quoting is broken. */
static gboolean take_line(Reading *reading, CsvLine *line) {
  g_string_truncate(line->texts, 0);
  g_array_set_size(line->ends, 0);
  do {
    if (line->ends->len > 0)
      reading->at++; /* the comma */
    if (reading->at < reading->end && *reading->at == '"') {
      if (!take_quoted(reading, line->texts))
        return FALSE;
    } else {
      for (; !at_line_end(reading) && *reading->at != ','; reading->at++) {
        if (*reading->at == '"')
          return FALSE;
        g_string_append_c(line->texts, *reading->at);
      }
    }
    g_array_append_val(line->ends, line->texts->len);
  } while (reading->at < reading->end && *reading->at == ',');
  if (!at_line_end(reading))
    return FALSE;
  reading->at += reading->at < reading->end && *reading->at == '\r' ? 1 : 0;
  reading->at += reading->at < reading->end ? 1 : 0;
  return TRUE;
}

static ValuedText cell_of(const CsvLine *line, guint i) {
  gsize start = i ? g_array_index(line->ends, gsize, i - 1) : 0;
  return (ValuedText){line->texts->str + start, g_array_index(line->ends, gsize, i) - start};
}

/* Which field each column is; each stands there once at most. */
static gboolean take_titles(Reading *reading, CsvLine *line, GArray *fields) {
  static const char mark[] = "\xef\xbb\xbf";
  guint n = valued_fields(reading->valued);
  g_autofree gboolean *seen = g_new0(gboolean, n + 1);
  if ((gsize)(reading->end - reading->at) >= sizeof mark - 1 && memcmp(reading->at, mark, sizeof mark - 1) == 0)
    reading->at += sizeof mark - 1;
  if (!take_line(reading, line))
    return refuse(reading, "line 1: its quoting is broken");
  for (guint i = 0; i < line->ends->len; i++) {
    ValuedText title = cell_of(line, i);
    int field = valued_field(reading->valued, title.text, title.length);
    if (field < 0 || seen[field])
      return refuse(reading, "line 1: column %u is no field of the records, or is one that stands there before", i + 1);
    seen[field] = TRUE;
    g_array_append_val(fields, field);
  }
  return TRUE;
}

static gboolean read_records(Reading *reading, CsvLine *line, const GArray *fields) {
  while (reading->at < reading->end) {
    guint number = reading->block->count + 1;
    if (!take_line(reading, line))
      return refuse(reading, "record %u: its quoting is broken", number);
    if (line->ends->len != fields->len)
      return refuse(reading, "record %u: %u values, and line 1 names %u", number, line->ends->len, fields->len);
    memset(reading->texts, 0, valued_fields(reading->valued) * sizeof *reading->texts);
    for (guint i = 0; i < fields->len; i++)
      reading->texts[g_array_index(fields, int, i)] = cell_of(line, i);
    if (!add(reading))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_csv(Reading *reading) {
  CsvLine line = {g_string_new(NULL), g_array_new(FALSE, FALSE, sizeof(gsize))};
  g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(int));
  gboolean ok = take_titles(reading, &line, fields) && read_records(reading, &line, fields);
  g_string_free(line.texts, TRUE);
  g_array_unref(line.ends);
  return ok;
}

/* --- All of it */

static RecordBlock *block_for(const Layout *layout, guint most) {
  guint n;
  const StagingColumn *columns = layout_columns(layout, &n);
  g_autofree BlockType *types = g_new(BlockType, n + 1);
  for (guint i = 0; i < n; i++)
    types[i] = columns[i].type;
  return record_block_new(most, types, n);
}

IntakeRead intake_body_read(const Layout *layout, const IntakeBody *body, RecordBlock **block, char **why) {
  static gboolean (*const readers[])(Reading *reading) = {[INTAKE_JSON] = read_json, [INTAKE_CSV] = read_csv};
  g_autoptr(Valued) valued = valued_new(layout, body->arrival);
  guint n = valued_fields(valued);
  g_autoptr(RecordBlock) records = block_for(layout, body->most);
  g_autofree ValuedText *texts = g_new0(ValuedText, n + 1);
  g_autofree char(*numbers)[DIGITS] = g_malloc0((n + 1) * sizeof *numbers);
  Reading reading = {.body = body, .valued = valued, .block = records, .texts = texts,
                     .numbers = numbers, .at = body->bytes, .end = body->bytes + body->length};
  if (readers[body->form](&reading) && records->count == 0)
    refuse(&reading, "the batch has no record");
  *why = reading.why;
  if (reading.result == INTAKE_READ)
    *block = g_steal_pointer(&records);
  return reading.result;
}
