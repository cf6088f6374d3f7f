/* The layouts that are shipped, as feeds use them: the good file of each is staged, and answered in its own lines with
 * all that its records have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/records/feedback.h"
#include "gateway/records/stage.h"
#include "store/book.h"
#include "tests/unit/gateway/records/formats.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* Staged as a feed would; the names of all columns, to be repeated. */
static StagingReader *stage_file(const char *data, Layout *layout, const char *path) {
  int fd = open(data, O_RDONLY | O_CLOEXEC);
  StageOptions options = {
      .layout = layout, .plaintext = fd, .path = path, .arrival = day_of(2026, 11, 20), .threads = 2};
  Staged staged = {0};
  GError *error = NULL;
  if (fd < 0 || !stage_plaintext(&options, NULL, &staged, &error))
    fail_msg("%s: %s", data, error ? error->message : "is missing");
  staged_clear(&staged);
  close(fd);
  StagingReader *reader = staging_reader_open(path, &error);
  assert_non_null(reader);
  return reader;
}

static StagingReader *stage(const char *name, Layout *layout, const char *path, GPtrArray *columns) {
  g_autofree char *data = g_strconcat(FORMATS, "/", name, ".good.dat", NULL);
  guint n;
  const StagingColumn *all = layout_columns(layout, &n);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add(columns, g_strdup(all[i].name));
  for (guint i = 0; i < n; i++)
    layout_keep_spelling(layout, columns->pdata[i]);
  g_ptr_array_add(columns, NULL);
  StagingReader *reader = stage_file(data, layout, path);
  g_autofree char *problem = staging_get(reader, "problem.reason");
  assert_null(problem);
  return reader;
}

static GString *answer(const char *name, const FeedbackOptions *options) {
  GError *error = NULL;
  GString *text = g_string_new(NULL);
  char piece[4096];
  FeedbackWriter *writer = feedback_writer_new(options, &error);
  gssize n = -1;
  while (writer && (n = feedback_writer_read(writer, piece, sizeof piece, &error)) > 0)
    g_string_append_len(text, piece, n);
  if (n < 0)
    fail_msg("%s: %s", name, error->message);
  feedback_writer_free(writer);
  return text;
}

/* The line, with what is said of it behind; a date of zeros is none, and answered so. */
static gboolean repeats(const char *answered, const char *line) {
  for (; *line; line++, answered++)
    if (*answered != *line && (*answered != ' ' || *line != '0'))
      return FALSE;
  return TRUE;
}

/* From *at on, the answer has this line; *at is behind it then. */
static void find_line(const char *name, char **lines, guint64 line, char **answered, guint *at) {
  g_autofree char *wanted = g_strchomp(g_strdup(lines[line - 1]));
  while (answered[*at] && !repeats(answered[*at], wanted))
    (*at)++;
  if (!answered[(*at)++])
    fail_msg("%s: \"%s\" was not answered by such a line", name, wanted);
}

/* A fixed line whose tag begins it comes back whole, byte for byte, before what is said of it; and the headers of its
 * groups stand before it. */
static void check_lines(const char *name, const Layout *layout, StagingReader *staging, const GString *told) {
  g_autofree char *path = g_strconcat(FORMATS, "/", name, ".good.dat", NULL), *data = NULL;
  g_autoptr(RecordBlock) block = staging_block_new(staging, 1);
  const ConfLayout *conf = layout_conf(layout);
  gint64 begun[8] = {0};
  guint at = 1;
  if (conf->kind != CONF_LAYOUT_FIXED || conf->tag_at || conf->line_end == CONF_LINE_END_NONE)
    return;
  assert_true(g_file_get_contents(path, &data, NULL, NULL));
  g_auto(GStrv) lines = g_strsplit(data, "\n", -1), answered = g_strsplit(told->str, "\n", -1);
  for (guint64 record = 1; record <= staging_count(staging); record++) {
    assert_true(staging_read(staging, record, 1, block, NULL));
    for (guint g = 0; conf->groups && g < conf->groups->len; g++) {
      const ConfGroup *group = conf->groups->pdata[g];
      gint64 begins = record_block_integer(block, (guint)layout_column(layout, group->name), 0);
      if (begins != begun[g])
        find_line(name, lines, (guint64)begins, answered, &at);
      begun[g] = begins;
    }
    if (conf->records->len == 1)
      find_line(name, lines, block->lines[0], answered, &at);
  }
}

static void check(const char *name, const char *folder) {
  g_autofree char *path = g_strconcat(SHIPPED, "/", name, ".conf", NULL);
  g_autofree char *staged = g_build_filename(folder, name, NULL);
  g_autoptr(GPtrArray) columns = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  Conf *conf = formats_read(path);
  Layout *layout = layout_new(conf_layout(conf, name), &error);
  assert_null(error);
  StagingReader *staging = stage(name, layout, staged, columns);
  guint64 n = staging_count(staging);
  ConfFeedback feedback = {.columns = (char **)columns->pdata, .group_lines = TRUE};
  FeedbackOptions options = {.layout = layout,
                             .conf = &feedback,
                             .file_name = name,
                             .verdict = "REJECTED",
                             .code = "E1",
                             .message = "",
                             .staging = staging,
                             .amount_column = -1,
                             .records = n,
                             .rejected = n};
  GString *told = answer(name, &options);
  check_lines(name, layout, staging, told);
  g_string_free(told, TRUE);
  staging_reader_close(staging);
  staging_remove(staged);
  layout_free(layout);
  conf_free(conf);
}

static void each_published_format_is_answered_in_its_own_lines(void **state) {
  (void)state;
  g_autofree char *work = g_dir_make_tmp("published-XXXXXX", NULL);
  GDir *folder = g_dir_open(SHIPPED, 0, NULL);
  guint n = 0;
  assert_non_null(folder);
  for (const char *file; (file = g_dir_read_name(folder)); n++) {
    g_autofree char *name = g_strndup(file, strcspn(file, "."));
    check(name, work);
  }
  g_dir_close(folder);
  g_rmdir(work);
  assert_true(n >= 24);
}

/* What became of each: a record that can be read is accepted. */
static BookBatch *judge(StagingReader *staging, FeedbackOptions *options) {
  g_autoptr(RecordBlock) block = staging_block_new(staging, 1);
  ExceptionPacker *packer = exception_packer_new();
  for (guint64 record = 1; record <= options->records; record++) {
    assert_true(staging_read(staging, record, 1, block, NULL));
    const BlockFault *fault = record_block_fault(block, 0);
    *(fault ? &options->rejected : &options->accepted) += 1;
    if (fault)
      exception_packer_add(packer, &(RecordException){.record = record,
                                                      .line = block->lines[0],
                                                      .outcome = OUTCOME_REJECTED,
                                                      .code = (char *)fault->code,
                                                      .reason = fault->reason});
    else
      options->amount_accepted += record_block_integer(block, (guint)options->amount_column, 0);
  }
  BookBatch *batch = g_new0(BookBatch, 1);
  *batch = (BookBatch){.number = 1,
                       .first = 1,
                       .last = options->records,
                       .accepted = (guint)options->accepted,
                       .rejected = (guint)options->rejected,
                       .amount = options->amount_accepted,
                       .exceptions = exception_packer_finish(packer)};
  return batch;
}

/* FORMAT.WHAT.answer beside the file: its key, its groups, and where a record is refused, why. */
static void check_answer(const char *name, const char *what, const char *key, const char *folder) {
  g_autofree char *path = g_strconcat(SHIPPED, "/", name, ".conf", NULL), *expected = NULL;
  g_autofree char *file = g_strconcat(FORMATS, "/", name, ".", what, ".dat", NULL);
  g_autofree char *answered = g_strconcat(FORMATS, "/", name, ".", what, ".answer", NULL);
  g_autofree char *staged = g_build_filename(folder, name, NULL);
  char *columns[] = {(char *)key, NULL};
  g_autoptr(GPtrArray) batches = g_ptr_array_new();
  Conf *conf = formats_read(path);
  Layout *layout = layout_new(conf_layout(conf, name), NULL);
  layout_keep_spelling(layout, key);
  StagingReader *staging = stage_file(file, layout, staged);
  ConfFeedback feedback = {.columns = columns, .group_lines = TRUE, .explain = 1u << CONF_EXPLAIN_LINE};
  FeedbackOptions options = {.layout = layout,
                             .conf = &feedback,
                             .file_name = name,
                             .verdict = "ACCEPTED",
                             .code = "",
                             .message = "",
                             .staging = staging,
                             .batches = batches,
                             .amount_column = layout_column(layout, "amount"),
                             .records = staging_count(staging)};
  BookBatch *batch = judge(staging, &options);
  g_ptr_array_add(batches, batch);
  GString *told = answer(name, &options);
  assert_true(g_file_get_contents(answered, &expected, NULL, NULL));
  if (!g_str_equal(told->str, expected))
    fail_msg("%s:\n%s", answered, told->str);
  g_string_free(told, TRUE);
  g_clear_pointer(&batch->exceptions, g_bytes_unref);
  g_free(batch);
  staging_reader_close(staging);
  staging_remove(staged);
  layout_free(layout);
  conf_free(conf);
}

static void groups_are_answered_with_what_became_of_their_records(void **state) {
  (void)state;
  g_autofree char *work = g_dir_make_tmp("published-XXXXXX", NULL);
  check_answer("nacha", "bad-addendum", "trace", work);
  check_answer("bai2", "good", "bank_reference", work);
  check_answer("cnab240", "good", "reference", work);
  g_rmdir(work);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_published_format_is_answered_in_its_own_lines),
                                     cmocka_unit_test(groups_are_answered_with_what_became_of_their_records)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
