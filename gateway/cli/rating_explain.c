#include "gateway/cli/rating_shown.h"
#include "gateway/processors/rating/pack.h"
#include "store/details.h"
#include "store/reference.h"
#include <string.h>

char *rating_exact(const CliOutput *out, Money value, guint scale) {
  gint64 units;
  Money finer;
  gboolean is_whole = money_round(value, MONEY_DOWN, 0, &units) && money_compare(money_of(units), value) == 0;
  if (is_whole)
    return cli_amount(out, units, scale);
  if (!money_portion(value, 1000, 1, &finer) || !money_round(finer, MONEY_DOWN, 0, &units))
    return g_strdup("…");
  gboolean is_all = money_compare(money_of(units), finer) == 0;
  g_autofree char *amount = cli_amount(out, units, scale + 3);
  return g_strconcat(amount, is_all ? "" : "…", NULL);
}

typedef struct {
  const Cli *cli;
  const StatusLane *lane;
  const ConfRating *rating; /* only for what is hidden: all else comes from the detail */
  json_t *shown;            /* NULL: there is no such record */
} Explaining;

static guint number_of(const json_t *terms, const char *name) {
  return (guint)json_integer_value(json_object_get(terms, name));
}

/* --- The record's own fields */

static gboolean hides(const Explaining *explaining, const char *field) {
  const ConfLayout *layout = conf_layout(explaining->cli->conf, explaining->rating->layout);
  const ConfField *conf = layout ? conf_line_field(&layout->record, field) : NULL;
  return !conf || conf->mask;
}

static json_t *fields_json(const Explaining *explaining, const Detail *detail) {
  guint n;
  StagingColumn *columns = details_shape_columns(detail->shape, &n);
  json_t *fields = json_object();
  for (guint i = 0; i < n; i++) {
    guint column = DETAIL_COLUMNS + i;
    gsize length;
    g_autofree char *text = NULL;
    if (record_block_is_null(detail->block, column, detail->index))
      continue;
    if (columns[i].type == BLOCK_INTEGER) {
      text = cli_amount(explaining->cli->out, record_block_integer(detail->block, column, detail->index),
                        columns[i].scale);
    } else {
      const char *value = record_block_text(detail->block, column, detail->index, &length);
      text = g_strndup(value, length);
    }
    g_autofree char *shown = cli_shown(text, hides(explaining, columns[i].name), FALSE);
    json_object_set_new(fields, columns[i].name, json_string(shown));
  }
  details_shape_free(columns, n);
  return fields;
}

/* --- Its price */

static void put_steps(const Explaining *explaining, const json_t *terms, const PackedPrice *price) {
  const CliOutput *out = explaining->cli->out;
  guint scale = number_of(terms, "scale");
  json_t *steps = json_array(), *legs = json_array();
  for (guint i = 0; i < price->legs->len; i++) {
    const RatedLeg *leg = &g_array_index(price->legs, RatedLeg, i);
    g_autofree char *amount = rating_exact(out, leg->amount, scale);
    json_array_append_new(legs, json_pack("{s:I, s:I, s:s}", "quantity", (json_int_t)leg->quantity, "row",
                                          (json_int_t)leg->row, "amount", amount));
  }
  for (guint i = 0; i < price->steps->len; i++) {
    const RatedStep *step = &g_array_index(price->steps, RatedStep, i);
    g_autofree char *change = rating_exact(out, step->change, scale), *amount = rating_exact(out, step->amount, scale);
    const char *name = json_string_value(json_array_get(json_object_get(terms, "steps"), step->step));
    json_array_append_new(steps, json_pack("{s:s, s:s, s:s, s:b}", "step", name ? name : "?", "change", change,
                                           "amount", amount, "counts", (int)step->counts));
  }
  json_object_set_new(explaining->shown, "steps", steps);
  if (price->legs->len > 0)
    json_object_set_new(explaining->shown, "tiers", legs);
  json_decref(price->legs->len > 0 ? NULL : legs);
}

/* --- The rows that were looked at: of each look-up the one that counted, and the others of its key in that version. */

typedef struct {
  const CliOutput *out;
  json_t *rows;
  gint64 taken;
} RowList;

static gboolean add_row(gpointer user, const ReferenceRow *row, gboolean comes) {
  const RowList *rows = user;
  (void)comes;
  json_t *object = json_pack("{s:I, s:s, s:I, s:I, s:b}", "row", (json_int_t)row->id, "content", row->content,
                             "of_version", (json_int_t)row->origin, "line", (json_int_t)row->line, "taken",
                             (int)(row->id == rows->taken));
  if (row->start != REFERENCE_SINCE_EVER)
    cli_json_time(rows->out, object, "from", row->start);
  if (row->finish != REFERENCE_FOR_EVER)
    cli_json_time(rows->out, object, "until", row->finish);
  json_array_append_new(rows->rows, object);
  return TRUE;
}

static gboolean add_rows_of(const Explaining *explaining, json_t *table, gint64 id, GError **error) {
  GError *why = NULL;
  ReferenceRow row;
  gboolean found = FALSE;
  RowList rows = {explaining->cli->out, json_array(), id};
  json_object_set_new(table, "rows", rows.rows);
  json_object_set_new(table, "row", json_integer(id));
  g_autoptr(ReferenceReader) reader = reference_reader_open(
      explaining->lane->paths->folder, json_string_value(json_object_get(table, "table")), &why);
  if (why) {
    g_propagate_error(error, why);
    return FALSE;
  }
  if (!reader || !id)
    return TRUE;
  if (!reference_row(reader, id, &row, &found, error))
    return FALSE;
  g_autofree char *key = found ? g_strdup(row.key) : NULL;
  return !found || reference_visit(reader, json_integer_value(json_object_get(table, "version")), key, add_row, &rows,
                                   error);
}

static gboolean put_tables(const Explaining *explaining, const json_t *terms, const GArray *rows,
                           const PackedPrice *price, GError **error) {
  json_t *tables = json_deep_copy(json_object_get(terms, "tables"));
  json_object_set_new(explaining->shown, "tables", tables);
  for (guint i = 0; i < json_array_size(tables); i++) {
    json_t *table = json_array_get(tables, i);
    gint64 id = i < rows->len ? g_array_index(rows, gint64, i)
                : price->legs->len > 0 ? g_array_index(price->legs, RatedLeg, 0).row
                                       : 0;
    if (!add_rows_of(explaining, table, id, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean put_price(const Explaining *explaining, const Detail *detail, const json_t *terms, GError **error) {
  const RecordBlock *block = detail->block;
  guint i = detail->index;
  gsize length;
  g_auto(PackedPrice) price = {0};
  const char *bytes = record_block_text(block, DETAIL_STEPS, i, &length);
  json_t *shown = explaining->shown;
  if (!price_unpack(bytes, length, &price))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the steps of detail %" G_GINT64_FORMAT " are damaged",
                               detail->number);
  bytes = record_block_text(block, DETAIL_ROWS, i, &length);
  g_autoptr(GArray) rows = price_unpack_rows(bytes, length);
  if (!rows)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "the rows of detail %" G_GINT64_FORMAT " are damaged",
                               detail->number);
  cli_json_amount(shown, "amount", record_block_integer(block, DETAIL_AMOUNT, i), number_of(terms, "round"));
  json_object_set_new(shown, "quantity", json_integer(record_block_integer(block, DETAIL_QUANTITY, i)));
  json_object_set_new(shown, "billed", json_integer(record_block_integer(block, DETAIL_BILLED, i)));
  if (!record_block_is_null(block, DETAIL_PERIOD, i)) {
    const char *period = record_block_text(block, DETAIL_PERIOD, i, &length);
    json_object_set_new(shown, "period", json_stringn(period, length));
    json_object_set_new(shown, "counter", json_integer(record_block_integer(block, DETAIL_COUNTER, i)));
  }
  put_steps(explaining, terms, &price);
  return put_tables(explaining, terms, rows, &price, error);
}

static gboolean explain(gpointer user, const Detail *detail, GError **error) {
  Explaining *explaining = user;
  const RecordBlock *block = detail->block;
  guint i = detail->index;
  gsize length;
  gboolean is_rated = record_block_integer(block, DETAIL_STATUS, i) == DETAIL_RATED;
  json_t *terms = json_loads(detail->terms, 0, NULL);
  const char *code = record_block_text(block, DETAIL_CODE, i, &length);
  explaining->shown = json_pack("{s:s, s:s, s:I, s:I, s:s}", "status", is_rated ? "rated" : "suspended", "file",
                                detail->file, "line", (json_int_t)block->lines[i], "admission",
                                (json_int_t)detail->admission, "rules",
                                terms ? json_string_value(json_object_get(terms, "rules")) : "");
  if (length > 0)
    json_object_set_new(explaining->shown, "code", json_stringn(code, length));
  cli_json_time(explaining->cli->out, explaining->shown, "rated_at", detail->admitted_at);
  cli_json_time(explaining->cli->out, explaining->shown, "event_at", record_block_integer(block, DETAIL_AT, i));
  json_object_set_new(explaining->shown, "fields", fields_json(explaining, detail));
  gboolean ok = !is_rated || put_price(explaining, detail, terms, error);
  json_decref(terms);
  return ok;
}

/* --- For people: a line each, steps and rows beneath */

static void print_list(const CliOutput *out, const json_t *list, const char *title) {
  size_t i;
  const json_t *one;
  json_array_foreach(list, i, one) {
    const char *name;
    json_t *value;
    GString *text = g_string_new(NULL);
    json_object_foreach((json_t *)(gpointer)one, name, value) {
      g_autofree char *number = json_is_integer(value) ? cli_number(out, json_integer_value(value)) : NULL;
      const char *word = json_is_string(value) ? json_string_value(value)
                         : number              ? number
                         : json_is_true(value) ? "yes"
                                               : json_is_false(value) ? "no" : NULL;
      if (word)
        g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", name, word);
    }
    cli_line(out, title, g_string_free(text, FALSE));
    print_list(out, json_object_get(one, "rows"), "  row");
  }
}

static void print(const CliOutput *out, const json_t *shown) {
  static const char *const words[] = {"status", "code", "amount", "quantity", "billed", "period", "counter",
                                      "event_at", "rated_at", "file", "line", "rules"};
  for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
    const json_t *value = json_object_get(shown, words[i]);
    if (value)
      cli_line(out, words[i], json_is_string(value) ? g_strdup(json_string_value(value))
                                                    : cli_number(out, json_integer_value(value)));
  }
  print_list(out, json_object_get(shown, "tiers"), "tier");
  print_list(out, json_object_get(shown, "steps"), "step");
  print_list(out, json_object_get(shown, "tables"), "table");
}

CliExit rating_explain(const Cli *cli, const StatusLane *lane, const ConfRating *rating, char **key) {
  g_autoptr(GError) error = NULL;
  Explaining explaining = {.cli = cli, .lane = lane, .rating = rating};
  g_autoptr(GString) text = g_string_new(NULL);
  guint parts = g_strv_length(key);
  for (guint i = 0; i < parts; i++)
    usage_key_add(text, parts, key[i], strlen(key[i]));
  g_autoptr(DetailsReader) reader = details_reader_open(lane->paths->folder, rating->name, &error);
  if (error || (reader && !details_reader_find(reader, text->str, text->len, explain, &explaining, &error))) {
    json_decref(explaining.shown);
    return cli_fail(error);
  }
  if (!explaining.shown) {
    cli_complain("no record with this key was rated");
    return CLI_EXIT_NOT_FOUND;
  }
  if (cli->out->is_json)
    cli_json(cli->out, explaining.shown);
  else
    print(cli->out, explaining.shown);
  if (!cli->out->is_json)
    json_decref(explaining.shown);
  return CLI_EXIT_FINE;
}
