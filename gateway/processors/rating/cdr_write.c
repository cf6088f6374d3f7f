#include "gateway/base/faultpoint.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/time/calendar.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A field's place: OWN and a column of every detail, or what follows from it; or a column of the record's. */
enum {
  OWN = 1 << 16,
  OWN_FILE = OWN + DETAIL_COLUMNS,
  OWN_LINE,
  OWN_PERIOD,
  OWN_LATE,
  ABSENT = -1
};

char *cdr_format(const RatingDesk *desk) {
  const ConfRating *rating = desk->rating;
  json_t *fields = json_array();
  for (char **field = rating->full_file.fields; *field; field++)
    json_array_append_new(fields, json_string(*field));
  json_t *format = json_pack("{s:s, s:s, s:i, s:s, s:o}", "business", rating->name, "name", rating->full_file.name,
                             "round", (int)rating->round.scale, "zone",
                             g_time_zone_get_identifier(rating_plan_zone(desk->shards[0].plan)), "fields", fields);
  char *text = json_dumps(format, JSON_COMPACT), *copy = g_strdup(text);
  free(text);
  json_decref(format);
  return copy;
}

typedef struct {
  CdrSink *sink;
  json_t *format, *fields; /* the latter borrowed */
  guint round;
  GTimeZone *zone;
  Day day; /* of the file's period; NO_DAY: it has none */
  char *shape; /* of which the places are */
  StagingColumn *columns;
  guint n_columns;
  int *places; /* one per field */
} Writing;

static void writing_clear(Writing *writing) {
  cdr_sink_close(writing->sink);
  json_decref(writing->format);
  g_clear_pointer(&writing->zone, g_time_zone_unref);
  g_free(writing->shape);
  details_shape_free(writing->columns, writing->n_columns);
  g_free(writing->places);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Writing, writing_clear)

static const struct {
  const char *name;
  int place;
} own_places[] = {{"key", OWN + DETAIL_KEY},           {"event", OWN + DETAIL_AT},
                  {"amount", OWN + DETAIL_AMOUNT},     {"quantity", OWN + DETAIL_QUANTITY},
                  {"billed", OWN + DETAIL_BILLED},     {"counter", OWN + DETAIL_COUNTER},
                  {"file", OWN_FILE},                  {"line", OWN_LINE},
                  {"period", OWN_PERIOD},              {"late", OWN_LATE}};

static int place_of(const Writing *writing, const char *name) {
  for (guint i = 0; i < writing->n_columns; i++)
    if (strcmp(writing->columns[i].name, name) == 0)
      return (int)i;
  for (guint i = 0; i < G_N_ELEMENTS(own_places); i++)
    if (strcmp(own_places[i].name, name) == 0)
      return own_places[i].place;
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

/* With the zone's offset; without a zone it is UTC. */
static void put_instant(GString *line, gint64 at, GTimeZone *zone) {
  g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC - (at % G_USEC_PER_SEC < 0));
  g_autoptr(GDateTime) there = seconds && zone ? g_date_time_to_timezone(seconds, zone) : NULL;
  gint64 rest = (at % G_USEC_PER_SEC + G_USEC_PER_SEC) % G_USEC_PER_SEC;
  g_autofree char *text = g_date_time_format(there ? there : seconds, "%Y-%m-%dT%H:%M:%S"),
                  *offset = there ? g_date_time_format(there, "%:z") : g_strdup("Z");
  g_autofree char *whole = rest ? g_strdup_printf("%s.%06d%s", text, (int)rest, offset)
                                : g_strconcat(text, offset, NULL);
  cdr_put_value(line, whole, strlen(whole));
}

/* A record's: this is asked for each line. */
static void put_event(GString *line, gint64 at) {
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

static void put_day(const Writing *writing, const Detail *detail, int place, GString *line) {
  Day day = day_at(writing->zone, record_block_integer(detail->block, DETAIL_AT, detail->index));
  g_autofree char *text = place == OWN_PERIOD ? day_text(day)
                                              : g_strdup(writing->day != NO_DAY && day < writing->day ? "late" : "");
  cdr_put_value(line, text, strlen(text));
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
    put_event(line, record_block_integer(detail->block, DETAIL_AT, detail->index));
  else if (place == OWN_FILE)
    cdr_put_value(line, detail->file, strlen(detail->file));
  else if (place == OWN_LINE)
    put_number(line, (Wide)detail->block->lines[detail->index], 0);
  else if (place == OWN_PERIOD || place == OWN_LATE)
    put_day(writing, detail, place, line);
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

static void put_events(GString *line, const DetailSums *sums) {
  if (sums->count == 0) {
    g_string_append(line, "||");
    return;
  }
  put_event(line, sums->first_event);
  put_event(line, sums->last_event);
}

static void put_header(const Writing *writing, const DetailFile *file, const char *previous) {
  GString *line = cdr_sink_line(writing->sink);
  g_autofree char *number = g_strdup_printf("%06" G_GINT64_FORMAT, file->sequence);
  g_string_append(line, "H|" CDR_FORM);
  put_text(line, json_string_value(json_object_get(writing->format, "business")));
  put_text(line, number);
  put_text(line, file->period);
  put_instant(line, file->opened_at, writing->zone);
  put_instant(line, file->closed_at, writing->zone);
  put_text(line, file->reason);
  put_number(line, (Wide)file->sums.count, 0);
  put_number(line, file->sums.amount, writing->round);
  put_events(line, &file->sums);
  put_number(line, (Wide)file->sums.late, 0);
  put_number(line, file->sums.late_amount, writing->round);
  put_text(line, "0"); /* lost: a record is answered when its detail is durable */
  put_number(line, (Wide)file->supplement, 0);
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
  put_number(line, (Wide)file->sums.count, 0);
  put_number(line, file->sums.amount, writing->round);
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
  g_auto(Writing) writing = {.format = json_loads(file->format, 0, NULL),
                             .day = file->has_day ? (Day)file->day : NO_DAY};
  const char *zone = json_string_value(json_object_get(writing.format, "zone"));
  writing.zone = zone ? g_time_zone_new_identifier(zone) : NULL;
  if (!writing.zone)
    writing.zone = g_time_zone_new_utc();
  writing.fields = json_object_get(writing.format, "fields");
  if (!json_is_string(json_object_get(writing.format, "name")))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "full file %" G_GINT64_FORMAT ": its form is damaged",
                               file->sequence);
  writing.round = (guint)json_integer_value(json_object_get(writing.format, "round"));
  writing.places = g_new0(int, json_array_size(writing.fields) + 1);
  g_autofree char *name = cdr_file_name(file);
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
