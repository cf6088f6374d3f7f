/* What each part of the store costs for N records (default 1,000,000) of the shape that packaging/demo/make-accruals
 * makes:
 *   bench_store [records] [folder]
 * Prints wall and CPU seconds per million, and the peak of resident memory. One thread but for the ledger's writers. */
#include "store/block.h"
#include "store/ledger.h"
#include "store/rules.h"
#include "store/staging.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { BLOCK = 4096, BATCH = 2500, COLUMNS = 9 };

static const StagingColumn columns[COLUMNS] = {
    {"tag", BLOCK_TEXT, 0},       {"member", BLOCK_TEXT, 0},    {"reference", BLOCK_TEXT, 0},
    {"points", BLOCK_INTEGER, 0}, {"amount", BLOCK_INTEGER, 2}, {"at", BLOCK_TEXT, 0},
    {"store", BLOCK_TEXT, 0},     {"currency", BLOCK_TEXT, 0},  {"category", BLOCK_TEXT, 0}};

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double wall, cpu;
static void begin(void) {
  wall = seconds(CLOCK_MONOTONIC);
  cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
}
static void end(const char *what, guint64 records) {
  double millions = (double)records / 1e6;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%-34s %7.3f s wall %7.3f s CPU per million   (peak %ld MiB)\n", what,
         (seconds(CLOCK_MONOTONIC) - wall) / millions, (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / millions,
         usage.ru_maxrss / 1024);
}

static void check(gboolean ok, GError *error) {
  if (ok)
    return;
  fprintf(stderr, "bench_store: %s\n", error ? error->message : "failed");
  exit(1);
}

static guint64 random_state = 1;
static guint next_random(guint below) {
  random_state = random_state * G_GUINT64_CONSTANT(6364136223846793005) + 1442695040888963407u;
  return (guint)((random_state >> 33) % below);
}

static void put(RecordBlock *block, guint column, const char *text, gsize length) {
  record_block_put_text(block, column, text, length);
}

static void fill(RecordBlock *block, guint64 first, guint count) {
  static const char *const categories[] = {"FLIGHT", "HOTEL",    "GROCERY", "FUEL",
                                           "DINING", "PHARMACY", "ONLINE",  "CAR-RENTAL"};
  char text[64];
  record_block_clear(block);
  for (guint i = 0; i < count; i++) {
    record_block_begin(block, first + i + 1);
    put(block, 0, "D", 1);
    put(block, 1, text, (gsize)snprintf(text, sizeof text, "M%09u", next_random(1000000)));
    put(block, 2, text, (gsize)snprintf(text, sizeof text, "T20261120-000001-%012" G_GUINT64_FORMAT, first + i));
    record_block_put_integer(block, 3, 1 + next_random(9999));
    record_block_put_integer(block, 4, next_random(10000000));
    put(block, 5, text,
        (gsize)snprintf(text, sizeof text, "2026-11-20T%02u:%02u:%02u+08:00", next_random(24), next_random(60),
                        next_random(60)));
    put(block, 6, text, (gsize)snprintf(text, sizeof text, "STORE-%04u", next_random(9999)));
    put(block, 7, "CNY", 3);
    const char *category = categories[next_random(8)];
    put(block, 8, category, strlen(category));
    record_block_end(block);
  }
}

static RecordBlock *block_new(guint capacity) {
  BlockType types[COLUMNS];
  for (guint i = 0; i < COLUMNS; i++)
    types[i] = columns[i].type;
  return record_block_new(capacity, types, COLUMNS);
}

static void bench_staging(const char *path, guint64 records) {
  GError *error = NULL;
  g_autoptr(RecordBlock) block = block_new(BLOCK);
  begin();
  for (guint64 done = 0; done < records; done += BLOCK)
    fill(block, done + 1, (guint)MIN((guint64)BLOCK, records - done));
  end("(making the records, subtract)", records);
  begin();
  Staging *staging = staging_create(path, columns, COLUMNS, &error);
  check(staging != NULL, error);
  for (guint64 done = 0; done < records; done += BLOCK) {
    fill(block, done + 1, (guint)MIN((guint64)BLOCK, records - done));
    check(staging_append(staging, block, &error), error);
  }
  end("stage: append (with making)", records);
  begin();
  check(staging_complete(staging, &error), error);
  end("stage: complete", records);
}

static void bench_read(const char *path, guint64 records, guint step) {
  GError *error = NULL;
  g_autoptr(RecordBlock) block = block_new(step);
  begin();
  StagingReader *reader = staging_reader_open(path, &error);
  check(reader != NULL, error);
  for (guint64 first = 1; first <= records; first += step)
    check(staging_read(reader, first, step, block, &error), error);
  staging_reader_close(reader);
  g_autofree char *what = g_strdup_printf("read by %u", step);
  end(what, records);
}

static void count_broken(gpointer user, guint record, guint64 rules) {
  (void)record, (void)rules;
  ++*(guint64 *)user;
}

static void bench_rules(guint64 records, const Rule *rules, guint n_rules) {
  GError *error = NULL;
  guint64 broken = 0;
  g_autoptr(RecordBlock) block = block_new(BLOCK);
  RuleConstant date = {.name = "header_business_date", .text = "2026-11-20", .is_text = TRUE};
  fill(block, 1, BLOCK);
  begin();
  g_autoptr(RuleSet) set = rule_set_new(rules, n_rules, columns, COLUMNS, &date, 1, &error);
  check(set != NULL, error);
  for (guint64 done = 0; done < records; done += BLOCK)
    check(rule_set_run(set, block, count_broken, &broken, &error), error);
  g_autofree char *what = g_strdup_printf("rules: %u (%" G_GUINT64_FORMAT " broken)", n_rules, broken);
  end(what, records);
}

static const Rule rules[] = {
    {"points-range", "points BETWEEN 1 AND 100000", "E012"},
    {"currency", "currency = 'CNY'", "E013"},
    {"amount", "amount >= scaled('0.00', 2) AND length(member) = 10", "E014"},
    {"store", "store LIKE 'STORE-%'", "E015"},
    {"category", "category IN ('FLIGHT','HOTEL','GROCERY','FUEL','DINING','PHARMACY','ONLINE','CAR-RENTAL')", "E016"},
    {"date", "substr(at, 1, 10) = header_business_date", "E017"},
    {"sum", "points + amount < 20000000", "E018"},
    {"tag", "tag = 'D'", "E019"},
    {"half-broken", "points < 5000", "E020"}};

static gint failures;
static void posted(gpointer user, const LedgerBatch *batch, const LedgerResult *result, const GError *error) {
  (void)user;
  if (error || result->posted != batch->block->count)
    g_atomic_int_inc(&failures);
  if (error)
    fprintf(stderr, "bench_store: %s\n", error->message);
}

static void submit_all(Ledger *ledger, const char *file, RecordBlock **blocks, guint n) {
  for (guint i = 0; i < n; i++) {
    LedgerBatch *batch = ledger_batch_new();
    batch->file = g_strdup(file);
    batch->batch = i + 1;
    batch->business_date = g_strdup("2026-11-20");
    batch->columns = (LedgerColumns){.account = 1, .amount = 3, .key = 2, .business_date = -1};
    batch->block = blocks[i];
    ledger_submit(ledger, batch, posted, NULL);
  }
}

/* The whole of it with blocks made as they go: what the peak of memory is. */
static void bench_memory(const char *folder, guint64 records) {
  GError *error = NULL;
  Ledger *ledger = ledger_open(&(LedgerOptions){.folder = folder, .name = "memory"}, &error);
  check(ledger != NULL, error);
  begin();
  for (guint64 done = 0; done < records; done += BATCH) {
    RecordBlock *block = block_new(BATCH);
    fill(block, done + 1, (guint)MIN((guint64)BATCH, records - done));
    submit_all(ledger, "memory", &block, 1);
  }
  check(ledger_fold(ledger, TRUE, &error), error);
  ledger_close(ledger);
  end("(making, posting, folding: memory)", records);
}

static gboolean count_entry(gpointer user, const LedgerEntry *entry) {
  (void)entry;
  ++*(guint64 *)user;
  return TRUE;
}

/* Batches made beforehand, so that only the ledger is measured; the memory of it is the bench's, not the ledger's. */
static void bench_ledger(const char *folder, guint64 records, guint round) {
  GError *error = NULL;
  guint n = (guint)((records + BATCH - 1) / BATCH);
  RecordBlock **blocks = g_new0(RecordBlock *, n);
  g_autofree guint8 *verdicts = g_new(guint8, BATCH);
  LedgerColumns which = {.account = 1, .amount = 3, .key = 2, .business_date = -1};
  for (guint i = 0; i < n; i++) {
    blocks[i] = block_new(BATCH);
    fill(blocks[i], round * records + (guint64)i * BATCH + 1, (guint)MIN((guint64)BATCH, records - (guint64)i * BATCH));
  }
  Ledger *ledger = ledger_open(&(LedgerOptions){.folder = folder, .name = "miles"}, &error);
  check(ledger != NULL, error);
  begin();
  for (guint i = 0; i < n; i++)
    check(ledger_check_keys(ledger, "file", blocks[i], &which, NULL, verdicts, &error), error);
  end("ledger: check keys (all new)", records);
  g_autofree char *file = g_strdup_printf("file-%u", round);
  begin();
  submit_all(ledger, file, blocks, n);
  ledger_close(ledger);
  end("ledger: post and close", records);
  check(failures == 0, NULL);
  ledger = ledger_open(&(LedgerOptions){.folder = folder, .name = "miles"}, &error);
  check(ledger != NULL, error);
  LedgerReader *reader = ledger_reader_open(folder, "miles", &error);
  check(reader != NULL, error);
  gboolean exists;
  gint64 balance;
  guint64 entries, seen = 0;
  begin();
  check(ledger_balance(reader, "M000500000", &exists, &balance, &entries, &error), error);
  end("ledger: one balance, all in tail", 1000000);
  begin();
  check(ledger_fold(ledger, TRUE, &error), error);
  end("ledger: fold", records);
  begin();
  check(ledger_balance(reader, "M000500000", &exists, &balance, &entries, &error), error);
  end("ledger: one balance, folded", 1000000);
  begin();
  check(ledger_entries(reader, &(LedgerFilter){.account = "M000500000"}, count_entry, &seen, &error), error);
  check(seen == entries, NULL);
  check(ledger_entries(reader, &(LedgerFilter){.key = "T20261120-000001-000000000777"}, count_entry, &seen, &error),
        error);
  check(seen == entries + 1, NULL);
  end("ledger: entries of account and key", 1000000);
  begin();
  check(ledger_entries(reader, &(LedgerFilter){.file = file}, count_entry, &seen, &error), error);
  end("ledger: all entries of a file", records);
  ledger_reader_close(reader);
  begin();
  ledger_close(ledger);
  end("ledger: close after fold", records);
  g_free(blocks);
}

int main(int argc, char **argv) {
  guint64 records = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : 1000000;
  g_autofree char *folder = argc > 2 ? g_strdup(argv[2]) : g_dir_make_tmp("sallyport-bench-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "staging", NULL);
  bench_memory(folder, records);
  bench_staging(path, records);
  bench_read(path, records, BLOCK);
  bench_read(path, records, BATCH);
  staging_remove(path);
  bench_rules(records, rules, 3);
  bench_rules(records, rules, 8);
  bench_rules(records, rules, 9);
  for (guint round = 0; round < 2; round++)
    bench_ledger(folder, records, round);
  g_autofree char *remove_folder = g_strdup_printf("rm -rf '%s'", folder);
  if (argc <= 2 && system(remove_folder) != 0)
    return 1;
  return 0;
}
