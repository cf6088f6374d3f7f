/* The commands as a person or a program uses them: whole invocations in a process of their own, over books and a ledger made
 * with store/, to a pipe or to a terminal. */
#include "gateway/cli/command.h"
#include "gateway/control.h"
#include "gateway/paths.h"
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

typedef struct { int status; char *out, *err; } Told;

static void told_clear(Told *told) {
  g_free(told->out);
  g_free(told->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

static int scratch(const Site *site, const char *name) {
  g_autofree char *path = g_build_filename(site->folder, name, NULL);
  return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static char *read_all(int fd) {
  off_t size = lseek(fd, 0, SEEK_END);
  char *text = g_malloc0((gsize)size + 1);
  assert_int_equal(pread(fd, text, (gsize)size, 0), size);
  close(fd);
  return text;
}

/* This very program again, as `sallyport` (see main): a process of its own, so that a sanitizer's look for leaks at its end
 * is part of the test. */
static void be_command(const Site *site, const char *words) {
  g_autofree char *line = g_strdup_printf("test_cli as-sallyport -c %s %s", site->configuration, words);
  char **arguments = NULL;
  if (g_shell_parse_argv(line, NULL, &arguments, NULL))
    execv("/proc/self/exe", arguments);
  _exit(98);
}

static Told run(const Site *site, const char *words) {
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

static void expect(const Site *site, const char *words, int status, const char *said) {
  g_auto(Told) told = run(site, words);
  if (told.status != status || (said && !strstr(told.out, said) && !strstr(told.err, said)))
    fail_msg("%s ended with %d, not %d (or does not say \"%s\"):\n%s%s", words, told.status, status, said ? said : "", told.out, told.err);
}

static json_t *ask(const Site *site, const char *words) {
  g_autofree char *with_json = g_strconcat(words, " --json", NULL);
  g_auto(Told) told = run(site, with_json);
  json_t *answer = json_loads(told.out, 0, NULL);
  if (!answer)
    fail_msg("%s prints no JSON:\n%s%s", with_json, told.out, told.err);
  return answer;
}

static const char *text_of(const json_t *object, const char *name) { return json_string_value(json_object_get(object, name)); }
static json_int_t number_of(const json_t *object, const char *name) { return json_integer_value(json_object_get(object, name)); }

/* --- Books: one closed file of five records, one held, one half posted. */

typedef struct { BookFile *file; FileState to; GPtrArray *batches; BookIntent *intent; guint posted; gboolean finish; } Change;

static gboolean add(BookTransaction *tx, gpointer data, GError **error) {
  return book_add_file(tx, ((Change *)data)->file, error);
}

static gboolean change(BookTransaction *tx, gpointer data, GError **error) {
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

static void write_book(Book *book, BookChange how, Change *what) {
  g_autoptr(GError) error = NULL;
  if (!book_write(book, how, what, &error))
    fail_msg("%s", error->message);
}

static void advance(Book *book, BookFile *file, const FileState *states, gsize n) {
  for (gsize i = 0; i < n; i++)
    write_book(book, change, &(Change){.file = file, .to = states[i]});
}

static BookFile *see(Book *book, const char *name) {
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

static GBytes *exceptions_of_the_closed(void) {
  ExceptionPacker *packer = exception_packer_new();
  char code[] = "E1", reason[] = "points out of range", key_code[] = "K003", key_reason[] = "posted before";
  exception_packer_add(packer, &(RecordException){3, 4, OUTCOME_REJECTED, code, reason});
  exception_packer_add(packer, &(RecordException){5, 6, OUTCOME_DUPLICATE, key_code, key_reason});
  return exception_packer_finish(packer);
}

static void batch_free(gpointer data) { book_batch_free(data); }

static BookBatch *batch(guint number, guint64 first, guint64 last, guint accepted, gint64 amount) {
  BookBatch *one = g_new0(BookBatch, 1);
  *one = (BookBatch){.number = number, .first = first, .last = last, .first_line = first + 1, .last_line = last + 1,
                     .accepted = accepted, .amount = amount};
  return one;
}

typedef struct { pthread_mutex_t lock; pthread_cond_t cond; gboolean done; LedgerResult result; } Posting;

static void posted(gpointer user, const LedgerBatch *what, const LedgerResult *result, const GError *error) {
  Posting *posting = user;
  (void)what;
  pthread_mutex_lock(&posting->lock);
  posting->done = error == NULL;
  posting->result = *result;
  pthread_cond_signal(&posting->cond);
  pthread_mutex_unlock(&posting->lock);
}

/* Records: member, points (scale 2), reference; as site.h's layout has them. */
static void post(Ledger *ledger, const char *file, guint number, const guint64 *lines, guint n) {
  Posting posting = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT};
  LedgerBatch *batch = ledger_batch_new();
  batch->file = g_strdup(file);
  batch->batch = number;
  batch->business_date = g_strdup("2026-11-20");
  batch->columns = (LedgerColumns){.account = 0, .amount = 1, .key = 2, .business_date = -1};
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

static void make_closed(Book *book, Ledger *ledger, char **id) {
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
  write_book(book, change, &(Change){.file = file, .to = FILE_POSTED, .intent = &intent});
  write_book(book, change, &(Change){.file = file, .to = FILE_ANSWERED, .finish = TRUE});
  advance(book, file, (FileState[]){FILE_CLOSED}, 1);
  *id = g_strdup(file->id);
  book_file_free(file);
}

static void make_held(Book *book, char **id) {
  BookFile *file = see(book, "P_held.pgp");
  file->held_from = FILE_SEEN;
  file->reason_code = g_strdup("F002");
  file->reason = g_strdup("the name was used before");
  advance(book, file, (FileState[]){FILE_HELD}, 1);
  *id = g_strdup(file->id);
  book_file_free(file);
}

static void make_posting(Book *book, Ledger *ledger, char **id) {
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

typedef struct { Site *site; LanePaths *paths; char *closed, *held, *posting; } World;

static int world_set_up(void **state) {
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
  LedgerOptions options = {.folder = world->paths->folder, .name = "good-miles"};
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

static int world_tear_down(void **state) {
  World *world = *state;
  site_free(world->site);
  lane_paths_free(world->paths);
  g_free(world->closed);
  g_free(world->held);
  g_free(world->posting);
  g_free(world);
  return 0;
}

static void files_can_be_filtered(void **state) {
  const World *world = *state;
  static const struct { const char *words; guint files; } rows[] = {
      {"files", 3},                    {"files --state held", 1},       {"files --state held,closed", 2},
      {"files --state live", 2},       {"files --name '*posting*'", 1}, {"files --feed good-feed", 3},
      {"files --since 1h", 3},         {"files --until 1h", 0},         {"files --since 1h --until 0s --limit 2", 2},
      {"files --limit 0", 3},          {"files --lane good", 3},        {"files --limit 1", 1}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_t *answer = ask(world->site, rows[i].words);
    if (json_array_size(json_object_get(answer, "files")) != rows[i].files)
      fail_msg("%s gives %zu files", rows[i].words, json_array_size(json_object_get(answer, "files")));
    json_decref(answer);
  }
  expect(world->site, "files --state sleeping", 2, "there is no state \"sleeping\"");
  expect(world->site, "files --since never", 2, "is no time");
  expect(world->site, "files --feed bad-feed", 4, "good-feed");
  expect(world->site, "files --lane bad", 4, "there are: good");
  expect(world->site, "files", 0, "F002 the name was used before");
}

static void show_tells_everything_about_a_file(void **state) {
  const World *world = *state;
  g_autofree char *words = g_strdup_printf("show %s", world->closed);
  json_t *answer = ask(world->site, words);
  const json_t *file = json_object_get(answer, "file");
  assert_string_equal(text_of(file, "state"), "closed");
  assert_string_equal(text_of(file, "amount_accepted"), "31.50");
  assert_string_equal(text_of(json_object_get(file, "evidence"), "kind"), "marker");
  assert_int_equal(json_array_size(json_object_get(answer, "batches")), 1);
  assert_int_equal(json_array_size(json_object_get(answer, "intents")), 1);
  assert_int_equal(json_array_size(json_object_get(answer, "refused")), 2);
  assert_int_equal(number_of(answer, "refused_count"), 2);
  assert_true(json_array_size(json_object_get(answer, "history")) >= 9);
  json_decref(answer);
  static const char *const said[] = {"kind=marker", "serial=17", "31.50", "points out of range", "K003", "P_closed_FB.pgp", "good", "admitted"};
  for (gsize i = 0; i < G_N_ELEMENTS(said); i++)
    expect(world->site, words, 0, said[i]);
}

static void a_file_is_found_by_number_beginning_or_name(void **state) {
  const World *world = *state;
  g_autofree char *prefix = g_strndup(world->held, 15);
  const char *const names[] = {world->held, "P_held.pgp"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *words = g_strdup_printf("show %s", names[i]);
    expect(world->site, words, 0, world->held);
  }
  expect(world->site, "show nothing-like-it", 4, "there is no file \"nothing-like-it\"");
  expect(world->site, "show", 2, "something is missing");
  expect(world->site, "show a b", 2, "too much");
}

static void expect_trace(const World *world, const char *file, guint line, int status, const char *outcome) {
  g_autofree char *words = g_strdup_printf("trace %s:%u --json", file, line);
  g_auto(Told) told = run(world->site, words);
  json_t *answer = json_loads(told.out, 0, NULL);
  if (told.status != status || !answer || g_strcmp0(text_of(answer, "outcome"), outcome) != 0)
    fail_msg("%s ended with %d:\n%s%s", words, told.status, told.out, told.err);
  json_decref(answer);
}

static void every_line_can_be_traced(void **state) {
  const World *world = *state;
  expect_trace(world, world->closed, 2, 0, "credited");
  expect_trace(world, world->closed, 4, 0, "rejected");
  expect_trace(world, world->closed, 5, 0, "credited");
  expect_trace(world, world->closed, 6, 0, "duplicate");
  expect_trace(world, world->closed, 1, 4, "no-record");
  expect_trace(world, world->closed, 99, 4, "no-record");
  expect_trace(world, world->posting, 3, 0, "credited");
  expect_trace(world, world->posting, 4, 0, "accepted");
  expect_trace(world, world->held, 2, 0, "not-yet");
  expect(world->site, "trace P_closed.pgp:4", 0, "points out of range");
  expect(world->site, "trace P_closed.pgp:2", 0, "P_closed_FB.pgp");
}

static void a_key_or_entry_leads_back_to_its_line(void **state) {
  const World *world = *state;
  g_autofree char *by_key = g_strdup_printf("trace --key REF-%s-3", world->closed);
  json_t *answer = ask(world->site, by_key);
  const json_t *credit = json_array_get(json_object_get(answer, "credits"), 0);
  assert_string_equal(text_of(credit, "file"), world->closed);
  assert_string_equal(text_of(credit, "name"), "P_closed.pgp");
  assert_string_equal(text_of(credit, "amount"), "10.50");
  assert_int_equal(number_of(credit, "line"), 3);
  g_autofree char *by_entry = g_strdup_printf("trace --entry %" JSON_INTEGER_FORMAT, number_of(credit, "entry"));
  g_autofree char *place = g_strdup_printf("%s line 3", world->closed);
  expect(world->site, by_entry, 0, place);
  g_autofree char *as_argument = g_strdup_printf("trace REF-%s-3", world->closed);
  expect(world->site, as_argument, 0, place);
  json_decref(answer);
  expect(world->site, "trace --key NOBODY", 4, "there is no credit with the key \"NOBODY\"");
  expect(world->site, "trace --entry x", 2, "is no entry's number");
  expect(world->site, "trace", 2, "trace takes one of");
  expect(world->site, "trace --key A --entry 1", 2, "trace takes one of");
}

static void masked_fields_are_starred_unless_asked_for(void **state) {
  const World *world = *state;
  g_auto(Told) masked = run(world->site, "entries");
  assert_null(strstr(masked.out, "MEMBER-00001"));
  assert_non_null(strstr(masked.out, "********0001"));
  g_auto(Told) shown = run(world->site, "entries --unmask");
  assert_non_null(strstr(shown.out, "MEMBER-00001"));
  g_autofree char *words = g_strdup_printf("trace %s:2", world->closed);
  g_auto(Told) traced = run(world->site, words);
  assert_null(strstr(traced.out, "MEMBER-00001"));
}

static void balances_and_entries_are_read_from_the_ledger(void **state) {
  const World *world = *state;
  json_t *balance = ask(world->site, "balance MEMBER-00001");
  assert_string_equal(text_of(balance, "balance"), "52.50");
  json_decref(balance);
  expect(world->site, "balance NOBODY", 4, "no ledger has an entry");
  g_autofree char *of_file = g_strdup_printf("entries --file %s", world->closed);
  static const struct { const char *words; guint entries; } rows[] = {
      {"entries", 5}, {"entries --account MEMBER-00001", 5}, {"entries --account NOBODY", 0}, {"entries --limit 2", 2}, {NULL, 3}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_t *answer = ask(world->site, rows[i].words ? rows[i].words : of_file);
    assert_int_equal(json_array_size(json_object_get(answer, "entries")), rows[i].entries);
    json_decref(answer);
  }
  expect(world->site, "entries --file nothing", 4, "there is no file");
}

static void good_books_are_verified(void **state) {
  const World *world = *state;
  expect(world->site, "verify", 0, "3 files, 9 records, 5 credits of 52.50 in good-miles");
  expect(world->site, "audit verify", 0, "whole up to its tip");
  json_t *answer = ask(world->site, "verify");
  assert_true(json_is_true(json_object_get(answer, "ok")));
  json_decref(answer);
  expect(world->site, "audit", 0, "good-feed: P_closed.pgp, 1234 bytes");
  expect(world->site, "audit nonsense", 2, "list or verify");
}

static void a_credit_that_no_line_accounts_for_is_found(void **state) {
  const World *world = *state;
  LedgerOptions options = {.folder = world->paths->folder, .name = "good-miles"};
  Ledger *ledger = ledger_open(&options, NULL);
  post(ledger, "0000nosuchfile00", 1, (guint64[]){7}, 1);
  ledger_close(ledger);
  expect(world->site, "verify", 6, "6 credits, of which only 5 belong to files");
}

static void a_doubled_credit_is_found(void **state) {
  const World *world = *state;
  LedgerOptions options = {.folder = world->paths->folder, .name = "good-miles"};
  Ledger *ledger = ledger_open(&options, NULL);
  post(ledger, world->closed, 2, (guint64[]){4}, 1);
  ledger_close(ledger);
  expect(world->site, "verify", 6, "has 4 credits, and should have 3 to 3");
}

static void a_lost_audit_tip_is_found(void **state) {
  const World *world = *state;
  g_unlink(world->paths->tip);
  expect(world->site, "audit verify", 6, "tip");
}

/* --- Asking a lane. */

static json_t *answer_as_lane(gpointer user, const char *who, const json_t *request) {
  const char *what = json_string_value(json_object_get(request, "do"));
  (void)who;
  json_object_update((json_t *)user, (json_t *)(gsize)request);
  if (strcmp(what, "status") == 0)
    return json_pack("{s:b, s:s, s:i, s:I, s:[], s:[{s:s, s:I}], s:[s]}", "ok", 1, "lane", "good", "pid", 4711, "since", (json_int_t)1795132800000000,
                     "couriers", "feeds", "feed", "good-feed", "next_poll", (json_int_t)1795132860000000, "working", "x");
  if (strcmp(what, "hold") == 0)
    return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", "file", "error", "hold cannot be done: it is closed");
  return json_pack("{s:b, s:s, s:s}", "ok", 1, "file", "f", "state", "admitted");
}

static void without_its_lane_a_command_says_so(void **state) {
  const World *world = *state;
  g_autofree char *words = g_strdup_printf("retry %s", world->held);
  expect(world->site, words, 5, "lane good is not running");
  expect(world->site, "poll good-feed", 5, "lane good is not running");
  expect(world->site, "status", 5, "down");
  expect(world->site, "poll bad-feed", 4, "there is no feed");
}

static void what_changes_something_is_asked_of_the_lane(void **state) {
  const World *world = *state;
  json_t *asked = json_object();
  ControlServer *lane = control_server_start(world->paths->control, answer_as_lane, asked, NULL);
  assert_non_null(lane);
  g_autofree char *release = g_strdup_printf("release %s", world->held);
  g_autofree char *hold = g_strdup_printf("hold %s --reason 'asked to'", world->held);
  g_autofree char *reject = g_strdup_printf("reject %s", world->held);
  expect(world->site, release, 0, "is admitted");
  assert_string_equal(text_of(asked, "do"), "release");
  assert_string_equal(text_of(asked, "file"), world->held);
  assert_non_null(text_of(asked, "by"));
  expect(world->site, hold, 7, "hold cannot be done: it is closed");
  assert_string_equal(text_of(asked, "reason"), "asked to");
  expect(world->site, reject, 2, "--reason");
  expect(world->site, "retry nothing-like-it P_held.pgp", 4, "is admitted");
  expect(world->site, "poll good-feed", 0, "is being polled");
  json_t *status = ask(world->site, "status");
  const json_t *shown = json_array_get(json_object_get(status, "lanes"), 0);
  assert_int_equal(number_of(shown, "pid"), 4711);
  const json_t *feed = json_array_get(json_object_get(shown, "feeds"), 0);
  assert_int_equal(number_of(feed, "held"), 1);
  assert_int_equal(number_of(feed, "closed"), 1);
  assert_int_equal(number_of(feed, "under_way"), 1);
  assert_non_null(text_of(feed, "next_poll"));
  json_decref(status);
  expect(world->site, "status", 0, "1 of 2 batches");
  control_server_stop(lane);
  json_decref(asked);
}

/* --- The program itself. */

static void a_misspelt_command_is_told_what_was_meant(void **state) {
  const World *world = *state;
  static const char *const rows[][2] = {{"fiels", "files"}, {"stat", "status"}, {"veriyf", "verify"}, {"realease", "release"}, {"shwo", "show"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *meant = g_strdup_printf("did you mean \"%s\"?", rows[i][1]);
    expect(world->site, rows[i][0], 2, meant);
  }
  expect(world->site, "xyzzy", 2, "sallyport --help lists them");
  expect(world->site, "files --colour", 2, "sallyport files --help tells how");
  expect(world->site, "files --limit -3", 2, "--limit");
  expect(world->site, "", 2, "a command is missing");
}

static void every_command_has_help_with_an_example_and_a_place_in_the_manual(void **state) {
  const World *world = *state;
  g_autofree char *manual = NULL;
  assert_true(g_file_get_contents("packaging/man/sallyport.1", &manual, NULL, NULL));
  for (const CliCommand *command = cli_commands; command->name; command++) {
    g_autofree char *words = g_strdup_printf("%s --help", command->name), *example = g_strdup_printf("  sallyport %s", command->name);
    g_autofree char *in_manual = g_strdup_printf(".Cm %s", command->name), *item = g_strdup_printf(".It Cm %s", command->name);
    g_auto(Told) told = run(world->site, words);
    assert_int_equal(told.status, 0);
    if (!strstr(told.out, "Usage: ") || (!strstr(told.out, example) && strcmp(command->name, "check") != 0))
      fail_msg("%s: no usage or no example:\n%s", words, told.out);
    if (!strstr(manual, in_manual) && !strstr(manual, item))
      fail_msg("%s is not in the manual", command->name);
  }
#define EXIT_IN_MANUAL(name, number, text) assert_non_null(strstr(manual, ".It " #number "\n" text "\n"));
  CLI_EXITS(EXIT_IN_MANUAL)
#undef EXIT_IN_MANUAL
}

static void a_configuration_that_is_wrong_or_missing_is_told(void **state) {
  const World *world = *state;
  site_write(world->site, "nonsense {}\n");
  expect(world->site, "files", 3, "sallyport.conf:");
  expect(world->site, "check", 3, "error: ");
  json_t *answer = ask(world->site, "check");
  assert_true(json_is_false(json_object_get(answer, "ok")));
  assert_true(json_array_size(json_object_get(answer, "findings")) > 0);
  json_decref(answer);
  g_unlink(world->site->configuration);
  expect(world->site, "files", 3, "No such file");
}

static void a_lane_that_never_ran_has_empty_books(void **state) {
  const World *world = *state;
  site_configure(world->site, "good fresh");
  expect(world->site, "files --lane fresh", 0, NULL);
  expect(world->site, "entries --lane fresh", 0, NULL);
  expect(world->site, "verify", 0, "fresh: book: none yet");
  expect(world->site, "show P_closed.pgp", 0, world->closed);
}

static void completion_knows_commands_options_and_names(void **state) {
  const World *world = *state;
  static const char *const rows[][2] = {{"st", "status\n"}, {"files --fe", "--feed\n"}, {"files --feed g", "good-feed\n"},
                                        {"files --state he", "held\n"}, {"show P_h", "P_held.pgp\n"}, {"status -l g", "good\n"},
                                        {"poll g", "good-feed\n"}, {"audit v", "verify\n"}, {"try g", "good-feed\n"}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *words = g_strdup_printf("complete -- -c %s %s", world->site->configuration, rows[i][0]);
    g_auto(Told) told = run(world->site, words);
    assert_string_equal(told.out, rows[i][1]);
  }
}

/* --- A terminal. */

static char *run_on_terminal(const Site *site, const char *words, unsigned short width) {
  struct winsize size = {.ws_row = 24, .ws_col = width};
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;
  assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  assert_true(slave >= 0);
  ioctl(slave, TIOCSWINSZ, &size);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    setenv("TERM", "xterm", TRUE);
    dup2(slave, STDOUT_FILENO);
    be_command(site, words);
  }
  close(slave);
  GString *text = g_string_new(NULL);
  char buffer[4096];
  ssize_t got;
  while ((got = read(master, buffer, sizeof buffer)) > 0)
    g_string_append_len(text, buffer, got);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  close(master);
  return g_string_free(text, FALSE);
}

static void on_a_terminal_tables_fit_and_states_have_colours(void **state) {
  const World *world = *state;
  g_autofree char *wide = run_on_terminal(world->site, "files", 200), *narrow = run_on_terminal(world->site, "files", 120);
  assert_non_null(strstr(wide, "\033[32mclosed\033[0m"));
  assert_non_null(strstr(wide, "\033[33mheld\033[0m"));
  g_autoptr(GRegex) colours = g_regex_new("\033\\[\\d+m", 0, 0, NULL);
  g_autofree char *plain = g_regex_replace_literal(colours, narrow, -1, 0, "", 0, NULL);
  g_auto(GStrv) lines = g_strsplit(plain, "\r\n", -1);
  for (char **line = lines; *line; line++)
    if (cli_text_width(*line) > 120)
      fail_msg("%u columns: %s", cli_text_width(*line), *line);
  assert_non_null(strstr(plain, world->held));
  setenv("NO_COLOR", "1", TRUE);
  g_autofree char *without = run_on_terminal(world->site, "files", 200);
  unsetenv("NO_COLOR");
  assert_null(strchr(without, '\033'));
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "as-sallyport") == 0)
    return cli_main(argc - 1, argv + 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(files_can_be_filtered),
      TEST(show_tells_everything_about_a_file),
      TEST(a_file_is_found_by_number_beginning_or_name),
      TEST(every_line_can_be_traced),
      TEST(a_key_or_entry_leads_back_to_its_line),
      TEST(masked_fields_are_starred_unless_asked_for),
      TEST(balances_and_entries_are_read_from_the_ledger),
      TEST(good_books_are_verified),
      TEST(a_credit_that_no_line_accounts_for_is_found),
      TEST(a_doubled_credit_is_found),
      TEST(a_lost_audit_tip_is_found),
      TEST(without_its_lane_a_command_says_so),
      TEST(what_changes_something_is_asked_of_the_lane),
      TEST(a_misspelt_command_is_told_what_was_meant),
      TEST(every_command_has_help_with_an_example_and_a_place_in_the_manual),
      TEST(a_configuration_that_is_wrong_or_missing_is_told),
      TEST(a_lane_that_never_ran_has_empty_books),
      TEST(completion_knows_commands_options_and_names),
      TEST(on_a_terminal_tables_fit_and_states_have_colours),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
