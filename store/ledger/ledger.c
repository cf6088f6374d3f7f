#include "gateway/base/files.h"
#include "store/ledger/open_private.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* --- Opening and closing */

static gboolean lock_ledger(Ledger *ledger, GError **error) {
  if (!files_make_folder(ledger->folder, error))
    return FALSE;
  g_autofree char *path = g_strdup_printf("%s/%s.ledger.lock", ledger->folder, ledger->name);
  ledger->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (ledger->lock_fd < 0)
    return sallyport_error_errno(error, errno, "open %s", path);
  if (flock(ledger->lock_fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno == EWOULDBLOCK)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "ledger %s in %s is open in another process", ledger->name,
                               ledger->folder);
  return sallyport_error_errno(error, errno, "lock %s", path);
}

static gboolean start_writers(Ledger *ledger, const char *unit, GError **error) {
  Db *dbs[LEDGER_SHARDS_MAX] = {NULL};
  gboolean ok = ledger_files_open(ledger->folder, ledger->name, ledger->shards, dbs, error) &&
                ledger_facts_settle(ledger, dbs, unit, error);
  for (guint i = 0; i < ledger->shards && ok; i++) {
    ledger->writers[i] = ledger_writer_start(g_steal_pointer(&dbs[i]), i, ledger->sieve, error);
    ok = ledger->writers[i] != NULL;
    if (ok)
      ledger->gross[i] = ledger_writer_gross(ledger->writers[i]);
  }
  for (guint i = 0; i < ledger->shards; i++)
    db_close(dbs[i]);
  return ok;
}

static void free_tools(Ledger *ledger, LedgerTools *tools) {
  ledger_reader_close(tools->reader);
  for (guint i = 0; i < ledger->shards; i++)
    record_block_free(tools->blocks[i]);
  g_free(tools->blocks);
  g_free(tools);
}

Ledger *ledger_open(const LedgerOptions *options, GError **error) {
  guint shards = options->shards ? options->shards : LEDGER_SHARDS;
  if (shards > LEDGER_SHARDS_MAX) {
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "ledger %s: %u shards; at most %d are possible",
                        options->name, shards, LEDGER_SHARDS_MAX);
    return NULL;
  }
  Ledger *ledger = g_new0(Ledger, 1);
  ledger->folder = g_strdup(options->folder);
  ledger->name = g_strdup(options->name);
  ledger->shards = shards;
  ledger->scale = options->scale;
  ledger->lock_fd = -1;
  ledger->writers = g_new0(LedgerWriter *, shards);
  ledger->gross = g_new0(gint64, shards);
  ledger->promises = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  ledger->sieve = key_sieve_new();
  pthread_mutex_init(&ledger->lock, NULL);
  g_queue_init(&ledger->tools);
  ledger_admission_init(&ledger->admission);
  if (lock_ledger(ledger, error) && start_writers(ledger, options->unit, error))
    return ledger;
  ledger_close(ledger);
  return NULL;
}

void ledger_close(Ledger *ledger) {
  if (!ledger)
    return;
  ledger_admission_drain(&ledger->admission);
  LedgerTools *tools;
  while ((tools = g_queue_pop_head(&ledger->tools)))
    free_tools(ledger, tools);
  for (guint i = 0; i < ledger->shards; i++)
    if (ledger->writers[i])
      ledger_writer_stop(ledger->writers[i]);
  if (ledger->lock_fd >= 0)
    close(ledger->lock_fd);
  ledger_admission_clear(&ledger->admission);
  pthread_mutex_destroy(&ledger->lock);
  key_sieve_free(ledger->sieve);
  g_clear_error(&ledger->failure);
  g_free(ledger->writers);
  g_free(ledger->gross);
  g_hash_table_unref(ledger->promises);
  g_free(ledger->folder);
  g_free(ledger->name);
  g_free(ledger);
}

LedgerTools *ledger_take_tools(Ledger *ledger, GError **error) {
  pthread_mutex_lock(&ledger->lock);
  LedgerTools *tools = g_queue_pop_head(&ledger->tools);
  pthread_mutex_unlock(&ledger->lock);
  if (tools)
    return tools;
  LedgerReader *reader = ledger_reader_open(ledger->folder, ledger->name, error);
  if (!reader)
    return NULL;
  tools = g_new0(LedgerTools, 1);
  tools->reader = reader;
  tools->blocks = g_new0(RecordBlock *, ledger->shards);
  for (guint i = 0; i < ledger->shards; i++) {
    ledger_reader_view(reader, i)->sieve = ledger->sieve;
    ledger_reader_view(reader, i)->loose_keys = ledger_writer_loose_keys(ledger->writers[i]);
  }
  return tools;
}

void ledger_return_tools(Ledger *ledger, LedgerTools *tools) {
  pthread_mutex_lock(&ledger->lock);
  g_queue_push_head(&ledger->tools, tools);
  pthread_mutex_unlock(&ledger->lock);
}

gboolean ledger_fold(Ledger *ledger, gboolean all, GError **error) {
  enum { WORTH_FOLDING = 65536 };
  LedgerFoldTicket tickets[LEDGER_SHARDS_MAX];
  gboolean ok = TRUE;
  for (guint i = 0; i < ledger->shards; i++)
    tickets[i] = ledger_writer_fold_begin(ledger->writers[i], all ? 1 : WORTH_FOLDING);
  for (guint i = 0; i < ledger->shards && ok; i++)
    ok = ledger_writer_fold_wait(ledger->writers[i], &tickets[i], error);
  return ok;
}

/* --- Keys */

static void copy_as_text(const RecordBlock *from, guint column, guint record, RecordBlock *into, guint to) {
  if (record_block_is_null(from, column, record))
    return;
  gsize length;
  char number[24];
  const char *text = number;
  if (from->columns[column].type == BLOCK_INTEGER)
    length = (gsize)g_snprintf(number, sizeof number, "%" G_GINT64_FORMAT, record_block_integer(from, column, record));
  else
    text = record_block_text(from, column, record, &length);
  /* the day of a time stamp begins it */
  record_block_put_text(into, to, text, to == ENTRY_DATE ? MIN(length, ENTRY_DATE_BYTES) : length);
}

static gboolean is_all_text(const RecordBlock *block, const LedgerColumns *columns) {
  const BlockColumn *all = block->columns;
  gint date = columns->business_date;
  return all[columns->key].type == BLOCK_TEXT && all[columns->account].type == BLOCK_TEXT &&
         (date < 0 || (all[date].type == BLOCK_TEXT && !columns->has_times));
}

const RecordBlock *ledger_text_form(const RecordBlock *block, LedgerColumns *columns, RecordBlock **made,
                                    GError **error) {
  const BlockColumn *all = block->columns;
  gboolean dated = columns->business_date >= 0;
  *made = NULL;
  if (columns->key >= block->n_columns || columns->account >= block->n_columns || columns->amount >= block->n_columns ||
      (dated && (guint)columns->business_date >= block->n_columns) || all[columns->amount].type != BLOCK_INTEGER) {
    sallyport_error_set(error, SALLYPORT_ERROR_BUG,
                        "the ledger's columns do not fit the block's: the amount must be an integer or decimal");
    return NULL;
  }
  if (is_all_text(block, columns))
    return block;
  RecordBlock *copy = *made = ledger_entry_block_new(MAX(block->count, 1));
  for (guint i = 0; i < block->count; i++) {
    record_block_begin(copy, block->lines[i]);
    copy_as_text(block, columns->key, i, copy, ENTRY_KEY);
    copy_as_text(block, columns->account, i, copy, ENTRY_ACCOUNT);
    if (dated)
      copy_as_text(block, (guint)columns->business_date, i, copy, ENTRY_DATE);
    if (!record_block_is_null(block, columns->amount, i))
      record_block_put_integer(copy, ENTRY_AMOUNT, record_block_integer(block, columns->amount, i));
    record_block_end(copy);
  }
  *columns = (LedgerColumns){
      .account = ENTRY_ACCOUNT, .amount = ENTRY_AMOUNT, .key = ENTRY_KEY, .business_date = dated ? ENTRY_DATE : -1};
  return copy;
}

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean done;
  GError *error;
} IndexOrder;

static void index_done(LedgerPart *part, const GError *error) {
  IndexOrder *order = part->user;
  pthread_mutex_lock(&order->lock);
  order->done = TRUE;
  order->error = error ? g_error_copy(error) : NULL;
  pthread_cond_signal(&order->changed);
  pthread_mutex_unlock(&order->lock);
}

static gboolean order_index(LedgerWriter *writer, const KeyList *keys, GError **error) {
  IndexOrder order = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  LedgerPart part = {.done = index_done, .user = &order, .index_only = TRUE};
  part.min_key = (char *)key_list_at(keys, 0, &part.min_length);
  part.max_key = (char *)key_list_at(keys, keys->n - 1, &part.max_length);
  ledger_writer_put(writer, &part);
  pthread_mutex_lock(&order.lock);
  while (!order.done)
    pthread_cond_wait(&order.changed, &order.lock);
  pthread_mutex_unlock(&order.lock);
  if (order.error)
    g_propagate_error(error, order.error);
  return order.error == NULL;
}

static gboolean find_in_shard(Ledger *ledger, LedgerTools *tools, guint shard, const KeyList *keys, KeyHit hit,
                              gpointer user, GError **error) {
  enum { INDEX_FROM = 16 };
  ShardView *view = ledger_reader_view(tools->reader, shard);
  guint touched = 0;
  gboolean others = FALSE;
  if (!shard_view_overlaps(view, keys, INDEX_FROM, &touched, &others, error))
    return FALSE;
  if (touched == 0 && !others)
    return TRUE;
  if (touched >= INDEX_FROM && !order_index(ledger->writers[shard], keys, error))
    return FALSE;
  SiftedKeys sifted;
  shard_view_sift(view, keys, &sifted);
  /* One snapshot, or a posting that is indexed meanwhile would be found twice or not at all. */
  gboolean ok = db_begin_read(view->db, error) && shard_view_find_keys(view, keys, &sifted, hit, user, error);
  db_rollback(view->db);
  sifted_keys_clear(&sifted);
  return ok;
}

gboolean ledger_find_posted(Ledger *ledger, LedgerTools *tools, const KeyList *keys, KeyHit hit, gpointer user,
                            GError **error) {
  for (guint i = 0; i < ledger->shards && keys->n > 0; i++)
    if (!find_in_shard(ledger, tools, i, keys, hit, user, error))
      return FALSE;
  return TRUE;
}

typedef struct {
  const char *file;
  const RecordBlock *block;
  LedgerColumns columns;
  guint8 *verdicts;
} Check;

static void judge_record(gpointer user, guint record, const ShardView *view, guint index) {
  Check *check = user;
  if (strcmp(check->file, view->posting.file) == 0)
    return;
  gsize a_length, b_length;
  const char *a = record_block_text(check->block, check->columns.account, record, &a_length);
  const char *b = record_block_text(view->block, ENTRY_ACCOUNT, index, &b_length);
  gboolean same = record_block_integer(check->block, check->columns.amount, record) ==
                      record_block_integer(view->block, ENTRY_AMOUNT, index) &&
                  ledger_compare_texts(a, a_length, b, b_length) == 0;
  check->verdicts[record] = same ? LEDGER_KEY_POSTED : LEDGER_KEY_CONFLICT;
}

gboolean ledger_check_keys(Ledger *ledger, const char *file, const RecordBlock *block, const LedgerColumns *columns,
                           const guint8 *skip, guint8 *verdicts, GError **error) {
  g_autoptr(RecordBlock) made = NULL;
  Check check = {.file = file, .columns = *columns, .verdicts = verdicts};
  memset(verdicts, LEDGER_KEY_NEW, block->count);
  if (!ledger_scale_fits(ledger, columns, error))
    return FALSE;
  check.block = ledger_text_form(block, &check.columns, &made, error);
  LedgerTools *tools = check.block ? ledger_take_tools(ledger, error) : NULL;
  if (!tools)
    return FALSE;
  KeyList keys;
  key_list_init(&keys, check.block, check.columns.key, skip);
  gboolean ok = ledger_find_posted(ledger, tools, &keys, judge_record, &check, error);
  key_list_clear(&keys);
  ledger_return_tools(ledger, tools);
  return ok;
}
