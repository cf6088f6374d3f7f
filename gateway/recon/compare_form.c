#include "gateway/recon/compare_form.h"
#include "gateway/base/error.h"
#include "gateway/recon/source_block.h"
#include <string.h>

enum { BLOCK_RECORDS = 2048 };

typedef struct {
  const CompareForm *form;
  const ReconBatch *batch;
  guint taken;        /* of the batch */
  RecordBlock *block; /* as the source has it */
  guint at;
  gboolean ended;
} FormReader;

static char *name_of(guint column) {
  return g_strdup_printf("%u", column);
}

/* "+000120.50" is "120.5", "-0.00" is "0"; what is no number stays as it is. Returns where it begins; *sign: a minus is
 * to be put before it. */
static const char *plain_number(const char *text, gsize *length, gboolean *sign) {
  const char *at = text, *end = text + *length, *point = NULL;
  *sign = at < end && *at == '-';
  at += at < end && (*at == '-' || *at == '+');
  const char *digits = at;
  for (const char *c = at; c < end; c++) {
    if (*c == '.' && !point && c > at && c + 1 < end)
      point = c;
    else if (!g_ascii_isdigit(*c))
      digits = NULL;
    if (!digits)
      break;
  }
  if (!digits || at == end) {
    *sign = FALSE;
    return text;
  }
  while (point && (end[-1] == '0' || end[-1] == '.'))
    if (*--end == '.')
      break;
  const char *last = point && point < end ? point - 1 : end - 1;
  while (at < last && *at == '0')
    at++;
  *sign = *sign && !(end - at == 1 && *at == '0');
  *length = (gsize)(end - at);
  return at;
}

static void put_number(RecordBlock *into, guint column, const char *text, gsize length) {
  gboolean sign;
  const char *plain = plain_number(text, &length, &sign);
  if (!sign) {
    record_block_put_text(into, column, plain, length);
    return;
  }
  g_autofree char *negative = g_strdup_printf("-%.*s", (int)length, plain);
  record_block_put_text(into, column, negative, length + 1);
}

/* What is no key of that form stays as it is: it is one that we have not. */
static void put_key(const CompareForm *form, const char *text, gsize length, RecordBlock *into) {
  g_autofree char *plain = g_strndup(text, length);
  g_autofree char *kept = key_kept_as(form->key, plain);
  const char *key = kept ? kept : plain;
  record_block_put_text(into, FORM_KEY, key, strlen(key));
}

static void put_value(const FormReader *reader, guint column, RecordBlock *into) {
  const CompareForm *form = reader->form;
  guint from = (guint)form->columns[column];
  gsize length;
  if (record_block_is_null(reader->block, from, reader->at))
    return;
  if (reader->block->columns[from].type == BLOCK_INTEGER) {
    char digits[WIDE_BYTES];
    length = wide_print(record_block_integer(reader->block, from, reader->at), form->source->columns[from].scale,
                        digits);
    put_number(into, column, digits, length);
    return;
  }
  const char *text = record_block_text(reader->block, from, reader->at, &length);
  if (form->as_number[column])
    put_number(into, column, text, length);
  else if (column == FORM_KEY && form->key)
    put_key(form, text, length, into);
  else
    record_block_put_text(into, column, text, length);
}

static gboolean put_record(const FormReader *reader, RecordBlock *into, GError **error) {
  const CompareForm *form = reader->form;
  guint key = (guint)form->columns[FORM_KEY], amount = (guint)form->columns[FORM_AMOUNT];
  guint64 line = reader->block->lines[reader->at];
  gboolean no_key = record_block_is_null(reader->block, key, reader->at);
  if (no_key || record_block_is_null(reader->block, amount, reader->at))
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: line %" G_GUINT64_FORMAT " has no %s", form->who, line,
                               no_key ? "key" : "amount");
  gint64 value = record_block_integer(reader->block, amount, reader->at);
  if (form->negate && __builtin_sub_overflow(0, value, &value))
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE,
                               "%s: line %" G_GUINT64_FORMAT ": the amount with the other sign does not fit in 64 bits",
                               form->who, line);
  record_block_begin(into, line);
  for (guint i = 0; i < form->n; i++)
    if (i != FORM_AMOUNT)
      put_value(reader, i, into);
  record_block_put_integer(into, FORM_AMOUNT, value);
  record_block_end(into);
  return TRUE;
}

static gboolean take_block(FormReader *reader, GError **error) {
  record_block_clear(reader->block);
  reader->at = 0;
  while (reader->block->count == 0 && !reader->ended) {
    if (!reader->batch || reader->taken >= reader->batch->n) {
      reader->taken = 0;
      if (!reader->form->source->next(reader->form->source, &reader->batch, error))
        return FALSE;
      reader->ended = !reader->batch;
      if (reader->ended)
        return TRUE;
    }
    reader->taken += recon_block_take(reader->form->source, reader->batch, reader->taken, reader->block);
  }
  return TRUE;
}

static gboolean fill_compared(gpointer user, RecordBlock *into, GError **error) {
  FormReader *reader = user;
  for (; record_block_has_room(into); reader->at++) {
    if (reader->at >= reader->block->count && !take_block(reader, error))
      return FALSE;
    if (reader->block->count == 0)
      return TRUE;
    if (!put_record(reader, into, error))
      return FALSE;
  }
  return TRUE;
}

static void reader_free(gpointer data) {
  FormReader *reader = data;
  record_block_free(reader->block);
  g_free(reader);
}

ReconSource *compare_form_open(const CompareForm *form) {
  StagingColumn columns[FORM_OTHERS + COMPARE_OTHERS_MOST];
  g_auto(GStrv) names = g_new0(char *, form->n + 1);
  for (guint i = 0; i < form->n; i++)
    columns[i] = (StagingColumn){names[i] = name_of(i), i == FORM_AMOUNT ? BLOCK_INTEGER : BLOCK_TEXT, 0};
  FormReader *reader = g_new0(FormReader, 1);
  *reader = (FormReader){.form = form, .block = recon_block_new(form->source, BLOCK_RECORDS)};
  return recon_source_of_blocks(columns, form->n, fill_compared, reader, reader_free);
}

char **compare_form_order(const CompareForm *form) {
  char **order = g_new0(char *, form->n + 1);
  for (guint i = 0; i < form->n; i++)
    order[i] = name_of(i);
  return order;
}
