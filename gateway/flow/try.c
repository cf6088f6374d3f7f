#include "gateway/flow/try.h"
#include "crypto/openpgp.h"
#include "gateway/base/files.h"
#include "gateway/common/codes.h"
#include "gateway/flow/admission/admit.h"
#include "gateway/flow/flow.h"
#include "gateway/records/stage.h"
#include "gateway/records/exceptions.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_EXCEPTIONS = 20 };

typedef struct {
  const FlowTryOptions *options;
  const Conf *conf;
  const ConfLane *lane;
  const ConfFeed *feed;
  const Processor *processor;
  const ConfPartner *partner;
  const LanePaths *paths;
  Layout *layout;
  LedgerReader *ledger;  /* NULL: none yet */
  pthread_mutex_t lock;  /* a reader is one thread's at a time */
  LedgerColumns columns; /* where the feed has a ledger */
  char *scratch, *staging;
  char *name; /* the file's, without its folder */
} Try;

typedef struct {
  const RecordBlock *block;
  const LedgerColumns *columns;
  guint record;
  LedgerKeyVerdict verdict;
} Posted;

static gboolean compare_posted(gpointer user, const LedgerEntry *entry) {
  Posted *posted = user;
  char buffer[EXAMINE_NUMBER];
  gsize length;
  const char *account =
      examine_text_at(posted->block, posted->columns->account, posted->record, buffer, &length);
  gboolean is_same = entry->amount == record_block_integer(posted->block, posted->columns->amount, posted->record) &&
                     strlen(entry->account) == length && memcmp(entry->account, account, length) == 0;
  posted->verdict = is_same ? LEDGER_KEY_POSTED : LEDGER_KEY_CONFLICT;
  return FALSE;
}

/* One look-up per record: slower than the lane's way, which needs the ledger's writer. */
static gboolean ask_reader(gpointer user, const RecordBlock *block, const guint8 *skip, guint8 *verdicts,
                           GError **error) {
  Try *try = user;
  gboolean ok = TRUE;
  pthread_mutex_lock(&try->lock);
  for (guint i = 0; try->ledger && ok && i < block->count; i++) {
    if (skip[i])
      continue;
    char buffer[EXAMINE_NUMBER];
    gsize length;
    const char *text = examine_text_at(block, try->columns.key, i, buffer, &length);
    g_autofree char *key = g_strndup(text, length);
    Posted posted = {block, &try->columns, i, LEDGER_KEY_NEW};
    LedgerFilter filter = {.key = key, .limit = 1};
    ok = ledger_entries(try->ledger, &filter, compare_posted, &posted, error);
    verdicts[i] = (guint8)posted.verdict;
  }
  pthread_mutex_unlock(&try->lock);
  return ok;
}

static gboolean ask_balance(gpointer user, const char *account, gint64 *balance, GError **error) {
  LedgerReader *ledger = ((const Try *)user)->ledger;
  *balance = 0;
  return !ledger || ledger_balance(ledger, account, NULL, balance, NULL, error);
}

static gboolean examine_balances_where_needed(const Try *try, const ExamineOptions *options, gint64 moved,
                                              Examination *found, GError **error) {
  gboolean has_room = moved < G_MAXINT64;
  if (has_room && try->ledger && !ledger_has_room(try->ledger, moved, &has_room, error))
    return FALSE;
  return has_room || examine_balances(options, found, error);
}

static void collect_exceptions(FlowTryReport *report) {
  for (guint i = 0; i < report->found.batches->len && report->refused->len < SHOWN_EXCEPTIONS; i++) {
    const BookBatch *batch = report->found.batches->pdata[i];
    ExceptionCursor *cursor = exception_cursor_new(batch->exceptions);
    const RecordException *next;
    while (report->refused->len < SHOWN_EXCEPTIONS && (next = exception_cursor_next(cursor, NULL))) {
      RecordException *copy = g_new(RecordException, 1);
      *copy = (RecordException){.record = next->record,
                                .line = next->line,
                                .outcome = next->outcome,
                                .code = g_strdup(next->code),
                                .reason = g_strdup(next->reason)};
      g_ptr_array_add(report->refused, copy);
    }
    exception_cursor_free(cursor);
  }
}

static gboolean examine(Try *try, FlowTryReport *report, GError **error) {
  guint n_rules = try->feed->rules ? try->feed->rules->len : 0;
  g_autofree Rule *rules = g_new0(Rule, n_rules + 1);
  for (guint i = 0; i < n_rules; i++) {
    const ConfRule *rule = try->feed->rules->pdata[i];
    rules[i] = (Rule){.name = rule->name, .check = rule->check, .code = rule->code};
  }
  ExamineOptions options = {.staging = try->staging,
                            .scratch = try->scratch,
                            .layout = try->layout,
                            .conf = try->feed,
                            .rules = rules,
                            .n_rules = n_rules,
                            .columns = conf_process_keeps_ledger(try->feed->process) ? &try->columns : NULL,
                            .of_repeated = try->processor->of_repeated,
                            .threads = MAX(g_get_num_processors(), 1),
                            .check_keys = ask_reader,
                            .balance = ask_balance,
                            .user = try};
  KeyFacts keys = {0};
  gboolean ok = examine_keys(&options, &keys, error) && examine_records(&options, &keys, &report->found, error) &&
                examine_balances_where_needed(try, &options, keys.moved, &report->found, error);
  report->warning = ok ? key_facts_warning(&keys) : NULL;
  key_facts_clear(&keys);
  if (ok)
    collect_exceptions(report);
  return ok;
}

/* By the name and header that the file has, and the numbers that were used before it. */
static gboolean foresee_order(Try *try, FlowTryReport *report, GError **error) {
  g_autoptr(GError) none = NULL;
  g_autoptr(GBytes) name = g_bytes_new(try->name, strlen(try->name));
  BookFile file = {.name = name, .header = report->header, .business_date = report->business_date};
  if (!try->feed->sequence.present)
    return TRUE;
  BookReader *reader = g_file_test(try->paths->book, G_FILE_TEST_EXISTS) ? book_reader_open(try->paths->book, &none)
                                                                         : NULL; /* a lane that never ran has none */
  gboolean ok = order_foresee(reader, try->feed, &file, &report->order, error);
  if (reader)
    book_reader_close(reader);
  return ok;
}

static gboolean ask_processor(Try *try, FlowTryReport *report, GError **error) {
  const FlowTryOptions *options = try->options;
  ProcessorStaged staged = {.lane = try->lane,
                            .feed = try->feed,
                            .layout = try->layout,
                            .folder = try->paths->folder,
                            .path = try->staging,
                            .scratch = try->scratch};
  if (!flow_try_accepts(report))
    return TRUE;
  if (options->take)
    return options->take(options->user, &staged, &report->verdict, error);
  return !try->processor->foresee || try->processor->foresee(&staged, &report->verdict, error);
}

static gboolean stage_and_examine(Try *try, int plaintext, FlowTryReport *report, GError **error) {
  StageOptions options = {
      .layout = try->layout,
      .plaintext = plaintext,
      .path = try->staging,
      .arrival = day_today(try->conf->node.time_zone),
      .may_be_empty = try->feed->source.empty == CONF_EMPTY_ACCEPT,
      .key_scope = try->feed->key_scope,
      .file = "try", /* no file that was credited has this name */
      .threads = MAX(g_get_num_processors(), 1)};
  Staged staged = {0};
  if (!stage_plaintext(&options, try->feed->business_date, &staged, error))
    return FALSE;
  report->header = staged.header;
  report->business_date = staged.business_date;
  gboolean ok = examine(try, report, error) && foresee_order(try, report, error) &&
                ask_processor(try, report, error);
  staging_remove(try->staging);
  return ok;
}

/* -1 without error: the feed has none. */
static int open_signature(Try *try, const char *path, GError **error) {
  if (try->options->is_plain || try->feed->source.envelope != CONF_ENVELOPE_DETACHED)
    return -1;
  g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
  g_autofree char *beside = admit_expand(try->feed->source.signature, name),
                  *signature = g_build_filename(folder, beside, NULL);
  int fd = open(signature, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "its signature %s: %s", signature, g_strerror(errno));
  return fd;
}

/* The feed as it would be if its files lay in the clear. Borrows all of it. */
static ConfFeed without_envelope(const ConfFeed *feed) {
  ConfFeed plain = *feed;
  plain.source.envelope = CONF_ENVELOPE_NONE;
  plain.source.outer_packing = plain.source.inner_packing = CONF_PACK_NONE;
  return plain;
}

static gboolean open_file(Try *try, const char *path, int fetched, FlowTryReport *report, GError **error) {
  GError *missing = NULL;
  int signature = open_signature(try, path, &missing);
  if (missing) {
    g_propagate_error(error, missing);
    return FALSE;
  }
  const ConfFeed plain = without_envelope(try->feed), *feed = try->options->is_plain ? &plain : try->feed;
  UnwrapOptions options = {.home = try->conf->node.gnupg_home,
                           .openpgp = &try->partner->openpgp,
                           .feed = feed,
                           .scratch = try->scratch,
                           .fetched = fetched,
                           .signature = signature,
                           .keeps_returns = unwrap_keeps_returns(layout_conf(try->layout))};
  gboolean is_clear = feed->source.envelope == CONF_ENVELOPE_NONE;
  gboolean ok = (is_clear || openpgp_start(error)) && unwrap(&options, &report->opened, error);
  if (ok && try->options->is_plain && report->opened.trusted) {
    g_free(report->opened.trust);
    report->opened.trust = g_strdup(FLOW_TRY_PLAIN);
  }
  report->is_empty =
      ok && report->opened.trusted && report->opened.size == 0 && feed->source.empty != CONF_EMPTY_ACCEPT;
  if (ok && report->opened.trusted)
    ok = stage_and_examine(try, report->opened.plaintext, report, error);
  if (signature >= 0)
    close(signature);
  return ok;
}

static gboolean prepare(Try *try, GError **error) {
  if (!(try->layout = layout_new(conf_layout(try->conf, try->feed->layout), error)) ||
      !layout_set_key(try->layout, try->feed, error))
    return FALSE;
  try->scratch = g_dir_make_tmp("sallyport-try-XXXXXX", error);
  if (!try->scratch)
    return FALSE;
  if (try->feed->business_date)
    layout_judge_date(try->layout, try->feed->business_date, try->feed->business_back / 86400,
                      try->feed->business_ahead / 86400);
  try->staging = g_build_filename(try->scratch, "staging.db", NULL);
  if (!conf_process_keeps_ledger(try->feed->process))
    return TRUE;
  int account = layout_column(try->layout, try->feed->ledger.account),
      amount = layout_column(try->layout, try->feed->ledger.amount);
  int key = layout_column(try->layout, try->feed->key);
  if (account < 0 || amount < 0 || key < 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "feed %s: key, account or amount is no field of its layout", try->feed->name);
  layout_keep_amount(try->layout, (guint)amount);
  try->columns = (LedgerColumns){
      .account = (guint)account, .amount = (guint)amount, .key = (guint)key, .business_date = -1};
  g_autoptr(GError) none = NULL;
  /* a lane that never ran has none */
  try->ledger = ledger_reader_open(try->paths->folder, try->feed->ledger.name, &none);
  return TRUE;
}

static void try_clear(Try *try) {
  layout_free(try->layout);
  if (try->ledger)
    ledger_reader_close(try->ledger);
  if (try->staging)
    staging_remove(try->staging);
  if (try->scratch)
    rmdir(try->scratch);
  g_free(try->scratch);
  g_free(try->staging);
  g_free(try->name);
  pthread_mutex_destroy(&try->lock);
}

static void exception_free(gpointer data) {
  RecordException *exception = data;
  g_free(exception->code);
  g_free(exception->reason);
  g_free(exception);
}

gboolean flow_try(const FlowTryOptions *options, FlowTryReport *report, GError **error) {
  const Conf *conf = options->conf;
  const ConfFeed *feed = options->feed;
  const ConfLane *lane = NULL;
  struct stat status;
  *report = (FlowTryReport){.opened = {.plaintext = -1},
                            .refused = g_ptr_array_new_with_free_func(exception_free),
                            .verdict = {.to = FILE_VALIDATED}};
  if (!conf_feed(conf, feed->name, &lane))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "there is no feed %s", feed->name);
  int ciphertext = open(options->path, O_RDONLY | O_CLOEXEC);
  if (ciphertext < 0 || fstat(ciphertext, &status) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s: %s", options->path, g_strerror(errno));
  report->cipher_size = (guint64)status.st_size;
  g_autoptr(LanePaths) paths = lane_paths_new(&conf->node, lane->name);
  Try try = {.options = options,
             .conf = conf,
             .lane = lane,
             .feed = feed,
             .processor = options->processor,
             .partner = conf_partner(conf, feed->partner),
             .paths = paths};
  pthread_mutex_init(&try.lock, NULL);
  try.name = g_path_get_basename(options->path);
  gboolean ok = prepare(&try, error) && open_file(&try, options->path, ciphertext, report, error);
  try_clear(&try);
  close(ciphertext);
  return ok;
}

/* Out of its turn, and not taken for that. */
static gboolean is_out_of_turn(const FlowTryReport *report) {
  ConfSequencePolicy policy = report->order.policy;
  return report->order.is_judged && (policy == CONF_SEQUENCE_HOLD || policy == CONF_SEQUENCE_REJECT);
}

const char *flow_try_code(const FlowTryReport *report, const char **reason) {
  const struct {
    gboolean is;
    const char *code, *reason;
  } ways[] = {{!report->opened.trusted, report->opened.code, report->opened.reason},
              {report->is_empty, CODE_EMPTY, "there is nothing in the file: 0 bytes of content"},
              {report->found.code != NULL, report->found.code, report->found.reason},
              {is_out_of_turn(report), report->order.code, report->order.words},
              {report->verdict.to != FILE_VALIDATED, report->verdict.code, report->verdict.reason}};
  for (guint i = 0; i < G_N_ELEMENTS(ways); i++)
    if (ways[i].is) {
      *reason = ways[i].reason;
      return ways[i].code;
    }
  return NULL;
}

gboolean flow_try_accepts(const FlowTryReport *report) {
  const char *reason;
  return !flow_try_code(report, &reason);
}

void flow_try_report_clear(FlowTryReport *report) {
  unwrapped_clear(&report->opened);
  g_clear_pointer(&report->header, g_free);
  g_clear_pointer(&report->business_date, g_free);
  g_clear_pointer(&report->refused, g_ptr_array_unref);
  examination_clear(&report->found);
  g_clear_pointer(&report->warning, g_free);
  g_clear_pointer(&report->order.words, g_free);
  g_clear_pointer(&report->verdict.reason, g_free);
}
