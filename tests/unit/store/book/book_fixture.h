/* A book in a folder of its own, and the changes that most of its tests make. */
#pragma once
#include "store/book/book_private.h"
#include "tests/unit/folder.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

typedef struct {
  char *folder, *path, *tip;
  Book *book;
} Fixture;

static inline void no_error(const GError *error) {
  if (error)
    fail_msg("unexpected error: %s", error->message);
}

static inline void expect_error(gboolean ok, GError **error, int code, const char *words) {
  assert_false(ok);
  assert_non_null(*error);
  if ((*error)->code != code || (words && !strstr((*error)->message, words)))
    fail_msg("expected %s with “%s”, not %s: %s", sallyport_error_word(code), words ? words : "",
             sallyport_error_word((*error)->code), (*error)->message);
  g_clear_error(error);
}

static inline void open_book(Fixture *f) {
  GError *error = NULL;
  f->book = book_open(f->path, f->tip, &error);
  no_error(error);
  assert_non_null(f->book);
}

static inline void close_book(Fixture *f) {
  book_close(g_steal_pointer(&f->book));
}

static inline int make_fixture(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  GError *error = NULL;
  f->folder = g_dir_make_tmp("book-XXXXXX", &error);
  no_error(error);
  f->path = g_build_filename(f->folder, "book.db", NULL);
  f->tip = g_build_filename(f->folder, "audit-tip", NULL);
  *state = f;
  return 0;
}

static inline int set_up(void **state) {
  make_fixture(state);
  open_book(*state);
  return 0;
}

static inline int tear_down(void **state) {
  Fixture *f = *state;
  book_close(f->book);
  folder_remove(f->folder);
  g_free(f->folder);
  g_free(f->path);
  g_free(f->tip);
  g_free(f);
  return 0;
}

static inline BookFile *make_file(const char *feed, const char *name) {
  BookFile *file = book_file_new();
  file->feed = g_strdup(feed);
  file->name = g_bytes_new(name, strlen(name));
  file->name_shown = g_strdup(name);
  file->folder = g_strdup("/outgoing");
  file->size = 1234;
  file->modified = 1700000000;
  return file;
}

static inline gboolean add_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_add_file(tx, data, error);
}

typedef struct {
  BookFile *file;
  FileState to;
  const char *detail;
} Advance;
static inline gboolean advance_change(BookTransaction *tx, gpointer data, GError **error) {
  Advance *advance = data;
  return book_advance_file(tx, advance->file, advance->to, advance->detail, error);
}

static inline gboolean note_change(BookTransaction *tx, gpointer data, GError **error) {
  Advance *note = data;
  return book_note_file(tx, note->file, note->detail, error);
}

static inline gboolean audit_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_audit(tx, data, "lane", "detail", error);
}

static inline void add_file(Book *book, BookFile *file) {
  GError *error = NULL;
  gboolean ok = book_write(book, add_change, file, &error);
  no_error(error);
  assert_true(ok);
}

static inline void advance(Book *book, BookFile *file, FileState to) {
  GError *error = NULL;
  Advance change = {file, to, NULL};
  gboolean ok = book_write(book, advance_change, &change, &error);
  no_error(error);
  assert_true(ok);
}

/* Leads the file along the main road to `to`. */
static inline void advance_to(Book *book, BookFile *file, FileState to) {
  while (file->state < to)
    advance(book, file, (FileState)(file->state + 1));
}

static inline BookReader *open_reader(const Fixture *f) {
  GError *error = NULL;
  BookReader *reader = book_reader_open(f->path, &error);
  no_error(error);
  return reader;
}

static inline void assert_sound(const Fixture *f) {
  GError *error = NULL;
  guint64 verified;
  g_autoptr(BookReader) reader = open_reader(f);
  gboolean ok = book_verify(reader, &error) && book_audit_verify(reader, f->tip, &verified, &error);
  no_error(error);
  assert_true(ok);
}
