/* bench_recon LANE-FOLDER TIP RECORDS PEER — fills a lane's ledger and book with so many credits of one day, as files
 * of 100,000 lines in batches of 5,000 that were posted, and the same rows into PEER, an SQLite database with one plain
 * table: what reconciliation is measured against (tests/bench/run, part recon). */
#include "gateway/base/files.h"
#include "store/book.h"
#include "store/ledger.h"
#include "store/db/db.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LINES = 100000, BATCH_LINES = 5000, ACCOUNTS = 300000 };
#define DAY "2024-11-20"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done_changed = PTHREAD_COND_INITIALIZER;
static guint64 batches_done;

static void must(gboolean ok, GError *error) {
  if (ok)
    return;
  fprintf(stderr, "bench_recon: %s\n", error ? error->message : "failed");
  exit(1);
}

static gboolean add(BookTransaction *tx, gpointer data, GError **error) {
  static const FileState way[] = {FILE_ADMITTED, FILE_FETCHED, FILE_OPENED,   FILE_STAGED, FILE_VALIDATED,
                                  FILE_POSTING,  FILE_POSTED,  FILE_ANSWERED, FILE_CLOSED};
  if (!book_add_file(tx, data, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(way); i++)
    if (!book_advance_file(tx, data, way[i], NULL, error))
      return FALSE;
  return TRUE;
}

static char *add_file(Book *book, guint64 number) {
  GError *error = NULL;
  BookFile *file = book_file_new();
  file->feed = g_strdup("acme-points");
  file->name_shown = g_strdup_printf("POINTS_20241120_%06u.dat.pgp", (guint)number);
  file->name = g_bytes_new(file->name_shown, strlen(file->name_shown));
  file->business_date = g_strdup(DAY);
  must(book_write(book, add, file, &error), error);
  char *id = g_strdup(file->id);
  book_file_free(file);
  return id;
}

static void posted(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *error) {
  (void)user;
  must(!error && result->posted == batch->block->count, NULL);
  pthread_mutex_lock(&lock);
  batches_done++;
  pthread_cond_signal(&done_changed);
  pthread_mutex_unlock(&lock);
}

typedef struct {
  Db *db;
  DbStatement *insert;
} Peer;

static void post(Ledger *ledger, const Peer *peer, const char *file, const char *name, guint batch, guint64 first,
                 guint count) {
  static const BlockType types[] = {BLOCK_TEXT, BLOCK_TEXT, BLOCK_INTEGER};
  LedgerBatch *part = ledger_batch_new();
  GError *error = NULL;
  part->file = g_strdup(file);
  part->batch = batch;
  part->business_date = g_strdup(DAY);
  part->columns = (LedgerColumns){.key = 0, .account = 1, .amount = 2, .business_date = -1};
  part->block = record_block_new(count, types, 3);
  for (guint i = 0; i < count; i++) {
    guint64 line = first % FILE_LINES + i + 2;
    char key[32], account[32];
    gint64 amount = (gint64)((first + i) % 1000) + 1;
    int key_length = g_snprintf(key, sizeof key, "R%012" G_GUINT64_FORMAT, first + i);
    int account_length = g_snprintf(account, sizeof account, "6222%012" G_GUINT64_FORMAT,
                                    (first + i) * 7919 % ACCOUNTS);
    record_block_begin(part->block, line);
    record_block_put_text(part->block, 0, key, (gsize)key_length);
    record_block_put_text(part->block, 1, account, (gsize)account_length);
    record_block_put_integer(part->block, 2, amount);
    record_block_end(part->block);
    if (!peer->insert)
      continue;
    db_bind(peer->insert, "ssissi", key, account, amount, DAY, name, (gint64)line);
    must(db_done(peer->insert, &error), error);
  }
  part->skip = g_new0(guint8, count);
  ledger_submit(ledger, part, posted, NULL);
}

static void open_peer(Peer *peer, const char *path) {
  GError *error = NULL;
  peer->db = db_open(&(DbOptions){.path = path, .use = DB_SCRATCH}, &error);
  must(peer->db && db_run(peer->db,
                              "CREATE TABLE entry (key TEXT, account TEXT, amount INTEGER, business_date TEXT, name "
                              "TEXT, line INTEGER); BEGIN",
                              &error),
       error);
  peer->insert = db_prepare(peer->db, "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &error);
  must(peer->insert != NULL, error);
}

static void fill(Ledger *ledger, Book *book, const Peer *peer, guint64 records) {
  guint64 batches = 0;
  g_autofree char *file = NULL, *name = NULL;
  for (guint64 first = 0; first < records; first += BATCH_LINES) {
    if (first % FILE_LINES == 0) {
      g_free(file);
      g_free(name);
      file = add_file(book, first / FILE_LINES);
      name = g_strdup_printf("POINTS_20241120_%06u.dat.pgp", (guint)(first / FILE_LINES));
    }
    post(ledger, peer, file, name, (guint)(first % FILE_LINES / BATCH_LINES) + 1, first,
         (guint)MIN(BATCH_LINES, records - first));
    batches++;
  }
  pthread_mutex_lock(&lock);
  while (batches_done < batches)
    pthread_cond_wait(&done_changed, &lock);
  pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv) {
  GError *error = NULL;
  Peer peer = {0};
  if (argc != 5) {
    fprintf(stderr, "usage: bench_recon LANE-FOLDER TIP RECORDS PEER\n");
    return 2;
  }
  g_autofree char *path = g_build_filename(argv[1], "book.db", NULL), *tips = g_path_get_dirname(argv[2]);
  must(files_make_folder(argv[1], &error) && files_make_folder(tips, &error), error);
  Book *book = book_open(path, argv[2], &error);
  must(book != NULL, error);
  Ledger *ledger = ledger_open(&(LedgerOptions){.folder = argv[1], .name = "miles", .shards = 2}, &error);
  must(ledger != NULL, error);
  if (strcmp(argv[4], "-") != 0)
    open_peer(&peer, argv[4]);
  fill(ledger, book, &peer, g_ascii_strtoull(argv[3], NULL, 10));
  if (peer.db)
    must(db_commit(peer.db, &error), error);
  db_statement_free(peer.insert);
  db_close(peer.db);
  must(ledger_fold(ledger, TRUE, &error), error); /* else the lane does it meanwhile */
  ledger_close(ledger);
  book_close(book);
  return 0;
}
