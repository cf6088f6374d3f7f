#include "gateway/processors/http/accrual.h"
#include "gateway/common/json_put.h"
#include "gateway/records/cells_private.h"
#include <string.h>

char *accrual_key(const char *file, const BookBatch *batch) {
  return g_strdup_printf("%s-%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, file, batch->first, batch->last);
}

/* --- Columns */

static gboolean add_column(AccrualColumns *columns, const Layout *layout, const char *name, GError **error) {
  int at = layout_column(layout, name);
  if (at < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "process http: column \"%s\" is not a field of the record", name);
  gboolean is_taken = g_str_equal(name, "line") || (g_str_equal(name, "key") && (guint)at != columns->key);
  if (is_taken)
    return sallyport_error_set(
        error, SALLYPORT_ERROR_CONFIGURATION,
        "process http: a column cannot be sent as \"%s\": a request calls so the record's own %s", name, name);
  if ((guint)at == columns->key)
    columns->key_sent = (gint)columns->n_sent;
  columns->sent[columns->n_sent++] = (guint)at;
  return TRUE;
}

AccrualColumns *accrual_columns_new(const Layout *layout, const ConfHttp *conf, const char *key, GError **error) {
  guint n;
  AccrualColumns *columns = g_new0(AccrualColumns, 1);
  columns->columns = layout_columns(layout, &n);
  int at = layout_column(layout, key);
  columns->key = (guint)MAX(at, 0);
  columns->key_sent = -1;
  guint wanted = conf->columns ? g_strv_length(conf->columns) : n;
  columns->sent = g_new0(guint, wanted + 1);
  for (guint i = 0; i < wanted; i++)
    if (!add_column(columns, layout, conf->columns ? conf->columns[i] : columns->columns[i].name, error)) {
      accrual_columns_free(columns);
      return NULL;
    }
  return columns;
}

void accrual_columns_free(AccrualColumns *columns) {
  if (!columns)
    return;
  g_free(columns->sent);
  g_free(columns);
}

/* --- JSON */

static void put_json_text(GString *into, const char *text) {
  if (text)
    json_put_text(into, text, strlen(text));
  else
    g_string_append(into, "null");
}

/* A value as text; FALSE: absent. Numbers are written with their scale. */
static gboolean value_of(const AccrualBody *body, guint column, guint record, char number[32], const char **text,
                         gsize *length) {
  const RecordBlock *block = body->block;
  if (record_block_is_null(block, column, record))
    return FALSE;
  if (block->columns[column].type == BLOCK_TEXT) {
    *text = record_block_text(block, column, record, length);
    return TRUE;
  }
  *length = value_print(record_block_integer(block, column, record), body->columns->columns[column].scale, number);
  *text = number;
  return TRUE;
}

static void put_json_value(const AccrualBody *body, guint column, guint record, GString *into) {
  char number[32];
  const char *text;
  gsize length;
  if (value_of(body, column, record, number, &text, &length))
    json_put_text(into, text, length);
  else
    g_string_append(into, "null");
}

static void put_json_record(const AccrualBody *body, guint record, GString *into) {
  g_string_append_printf(into, "{\"line\":%" G_GUINT64_FORMAT ",\"key\":", body->block->lines[record]);
  put_json_value(body, body->columns->key, record, into);
  for (guint i = 0; i < body->columns->n_sent; i++) {
    const char *name = body->columns->columns[body->columns->sent[i]].name;
    if (g_str_equal(name, "key"))
      continue;
    g_string_append_c(into, ',');
    put_json_text(into, name);
    g_string_append_c(into, ':');
    put_json_value(body, body->columns->sent[i], record, into);
  }
  g_string_append_c(into, '}');
}

static void put_json_body(const AccrualBody *body, GString *into) {
  g_string_append(into, "{\"idempotency_key\":");
  put_json_text(into, body->key);
  g_string_append(into, ",\"feed\":");
  put_json_text(into, body->feed);
  g_string_append(into, ",\"partner\":");
  put_json_text(into, body->partner);
  g_string_append(into, ",\"file\":");
  put_json_text(into, body->file);
  g_string_append_printf(into, ",\"batch\":%u,\"business_date\":", body->batch);
  put_json_text(into, body->business_date);
  g_string_append(into, ",\"records\":[\n");
  gboolean any = FALSE;
  for (guint i = 0; i < body->count; i++) {
    if (body->skip[i])
      continue;
    g_string_append(into, any ? ",\n" : "");
    put_json_record(body, i, into);
    any = TRUE;
  }
  g_string_append(into, "\n]}\n");
}

/* --- CSV (RFC 4180): every text is quoted, an absent value is an empty field without quotes. */

static void put_csv(GString *into, const char *text, gsize length) {
  g_string_append_c(into, '"');
  for (const char *end = text + length; text < end;) {
    const char *quote = memchr(text, '"', (gsize)(end - text));
    const char *stop = quote ? quote + 1 : end;
    g_string_append_len(into, text, stop - text);
    if (quote)
      g_string_append_c(into, '"');
    text = stop;
  }
  g_string_append_c(into, '"');
}

static void put_csv_value(const AccrualBody *body, guint column, guint record, GString *into) {
  char number[32];
  const char *text;
  gsize length;
  if (!value_of(body, column, record, number, &text, &length))
    return;
  if (text == number)
    g_string_append_len(into, text, (gssize)length);
  else
    put_csv(into, text, length);
}

static void put_csv_body(const AccrualBody *body, GString *into) {
  g_string_append(into, "line,key");
  for (guint i = 0; i < body->columns->n_sent; i++)
    if (!g_str_equal(body->columns->columns[body->columns->sent[i]].name, "key"))
      g_string_append_printf(into, ",%s", body->columns->columns[body->columns->sent[i]].name);
  g_string_append(into, "\r\n");
  for (guint record = 0; record < body->count; record++) {
    if (body->skip[record])
      continue;
    g_string_append_printf(into, "%" G_GUINT64_FORMAT ",", body->block->lines[record]);
    put_csv_value(body, body->columns->key, record, into);
    for (guint i = 0; i < body->columns->n_sent; i++) {
      if (g_str_equal(body->columns->columns[body->columns->sent[i]].name, "key"))
        continue;
      g_string_append_c(into, ',');
      put_csv_value(body, body->columns->sent[i], record, into);
    }
    g_string_append(into, "\r\n");
  }
}

void accrual_body_put(const AccrualBody *body, GString *into) {
  if (body->is_csv)
    put_csv_body(body, into);
  else
    put_json_body(body, into);
}

char *accrual_record_key(const AccrualBody *body, guint record) {
  char number[32];
  const char *text = "";
  gsize length = 0;
  if (!value_of(body, body->columns->key, record, number, &text, &length))
    return g_strdup("");
  return g_strndup(text, length);
}
