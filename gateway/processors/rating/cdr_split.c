/* From a full file to the platforms' files: its lines are read as records again, each platform's condition is asked of
 * them, and who wants a line gets its fields. Nothing but the file and the configuration is needed. */
#include "gateway/base/digest.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/records/layout.h"
#include "store/rules.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_LINES = 2048, HEAD_LINES = 2, MOST_SUPPLEMENTS = 999999 }; /* of a day */

typedef struct {
  const ConfPlatform *conf;
  CdrSink *sink;
  int *places; /* of its fields in the full file; ends with -1 */
  guint64 count;
  Wide amount;
  char *name, *sha256;
} Platform;

typedef struct {
  const CdrSplit *split;
  const Conf *conf;
  const ConfRating *rating;
  const char *path;
  FILE *file;
  guint64 offset; /* of the line */
  char *line;
  size_t line_capacity;
  gsize length;
  GChecksum *digest; /* of the lines before */
  GPtrArray *header; /* char*: the values of H */
  GArray *columns;   /* StagingColumn: of F; names owned by `names` */
  GPtrArray *names;
  int amount;        /* which of them; -1: none */
  RecordBlock *block;
  GPtrArray *lines; /* GString*: the block's lines, from their first bar on */
  RuleSet *rules;
  guint64 *broken;
  Platform *platforms;
  guint n;
  Wide amount_seen;
  CdrMatrix *matrix;
} Splitting;

static void splitting_clear(Splitting *s) {
  if (s->file)
    fclose(s->file);
  free(s->line);
  g_checksum_free(s->digest);
  g_ptr_array_unref(s->header);
  g_array_unref(s->columns);
  g_ptr_array_unref(s->names);
  record_block_free(s->block);
  g_ptr_array_unref(s->lines);
  rule_set_free(s->rules);
  g_free(s->broken);
  for (guint i = 0; i < s->n && s->platforms; i++) {
    cdr_sink_close(s->platforms[i].sink);
    g_free(s->platforms[i].places);
    g_free(s->platforms[i].name);
    g_free(s->platforms[i].sha256);
  }
  g_free(s->platforms);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Splitting, splitting_clear)

static gboolean wrong(const Splitting *s, GError **error, const char *what) {
  return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", s->path, what);
}

/* --- Lines */

/* One line; a value in quotes may hold line ends. FALSE without an error: there is none. */
static gboolean read_line(Splitting *s, GError **error) {
  GString *whole = NULL;
  gboolean open_quote = FALSE;
  s->offset += s->length;
  s->length = 0;
  for (ssize_t n; (n = getline(&s->line, &s->line_capacity, s->file)) > 0;) {
    for (ssize_t i = 0; i < n; i++)
      open_quote ^= s->line[i] == '"';
    if (!whole && !open_quote) {
      s->length = (gsize)n;
      return TRUE;
    }
    if (!whole)
      whole = g_string_new(NULL);
    g_string_append_len(whole, s->line, n);
    if (open_quote)
      continue;
    free(s->line);
    s->length = whole->len;
    s->line_capacity = whole->len + 1;
    s->line = malloc(s->line_capacity);
    if (!s->line)
      g_error("no memory for a line");
    memcpy(s->line, whole->str, whole->len + 1);
    g_string_free(whole, TRUE);
    return TRUE;
  }
  if (whole)
    g_string_free(whole, TRUE);
  return ferror(s->file) ? sallyport_error_errno(error, errno, "%s", s->path) : FALSE;
}

static void take_in(Splitting *s) {
  g_checksum_update(s->digest, (const guchar *)s->line, (gssize)s->length);
}

static void read_values(const Splitting *s, GPtrArray *values) {
  const char *at = s->line + 1, *end = s->line + s->length;
  g_autoptr(GString) value = g_string_new(NULL);
  while (cdr_get_value(&at, end, value))
    g_ptr_array_add(values, g_strndup(value->str, value->len));
}

/* --- What the file says of itself */

static gboolean column_of(const Splitting *s, const char *name, StagingColumn *column) {
  const ConfLayout *layout = conf_layout(s->conf, s->rating->layout);
  const ConfField *field = layout ? conf_line_field(&layout->record, name) : NULL;
  if (!field)
    return cdr_own_field(s->rating, name, column);
  gboolean is_number = field->type == CONF_INTEGER || field->type == CONF_DECIMAL;
  *column = (StagingColumn){name, is_number ? BLOCK_INTEGER : BLOCK_TEXT,
                            field->type == CONF_DECIMAL ? field->scale : 0};
  return TRUE;
}

static gboolean check_platform(const ConfRating *rating, const ConfPlatform *platform, const GArray *columns,
                               GError **error) {
  for (char **field = platform->fields; *field; field++)
    if (!g_strv_contains((const char *const *)rating->full_file.fields, *field))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "platform \"%s\": the full file has no field \"%s\"", platform->name, *field);
  if (!platform->when || rules_check(platform->when, (const StagingColumn *)(gconstpointer)columns->data, columns->len,
                                     NULL, 0, error))
    return TRUE;
  g_prefix_error(error, "platform \"%s\": ", platform->name);
  return FALSE;
}

gboolean cdr_check(const Conf *conf, const ConfRating *rating, GError **error) {
  const Splitting s = {.conf = conf, .rating = rating};
  g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(StagingColumn));
  for (char **field = rating->full_file.fields; field && *field; field++) {
    StagingColumn column;
    if (!column_of(&s, *field, &column))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "full-file: \"%s\" is neither a field of the record nor key, event, amount, quantity, "
                                 "billed, counter, file, line, period or late",
                                 *field);
    column.name = *field;
    g_array_append_val(columns, column);
  }
  for (guint i = 0; i < rating->platforms->len; i++)
    if (!check_platform(rating, rating->platforms->pdata[i], columns, error))
      return FALSE;
  return TRUE;
}

static gboolean add_columns(Splitting *s, GError **error) {
  s->amount = -1;
  for (guint i = 0; i < s->names->len; i++) {
    StagingColumn column;
    if (!column_of(s, s->names->pdata[i], &column))
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: the rating knows no field \"%s\"", s->path,
                                 (char *)s->names->pdata[i]);
    column.name = s->names->pdata[i];
    if (strcmp(column.name, "amount") == 0)
      s->amount = (int)i;
    g_array_append_val(s->columns, column);
  }
  return TRUE;
}

static gboolean read_head(Splitting *s, GError **error) {
  if (!read_line(s, error) || s->line[0] != 'H')
    return (error && *error) ? FALSE : wrong(s, error, "is no full file");
  read_values(s, s->header);
  take_in(s);
  if (s->header->len != CDR_HEADER_VALUES || strcmp(s->header->pdata[0], CDR_FORM) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "%s: is of a form that is not known here",
                               s->path);
  if (!read_line(s, error) || s->line[0] != 'F')
    return (error && *error) ? FALSE : wrong(s, error, "has no line of fields");
  read_values(s, s->names);
  take_in(s);
  return add_columns(s, error);
}

/* --- Platforms */

static gboolean open_platform(Splitting *s, Platform *platform, const char *into, GError **error) {
  guint n = g_strv_length(platform->conf->fields);
  const CdrNumber number = {g_ascii_strtoll(s->header->pdata[2], NULL, 10), s->header->pdata[3],
                            (guint)MIN(g_ascii_strtoull(s->header->pdata[14], NULL, 10), G_MAXUINT)};
  if (number.supplement > MOST_SUPPLEMENTS || strchr(number.period, '/'))
    return wrong(s, error, "has a number or a period that is none");
  platform->name = cdr_name(platform->conf->file, &number);
  for (const Platform *other = s->platforms; other < platform; other++)
    if (strcmp(other->name, platform->name) == 0)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                                 "platforms \"%s\" and \"%s\": both files would be %s", other->conf->name,
                                 platform->conf->name, platform->name);
  platform->places = g_new(int, n + 1);
  for (guint i = 0; i < n; i++) {
    guint at = 0;
    while (at < s->names->len && strcmp(s->names->pdata[at], platform->conf->fields[i]) != 0)
      at++;
    if (at == s->names->len)
      return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "platform \"%s\": %s has no field \"%s\"",
                                 platform->conf->name, s->path, platform->conf->fields[i]);
    platform->places[i] = (int)at;
  }
  platform->places[n] = -1;
  return (platform->sink = cdr_sink_open(into, platform->name, error)) != NULL;
}

static gboolean open_platforms(Splitting *s, const char *into, GError **error) {
  g_autofree Rule *rules = g_new0(Rule, s->rating->platforms->len + 1);
  g_autofree BlockType *types = g_new(BlockType, s->columns->len + 1);
  s->n = s->rating->platforms->len;
  s->platforms = g_new0(Platform, s->n + 1);
  for (guint i = 0; i < s->n; i++) {
    const ConfPlatform *conf = s->rating->platforms->pdata[i];
    rules[i] = (Rule){conf->name, conf->when ? conf->when : "1 = 1", "-"};
    s->platforms[i].conf = conf;
    if (!open_platform(s, &s->platforms[i], into, error))
      return FALSE;
  }
  for (guint i = 0; i < s->columns->len; i++)
    types[i] = g_array_index(s->columns, StagingColumn, i).type;
  s->block = record_block_new(BLOCK_LINES, types, s->columns->len);
  s->broken = g_new0(guint64, BLOCK_LINES);
  s->rules = rule_set_new(rules, s->n, (const StagingColumn *)(gpointer)s->columns->data, s->columns->len, NULL, 0,
                          error);
  return s->rules != NULL;
}

static void put_head(Splitting *s, Platform *platform, const char *sha256) {
  GString *line = cdr_sink_line(platform->sink);
  const char *const values[] = {s->header->pdata[0], s->header->pdata[1], platform->conf->name, s->header->pdata[2],
                                s->header->pdata[3], s->header->pdata[4], s->header->pdata[5],  sha256};
  g_string_append_c(line, 'H');
  for (guint i = 0; i < G_N_ELEMENTS(values); i++)
    cdr_put_value(line, values[i], strlen(values[i]));
  g_string_append(line, "\nF");
  for (char **field = platform->conf->fields; *field; field++)
    cdr_put_value(line, *field, strlen(*field));
  g_string_append_c(line, '\n');
}

/* --- Records */

static gboolean put_value(Splitting *s, guint i, const GString *value) {
  const StagingColumn *column = &g_array_index(s->columns, StagingColumn, i);
  if (value->len == 0)
    return TRUE;
  if (column->type == BLOCK_TEXT) {
    record_block_put_text(s->block, i, value->str, value->len);
    return TRUE;
  }
  const ConfField field = {.type = column->scale ? CONF_DECIMAL : CONF_INTEGER, .scale = column->scale};
  g_autofree char *kept = value_kept_as(&field, value->str);
  gint64 number;
  if (!kept || !g_ascii_string_to_signed(kept, 10, G_MININT64, G_MAXINT64, &number, NULL))
    return FALSE;
  record_block_put_integer(s->block, i, number);
  if ((int)i == s->amount)
    s->amount_seen += number;
  return TRUE;
}

static gboolean add_record(Splitting *s, GError **error) {
  const char *at = s->line + 1, *end = s->line + s->length;
  g_autoptr(GString) value = g_string_new(NULL);
  record_block_begin(s->block, ++s->matrix->records);
  if (s->matrix->records == s->split->watched)
    s->matrix->offset = s->offset;
  for (guint i = 0; i < s->columns->len; i++)
    if (!cdr_get_value(&at, end, value) || !put_value(s, i, value))
      return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: record %" G_GUINT64_FORMAT " cannot be read",
                                 s->path, s->matrix->records);
  record_block_end(s->block);
  g_ptr_array_add(s->lines, g_string_new_len(s->line + 1, (gssize)s->length - 1));
  return TRUE;
}

static void note_broken(gpointer user, guint record, guint64 rules) {
  ((Splitting *)user)->broken[record] = rules;
}

static Wide amount_of(const Splitting *s, guint index) {
  return s->amount >= 0 && !record_block_is_null(s->block, (guint)s->amount, index)
             ? record_block_integer(s->block, (guint)s->amount, index)
             : 0;
}

static gboolean put_record(Splitting *s, Platform *platform, guint index, GError **error) {
  const GString *from = s->lines->pdata[index];
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GString) value = g_string_new(NULL);
  const char *at = from->str, *end = from->str + from->len;
  GString *line = cdr_sink_line(platform->sink);
  while (cdr_get_value(&at, end, value))
    g_ptr_array_add(values, g_strdup(value->str));
  g_string_append_c(line, 'D');
  for (int *place = platform->places; *place >= 0; place++)
    cdr_put_value(line, values->pdata[*place], strlen(values->pdata[*place]));
  g_string_append_c(line, '\n');
  platform->count++;
  platform->amount += amount_of(s, index);
  return cdr_sink_flush(platform->sink, FALSE, error);
}

/* To so many platforms. */
static void count_routes(Splitting *s, guint index, guint to) {
  DetailMatrix *routed = &s->matrix->routed;
  Wide amount = amount_of(s, index);
  if (to == 0) {
    routed->unrouted++;
    routed->unrouted_amount += amount;
  } else if (to > 1) {
    routed->several++;
    routed->extra += to - 1;
    routed->extra_amount += amount * (to - 1);
  }
}

static gboolean route(Splitting *s, GError **error) {
  guint64 first = s->matrix->records - s->block->count;
  memset(s->broken, 0, sizeof(guint64) * BLOCK_LINES);
  if (s->n > 0 && !rule_set_run(s->rules, s->block, note_broken, s, error))
    return FALSE;
  for (guint i = 0; i < s->block->count; i++) {
    guint to = 0;
    for (guint j = 0; j < s->n; j++) {
      if (s->broken[i] >> j & 1)
        continue;
      to++;
      if (!put_record(s, &s->platforms[j], i, error))
        return FALSE;
      if (first + i + 1 == s->split->watched)
        g_array_index(s->matrix->where, guint64, j) = s->platforms[j].count + HEAD_LINES;
    }
    count_routes(s, i, to);
  }
  record_block_clear(s->block);
  g_ptr_array_set_size(s->lines, 0);
  return TRUE;
}

/* --- The end */

static gboolean check_trailer(Splitting *s, GError **error) {
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, s->matrix->records);
  char sum[WIDE_BYTES];
  read_values(s, values);
  wide_print(s->amount_seen, s->rating->round.scale, sum);
  if (values->len != 3 || strcmp(values->pdata[2], g_checksum_get_string(s->digest)) != 0)
    return wrong(s, error, "is not as it was written: its digest is another one");
  return (strcmp(values->pdata[0], count) == 0 && (s->amount < 0 || strcmp(values->pdata[1], sum) == 0)) ||
         wrong(s, error, "its count or its sum is not that of its lines");
}

static gboolean read_records(Splitting *s, GError **error) {
  GError *why = NULL;
  while (read_line(s, &why) && s->line[0] == 'D') {
    take_in(s);
    if (!add_record(s, error) || (!record_block_has_room(s->block) && !route(s, error)))
      return FALSE;
  }
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  return s->length > 0 && s->line[0] == 'T' ? check_trailer(s, error) && route(s, error)
                                            : wrong(s, error, "is cut off: it has no trailer");
}

static gboolean finish(Splitting *s, Platform *platform, GError **error) {
  GString *line = cdr_sink_line(platform->sink);
  char sum[WIDE_BYTES];
  gboolean was_there;
  wide_print(platform->amount, s->rating->round.scale, sum);
  g_string_append_printf(line, "T|%" G_GUINT64_FORMAT "|%s\n", platform->count, sum);
  platform->sha256 = cdr_sink_digest(platform->sink);
  if (!cdr_sink_finish(platform->sink, &was_there, error))
    return FALSE;
  s->matrix->was_split &= was_there;
  PlatformFile *file = g_new0(PlatformFile, 1);
  *file = (PlatformFile){.platform = g_strdup(platform->conf->name),
                         .name = g_strdup(platform->name),
                         .sha256 = g_strdup(platform->sha256),
                         .count = platform->count,
                         .amount = platform->amount,
                         .is_pushed = platform->conf->push_endpoint != NULL};
  g_ptr_array_add(s->matrix->files, file);
  return TRUE;
}

/* Before any of them has its name. */
static gboolean goes_where_it_should(const Splitting *s, GError **error) {
  const DetailMatrix *routed = &s->matrix->routed;
  if (s->n > 0 && routed->unrouted > 0 && s->rating->unrouted == CONF_UNROUTED_HOLD)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "%s: %" G_GUINT64_FORMAT " records go to no platform, and unrouted = hold", s->path,
                               routed->unrouted);
  return routed->several == 0 || s->rating->route == CONF_ROUTE_ANY ||
         sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                             "%s: %" G_GUINT64_FORMAT " records go to several platforms, and route = one", s->path,
                             routed->several);
}

char *cdr_digest_of(const char *path, GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  FILE *file = fopen(path, "re");
  if (!file) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", path, g_strerror(errno));
    return NULL;
  }
  gboolean ok = digest_file_sha256(fileno(file), 0, G_MAXUINT64, digest, NULL, error);
  fclose(file);
  return ok ? digest_hex(digest, sizeof digest) : NULL;
}

static gboolean split_it(Splitting *s, GError **error) {
  g_autofree char *sha256 = cdr_digest_of(s->path, error);
  if (!sha256)
    return FALSE;
  if (s->split->sha256 && strcmp(sha256, s->split->sha256) != 0)
    return wrong(s, error, "is not as it was written: its digest is another one");
  if (!(s->file = fopen(s->path, "re")))
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", s->path, g_strerror(errno));
  if (!read_head(s, error) || !open_platforms(s, s->split->into, error))
    return FALSE;
  g_array_set_size(s->matrix->where, s->n);
  for (guint i = 0; i < s->n; i++)
    put_head(s, &s->platforms[i], sha256);
  if (!read_records(s, error) || !goes_where_it_should(s, error))
    return FALSE;
  s->matrix->was_split = s->n > 0;
  for (guint i = 0; i < s->n; i++)
    if (!finish(s, &s->platforms[i], error))
      return FALSE;
  return TRUE;
}

static void free_line(gpointer line) {
  g_string_free(line, TRUE);
}

void cdr_matrix_clear(CdrMatrix *matrix) {
  g_clear_pointer(&matrix->files, g_ptr_array_unref);
  g_clear_pointer(&matrix->where, g_array_unref);
}

gboolean cdr_split(const CdrSplit *split, CdrMatrix *matrix, GError **error) {
  *matrix = (CdrMatrix){.files = g_ptr_array_new_with_free_func((GDestroyNotify)platform_file_free),
                        .where = g_array_new(FALSE, TRUE, sizeof(guint64))};
  g_auto(Splitting) s = {.split = split,
                         .conf = split->conf,
                         .rating = split->rating,
                         .path = split->path,
                         .digest = g_checksum_new(G_CHECKSUM_SHA256),
                         .header = g_ptr_array_new_with_free_func(g_free),
                         .columns = g_array_new(FALSE, FALSE, sizeof(StagingColumn)),
                         .names = g_ptr_array_new_with_free_func(g_free),
                         .lines = g_ptr_array_new_with_free_func(free_line),
                         .matrix = matrix};
  return split_it(&s, error);
}
