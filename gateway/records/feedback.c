/* header → records → trailer, a buffer at a time. Every record's outcome comes from one place (outcome_of), and
 * everything written is counted; the trailer is made from the counts, after they were held against what the book says.
 */
#include "gateway/records/feedback.h"
#include "gateway/common/codes.h"
#include "gateway/records/answer_groups.h"
#include "store/book.h"
#include <string.h>

/* Staging keeps 2,048 records a row. Fewer are read at a time where records are long: memory is flat for these too. */
enum { BLOCK_RECORDS = 2048, FIRST_RECORDS = 128, MOST_TEXT = 4 << 20, BUFFER_BYTES = 256 * 1024 };
static const char *const WORDS[] = {
    [OUTCOME_ACCEPTED] = "OK", [OUTCOME_REJECTED] = "REJECTED", [OUTCOME_DUPLICATE] = "DUPLICATE"};

/* The places of fixed lines (feedback.h names them). */
static const CellPlace WORD_PLACE = {FEEDBACK_WORD_BYTES, FALSE, ' ', 0, NULL},
                       CODE_PLACE = {FEEDBACK_CODE_BYTES, FALSE, ' ', 0, NULL},
                       MESSAGE_PLACE = {FEEDBACK_MESSAGE_BYTES, FALSE, ' ', 0, NULL},
                       NAME_PLACE = {FEEDBACK_NAME_BYTES, FALSE, ' ', 0, NULL},
                       FIELD_PLACE = {FEEDBACK_FIELD_BYTES, FALSE, ' ', 0, NULL},
                       LINE_PLACE = {FEEDBACK_COUNT_BYTES, TRUE, '0', 0, NULL};

struct FeedbackWriter {
  FeedbackOptions options;
  Rows rows;
  enum { AT_HEADER, AT_RECORDS, AT_TRAILER, AT_END } at;
  const guint8 *out; /* what is still to be handed out */
  gsize out_length;
  guint64 lines; /* written so far */
  Echoes echoes;
  AnswerAmount amount;
  AnswerGroups groups;
  gboolean is_whole;      /* the file's verdict is every record's */
  Outcome whole;
  RecordBlock *block;
  guint in_block, fault, window; /* window: how many are read at a time */
  guint64 record;                /* the next one, from 1 */
  guint batch;                   /* index of the next batch */
  guint64 batch_last;
  ExceptionCursor *cursor;
  const RecordException *exception;
  LineTally tally, of_batch;
  GString *code, *code_row; /* the last code and how it is written: mostly the next one's too */
  guint explain;            /* bits of ConfExplain */
};

/* --- Beginning */

static gboolean find_amount(FeedbackWriter *writer, GError **error) {
  const FeedbackOptions *options = &writer->options;
  const Layout *layout = options->layout;
  guint n;
  writer->amount.present = options->amount_column >= 0;
  if (options->amount_column < 0 || !options->staging)
    return TRUE;
  guint at = (guint)options->amount_column;
  const StagingColumn *columns = staging_columns(options->staging, &n);
  if (at >= n || columns[at].type != BLOCK_INTEGER)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "feedback: column %u is no amount", at);
  writer->amount.scale = columns[at].scale;
  for (guint type = layout->n_types; type-- > 0 && at < layout->n_columns;) {
    const LayoutField *field = layout_field_of(layout, type, at);
    if (field && field->is_fixed)
      writer->amount.field = (ConfField){.implied = field->conf->implied, .sign = field->conf->sign, .pad = '0'};
  }
  return TRUE;
}

/* Fixed lines without line ends are all as long as the longest. */
static void find_line_bytes(FeedbackWriter *writer) {
  const Layout *layout = writer->options.layout;
  const Shape *header = &layout->shapes[SHAPE_HEADER];
  gsize head = writer->options.staging && header->present && header->n_fields > 0
                   ? header->bytes
                   : layout->tag_bytes + FEEDBACK_NAME_BYTES;
  gsize record = layout->tag_bytes + echoes_width(&writer->echoes) + FEEDBACK_WORD_BYTES + FEEDBACK_CODE_BYTES;
  static const guint places[] = {[CONF_EXPLAIN_LINE] = FEEDBACK_COUNT_BYTES,
                                 [CONF_EXPLAIN_FIELD] = FEEDBACK_FIELD_BYTES,
                                 [CONF_EXPLAIN_REASON] = FEEDBACK_MESSAGE_BYTES};
  for (guint i = 0; i < G_N_ELEMENTS(places); i++)
    record += writer->explain >> i & 1 ? places[i] : 0;
  gsize trailer = layout->tag_bytes + MAX(answer_totals_width(), answer_groups_width(&writer->groups));
  head += FEEDBACK_WORD_BYTES + FEEDBACK_CODE_BYTES + FEEDBACK_MESSAGE_BYTES;
  writer->rows.line_bytes = MAX(head, MAX(record, trailer));
}

static gboolean conserves(const FeedbackOptions *options, GError **error) {
  guint64 staged = options->staging ? staging_count(options->staging) : 0;
  if (options->records == options->accepted + options->rejected + options->duplicates && staged == options->records)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                             "feedback: %" G_GUINT64_FORMAT " records staged, %" G_GUINT64_FORMAT
                             " validated, %" G_GUINT64_FORMAT " accepted + %" G_GUINT64_FORMAT
                             " rejected + %" G_GUINT64_FORMAT " duplicates",
                             staged, options->records, options->accepted, options->rejected, options->duplicates);
}

FeedbackWriter *feedback_writer_new(const FeedbackOptions *options, GError **error) {
  if (!conserves(options, error))
    return NULL;
  FeedbackWriter *writer = g_new0(FeedbackWriter, 1);
  writer->options = *options;
  writer->record = 1;
  writer->window = FIRST_RECORDS;
  writer->code = g_string_new(NULL);
  writer->code_row = g_string_new(NULL);
  writer->is_whole = !g_str_equal(options->verdict, "ACCEPTED");
  writer->explain = options->conf ? options->conf->explain : 0;
  writer->whole = g_str_equal(options->verdict, "DUPLICATE") ? OUTCOME_DUPLICATE : OUTCOME_REJECTED;
  if (rows_open(&writer->rows, options->layout, options->conf, error) &&
      echoes_open(&writer->echoes, options, &writer->rows, error) && find_amount(writer, error) &&
      answer_groups_open(&writer->groups, options, &writer->rows, error)) {
    find_line_bytes(writer);
    writer->block = options->staging ? staging_block_new(options->staging, BLOCK_RECORDS) : NULL;
    return writer;
  }
  feedback_writer_free(writer);
  return NULL;
}

void feedback_writer_free(FeedbackWriter *writer) {
  if (!writer)
    return;
  rows_close(&writer->rows);
  echoes_clear(&writer->echoes);
  answer_groups_clear(&writer->groups);
  record_block_free(writer->block);
  exception_cursor_free(writer->cursor);
  g_string_free(writer->code, TRUE);
  g_string_free(writer->code_row, TRUE);
  g_free(writer);
}

gboolean feedback_check(const Layout *layout, const ConfFeedback *conf, GError **error) {
  Rows rows;
  gboolean ok = rows_open(&rows, layout, conf, error);
  if (ok)
    rows_close(&rows);
  return ok;
}

/* --- Header and trailer */

static gboolean is_taken(const Layout *layout, const char *tag) {
  gsize length = layout->is_fixed ? MIN(strlen(tag), layout->tag_bytes) : strlen(tag);
  for (guint i = 0; i < layout->n_shapes; i++) {
    const Shape *shape = &layout->shapes[i];
    if (shape->tag && shape->tag_length == length && memcmp(shape->tag, tag, length) == 0)
      return TRUE;
  }
  return FALSE;
}

/* The layout's tag, or ours where the layout has no such line; one that none of its lines has. */
static void put_tag(FeedbackWriter *writer, ShapeKind kind) {
  static const char *const ours[SHAPE_RECORD][3] = {{"H", "HEADER", "0"}, {"T", "TRAILER", "9"}};
  const Layout *layout = writer->options.layout;
  const char *tag = layout->shapes[kind].tag;
  if (layout->conf->lines_by != CONF_LINES_BY_TAG)
    return;
  for (guint i = 0; !tag; i++)
    tag = i + 1 == G_N_ELEMENTS(ours[kind]) || !is_taken(layout, ours[kind][i]) ? ours[kind][i] : NULL;
  rows_put_text(&writer->rows, (CellPlace){layout->tag_bytes, FALSE, ' ', 0, NULL}, tag);
  rows_put_delimiter(&writer->rows);
}

static void put_header_field(FeedbackWriter *writer, const LayoutField *field) {
  Rows *rows = &writer->rows;
  CellPlace place = rows_place_of(field->conf);
  g_autofree char *name = g_strconcat("header.", field->conf->name, NULL);
  g_autofree char *value = staging_get(writer->options.staging, name);
  g_autofree char *of_spelling = g_strconcat("header" LAYOUT_SPELLING ".", field->conf->name, NULL);
  g_autofree char *spelling = staging_get(writer->options.staging, of_spelling);
  char printed[DATES_LONGEST];
  gboolean is_date = value && field->format && !spelling;
  gsize length = is_date ? date_format_print(field->format, value, strlen(value), printed) : 0;
  if (!value)
    rows_put_absent(rows, place);
  else if (value_is_integer(field->conf))
    rows_put_number(rows, place, value, strlen(value));
  else
    rows_put_value(rows, place, length ? printed : spelling ? spelling : value,
                   length ? length : strlen(spelling ? spelling : value));
  rows_put_delimiter(rows);
}

static void put_header(FeedbackWriter *writer) {
  Rows *rows = &writer->rows;
  const Shape *header = &writer->options.layout->shapes[SHAPE_HEADER];
  put_tag(writer, SHAPE_HEADER);
  if (writer->options.staging && header->present && header->n_fields > 0) {
    for (guint i = 0; i < header->n_fields; i++)
      put_header_field(writer, &header->fields[i]);
  } else {
    rows_put_text(rows, NAME_PLACE, writer->options.file_name);
    rows_put_delimiter(rows);
  }
  rows_put_text(rows, WORD_PLACE, writer->options.verdict);
  rows_put_delimiter(rows);
  rows_put_text(rows, CODE_PLACE, writer->options.code);
  rows_put_delimiter(rows);
  rows_put_text(rows, MESSAGE_PLACE, writer->options.message);
  rows_end_line(rows);
}

/* The proof. A file that fails it has got no trailer, and the caller throws away what it has read. */
static gboolean prove_conservation(const FeedbackWriter *writer, GError **error) {
  const FeedbackOptions *options = &writer->options;
  const LineTally *tally = &writer->tally;
  if (line_tally_records(tally) == options->records && tally->counts[OUTCOME_ACCEPTED] == options->accepted &&
      tally->counts[OUTCOME_REJECTED] == options->rejected && tally->counts[OUTCOME_DUPLICATE] == options->duplicates &&
      tally->amount == options->amount_accepted)
    return TRUE;
  return sallyport_error_set(
      error, SALLYPORT_ERROR_BUG,
      "feedback does not conserve: written %" G_GUINT64_FORMAT " accepted (amount %" G_GINT64_FORMAT
      "), %" G_GUINT64_FORMAT " rejected, %" G_GUINT64_FORMAT " duplicates; the book says %" G_GUINT64_FORMAT
      " (amount %" G_GINT64_FORMAT "), %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT,
      tally->counts[OUTCOME_ACCEPTED], tally->amount, tally->counts[OUTCOME_REJECTED], tally->counts[OUTCOME_DUPLICATE],
      options->accepted, options->amount_accepted, options->rejected, options->duplicates);
}

static gboolean put_trailer(FeedbackWriter *writer, GError **error) {
  if (!prove_conservation(writer, error))
    return FALSE;
  put_tag(writer, SHAPE_TRAILER);
  answer_put_totals(&writer->rows, &writer->amount, &writer->tally);
  return TRUE;
}

/* --- Records */

static gboolean check_batch(const FeedbackWriter *writer, GError **error) {
  const BookBatch *batch = writer->batch > 0 ? writer->options.batches->pdata[writer->batch - 1] : NULL;
  const LineTally *written = &writer->of_batch;
  if (!batch || writer->is_whole)
    return TRUE;
  if (writer->exception || written->counts[OUTCOME_ACCEPTED] != batch->accepted ||
      written->counts[OUTCOME_REJECTED] != batch->rejected || written->counts[OUTCOME_DUPLICATE] != batch->duplicates ||
      (writer->options.amount_column >= 0 && written->amount != batch->amount))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "feedback: batch %u is not what was validated",
                               batch->number);
  return TRUE;
}

static gboolean next_exception(FeedbackWriter *writer, GError **error) {
  g_autoptr(GError) damaged = NULL;
  writer->exception = exception_cursor_next(writer->cursor, &damaged);
  if (damaged) {
    g_propagate_error(error, g_steal_pointer(&damaged));
    return FALSE;
  }
  if (writer->exception &&
      (writer->exception->record < writer->record || writer->exception->record > writer->batch_last))
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "feedback: record %" G_GUINT64_FORMAT " is told about in another batch",
                               writer->exception->record);
  return TRUE;
}

static gboolean next_batch(FeedbackWriter *writer, GError **error) {
  const GPtrArray *batches = writer->options.batches;
  if (!check_batch(writer, error))
    return FALSE;
  const BookBatch *batch = writer->batch < batches->len ? batches->pdata[writer->batch] : NULL;
  if (!batch || batch->first != writer->record || batch->last < batch->first)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "feedback: no batch begins at record %" G_GUINT64_FORMAT,
                               writer->record);
  writer->batch++;
  writer->batch_last = batch->last;
  writer->of_batch = (LineTally){.amount = 0};
  exception_cursor_free(writer->cursor);
  writer->cursor = exception_cursor_new(batch->exceptions);
  return next_exception(writer, error);
}

static const RecordException *own_exception(const FeedbackWriter *writer) {
  const RecordException *exception = writer->exception;
  return exception && exception->record == writer->record ? exception : NULL;
}

/* The record's own exception, and the next one is looked at. The text lives until then: it is copied to the line
 * before. */
static gboolean outcome_of(FeedbackWriter *writer, const BlockFault *fault, Outcome *outcome, const char **code,
                           GError **error) {
  const RecordException *own = own_exception(writer);
  const char *own_code = own && *own->code ? own->code : fault ? fault->code : NULL;
  if (writer->is_whole) {
    *outcome = writer->whole;
    *code = own_code ? own_code : writer->options.code;
    return TRUE;
  }
  *outcome = own ? own->outcome : OUTCOME_ACCEPTED;
  *code = own_code ? own_code : "";
  if (fault && *outcome == OUTCOME_ACCEPTED)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                               "feedback: record %" G_GUINT64_FORMAT " could not be read (%s), and was accepted",
                               writer->record, fault->code);
  return TRUE;
}

static gboolean count_outcome(FeedbackWriter *writer, Outcome outcome, guint index, GError **error) {
  writer->tally.counts[outcome]++;
  writer->of_batch.counts[outcome]++;
  gboolean has_amount = outcome == OUTCOME_ACCEPTED && writer->amount.present;
  gint64 amount = has_amount ? record_block_integer(writer->block, (guint)writer->options.amount_column, index) : 0;
  if (answer_groups_count(&writer->groups, outcome, amount) &&
      !__builtin_add_overflow(writer->tally.amount, amount, &writer->tally.amount)) {
    writer->of_batch.amount += amount; /* a part of the other */
    return TRUE;
  }
  return sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                             "feedback: the accepted amounts are beyond 64 bits at record %" G_GUINT64_FORMAT,
                             writer->record);
}

static void put_code(FeedbackWriter *writer, const char *code) {
  Rows *rows = &writer->rows;
  if (!*code) {
    rows_put_absent(rows, CODE_PLACE);
    return;
  }
  if (g_str_equal(code, writer->code->str)) {
    rows_put(rows, writer->code_row->str, writer->code_row->len);
    return;
  }
  gsize start = rows->length, whole = strlen(code);
  while (rows->is_fixed && whole > FEEDBACK_CODE_BYTES && g_strrstr_len(code, (gssize)whole, ","))
    whole = (gsize)(g_strrstr_len(code, (gssize)whole, ",") - code); /* whole codes, as many as fit */
  g_autofree char *cut = g_strndup(code, whole);
  rows_put_text(rows, CODE_PLACE, cut);
  g_string_assign(writer->code, code);
  g_string_truncate(writer->code_row, 0);
  g_string_append_len(writer->code_row, (const char *)rows->bytes + start, (gssize)(rows->length - start));
}

/* Which field is at fault: the one that could not be read, or the key where it is one of ours about keys. */
static const char *field_of(const FeedbackWriter *writer, const BlockFault *fault, const char *own_code) {
  static const char *const about_keys[] = {CODE_NO_RECORDS_KEY, CODE_KEY_REPEATED, CODE_KEY_CONTRADICTS,
                                           CODE_KEY_POSTED,     CODE_KEY_CONFLICT, NULL};
  guint n;
  if (fault)
    return fault->field < 0 ? "" : staging_columns(writer->options.staging, &n)[fault->field].name;
  return own_code && writer->options.key_field && g_strv_contains(about_keys, own_code) ? writer->options.key_field
                                                                                        : "";
}

/* Behind the code, what `explain` names: the line in the partner's file, the field, and why in words. */
static void put_explanation(FeedbackWriter *writer, const BlockFault *fault) {
  Rows *rows = &writer->rows;
  const RecordException *own = own_exception(writer);
  char line[VALUE_LONGEST];
  if (writer->explain & 1u << CONF_EXPLAIN_LINE) {
    rows_put_delimiter(rows);
    rows_put_number(rows, LINE_PLACE, line, value_print((gint64)writer->block->lines[writer->in_block], 0, line));
  }
  if (writer->explain & 1u << CONF_EXPLAIN_FIELD) {
    rows_put_delimiter(rows);
    rows_put_text(rows, FIELD_PLACE, field_of(writer, fault, own ? own->code : NULL));
  }
  if (writer->explain & 1u << CONF_EXPLAIN_REASON) {
    rows_put_delimiter(rows);
    rows_put_text(rows, MESSAGE_PLACE, own ? own->reason : fault ? fault->reason : "");
  }
}

static gboolean put_record(FeedbackWriter *writer, GError **error) {
  Rows *rows = &writer->rows;
  guint index = writer->in_block;
  const GArray *faults = writer->block->faults;
  const BlockFault *fault = writer->fault < faults->len ? &g_array_index(faults, BlockFault, writer->fault) : NULL;
  Outcome outcome;
  const char *code;
  if (writer->options.batches && writer->record > writer->batch_last && !next_batch(writer, error))
    return FALSE;
  if (fault && fault->record != index)
    fault = NULL;
  answer_groups_turn(&writer->groups, rows, &writer->amount, writer->block, index);
  if (!outcome_of(writer, fault, &outcome, &code, error) || !count_outcome(writer, outcome, index, error))
    return FALSE;
  (fault ? echoes_put_faulty : echoes_put)(&writer->echoes, rows, writer->block, index);
  rows_put_number(rows, WORD_PLACE, WORDS[outcome], strlen(WORDS[outcome]));
  rows_put_delimiter(rows);
  put_code(writer, code);
  if (writer->explain)
    put_explanation(writer, fault);
  rows_end_line(rows);
  writer->fault += fault != NULL;
  if (writer->exception && writer->exception->record == writer->record && !next_exception(writer, error))
    return FALSE;
  writer->in_block++;
  writer->record++;
  return TRUE;
}

static gboolean load_block(FeedbackWriter *writer, GError **error) {
  writer->in_block = writer->fault = 0;
  if (writer->block->text_bytes > MOST_TEXT && writer->window > 1)
    writer->window /= 2;
  else if (writer->block->text_bytes < MOST_TEXT / 4 && writer->window < BLOCK_RECORDS && writer->record > 1)
    writer->window *= 2;
  guint left_in_row = BLOCK_RECORDS - (guint)((writer->record - 1) % BLOCK_RECORDS);
  return staging_read(writer->options.staging, writer->record, MIN(writer->window, left_in_row), writer->block, error);
}

static gboolean put_records(FeedbackWriter *writer, GError **error) {
  while (writer->rows.length < BUFFER_BYTES && writer->record <= writer->options.records) {
    if (writer->in_block >= writer->block->count && !load_block(writer, error))
      return FALSE;
    if (writer->in_block >= writer->block->count)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                 "feedback: record %" G_GUINT64_FORMAT " is missing in staging", writer->record);
    if (!put_record(writer, error))
      return FALSE;
  }
  if (writer->record <= writer->options.records)
    return TRUE;
  answer_groups_end(&writer->groups, &writer->rows, &writer->amount, 0);
  writer->at = AT_TRAILER;
  return !writer->options.batches || check_batch(writer, error);
}

/* --- The stream */

static gboolean fill_feedback(FeedbackWriter *writer, GError **error) {
  guint64 line = writer->lines + 1;
  writer->rows.length = 0;
  if (writer->at == AT_HEADER) {
    put_header(writer);
    writer->at = AT_RECORDS;
  } else if (writer->at == AT_RECORDS) {
    if (!put_records(writer, error))
      return FALSE;
  } else {
    if (!put_trailer(writer, error))
      return FALSE;
    writer->at = AT_END;
  }
  writer->lines += writer->rows.lines;
  return rows_encode(&writer->rows, line, &writer->out, &writer->out_length, error);
}

gssize feedback_writer_read(gpointer data, void *into, gsize limit, GError **error) {
  FeedbackWriter *writer = data;
  while (writer->out_length == 0 && writer->at != AT_END)
    if (!fill_feedback(writer, error))
      return -1;
  gsize length = MIN(writer->out_length, limit);
  if (length > 0)
    memcpy(into, writer->out, length);
  writer->out += length;
  writer->out_length -= length;
  return (gssize)length;
}
