/* from = files: a record per file of the period, as the book has it when the task begins. */
#include "gateway/recon/source_block.h"
#include "gateway/recon/source_private.h"
#include "store/book_recon.h"
#include <string.h>

enum {
  ID,
  NAME,
  FEED,
  STATE,
  BUSINESS_DATE,
  SEEN_AT,
  RECORDS,
  ACCEPTED,
  REJECTED,
  DUPLICATES,
  AMOUNT,
  AMOUNT_ACCEPTED,
  AMOUNT_REJECTED,
  AMOUNT_DUPLICATE,
  SIZE,
  SHA256,
  CODE,
  REASON,
  N_COLUMNS
};
enum { PAGE = 500 };

typedef struct {
  ReconFiles files;
  char *after;
  char from[11], to[11];
  gboolean is_end;
} Files;

static void put_file(RecordBlock *block, const BookFile *file) {
  const gint64 numbers[] = {(gint64)file->records,    (gint64)file->accepted, (gint64)file->rejected,
                            (gint64)file->duplicates, file->amount,           file->amount_accepted,
                            file->amount_rejected,    file->amount_duplicate, (gint64)file->size};
  const guint columns[] = {RECORDS,         ACCEPTED,        REJECTED,         DUPLICATES, AMOUNT,
                           AMOUNT_ACCEPTED, AMOUNT_REJECTED, AMOUNT_DUPLICATE, SIZE};
  g_autoptr(GDateTime) seen = g_date_time_new_from_unix_utc(file->seen_at / G_USEC_PER_SEC);
  g_autofree char *seen_at = g_date_time_format(seen, "%Y-%m-%dT%H:%M:%SZ"),
                  *day = g_date_time_format(seen, "%Y-%m-%d");
  record_block_begin(block, block->count + 1);
  recon_put_text(block, ID, file->id);
  recon_put_text(block, NAME, file->name_shown);
  recon_put_text(block, FEED, file->feed);
  recon_put_text(block, STATE, file_state_word(file->state));
  recon_put_text(block, BUSINESS_DATE, file->business_date ? file->business_date : day);
  recon_put_text(block, SEEN_AT, seen_at);
  for (guint i = 0; i < G_N_ELEMENTS(columns); i++)
    record_block_put_integer(block, columns[i], numbers[i]);
  recon_put_text(block, SHA256, file->plain_sha256);
  recon_put_text(block, CODE, file->reason_code);
  recon_put_text(block, REASON, file->reason);
  record_block_end(block);
}

static gboolean has_status(const Files *files, const BookFile *file) {
  char **statuses = files->files.options.reconcile->read.statuses;
  return !statuses || g_strv_contains((const char *const *)statuses, file_state_word(file->state));
}

static gboolean fill_from_files(gpointer user, RecordBlock *block, GError **error) {
  Files *files = user;
  while (!files->is_end && block->count + PAGE <= block->capacity && record_block_has_room(block)) {
    g_autoptr(GPtrArray)
        page = recon_files_of_period(files->files.options.reader, files->after, files->from, files->to, PAGE, error);
    if (!page)
      return FALSE;
    files->is_end = page->len < PAGE;
    for (guint i = 0; i < page->len; i++) {
      const BookFile *file = page->pdata[i];
      if (has_status(files, file) && recon_files_wants(&files->files, file->id, file->feed))
        put_file(block, file);
      g_free(files->after);
      files->after = g_strdup(file->id);
    }
    if (block->count > 0 && files->is_end)
      break;
  }
  return TRUE;
}

static void files_free(gpointer user) {
  Files *files = user;
  recon_files_clear(&files->files);
  g_free(files->after);
  g_free(files);
}

/* The decimals of the files' amounts: of all feeds that are read, which must agree. */
gboolean recon_feeds_scale(const ReconSourceOptions *options, guint *scale, GError **error) {
  gboolean is_known = FALSE;
  *scale = 0;
  for (guint i = 0; i < options->lane->feeds->len; i++) {
    const ConfFeed *feed = options->lane->feeds->pdata[i];
    char **wanted = options->reconcile->read.feeds;
    if (!feed->ledger.name || (wanted && !g_strv_contains((const char *const *)wanted, feed->name)))
      continue;
    guint other = recon_ledger_scale(options, feed->ledger.name);
    if (is_known && other != *scale)
      return sallyport_error_set(
          error, SALLYPORT_ERROR_CONFIGURATION,
          "the amounts of feed \"%s\" have %u decimals, those of others %u: name feeds that agree", feed->name, other,
          *scale);
    *scale = other;
    is_known = TRUE;
  }
  return TRUE;
}

ReconSource *recon_source_files(const ReconSourceOptions *options, GError **error) {
  guint scale;
  StagingColumn columns[N_COLUMNS];
  const char *const *names = recon_source_names(CONF_READ_FILES);
  if (!recon_feeds_scale(options, &scale, error))
    return NULL;
  for (guint i = 0; i < N_COLUMNS; i++) {
    gboolean is_number = (i >= RECORDS && i <= SIZE), is_amount = i >= AMOUNT && i <= AMOUNT_DUPLICATE;
    columns[i] = (StagingColumn){names[i], is_number ? BLOCK_INTEGER : BLOCK_TEXT, is_amount ? scale : 0};
  }
  Files *files = g_new0(Files, 1);
  recon_files_init(&files->files, options);
  g_strlcpy(files->from, options->from, sizeof files->from);
  g_strlcpy(files->to, options->to, sizeof files->to);
  return recon_source_of_blocks(columns, N_COLUMNS, fill_from_files, files, files_free);
}
