/* Mailboxes in the book: numbers, quotas, transitions, and that nothing walks over a table. */
#include "store/exchange_requests.h"
#include "store/exchange/queries.sql.h"
#include "store/exchange/request_queries.sql.h"
#include "tests/unit/store/book/book_fixture.h"

#define SHA256 "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

typedef struct {
  const char *id, *file;
  gboolean is_stored, fails;
  ExchangeState to; /* from the state in which it is; EXCHANGE_RECEIVING: it is added */
  gint64 seq;
  ExchangeFlow flow;
} Change;

static ExchangeItem *item_of(const Change *change) {
  ExchangeItem *item = g_new0(ExchangeItem, 1);
  item->mailbox = g_strdup("claims");
  item->id = g_strdup(change->id);
  item->size = 100;
  item->sha256 = g_strdup(SHA256);
  item->file = g_strdup(change->file);
  item->state = change->is_stored ? EXCHANGE_STORED : EXCHANGE_RECEIVING;
  if (change->is_stored)
    item->body = g_bytes_new_static("x", 1);
  return item;
}

static gboolean run(BookTransaction *tx, gpointer data, GError **error) {
  Change *change = data;
  g_autoptr(ExchangeItem) item = NULL;
  if (!exchange_flow_now(tx, "claims", EXCHANGE_FORWARD, &change->flow, error))
    return FALSE;
  if (change->to == EXCHANGE_RECEIVING) {
    item = item_of(change);
    if (!exchange_add_item(tx, item, error))
      return FALSE;
  } else if (!exchange_item_now(tx, "claims", EXCHANGE_FORWARD, change->id, &item, error) ||
             !exchange_advance_item(tx, item, change->to, error)) {
    return FALSE;
  }
  change->seq = item->seq;
  if (change->fails)
    return sallyport_error_set(error, SALLYPORT_ERROR_FILE, "on purpose");
  return exchange_flow_now(tx, "claims", EXCHANGE_FORWARD, &change->flow, error);
}

static Change done(Book *book, Change change) {
  GError *error = NULL;
  gboolean ok = book_write(book, run, &change, &error);
  no_error(error);
  assert_true(ok);
  return change;
}

static void numbers_have_no_gap_also_when_a_change_between_them_fails(void **state) {
  Fixture *f = *state;
  GError *error = NULL;
  assert_int_equal(done(f->book, (Change){.id = "a", .is_stored = TRUE}).seq, 1);
  Change fails = {.id = "b", .is_stored = TRUE, .fails = TRUE};
  expect_error(book_write(f->book, run, &fails, &error), &error, SALLYPORT_ERROR_FILE, "on purpose");
  assert_int_equal(done(f->book, (Change){.id = "c", .file = "f1"}).seq, 0);
  assert_int_equal(done(f->book, (Change){.id = "d", .is_stored = TRUE}).seq, 2);
  assert_int_equal(done(f->book, (Change){.id = "c", .to = EXCHANGE_STORED}).seq, 3);
  g_autoptr(BookReader) reader = open_reader(f);
  GString *seen = g_string_new(NULL);
  for (gint64 after = 0, more = TRUE; more;) {
    g_autoptr(GPtrArray) page = exchange_page(reader, &(ExchangePage){"claims", EXCHANGE_FORWARD, after, FALSE, 2},
                                              &error);
    no_error(error);
    for (guint i = 0; i < page->len; i++)
      g_string_append(seen, ((const ExchangeItem *)page->pdata[i])->id);
    more = page->len > 0;
    after = more ? ((const ExchangeItem *)page->pdata[page->len - 1])->seq : after;
  }
  assert_string_equal(seen->str, "adc");
  g_string_free(seen, TRUE);
}

static void what_is_held_is_the_bytes_of_what_is_here_or_announced(void **state) {
  Fixture *f = *state;
  assert_int_equal(done(f->book, (Change){.id = "a", .file = "f1"}).flow.held, 100);
  assert_int_equal(done(f->book, (Change){.id = "a", .file = "f2"}).flow.held, 100); /* put anew */
  assert_int_equal(done(f->book, (Change){.id = "b", .is_stored = TRUE}).flow.held, 200);
  assert_int_equal(done(f->book, (Change){.id = "a", .to = EXCHANGE_ABANDONED}).flow.held, 100);
  assert_int_equal(done(f->book, (Change){.id = "a", .is_stored = TRUE}).flow.held, 200);
  assert_int_equal(done(f->book, (Change){.id = "a", .to = EXCHANGE_ACKNOWLEDGED}).flow.held, 200);
  assert_int_equal(done(f->book, (Change){.id = "a", .to = EXCHANGE_REMOVED}).flow.held, 100);
  assert_int_equal(done(f->book, (Change){.id = "b", .to = EXCHANGE_EXPIRED}).flow.held, 0);
}

static void only_the_arrows_of_an_item_are_gone(void **state) {
  Fixture *f = *state;
  static const ExchangeState wrong[] = {EXCHANGE_REMOVED, EXCHANGE_ABANDONED, EXCHANGE_LISTED, EXCHANGE_STORED};
  done(f->book, (Change){.id = "a", .is_stored = TRUE});
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    GError *error = NULL;
    Change change = {.id = "a", .to = wrong[i]};
    expect_error(book_write(f->book, run, &change, &error), &error, SALLYPORT_ERROR_BUG, "cannot become");
  }
}

/* Names of files are asked for once, at the start. */
static void no_question_walks_over_a_table(void **state) {
  Fixture *f = *state;
  const char *const texts[] = {exchange_queries_sql, exchange_request_queries_sql};
  guint looked_at = 0;
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_auto(GStrv) lines = g_strsplit(texts[i], "\n", -1);
    for (char **line = lines; *line; line++) {
      if (!g_str_has_prefix(*line, "-- name: ") || strstr(*line, "exchange-files"))
        continue;
      GError *error = NULL;
      g_autofree char *sql = db_named(texts[i], *line + strlen("-- name: ")),
                      *plan = db_plan(f->book->db, sql, &error);
      no_error(error);
      looked_at++;
      if (strstr(plan, "SCAN") || (strstr(plan, "TEMP B-TREE") && !strstr(*line, "request-next")))
        fail_msg("%s: %s", *line, plan);
    }
  }
  assert_true(looked_at > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(numbers_have_no_gap_also_when_a_change_between_them_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_held_is_the_bytes_of_what_is_here_or_announced, set_up, tear_down),
      cmocka_unit_test_setup_teardown(only_the_arrows_of_an_item_are_gone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_question_walks_over_a_table, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
