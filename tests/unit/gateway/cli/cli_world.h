/* The commands as a person or a program uses them: whole invocations in a process of their own, over books and a ledger
 * made with store/. A test's main() begins with be_sallyport(). */
#pragma once
#include "gateway/cli/command.h"
#include "gateway/common/control.h"
#include "gateway/common/paths.h"
#include "gateway/records/exceptions.h"
#include "store/book.h"
#include "store/ledger.h"
#include "tests/unit/gateway/site.h"
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

typedef struct {
  int status;
  char *out, *err;
} Told;

static inline void told_clear(Told *told) {
  g_free(told->out);
  g_free(told->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

static inline int scratch(const Site *site, const char *name) {
  g_autofree char *path = g_build_filename(site->folder, name, NULL);
  return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static inline char *read_all(int fd) {
  off_t size = lseek(fd, 0, SEEK_END);
  char *text = g_malloc0((gsize)size + 1);
  assert_int_equal(pread(fd, text, (gsize)size, 0), size);
  close(fd);
  return text;
}

/* This very program again, as `sallyport` (see main): a process of its own, so that a sanitizer's look for leaks at its
 * end is part of the test. */
static inline void be_command(const Site *site, const char *words) {
  g_autofree char *line = g_strdup_printf("test_cli as-sallyport -c %s %s", site->configuration, words);
  char **arguments = NULL;
  if (g_shell_parse_argv(line, NULL, &arguments, NULL))
    execv("/proc/self/exe", arguments);
  _exit(98);
}

static inline Told run(const Site *site, const char *words) {
  int out = scratch(site, "out"), err = scratch(site, "err"), status;
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    be_command(site, words);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return (Told){WEXITSTATUS(status), read_all(out), read_all(err)};
}

static inline void expect(const Site *site, const char *words, int status, const char *said) {
  g_auto(Told) told = run(site, words);
  if (told.status != status || (said && !strstr(told.out, said) && !strstr(told.err, said)))
    fail_msg("%s ended with %d, not %d (or does not say \"%s\"):\n%s%s", words, told.status, status, said ? said : "",
             told.out, told.err);
}

static inline json_t *ask(const Site *site, const char *words) {
  g_autofree char *with_json = g_strconcat(words, " --json", NULL);
  g_auto(Told) told = run(site, with_json);
  json_t *answer = json_loads(told.out, 0, NULL);
  if (!answer)
    fail_msg("%s prints no JSON:\n%s%s", with_json, told.out, told.err);
  return answer;
}

static inline const char *text_of(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}
static inline json_int_t number_of(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

/* --- Books: one closed file of five records, one held, one half posted. */

typedef struct {
  BookFile *file;
  FileState to;
  GPtrArray *batches;
  BookIntent *intent;
  guint posted;
  gboolean finish;
} Change;

static inline gboolean add(BookTransaction *tx, gpointer data, GError **error) {
  return book_add_file(tx, ((Change *)data)->file, error);
}

static inline gboolean change(BookTransaction *tx, gpointer data, GError **error) {
  Change *what = data;
  if (what->batches && !book_add_batches(tx, what->file->id, what->batches, error))
    return FALSE;
  if (what->intent && !book_add_intent(tx, what->intent, error))
    return FALSE;
  if (what->posted && !book_post_batch(tx, what->file->id, what->posted, error))
    return FALSE;
  if (what->finish && !book_finish_intent(tx, 1, NULL, error))
    return FALSE;
  return what->to == what->file->state || book_advance_file(tx, what->file, what->to, NULL, error);
}

static inline void write_book(Book *book, BookChange how, Change *what) {
  g_autoptr(GError) error = NULL;
  if (!book_write(book, how, what, &error))
    fail_msg("%s", error->message);
}

static inline void advance(Book *book, BookFile *file, const FileState *states, gsize n) {
  for (gsize i = 0; i < n; i++)
    write_book(book, change, &(Change){.file = file, .to = states[i]});
}

static inline BookFile *see(Book *book, const char *name) {
  BookFile *file = book_file_new();
  file->feed = g_strdup("good-feed");
  file->name = g_bytes_new(name, strlen(name));
  file->name_shown = g_strdup(name);
  file->folder = g_strdup("good-out");
  file->size = 1234;
  file->modified = 1795132800;
  file->evidence = g_strdup("{\"kind\":\"marker\",\"looks\":1}");
  write_book(book, add, &(Change){.file = file});
  return file;
}

static inline GBytes *exceptions_of_the_closed(void) {
  ExceptionPacker *packer = exception_packer_new();
  char code[] = "E1", reason[] = "points out of range", key_code[] = "K003", key_reason[] = "posted before";
  exception_packer_add(packer, &(RecordException){.record = 3,
                                                  .line = 4,
                                                  .outcome = OUTCOME_REJECTED,
                                                  .code = code,
                                                  .reason = reason});
  exception_packer_add(packer, &(RecordException){.record = 5,
                                                  .line = 6,
                                                  .outcome = OUTCOME_DUPLICATE,
                                                  .code = key_code,
                                                  .reason = key_reason});
  return exception_packer_finish(packer);
}

static inline void batch_free(gpointer data) {
  book_batch_free(data);
}

static inline BookBatch *batch(guint number, guint64 first, guint64 last, guint accepted, gint64 amount) {
  BookBatch *one = g_new0(BookBatch, 1);
  *one = (BookBatch){.number = number,
                     .first = first,
                     .last = last,
                     .first_line = first + 1,
                     .last_line = last + 1,
                     .accepted = accepted,
                     .amount = amount};
  return one;
}

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  gboolean done;
  LedgerResult result;
} Posting;

static inline void posted(gpointer user, const LedgerBatch *what, const LedgerResult *result, const GError *error) {
  Posting *posting = user;
  (void)what;
  pthread_mutex_lock(&posting->lock);
  posting->done = error == NULL;
  posting->result = *result;
  pthread_cond_signal(&posting->cond);
  pthread_mutex_unlock(&posting->lock);
}

/* Records: member, points (scale 2), reference; as site.h's layout has them. */
static inline void post(Ledger *ledger, const char *file, guint number, const guint64 *lines, guint n) {
  Posting posting = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT};
  LedgerBatch *batch = ledger_batch_new();
  batch->file = g_strdup(file);
  batch->batch = number;
  batch->business_date = g_strdup("2026-11-20");
  batch->columns = (LedgerColumns){.account = 0, .amount = 1, .key = 2, .business_date = -1, .scale = 2};
  batch->block = record_block_new(n, types, 3);
  batch->skip = g_malloc0(n);
  for (guint i = 0; i < n; i++) {
    g_autofree char *key = g_strdup_printf("REF-%s-%d", file, (int)lines[i]);
    record_block_begin(batch->block, lines[i]);
    record_block_put_text(batch->block, 0, "MEMBER-00001", 12);
    record_block_put_integer(batch->block, 1, 1050);
    record_block_put_text(batch->block, 2, key, strlen(key));
    record_block_end(batch->block);
  }
  ledger_submit(ledger, batch, posted, &posting);
  pthread_mutex_lock(&posting.lock);
  while (!posting.done)
    pthread_cond_wait(&posting.cond, &posting.lock);
  pthread_mutex_unlock(&posting.lock);
  assert_int_equal(posting.result.posted, n);
}

static inline void make_closed(Book *book, Ledger *ledger, char **id) {
  BookFile *file = see(book, "P_closed.pgp");
  g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func(batch_free);
  BookBatch *only = batch(1, 1, 5, 3, 3150);
  only->rejected = only->duplicates = 1;
  only->exceptions = exceptions_of_the_closed();
  g_ptr_array_add(batches, only);
  advance(book, file, (FileState[]){FILE_ADMITTED, FILE_FETCHED, FILE_OPENED, FILE_STAGED}, 4);
  file->trust = g_strdup("good");
  file->signer = g_strdup(SITE_PARTNER_KEY);
  file->cipher_size = 1234;
  file->cipher_sha256 = g_strnfill(64, 'a');
  file->plain_size = 4321;
  file->plain_sha256 = g_strnfill(64, 'b');
  file->header = g_strdup("{\"day\":\"2026-11-20\",\"serial\":\"17\"}");
  file->business_date = g_strdup("2026-11-20");
  file->records = 5;
  file->accepted = 3;
  file->rejected = file->duplicates = 1;
  file->amount = 5250;
  file->amount_accepted = 3150;
  file->amount_rejected = file->amount_duplicate = 1050;
  file->batches = 1;
  write_book(book, change, &(Change){.file = file, .to = FILE_VALIDATED, .batches = batches});
  advance(book, file, (FileState[]){FILE_POSTING}, 1);
  post(ledger, file->id, 1, (guint64[]){2, 3, 5}, 3);
  write_book(book, change, &(Change){.file = file, .to = FILE_POSTING, .posted = 1});
  file->batches_posted = 1;
  advance(book, file, (FileState[]){FILE_POSTED}, 1);
  char kind[] = "put", endpoint[] = "bank/main", from[] = "spool/out/x", to[] = "good-in/P_closed_FB.pgp";
  BookIntent intent = {.file = file->id, .kind = kind, .endpoint = endpoint, .from = from, .to = to, .size = 99};
  file->feedback_name = g_strdup("P_closed_FB.pgp");
  write_book(book, change, &(Change){.file = file, .to = FILE_SEALED, .intent = &intent});
  write_book(book, change, &(Change){.file = file, .to = FILE_ANSWERED, .finish = TRUE});
  advance(book, file, (FileState[]){FILE_CLOSED}, 1);
  *id = g_strdup(file->id);
  book_file_free(file);
}

static inline void make_held(Book *book, char **id) {
  BookFile *file = see(book, "P_held.pgp");
  file->held_from = FILE_SEEN;
  file->reason_code = g_strdup("F002");
  file->reason = g_strdup("the name was used before");
  advance(book, file, (FileState[]){FILE_HELD}, 1);
  *id = g_strdup(file->id);
  book_file_free(file);
}

static inline void make_posting(Book *book, Ledger *ledger, char **id) {
  BookFile *file = see(book, "P_posting.pgp");
  g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func(batch_free);
  g_ptr_array_add(batches, batch(1, 1, 2, 2, 2100));
  g_ptr_array_add(batches, batch(2, 3, 4, 2, 2100));
  advance(book, file, (FileState[]){FILE_ADMITTED, FILE_FETCHED, FILE_OPENED, FILE_STAGED}, 4);
  file->records = file->accepted = 4;
  file->amount = file->amount_accepted = 4200;
  file->batches = 2;
  write_book(book, change, &(Change){.file = file, .to = FILE_VALIDATED, .batches = batches});
  advance(book, file, (FileState[]){FILE_POSTING}, 1);
  post(ledger, file->id, 1, (guint64[]){2, 3}, 2);
  write_book(book, change, &(Change){.file = file, .to = FILE_POSTING, .posted = 1});
  *id = g_strdup(file->id);
  book_file_free(file);
}

typedef struct {
  Site *site;
  LanePaths *paths;
  char *closed, *held, *posting;
} World;

static inline int world_set_up(void **state) {
  World *world = g_new0(World, 1);
  ConfNode node = {0};
  GError *error = NULL;
  world->site = site_new();
  site_configure(world->site, "good");
  node.state = g_build_filename(world->site->folder, "state", NULL);
  node.runtime = g_build_filename(world->site->folder, "run", NULL);
  world->paths = lane_paths_new(&node, "good");
  assert_true(lane_paths_make(world->paths, &node, &error));
  Book *book = book_open(world->paths->book, world->paths->tip, &error);
  LedgerOptions options = {.folder = world->paths->folder, .name = "good-miles", .shards = 4, .scale = 2};
  Ledger *ledger = ledger_open(&options, &error);
  if (error)
    fail_msg("%s", error->message);
  make_closed(book, ledger, &world->closed);
  make_held(book, &world->held);
  make_posting(book, ledger, &world->posting);
  ledger_close(ledger);
  book_close(book);
  g_free(node.state);
  g_free(node.runtime);
  *state = world;
  return 0;
}

static inline int world_tear_down(void **state) {
  World *world = *state;
  site_free(world->site);
  lane_paths_free(world->paths);
  g_free(world->closed);
  g_free(world->held);
  g_free(world->posting);
  g_free(world);
  return 0;
}

/* Whether this process was started as the command: then its exit status, else -1. */
static inline int be_sallyport(int argc, char **argv) {
  return argc > 1 && strcmp(argv[1], "as-sallyport") == 0 ? cli_main(argc - 1, argv + 1) : -1;
}
