#include "gateway/base/faultpoint.h"
#include "gateway/processors/rating/cdr.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OWN = 1 << 16, ABSENT = -1 }; /* a field's place: OWN and a column of every detail, or one of the record's */

char *cdr_format(const ConfRating *rating) {
  json_t *fields = json_array();
  for (char **field = rating->full_file.fields; *field; field++)
    json_array_append_new(fields, json_string(*field));
  json_t *format = json_pack("{s:s, s:s, s:i, s:o}", "business", rating->name, "name", rating->full_file.name, "round",
                             (int)rating->round.scale, "fields", fields);
  char *text = json_dumps(format, JSON_COMPACT), *copy = g_strdup(text);
  free(text);
  json_decref(format);
  return copy;
}

typedef struct {
  CdrSink *sink;
  json_t *format, *fields; /* the latter borrowed */
  guint round;
  char *shape; /* of which the places are */
  StagingColumn *columns;
  guint n_columns;
  int *places; /* one per field */
} Writing;

static void writing_clear(Writing *writing) {
  cdr_sink_close(writing->sink);
  json_decref(writing->format);
  g_free(writing->shape);
  details_shape_free(writing->columns, writing->n_columns);
  g_free(writing->places);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Writing, writing_clear)

static const struct {
  const char *name;
  int column;
} own_places[] = {{"key", DETAIL_KEY},           {"event", DETAIL_AT},        {"amount", DETAIL_AMOUNT},
                  {"quantity", DETAIL_QUANTITY}, {"billed", DETAIL_BILLED},   {"counter", DETAIL_COUNTER},
                  {"file", DETAIL_COLUMNS},      {"line", DETAIL_COLUMNS + 1}};

static int place_of(const Writing *writing, const char *name) {
  for (guint i = 0; i < writing->n_columns; i++)
    if (strcmp(writing->columns[i].name, name) == 0)
      return (int)i;
  for (guint i = 0; i < G_N_ELEMENTS(own_places); i++)
    if (strcmp(own_places[i].name, name) == 0)
      return OWN + own_places[i].column;
  return ABSENT;
}

static void know_shape(Writing *writing, const char *shape) {
  if (g_strcmp0(writing->shape, shape) == 0)
    return;
  details_shape_free(writing->columns, writing->n_columns);
  g_free(writing->shape);
  writing->shape = g_strdup(shape);
  writing->columns = details_shape_columns(shape, &writing->n_columns);
  for (size_t i = 0; i < json_array_size(writing->fields); i++)
    writing->places[i] = place_of(writing, json_string_value(json_array_get(writing->fields, i)));
}

static void put_instant(GString *line, gint64 at) {
  time_t seconds = (time_t)(at / G_USEC_PER_SEC);
  gint64 rest = at % G_USEC_PER_SEC;
  struct tm parts;
  char text[40];
  if (rest < 0)
    seconds--, rest += G_USEC_PER_SEC;
  gmtime_r(&seconds, &parts);
  gsize length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  length += (gsize)g_snprintf(text + length, sizeof text - length, rest ? ".%06dZ" : "Z", (int)rest);
  cdr_put_value(line, text, length);
}

static void put_number(GString *line, Wide value, guint scale) {
  char text[WIDE_BYTES];
  cdr_put_value(line, text, wide_print(value, scale, text));
}

static void put_column(const Detail *detail, guint column, guint scale, GString *line) {
  gsize length;
  if (record_block_is_null(detail->block, column, detail->index)) {
    g_string_append_c(line, '|');
  } else if (detail->block->columns[column].type == BLOCK_INTEGER) {
    put_number(line, record_block_integer(detail->block, column, detail->index), scale);
  } else {
    const char *text = record_block_text(detail->block, column, detail->index, &length);
    cdr_put_value(line, text, length);
  }
}

static void put_field(const Writing *writing, const Detail *detail, int place, GString *line) {
  if (place == ABSENT)
    g_string_append_c(line, '|');
  else if (place < OWN)
    put_column(detail, DETAIL_COLUMNS + (guint)place, writing->columns[place].scale, line);
  else if (place == OWN + DETAIL_AT)
    put_instant(line, record_block_integer(detail->block, DETAIL_AT, detail->index));
  else if (place == OWN + DETAIL_COLUMNS)
    cdr_put_value(line, detail->file, strlen(detail->file));
  else if (place == OWN + DETAIL_COLUMNS + 1)
    put_number(line, (Wide)detail->block->lines[detail->index], 0);
  else
    put_column(detail, (guint)(place - OWN), place == OWN + DETAIL_AMOUNT ? writing->round : 0, line);
}

static gboolean put_detail(gpointer user, const Detail *detail, GError **error) {
  Writing *writing = user;
  GString *line = cdr_sink_line(writing->sink);
  know_shape(writing, detail->shape);
  g_string_append_c(line, 'D');
  for (size_t i = 0; i < json_array_size(writing->fields); i++)
    put_field(writing, detail, writing->places[i], line);
  g_string_append_c(line, '\n');
  return cdr_sink_flush(writing->sink, FALSE, error);
}

static void put_text(GString *line, const char *text) {
  cdr_put_value(line, text, strlen(text));
}

static void put_header(const Writing *writing, const DetailFile *file, const char *previous) {
  GString *line = cdr_sink_line(writing->sink);
  g_autofree char *number = g_strdup_printf("%06" G_GINT64_FORMAT, file->sequence);
  g_string_append(line, "H|sallyport-cdr-1");
  put_text(line, json_string_value(json_object_get(writing->format, "business")));
  put_text(line, number);
  put_text(line, file->period);
  put_instant(line, file->opened_at);
  put_instant(line, file->closed_at);
  put_text(line, file->reason);
  put_number(line, (Wide)file->count, 0);
  put_number(line, file->amount, writing->round);
  put_text(line, previous ? previous : "");
  g_string_append(line, "\nF");
  for (size_t i = 0; i < json_array_size(writing->fields); i++)
    put_text(line, json_string_value(json_array_get(writing->fields, i)));
  g_string_append_c(line, '\n');
}

static gboolean put_trailer(const Writing *writing, const DetailFile *file, char **sha256, GError **error) {
  GString *line = cdr_sink_line(writing->sink);
  g_autofree char *before = cdr_sink_digest(writing->sink);
  gboolean was_there;
  g_string_append_c(line, 'T');
  put_number(line, (Wide)file->count, 0);
  put_number(line, file->amount, writing->round);
  put_text(line, before);
  g_string_append_c(line, '\n');
  *sha256 = cdr_sink_digest(writing->sink);
  fault_point("full-file-before-rename");
  if (!cdr_sink_finish(writing->sink, &was_there, error))
    return FALSE;
  fault_point("full-file-after-rename");
  return TRUE;
}

gboolean cdr_write(Details *details, const DetailFile *file, const char *previous, const char *folder, char **path,
                   char **sha256, GError **error) {
  g_auto(Writing) writing = {.format = json_loads(file->format, 0, NULL)};
  writing.fields = json_object_get(writing.format, "fields");
  const char *pattern = json_string_value(json_object_get(writing.format, "name"));
  if (!pattern)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "full file %" G_GINT64_FORMAT ": its form is damaged",
                               file->sequence);
  writing.round = (guint)json_integer_value(json_object_get(writing.format, "round"));
  writing.places = g_new0(int, json_array_size(writing.fields) + 1);
  g_autofree char *name = cdr_name(pattern, file->sequence, file->period);
  if (!(writing.sink = cdr_sink_open(folder, name, error)))
    return FALSE;
  put_header(&writing, file, previous);
  *path = g_build_filename(folder, name, NULL);
  if (details_visit_file(details, file, put_detail, &writing, error) && put_trailer(&writing, file, sha256, error))
    return TRUE;
  g_clear_pointer(path, g_free);
  g_clear_pointer(sha256, g_free);
  return FALSE;
}
