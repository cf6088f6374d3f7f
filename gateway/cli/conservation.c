#include "gateway/cli/conservation.h"
#include <string.h>

enum { PAGE = 1000 };

/* Of one ledger, over all files. */
typedef struct {
  const CliLedger *ledger;
  guint64 before, of_files;
  gint64 amount;
} Sum;
typedef struct {
  const CliLane *lane;
  Sum *sums;
  guint64 files, records;
} Check;

static gboolean is_posted(FileState state) {
  return state == FILE_POSTED || state == FILE_SEALED || state == FILE_ANSWERED || state == FILE_CLOSED;
}

static gboolean is_validated(FileState state) {
  return state == FILE_VALIDATED || state == FILE_POSTING || is_posted(state);
}

static gboolean check_lines(const BookFile *file, GError **error) {
  if (!is_validated(file->state) || file->records == file->accepted + file->rejected + file->duplicates)
    return TRUE;
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                             "file %s has %" G_GUINT64_FORMAT " records, but %" G_GUINT64_FORMAT
                             " accepted, %" G_GUINT64_FORMAT " rejected and %" G_GUINT64_FORMAT " duplicates",
                             file->id, file->records, file->accepted, file->rejected, file->duplicates);
}

/* The least and the most credits that a file in this state may have. */
static gboolean bounds(BookReader *reader, const BookFile *file, guint64 *least, guint64 *most, GError **error) {
  *least = *most = 0;
  if (file->state != FILE_POSTING) {
    /* A file that was refused as a whole has lines that were fine, and no batch of it was posted. */
    gboolean was_posted = file->batches_posted > 0 && is_posted(file->state);
    *least = *most = was_posted ? file->accepted : 0;
    return TRUE;
  }
  g_autoptr(GPtrArray) batches = book_batches(reader, file->id, error);
  if (!batches)
    return FALSE;
  for (guint i = 0; i < batches->len; i++) {
    const BookBatch *batch = g_ptr_array_index(batches, i);
    *least += batch->state == BATCH_POSTED ? batch->accepted : 0;
  }
  *most = file->accepted;
  return TRUE;
}

static gboolean check_credits(const BookFile *file, guint64 least, guint64 most, guint64 credits, gint64 amount,
                              GError **error) {
  if (credits < least || credits > most)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "file %s (%s) has %" G_GUINT64_FORMAT " credits, and should have %" G_GUINT64_FORMAT
                               " to %" G_GUINT64_FORMAT,
                               file->id, file_state_word(file->state), credits, least, most);
  if (least == most && least > 0 && amount != file->amount_accepted)
    return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                               "file %s has credits of %" G_GINT64_FORMAT
                               " in all, its accepted lines are %" G_GINT64_FORMAT,
                               file->id, amount, file->amount_accepted);
  return TRUE;
}

/* Such a feed credits nothing; what it may have credited under another kind of process is no fault. */
static gboolean keeps_no_ledger(const CliLane *lane, const BookFile *file) {
  for (guint i = 0; i < lane->conf->feeds->len; i++) {
    const ConfFeed *feed = lane->conf->feeds->pdata[i];
    if (g_str_equal(feed->name, file->feed))
      return !conf_process_keeps_ledger(feed->process);
  }
  return FALSE;
}

/* The file's credits in each ledger, and whether they are as many as its row allows. */
static gboolean compare(const Check *check, const BookFile *file, Sum *sums, GError **error) {
  guint64 least, most, credits = 0;
  gint64 amount = 0;
  if (!check_lines(file, error) || !bounds(check->lane->reader, file, &least, &most, error))
    return FALSE;
  least = keeps_no_ledger(check->lane, file) ? 0 : least;
  for (guint i = 0; i < check->lane->ledgers->len; i++) {
    if (!ledger_totals(check->sums[i].ledger->reader, file->id, &sums[i].of_files, &sums[i].amount, error))
      return FALSE;
    credits += sums[i].of_files;
    amount += sums[i].amount;
  }
  return check_credits(file, least, most, credits, amount, error);
}

/* The row was read some files ago: one that has moved on since is compared as it is now. */
static gboolean has_moved(const Check *check, BookFile **file) {
  BookFile *now = book_find_file(check->lane->reader, (*file)->id, NULL);
  gboolean moved = now && (now->state != (*file)->state || now->changed_at != (*file)->changed_at);
  if (now) {
    book_file_free(*file);
    *file = now;
  }
  return moved;
}

static gboolean check_file(Check *check, BookFile **file, GError **error) {
  g_autofree Sum *sums = g_new0(Sum, check->lane->ledgers->len + 1);
  for (;;) {
    g_autoptr(GError) problem = NULL;
    if (compare(check, *file, sums, &problem))
      break;
    if (sallyport_error_code(problem) != SALLYPORT_ERROR_STORAGE || !has_moved(check, file)) {
      g_propagate_error(error, g_steal_pointer(&problem));
      return FALSE;
    }
  }
  for (guint i = 0; i < check->lane->ledgers->len; i++) {
    check->sums[i].of_files += sums[i].of_files;
    check->sums[i].amount += sums[i].amount;
  }
  check->files++;
  check->records += (*file)->records;
  return TRUE;
}

/* Page by page in the order of arrival; files of the page's last moment come again and are passed over. */
static gboolean check_files(Check *check, GError **error) {
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  BookFilter filter = {.limit = PAGE};
  for (;;) {
    g_autoptr(GPtrArray) page = book_files(check->lane->reader, &filter, error);
    guint fresh = 0;
    if (!page)
      return FALSE;
    for (guint i = 0; i < page->len; i++) {
      BookFile **file = (BookFile **)&g_ptr_array_index(page, i);
      if (!g_hash_table_add(seen, g_strdup((*file)->id)))
        continue;
      fresh++;
      if (!check_file(check, file, error))
        return FALSE;
    }
    if (page->len < filter.limit)
      return TRUE;
    const BookFile *last = g_ptr_array_index(page, page->len - 1);
    /* More files of one moment than a page holds: a larger page gets past it. */
    filter.limit = fresh ? PAGE : filter.limit * 2;
    filter.since = last->seen_at;
  }
}

/* Credits are only ever added: what stood there before the files were looked at has to be among theirs, unless it
 * belongs to none. */
static gboolean check_orphans(const Check *check, GError **error) {
  for (guint i = 0; i < check->lane->ledgers->len; i++) {
    const Sum *sum = &check->sums[i];
    if (sum->of_files < sum->before)
      return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE,
                                 "ledger %s has %" G_GUINT64_FORMAT " credits, of which only %" G_GUINT64_FORMAT
                                 " belong to files of the book",
                                 sum->ledger->name, sum->before, sum->of_files);
  }
  return TRUE;
}

char *conservation_check(const CliOutput *out, const CliLane *lane, GError **error) {
  g_autofree Sum *sums = g_new0(Sum, lane->ledgers->len + 1);
  Check check = {.lane = lane, .sums = sums};
  for (guint i = 0; i < lane->ledgers->len; i++) {
    gint64 amount;
    sums[i].ledger = g_ptr_array_index(lane->ledgers, i);
    if (!ledger_totals(sums[i].ledger->reader, NULL, &sums[i].before, &amount, error))
      return NULL;
  }
  if (!check_files(&check, error) || !check_orphans(&check, error))
    return NULL;
  g_autofree char *files = cli_unsigned(out, check.files), *records = cli_unsigned(out, check.records);
  GString *found = g_string_new(NULL);
  g_string_append_printf(found, "%s files, %s records", files, records);
  for (guint i = 0; i < lane->ledgers->len; i++) {
    g_autofree char *credits = cli_unsigned(out, sums[i].of_files),
                    *amount = cli_amount(out, sums[i].amount, sums[i].ledger->scale);
    g_string_append_printf(found, ", %s credits of %s in %s", credits, amount, sums[i].ledger->name);
  }
  return g_string_free(found, FALSE);
}
