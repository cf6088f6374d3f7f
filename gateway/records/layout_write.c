#include "gateway/records/layout_write.h"
#include "gateway/base/files.h"
#include "gateway/records/rows.h"
#include <string.h>

enum { FLUSH_BYTES = 256 * 1024, NO_COLUMN = -1, PLAIN_FORMS = 3 };

/* What a field is filled from. */
typedef struct {
  const LayoutField *field;
  gint column;
  DateFormat *plain[PLAIN_FORMS]; /* of dates and time stamps as databases print them; NULL: no further one */
  ValueReader read;  /* of a number that comes as a text */
  LayoutField number;
  ConfField number_conf;
  char *same;        /* header, trailer: the value of all rows so far; NULL: none yet, or null */
  gboolean is_known; /* of `same` */
  LayoutSum sum;     /* of a control */
  gint summed;       /* the record's field that is added up */
} Filled;
typedef struct {
  Filled *fields;
  guint n;
} FilledLine;

struct LayoutWriter {
  const Layout *layout;
  const StagingColumn *columns;
  guint n_columns;
  Rows rows;
  FilledLine lines[SHAPE_RECORD + 1];
  guint64 count;
};

/* --- What can be written. */

static const char *obstacle_of(const Layout *layout) {
  const ConfLayout *conf = layout->conf;
  for (guint i = 0; i <= SHAPE_RECORD; i++)
    for (guint j = 0; j < layout->shapes[i].n_fields; j++) {
      const ConfField *field = layout->shapes[i].fields[j].conf;
      gboolean is_plain_sum = !field->control_lines && !field->opening && !field->low_digits && field->per_block <= 1;
      if (field->control != CONF_CONTROL_NONE &&
          ((field->control != CONF_CONTROL_COUNT && field->control != CONF_CONTROL_SUM) || !is_plain_sum))
        return "a control that is no plain count or sum";
      if (field->numbers != CONF_NUMBERS_NOTHING || field->sign_from || field->strip_prefix || field->number_forms ||
          field->decimal_point || field->thousands || field->below_zero)
        return "a field that is numbered, or has a number in a form of its own";
    }
  return layout->is_fixed                                                         ? "lines of fixed fields"
         : layout->n_types != 1 || layout->n_groups > 0 || layout->n_addenda > 0 ? "several kinds of records"
         : conf->value_prefix || conf->end_mark || layout->n_places > 0 || layout->has_split
             ? "values or tags at places of their own"
             : NULL;
}

gboolean layout_write_check(const Layout *layout, GError **error) {
  const char *obstacle = obstacle_of(layout);
  return !obstacle || sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                          "layout \"%s\" has %s: no file of rows can be written in it",
                                          layout->conf->name, obstacle);
}

/* --- Opening. */

static gint column_named(const LayoutWriter *writer, const char *name) {
  for (guint i = 0; i < writer->n_columns; i++)
    if (g_ascii_strcasecmp(writer->columns[i].name, name) == 0)
      return (gint)i;
  return NO_COLUMN;
}

static gboolean open_field(const LayoutWriter *writer, const LayoutField *field, ShapeKind kind, Filled *filled,
                           GError **error) {
  const ConfField *conf = field->conf;
  *filled = (Filled){.field = field, .column = NO_COLUMN, .summed = NO_COLUMN};
  filled->number_conf = (ConfField){.name = conf->name, .type = CONF_DECIMAL, .scale = conf->scale};
  filled->number = (LayoutField){.conf = &filled->number_conf};
  filled->read = value_reader(&filled->number_conf);
  if (conf->control == CONF_CONTROL_COUNT)
    return TRUE;
  if (conf->control == CONF_CONTROL_SUM)
    filled->summed = layout_column(writer->layout, conf->control_field);
  else
    filled->column = column_named(writer, conf->name);
  if (filled->summed != NO_COLUMN)
    return TRUE;
  gboolean is_number = kind != SHAPE_RECORD && strcmp(conf->name, "sequence") == 0;
  if (filled->column == NO_COLUMN)
    return conf->optional || is_number ||
           sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "layout \"%s\" has a field %s, and the query gives no column of that name",
                               writer->layout->conf->name, conf->name);
  static char whole[] = "%FT%T", split[] = "%FT%T.%f";
  char *const formats[PLAIN_FORMS] = {NULL, whole, split}; /* with an offset; without one */
  for (guint i = 0; field->format && i < (conf->type == CONF_DATE ? 1 : PLAIN_FORMS); i++) {
    const ConfField plain = {.name = conf->name, .type = conf->type, .format = formats[i]};
    if (!(filled->plain[i] = date_format_new(&plain, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean open_line(LayoutWriter *writer, ShapeKind kind, GError **error) {
  const Shape *shape = &writer->layout->shapes[kind];
  FilledLine *line = &writer->lines[kind];
  if (!shape->present && kind != SHAPE_RECORD)
    return TRUE;
  line->fields = g_new0(Filled, shape->n_fields + 1);
  for (; line->n < shape->n_fields; line->n++)
    if (!open_field(writer, &shape->fields[line->n], kind, &line->fields[line->n], error)) {
      line->n++;
      return FALSE;
    }
  return TRUE;
}

LayoutWriter *layout_writer_new(const Layout *layout, const StagingColumn *columns, guint n_columns, GError **error) {
  g_autoptr(LayoutWriter) writer = g_new0(LayoutWriter, 1);
  *writer = (LayoutWriter){.layout = layout, .columns = columns, .n_columns = n_columns};
  if (!layout_write_check(layout, error) || !rows_open(&writer->rows, layout, NULL, error) ||
      !open_line(writer, SHAPE_RECORD, error) || !open_line(writer, SHAPE_TRAILER, error) ||
      (!layout->has_names && !open_line(writer, SHAPE_HEADER, error)))
    return NULL;
  return g_steal_pointer(&writer);
}

void layout_writer_free(LayoutWriter *writer) {
  if (!writer)
    return;
  for (guint i = 0; i <= SHAPE_RECORD; i++) {
    for (guint j = 0; j < writer->lines[i].n; j++) {
      for (guint k = 0; k < PLAIN_FORMS; k++)
        date_format_free(writer->lines[i].fields[j].plain[k]);
      g_free(writer->lines[i].fields[j].same);
    }
    g_free(writer->lines[i].fields);
  }
  if (writer->rows.layout)
    rows_close(&writer->rows);
  g_free(writer);
}

/* --- Values. */

static gboolean refuse_row(const LayoutWriter *writer, const Filled *filled, const char *what, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "row %" G_GUINT64_FORMAT " of the query, field %s of layout \"%s\": %s", writer->count + 1,
                             filled->field->conf->name, writer->layout->conf->name, what);
}

static gboolean put_integer(LayoutWriter *writer, const Filled *filled, gint64 value, guint scale, GError **error) {
  char printed[VALUE_LONGEST + 1];
  const ConfField *conf = filled->field->conf;
  for (; scale < conf->scale; scale++)
    if (__builtin_mul_overflow(value, 10, &value))
      return refuse_row(writer, filled, "a number beyond 64 bits", error);
  for (; scale > conf->scale; scale--, value /= 10)
    if (value % 10 != 0)
      return refuse_row(writer, filled, "a number with more decimals than the field has", error);
  gsize length = value_print_as(conf, 0, value, conf->scale, printed);
  rows_put_number(&writer->rows, rows_place_of(conf), printed, length);
  return TRUE;
}

/* "2026-11-20 10:00:00+00", as databases print it, is 2026-11-20T10:00:00+00:00. */
static gboolean put_date(LayoutWriter *writer, const Filled *filled, const char *text, gsize length, GError **error) {
  char normal[DATES_LONGEST], printed[DATES_LONGEST];
  g_autofree char *iso = g_strndup(text, length);
  if (length > 10 && iso[10] == ' ')
    iso[10] = 'T';
  const char *sign = length > 3 ? iso + length - 3 : iso;
  gboolean is_short = length > 16 && (*sign == '+' || *sign == '-') && strchr(iso, 'T');
  g_autofree char *whole = is_short ? g_strconcat(iso, ":00", NULL) : g_strdup(iso);
  gsize known = 0;
  for (guint i = 0; known == 0 && i < PLAIN_FORMS && filled->plain[i]; i++)
    known = date_format_parse(filled->plain[i], NO_DAY, (const guint8 *)whole, strlen(whole), normal);
  gsize made = known ? date_format_print(filled->field->format, normal, known, printed) : 0;
  if (!made)
    return refuse_row(writer, filled, known ? "a time that its format cannot express" : "not a date or time: CAST it",
                  error);
  rows_put_value(&writer->rows, rows_place_of(filled->field->conf), printed, made);
  return TRUE;
}

static gboolean put_text(LayoutWriter *writer, const Filled *filled, const char *text, gsize length, GError **error) {
  const ConfField *conf = filled->field->conf;
  if (filled->plain[0])
    return put_date(writer, filled, text, length, error);
  if (value_is_integer(conf)) {
    Value value = {0};
    if (filled->read(&filled->number, (const guint8 *)text, length, &value) != FAULT_NONE)
      return refuse_row(writer, filled, "not a number of its scale: CAST it to one", error);
    return put_integer(writer, filled, value.integer, conf->scale, error);
  }
  gboolean is_odd = FALSE;
  for (gsize i = 0; i < length; i++)
    is_odd |= text[i] == '\n' || text[i] == '\r' || text[i] == *writer->rows.delimiter;
  if (is_odd && !writer->rows.may_quote)
    return refuse_row(writer, filled, "a text with the delimiter or a line end, which nothing quotes", error);
  rows_put_value(&writer->rows, rows_place_of(conf), text, length);
  return TRUE;
}

static gboolean put_column(LayoutWriter *writer, const Filled *filled, const RecordBlock *block, guint record,
                           GError **error) {
  const StagingColumn *column = filled->column == NO_COLUMN ? NULL : &writer->columns[filled->column];
  if (!column || record_block_is_null(block, (guint)filled->column, record)) {
    rows_put_absent(&writer->rows, rows_place_of(filled->field->conf));
    return TRUE;
  }
  gsize length;
  if (column->type == BLOCK_TEXT) {
    const char *text = record_block_text(block, (guint)filled->column, record, &length);
    return put_text(writer, filled, text, length, error);
  }
  gint64 value = record_block_integer(block, (guint)filled->column, record);
  if (value_is_integer(filled->field->conf))
    return put_integer(writer, filled, value, column->scale, error);
  char printed[VALUE_LONGEST + 1];
  length = value_print(value, column->scale, printed);
  return put_text(writer, filled, printed, length, error);
}

/* --- Lines. */

static void put_tag(LayoutWriter *writer, ShapeKind kind) {
  const Shape *shape = &writer->layout->shapes[kind];
  if (!shape->tag || shape->tag_length == TAG_OF_NONE || writer->layout->conf->lines_by != CONF_LINES_BY_TAG)
    return;
  rows_put(&writer->rows, shape->tag, shape->tag_length);
  rows_put_delimiter(&writer->rows);
}

static gboolean flush(LayoutWriter *writer, int fd, GError **error) {
  const guint8 *bytes;
  gsize length;
  guint64 before = writer->count - MIN(writer->count, writer->rows.lines);
  if (!rows_encode(&writer->rows, before + 1, &bytes, &length, error) || !files_write_all(fd, bytes, length, error))
    return FALSE;
  writer->rows.length = 0;
  return TRUE;
}

/* Adds what the lines around the records are made of. */
static gboolean take_in(LayoutWriter *writer, ShapeKind kind, const RecordBlock *block, guint record, GError **error) {
  for (guint i = 0; i < writer->lines[kind].n; i++) {
    Filled *filled = &writer->lines[kind].fields[i];
    if (filled->column == NO_COLUMN)
      continue;
    gsize length = 0;
    const StagingColumn *column = &writer->columns[filled->column];
    gboolean is_null = record_block_is_null(block, (guint)filled->column, record);
    char printed[VALUE_LONGEST + 1];
    const char *text = printed;
    if (column->type == BLOCK_TEXT)
      text = record_block_text(block, (guint)filled->column, record, &length);
    else
      length = value_print(record_block_integer(block, (guint)filled->column, record), column->scale, printed);
    g_autofree char *value = is_null ? NULL : g_strndup(text, length);
    if (filled->is_known && g_strcmp0(filled->same, value) != 0)
      return refuse_row(writer, filled, "it stands once in a file, and differs between its rows", error);
    if (!filled->is_known)
      filled->same = g_steal_pointer(&value);
    filled->is_known = TRUE;
  }
  return TRUE;
}

/* The record's value in the control's scale. More decimals than the record's field has were refused when it was put. */
static gboolean addend(const LayoutWriter *writer, const Filled *of, const RecordBlock *block, guint record,
                       guint scale, LayoutSum *value, GError **error) {
  const StagingColumn *column = &writer->columns[of->column];
  guint from = column->scale;
  if (column->type == BLOCK_TEXT) {
    Value number = {0};
    gsize length;
    const char *text = record_block_text(block, (guint)of->column, record, &length);
    if (of->read(&of->number, (const guint8 *)text, length, &number) != FAULT_NONE)
      return refuse_row(writer, of, "not a number of its scale: CAST it to one", error);
    *value = number.integer;
    from = of->field->conf->scale;
  } else {
    *value = record_block_integer(block, (guint)of->column, record);
  }
  for (; from < scale; from++)
    *value *= 10;
  for (; from > scale; from--)
    *value /= 10;
  return TRUE;
}

static gboolean add_up(LayoutWriter *writer, ShapeKind kind, const RecordBlock *block, guint record, GError **error) {
  const FilledLine *records = &writer->lines[SHAPE_RECORD];
  for (guint i = 0; i < writer->lines[kind].n; i++) {
    Filled *filled = &writer->lines[kind].fields[i];
    for (guint j = 0; filled->summed != NO_COLUMN && j < records->n; j++) {
      const Filled *of = &records->fields[j];
      LayoutSum value = 0;
      if ((gint)of->field->column != filled->summed || of->column == NO_COLUMN ||
          record_block_is_null(block, (guint)of->column, record))
        continue;
      if (!addend(writer, of, block, record, filled->field->conf->scale, &value, error))
        return FALSE;
      filled->sum += value;
    }
  }
  return TRUE;
}

gboolean layout_writer_records(LayoutWriter *writer, const RecordBlock *block, int fd, GError **error) {
  const FilledLine *line = &writer->lines[SHAPE_RECORD];
  for (guint i = 0; i < block->count; i++) {
    put_tag(writer, SHAPE_RECORD);
    for (guint j = 0; j < line->n; j++) {
      if (j > 0)
        rows_put_delimiter(&writer->rows);
      if (!put_column(writer, &line->fields[j], block, i, error))
        return FALSE;
    }
    rows_end_line(&writer->rows);
    for (ShapeKind kind = SHAPE_HEADER; kind < SHAPE_RECORD; kind++)
      if (!take_in(writer, kind, block, i, error) || !add_up(writer, kind, block, i, error))
        return FALSE;
    writer->count++;
    if (writer->rows.length > FLUSH_BYTES && !flush(writer, fd, error))
      return FALSE;
  }
  return flush(writer, fd, error);
}

static gboolean put_around(LayoutWriter *writer, Filled *filled, guint64 sequence, GError **error) {
  const ConfField *conf = filled->field->conf;
  if (conf->control == CONF_CONTROL_COUNT)
    return put_integer(writer, filled, (gint64)writer->count, 0, error);
  if (filled->summed != NO_COLUMN)
    return filled->sum > G_MAXINT64 || filled->sum < G_MININT64
               ? refuse_row(writer, filled, "a sum beyond 64 bits", error)
               : put_integer(writer, filled, (gint64)filled->sum, conf->scale, error);
  if (filled->same)
    return put_text(writer, filled, filled->same, strlen(filled->same), error);
  g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, sequence);
  if (filled->column == NO_COLUMN && strcmp(conf->name, "sequence") == 0)
    return put_text(writer, filled, number, strlen(number), error);
  rows_put_absent(&writer->rows, rows_place_of(conf));
  return TRUE;
}

static gboolean put_line(LayoutWriter *writer, ShapeKind kind, guint64 sequence, int fd, GError **error) {
  FilledLine *line = &writer->lines[kind];
  if (!writer->layout->shapes[kind].present)
    return TRUE;
  put_tag(writer, kind);
  for (guint i = 0; i < line->n; i++) {
    if (i > 0)
      rows_put_delimiter(&writer->rows);
    if (!put_around(writer, &line->fields[i], sequence, error))
      return FALSE;
  }
  rows_end_line(&writer->rows);
  return flush(writer, fd, error);
}

gboolean layout_writer_header(LayoutWriter *writer, guint64 sequence, int fd, GError **error) {
  const FilledLine *records = &writer->lines[SHAPE_RECORD];
  if (!writer->layout->has_names)
    return put_line(writer, SHAPE_HEADER, sequence, fd, error);
  for (guint i = 0; i < records->n; i++) {
    const char *title = names_title(records->fields[i].field);
    if (i > 0)
      rows_put_delimiter(&writer->rows);
    rows_put_value(&writer->rows, rows_place_of(records->fields[i].field->conf), title, strlen(title));
  }
  rows_end_line(&writer->rows);
  return flush(writer, fd, error);
}

gboolean layout_writer_trailer(LayoutWriter *writer, guint64 sequence, int fd, GError **error) {
  return put_line(writer, SHAPE_TRAILER, sequence, fd, error);
}

guint64 layout_writer_count(const LayoutWriter *writer) {
  return writer->count;
}
