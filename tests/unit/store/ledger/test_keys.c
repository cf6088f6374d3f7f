/* Uniqueness of keys against a naive model: one table of all keys. The ledger skips look-ups by key ranges; whether it
 * does so rightly is seen with random files whose ranges touch, nest, interleave or repeat. */
#include "tests/unit/store/ledger/ledger_fixture.h"

static guint64 seed;
static guint random_below(guint n) {
  seed = seed * G_GUINT64_CONSTANT(6364136223846793005) + G_GUINT64_CONSTANT(1442695040888963407);
  return (guint)((seed >> 33) % n);
}

typedef struct {
  char *account, *file;
  gint64 amount;
  guint64 line;
} Posted;
static void free_posted(gpointer data) {
  Posted *posted = data;
  g_free(posted->account);
  g_free(posted->file);
  g_free(posted);
}

typedef struct {
  GHashTable *keys, *balances;
  guint64 entries;
  gint64 amount;
} Model;

static void model_post(Model *model, const char *key, const char *account, gint64 amount, const char *file,
                       guint64 line) {
  Posted *posted = g_new0(Posted, 1);
  *posted = (Posted){g_strdup(account), g_strdup(file), amount, line};
  g_hash_table_insert(model->keys, g_strdup(key), posted);
  gint64 *balance = g_hash_table_lookup(model->balances, account);
  if (!balance)
    g_hash_table_insert(model->balances, g_strdup(account), balance = g_new0(gint64, 1));
  *balance += amount;
  model->entries++;
  model->amount += amount;
}

typedef struct {
  char key[24], account[16];
  gint64 amount;
  guint64 line;
} Draft;

static RecordBlock *block_of(const Draft *drafts, guint n) {
  RecordBlock *block = new_block(MAX(n, 1));
  for (guint i = 0; i < n; i++)
    add_record(block, drafts[i].line, drafts[i].key, drafts[i].account, drafts[i].amount);
  return block;
}

/* How a file's keys lie: in a range of their own, anywhere, every so many, or downwards. */
static void draft_file(Draft *drafts, guint n, guint space) {
  guint kind = random_below(4), at = random_below(space), step = 1 + random_below(5);
  for (guint i = 0; i < n; i++) {
    guint number = kind == 1 ? random_below(space) : kind == 3 ? at - i % (at + 1) : at + i * (kind == 2 ? step : 1);
    g_snprintf(drafts[i].key, sizeof drafts[i].key, "%s%07u", random_below(50) ? "K" : "", number);
    g_snprintf(drafts[i].account, sizeof drafts[i].account, "A%u", random_below(40));
    drafts[i].amount = (gint64)random_below(2000) - 500;
    drafts[i].line = i + 2;
  }
}

static void check_batch(Ledger *ledger, const Model *model, const char *file, const Draft *drafts, guint n) {
  GError *error = NULL;
  g_autoptr(RecordBlock) block = block_of(drafts, n);
  g_autofree guint8 *verdicts = g_new(guint8, MAX(n, 1));
  assert_true(ledger_check_keys(ledger, file, block, &ledger_columns, NULL, verdicts, &error));
  for (guint i = 0; i < n; i++) {
    const Posted *posted = g_hash_table_lookup(model->keys, drafts[i].key);
    guint expected = !posted || strcmp(posted->file, file) == 0 ? LEDGER_KEY_NEW
                     : posted->amount == drafts[i].amount && strcmp(posted->account, drafts[i].account) == 0
                         ? LEDGER_KEY_POSTED
                         : LEDGER_KEY_CONFLICT;
    assert_int_equal(verdicts[i], expected);
  }
}

static void post_batch(Ledger *ledger, Model *model, const char *file, guint number, const Draft *drafts, guint n) {
  guint posted = 0, refused = 0;
  gint64 amount = 0;
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < n; i++) {
    const Posted *known = g_hash_table_lookup(model->keys, drafts[i].key);
    gboolean repeated = !g_hash_table_add(seen, (gpointer)drafts[i].key);
    gboolean own = known && strcmp(known->file, file) == 0 && known->line == drafts[i].line &&
                   known->amount == drafts[i].amount && strcmp(known->account, drafts[i].account) == 0;
    if (repeated || (known && !own)) {
      refused++;
      continue;
    }
    posted++;
    amount += drafts[i].amount;
    if (!known)
      model_post(model, drafts[i].key, drafts[i].account, drafts[i].amount, file, drafts[i].line);
  }
  LedgerResult result = post_well(ledger, file, number, block_of(drafts, n));
  assert_int_equal(result.posted, posted);
  assert_int_equal(result.refused, refused);
  assert_int_equal(result.amount, amount);
}

static void compare(const char *folder, const Model *model) {
  GHashTableIter iter;
  gpointer account, balance;
  assert_totals(folder, NULL, model->entries, model->amount);
  LedgerReader *reader = open_reader(folder);
  g_hash_table_iter_init(&iter, model->balances);
  while (g_hash_table_iter_next(&iter, &account, &balance)) {
    gboolean exists;
    gint64 is;
    guint64 entries;
    GError *error = NULL;
    assert_true(ledger_balance(reader, account, &exists, &is, &entries, &error));
    assert_int_equal(is, *(gint64 *)balance);
  }
  ledger_reader_close(reader);
  assert_verified(folder);
}

static void keys_are_unique_whatever_their_ranges(void **state) {
  for (guint round = 0; round < 6; round++) {
    seed = 1000 + round;
    GError *error = NULL;
    g_autofree char *folder = g_strdup_printf("%s/%u", (char *)*state, round);
    g_autofree char *make = g_strdup_printf("mkdir '%s'", folder);
    assert_int_equal(system(make), 0);
    guint shards = 1 + round % 3;
    Ledger *ledger = open_ledger(folder, shards);
    Model model = {.keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_posted),
                   .balances = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
    for (guint i = 0; i < 25; i++) {
      Draft drafts[400];
      guint n = 1 + random_below(400), size = 1 + random_below(60), number = 1;
      g_autofree char *file = g_strdup_printf("f%u", random_below(10) ? i : random_below(i + 1));
      draft_file(drafts, n, 2000 + 3000 * (round % 2));
      for (guint from = 0; from < n; from += size)
        check_batch(ledger, &model, file, drafts + from, MIN(size, n - from));
      for (guint from = 0; from < n; from += size)
        post_batch(ledger, &model, file, number++, drafts + from, MIN(size, n - from));
      if (!random_below(4))
        post_batch(ledger, &model, file, 1, drafts, MIN(size, n));
      if (!random_below(5))
        assert_true(ledger_fold(ledger, TRUE, &error));
      if (!random_below(6)) {
        ledger_close(ledger);
        ledger = open_ledger(folder, shards);
      }
    }
    compare(folder, &model);
    ledger_close(ledger);
    compare(folder, &model);
    g_hash_table_unref(model.keys);
    g_hash_table_unref(model.balances);
  }
}

/* Two files with the same keys in other accounts, at the same time from two threads: each key is posted once, over all
 * shards. */
typedef struct {
  Ledger *ledger;
  const char *file, *accounts;
  guint posted, refused;
  gboolean downwards;
} Racer;

static void *race(void *user) {
  Racer *racer = user;
  enum { BATCHES = 40, SIZE = 50 };
  Outcome outcomes[BATCHES];
  for (guint i = 0; i < BATCHES; i++) {
    guint at = racer->downwards ? BATCHES - 1 - i : i;
    RecordBlock *block = new_block(SIZE);
    for (guint j = 0; j < SIZE; j++) {
      g_autofree char *key = g_strdup_printf("K%06u", at * SIZE + j);
      g_autofree char *account = g_strdup_printf("%s%u", racer->accounts, j);
      add_record(block, at * SIZE + j + 1, key, account, 1);
    }
    submit(racer->ledger, racer->file, at + 1, block, NULL, &outcomes[i]);
  }
  for (guint i = 0; i < BATCHES; i++) {
    wait_outcome(&outcomes[i]);
    assert_null(outcomes[i].error);
    racer->posted += outcomes[i].result.posted;
    racer->refused += outcomes[i].result.refused;
  }
  return NULL;
}

static void a_race_for_the_same_keys_posts_each_once(void **state) {
  Ledger *ledger = open_ledger(*state, 3);
  Racer racers[3] = {{.ledger = ledger, .file = "f1", .accounts = "A"},
                     {.ledger = ledger, .file = "f2", .accounts = "B", .downwards = TRUE},
                     {.ledger = ledger, .file = "f3", .accounts = "C"}};
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, race, &racers[i]);
  guint posted = 0, refused = 0;
  for (int i = 0; i < 3; i++) {
    pthread_join(threads[i], NULL);
    posted += racers[i].posted;
    refused += racers[i].refused;
  }
  assert_int_equal(posted, 2000);
  assert_int_equal(refused, 4000);
  ledger_close(ledger);
  assert_totals(*state, NULL, 2000, 2000);
  assert_verified(*state);
}

/* A file that touches hundreds of earlier postings: they are indexed once. */
static void a_file_across_many_postings_is_judged_rightly(void **state) {
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  for (guint i = 0; i < 100; i++)
    post_well(ledger, "f1", i + 1, numbered_block("K", i * 100, 50));
  g_autoptr(RecordBlock) wide = new_block(4);
  add_record(wide, 1, "K-00000000", "M000000", 0);
  add_record(wide, 2, "K-00000070", "M000000", 1);
  add_record(wide, 3, "K-00005001", "M000000", 1);
  add_record(wide, 4, "K-00009960", "M000000", 1);
  guint8 verdicts[4];
  assert_true(ledger_check_keys(ledger, "f2", wide, &ledger_columns, NULL, verdicts, &error));
  static const guint8 expected[4] = {LEDGER_KEY_POSTED, LEDGER_KEY_NEW, LEDGER_KEY_CONFLICT, LEDGER_KEY_NEW};
  assert_memory_equal(verdicts, expected, 4);
  LedgerResult result = post_well(ledger, "f2", 1, g_steal_pointer(&wide));
  assert_int_equal(result.posted, 2);
  assert_int_equal(result.refused, 2);
  ledger_close(ledger);
  gint64 sum = 2;
  for (guint i = 0; i < 100; i++)
    sum += numbered_sum(i * 100, 50);
  assert_totals(*state, NULL, 5002, sum);
  assert_verified(*state);
}

/* More keys without any order than may stay loose: they move into the index while others are posted and checked. */
static void keys_in_no_order_are_unique_also_when_they_are_many(void **state) {
  enum { BATCH = 4000, BATCHES = 40 };
  GError *error = NULL;
  Ledger *ledger = open_ledger(*state, 2);
  guint8 verdicts[BATCH];
  for (guint round = 0; round < 2; round++) {
    for (guint i = 0; i < BATCHES; i++) {
      g_autoptr(RecordBlock) block = new_block(BATCH);
      for (guint j = 0; j < BATCH; j++) {
        char key[32], account[16];
        guint number = i * BATCH + j;
        g_snprintf(key, sizeof key, "%08x-%u", number * 2654435761u, number);
        g_snprintf(account, sizeof account, "%s%u", round ? "B" : "A", number % 1000);
        add_record(block, number + 1, key, account, 1);
      }
      assert_true(ledger_check_keys(ledger, round ? "f2" : "f1", block, &ledger_columns, NULL, verdicts, &error));
      for (guint j = 0; j < BATCH; j++)
        assert_int_equal(verdicts[j], round ? LEDGER_KEY_CONFLICT : LEDGER_KEY_NEW);
      LedgerResult result = post_well(ledger, round ? "f2" : "f1", i + 1, g_steal_pointer(&block));
      assert_int_equal(result.posted, round ? 0 : BATCH);
      assert_int_equal(result.refused, round ? BATCH : 0);
    }
    ledger_close(ledger);
    ledger = open_ledger(*state, 2);
  }
  ledger_close(ledger);
  assert_totals(*state, NULL, BATCH * BATCHES, BATCH * BATCHES);
  assert_verified(*state);
}

/* Both are looked at before either is posted: the writer meets the second one's keys. */
static void the_same_records_submitted_twice_at_once_are_posted_once(void **state) {
  Ledger *ledger = open_ledger(*state, 1);
  post_well(ledger, "f0", 1, numbered_block("K", 1000, 10));
  for (guint i = 0; i < 20; i++) {
    Outcome first, second;
    g_autofree char *file = g_strdup_printf("f%u", i + 1), *key = g_strdup_printf("K-%08u", 10 * i);
    RecordBlock *other = new_block(2); /* another line with a key of the first, and one of its own */
    add_record(other, 500, key, "M1", 7);
    add_record(other, 501, file, "M1", 7);
    submit(ledger, file, 1, numbered_block("K", 10 * i, 10), NULL, &first);
    submit(ledger, file, 2, i % 2 ? other : numbered_block("K", 10 * i, 10), NULL, &second);
    wait_outcome(&first);
    wait_outcome(&second);
    assert_null(first.error);
    assert_null(second.error);
    assert_int_equal(first.result.posted, 10);
    assert_int_equal(second.result.posted, i % 2 ? 1 : 10);
    assert_int_equal(second.result.refused, i % 2);
    assert_totals(*state, file, i % 2 ? 11 : 10, numbered_sum(10 * i, 10) + (i % 2 ? 7 : 0));
    if (i % 2 == 0)
      record_block_free(other);
  }
  ledger_close(ledger);
  assert_verified(*state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      with_folder(keys_are_unique_whatever_their_ranges),
      with_folder(a_race_for_the_same_keys_posts_each_once),
      with_folder(a_file_across_many_postings_is_judged_rightly),
      with_folder(the_same_records_submitted_twice_at_once_are_posted_once),
      with_folder(keys_in_no_order_are_unique_also_when_they_are_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
