/* Rates as of the event's time, tiers from their table, counters, and what is kept of it. */
#include "gateway/rating/counters.h"
#include "gateway/rating/tables.h"
#include "store/reference.h"
#include "tests/unit/gateway/rating/rating_fixture.h"

#define SECOND G_USEC_PER_SEC
#define DECEMBER (1796054400LL * SECOND) /* 2026-12-01T00:00+08:00 */
#define RATES_SHAPE "{\"key\":[\"product_code\",\"zone_code\"],\"content\":[[\"rate\",\"decimal\",2]]}"
#define TIERS_SHAPE "{\"key\":[\"product_code\",\"up_to\"],\"content\":[[\"tier_rate\",\"decimal\",2]]}"

#define BY_RATE \
  "quantity { value = \"seconds\" }\n" \
  "lookup \"rate\" { table = \"rates\" key = { \"product\", \"zone\" } }\n" \
  "step \"rate\" { amount = \"price(quantity, rate, 60)\" }\n" \
  "round { mode = half-up scale = 2 }"
#define BY_TIERS \
  "quantity { value = \"seconds\" }\n" \
  "tiers { kind = graduated table = \"tiers\" key = { \"product\" } up-to = \"up_to\" rate = \"tier_rate\" }\n" \
  "step \"half\" { when = \"tier = 'half'\" amount = \"portion(amount, 1, 2)\" }\n" \
  "step \"none\" { when = \"tier = 'none'\" amount = \"price(1, price, 1)\" }\n" \
  "round { mode = half-up scale = 2 }"

static char *folder;

static int make_folder(void **state) {
  (void)state;
  folder = g_dir_make_tmp("sallyport-rating-XXXXXX", NULL);
  return folder ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
  const char *name;
  while (listing && (name = g_dir_read_name(listing))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(folder);
  g_free(folder);
  return 0;
}

static void load(const char *table, const char *shape, const ReferenceRow *rows) {
  static guint files;
  g_autofree char *scratch = g_build_filename(folder, "beside.db", NULL),
                  *file = g_strdup_printf("file-%u", ++files);
  ReferenceLoadOptions options = {folder, table, scratch, REFERENCE_FULL, FALSE};
  g_autoptr(ReferenceLoad) of = reference_load_new(&options, NULL);
  ReferenceFindings findings;
  gint64 number;
  for (; rows->key; rows++)
    assert_true(reference_load_add(of, rows, NULL));
  ReferenceFacts facts = {.sequence = REFERENCE_NO_SEQUENCE, .file = file, .shape = shape};
  assert_true(reference_load_commit(of, &facts, &findings, &number, NULL));
}

static void load_rates(const char *later) {
  g_autofree char *content = g_strdup_printf("[\"%s\"]", later);
  const ReferenceRow rows[] = {
      {"[\"P\",\"home\"]", 0, DECEMBER, "[\"0.25\"]", .line = 1},
      {"[\"P\",\"home\"]", DECEMBER, REFERENCE_FOR_EVER, content, .line = 2},
      {"[\"Q\",\"home\"]", DECEMBER, REFERENCE_FOR_EVER, "[\"1.00\"]", .line = 3},
      {0}};
  load("rates", RATES_SHAPE, rows);
}

static void load_tiers(void) {
  const ReferenceRow rows[] = {
      {"[\"P\",\"50000\"]", REFERENCE_SINCE_EVER, REFERENCE_FOR_EVER, "[\"1.32\"]", .line = 1},
      {"[\"P\",\"999999999\"]", REFERENCE_SINCE_EVER, REFERENCE_FOR_EVER, "[\"1.25\"]", .line = 2},
      {"[\"P\",\"10000\"]", REFERENCE_SINCE_EVER, REFERENCE_FOR_EVER, "[\"1.40\"]", .line = 3},
      {"[\"PP\",\"10000\"]", REFERENCE_SINCE_EVER, REFERENCE_FOR_EVER, "[\"7.00\"]", .line = 4},
      {0}};
  load("tiers", TIERS_SHAPE, rows);
}

typedef struct {
  const char *member, *product, *at, *tier;
  gint64 seconds;
} Usage;

static RecordBlock *block_of(const RatingPlan *plan, const Usage *usage, guint n) {
  guint n_columns;
  const StagingColumn *columns = layout_columns(rating_plan_layout(plan), &n_columns);
  g_autofree BlockType *types = g_new0(BlockType, n_columns);
  for (guint i = 0; i < n_columns; i++)
    types[i] = columns[i].type;
  RecordBlock *block = record_block_new(n, types, n_columns);
  for (guint i = 0; i < n; i++) {
    const char *const texts[][2] = {{"member", usage[i].member}, {"product", usage[i].product}, {"zone", "home"},
                                    {"at", usage[i].at},         {"tier", usage[i].tier},       {"serial", "1"}};
    record_block_begin(block, i + 1);
    for (guint j = 0; j < G_N_ELEMENTS(texts); j++)
      if (texts[j][1])
        record_block_put_text(block, (guint)rating_plan_column(plan, texts[j][0]), texts[j][1], strlen(texts[j][1]));
    record_block_put_integer(block, (guint)rating_plan_column(plan, "seconds"), usage[i].seconds);
    record_block_end(block);
  }
  return block;
}

typedef struct {
  Site site;
  RatingTables *tables;
  RatingMemory *memory;
  Rated *rated;
} Run;

static void run_open(Run *run, const char *body) {
  GError *error = NULL;
  site_open(&run->site, 2, body);
  if (!run->site.plan)
    fail_msg("%s", run->site.error->message);
  run->tables = rating_tables_open(run->site.plan, folder, &error);
  assert_non_null(run->tables);
  run->memory = rating_memory_new(run->site.plan);
  run->rated = rated_new(run->site.plan, 64);
}

static void run_close(Run *run) {
  rated_free(run->rated);
  rating_memory_free(run->memory);
  rating_tables_free(run->tables);
  site_close(&run->site);
}

static void rate(Run *run, const Usage *usage, guint n, gint64 arrived) {
  GError *error = NULL;
  g_autoptr(RecordBlock) block = block_of(run->site.plan, usage, n);
  rated_begin(run->rated, n);
  const RecordBlock *whole = rating_tables_gather(run->tables, &(RatingUsage){block, arrived}, run->rated, &error);
  if (!whole || !rating_price(run->site.plan, whole, rating_memory_begin(run->memory), run->rated, &error))
    fail_msg("%s", error->message);
}

/* "0.33", or a code. */
static char *told(const Run *run, guint index) {
  const RatedRecord *record = &run->rated->records[index];
  return record->status != RATING_RATED
             ? g_strdup(record->code)
             : g_strdup_printf("%d.%02d", (int)(record->amount / 100), (int)(record->amount % 100));
}

static void expect(const Run *run, guint index, const char *wanted) {
  g_autofree char *is = told(run, index);
  if (strcmp(is, wanted) != 0)
    fail_msg("record %u: %s, not %s", index, is, wanted);
}

static void a_rate_is_that_of_the_events_own_time(void **state) {
  (void)state;
  const Usage usage[] = {{"M1", "P", "2026-11-30T23:59:59.999+08:00", NULL, 60},
                         {"M1", "P", "2026-12-01T00:00:00+08:00", NULL, 60},
                         {"M1", "P", "2026-11-30T16:00:00Z", NULL, 60},
                         {"M1", "P", "2026-11-30T23:59:59", NULL, 60}, /* of the zone */
                         {"M1", "P", "1969-12-31T00:00:00Z", NULL, 60},
                         {"M1", "R", "2026-12-01T00:00:00Z", NULL, 60},
                         {"M1", "Q", "2026-11-30T23:59:59+08:00", NULL, 60},
                         {"M1", "P", "2026-11-30T23:70:00", NULL, 60}};
  const char *const wanted[] = {"0.25", "0.30", "0.30", "0.25", "B002", "B001", "B002", "B009"};
  Run run;
  load_rates("0.30");
  run_open(&run, BY_RATE);
  rate(&run, usage, G_N_ELEMENTS(usage), 0);
  for (guint i = 0; i < G_N_ELEMENTS(usage); i++)
    expect(&run, i, wanted[i]);
  assert_int_equal(run.rated->records[5].status, RATING_SUSPENDED);
  assert_int_equal(rating_tables_row(run.tables, 0, 0), 1);
  assert_int_equal(rating_tables_row(run.tables, 1, 0), 2);
  assert_int_equal(rating_tables_row(run.tables, 5, 0), 0);
  assert_int_equal(rating_tables_version(run.tables, 0), 1);
  run_close(&run);
}

/* 2026-10-25 02:30 comes twice in Berlin, and 2026-03-29 02:30 never. */
static void a_time_that_comes_twice_is_the_one_that_the_rating_names(void **state) {
  (void)state;
  const Usage usage[] = {{"M1", "P", "2026-10-25T02:30:00", NULL, 60}, {"M1", "P", "2026-03-29T02:30:00", NULL, 60}};
  static const struct {
    const char *setting, *wanted;
    gint64 at;
  } cases[] = {{"", "B009", 0},
               {"ambiguous = first", "0.25", 1792888200LL * SECOND},
               {"ambiguous = second", "0.25", 1792891800LL * SECOND}};
  load_rates("0.30");
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *body = g_strconcat(BY_RATE "\n", cases[i].setting, NULL);
    Run run;
    site_zone = "Europe/Berlin";
    run_open(&run, body);
    rate(&run, usage, 2, 0);
    expect(&run, 0, cases[i].wanted);
    expect(&run, 1, "B009");
    assert_true(cases[i].at == 0 || run.rated->records[0].at == cases[i].at);
    run_close(&run);
  }
  site_zone = "Asia/Shanghai";
}

static void tables_stay_at_their_version_while_others_are_loaded(void **state) {
  (void)state;
  const Usage usage[] = {{"M1", "P", "2026-12-01T00:00:00+08:00", NULL, 60}};
  Run run, later;
  load_rates("0.30");
  run_open(&run, BY_RATE);
  load_rates("0.90");
  rate(&run, usage, 1, 0);
  expect(&run, 0, "0.30");
  run_open(&later, BY_RATE);
  rate(&later, usage, 1, 0);
  expect(&later, 0, "0.90");
  assert_int_equal(rating_tables_version(later.tables, 0), 2);
  run_close(&later);
  run_close(&run);
}

static void what_is_not_loaded_yet_suspends_and_the_future_is_held(void **state) {
  (void)state;
  const Usage usage[] = {{"M1", "P", "2026-12-01T00:00:00+08:00", NULL, 60},
                         {"M1", "P", "2026-12-01T00:10:01+08:00", NULL, 60}};
  Run run;
  run_open(&run, BY_RATE);
  rate(&run, usage, 2, DECEMBER);
  expect(&run, 0, "B001");
  expect(&run, 1, "B008");
  assert_int_equal(run.rated->records[1].status, RATING_HELD);
  run_close(&run);
}

static void tiers_go_on_where_the_account_stands_in_its_month(void **state) {
  (void)state;
  const Usage usage[] = {{"M1", "P", "2026-11-30T10:00:00+08:00", NULL, 9990},
                         {"M2", "P", "2026-11-30T10:00:00+08:00", NULL, 10},
                         {"M1", "P", "2026-11-30T11:00:00+08:00", NULL, 20},
                         {"M1", "P", "2026-12-01T00:00:00+08:00", NULL, 1},
                         {"M1", "P", "2026-11-30T12:00:00+08:00", "half", 1},
                         {"M1", "X", "2026-11-30T12:00:00+08:00", NULL, 1}};
  const char *const wanted[] = {"13986.00", "14.00", "27.20", "1.40", "0.66", "B001"};
  Run run;
  load_tiers();
  run_open(&run, BY_TIERS);
  rate(&run, usage, G_N_ELEMENTS(usage), 0);
  for (guint i = 0; i < G_N_ELEMENTS(usage); i++)
    expect(&run, i, wanted[i]);
  const RatedRecord *third = &run.rated->records[2];
  assert_int_equal(third->counter_before, 9990);
  assert_int_equal(third->n_legs, 2);
  assert_int_equal(rated_legs(run.rated, third)[0].quantity, 10);
  assert_int_equal(rated_legs(run.rated, third)[0].row, 1); /* in the order of the keys' texts */
  assert_int_equal(rated_legs(run.rated, third)[1].row, 2);
  rate(&run, usage + 2, 1, 0); /* another block goes on where this one ended */
  assert_int_equal(run.rated->records[0].counter_before, 10011);
  run_close(&run);
}

static void a_record_without_a_price_moves_no_counter(void **state) {
  (void)state;
  const Usage usage[] = {{"M1", "P", "2026-11-30T10:00:00+08:00", "none", 9990},
                         {"M1", "P", "2026-11-30T10:00:00+08:00", NULL, 5},
                         {"M1", "P", "2026-11-30T10:00:00+08:00", "none", 100},
                         {"M1", "P", "2026-11-30T10:00:00+08:00", NULL, 5}};
  Run run;
  load_tiers();
  run_open(&run, BY_TIERS);
  rate(&run, usage, 4, 0);
  expect(&run, 0, "B006");
  expect(&run, 1, "7.00");
  expect(&run, 2, "B006");
  expect(&run, 3, "7.00");
  assert_int_equal(run.rated->records[3].counter_before, 5);
  run_close(&run);
}

/* For random usage: what the steps have changed is the amount, and blocks of any size give the same. */
static void the_changes_of_all_steps_are_the_amount_in_blocks_of_any_size(void **state) {
  (void)state;
  enum { N = 60 };
  Usage usage[N];
  gint64 amounts[N];
  static const char *const members[] = {"M1", "M2", "M3"}, *const tiers[] = {NULL, "half", NULL, "none"};
  g_autoptr(GRand) random = g_rand_new_with_seed(7);
  Run run;
  load_tiers();
  for (guint i = 0; i < N; i++)
    usage[i] = (Usage){members[g_rand_int_range(random, 0, 3)], "P", "2026-11-30T10:00:00Z",
                       tiers[g_rand_int_range(random, 0, 4)], g_rand_int_range(random, 0, 20000)};
  for (guint size = 1; size <= N; size += 59) {
    run_open(&run, BY_TIERS);
    for (guint i = 0; i < N; i += size) {
      rate(&run, usage + i, MIN(size, N - i), 0);
      for (guint j = 0; j < run.rated->n; j++) {
        const RatedRecord *record = &run.rated->records[j];
        Money sum = money_of(0);
        for (guint k = 0; k < record->n_steps; k++)
          assert_true(money_add(sum, rated_steps(run.rated, j)[k].change, &sum));
        if (record->status == RATING_RATED)
          assert_int_equal(money_compare(sum, money_of(record->amount)), 0);
        if (size > 1)
          assert_true(record->amount == amounts[i + j]);
        amounts[i + j] = record->amount;
      }
    }
    run_close(&run);
  }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_rate_is_that_of_the_events_own_time),
      TEST(a_time_that_comes_twice_is_the_one_that_the_rating_names),
      TEST(tables_stay_at_their_version_while_others_are_loaded),
      TEST(what_is_not_loaded_yet_suspends_and_the_future_is_held),
      TEST(tiers_go_on_where_the_account_stands_in_its_month),
      TEST(a_record_without_a_price_moves_no_counter),
      TEST(the_changes_of_all_steps_are_the_amount_in_blocks_of_any_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
