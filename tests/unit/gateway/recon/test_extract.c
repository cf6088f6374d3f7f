/* Extracts: ordered by an external merge sort, stable, resumed at any record; and the lines that are made of
 * records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/recon/format.h"
#include "gateway/recon/source_block.h"
#include "tests/unit/folder.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const StagingColumn columns[] = {
    {"text", BLOCK_TEXT, 0}, {"number", BLOCK_INTEGER, 2}, {"turn", BLOCK_INTEGER, 0}};
typedef struct {
  guint n, at;
} Numbers;

/* Pseudo-random texts and numbers with many equal ones and some nulls, the same each time. */
static gboolean fill(gpointer user, RecordBlock *block, GError **error) {
  (void)error;
  Numbers *numbers = user;
  for (; numbers->at < numbers->n && record_block_has_room(block); numbers->at++) {
    guint32 random = (guint32)(numbers->at * 2654435761u);
    char text[40];
    int length = g_snprintf(text, sizeof text, "%.*s-%u", (int)(random % 17), "abcdefghijklmnopq", random % 5);
    record_block_begin(block, numbers->at + 1);
    if (random % 11)
      record_block_put_text(block, 0, text, (gsize)length);
    record_block_put_integer(block, 1, (gint64)(random % 1000) - 500);
    record_block_put_integer(block, 2, numbers->at);
    record_block_end(block);
  }
  return TRUE;
}

static ReconSource *numbers_source(guint n) {
  Numbers *numbers = g_new0(Numbers, 1);
  numbers->n = n;
  return recon_source_of_blocks(columns, G_N_ELEMENTS(columns), fill, numbers, g_free);
}

static char *make_extract(const char *folder, guint n, char *const *order) {
  GError *error = NULL;
  g_autoptr(ReconSource) source = numbers_source(n);
  ReconExtractOptions options = {.folder = folder, .name = "extract", .order = order};
  char *sha256 = NULL;
  guint64 records;
  if (!recon_extract_make(source, &options, &sha256, &records, &error))
    fail_msg("%s", error->message);
  assert_int_equal(records, n);
  return sha256;
}

typedef struct {
  char *text;
  gint64 number, turn;
  gboolean is_null;
} Row;
static void row_clear(gpointer row) {
  g_free(((Row *)row)->text);
}

/* Reads it; with `stop_at` > 0 only so far, and *position is behind the last. */
static GArray *read_extract(const char *folder, const char *position, guint stop_at, char **behind) {
  GError *error = NULL;
  GArray *rows = g_array_new(FALSE, TRUE, sizeof(Row));
  g_array_set_clear_func(rows, row_clear);
  g_autoptr(ReconSource) source = recon_extract_open(folder, "extract", position, &error);
  if (!source)
    fail_msg("%s", error->message);
  for (const ReconBatch *batch;;) {
    if (!source->next(source, &batch, &error))
      fail_msg("%s", error->message);
    if (!batch)
      return rows;
    for (guint i = 0; i < batch->n; i++) {
      guint record = batch->entries[i].record;
      const RecordBlock *block = batch->pieces[0].block;
      gsize length;
      const char *text = record_block_text(block, 0, record, &length);
      Row row = {g_strndup(text, length), record_block_integer(block, 1, record),
                 record_block_integer(block, 2, record), record_block_is_null(block, 0, record)};
      g_array_append_val(rows, row);
      if (rows->len == stop_at) {
        *behind = source->position(source, i);
        return rows;
      }
    }
  }
}

static int compare(const Row *a, const Row *b) {
  int order = a->is_null != b->is_null ? (b->is_null ? 1 : -1) : strcmp(a->text, b->text);
  return order                    ? order
         : a->number != b->number ? (a->number > b->number) - (a->number < b->number)
                                  : (a->turn > b->turn) - (a->turn < b->turn);
}

static void many_runs_are_merged_in_order_and_equal_keys_keep_theirs(void **state) {
  enum { N = 900000 };
  char *order[] = {(char *)"text", (char *)"number", NULL};
  g_autofree char *first = make_extract(*state, N, order);
  g_autoptr(GArray) rows = read_extract(*state, NULL, 0, NULL);
  g_autofree guint8 *seen = g_new0(guint8, N);
  assert_int_equal(rows->len, N);
  for (guint i = 0; i < N; i++) {
    assert_int_equal(seen[g_array_index(rows, Row, i).turn]++, 0);
    if (i > 0 && compare(&g_array_index(rows, Row, i - 1), &g_array_index(rows, Row, i)) >= 0)
      fail_msg("record %u is out of order", i);
  }
  g_autofree char *second = make_extract(*state, N, order);
  assert_string_equal(first, second);
}

static void reading_goes_on_behind_any_record(void **state) {
  enum { N = 9000 };
  g_autofree char *sha256 = make_extract(*state, N, NULL);
  for (guint at = 1; at <= N; at += 997) {
    g_autofree char *behind = NULL;
    g_autoptr(GArray) head = read_extract(*state, NULL, at, &behind);
    g_autoptr(GArray) rest = read_extract(*state, behind, 0, NULL);
    assert_int_equal(head->len + rest->len, N);
    if (rest->len)
      assert_int_equal(g_array_index(rest, Row, 0).turn, at);
  }
}

static void a_damaged_extract_is_refused(void **state) {
  g_autofree char *sha256 = make_extract(*state, 5000, NULL), *path = g_build_filename(*state, "extract", NULL);
  GError *error = NULL;
  assert_int_equal(truncate(path, 30000), 0);
  g_autoptr(ReconSource) source = recon_extract_open(*state, "extract", NULL, &error);
  assert_non_null(source);
  const ReconBatch *batch = NULL;
  while (source->next(source, &batch, &error) && batch)
    ;
  assert_non_null(error);
  g_clear_error(&error);
  assert_null(recon_extract_open(*state, "nothing", NULL, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_FILE);
  g_clear_error(&error);
}

/* --- Lines */

typedef struct {
  const char *texts[8];
  gint64 numbers[8];
  guint n;
  gboolean is_done;
} Few;

static gboolean fill_few(gpointer user, RecordBlock *block, GError **error) {
  (void)error;
  Few *few = user;
  for (guint i = 0; i < few->n && !few->is_done; i++) {
    record_block_begin(block, i + 1);
    if (few->texts[i])
      record_block_put_text(block, 0, few->texts[i], strlen(few->texts[i]));
    record_block_put_integer(block, 1, few->numbers[i]);
    record_block_end(block);
  }
  few->is_done = TRUE;
  return TRUE;
}

static char *lines_of(const Few *few, ConfReconcile reconcile, gint64 *total, GError **error) {
  char *names[] = {(char *)"number", (char *)"text", NULL};
  g_autoptr(ReconSource) source = recon_source_of_blocks(columns, 3, fill_few, g_memdup2(few, sizeof *few), g_free);
  g_autoptr(GByteArray) lines = g_byte_array_new();
  const ReconBatch *batch;
  reconcile.read.columns = names;
  reconcile.read.amount = (char *)"number";
  reconcile.charset = reconcile.charset ? reconcile.charset : (char *)"UTF-8";
  ReconFormat *format = recon_format_new(&reconcile, source, error);
  assert_non_null(format);
  assert_true(source->next(source, &batch, error));
  recon_format_batch(format, batch);
  *total = 0;
  gboolean ok = recon_format_header(format, lines, error) &&
                recon_format_lines(format, 0, batch->n, lines, total, error);
  recon_format_free(format);
  return ok ? g_strndup((const char *)lines->data, lines->len) : NULL;
}

static void values_are_quoted_guarded_and_scaled(void **state) {
  (void)state;
  GError *error = NULL;
  gint64 total;
  Few few = {.texts = {"plain", "a,b", "say \"no\"", "two\nlines", NULL, "=1+1", "积分"},
             .numbers = {1, -5, 12345, 0, G_MININT64 + 1, 100, 7},
             .n = 7};
  ConfReconcile csv = {.delimiter = (char *)",", .line_end = (char *)"lf", .quote = TRUE, .header_line = TRUE};
  g_autofree char *plain = lines_of(&(Few){.texts = {"plain", "x"}, .numbers = {1, -5}, .n = 2}, csv, &total, &error);
  assert_string_equal(plain, "number,text\n0.01,plain\n-0.05,x\n");
  assert_int_equal(total, -4);
  g_autofree char *all = lines_of(&few, csv, &total, &error);
  assert_string_equal(all, "number,text\n0.01,plain\n-0.05,\"a,b\"\n123.45,\"say "
                           "\"\"no\"\"\"\n0.00,\"two\nlines\"\n-92233720368547758.07,\n1.00,=1+1\n0.07,积分\n");
  ConfReconcile guarded = {.delimiter = (char *)"||", .line_end = (char *)"crlf", .quote = TRUE, .neutralise = TRUE};
  g_autofree char *other = lines_of(&(Few){.texts = {"=1+1", "a|b"}, .numbers = {-1, 1}, .n = 2}, guarded, &total,
                                    &error);
  assert_string_equal(other, "-0.01||'=1+1\r\n0.01||\"a|b\"\r\n");
}

static void what_cannot_be_written_as_configured_is_refused(void **state) {
  (void)state;
  GError *error = NULL;
  gint64 total;
  ConfReconcile unquoted = {.delimiter = (char *)"|", .line_end = (char *)"lf"};
  assert_null(lines_of(&(Few){.texts = {"a|b"}, .n = 1}, unquoted, &total, &error));
  assert_non_null(strstr(error->message, "\"text\""));
  g_clear_error(&error);
  ConfReconcile latin = {.delimiter = (char *)"|", .line_end = (char *)"lf", .charset = (char *)"ISO-8859-1"};
  assert_null(lines_of(&(Few){.texts = {"积"}, .n = 1}, latin, &total, &error));
  assert_non_null(strstr(error->message, "U+79EF"));
  g_clear_error(&error);
  assert_null(lines_of(&(Few){.texts = {"a", "b"}, .numbers = {G_MAXINT64, 1}, .n = 2}, unquoted, &total, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_FILE);
  g_clear_error(&error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(many_runs_are_merged_in_order_and_equal_keys_keep_theirs, folder_set_up,
                                      folder_tear_down),
      cmocka_unit_test_setup_teardown(reading_goes_on_behind_any_record, folder_set_up, folder_tear_down),
      cmocka_unit_test_setup_teardown(a_damaged_extract_is_refused, folder_set_up, folder_tear_down),
      cmocka_unit_test(values_are_quoted_guarded_and_scaled),
      cmocka_unit_test(what_cannot_be_written_as_configured_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
