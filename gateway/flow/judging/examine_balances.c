/* The last look at a file whose amounts are so large that a balance could leave 64 bits: which of its accepted records
 * would take their account's there. They are refused, in the order of the file; what is left can be posted.
 *
 * Only where the ledger has no room (ledger_promise), which no real unit of account comes near: so it is right and flat
 * in memory, and not fast. The accounts are gone through in parts, by their hash; the file is read once for each. */
#include "gateway/common/codes.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/records/exceptions.h"
#include "store/book.h"
#include <string.h>

enum { ACCOUNTS_AT_ONCE = 65536 };

/* Where an account can get, at the most and at the least. With the order of posting known both are the one balance. */
typedef struct {
  gint64 high, low;
} Reach;

typedef struct {
  guint64 record, line;
  char *key, *account;
  gint64 amount;
} Beyond;

static void clear_beyond(gpointer beyond) {
  g_free(((Beyond *)beyond)->key);
  g_free(((Beyond *)beyond)->account);
}

typedef struct {
  const ExamineOptions *options;
  Examination *examination;
  StagingReader *reader;
  RecordBlock *block;
  guint8 *skip;
  guint part, parts;
  GHashTable *reaches; /* account → Reach * */
  GArray *beyond;      /* Beyond */
} BalanceLook;

static gboolean take_amount(const BalanceLook *look, Reach *reach, gint64 amount) {
  Reach next = *reach;
  gboolean any_order = look->options->cuts_when_sent;
  if ((!any_order || amount > 0) && __builtin_add_overflow(reach->high, amount, &next.high))
    return FALSE;
  if ((!any_order || amount < 0) && __builtin_add_overflow(reach->low, amount, &next.low))
    return FALSE;
  *reach = next;
  return TRUE;
}

static Reach *reach_of(BalanceLook *look, const char *account, GError **error) {
  Reach *reach = g_hash_table_lookup(look->reaches, account);
  gint64 balance;
  if (reach || !look->options->balance(look->options->user, account, &balance, error))
    return reach;
  reach = g_new(Reach, 1);
  *reach = (Reach){balance, balance};
  g_hash_table_insert(look->reaches, g_strdup(account), reach);
  return reach;
}

static gboolean look_at_record(BalanceLook *look, guint i, GString *account, GError **error) {
  const LedgerColumns *columns = look->options->columns;
  char buffer[EXAMINE_NUMBER];
  gsize length;
  const char *text = examine_text_at(look->block, columns->account, i, buffer, &length);
  g_string_truncate(account, 0);
  g_string_append_len(account, text, (gssize)length);
  if (g_str_hash(account->str) % look->parts != look->part)
    return TRUE;
  gint64 amount = record_block_integer(look->block, columns->amount, i);
  Reach *reach = reach_of(look, account->str, error);
  if (!reach)
    return FALSE;
  if (take_amount(look, reach, amount))
    return TRUE;
  text = examine_text_at(look->block, columns->key, i, buffer, &length);
  Beyond beyond = {look->block->first + i, look->block->lines[i], g_strndup(text, length), g_strdup(account->str),
                   amount};
  g_array_append_val(look->beyond, beyond);
  return TRUE;
}

static gboolean look_at_batch(BalanceLook *look, const BookBatch *batch, GString *account, GError **error) {
  guint count = (guint)(batch->last - batch->first + 1);
  if (batch->accepted == 0)
    return TRUE;
  memset(look->skip, 0, count);
  if (!staging_read(look->reader, batch->first, count, look->block, error) ||
      !exceptions_mark(batch->exceptions, batch->first, count, look->skip, error))
    return FALSE;
  for (guint i = 0; i < look->block->count; i++)
    if (!look->skip[i] && !look_at_record(look, i, account, error))
      return FALSE;
  return TRUE;
}

static gboolean look_at_part(BalanceLook *look, GError **error) {
  const GPtrArray *batches = look->examination->batches;
  g_autoptr(GString) account = g_string_new(NULL);
  gboolean ok = TRUE;
  look->reaches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < batches->len && ok; i++)
    ok = look_at_batch(look, batches->pdata[i], account, error);
  g_clear_pointer(&look->reaches, g_hash_table_unref);
  return ok;
}

/* --- Refusing what was found */

static int by_record(gconstpointer a, gconstpointer b) {
  const Beyond *x = a, *y = b;
  return x->record < y->record ? -1 : x->record > y->record;
}

static void pack(ExceptionPacker *packer, const Beyond *beyond) {
  RecordException exception = {.record = beyond->record,
                               .line = beyond->line,
                               .outcome = OUTCOME_REJECTED,
                               .code = (char *)CODE_BALANCE_OVERFLOW,
                               .reason = (char *)"with this record the account's balance would not fit into 64 bits",
                               .key = beyond->key,
                               .account = beyond->account,
                               .has_amount = TRUE,
                               .amount = beyond->amount};
  exception_packer_add(packer, &exception);
}

/* The batch's exceptions with those from `next` on that are its own; returns what comes behind them. */
static const Beyond *refuse_in_batch(BookBatch *batch, const Beyond *next, const Beyond *end, GError **error) {
  ExceptionPacker *packer = exception_packer_new();
  ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
  GError *damage = NULL;
  for (const RecordException *old; (old = exception_cursor_next(cursor, &damage));
       exception_packer_add(packer, old))
    for (; next < end && next->record <= batch->last && next->record < old->record; next++)
      pack(packer, next);
  for (; next < end && next->record <= batch->last; next++)
    pack(packer, next);
  exception_cursor_free(cursor);
  g_clear_pointer(&batch->exceptions, g_bytes_unref);
  batch->exceptions = exception_packer_finish(packer);
  if (damage)
    g_propagate_error(error, damage);
  return damage ? NULL : next;
}

static gboolean refuse_records(Examination *examination, const GArray *beyond, GError **error) {
  const Beyond *next = (const Beyond *)(const void *)beyond->data, *end = next + beyond->len;
  for (guint i = 0; i < examination->batches->len; i++) {
    BookBatch *batch = examination->batches->pdata[i];
    const Beyond *first = next;
    if (next == end || next->record > batch->last)
      continue;
    if (!(next = refuse_in_batch(batch, first, end, error)))
      return FALSE;
    batch->accepted -= (guint)(next - first);
    batch->rejected += (guint)(next - first);
    for (; first < next; first++) {
      batch->amount -= first->amount;
      examination->amount_accepted -= first->amount;
      examination->accepted--;
      examination->rejected++;
      if (!examination->code &&
          __builtin_add_overflow(examination->amount_rejected, first->amount, &examination->amount_rejected))
        examine_refuse_overflow(examination);
    }
  }
  return TRUE;
}

static gboolean look_at_all(BalanceLook *look, GError **error) {
  const GPtrArray *batches = look->examination->batches;
  guint64 most = 1;
  for (guint i = 0; i < batches->len; i++) {
    const BookBatch *batch = batches->pdata[i];
    most = MAX(most, batch->last - batch->first + 1);
  }
  look->block = staging_block_new(look->reader, (guint)most);
  look->skip = g_new0(guint8, most);
  look->parts = (guint)(staging_count(look->reader) / ACCOUNTS_AT_ONCE + 1);
  gboolean ok = TRUE;
  for (; look->part < look->parts && ok; look->part++)
    ok = look_at_part(look, error);
  g_free(look->skip);
  record_block_free(look->block);
  return ok;
}

gboolean examine_balances(const ExamineOptions *options, Examination *examination, GError **error) {
  g_autoptr(GArray) beyond = g_array_new(FALSE, FALSE, sizeof(Beyond));
  g_array_set_clear_func(beyond, clear_beyond);
  if (examination->code || !options->columns)
    return TRUE;
  g_autoptr(StagingReader) reader = staging_reader_open(options->staging, error);
  BalanceLook look = {.options = options, .examination = examination, .reader = reader, .beyond = beyond};
  if (!reader || !look_at_all(&look, error))
    return FALSE;
  g_array_sort(beyond, by_record);
  if (!refuse_records(examination, beyond, error))
    return FALSE;
  if (beyond->len > 0 && options->conf->reject_file && !examination->code) {
    g_autofree char *first = g_strdup_printf("line %" G_GUINT64_FORMAT ": %s the account's balance would not fit into "
                                             "64 bits",
                                             g_array_index(beyond, Beyond, 0).line, CODE_BALANCE_OVERFLOW);
    examine_refuse_file(examination, first);
  }
  return TRUE;
}
