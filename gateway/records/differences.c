#include "gateway/records/differences.h"
#include "gateway/base/files.h"
#include "gateway/records/rows.h"
#include <string.h>

enum { BUFFER_BYTES = 256 * 1024, WORD_BYTES = 14, NUMBER_BYTES = 21, TEXT_BYTES = 21 };
static const CellPlace WORD = {WORD_BYTES, FALSE, ' ', 0, NULL}, NUMBER = {NUMBER_BYTES, TRUE, ' ', 0, NULL},
                       TEXT = {TEXT_BYTES, FALSE, ' ', 0, NULL}, NAME = {100, FALSE, ' ', 0, NULL};

struct DifferenceWriter {
  Rows rows;
  const Layout *layout;
  CellPlace key;
  int fd;
  guint64 lines;
};

static CellPlace place_of_key(const ConfLayout *conf, const char *key) {
  const ConfField *field = conf_line_field(&conf->record, key);
  return field ? rows_place_of(field) : (CellPlace){40, FALSE, ' ', 0, NULL};
}

DifferenceWriter *difference_writer_new(const Layout *layout, const ConfFeedback *conf, const char *key, int fd,
                                        GError **error) {
  DifferenceWriter *writer = g_new0(DifferenceWriter, 1);
  writer->layout = layout;
  writer->fd = fd;
  writer->key = place_of_key(layout_conf(layout), key);
  if (rows_open(&writer->rows, layout, conf, error))
    return writer;
  g_free(writer);
  return NULL;
}

void difference_writer_free(DifferenceWriter *writer) {
  if (!writer)
    return;
  rows_close(&writer->rows);
  g_free(writer);
}

static gboolean flush(DifferenceWriter *writer, GError **error) {
  const guint8 *bytes;
  gsize length;
  guint64 lines = writer->rows.lines;
  if (!rows_encode(&writer->rows, writer->lines + 1, &bytes, &length, error) ||
      !files_write_all(writer->fd, bytes, length, error))
    return FALSE;
  writer->lines += lines;
  writer->rows.length = 0;
  return TRUE;
}

static void put_tag(DifferenceWriter *writer, const ConfLine *line, const char *otherwise) {
  const ConfLayout *conf = layout_conf(writer->layout);
  if (conf->lines_by != CONF_LINES_BY_TAG)
    return;
  rows_put_text(&writer->rows, (CellPlace){writer->layout->tag_bytes, FALSE, ' ', 0, NULL},
                line->tag ? line->tag : otherwise);
  rows_put_delimiter(&writer->rows);
}

static void put_integer(DifferenceWriter *writer, Wide value, guint scale) {
  char text[WIDE_BYTES];
  rows_put_number(&writer->rows, NUMBER, text, wide_print(value, scale, text));
}

static void put_side(DifferenceWriter *writer, const Wide *amount, guint scale, const char *text) {
  rows_put_delimiter(&writer->rows);
  if (amount)
    put_integer(writer, *amount, scale);
  else if (text)
    rows_put_value(&writer->rows, TEXT, text, strlen(text));
  else
    rows_put_absent(&writer->rows, NUMBER);
}

gboolean difference_writer_header(DifferenceWriter *writer, const char *what, GError **error) {
  put_tag(writer, &layout_conf(writer->layout)->header, "H");
  rows_put_text(&writer->rows, NAME, what);
  rows_end_line(&writer->rows);
  return flush(writer, error);
}

gboolean difference_writer_line(DifferenceWriter *writer, const DifferenceLine *line, GError **error) {
  const ConfLayout *conf = layout_conf(writer->layout);
  put_tag(writer, &conf->record, "D");
  rows_put_value(&writer->rows, writer->key, line->key, line->key_length);
  rows_put_delimiter(&writer->rows);
  rows_put_text(&writer->rows, WORD, line->word);
  put_side(writer, line->ours, line->scale, line->our_text);
  put_side(writer, line->theirs, line->scale, line->their_text);
  rows_end_line(&writer->rows);
  return writer->rows.length < BUFFER_BYTES || flush(writer, error);
}

gboolean difference_writer_trailer(DifferenceWriter *writer, const DifferenceTotals *totals, GError **error) {
  put_tag(writer, &layout_conf(writer->layout)->trailer, "T");
  put_integer(writer, totals->differences, 0);
  rows_put_delimiter(&writer->rows);
  put_integer(writer, totals->ours, 0);
  rows_put_delimiter(&writer->rows);
  put_integer(writer, totals->total_ours, totals->scale);
  rows_put_delimiter(&writer->rows);
  put_integer(writer, totals->theirs, 0);
  rows_put_delimiter(&writer->rows);
  put_integer(writer, totals->total_theirs, totals->scale);
  rows_end_line(&writer->rows);
  return flush(writer, error);
}
