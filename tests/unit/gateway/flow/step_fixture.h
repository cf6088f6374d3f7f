/* A step in a real book in a folder of its own: a feed, a lane's Flow, files in any state. */
#pragma once
#include "gateway/common/log.h"
#include "gateway/flow/step.h"
#include "tests/unit/folder.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

typedef struct {
  char *folder, *path, *tip;
  ConfFeed conf;
  Feed feed;
  Flow flow;
  Step step;
} StepFixture;

static inline void step_set_up(StepFixture *f) {
  f->folder = g_dir_make_tmp("step-XXXXXX", NULL);
  f->path = g_build_filename(f->folder, "book.db", NULL);
  f->tip = g_build_filename(f->folder, "tip", NULL);
  f->conf = (ConfFeed){.name = (char *)"points", .retry_limit = 5};
  f->feed = (Feed){.conf = &f->conf};
  f->flow = (Flow){.book = book_open(f->path, f->tip, NULL), .gate = keygate_new()};
  f->step = (Step){.flow = &f->flow, .feed = &f->feed, .reader = book_reader_open(f->path, NULL)};
  assert_non_null(f->flow.book);
  assert_non_null(f->step.reader);
}

static inline void step_tear_down(StepFixture *f) {
  book_reader_close(f->step.reader);
  if (f->flow.book)
    book_close(f->flow.book);
  keygate_free(f->flow.gate);
  book_file_free(f->step.file);
  folder_remove(f->folder);
  g_free(f->folder);
  g_free(f->path);
  g_free(f->tip);
}

static inline gboolean step_add_change(BookTransaction *tx, gpointer file, GError **error) {
  return book_add_file(tx, file, error);
}

static inline gboolean step_note_change(BookTransaction *tx, gpointer file, GError **error) {
  return book_note_file(tx, file, NULL, error);
}

/* To the state behind it in the list: the way of a file that is accepted. */
static inline gboolean step_next_change(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = data;
  return book_advance_file(tx, file, (FileState)(file->state + 1), NULL, error);
}

static inline void step_write(const StepFixture *f, BookChange change, gpointer data) {
  g_autoptr(GError) error = NULL;
  if (!book_write(f->flow.book, change, data, &error))
    fail_msg("%s", error->message);
}

/* Into the book, and up to that state (one that is on the way of an accepted file). */
static inline void step_bring(const StepFixture *f, BookFile *file, FileState until) {
  step_write(f, step_add_change, file);
  while (file->state < until)
    step_write(f, step_next_change, file);
}

static inline BookFile *step_file_named(const char *name) {
  BookFile *file = book_file_new();
  file->feed = g_strdup("points");
  file->name = g_bytes_new(name, strlen(name));
  file->name_shown = g_strdup(name);
  file->size = 10;
  return file;
}

static inline BookFile *step_row(const StepFixture *f, const char *id) {
  BookFile *row = book_find_file(f->step.reader, id, NULL);
  assert_non_null(row);
  return row;
}
