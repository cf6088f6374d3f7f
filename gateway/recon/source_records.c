/* from = records: every record of the files that are posted as a whole, in the order of files and lines, with what
 * became of it.
 *
 * A file's plaintext is gone once it is closed. What is left of its records: of an accepted one the ledger's entry
 * (key, account, amount, date), of a rejected or duplicate one its line and code, and its key, account and amount as
 * far as they could be read (the book's batches; none in those of an earlier release). Of a feed that keeps no
 * ledger the accepted records are not told at all. A file that was refused as a whole, or is a duplicate, has one row
 * without line and key, with its code and the sum of its amounts. */
#include "gateway/recon/source_block.h"
#include "gateway/recon/source_private.h"
#include "gateway/records/exceptions.h"
#include "store/book_recon.h"
#include "store/ledger.h"
#include <string.h>

enum { ID, NAME, FEED, BUSINESS_DATE, LINE, OUTCOME, CODE, KEY, ACCOUNT, AMOUNT, N_COLUMNS };
enum { PAGE = 200 };

typedef struct {
  guint64 line;
  gint64 amount;
  char *key, *account, *date;
} Accepted;

typedef struct {
  ReconFiles files;
  char *folder, *after;
  char from[11], to[11];
  GHashTable *readers; /* ledger's name → LedgerReader* */
  GPtrArray *page;
  guint file; /* BookFile*, and the one at hand */
  const BookFile *refused; /* the one at hand, if it is told by one row; NULL: by its batches */
  GPtrArray *batches;
  guint batch;
  GArray *accepted;
  guint next;
  ExceptionCursor *exceptions;
  const RecordException *exception;
  gboolean is_end;
} Records;

static void accepted_clear(gpointer data) {
  Accepted *accepted = data;
  g_free(accepted->key);
  g_free(accepted->account);
  g_free(accepted->date);
}

static gboolean wants(const Records *records, const char *outcome) {
  char **statuses = records->files.options.reconcile->read.statuses;
  return !statuses || g_strv_contains((const char *const *)statuses, outcome);
}

/* --- A batch */

static gboolean visit(gpointer user, const LedgerEntry *entry) {
  Accepted accepted = {entry->line, entry->amount, g_strdup(entry->key), g_strdup(entry->account),
                       g_strdup(entry->business_date)};
  g_array_append_val(((Records *)user)->accepted, accepted);
  return TRUE;
}

static int by_line(const void *a, const void *b) {
  const Accepted *x = a, *y = b;
  return (x->line > y->line) - (x->line < y->line);
}

static const char *ledger_of(const Records *records, const char *feed) {
  const GPtrArray *feeds = records->files.options.lane->feeds;
  for (guint i = 0; i < feeds->len; i++)
    if (strcmp(((const ConfFeed *)feeds->pdata[i])->name, feed) == 0)
      return ((const ConfFeed *)feeds->pdata[i])->ledger.name;
  return NULL;
}

static LedgerReader *reader_of(Records *records, const char *ledger, GError **error) {
  LedgerReader *reader = g_hash_table_lookup(records->readers, ledger);
  if (!reader && (reader = ledger_reader_open(records->folder, ledger, error)))
    g_hash_table_insert(records->readers, g_strdup(ledger), reader);
  return reader;
}

static gboolean load_batch(Records *records, const BookFile *file, const BookBatch *batch, GError **error) {
  const char *ledger = ledger_of(records, file->feed);
  g_array_set_size(records->accepted, 0);
  records->next = 0;
  g_clear_pointer(&records->exceptions, exception_cursor_free);
  records->exceptions = exception_cursor_new(batch->exceptions);
  g_autoptr(GError) why = NULL;
  records->exception = exception_cursor_next(records->exceptions, &why);
  if (why) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!ledger || !wants(records, "accepted"))
    return TRUE;
  LedgerFilter filter = {.file = file->id, .batch = batch->number};
  LedgerReader *reader = reader_of(records, ledger, error);
  if (!reader || !ledger_entries(reader, &filter, visit, records, error))
    return FALSE;
  qsort(records->accepted->data, records->accepted->len, sizeof(Accepted), by_line);
  return records->accepted->len == batch->accepted ||
         sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                             "file %s batch %u: the ledger has %u entries, the book %u accepted records", file->id,
                             batch->number, records->accepted->len, batch->accepted);
}

static void put_head(RecordBlock *block, const BookFile *file, guint64 line, const char *date) {
  record_block_begin(block, block->count + 1);
  recon_put_text(block, ID, file->id);
  recon_put_text(block, NAME, file->name_shown);
  recon_put_text(block, FEED, file->feed);
  recon_put_text(block, BUSINESS_DATE, date);
  record_block_put_integer(block, LINE, (gint64)line);
}

static void put_accepted(RecordBlock *block, const BookFile *file, const Accepted *accepted) {
  put_head(block, file, accepted->line, accepted->date);
  recon_put_text(block, OUTCOME, "accepted");
  recon_put_text(block, KEY, accepted->key);
  recon_put_text(block, ACCOUNT, accepted->account);
  record_block_put_integer(block, AMOUNT, accepted->amount);
  record_block_end(block);
}

static void put_exception(const Records *records, RecordBlock *block, const BookFile *file) {
  const RecordException *exception = records->exception;
  const char *outcome = exception->outcome == OUTCOME_DUPLICATE ? "duplicate" : "rejected";
  if (!wants(records, outcome))
    return;
  put_head(block, file, exception->line, file->business_date);
  recon_put_text(block, OUTCOME, outcome);
  recon_put_text(block, CODE, exception->code);
  recon_put_text(block, KEY, exception->key);
  recon_put_text(block, ACCOUNT, exception->account);
  if (exception->has_amount)
    record_block_put_integer(block, AMOUNT, exception->amount);
  record_block_end(block);
}

static const char *refused_as(const BookFile *file) {
  return file->outcome == FILE_OUTCOME_REJECTED    ? "rejected"
         : file->outcome == FILE_OUTCOME_DUPLICATE ? "duplicate"
                                                   : NULL;
}

/* Nothing of it was credited, and of its good records no line is known any more. */
static void put_refused(const Records *records, RecordBlock *block, const BookFile *file) {
  if (!wants(records, refused_as(file)))
    return;
  put_head(block, file, 0, file->business_date);
  record_block_put_null(block, LINE);
  recon_put_text(block, OUTCOME, refused_as(file));
  recon_put_text(block, CODE, file->reason_code);
  if (file->records > 0)
    record_block_put_integer(block, AMOUNT, file->amount);
  record_block_end(block);
}

/* Both by line, merged. *more: the block is full, and the batch is not done. */
static gboolean put_batch(Records *records, const BookFile *file, RecordBlock *block, gboolean *more, GError **error) {
  for (;;) {
    const Accepted *accepted = records->next < records->accepted->len
                                   ? &g_array_index(records->accepted, Accepted, records->next)
                                   : NULL;
    *more = (accepted || records->exception) && !record_block_has_room(block);
    if (*more || (!accepted && !records->exception))
      return TRUE;
    if (accepted && (!records->exception || accepted->line < records->exception->line)) {
      put_accepted(block, file, accepted);
      records->next++;
      continue;
    }
    put_exception(records, block, file);
    g_autoptr(GError) why = NULL;
    records->exception = exception_cursor_next(records->exceptions, &why);
    if (why) {
      g_propagate_error(error, g_steal_pointer(&why));
      return FALSE;
    }
  }
}

/* --- Files */

static gboolean is_posted(const BookFile *file) {
  return file->state == FILE_POSTED || file->state == FILE_SEALED || file->state == FILE_ANSWERED ||
         file->state == FILE_CLOSED;
}

/* A refused file stands in `refused`, for one row; an accepted one has its first batch loaded. *found: there is one of
 * the two. */
static gboolean begin_file(Records *records, const BookFile *file, gboolean *found, GError **error) {
  *found = FALSE;
  if (!recon_files_wants(&records->files, file->id, file->feed))
    return TRUE;
  if (refused_as(file)) {
    records->refused = file;
    *found = TRUE;
    return TRUE;
  }
  if (!is_posted(file))
    return TRUE;
  records->batches = book_batches(records->files.options.reader, file->id, error);
  *found = records->batches && records->batches->len > 0;
  return *found ? load_batch(records, file, records->batches->pdata[0], error) : records->batches != NULL;
}

static gboolean next_file(Records *records, GError **error) {
  for (;;) {
    if (!records->page || records->file >= records->page->len) {
      g_clear_pointer(&records->page, g_ptr_array_unref);
      records->page = recon_files_of_period(records->files.options.reader, records->after, records->from, records->to,
                                            PAGE, error);
      records->file = 0;
      if (!records->page)
        return FALSE;
      if (records->page->len == 0) {
        records->is_end = TRUE;
        return TRUE;
      }
    }
    const BookFile *file = records->page->pdata[records->file];
    g_free(records->after);
    records->after = g_strdup(file->id);
    g_clear_pointer(&records->batches, g_ptr_array_unref);
    records->batch = 0;
    gboolean found;
    if (!begin_file(records, file, &found, error))
      return FALSE;
    if (found)
      return TRUE;
    records->file++;
  }
}

static gboolean fill_from_records(gpointer user, RecordBlock *block, GError **error) {
  Records *records = user;
  while (!records->is_end) {
    gboolean more = FALSE;
    if (!records->batches && !records->refused && !next_file(records, error))
      return FALSE;
    if (records->is_end)
      break;
    if (records->refused) {
      if (!record_block_has_room(block))
        return TRUE;
      put_refused(records, block, records->refused);
      records->refused = NULL;
      records->file++;
      continue;
    }
    const BookFile *file = records->page->pdata[records->file];
    if (!put_batch(records, file, block, &more, error))
      return FALSE;
    if (more)
      return TRUE;
    if (++records->batch < records->batches->len) {
      if (!load_batch(records, file, records->batches->pdata[records->batch], error))
        return FALSE;
      continue;
    }
    g_clear_pointer(&records->batches, g_ptr_array_unref);
    records->file++;
  }
  return TRUE;
}

static void records_free(gpointer user) {
  Records *records = user;
  recon_files_clear(&records->files);
  g_hash_table_unref(records->readers);
  g_clear_pointer(&records->page, g_ptr_array_unref);
  g_clear_pointer(&records->batches, g_ptr_array_unref);
  g_clear_pointer(&records->exceptions, exception_cursor_free);
  g_array_unref(records->accepted);
  g_free(records->folder);
  g_free(records->after);
  g_free(records);
}

ReconSource *recon_source_records(const ReconSourceOptions *options, GError **error) {
  guint scale;
  StagingColumn columns[N_COLUMNS];
  const char *const *names = recon_source_names(CONF_READ_RECORDS);
  if (!recon_feeds_scale(options, &scale, error))
    return NULL;
  for (guint i = 0; i < N_COLUMNS; i++)
    columns[i] = (StagingColumn){names[i], i == LINE || i == AMOUNT ? BLOCK_INTEGER : BLOCK_TEXT,
                                 i == AMOUNT ? scale : 0};
  Records *records = g_new0(Records, 1);
  recon_files_init(&records->files, options);
  records->folder = g_strdup(options->folder);
  g_strlcpy(records->from, options->from, sizeof records->from);
  g_strlcpy(records->to, options->to, sizeof records->to);
  records->readers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ledger_reader_close);
  records->accepted = g_array_new(FALSE, FALSE, sizeof(Accepted));
  g_array_set_clear_func(records->accepted, accepted_clear);
  return recon_source_of_blocks(columns, N_COLUMNS, fill_from_records, records, records_free);
}
