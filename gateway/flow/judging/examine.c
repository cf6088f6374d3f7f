/* One pass over the batches by several threads. A batch is read from staging, and each of its records gets its outcome:
 * refused by the parser, by a rule, by its key within the file, or by its key in the ledger; the first of these that
 * applies. */
#include "gateway/flow/judging/examine.h"
#include "gateway/flow/judging/examine_rules.h"
#include "gateway/threads/crew.h"
#include "gateway/common/codes.h"
#include "gateway/records/exceptions.h"
#include "store/book.h"
#include <pthread.h>
#include <string.h>

guint64 examine_batch_count(guint64 records, guint x) {
  return (records + x - 1) / x;
}

/* Wide, so that the verdict on a sum does not depend on the order in which batches are added. `moved` is what is
 * accepted, summed without signs: while it fits into 64 bits, so does every sum over a part of the file, which the
 * ledger (of a batch) and the feedback (up to a record) insist on. A file that they would refuse has to be refused
 * here: later there is no way back. */
typedef struct {
  __int128 all, accepted, rejected, duplicate, moved;
} Amounts;

typedef struct {
  const ExamineOptions *options;
  const KeyFacts *keys;
  pthread_mutex_t lock; /* of all below */
  guint64 next;         /* batch to hand out, from 0 */
  guint64 batches, records;
  GPtrArray *results; /* BookBatch*, by number */
  Amounts amounts;
  guint64 accepted, rejected, duplicates, seen_before;
  guint64 first_refused; /* ordinal; 0: none */
  char *first_refusal;
  GError *error;
} Examine;

/* One thread's own. */
typedef struct {
  Examine *examine;
  StagingReader *reader;
  ExamineRules *rules;
  RecordBlock *block;
  guint64 *broken; /* per record: mask of rules */
  guint8 *skip, *verdicts;
  GString *codes, *reasons, *key, *account;
  guint64 seen_before; /* of the batch */
} Examiner;

static void note_broken(gpointer user, guint record, guint64 rules) {
  ((Examiner *)user)->broken[record] = rules;
}

static const ConfRule *rule_at(const Examiner *examiner, guint index) {
  return examiner->examine->options->conf->rules->pdata[index];
}

/* "E012,E013" and "points out of range; member unknown". */
static void describe_broken(Examiner *examiner, guint64 mask) {
  g_string_truncate(examiner->codes, 0);
  g_string_truncate(examiner->reasons, 0);
  for (guint i = 0; i < examiner->examine->options->n_rules; i++) {
    if (!(mask >> i & 1))
      continue;
    const ConfRule *rule = rule_at(examiner, i);
    g_string_append_printf(examiner->codes, "%s%s", examiner->codes->len ? "," : "",
                           rule->code ? rule->code : rule->name);
    g_string_append_printf(examiner->reasons, "%s%s", examiner->reasons->len ? "; " : "",
                           rule->message ? rule->message : rule->name);
  }
}

static const RepeatedKey *repeated_from(const KeyFacts *keys, guint64 record) {
  guint low = 0, high = keys->repeated ? keys->repeated->len : 0;
  while (low < high) {
    guint middle = (low + high) / 2;
    if (g_array_index(keys->repeated, RepeatedKey, middle).record < record)
      low = middle + 1;
    else
      high = middle;
  }
  return keys->repeated && low < keys->repeated->len ? &g_array_index(keys->repeated, RepeatedKey, low) : NULL;
}

static const RepeatedKey *repeated_end(const KeyFacts *keys) {
  return keys->repeated ? &g_array_index(keys->repeated, RepeatedKey, keys->repeated->len) : NULL;
}

/* `hold` is the file's (repeats.c): once a person has released it, its records are duplicates. */
static Outcome outcome_of_seen(Examiner *examiner) {
  examiner->seen_before++;
  return examiner->examine->options->conf->repeats.keys == CONF_AGAIN_REJECT ? OUTCOME_REJECTED : OUTCOME_DUPLICATE;
}

static gboolean record_has_key(const Examiner *examiner, guint i) {
  const RecordBlock *block = examiner->block;
  const LedgerColumns *columns = examiner->examine->options->columns;
  gsize length = 0;
  if (!columns)
    return TRUE;
  guint key = columns->key;
  if (block->columns[key].type == BLOCK_TEXT)
    record_block_text(block, key, i, &length);
  return length > 0 || (block->columns[key].type == BLOCK_INTEGER && !record_block_is_null(block, key, i));
}

/* Fills codes and reasons for record i, or says that it is accepted. */
static Outcome outcome_of(Examiner *examiner, guint i, const BlockFault *fault, const RepeatedKey *repeated) {
  gboolean has_key = fault || record_has_key(examiner, i);
  if (!fault && has_key && examiner->broken[i]) {
    describe_broken(examiner, examiner->broken[i]);
    return OUTCOME_REJECTED;
  }
  const char *code = NULL, *reason = NULL;
  Outcome outcome = OUTCOME_REJECTED;
  if (fault)
    code = fault->code, reason = fault->reason;
  else if (!has_key)
    code = CODE_NO_RECORDS_KEY, reason = "the record has no key";
  else if (repeated && repeated->contradicts && examiner->verdicts[i] != LEDGER_KEY_POSTED)
    code = CODE_KEY_CONTRADICTS, reason = "this key stands in this file before with another account or amount";
  else if (repeated)
    code = CODE_KEY_REPEATED, reason = "this record stands in this file before", outcome = OUTCOME_DUPLICATE;
  else if (examiner->verdicts[i] == LEDGER_KEY_CONFLICT)
    code = CODE_KEY_CONFLICT, reason = "this key was posted before with another account or amount";
  else if (examiner->verdicts[i] == LEDGER_KEY_POSTED)
    code = CODE_KEY_POSTED, reason = "this record was posted before", outcome = outcome_of_seen(examiner);
  if (!code)
    return OUTCOME_ACCEPTED;
  g_string_assign(examiner->codes, code);
  g_string_assign(examiner->reasons, reason);
  if (g_str_equal(code, CODE_KEY_CONTRADICTS) || g_str_equal(code, CODE_KEY_REPEATED))
    g_string_append_printf(examiner->reasons, ", in line %" G_GUINT64_FORMAT, repeated->first_line);
  if (g_str_equal(code, CODE_KEY_REPEATED) && examiner->examine->options->of_repeated)
    g_string_append(examiner->reasons, examiner->examine->options->of_repeated);
  return outcome;
}

static void add_amount(Amounts *amounts, Outcome outcome, gint64 amount) {
  __int128 wide = amount;
  *(outcome == OUTCOME_ACCEPTED   ? &amounts->accepted
    : outcome == OUTCOME_REJECTED ? &amounts->rejected
                                  : &amounts->duplicate) += wide;
  amounts->all += wide;
  amounts->moved += outcome != OUTCOME_ACCEPTED ? 0 : wide < 0 ? -wide : wide;
}

static gboolean fits(__int128 sum) {
  return sum >= G_MININT64 && sum <= G_MAXINT64;
}

static void merge_amounts(Amounts *into, const Amounts *from) {
  into->all += from->all;
  into->accepted += from->accepted;
  into->rejected += from->rejected;
  into->duplicate += from->duplicate;
  into->moved += from->moved;
}

static gboolean leaves_64_bits(const Amounts *amounts) {
  return !fits(amounts->all) || !fits(amounts->moved) || !fits(amounts->rejected) || !fits(amounts->duplicate);
}

static void remember_first_refusal(Examine *examine, guint64 record, guint64 line, const Examiner *examiner) {
  pthread_mutex_lock(&examine->lock);
  if (examine->first_refused == 0 || record < examine->first_refused) {
    examine->first_refused = record;
    g_free(examine->first_refusal);
    examine->first_refusal = g_strdup_printf("line %" G_GUINT64_FORMAT ": %s %s", line, examiner->codes->str,
                                             examiner->reasons->str);
  }
  pthread_mutex_unlock(&examine->lock);
}

static void classify(Examiner *examiner, BookBatch *batch, Amounts *amounts) {
  const RecordBlock *block = examiner->block;
  const KeyFacts *keys = examiner->examine->keys;
  const RepeatedKey *repeated = repeated_from(keys, block->first), *end = repeated_end(keys);
  const BlockFault *fault = block->faults->len ? &g_array_index(block->faults, BlockFault, 0) : NULL;
  const BlockFault *last_fault = fault ? fault + block->faults->len : NULL;
  const LedgerColumns *columns = examiner->examine->options->columns;
  ExceptionPacker *packer = exception_packer_new();
  for (guint i = 0; i < block->count; i++) {
    guint64 record = block->first + i;
    const BlockFault *own_fault = fault && fault < last_fault && fault->record == i ? fault++ : NULL;
    const RepeatedKey *own_repeated = repeated && repeated < end && repeated->record == record ? repeated++ : NULL;
    Outcome outcome = outcome_of(examiner, i, own_fault, own_repeated);
    add_amount(amounts, outcome, columns ? record_block_integer(block, columns->amount, i) : 0);
    if (outcome == OUTCOME_ACCEPTED) {
      batch->accepted++;
      continue;
    }
    *(outcome == OUTCOME_REJECTED ? &batch->rejected : &batch->duplicates) += 1;
    RecordException exception = {.record = record,
                                 .line = block->lines[i],
                                 .outcome = outcome,
                                 .code = examiner->codes->str,
                                 .reason = examiner->reasons->str};
    examine_keep_values(block, columns, i, examiner->key, examiner->account, &exception);
    exception_packer_add(packer, &exception);
    if (outcome == OUTCOME_REJECTED && batch->rejected == 1)
      remember_first_refusal(examiner->examine, record, block->lines[i], examiner);
  }
  batch->exceptions = exception_packer_finish(packer);
}

/* The ledger is asked only about records that nothing else has refused. */
static gboolean ask_ledger(Examiner *examiner, GError **error) {
  const ExamineOptions *options = examiner->examine->options;
  const RecordBlock *block = examiner->block;
  memset(examiner->verdicts, LEDGER_KEY_NEW, block->count);
  if (!options->columns)
    return TRUE;
  for (guint i = 0; i < block->count; i++)
    examiner->skip[i] = examiner->broken[i] != 0 || record_block_is_null(block, options->columns->key, i) ||
                        record_block_is_faulty(block, i);
  return options->check_keys(options->user, block, examiner->skip, examiner->verdicts, error);
}

/* Where the record ends with its addenda. */
static guint64 last_line_of(const Examiner *examiner, guint record) {
  int column = layout_column(examiner->examine->options->layout, CONF_LAST_LINE_COLUMN);
  guint64 begins = examiner->block->lines[record],
          ends = column < 0 ? 0 : (guint64)record_block_integer(examiner->block, (guint)column, record);
  return MAX(begins, ends);
}

static BookBatch *examine_batch(Examiner *examiner, guint64 index, Amounts *amounts, GError **error) {
  const ExamineOptions *options = examiner->examine->options;
  guint64 first = index * options->conf->batch.size_max + 1;
  guint count = (guint)MIN(options->conf->batch.size_max, examiner->examine->records - first + 1);
  memset(examiner->broken, 0, sizeof(guint64) * count);
  if (!staging_read(examiner->reader, first, count, examiner->block, error))
    return NULL;
  if (options->n_rules > 0 && !examine_rules_run(examiner->rules, examiner->block, note_broken, examiner, error))
    return NULL;
  if (!ask_ledger(examiner, error))
    return NULL;
  BookBatch *batch = g_new0(BookBatch, 1);
  batch->number = options->cuts_when_sent ? 0 : (guint)index + 1;
  batch->first = first;
  batch->last = first + count - 1;
  batch->first_line = examiner->block->lines[0];
  batch->last_line = last_line_of(examiner, count - 1);
  examiner->seen_before = 0;
  classify(examiner, batch, amounts);
  batch->amount = fits(amounts->moved) ? (gint64)amounts->accepted : 0; /* else the file is refused */
  return batch;
}

static gboolean take_batch(Examine *examine, guint64 *index) {
  pthread_mutex_lock(&examine->lock);
  gboolean is_work = !examine->error && examine->next < examine->batches;
  if (is_work)
    *index = examine->next++;
  pthread_mutex_unlock(&examine->lock);
  return is_work;
}

static void keep_result(Examine *examine, guint64 index, BookBatch *batch, guint64 seen_before,
                        const Amounts *amounts) {
  pthread_mutex_lock(&examine->lock);
  examine->seen_before += seen_before;
  examine->results->pdata[index] = batch;
  merge_amounts(&examine->amounts, amounts);
  examine->accepted += batch->accepted;
  examine->rejected += batch->rejected;
  examine->duplicates += batch->duplicates;
  pthread_mutex_unlock(&examine->lock);
}

static void keep_error(Examine *examine, GError *error) {
  pthread_mutex_lock(&examine->lock);
  if (!examine->error)
    examine->error = error;
  else
    g_error_free(error);
  pthread_mutex_unlock(&examine->lock);
}

static gboolean examiner_init(Examiner *examiner, Examine *examine, GError **error) {
  const ExamineOptions *options = examine->options;
  guint x = options->conf->batch.size_max;
  *examiner = (Examiner){.examine = examine, .codes = g_string_new(NULL), .reasons = g_string_new(NULL)};
  examiner->key = g_string_new(NULL);
  examiner->account = g_string_new(NULL);
  if (!(examiner->reader = staging_reader_open(options->staging, error)))
    return FALSE;
  if (options->n_rules > 0 && !(examiner->rules = examine_rules_new(options, examiner->reader, error)))
    return FALSE;
  examiner->block = staging_block_new(examiner->reader, x);
  examiner->broken = g_new0(guint64, x);
  examiner->skip = g_new0(guint8, x);
  examiner->verdicts = g_new0(guint8, x);
  return TRUE;
}

static void examiner_clear(Examiner *examiner) {
  g_clear_pointer(&examiner->reader, staging_reader_close);
  g_clear_pointer(&examiner->rules, examine_rules_free);
  g_clear_pointer(&examiner->block, record_block_free);
  g_free(examiner->broken);
  g_free(examiner->skip);
  g_free(examiner->verdicts);
  g_string_free(examiner->codes, TRUE);
  g_string_free(examiner->reasons, TRUE);
  g_string_free(examiner->key, TRUE);
  g_string_free(examiner->account, TRUE);
}

static void examine_batches(gpointer data) {
  Examine *examine = data;
  Examiner examiner;
  GError *error = NULL;
  guint64 index;
  if (!examiner_init(&examiner, examine, &error))
    keep_error(examine, error);
  else
    while (take_batch(examine, &index)) {
      Amounts amounts = {0};
      BookBatch *batch = examine_batch(&examiner, index, &amounts, &error);
      if (!batch) {
        keep_error(examine, error);
        break;
      }
      keep_result(examine, index, batch, examiner.seen_before, &amounts);
    }
  examiner_clear(&examiner);
}

void examine_refuse_overflow(Examination *examination) {
  examination->code = g_strdup(CODE_AMOUNT_OVERFLOW);
  examination->reason = g_strdup("the sum of the amounts does not fit into 64 bits");
}

void examine_refuse_file(Examination *examination, const char *first_refusal) {
  examination->code = g_strdup(CODE_RECORDS_REFUSED);
  examination->reason = g_strdup_printf("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " records are refused, first %s",
                                        examination->rejected, examination->records, first_refusal);
}

static void judge_records(Examine *examine, StagingReader *reader, Examination *examination) {
  examination->code = staging_get(reader, "problem.code");
  if (examination->code) {
    examination->reason = staging_get(reader, "problem.reason");
  } else if (leaves_64_bits(&examine->amounts)) {
    examine_refuse_overflow(examination);
  } else if (examine->keys->too_many) {
    examination->code = g_strdup(CODE_TOO_MANY_REPEATED);
    examination->reason = g_strdup("more than a million records repeat the key of another");
  } else if (examine->options->conf->reject_file && examine->rejected > 0) {
    examine_refuse_file(examination, examine->first_refusal);
  }
}

static void report(Examine *examine, StagingReader *reader, Examination *examination) {
  *examination = (Examination){.batches = g_ptr_array_ref(examine->results),
                               .records = examine->records,
                               .accepted = examine->accepted,
                               .rejected = examine->rejected,
                               .duplicates = examine->duplicates,
                               .seen_before = examine->seen_before};
  const Amounts *amounts = &examine->amounts;
  if (!leaves_64_bits(amounts)) {
    examination->amount = (gint64)amounts->all;
    examination->amount_accepted = (gint64)amounts->accepted;
    examination->amount_rejected = (gint64)amounts->rejected;
    examination->amount_duplicate = (gint64)amounts->duplicate;
  }
  judge_records(examine, reader, examination);
}

static void batch_free(gpointer batch) {
  if (batch)
    book_batch_free(batch);
}

gboolean examine_records(const ExamineOptions *options, const KeyFacts *keys, Examination *examination,
                         GError **error) {
  g_autoptr(StagingReader) reader = staging_reader_open(options->staging, error);
  if (!reader)
    return FALSE;
  Examine examine = {.options = options, .keys = keys, .records = staging_count(reader)};
  examine.batches = examine_batch_count(examine.records, options->conf->batch.size_max);
  examine.results = g_ptr_array_new_with_free_func(batch_free);
  g_ptr_array_set_size(examine.results, (gint)examine.batches);
  pthread_mutex_init(&examine.lock, NULL);
  if (examine.batches > 0)
    crew_run((guint)MIN(options->threads, examine.batches), examine_batches, &examine);
  gboolean ok = examine.error == NULL;
  if (ok)
    report(&examine, reader, examination);
  else
    g_propagate_error(error, examine.error);
  pthread_mutex_destroy(&examine.lock);
  g_ptr_array_unref(examine.results);
  g_free(examine.first_refusal);
  return ok;
}

void examination_clear(Examination *examination) {
  g_clear_pointer(&examination->code, g_free);
  g_clear_pointer(&examination->reason, g_free);
  g_clear_pointer(&examination->batches, g_ptr_array_unref);
}
