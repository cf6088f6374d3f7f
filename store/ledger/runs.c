#include "store/ledger/runs_private.h"
#include "store/staging/block_codec.h"
#include "store/ledger/queries.sql.h"
#include <string.h>

enum { RUN_ACCOUNT, RUN_AMOUNT, RUN_OFFSET, RUN_COLUMNS };
enum { ENTRIES_A_BLOCK = 512, BLOCKS_BITS = 24 };

static RecordBlock *run_block_new(void) {
  static const BlockType types[RUN_COLUMNS] = {
      [RUN_ACCOUNT] = BLOCK_TEXT, [RUN_AMOUNT] = BLOCK_INTEGER, [RUN_OFFSET] = BLOCK_INTEGER};
  return record_block_new(ENTRIES_A_BLOCK, types, RUN_COLUMNS);
}

GArray *ledger_runs_list(Db *db, GError **error) {
  g_autoptr(DbStatement) list = db_prepare_named(db, ledger_queries_sql, "runs", error);
  g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(LedgerRun));
  gboolean row = TRUE;
  while (list && db_step(list, &row, error)) {
    if (!row)
      return g_steal_pointer(&runs);
    LedgerRun run = {db_integer(list, 0), db_integer(list, 1), db_integer(list, 2)};
    if (run.first != ledger_runs_folded(runs) + 1 || run.last < run.first) {
      sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "run %" G_GINT64_FORMAT " does not follow the one before",
                          run.id);
      return NULL;
    }
    g_array_append_val(runs, run);
  }
  return NULL;
}

/* --- Writing */

gboolean run_writer_begin(RunWriter *writer, Db *db, gint64 first, gint64 last, GError **error) {
  gint64 id;
  *writer = (RunWriter){.block = run_block_new(), .bytes = g_byte_array_new()};
  writer->insert = db_prepare_named(db, ledger_queries_sql, "insert-run-block", error);
  g_autoptr(DbStatement) insert = db_prepare_named(db, ledger_queries_sql, "insert-run", error);
  if (!writer->insert || !insert || !db_value(db, "SELECT coalesce(max(id), 0) + 1 FROM run", &id, error))
    return FALSE;
  writer->run = (LedgerRun){id, first, last};
  db_bind(insert, "iii", id, first, last);
  return db_done(insert, error);
}

static gboolean flush(RunWriter *writer, GError **error) {
  gsize length;
  const char *account = record_block_text(writer->block, RUN_ACCOUNT, 0, &length);
  g_byte_array_set_size(writer->bytes, 0);
  block_encode(writer->block, 0, writer->block->count, writer->bytes);
  db_bind(writer->insert, "iitb", (writer->run.id << BLOCKS_BITS) + writer->n++, writer->run.id, account, length,
          writer->bytes->data, (gsize)writer->bytes->len);
  if (!db_done(writer->insert, error))
    return FALSE;
  record_block_clear(writer->block);
  return TRUE;
}

gboolean run_writer_add(RunWriter *writer, const RunEntry *entry, GError **error) {
  RecordBlock *block = writer->block;
  if (!record_block_has_room(block) && !flush(writer, error))
    return FALSE;
  record_block_begin(block, block->count + 1); /* lines that cost nothing */
  record_block_put_text(block, RUN_ACCOUNT, entry->account, entry->length);
  record_block_put_integer(block, RUN_AMOUNT, entry->amount);
  record_block_put_integer(block, RUN_OFFSET, entry->seq - writer->run.first);
  record_block_end(block);
  return TRUE;
}

gboolean run_writer_end(RunWriter *writer, GError **error) {
  return writer->block->count == 0 || flush(writer, error);
}

void run_writer_clear(RunWriter *writer) {
  db_statement_free(writer->insert);
  record_block_free(writer->block);
  g_byte_array_unref(writer->bytes);
}

/* --- Reading */

static gboolean read_block(RunCursor *cursor, GError **error) {
  gboolean row;
  if (!db_step(cursor->blocks, &row, error))
    return FALSE;
  cursor->at = 0;
  cursor->ended = !row;
  record_block_clear(cursor->block);
  if (!row)
    return TRUE;
  gsize length, min_length;
  const void *bytes = db_bytes(cursor->blocks, 1, &length);
  guint count = block_encoded_count(bytes, length);
  if (count == 0 || count > ENTRIES_A_BLOCK)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "a block of run %" G_GINT64_FORMAT " is damaged",
                               cursor->run.id);
  if (!block_decode(bytes, length, 0, count, cursor->block, error))
    return FALSE;
  RunEntry first = run_cursor_entry(cursor);
  const void *min = db_bytes(cursor->blocks, 0, &min_length);
  if (ledger_compare_texts(first.account, first.length, min, min_length) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "a block of run %" G_GINT64_FORMAT " is out of place",
                               cursor->run.id);
  return TRUE;
}

/* The last block that begins before the account: its entries may begin in there. */
static gboolean find_start(Db *db, const LedgerRun *run, const char *account, gint64 *start, GError **error) {
  g_autoptr(DbStatement) find = db_prepare_named(db, ledger_queries_sql, "run-start", error);
  gboolean row;
  if (!find)
    return FALSE;
  db_bind(find, "is", run->id, account);
  if (!db_step(find, &row, error))
    return FALSE;
  if (row)
    *start = db_integer(find, 0);
  return TRUE;
}

gboolean run_cursor_open(RunCursor *cursor, Db *db, const LedgerRun *run, const char *account, GError **error) {
  gint64 start = run->id << BLOCKS_BITS;
  *cursor = (RunCursor){.run = *run, .block = run_block_new()};
  if (account && !find_start(db, run, account, &start, error))
    return FALSE;
  cursor->blocks = db_prepare_named(db, ledger_queries_sql, "run-blocks", error);
  if (!cursor->blocks)
    return FALSE;
  db_bind(cursor->blocks, "ii", start, (run->id + 1) << BLOCKS_BITS);
  return read_block(cursor, error);
}

RunEntry run_cursor_entry(const RunCursor *cursor) {
  RunEntry entry = {.amount = record_block_integer(cursor->block, RUN_AMOUNT, cursor->at),
                    .seq = cursor->run.first + record_block_integer(cursor->block, RUN_OFFSET, cursor->at)};
  entry.account = record_block_text(cursor->block, RUN_ACCOUNT, cursor->at, &entry.length);
  return entry;
}

gboolean run_cursor_next(RunCursor *cursor, GError **error) {
  return ++cursor->at < cursor->block->count || read_block(cursor, error);
}

void run_cursor_clear(RunCursor *cursor) {
  g_clear_pointer(&cursor->blocks, db_statement_free);
  g_clear_pointer(&cursor->block, record_block_free);
}

static gboolean visit_run(RunCursor *cursor, const char *account, RunVisit visit, gpointer user, gboolean *going,
                          GError **error) {
  gsize length = strlen(account);
  while (!cursor->ended) {
    RunEntry entry = run_cursor_entry(cursor);
    int order = ledger_compare_texts(entry.account, entry.length, account, length);
    if (order > 0)
      return TRUE;
    if (order == 0 && !(*going = visit(user, &entry, error)))
      return TRUE;
    if (!run_cursor_next(cursor, error))
      return FALSE;
  }
  return TRUE;
}

gboolean ledger_runs_visit(Db *db, const GArray *runs, const char *account, RunVisit visit, gpointer user,
                           GError **error) {
  gboolean ok = TRUE, going = TRUE;
  for (guint i = 0; i < runs->len && ok && going; i++) {
    RunCursor cursor;
    ok = run_cursor_open(&cursor, db, &g_array_index(runs, LedgerRun, i), account, error) &&
         visit_run(&cursor, account, visit, user, &going, error);
    run_cursor_clear(&cursor);
  }
  return ok;
}
