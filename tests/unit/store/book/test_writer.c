/* The writer: groups, failures, crashes, full disks. */
#include "tests/unit/store/book/book_fixture.h"
#include "tests/unit/store/faulty_vfs.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

/* --- Groups: the first change holds the writer until all others are queued. */
typedef struct {
  Book *book;
  sem_t *started, *go;
  BookFile *file;
  gboolean fails, ok;
  GError *error;
} Caller;

static gboolean gate_change(BookTransaction *tx, gpointer data, GError **error) {
  Caller *caller = data;
  if (caller->go) {
    sem_post(caller->started);
    sem_wait(caller->go);
  }
  if (!book_add_file(tx, caller->file, error))
    return FALSE;
  if (caller->fails)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "this one fails");
  return TRUE;
}

static void *call(void *user) {
  Caller *caller = user;
  caller->ok = book_write(caller->book, gate_change, caller, &caller->error);
  return NULL;
}

static void run_group_of(Fixture *f, guint n, guint failing, guint64 *commits) {
  sem_t started, go;
  sem_init(&started, 0, 0);
  sem_init(&go, 0, 0);
  g_autofree Caller *callers = g_new0(Caller, n);
  g_autofree pthread_t *threads = g_new0(pthread_t, n);
  guint64 before = book_commits(f->book);
  for (guint i = 0; i < n; i++) {
    g_autofree char *name = g_strdup_printf("f%u", i);
    callers[i] = (Caller){.book = f->book,
                          .file = make_file("points", name),
                          .fails = failing && i % failing == 1,
                          .started = &started,
                          .go = i == 0 ? &go : NULL};
    pthread_create(&threads[i], NULL, call, &callers[i]);
    if (i == 0)
      sem_wait(&started);
  }
  while (book_waiting(f->book) < n - 1)
    sched_yield();
  sem_post(&go);
  for (guint i = 0; i < n; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(callers[i].ok, !callers[i].fails);
    if (callers[i].fails)
      expect_error(FALSE, &callers[i].error, SALLYPORT_ERROR_FILE, "this one fails");
    no_error(callers[i].error);
    book_file_free(callers[i].file);
  }
  *commits = book_commits(f->book) - before;
  sem_destroy(&started);
  sem_destroy(&go);
}

static void changes_that_wait_share_one_commit(void **state) {
  Fixture *f = *state;
  guint64 commits;
  run_group_of(f, 30, 0, &commits);
  assert_int_equal(commits, 1);
  assert_sound(f);
}

static void a_group_is_bounded(void **state) {
  Fixture *f = *state;
  guint64 commits;
  run_group_of(f, 300, 0, &commits);
  assert_int_equal(commits, 2); /* 256 + 44 */
  assert_sound(f);
}

static void a_failing_change_does_not_take_its_neighbours(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  guint64 commits;
  run_group_of(f, 30, 3, &commits);
  assert_int_equal(commits, 1);
  g_autoptr(BookReader) reader = open_reader(f);
  g_autoptr(GPtrArray) files = book_files(reader, &(BookFilter){.limit = 100}, &error);
  assert_int_equal(files->len, 20);
  assert_sound(f);
}

static gboolean silent_change(BookTransaction *tx, gpointer data, GError **error) {
  (void)tx, (void)data, (void)error;
  return FALSE;
}
static gboolean nested_change(BookTransaction *tx, gpointer data, GError **error) {
  (void)tx;
  return book_write(data, silent_change, NULL, error);
}

static void misuse_is_told_as_a_bug(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  expect_error(book_write(f->book, silent_change, NULL, &error), &error, SALLYPORT_ERROR_BUG, "without saying why");
  expect_error(book_write(f->book, nested_change, f->book, &error), &error, SALLYPORT_ERROR_BUG, "inside a change");
  expect_error(book_write(f->book, audit_change, (gpointer) "closed", &error), &error, SALLYPORT_ERROR_BUG, "closed");
}

static void a_book_has_one_writing_process(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  Book *second = book_open(f->path, f->tip, &error);
  assert_null(second);
  expect_error(FALSE, &error, SALLYPORT_ERROR_AGAIN, "in use");
  close_book(f);
  open_book(f);
}

static void ids_sort_by_time_and_never_repeat(void **state) {
  (void)state;
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gint64 now = g_get_real_time() / 1000;
  g_autofree char *last = g_strdup("");
  for (int i = 0; i < 20000; i++) {
    char *id = book_make_id(now + (i > 10000 ? -5000 : i / 100)); /* the clock is set back half-way */
    assert_int_equal(strlen(id), 16);
    assert_int_equal(strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz"), 16);
    assert_true(strcmp(last, id) < 0);
    g_free(last);
    last = g_strdup(id);
    assert_true(g_hash_table_add(seen, id));
  }
}

/* --- Crashes: what was acknowledged is there, whatever kills the process. */
static void *write_for_ever(void *user) {
  Caller *caller = user;
  for (;;) {
    /* GLib's random numbers repeat in forked children */
    g_autofree char *name = book_make_id(g_get_real_time() / 1000);
    g_autoptr(BookFile) file = make_file("points", name);
    char line[18];
    add_file(caller->book, file);
    advance_to(caller->book, file, FILE_FETCHED);
    g_snprintf(line, sizeof line, "%s\n", file->id);
    if (write(STDOUT_FILENO, line, 17) != 17)
      _exit(3);
  }
  return NULL;
}

static void killed_child(const Fixture *f, guint acknowledged, GPtrArray *ids) {
  int ends[2];
  char line[18];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    Caller caller = {.book = book_open(f->path, f->tip, NULL)};
    pthread_t thread;
    for (guint i = 0; caller.book && i < 4; i++)
      pthread_create(&thread, NULL, write_for_ever, i ? g_memdup2(&caller, sizeof caller) : &caller);
    pause();
    _exit(2);
  }
  close(ends[1]);
  for (guint i = 0; i < acknowledged; i++) {
    assert_int_equal(read(ends[0], line, 17), 17);
    g_ptr_array_add(ids, g_strndup(line, 16));
  }
  kill(child, SIGKILL);
  while (read(ends[0], line, 17) == 17)
    g_ptr_array_add(ids, g_strndup(line, 16));
  close(ends[0]);
  waitpid(child, NULL, 0);
}

static void what_was_acknowledged_survives_a_kill(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
  for (guint round = 0; round < 5; round++) {
    killed_child(f, 20 + round * 37, ids);
    assert_sound(f); /* a reader comes first, before any writer has recovered the WAL */
    g_autoptr(BookReader) reader = open_reader(f);
    for (guint i = 0; i < ids->len; i++) {
      g_autoptr(BookFile) file = book_find_file(reader, ids->pdata[i], &error);
      assert_non_null(file);
      assert_true(file->state == FILE_FETCHED);
    }
  }
  open_book(f);
  assert_sound(f);
}

/* --- A failing disk. */
static void expect_state_of_disk(Fixture *f, BookFile *file, int kinds, int at, int code, int lasting,
                                 SallyportErrorCode expected) {
  GError *error = NULL;
  Advance change = {file, FILE_ADMITTED, NULL};
  faulty_arm(kinds, at, code, lasting);
  gboolean ok = book_write(f->book, advance_change, &change, &error);
  int hit = faulty_disarm();
  assert_true(ok || hit);
  if (!ok)
    expect_error(ok, &error, expected, NULL);
}

static void a_failed_sync_stops_all_writing(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  g_autoptr(BookFile) file = make_file("points", "a"), other = make_file("points", "b");
  add_file(f->book, file);
  expect_state_of_disk(f, file, FAULTY_SYNC, 1, SQLITE_IOERR_FSYNC, FALSE, SALLYPORT_ERROR_STORAGE);
  /* the disk works again, but what the kernel dropped is not known */
  expect_error(book_write(f->book, add_change, other, &error), &error, SALLYPORT_ERROR_STORAGE, NULL);
  close_book(f);
  open_book(f);
  add_file(f->book, other);
  assert_sound(f);
}

static void a_write_error_anywhere_is_never_acknowledged(void **state) {
  Fixture *f = *state;
  for (int at = 1;; at++) {
    g_autofree char *name = g_strdup_printf("a%d", at);
    g_autoptr(BookFile) file = make_file("points", name);
    add_file(f->book, file);
    faulty_arm(FAULTY_WRITE | FAULTY_SYNC, at, SQLITE_IOERR_WRITE, TRUE);
    Advance change = {file, FILE_ADMITTED, NULL};
    GError *error = NULL;
    gboolean ok = book_write(f->book, advance_change, &change, &error);
    if (!ok)
      expect_error(ok, &error, SALLYPORT_ERROR_STORAGE, NULL);
    close_book(f);
    int hit = faulty_disarm();
    open_book(f);
    assert_sound(f);
    g_autoptr(BookReader) reader = open_reader(f);
    g_autoptr(BookFile) read = book_find_file(reader, file->id, &error);
    assert_true(!ok || read->state == FILE_ADMITTED);
    if (!hit)
      break;
  }
}

static void a_full_disk_is_rolled_back_and_forgotten(void **state) {
  Fixture *f = *state;
  guint refused = 0;
  for (int at = 1; at < 40; at++) {
    GError *error = NULL;
    g_autofree char *name = g_strdup_printf("a%d", at);
    g_autoptr(BookFile) file = make_file("points", name);
    add_file(f->book, file);
    faulty_arm(FAULTY_WRITE, at, SQLITE_FULL, TRUE);
    Advance change = {file, FILE_ADMITTED, NULL};
    gboolean ok = book_write(f->book, advance_change, &change, &error);
    faulty_disarm();
    if (!ok) {
      expect_error(ok, &error, SALLYPORT_ERROR_AGAIN, NULL);
      refused++;
      file->state = FILE_SEEN; /* the struct is ahead of the book after a failed commit */
      advance(f->book, file, FILE_ADMITTED);
    }
  }
  assert_true(refused > 0);
  assert_sound(f);
  close_book(f);
  open_book(f);
  assert_sound(f);
}

/* A real one: in a child with a tmpfs of its own. */
static int on_a_small_disk(Fixture *f) {
  GError *error = NULL;
  guint refused = 0, added = 0;
  if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("tmpfs", f->folder, "tmpfs", 0, "size=6m,mode=700") != 0)
    return 77;
  g_autofree char *ballast = g_build_filename(f->folder, "ballast", NULL);
  open_book(f);
  int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
  char block[4096] = {1};
  while (write(fd, block, sizeof block) == sizeof block)
    ;
  close(fd);
  for (guint i = 0; i < 2000 && refused < 20; i++) {
    g_autofree char *name = g_strdup_printf("a%u", i);
    g_autoptr(BookFile) file = make_file("points", name);
    file->evidence = g_strnfill(3000, 'x');
    if (book_write(f->book, add_change, file, &error))
      added++;
    else {
      refused++;
      expect_error(FALSE, &error, SALLYPORT_ERROR_AGAIN, NULL);
    }
  }
  assert_int_equal(refused, 20);
  assert_sound(f);
  unlink(ballast);
  for (guint i = 0; i < 50; i++) {
    g_autofree char *name = g_strdup_printf("b%u", i);
    g_autoptr(BookFile) file = make_file("points", name);
    add_file(f->book, file);
  }
  assert_sound(f);
  close_book(f);
  return 0;
}

static void on_a_disk_that_fills_up_nothing_is_half_done(void **state) {
  Fixture *f = *state;
  int status;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    _exit(on_a_small_disk(f));
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    fprintf(stderr, "SKIPPED: a full disk needs root and a mount namespace\n");
    skip();
  }
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_wal_is_checkpointed_while_writing_and_emptied_at_the_end(void **state) {
  Fixture *f = *state;
  g_autofree char *wal = g_strconcat(f->path, "-wal", NULL);
  GStatBuf about;
  for (guint i = 0; i < 300; i++) {
    g_autofree char *name = g_strdup_printf("a%u", i);
    g_autoptr(BookFile) file = make_file("points", name);
    file->evidence = g_strnfill(20000, 'x');
    add_file(f->book, file);
  }
  assert_true(book_checkpoints(f->book) >= 1);
  assert_int_equal(g_stat(wal, &about), 0);
  assert_true(about.st_size < 6 << 20);
  close_book(f);
  assert_true(g_stat(wal, &about) != 0 || about.st_size == 0);
  open_book(f);
  assert_sound(f);
}

int main(void) {
  faulty_vfs_install();
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, make_fixture, tear_down)
      TEST(changes_that_wait_share_one_commit),
      TEST(a_group_is_bounded),
      TEST(a_failing_change_does_not_take_its_neighbours),
      TEST(misuse_is_told_as_a_bug),
      TEST(a_book_has_one_writing_process),
      TEST(ids_sort_by_time_and_never_repeat),
      CLOSED(what_was_acknowledged_survives_a_kill),
      TEST(a_failed_sync_stops_all_writing),
      TEST(a_write_error_anywhere_is_never_acknowledged),
      TEST(a_full_disk_is_rolled_back_and_forgotten),
      CLOSED(on_a_disk_that_fills_up_nothing_is_half_done),
      TEST(the_wal_is_checkpointed_while_writing_and_emptied_at_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
