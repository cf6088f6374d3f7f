/* Reads an answer, which is believed only as a whole: each record that was asked has one result, and no other has one.
 */
#include "gateway/processors/http/accrual.h"
#include "gateway/base/files.h"
#include <jansson.h>
#include <string.h>

enum { LONGEST_CODE = 32, LONGEST_MESSAGE = 200 };

typedef struct {
  const AccrualBody *body;
  AccrualAnswer *answer;
  GHashTable *asked; /* key -> index + 1 */
} Reading;

static gboolean not_believed(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean not_believed(GError **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *why = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autofree char *shown = files_show_bytes(why, strlen(why), 0);
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "the answer is not believed: %s", shown);
}

/* An interface's words go to the partner and to people. */
static const char *keep(AccrualAnswer *answer, const char *text, gsize most) {
  if (!text || !*text)
    return NULL;
  g_autofree char *shown = files_show_bytes(text, strlen(text), most);
  return g_string_chunk_insert_const(answer->texts, shown);
}

static gboolean status_of(const char *word, AccrualStatus *status) {
  static const char *const words[] = {
      [ACCRUAL_ACCEPTED] = "accepted", [ACCRUAL_REJECTED] = "rejected", [ACCRUAL_DUPLICATE] = "duplicate"};
  for (guint i = ACCRUAL_ACCEPTED; i < G_N_ELEMENTS(words); i++)
    if (word && strcmp(words[i], word) == 0) {
      *status = (AccrualStatus)i;
      return TRUE;
    }
  return FALSE;
}

typedef struct {
  const char *key, *status, *code, *message;
} Result;

static gboolean take_result(Reading *reading, const Result *result, GError **error) {
  AccrualAnswer *answer = reading->answer;
  AccrualStatus status;
  if (!result->key)
    return not_believed(error, "a result has no key");
  guint index = GPOINTER_TO_UINT(g_hash_table_lookup(reading->asked, result->key));
  if (index == 0)
    return not_believed(error, "record %.80s was not asked", result->key);
  if (answer->statuses[index - 1] != ACCRUAL_NOT_ASKED)
    return not_believed(error, "record %.80s is answered twice", result->key);
  if (!status_of(result->status, &status))
    return not_believed(error, "record %.80s is neither accepted nor rejected nor duplicate, but %.40s", result->key,
                        result->status ? result->status : "nothing");
  answer->statuses[index - 1] = (guint8)status;
  *(status == ACCRUAL_ACCEPTED   ? &answer->accepted
    : status == ACCRUAL_REJECTED ? &answer->rejected
                                 : &answer->duplicates) += 1;
  if (status != ACCRUAL_ACCEPTED) {
    answer->codes[index - 1] = keep(answer, result->code, LONGEST_CODE);
    answer->messages[index - 1] = keep(answer, result->message, LONGEST_MESSAGE);
  }
  return TRUE;
}

/* --- JSON */

static const char *text_member(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static gboolean is_text_or_absent(const json_t *object, const char *name) {
  const json_t *member = json_object_get(object, name);
  return !member || json_is_null(member) || json_is_string(member);
}

static gboolean take_json(Reading *reading, const json_t *root, GError **error) {
  const json_t *results = json_object_get(root, "results"), *key = json_object_get(root, "idempotency_key");
  if (key && g_strcmp0(json_string_value(key), reading->body->key) != 0)
    return not_believed(error, "it is to another idempotency key than %s", reading->body->key);
  if (!json_is_array(results))
    return not_believed(error, "it has no \"results\"");
  for (gsize i = 0; i < json_array_size(results); i++) {
    const json_t *one = json_array_get(results, i);
    if (!json_is_object(one) || !is_text_or_absent(one, "code") || !is_text_or_absent(one, "message"))
      return not_believed(error, "result %" G_GSIZE_FORMAT " is no object of texts", i + 1);
    Result result = {text_member(one, "key"), text_member(one, "status"), text_member(one, "code"),
                     text_member(one, "message")};
    if (!take_result(reading, &result, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_json(Reading *reading, const char *text, gsize length, GError **error) {
  json_error_t at;
  json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &at);
  if (!root)
    return not_believed(error, "it is no JSON: line %d: %s", at.line, at.text);
  gboolean ok = take_json(reading, root, error);
  json_decref(root);
  return ok;
}

/* --- CSV: RFC 4180, with a header that names key and status, and may name code and message. */

typedef struct {
  const char *at, *end;
  GString *field;
} Csv;

/* The next field; *last: it ends its line. FALSE: bad quoting. */
static gboolean csv_field(Csv *csv, gboolean *last) {
  gboolean quoted = csv->at < csv->end && *csv->at == '"';
  g_string_truncate(csv->field, 0);
  if (quoted)
    csv->at++;
  for (;; csv->at++) {
    gboolean is_end = csv->at == csv->end;
    if (quoted && is_end)
      return FALSE;
    if (quoted && *csv->at == '"') {
      if (csv->at + 1 < csv->end && csv->at[1] == '"')
        csv->at++;
      else {
        quoted = FALSE;
        continue;
      }
    } else if (!quoted && (is_end || *csv->at == ',' || *csv->at == '\n' || *csv->at == '\r')) {
      break;
    }
    if (*csv->at == '\0')
      return FALSE;
    g_string_append_c(csv->field, *csv->at);
  }
  *last = csv->at == csv->end || *csv->at != ',';
  if (csv->at < csv->end && *csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n')
    csv->at++;
  csv->at += csv->at < csv->end;
  return TRUE;
}

enum { CSV_COLUMNS = 16 };

/* One line of at most 16 fields; their number, or -1. */
static int csv_line(Csv *csv, char *fields[CSV_COLUMNS]) {
  int n = 0;
  for (gboolean last = FALSE; !last; n++) {
    if (n == CSV_COLUMNS || !csv_field(csv, &last))
      return -1;
    g_free(fields[n]);
    fields[n] = g_strndup(csv->field->str, csv->field->len);
  }
  return n;
}

static const char *csv_column(char *const *header, char *const *fields, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(header[i], name) == 0)
      return fields[i];
  return NULL;
}

static gboolean take_csv(Reading *reading, Csv *csv, char **header, char **fields, GError **error) {
  int columns = csv_line(csv, header);
  if (columns < 2 || !csv_column(header, header, columns, "key") || !csv_column(header, header, columns, "status"))
    return not_believed(error, "its first line does not name the columns key and status");
  for (guint line = 2; csv->at < csv->end; line++) {
    if (csv_line(csv, fields) != columns)
      return not_believed(error, "line %u has not the %d fields of the first one, or bad quotes", line, columns);
    Result result = {csv_column(header, fields, columns, "key"), csv_column(header, fields, columns, "status"),
                     csv_column(header, fields, columns, "code"), csv_column(header, fields, columns, "message")};
    if (!take_result(reading, &result, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_csv(Reading *reading, const char *text, gsize length, GError **error) {
  char *header[CSV_COLUMNS] = {0}, *fields[CSV_COLUMNS] = {0};
  Csv csv = {text, text + length, g_string_new(NULL)};
  if (!g_utf8_validate(text, (gssize)length, NULL)) {
    g_string_free(csv.field, TRUE);
    return not_believed(error, "it is not in UTF-8");
  }
  gboolean ok = take_csv(reading, &csv, header, fields, error);
  for (guint i = 0; i < CSV_COLUMNS; i++) {
    g_free(header[i]);
    g_free(fields[i]);
  }
  g_string_free(csv.field, TRUE);
  return ok;
}

/* --- Both */

static gboolean is_complete(const Reading *reading, GError **error) {
  const AccrualAnswer *answer = reading->answer;
  guint asked = g_hash_table_size(reading->asked), answered = answer->accepted + answer->rejected + answer->duplicates;
  if (answered == asked)
    return TRUE;
  for (guint i = 0; i < answer->count; i++)
    if (!reading->body->skip[i] && answer->statuses[i] == ACCRUAL_NOT_ASKED) {
      g_autofree char *key = accrual_record_key(reading->body, i);
      return not_believed(error, "%u of %u records are answered, %.80s is not", answered, asked, key);
    }
  return not_believed(error, "%u of %u records are answered", answered, asked);
}

static gboolean note_asked(Reading *reading, GError **error) {
  for (guint i = 0; i < reading->body->count; i++)
    if (!reading->body->skip[i] &&
        !g_hash_table_insert(reading->asked, accrual_record_key(reading->body, i), GUINT_TO_POINTER(i + 1)))
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                                 "a batch has two records of one key, the second at line %" G_GUINT64_FORMAT,
                                 reading->body->block->lines[i]);
  return TRUE;
}

AccrualAnswer *accrual_answer_read(const AccrualBody *body, const char *text, gsize length, GError **error) {
  AccrualAnswer *answer = g_new0(AccrualAnswer, 1);
  *answer = (AccrualAnswer){.count = body->count,
                            .statuses = g_new0(guint8, body->count + 1),
                            .codes = g_new0(const char *, body->count + 1),
                            .messages = g_new0(const char *, body->count + 1),
                            .texts = g_string_chunk_new(1024)};
  Reading reading = {body, answer, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
  gboolean ok = note_asked(&reading, error) &&
                (body->is_csv ? read_csv(&reading, text, length, error) : read_json(&reading, text, length, error)) &&
                is_complete(&reading, error);
  g_hash_table_unref(reading.asked);
  if (!ok)
    g_clear_pointer(&answer, accrual_answer_free);
  return answer;
}

void accrual_answer_free(AccrualAnswer *answer) {
  if (!answer)
    return;
  g_free(answer->statuses);
  g_free(answer->codes);
  g_free(answer->messages);
  g_string_chunk_free(answer->texts);
  g_free(answer);
}
