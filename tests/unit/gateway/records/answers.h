/* Files that are staged from a few words, and what is answered to them. */
#pragma once
#include "gateway/records/feedback.h"
#include "store/book.h"
#include "tests/unit/gateway/records/layouts.h"
#include <glib/gstdio.h>
#include <unistd.h>
#include <cmocka.h>

/* A file, staged; its batches; and the options that fit it. */
typedef struct {
  ConfLayout *conf;
  Layout *layout;
  char *folder, *path;
  StagingReader *staging;
  GPtrArray *batches;
  ConfFeedback feedback;
  FeedbackOptions options;
} Case;

static inline void keep_header(Staging *staging, const LayoutLine *header) {
  for (guint i = 0; header && i < header->values->len; i++) {
    const LayoutValue *value = header->values->pdata[i];
    g_autofree char *name = g_strconcat("header.", value->field->name, NULL);
    if (value->text)
      assert_true(staging_set(staging, name, value->text, NULL));
  }
}

static inline void free_batch(gpointer data) {
  BookBatch *batch = data;
  g_clear_pointer(&batch->exceptions, g_bytes_unref);
  g_free(batch);
}

/* `spelled`: fields whose spellings are kept. */
static inline Case *staged_spelled(ConfLayout *conf, const char *const *spelled, const char *text, gsize length) {
  Case *it = g_new0(Case, 1);
  GError *error = NULL;
  it->conf = conf;
  it->layout = layout_new(conf, &error);
  assert_null(error);
  for (; spelled && *spelled; spelled++)
    layout_keep_spelling(it->layout, *spelled);
  it->folder = g_dir_make_tmp("feedback-XXXXXX", NULL);
  it->path = g_build_filename(it->folder, "stage", NULL);
  guint n;
  const StagingColumn *columns = layout_staged_columns(it->layout, &n);
  Staging *staging = staging_create(it->path, columns, n, &error);
  assert_null(error);
  LayoutChunk *chunk = layout_chunk_new(it->layout);
  layout_parse(it->layout,
               &(LayoutSpan){.text = (const guint8 *)text, .end = length, .is_first = TRUE, .is_last = TRUE}, chunk);
  if (chunk->block->count > 0)
    assert_true(staging_append(staging, chunk->block, &error));
  keep_header(staging, chunk->header);
  layout_chunk_free(chunk);
  assert_true(staging_complete(staging, &error));
  it->staging = staging_reader_open(it->path, &error);
  assert_null(error);
  it->batches = g_ptr_array_new_with_free_func(free_batch);
  it->options = (FeedbackOptions){.layout = it->layout,
                                  .conf = &it->feedback,
                                  .key_field = "ref",
                                  .file_name = "POINTS.dat",
                                  .verdict = "ACCEPTED",
                                  .code = "",
                                  .message = "",
                                  .staging = it->staging,
                                  .batches = it->batches,
                                  .amount_column = -1,
                                  .records = staging_count(it->staging)};
  it->options.accepted = it->options.records;
  return it;
}

static inline Case *staged(ConfLayout *conf, const char *text, gsize length) {
  return staged_spelled(conf, NULL, text, length);
}

static inline Case *staged_text(ConfLayout *conf, const char *text) {
  return staged(conf, text, strlen(text));
}

static inline void finish(Case *it) {
  staging_reader_close(it->staging);
  staging_remove(it->path);
  g_rmdir(it->folder);
  g_ptr_array_unref(it->batches);
  layout_free(it->layout);
  layouts_free(it->conf);
  g_free(it->folder);
  g_free(it->path);
  g_free(it);
}

static inline BookBatch *add_batch(Case *it, guint64 first, guint64 last, guint accepted, guint rejected,
                                   guint duplicates, gint64 amount) {
  BookBatch *batch = g_new0(BookBatch, 1);
  *batch = (BookBatch){.number = it->batches->len + 1,
                       .first = first,
                       .last = last,
                       .accepted = accepted,
                       .rejected = rejected,
                       .duplicates = duplicates,
                       .amount = amount};
  g_ptr_array_add(it->batches, batch);
  return batch;
}

static inline void except(BookBatch *batch, guint64 record, Outcome outcome, const char *code) {
  ExceptionPacker *packer = exception_packer_new();
  ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
  for (const RecordException *before; (before = exception_cursor_next(cursor, NULL));)
    exception_packer_add(packer, before);
  exception_cursor_free(cursor);
  exception_packer_add(
      packer,
      &(RecordException){
          .record = record, .line = record + 1, .outcome = outcome, .code = (char *)code, .reason = (char *)"why"});
  g_clear_pointer(&batch->exceptions, g_bytes_unref);
  batch->exceptions = exception_packer_finish(packer);
}

static inline char *written(const FeedbackOptions *options, gsize limit, GError **error) {
  FeedbackWriter *writer = feedback_writer_new(options, error);
  if (!writer)
    return NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  g_autofree char *buffer = g_malloc(limit);
  gssize n;
  while ((n = feedback_writer_read(writer, buffer, limit, error)) > 0)
    g_string_append_len(text, buffer, n);
  feedback_writer_free(writer);
  return n < 0 ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
}

static inline void expect(Case *it, const char *expected) {
  for (gsize limit = 1; limit <= 65536; limit = limit == 1 ? 7 : limit * 9362 + 2) {
    GError *error = NULL;
    g_autofree char *text = written(&it->options, limit, &error);
    if (!text)
      fail_msg("%s", error->message);
    assert_string_equal(text, expected);
  }
  finish(it);
}

static inline void expect_error(Case *it, int code, const char *says) {
  g_autoptr(GError) error = NULL;
  g_autofree char *text = written(&it->options, 4096, &error);
  assert_null(text);
  assert_int_equal(error->code, code);
  if (!strstr(error->message, says))
    fail_msg("%s", error->message);
  finish(it);
}
