/* What commands tell of books and ledgers. */
#include "tests/unit/gateway/cli/cli_world.h"

static void files_can_be_filtered(void **state) {
  const World *world = *state;
  static const struct {
    const char *words;
    guint files;
  } rows[] = {{"files", 3},
              {"files --state held", 1},
              {"files --state held,closed", 2},
              {"files --state live", 2},
              {"files --name '*posting*'", 1},
              {"files --feed good-feed", 3},
              {"files --since 1h", 3},
              {"files --until 1h", 0},
              {"files --since 1h --until 0s --limit 2", 2},
              {"files --limit 0", 3},
              {"files --lane good", 3},
              {"files --limit 1", 1}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_t *answer = ask(world->site, rows[i].words);
    if (json_array_size(json_object_get(answer, "files")) != rows[i].files)
      fail_msg("%s gives %zu files", rows[i].words, json_array_size(json_object_get(answer, "files")));
    json_decref(answer);
  }
  expect(world->site, "files --state held,rejected", 0, "--outcome rejected shows all of them");
  expect(world->site, "files --state sleeping", 2, "there is no state \"sleeping\"");
  expect(world->site, "files --since never", 2, "is no time");
  expect(world->site, "files --feed bad-feed", 4, "good-feed");
  expect(world->site, "files --lane bad", 4, "there are: good");
  expect(world->site, "files", 0, "F002 the name was used before");
}

static void show_tells_everything_about_a_file(void **state) {
  const World *world = *state;
  g_autofree char *words = g_strdup_printf("show %s", world->closed);
  json_t *answer = ask(world->site, words);
  const json_t *file = json_object_get(answer, "file");
  assert_string_equal(text_of(file, "state"), "closed");
  assert_string_equal(text_of(file, "amount_accepted"), "31.50");
  assert_string_equal(text_of(json_object_get(file, "evidence"), "kind"), "marker");
  assert_int_equal(json_array_size(json_object_get(answer, "batches")), 1);
  assert_int_equal(json_array_size(json_object_get(answer, "intents")), 1);
  assert_int_equal(json_array_size(json_object_get(answer, "refused")), 2);
  assert_int_equal(number_of(answer, "refused_count"), 2);
  assert_true(json_array_size(json_object_get(answer, "history")) >= 9);
  json_decref(answer);
  static const char *const said[] = {"kind=marker", "serial=17",       "31.50", "points out of range",
                                     "K003",        "P_closed_FB.pgp", "good",  "admitted"};
  for (gsize i = 0; i < G_N_ELEMENTS(said); i++)
    expect(world->site, words, 0, said[i]);
}

static void a_file_is_found_by_number_beginning_or_name(void **state) {
  const World *world = *state;
  g_autofree char *prefix = g_strndup(world->held, 15);
  const char *const names[] = {world->held, "P_held.pgp"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *words = g_strdup_printf("show %s", names[i]);
    expect(world->site, words, 0, world->held);
  }
  expect(world->site, "show nothing-like-it", 4, "there is no file \"nothing-like-it\"");
  expect(world->site, "show", 2, "FILE is missing");
  expect(world->site, "show a b", 2, "\"b\" is one argument too many: it takes FILE");
}

static void expect_trace(const World *world, const char *file, guint line, int status, const char *outcome) {
  g_autofree char *words = g_strdup_printf("trace %s:%u --json", file, line);
  g_auto(Told) told = run(world->site, words);
  json_t *answer = json_loads(told.out, 0, NULL);
  if (told.status != status || !answer || g_strcmp0(text_of(answer, "outcome"), outcome) != 0)
    fail_msg("%s ended with %d:\n%s%s", words, told.status, told.out, told.err);
  json_decref(answer);
}

static void every_line_can_be_traced(void **state) {
  const World *world = *state;
  expect_trace(world, world->closed, 2, 0, "credited");
  expect_trace(world, world->closed, 4, 0, "rejected");
  expect_trace(world, world->closed, 5, 0, "credited");
  expect_trace(world, world->closed, 6, 0, "duplicate");
  expect_trace(world, world->closed, 1, 4, "no-record");
  expect_trace(world, world->closed, 99, 4, "no-record");
  expect_trace(world, world->posting, 3, 0, "credited");
  expect_trace(world, world->posting, 4, 0, "accepted");
  expect_trace(world, world->held, 2, 0, "not-yet");
  expect(world->site, "trace P_closed.pgp:4", 0, "points out of range");
  expect(world->site, "trace P_closed.pgp:2", 0, "P_closed_FB.pgp");
}

static void a_key_or_entry_leads_back_to_its_line(void **state) {
  const World *world = *state;
  g_autofree char *by_key = g_strdup_printf("trace --key REF-%s-3", world->closed);
  json_t *answer = ask(world->site, by_key);
  const json_t *credit = json_array_get(json_object_get(answer, "credits"), 0);
  assert_string_equal(text_of(credit, "file"), world->closed);
  assert_string_equal(text_of(credit, "name"), "P_closed.pgp");
  assert_string_equal(text_of(credit, "amount"), "10.50");
  assert_int_equal(number_of(credit, "line"), 3);
  g_autofree char *by_entry = g_strdup_printf("trace --entry %" JSON_INTEGER_FORMAT, number_of(credit, "entry"));
  g_autofree char *place = g_strdup_printf("%s line 3", world->closed);
  expect(world->site, by_entry, 0, place);
  g_autofree char *as_argument = g_strdup_printf("trace REF-%s-3", world->closed);
  expect(world->site, as_argument, 0, place);
  json_decref(answer);
  expect(world->site, "trace --key NOBODY", 4, "there is no credit with the key \"NOBODY\"");
  expect(world->site, "trace --entry x", 2, "is no entry's number");
  expect(world->site, "trace", 2, "trace takes one of");
  expect(world->site, "trace --key A --entry 1", 2, "trace takes one of");
}

static void masked_fields_are_starred_unless_asked_for(void **state) {
  const World *world = *state;
  g_auto(Told) masked = run(world->site, "entries");
  assert_null(strstr(masked.out, "MEMBER-00001"));
  assert_non_null(strstr(masked.out, "********0001"));
  g_auto(Told) shown = run(world->site, "entries --unmask");
  assert_non_null(strstr(shown.out, "MEMBER-00001"));
  g_autofree char *words = g_strdup_printf("trace %s:2", world->closed);
  g_auto(Told) traced = run(world->site, words);
  assert_null(strstr(traced.out, "MEMBER-00001"));
}

static void balances_and_entries_are_read_from_the_ledger(void **state) {
  const World *world = *state;
  json_t *balance = ask(world->site, "balance MEMBER-00001");
  assert_string_equal(text_of(balance, "balance"), "52.50");
  json_decref(balance);
  expect(world->site, "balance NOBODY", 4, "no ledger has an entry");
  g_autofree char *of_file = g_strdup_printf("entries --file %s", world->closed);
  static const struct {
    const char *words;
    guint entries;
  } rows[] = {{"entries", 5},
              {"entries --account MEMBER-00001", 5},
              {"entries --account NOBODY", 0},
              {"entries --limit 2", 2},
              {NULL, 3}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    json_t *answer = ask(world->site, rows[i].words ? rows[i].words : of_file);
    assert_int_equal(json_array_size(json_object_get(answer, "entries")), rows[i].entries);
    json_decref(answer);
  }
  expect(world->site, "entries --file nothing", 4, "there is no file");
}

static void good_books_are_verified(void **state) {
  const World *world = *state;
  expect(world->site, "verify", 0, "3 files, 9 records, 5 credits of 52.50 in good-miles");
  expect(world->site, "audit verify", 0, "whole up to its tip");
  json_t *answer = ask(world->site, "verify");
  assert_true(json_is_true(json_object_get(answer, "ok")));
  json_decref(answer);
  expect(world->site, "audit", 0, "good-feed: P_closed.pgp, 1234 bytes");
  expect(world->site, "audit nonsense", 2, "list or verify");
}

static void a_credit_that_no_line_accounts_for_is_found(void **state) {
  const World *world = *state;
  LedgerOptions options = {.folder = world->paths->folder, .name = "good-miles", .shards = 4, .scale = 2};
  Ledger *ledger = ledger_open(&options, NULL);
  post(ledger, "0000nosuchfile00", 1, (guint64[]){7}, 1);
  ledger_close(ledger);
  expect(world->site, "verify", 6, "6 credits, of which only 5 belong to files");
}

static void a_doubled_credit_is_found(void **state) {
  const World *world = *state;
  LedgerOptions options = {.folder = world->paths->folder, .name = "good-miles", .shards = 4, .scale = 2};
  Ledger *ledger = ledger_open(&options, NULL);
  post(ledger, world->closed, 2, (guint64[]){4}, 1);
  ledger_close(ledger);
  expect(world->site, "verify", 6, "has 4 credits, and should have 3 to 3");
}

static void a_lost_audit_tip_is_found(void **state) {
  const World *world = *state;
  g_unlink(world->paths->tip);
  expect(world->site, "audit verify", 6, "tip");
}

int main(int argc, char **argv) {
  int status = be_sallyport(argc, argv);
  if (status >= 0)
    return status;
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(files_can_be_filtered),
      TEST(show_tells_everything_about_a_file),
      TEST(a_file_is_found_by_number_beginning_or_name),
      TEST(every_line_can_be_traced),
      TEST(a_key_or_entry_leads_back_to_its_line),
      TEST(masked_fields_are_starred_unless_asked_for),
      TEST(balances_and_entries_are_read_from_the_ledger),
      TEST(good_books_are_verified),
      TEST(a_credit_that_no_line_accounts_for_is_found),
      TEST(a_doubled_credit_is_found),
      TEST(a_lost_audit_tip_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
