/* Examining staged records: batches, which verdict goes first, sums that leave 64 bits. */
#include "gateway/common/codes.h"
#include "gateway/flow/judging/examine.h"
#include "gateway/records/exceptions.h"
#include "gateway/records/stage.h"
#include "store/book.h"
#include "tests/unit/gateway/records/layouts.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* account NULL: could not be parsed; key NULL: none */
typedef struct {
  const char *account;
  gint64 amount;
  const char *key;
} Row;

typedef struct {
  char *folder, *path;
  ConfLayout *layout_conf;
  Layout *layout;
  ConfFeed conf;
  Rule rules[2];
  ConfRule conf_rules[2];
  ExamineOptions options;
} Fixture;

/* Keys "P…" were posted before as they are, "C…" with another amount. */
static gboolean stand_in_ledger(gpointer user, const RecordBlock *block, const guint8 *skip, guint8 *verdicts,
                                GError **error) {
  (void)user, (void)error;
  for (guint i = 0; i < block->count; i++) {
    gsize length;
    const char *key = record_block_text(block, 2, i, &length);
    if (!skip[i] && length > 0)
      verdicts[i] = key[0] == 'P' ? LEDGER_KEY_POSTED : key[0] == 'C' ? LEDGER_KEY_CONFLICT : LEDGER_KEY_NEW;
  }
  return TRUE;
}

static const LedgerColumns ledger_columns = {.account = 0, .amount = 1, .key = 2, .business_date = -1};

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  f->folder = g_dir_make_tmp("examine-XXXXXX", NULL);
  f->path = g_build_filename(f->folder, "staging.db", NULL);
  f->layout_conf = layouts_conf("|", NULL, "D account:text points:int ref:text", NULL);
  f->layout = layout_new(f->layout_conf, NULL);
  f->conf = (ConfFeed){.batch = {.size_min = 2500, .size_max = 2500}, .rules = g_ptr_array_new()};
  f->options = (ExamineOptions){.staging = f->path,
                                .scratch = f->folder,
                                .layout = f->layout,
                                .conf = &f->conf,
                                .columns = &ledger_columns,
                                .threads = 3,
                                .check_keys = stand_in_ledger};
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  staging_remove(f->path);
  g_rmdir(f->folder);
  g_ptr_array_unref(f->conf.rules);
  layout_free(f->layout);
  layouts_free(f->layout_conf);
  g_free(f->folder);
  g_free(f->path);
  g_free(f);
  return 0;
}

static void add_rule(Fixture *f, const char *check, const char *code) {
  guint i = f->options.n_rules++;
  f->rules[i] = (Rule){.name = code, .check = check, .code = code};
  f->conf_rules[i] = (ConfRule){
      .name = (char *)code, .check = (char *)check, .code = (char *)code, .message = (char *)"broken"};
  g_ptr_array_add(f->conf.rules, &f->conf_rules[i]);
  f->options.rules = f->rules;
}

static void put_row(RecordBlock *block, const Row *row, guint64 line) {
  record_block_begin(block, line);
  if (!row->account)
    return record_block_end_faulty(block, 1, "L012", g_strdup("not an integer"));
  record_block_put_text(block, 0, row->account, strlen(row->account));
  record_block_put_integer(block, 1, row->amount);
  if (row->key)
    record_block_put_text(block, 2, row->key, strlen(row->key));
  record_block_end(block);
}

static void stage_rows(const Fixture *f, const Row *rows, guint n) {
  guint n_columns;
  const StagingColumn *columns = layout_columns(f->layout, &n_columns);
  const BlockType types[] = {BLOCK_TEXT, BLOCK_INTEGER, BLOCK_TEXT};
  Staging *staging = staging_create(f->path, columns, n_columns, NULL);
  assert_non_null(staging);
  for (guint at = 0; at < n; at += 1000) {
    RecordBlock *block = record_block_new(1000, types, 3);
    for (guint i = at; i < MIN(n, at + 1000); i++)
      put_row(block, &rows[i], i + 2);
    assert_true(staging_append(staging, block, NULL));
    record_block_free(block);
  }
  assert_true(staging_complete(staging, NULL));
}

static Examination examine(const Fixture *f, const Row *rows, guint n) {
  g_autoptr(GError) error = NULL;
  KeyFacts keys = {0};
  Examination found = {0};
  stage_rows(f, rows, n);
  if (!examine_keys(&f->options, &keys, &error) || !examine_records(&f->options, &keys, &found, &error))
    fail_msg("%s", error->message);
  key_facts_clear(&keys);
  return found;
}

/* "3:L012 5:K001" : line and code of everything that is not accepted. */
static char *tell(const Examination *found) {
  GString *told = g_string_new(NULL);
  for (guint i = 0; i < found->batches->len; i++) {
    ExceptionCursor *cursor = exception_cursor_new(((BookBatch *)found->batches->pdata[i])->exceptions);
    for (const RecordException *next; (next = exception_cursor_next(cursor, NULL));)
      g_string_append_printf(told, "%s%" G_GUINT64_FORMAT ":%s%s", told->len ? " " : "", next->line, next->code,
                             next->outcome == OUTCOME_DUPLICATE ? "=" : "");
    exception_cursor_free(cursor);
  }
  return g_string_free(told, FALSE);
}

static void a_file_is_cut_into_batches_of_at_most_x(void **state) {
  Fixture *f = *state;
  static const struct {
    guint records, batches, last;
  } table[] = {{0, 0, 0}, {1, 1, 1}, {2499, 1, 2499}, {2500, 1, 2500}, {2501, 2, 1}, {5000, 2, 2500}, {5001, 3, 1}};
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    Row *rows = g_new0(Row, table[i].records + 1);
    for (guint k = 0; k < table[i].records; k++)
      rows[k] = (Row){"m", 2, g_strdup_printf("%06u", k)};
    Examination found = examine(f, rows, table[i].records);
    assert_int_equal(examine_batch_count(table[i].records, 2500), table[i].batches);
    assert_int_equal(found.batches->len, table[i].batches);
    assert_int_equal(found.accepted, table[i].records);
    assert_int_equal(found.amount_accepted, 2 * (gint64)table[i].records);
    guint64 next = 1;
    for (guint k = 0; k < found.batches->len; k++) {
      const BookBatch *batch = found.batches->pdata[k];
      assert_int_equal(batch->number, k + 1);
      assert_int_equal(batch->first, next);
      assert_int_equal(batch->amount, 2 * (gint64)(batch->last - batch->first + 1));
      next = batch->last + 1;
    }
    if (found.batches->len > 0)
      assert_int_equal(((BookBatch *)found.batches->pdata[found.batches->len - 1])->accepted, table[i].last);
    assert_int_equal(next, table[i].records + 1);
    examination_clear(&found);
    for (guint k = 0; k < table[i].records; k++)
      g_free((char *)rows[k].key);
    g_free(rows);
  }
}

static void the_parsers_word_goes_before_a_rule_and_that_before_a_key(void **state) {
  Fixture *f = *state;
  add_rule(f, "points > 0", "E1");
  add_rule(f, "points < 100", "E2");
  const Row rows[] = {
      {"m", 1, "a"},     /* line 2: accepted */
      {NULL, 0, NULL},   /* 3: not parsed */
      {"m", -1, "Pold"}, /* 4: breaks a rule, and was posted before */
      {"m", 500, NULL},  /* 5: no key, and breaks a rule */
      {"m", 1, "a"},     /* 6: the same again */
      {"m", 2, "a"},     /* 7: the same key with another amount */
      {"m", 0, "a"},     /* 8: likewise, and breaks a rule */
      {"m", 1, "Px"},    /* 9: posted before */
      {"m", 1, "Cx"},    /* 10: posted before with another amount */
      {"m", 1, "Px"},    /* 11: posted before and repeated */
      {"m", 1, ""},      /* 12: an empty key is none */
  };
  Examination found = examine(f, rows, G_N_ELEMENTS(rows));
  g_autofree char *told = tell(&found);
  assert_string_equal(told, "3:L012 4:E1 5:K000 6:K001= 7:K002 8:E1 9:K003= 10:K004 11:K001= 12:K000");
  assert_int_equal(found.records, found.accepted + found.rejected + found.duplicates);
  assert_int_equal(found.amount, found.amount_accepted + found.amount_rejected + found.amount_duplicate);
  assert_int_equal(found.accepted, 1);
  assert_null(found.code);
  examination_clear(&found);
}

static void one_bad_record_refuses_the_file_where_the_feed_says_so_and_names_the_first(void **state) {
  Fixture *f = *state;
  f->conf.reject_file = TRUE;
  add_rule(f, "points > 0", "E1");
  const Row rows[] = {{"m", 1, "a"}, {"m", 1, "a"}, {"m", -1, "b"}, {"m", -2, "c"}};
  Examination good = examine(f, rows, 2); /* duplicates alone refuse nothing */
  assert_null(good.code);
  examination_clear(&good);
  Examination bad = examine(f, rows, 4);
  assert_string_equal(bad.code, CODE_RECORDS_REFUSED);
  assert_non_null(strstr(bad.reason, "2 of 4 records"));
  assert_non_null(strstr(bad.reason, "line 4: E1"));
  examination_clear(&bad);
}

/* What a rule has refused will never be credited: the next record with its key is the first one. */
static void a_refused_record_does_not_occupy_its_key(void **state) {
  Fixture *f = *state;
  static const Row rows[] = {{"bad", 10, "A"}, {"ann", 20, "A"}, {"ann", 20, "A"}, {"bob", 20, "A"},
                             {"ann", 5, "B"},  {"bad", 5, "B"},  {"ann", 5, "B"}};
  add_rule(f, "account <> 'bad'", "E1");
  Examination found = examine(f, rows, G_N_ELEMENTS(rows));
  g_autofree char *told = tell(&found);
  assert_string_equal(told, "2:E1 4:K001= 5:K002 7:E1 8:K001=");
  assert_int_equal(found.accepted, 2);
  assert_int_equal(found.amount_accepted, 25);
  examination_clear(&found);
}

/* What can be read of a faulty record counts in the file's sums, as it does in the trailer's. */
static void a_faulty_records_amount_counts_among_what_is_refused(void **state) {
  Fixture *f = *state;
  static const char text[] = "D|ann|20|A\nD|\351|30|B\nD||7|C\nD|bob|x|D\nD|bob|5\n";
  g_autoptr(GError) error = NULL;
  int fd = memfd_create("plaintext", MFD_CLOEXEC);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  layout_keep_amount(f->layout, (guint)ledger_columns.amount);
  StageOptions options = {.layout = f->layout, .plaintext = fd, .path = f->path, .threads = 1};
  Staged staged;
  if (!stage_plaintext(&options, NULL, &staged, &error))
    fail_msg("%s", error->message);
  staged_clear(&staged);
  close(fd);
  KeyFacts keys = {0};
  Examination found = {0};
  assert_true(examine_keys(&f->options, &keys, &error) && examine_records(&f->options, &keys, &found, &error));
  key_facts_clear(&keys);
  assert_int_equal(found.amount, 57);
  assert_int_equal(found.amount_accepted, 20);
  assert_int_equal(found.amount_rejected, 37);
  examination_clear(&found);
}

static const char *code_of(Fixture *f, const Row *rows, guint n, Examination *found) {
  *found = examine(f, rows, n);
  return found->code ? found->code : "";
}

/* Neither may the sum leave 64 bits, nor any that the ledger or the feedback makes on the way to it. */
static void amounts_that_leave_64_bits_on_the_way_refuse_the_file(void **state) {
  Fixture *f = *state;
  const gint64 half = G_GINT64_CONSTANT(5000000000000000000);
  const struct {
    Row rows[4];
    guint n;
    const char *code;
  } table[] = {
      {{{"m", G_MAXINT64, "a"}}, 1, ""},
      {{{"m", G_MAXINT64, "a"}, {"m", 1, "b"}}, 2, CODE_AMOUNT_OVERFLOW},
      {{{"m", half, "a"}, {"m", half, "b"}}, 2, CODE_AMOUNT_OVERFLOW},
      {{{"m", half, "a"}, {"m", -half, "b"}}, 2, CODE_AMOUNT_OVERFLOW}, /* the sum is 0 */
      {{{"m", half, "a"}, {"m", half, "b"}, {"m", -half, "c"}}, 3, CODE_AMOUNT_OVERFLOW},
      /* its absolute value does not fit */
      {{{"m", G_MININT64, "a"}}, 1, CODE_AMOUNT_OVERFLOW},
      {{{"m", -G_MAXINT64, "a"}}, 1, ""},
      /* what is not accepted moves nothing */
      {{{"m", half, "Ca"}, {"m", -half, "Cb"}, {"m", 1, "c"}}, 3, ""},
      {{{"m", half, "Ca"}, {"m", half, "Cb"}, {"m", 1, "c"}}, 3, CODE_AMOUNT_OVERFLOW},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    f->conf.batch.size_max = 2500 - (i % 2) * 2499; /* in one batch, and a batch each: the same verdict */
    for (guint again = 0; again < 2; again++, f->conf.batch.size_max = 2501 - f->conf.batch.size_max) {
      Examination found;
      assert_string_equal(code_of(f, table[i].rows, table[i].n, &found), table[i].code);
      examination_clear(&found);
    }
  }
}

/* Accounts "rich" and "poor" stand at the ends, all others at 0. */
static gboolean stand_in_balance(gpointer user, const char *account, gint64 *balance, GError **error) {
  (void)error;
  *balance = g_str_equal(account, "rich") ? G_MAXINT64 - 10 : g_str_equal(account, "poor") ? G_MININT64 + 10 : 0;
  (*(guint *)user)++;
  return TRUE;
}

static Examination examine_with_balances(Fixture *f, const Row *rows, guint n, guint *asked) {
  g_autoptr(GError) error = NULL;
  Examination found = examine(f, rows, n);
  *asked = 0;
  f->options.balance = stand_in_balance;
  f->options.user = asked;
  if (!examine_balances(&f->options, &found, &error))
    fail_msg("%s", error->message);
  return found;
}

static void a_record_that_takes_a_balance_out_of_64_bits_is_refused_in_the_order_of_the_file(void **state) {
  Fixture *f = *state;
  static const Row rows[] = {{"rich", 6, "a"}, {"ann", 5, "b"},    {"rich", 5, "c"}, {"rich", 5, "Pd"},
                             {"rich", 4, "e"}, {"poor", -11, "f"}, {"rich", 1, "g"}, {"rich", -1, "h"},
                             {"rich", 1, "i"}, {"ann", 7, "b"}};
  guint asked;
  for (guint size = 1; size <= 2500; size += 2499) { /* a batch each, and all in one */
    f->conf.batch.size_max = size;
    Examination found = examine_with_balances(f, rows, G_N_ELEMENTS(rows), &asked);
    g_autofree char *told = tell(&found);
    assert_null(found.code);
    assert_string_equal(told, "4:K005 5:K003= 7:K005 8:K005 11:K002");
    assert_int_equal(asked, 3);
    assert_int_equal(found.accepted, 5);
    assert_int_equal(found.rejected, 4);
    assert_int_equal(found.duplicates, 1);
    assert_int_equal(found.amount_accepted, 6 + 5 + 4 - 1 + 1);
    assert_int_equal(found.amount_rejected, 5 - 11 + 1 + 7);
    gint64 accepted = 0, amount = 0;
    for (guint i = 0; i < found.batches->len; i++) {
      const BookBatch *batch = found.batches->pdata[i];
      assert_int_equal(batch->accepted + batch->rejected + batch->duplicates, batch->last - batch->first + 1);
      accepted += batch->accepted;
      amount += batch->amount;
    }
    assert_int_equal(accepted, found.accepted);
    assert_int_equal(amount, found.amount_accepted);
    examination_clear(&found);
  }
}

/* An interface answers in whatever order it likes: what helps in one order does not count. */
static void where_the_order_of_posting_is_open_every_order_must_fit(void **state) {
  Fixture *f = *state;
  static const Row rows[] = {
      {"rich", -5, "a"}, {"rich", 10, "b"}, {"rich", 1, "c"}, {"poor", 3, "d"}, {"poor", -11, "e"}};
  guint asked;
  f->options.cuts_when_sent = TRUE;
  Examination found = examine_with_balances(f, rows, G_N_ELEMENTS(rows), &asked);
  g_autofree char *told = tell(&found);
  assert_string_equal(told, "4:K005 6:K005");
  examination_clear(&found);
}

static void a_feed_that_sends_back_whole_files_refuses_the_file_for_one_balance(void **state) {
  Fixture *f = *state;
  static const Row rows[] = {{"ann", 5, "a"}, {"rich", 11, "b"}};
  guint asked;
  f->conf.reject_file = TRUE;
  Examination found = examine_with_balances(f, rows, 2, &asked);
  assert_string_equal(found.code, CODE_RECORDS_REFUSED);
  assert_non_null(strstr(found.reason, "1 of 2 records are refused, first line 3: K005"));
  examination_clear(&found);
}

/* More accounts than are kept at a time: none is passed over, none is asked for twice. */
static void accounts_are_gone_through_in_parts(void **state) {
  Fixture *f = *state;
  enum { ROWS = 150000 };
  g_autofree Row *rows = g_new0(Row, ROWS);
  GStringChunk *names = g_string_chunk_new(1 << 16);
  for (guint i = 0; i < ROWS; i++) {
    g_autofree char *name = g_strdup_printf("m%u", i % (ROWS / 2)), *key = g_strdup_printf("k%u", i);
    rows[i] = (Row){i % 50000 == 49999 ? "rich" : g_string_chunk_insert(names, name), 10,
                    g_string_chunk_insert(names, key)};
  }
  guint asked;
  Examination found = examine_with_balances(f, rows, ROWS, &asked);
  g_autofree char *told = tell(&found);
  assert_string_equal(told, "100001:K005 150001:K005"); /* the first one fits */
  assert_int_equal(asked, ROWS / 2 + 1);
  examination_clear(&found);
  g_string_chunk_free(names);
}

static void the_amounts_of_a_file_are_known_without_their_signs(void **state) {
  Fixture *f = *state;
  static const Row small[] = {{"m", 3, "a"}, {"m", -4, "b"}, {NULL, 0, NULL}, {"m", 5, NULL}},
                   large[] = {{"m", G_MININT64, "a"}, {"m", 1, "b"}};
  const struct {
    const Row *rows;
    guint n;
    gint64 moved;
  } table[] = {{small, 4, 7}, {large, 2, G_MAXINT64}};
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    KeyFacts keys = {0};
    stage_rows(f, table[i].rows, table[i].n);
    assert_true(examine_keys(&f->options, &keys, NULL));
    assert_int_equal(keys.moved, table[i].moved);
    key_facts_clear(&keys);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_file_is_cut_into_batches_of_at_most_x),
      TEST(the_parsers_word_goes_before_a_rule_and_that_before_a_key),
      TEST(one_bad_record_refuses_the_file_where_the_feed_says_so_and_names_the_first),
      TEST(a_refused_record_does_not_occupy_its_key),
      TEST(a_faulty_records_amount_counts_among_what_is_refused),
      TEST(amounts_that_leave_64_bits_on_the_way_refuse_the_file),
      TEST(a_record_that_takes_a_balance_out_of_64_bits_is_refused_in_the_order_of_the_file),
      TEST(where_the_order_of_posting_is_open_every_order_must_fit),
      TEST(a_feed_that_sends_back_whole_files_refuses_the_file_for_one_balance),
      TEST(accounts_are_gone_through_in_parts),
      TEST(the_amounts_of_a_file_are_known_without_their_signs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
