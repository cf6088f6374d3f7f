#include "gateway/cli/cdr_shown.h"
#include "gateway/processors/rating/pack.h"
#include <string.h>

const char *cdr_state(const DetailFile *file) {
  return !file->sha256 ? "closed" : file->split_at ? "split" : file->held ? "held" : "published";
}

static json_t *platform_json(const CdrWanted *wanted, const PlatformFile *file) {
  json_t *object = json_pack("{s:s, s:s, s:I, s:s}", "platform", file->platform, "name", file->name, "records",
                             (json_int_t)file->count, "sha256", file->sha256);
  cli_json_amount(object, "sum", file->amount, wanted->rating->round.scale);
  json_object_set_new(object, "state", json_string(!file->is_pushed ? "here" : file->pushed_at ? "pushed" : "waits"));
  if (file->pushed_at)
    cli_json_time(wanted->cli->out, object, "pushed_at", file->pushed_at);
  cli_json_text(object, "reason", file->reason);
  return object;
}

static json_t *file_json(const CdrWanted *wanted, const DetailFile *file) {
  guint scale = wanted->rating->round.scale;
  g_autofree char *name = cdr_file_name(file);
  json_t *object = json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "sequence",
                             (json_int_t)file->sequence, "name", name, "period", file->period, "reason", file->reason,
                             "state", cdr_state(file), "records", (json_int_t)file->sums.count, "late",
                             (json_int_t)file->sums.late, "unrouted", (json_int_t)file->matrix.unrouted, "several",
                             (json_int_t)file->matrix.several, "extra", (json_int_t)file->matrix.extra);
  cli_json_amount(object, "sum", file->sums.amount, scale);
  cli_json_amount(object, "late_sum", file->sums.late_amount, scale);
  cli_json_amount(object, "unrouted_sum", file->matrix.unrouted_amount, scale);
  cli_json_amount(object, "extra_sum", file->matrix.extra_amount, scale);
  cli_json_text(object, "sha256", file->sha256);
  cli_json_text(object, "held", file->held);
  return object;
}

/* Lines of "word value", and platforms as lines of their own: for people. */
static void print(const CliOutput *out, const json_t *shown) {
  const char *word;
  json_t *value;
  size_t i;
  json_object_foreach((json_t *)(gpointer)(guintptr)shown, word, value) {
    if (json_is_array(value))
      continue;
    cli_line(out, word, json_is_string(value) ? g_strdup(json_string_value(value))
                                              : cli_unsigned(out, (guint64)json_integer_value(value)));
  }
  json_array_foreach(json_object_get(shown, "platforms"), i, value) {
    const char *reason = json_string_value(json_object_get(value, "reason"));
    json_int_t line = json_integer_value(json_object_get(value, "line"));
    g_autofree char *where = line ? g_strdup_printf("line %" G_GINT64_FORMAT, (gint64)line)
                                  : g_strdup_printf("%" G_GINT64_FORMAT " records over %s",
                                                    (gint64)json_integer_value(json_object_get(value, "records")),
                                                    json_string_value(json_object_get(value, "sum")));
    cli_line(out, json_string_value(json_object_get(value, "platform")),
             g_strdup_printf("%s: %s, %s%s%s", json_string_value(json_object_get(value, "name")), where,
                             json_string_value(json_object_get(value, "state")), reason ? ": " : "",
                             reason ? reason : ""));
  }
}

static CliExit tell_shown(const CdrWanted *wanted, json_t *shown) {
  if (wanted->cli->out->is_json) {
    cli_json(wanted->cli->out, shown);
    return CLI_EXIT_FINE;
  }
  print(wanted->cli->out, shown);
  json_decref(shown);
  return CLI_EXIT_FINE;
}

static CliExit missing(const char *what) {
  cli_complain("%s", what);
  return CLI_EXIT_NOT_FOUND;
}

/* --- show NUMBER */

CliExit cdr_show(const CdrWanted *wanted) {
  g_autoptr(GError) error = NULL;
  guint64 sequence;
  if (wanted->cli->n_arguments != 2 ||
      !g_ascii_string_to_unsigned(wanted->cli->arguments[1], 10, 1, G_MAXINT64, &sequence, NULL)) {
    cli_complain("cdr show takes the number of a full file");
    return CLI_EXIT_USAGE;
  }
  g_autoptr(DetailsReader) reader = details_reader_open(wanted->lane->paths->folder, wanted->rating->name, &error);
  g_autoptr(GPtrArray) files = reader ? details_reader_files(reader, 0, &error) : NULL;
  g_autoptr(GPtrArray) platforms = files ? details_reader_platforms(reader, (gint64)sequence, &error) : NULL;
  if (error)
    return cli_fail(error);
  if (!files || sequence > files->len)
    return missing("there is no full file of that number");
  json_t *shown = file_json(wanted, files->pdata[sequence - 1]), *list = json_array();
  for (guint i = 0; platforms && i < platforms->len; i++)
    json_array_append_new(list, platform_json(wanted, platforms->pdata[i]));
  json_object_set_new(shown, "platforms", list);
  return tell_shown(wanted, shown);
}

/* --- trace KEY */

typedef struct {
  gboolean found, is_rated;
  guint shard;
  gint64 number;
  guint64 before; /* in the full file */
  gboolean reached;
} Tracing;

static gboolean note_place(gpointer user, const Detail *detail, GError **error) {
  Tracing *tracing = user;
  (void)error;
  tracing->found = TRUE;
  tracing->shard = detail->shard;
  tracing->number = detail->number;
  tracing->is_rated = record_block_integer(detail->block, DETAIL_STATUS, detail->index) == DETAIL_RATED;
  return TRUE;
}

static gboolean count_up_to(gpointer user, const Detail *detail, GError **error) {
  Tracing *tracing = user;
  (void)error;
  tracing->reached = tracing->reached || (detail->shard == tracing->shard && detail->number == tracing->number);
  tracing->before += !tracing->reached;
  return TRUE;
}

static json_t *place_json(const CdrWanted *wanted, DetailsReader *reader, const DetailFile *file,
                          const Tracing *tracing, GError **error) {
  g_autofree char *folder = cdr_folder(wanted->lane->paths->folder, wanted->rating->name),
                  *name = cdr_file_name(file),
                  *path = g_build_filename(folder, name, NULL);
  g_autoptr(GPtrArray) platforms = details_reader_platforms(reader, file->sequence, error);
  g_auto(CdrMatrix) matrix = {0};
  CdrSplit split = {.conf = wanted->cli->conf, .rating = wanted->rating, .path = path, .sha256 = file->sha256,
                    .watched = tracing->before + 1};
  if (!platforms || !cdr_split(&split, &matrix, error))
    return NULL;
  json_t *shown = json_pack("{s:s, s:I, s:s, s:I, s:I}", "status", "rated", "sequence", (json_int_t)file->sequence,
                            "file", path, "line", (json_int_t)tracing->before + 3, "offset",
                            (json_int_t)matrix.offset);
  json_t *list = json_array();
  for (guint i = 0; i < matrix.files->len; i++) {
    const PlatformFile *made = matrix.files->pdata[i];
    guint64 line = g_array_index(matrix.where, guint64, i);
    for (guint j = 0; line && j < platforms->len; j++) {
      const PlatformFile *known = platforms->pdata[j];
      if (strcmp(known->platform, made->platform) != 0)
        continue;
      json_t *object = platform_json(wanted, known);
      json_object_set_new(object, "line", json_integer((json_int_t)line));
      json_array_append_new(list, object);
    }
  }
  json_object_set_new(shown, "platforms", list);
  return shown;
}

CliExit cdr_trace(const CdrWanted *wanted) {
  const Cli *cli = wanted->cli;
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) key = g_string_new(NULL);
  g_autoptr(DetailFile) file = NULL;
  Tracing tracing = {0};
  json_t *shown = NULL;
  for (guint i = 1; i < (guint)cli->n_arguments; i++)
    usage_key_add(key, (guint)cli->n_arguments - 1, cli->arguments[i], strlen(cli->arguments[i]));
  g_autoptr(DetailsReader) reader = details_reader_open(wanted->lane->paths->folder, wanted->rating->name, &error);
  if (reader && details_reader_find(reader, key->str, key->len, note_place, &tracing, &error) && tracing.is_rated &&
      details_reader_file_of(reader, tracing.shard, tracing.number, &file, &error) && file && file->sha256 &&
      details_reader_visit_file(reader, file, count_up_to, &tracing, &error))
    shown = place_json(wanted, reader, file, &tracing, &error);
  if (error)
    return cli_fail(error);
  if (!tracing.found)
    return missing("no record with this key was rated");
  if (!shown)
    shown = json_pack("{s:s, s:n}", "status", !tracing.is_rated ? "suspended" : file ? "closed" : "rated", "file");
  return tell_shown(wanted, shown);
}
