/* Validate and split: decides over every staged record and cuts the file into batches. staged → validated or rejected.
 *
 * All that it finds is committed in one transaction: the batches as ranges of records with their exceptions, the file's
 * counts and sums, and the new state. A crash before that commit leaves a staged file, which is examined again. From
 * asking the ledger until the file is posted, it holds the range of its keys (keygate.h). */
#include "gateway/base/faultpoint.h"
#include "gateway/common/codes.h"
#include "gateway/common/log.h"
#include "gateway/flow/admission/declared.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/flow/processor.h"
#include "gateway/flow/step.h"
#include "gateway/flow/judging/order.h"
#include "gateway/flow/judging/repeats.h"
#include "gateway/records/stage.h"
#include "gateway/common/policy.h"
#include "store/book.h"

typedef struct {
  const Feed *feed;
  const char *file;
  LedgerReader *reader; /* opened when a balance is asked for */
} Asker;

static gboolean ask_ledger(gpointer user, const RecordBlock *block, const guint8 *skip, guint8 *verdicts,
                           GError **error) {
  const Asker *asker = user;
  return !asker->feed->ledger ||
         ledger_check_keys(asker->feed->ledger, asker->file, block, asker->feed->columns, skip, verdicts, error);
}

static gboolean ask_balance(gpointer user, const char *account, gint64 *balance, GError **error) {
  return ledger_balance(((const Asker *)user)->reader, account, NULL, balance, NULL, error);
}

static void count(BookFile *file, const Examination *found) {
  gboolean is_refused = found->code != NULL;
  file->records = found->records;
  file->accepted = is_refused ? 0 : found->accepted;
  file->rejected = is_refused ? found->records : found->rejected;
  file->duplicates = is_refused ? 0 : found->duplicates;
  file->amount = found->amount;
  file->amount_accepted = is_refused ? 0 : found->amount_accepted;
  file->amount_rejected = is_refused ? found->amount : found->amount_rejected;
  file->amount_duplicate = is_refused ? 0 : found->amount_duplicate;
  file->batches = found->batches->len;
  file->batches_posted = 0;
}

/* Nothing of a refused file is posted: its batches only say what is wrong with which record. */
static void refuse_batches(GPtrArray *batches) {
  for (guint i = 0; i < batches->len; i++) {
    BookBatch *batch = batches->pdata[i];
    batch->rejected = (guint)(batch->last - batch->first + 1);
    batch->accepted = batch->duplicates = 0;
    batch->amount = 0;
  }
}

typedef struct {
  Step *step;
  const Examination *found;
  FileState to;
  const char *detail, *warning; /* warning: of its keys; NULL: none */
  RepeatsAllowed allowed;
} Verdict;

/* The key gate keeps two files with the same records apart, but not two of one name. This is the one place where "no
 * such file counts" and "this one counts from now on" are one. */
static gboolean verdict_change(BookTransaction *tx, gpointer data, GError **error) {
  const Verdict *verdict = data;
  BookFile *file = verdict->step->file;
  if (verdict->to == FILE_VALIDATED && !repeats_are_settled(tx, file, &verdict->allowed, error))
    return FALSE;
  if (verdict->to == FILE_VALIDATED && !flow_keep_order(tx, verdict->step, error))
    return FALSE;
  return (verdict->to != FILE_REJECTED ||
          flow_raise_rejected(tx, verdict->step, file, file->reason_code, file->reason, error)) &&
         (!verdict->warning || book_note_file(tx, file, verdict->warning, error)) &&
         book_add_batches(tx, file->id, verdict->found->batches, error) &&
         book_advance_file(tx, file, verdict->to, verdict->detail, error);
}

static gboolean commit(Step *step, const Examination *found, const KeyFacts *keys, GError **error) {
  BookFile *file = step->file;
  gboolean is_refused = found->code != NULL;
  count(file, found);
  if (is_refused)
    refuse_batches(found->batches);
  /* Of an accepted file this clears what it was once held for. */
  flow_set_reason(file, found->code, found->reason);
  g_autofree char *detail = is_refused
                                ? g_strdup_printf("%s %s", found->code, found->reason)
                                : g_strdup_printf("%" G_GUINT64_FORMAT " accepted, %" G_GUINT64_FORMAT
                                                  " rejected, %" G_GUINT64_FORMAT " duplicates, %u batches",
                                                  file->accepted, file->rejected, file->duplicates, file->batches);
  g_autofree char *warning = is_refused ? NULL : key_facts_warning(keys);
  Verdict verdict = {step, found, is_refused ? FILE_REJECTED : FILE_VALIDATED, detail, warning, {{FALSE}}};
  repeats_allowed(step, &verdict.allowed);
  FileState from = file->state;
  file->due_at = g_get_real_time();
  fault_point("validate-before-commit");
  if (!book_write(step->flow->book, verdict_change, &verdict, error)) {
    file->state = from;
    return FALSE;
  }
  flow_log(step, detail);
  if (warning)
    log_event(LOG_WARNING, "look-alike-keys", {"feed", step->feed->conf->name}, {"file", file->id},
              {"reason", warning});
  if (is_refused)
    flow_release_keys(step);
  return TRUE;
}

/* What no other file may post until this one is posted: its own keys, or, where the balances have to be looked at, any.
 */
typedef struct {
  GBytes *least, *greatest; /* both NULL: every key */
  gboolean is_tight;
} Claimed;

static gboolean claim_keys(const Step *step, const KeyFacts *keys, Claimed *claimed) {
  *claimed = (Claimed){keys->least, keys->greatest, FALSE};
  gconstpointer gate = processor_gate(step->feed);
  if (!gate || (step->feed->ledger && !keys->least))
    return TRUE;
  if (step->feed->ledger && !ledger_promise(step->feed->ledger, step->file->id, keys->moved))
    *claimed = (Claimed){.is_tight = TRUE};
  return keygate_reserve(step->flow->gate, gate, step->file->id, claimed->least, claimed->greatest);
}

/* Another file with overlapping keys is between validation and posting: this one waits for it, for some times what it
 * took to find its keys, so that waiting costs little whatever the file's size. */
static gboolean wait_for_keys(Step *step, const Claimed *claimed, gint64 took, GError **error) {
  g_autofree char *holder = keygate_holder(step->flow->gate, processor_gate(step->feed), step->file->id,
                                           claimed->least, claimed->greatest);
  if (step->feed->ledger)
    ledger_forget_promise(step->feed->ledger, step->file->id);
  Wait wait = {.what = FILE_WAIT_KEYS, .on = holder};
  return flow_put_off(step, g_get_real_time() + policy_keys_wait(took), &wait, error);
}

static guint scale_of(const Feed *feed) {
  const GPtrArray *fields = layout_conf(feed->layout)->record.fields;
  const ConfField *field = feed->columns ? fields->pdata[feed->columns->amount] : NULL;
  return field && field->type == CONF_DECIMAL ? field->scale : 0;
}

/* What a declaration beside the file said of its records, against what was staged. The file's own faults are told
 * first. */
static gboolean hold_against_declaration(Step *step, Examination *found, GError **error) {
  g_autoptr(Declared) declared = NULL;
  if (found->code)
    return TRUE;
  if (!declared_from_evidence(step->file->evidence, &declared, error))
    return FALSE;
  DeclaredFacts facts = {.records = found->records,
                         .has_amount = step->feed->columns != NULL,
                         .amount = found->amount,
                         .scale = scale_of(step->feed)};
  found->reason = declared ? declared_contradiction(declared, &facts, &found->code) : NULL;
  return TRUE;
}

static StepResult ask_processor(Step *step, Examination *found, GError **error) {
  const Processor *processor = step->feed->processor;
  ProcessorVerdict verdict = {.to = FILE_VALIDATED};
  StepResult result = STEP_ON;
  if (found->code || !processor->judge)
    return STEP_ON;
  if (!processor->judge(step, &verdict, error)) {
    result = STEP_FAILED;
  } else if (verdict.to == FILE_HELD) {
    result = flow_hold(step, verdict.code, verdict.reason, error) ? STEP_MOVED : STEP_FAILED;
  } else if (verdict.to == FILE_REJECTED) {
    found->code = g_strdup(verdict.code);
    found->reason = g_steal_pointer(&verdict.reason);
  }
  g_free(verdict.reason);
  return result;
}

static void tell_validated(const Step *step) {
  const FileSink *sink = step->flow->validated;
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  sink->take(sink->user, step->feed->conf, step->file->id, path);
}

static StepResult decide(Step *step, Examination *found, const KeyFacts *keys, GError **error) {
  StepResult result = hold_against_declaration(step, found, error) ? repeats_judge_keys(step, found, error)
                                                                   : STEP_FAILED;
  if (result == STEP_ON)
    result = ask_processor(step, found, error);
  if (result == STEP_ON && !commit(step, found, keys, error))
    return STEP_FAILED;
  if (result == STEP_ON && step->flow->validated)
    tell_validated(step);
  return result;
}

/* What the ledger has not folded yet is added up for each account that is asked for: so all is folded first. */
static gboolean examine_tightly(const Step *step, const ExamineOptions *options, Examination *found, GError **error) {
  Asker *asker = options->user;
  const Feed *feed = step->feed;
  gboolean ok = ledger_fold(feed->ledger, TRUE, error) &&
                (asker->reader = ledger_reader_open(step->flow->paths->folder, feed->conf->ledger.name, error)) &&
                examine_balances(options, found, error);
  ledger_reader_close(asker->reader);
  return ok;
}

static gboolean examine(const Step *step, const ExamineOptions *options, const KeyFacts *keys, gboolean is_tight,
                        Examination *found, GError **error) {
  return examine_records(options, keys, found, error) &&
         (!is_tight || examine_tightly(step, options, found, error));
}

static gboolean validate_with(Step *step, const ExamineOptions *options, const KeyFacts *keys, gint64 took,
                              GError **error) {
  Claimed claimed;
  if (!claim_keys(step, keys, &claimed))
    return wait_for_keys(step, &claimed, took, error);
  /* What was in flight when this file was opened may have been accepted since. */
  Examination found = {0};
  StepResult result = repeats_judge(step, error);
  if (result == STEP_ON)
    result = examine(step, options, keys, claimed.is_tight, &found, error) ? decide(step, &found, keys, error)
                                                                           : STEP_FAILED;
  if (result != STEP_ON)
    flow_release_keys(step);
  examination_clear(&found);
  return result != STEP_FAILED;
}

static gboolean validate(Step *step, GError **error) {
  g_autofree char *path = lane_path_stage(step->flow->paths, step->file->id);
  Asker asker = {.feed = step->feed, .file = step->file->id};
  ExamineOptions options = {.staging = path,
                            .scratch = step->flow->paths->stage,
                            .layout = step->feed->layout,
                            .conf = step->feed->conf,
                            .rules = step->feed->rules,
                            .n_rules = step->feed->n_rules,
                            .columns = step->feed->columns,
                            .cuts_when_sent = step->feed->processor->cuts_when_sent,
                            .of_repeated = step->feed->processor->of_repeated,
                            .threads = step->flow->threads,
                            .check_keys = ask_ledger,
                            .balance = ask_balance,
                            .user = &asker};
  KeyFacts keys = {0};
  gint64 started = g_get_monotonic_time();
  gboolean ok = stage_check_layout(path, step->feed->layout, error) && examine_keys(&options, &keys, error) &&
                validate_with(step, &options, &keys, g_get_monotonic_time() - started, error);
  key_facts_clear(&keys);
  return ok;
}

gboolean flow_validate(Step *step, GError **error) {
  Order order = {0};
  step->order = &order;
  StepResult result = flow_judge_order(step, error);
  gboolean ok = result == STEP_MOVED || (result == STEP_ON && validate(step, error));
  order_clear(&order);
  step->order = NULL;
  return ok;
}
