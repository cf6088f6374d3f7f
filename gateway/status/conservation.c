#include "gateway/status/conservation.h"
#include <string.h>

enum { PAGE = 4096 };

/* Of one ledger, over all files. */
typedef struct {
  const StatusLedger *ledger;
  guint64 before;
  LedgerTotals of_files;
} Sum;
typedef struct {
  const StatusLane *lane;
  Sum *sums;
  guint64 files, records;
} Check;

static gboolean is_posted(FileState state) {
  return state == FILE_POSTED || state == FILE_SEALED || state == FILE_ANSWERED || state == FILE_CLOSED;
}

static gboolean is_validated(FileState state) {
  return state == FILE_VALIDATED || state == FILE_POSTING || is_posted(state);
}

static gboolean check_lines(const BookTally *file, GError **error) {
  if (!is_validated(file->state) || file->records == file->accepted + file->rejected + file->duplicates)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                             "file %s has %" G_GUINT64_FORMAT " records, but %" G_GUINT64_FORMAT
                             " accepted, %" G_GUINT64_FORMAT " rejected and %" G_GUINT64_FORMAT " duplicates",
                             file->id, file->records, file->accepted, file->rejected, file->duplicates);
}

/* Such a feed credits nothing; what it may have credited under another kind of process is no fault. */
static gboolean keeps_no_ledger(const StatusLane *lane, const BookTally *file) {
  for (guint i = 0; i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    if (g_str_equal(feed->name, file->feed))
      return !conf_process_keeps_ledger(feed->process);
  }
  return FALSE;
}

/* The least and the most credits that a file may have. */
typedef struct {
  guint64 least, most;
} Bounds;

static gboolean find_bounds(const Check *check, const BookTally *file, Bounds *bounds, GError **error) {
  /* A file that was refused as a whole has lines that were fine, and no batch of it was posted. */
  gboolean was_posted = file->batches_posted > 0 && is_posted(file->state);
  *bounds = (Bounds){was_posted ? file->accepted : 0, was_posted ? file->accepted : 0};
  if (file->state == FILE_POSTING) {
    g_autoptr(GPtrArray) batches = book_batches(check->lane->reader, file->id, error);
    if (!batches)
      return FALSE;
    for (guint i = 0; i < batches->len; i++) {
      const BookBatch *batch = batches->pdata[i];
      bounds->least += batch->state == BATCH_POSTED ? batch->accepted : 0;
    }
    bounds->most = file->accepted;
  }
  if (keeps_no_ledger(check->lane, file))
    bounds->least = 0;
  return TRUE;
}

static gboolean check_credits(const BookTally *file, const Bounds *bounds, const LedgerTotals *credits,
                              GError **error) {
  if (credits->entries < bounds->least || credits->entries > bounds->most)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "file %s (%s) has %" G_GUINT64_FORMAT " credits, and should have %" G_GUINT64_FORMAT
                               " to %" G_GUINT64_FORMAT,
                               file->id, file_state_word(file->state), credits->entries, bounds->least, bounds->most);
  if (bounds->least == bounds->most && bounds->least > 0 && credits->amount != file->amount_accepted) {
    char amount[WIDE_BYTES];
    wide_print(credits->amount, 0, amount);
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "file %s has credits of %s in all, its accepted lines are %" G_GINT64_FORMAT, file->id,
                               amount, file->amount_accepted);
  }
  return TRUE;
}

/* Of some files: for each of the lane's ledgers, file's id → LedgerTotals *. To be read behind the files' rows. */
static GPtrArray *read_credits(const Check *check, const char *first, const char *last, GError **error) {
  g_autoptr(GPtrArray) credits = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
  for (guint i = 0; i < check->lane->ledgers->len; i++) {
    GHashTable *totals = ledger_totals_between(check->sums[i].ledger->reader, first, last, error);
    if (!totals)
      return NULL;
    g_ptr_array_add(credits, totals);
  }
  return g_steal_pointer(&credits);
}

static void add_totals(LedgerTotals *sum, const GPtrArray *credits, guint ledger, const char *file) {
  const LedgerTotals *totals = g_hash_table_lookup(credits->pdata[ledger], file);
  sum->entries += totals ? totals->entries : 0;
  sum->amount += totals ? totals->amount : 0;
}

static gboolean agrees(const BookTally *file, const Bounds *bounds, const GPtrArray *credits, GError **problem) {
  LedgerTotals all = {0};
  for (guint i = 0; i < credits->len; i++)
    add_totals(&all, credits, i, file->id);
  return check_credits(file, bounds, &all, problem);
}

static void count(Check *check, const BookTally *file, const GPtrArray *credits) {
  for (guint i = 0; i < credits->len; i++)
    add_totals(&check->sums[i].of_files, credits, i, file->id);
  check->files++;
  check->records += file->records;
}

/* In the order in which they are written. What does not agree although the row stays as it is, is a fault. */
static gboolean check_file(Check *check, BookTally *file, GError **error) {
  for (;;) {
    g_autoptr(GError) problem = NULL;
    g_autoptr(GPtrArray) credits = NULL;
    BookTally before = *file;
    Bounds bounds;
    if (!book_tally(check->lane->reader, before.id, file, error) || !find_bounds(check, file, &bounds, error) ||
        !(credits = read_credits(check, file->id, file->id, error)))
      return FALSE;
    if (check_lines(file, &problem) && agrees(file, &bounds, credits, &problem)) {
      count(check, file, credits);
      return TRUE;
    }
    if (file->state == before.state && file->changed_at == before.changed_at) {
      g_propagate_error(error, g_steal_pointer(&problem));
      return FALSE;
    }
  }
}

/* The credits of the whole page are read at once, behind its rows. A file that has got on meanwhile, or that is being
 * posted, is looked at by itself. */
static gboolean check_page(Check *check, GArray *page, GError **error) {
  const BookTally *last = &g_array_index(page, BookTally, page->len - 1);
  g_autoptr(GPtrArray) credits = read_credits(check, g_array_index(page, BookTally, 0).id, last->id, error);
  for (guint i = 0; credits && i < page->len; i++) {
    BookTally *file = &g_array_index(page, BookTally, i);
    Bounds bounds;
    gboolean is_settled = file->state != FILE_POSTING && check_lines(file, NULL) &&
                          find_bounds(check, file, &bounds, NULL) && agrees(file, &bounds, credits, NULL);
    if (is_settled)
      count(check, file, credits);
    else if (!check_file(check, file, error))
      return FALSE;
  }
  return credits != NULL;
}

/* Page by page in the order of their ids. */
static gboolean check_files(Check *check, GError **error) {
  char after[BOOK_ID_BYTES] = "";
  for (;;) {
    g_autoptr(GArray) page = book_tallies(check->lane->reader, after, PAGE, error);
    if (!page || (page->len > 0 && !check_page(check, page, error)))
      return FALSE;
    if (page->len < PAGE)
      return TRUE;
    g_strlcpy(after, g_array_index(page, BookTally, page->len - 1).id, sizeof after);
  }
}

/* Credits are only ever added: what stood there before the files were looked at has to be among theirs, unless it
 * belongs to none. */
static gboolean check_orphans(const Check *check, GError **error) {
  for (guint i = 0; i < check->lane->ledgers->len; i++) {
    const Sum *sum = &check->sums[i];
    if (sum->of_files.entries < sum->before)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                 "ledger %s has %" G_GUINT64_FORMAT " credits, of which only %" G_GUINT64_FORMAT
                                 " belong to files of the book",
                                 sum->ledger->name, sum->before, sum->of_files.entries);
  }
  return TRUE;
}

gboolean conservation_check(const StatusLane *lane, Conservation *found, GError **error) {
  g_autofree Sum *sums = g_new0(Sum, lane->ledgers->len + 1);
  Check check = {.lane = lane, .sums = sums};
  for (guint i = 0; i < lane->ledgers->len; i++) {
    LedgerTotals before;
    sums[i].ledger = lane->ledgers->pdata[i];
    if (!ledger_totals(sums[i].ledger->reader, NULL, &before, error))
      return FALSE;
    sums[i].before = before.entries;
  }
  if (!check_files(&check, error) || !check_orphans(&check, error))
    return FALSE;
  *found = (Conservation){check.files, check.records, g_array_new(FALSE, FALSE, sizeof(LedgerTotals))};
  for (guint i = 0; i < lane->ledgers->len; i++)
    g_array_append_val(found->credits, sums[i].of_files);
  return TRUE;
}
