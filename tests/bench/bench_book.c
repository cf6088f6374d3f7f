/* A lane's state with many files, as after a year of small ones, for the commands that go over all of them:
 *   bench_book FOLDER [files] [shards]
 * Makes FOLDER/sallyport.conf and FOLDER/state with so many closed files (default 300,000) of four records each, a
 * tenth of which is rejected, their histories, audit chain and credits in a ledger (2 shards); then, for example:
 *   time sallyport --config FOLDER/sallyport.conf verify
 * On a disk in memory it takes half a minute. */
#include "gateway/base/files.h"
#include "store/book.h"
#include "store/ledger.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 1000, RECORDS = 4, ACCOUNTS = 100000 };

static const char conf[] =
    "node { name = \"bench\"  state = \"%s/state\"  time-zone = \"UTC\" }\n"
    "partner \"bench\" { endpoint \"main\" { url = \"file://%s/in\" } }\n"
    "layout \"lines\" { type = delimited  delimiter = \"|\"\n"
    "  record \"D\" { field \"account\" {}  field \"points\" { type = integer }  field \"key\" {} } }\n"
    "lane \"points\" {\n"
    "  feed \"small\" {\n"
    "    partner = \"bench\"  layout = \"lines\"  key = \"key\"  on-reject = record\n"
    "    source { endpoint = \"main\"  path = \"out\"  match = '*.dat'  envelope = unprotected-plain-text\n"
    "             after = keep }\n"
    "    process ledger { name = \"miles\"  account = \"account\"  amount = \"points\"  shards = %u }\n"
    "    feedback { endpoint = \"main\"  path = \"in\"  name = '{stem}.fb'  envelope = unprotected-plain-text }\n"
    "  }\n"
    "}\n";

static void check(gboolean ok, GError *error) {
  if (ok)
    return;
  fprintf(stderr, "bench_book: %s\n", error ? error->message : "failed");
  exit(1);
}

static BookFile *file_of(guint64 number) {
  BookFile *file = book_file_new();
  file->feed = g_strdup("small");
  file->name_shown = g_strdup_printf("SMALL_%08" G_GUINT64_FORMAT ".dat", number);
  file->name = g_bytes_new(file->name_shown, strlen(file->name_shown));
  file->folder = g_strdup("out");
  file->size = 100;
  file->modified = (gint64)number;
  file->business_date = g_strdup("2026-11-20");
  return file;
}

/* One batch of three accepted records and a rejected one. */
static gboolean add_batch(BookTransaction *tx, BookFile *file, GError **error) {
  g_autoptr(GPtrArray) batches = g_ptr_array_new();
  BookBatch batch = {.number = 1, .first = 1, .last = RECORDS, .first_line = 1, .last_line = RECORDS,
                     .accepted = RECORDS - 1, .rejected = 1, .amount = 10 * (RECORDS - 1)};
  g_ptr_array_add(batches, &batch);
  file->records = RECORDS;
  file->accepted = RECORDS - 1;
  file->rejected = 1;
  file->amount = 10 * RECORDS;
  file->amount_accepted = 10 * (RECORDS - 1);
  file->amount_rejected = 10;
  return book_add_batches(tx, file->id, batches, error);
}

typedef struct {
  GPtrArray *files; /* BookFile * */
} Chunk;

static gboolean write_chunk(BookTransaction *tx, gpointer data, GError **error) {
  static const FileState accepted[] = {FILE_ADMITTED,  FILE_FETCHED, FILE_OPENED, FILE_STAGED,   FILE_VALIDATED,
                                       FILE_POSTING, FILE_POSTED,  FILE_SEALED, FILE_ANSWERED, FILE_CLOSED},
                         rejected[] = {FILE_ADMITTED, FILE_FETCHED, FILE_REJECTED, FILE_SEALED, FILE_ANSWERED,
                                       FILE_CLOSED};
  const Chunk *chunk = data;
  for (guint i = 0; i < chunk->files->len; i++) {
    BookFile *file = chunk->files->pdata[i];
    gboolean is_rejected = i % 10 == 9;
    const FileState *states = is_rejected ? rejected : accepted;
    guint n = is_rejected ? G_N_ELEMENTS(rejected) : G_N_ELEMENTS(accepted);
    if (!book_add_file(tx, file, error))
      return FALSE;
    for (guint s = 0; s < n; s++)
      if ((states[s] == FILE_VALIDATED && !add_batch(tx, file, error)) ||
          (states[s] == FILE_POSTED && !book_post_batch(tx, file->id, 1, error)) ||
          !book_advance_file(tx, file, states[s], NULL, error))
        return FALSE;
  }
  return TRUE;
}

static gint under_way;
static void posted(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *error) {
  (void)user, (void)batch;
  check(!error && result->posted == RECORDS - 1, (GError *)error);
  g_atomic_int_add(&under_way, -1);
}

static void post(Ledger *ledger, const BookFile *file, guint64 number) {
  static const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT};
  LedgerBatch *batch = ledger_batch_new();
  char text[32];
  batch->file = g_strdup(file->id);
  batch->batch = 1;
  batch->business_date = g_strdup(file->business_date);
  batch->columns = (LedgerColumns){.account = 0, .amount = 1, .key = 2, .business_date = -1};
  batch->block = record_block_new(RECORDS, types, 3);
  for (guint i = 1; i < RECORDS; i++) {
    guint64 record = number * RECORDS + i;
    record_block_begin(batch->block, i);
    record_block_put_text(batch->block, 0, text,
                          (gsize)snprintf(text, sizeof text, "M%09" G_GUINT64_FORMAT, record * 7919 % ACCOUNTS));
    record_block_put_integer(batch->block, 1, 10);
    record_block_put_text(batch->block, 2, text,
                          (gsize)snprintf(text, sizeof text, "K%012" G_GUINT64_FORMAT, record));
    record_block_end(batch->block);
  }
  g_atomic_int_add(&under_way, 1);
  ledger_submit(ledger, batch, posted, NULL);
}

static void make_chunk(Book *book, Ledger *ledger, guint64 first, guint64 n) {
  GError *error = NULL;
  Chunk chunk = {g_ptr_array_new_with_free_func((GDestroyNotify)book_file_free)};
  for (guint64 i = 0; i < n; i++) {
    g_ptr_array_add(chunk.files, file_of(first + i));
    if (i % 10 != 9)
      post(ledger, chunk.files->pdata[i], first + i);
  }
  check(book_write(book, write_chunk, &chunk, &error), error);
  g_ptr_array_unref(chunk.files);
}

int main(int argc, char **argv) {
  GError *error = NULL;
  if (argc < 2) {
    fprintf(stderr, "usage: bench_book FOLDER [files] [shards]\n");
    return 2;
  }
  guint64 files = argc > 2 ? g_ascii_strtoull(argv[2], NULL, 10) : 300000;
  guint shards = argc > 3 ? (guint)g_ascii_strtoull(argv[3], NULL, 10) : 2;
  g_autofree char *folder = g_canonicalize_filename(argv[1], NULL),
                  *lane = g_build_filename(folder, "state/lanes/points", NULL),
                  *audit = g_build_filename(folder, "state/audit", NULL),
                  *in = g_build_filename(folder, "in/out", NULL),
                  *path = g_build_filename(folder, "sallyport.conf", NULL),
                  *text = g_strdup_printf(conf, folder, folder, shards),
                  *book_path = g_build_filename(lane, "book.db", NULL),
                  *tip = g_build_filename(audit, "points.tip", NULL);
  check(g_mkdir_with_parents(lane, 0700) == 0 && g_mkdir_with_parents(audit, 0700) == 0 &&
            g_mkdir_with_parents(in, 0700) == 0,
        NULL);
  check(g_file_set_contents(path, text, -1, &error), error);
  Book *book = book_open(book_path, tip, &error);
  check(book != NULL, error);
  Ledger *ledger = ledger_open(&(LedgerOptions){.folder = lane, .name = "miles", .shards = shards}, &error);
  check(ledger != NULL, error);
  for (guint64 first = 0; first < files; first += AT_ONCE)
    make_chunk(book, ledger, first, MIN(AT_ONCE, files - first));
  ledger_close(ledger);
  book_close(book);
  return under_way == 0 ? 0 : 1;
}
