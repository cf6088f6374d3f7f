/* The layouts that are shipped, as feeds use them: the good file of each is staged, and answered in its own lines with
 * all that its records have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/records/feedback.h"
#include "gateway/records/stage.h"
#include "tests/unit/gateway/records/formats.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* Staged as a feed would; the names of all columns, to be repeated. */
static StagingReader *stage(const char *name, Layout *layout, const char *path, GPtrArray *columns) {
  g_autofree char *data = g_strconcat(FORMATS, "/", name, ".good.dat", NULL);
  int fd = open(data, O_RDONLY | O_CLOEXEC);
  guint n;
  const StagingColumn *all = layout_columns(layout, &n);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add(columns, g_strdup(all[i].name));
  for (guint i = 0; i < n; i++)
    layout_keep_spelling(layout, columns->pdata[i]);
  g_ptr_array_add(columns, NULL);
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

/* A fixed line whose tag begins it comes back whole, byte for byte, before what is said of it. */
static void check_lines(const char *name, const ConfLayout *conf, StagingReader *staging, const GString *told) {
  g_autofree char *path = g_strconcat(FORMATS, "/", name, ".good.dat", NULL), *data = NULL;
  g_autoptr(RecordBlock) block = staging_block_new(staging, 1);
  guint64 n = staging_count(staging);
  if (conf->kind != CONF_LAYOUT_FIXED || conf->tag_at || conf->line_end == CONF_LINE_END_NONE)
    return;
  assert_true(g_file_get_contents(path, &data, NULL, NULL));
  g_auto(GStrv) lines = g_strsplit(data, "\n", -1), answered = g_strsplit(told->str, "\n", -1);
  for (guint64 record = 1; record <= n; record++) {
    assert_true(staging_read(staging, record, 1, block, NULL));
    g_autofree char *line = g_strdup(lines[block->lines[0] - 1]);
    guint types = conf->records->len;
    if (types == 1 && !repeats(answered[record], g_strchomp(line)))
      fail_msg("%s: \"%s\" was answered by \"%s\"", name, line, answered[record]);
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
  ConfFeedback feedback = {.columns = (char **)columns->pdata};
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
  check_lines(name, conf_layout(conf, name), staging, told);
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_published_format_is_answered_in_its_own_lines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
