/* Batches that came over HTTP: what their bodies may be, and how many are served at once. */
#include "tests/unit/gateway/rating/rating_fixture.h"
#include "gateway/processors/rating/intake_body.h"
#include "gateway/processors/rating/intake_till.h"

static const char body[] = "key = { \"serial\" } quantity { value = \"seconds\" }\n"
                           "step \"m\" { amount = \"price(quantity, scaled('1', 2), 60)\" }\n"
                           "round { mode = half-up scale = 2 }";

static IntakeRead read_text(const Site *site, IntakeForm form, const char *text, gsize length, RecordBlock **block) {
  const IntakeBody sent = {form, text, length, 3, day_of(2026, 11, 30)};
  g_autofree char *why = NULL;
  *block = NULL;
  IntakeRead read = intake_body_read(rating_plan_layout(site->plan), &sent, block, &why);
  assert_true((read == INTAKE_READ) == (*block != NULL));
  assert_true((read == INTAKE_READ) == (why == NULL));
  return read;
}

static void expect_records(const Site *site, IntakeForm form, const char *text, guint count,
                           const char *first_seconds) {
  g_autoptr(RecordBlock) block = NULL;
  int seconds = rating_plan_column(site->plan, "seconds");
  assert_int_equal(read_text(site, form, text, strlen(text), &block), INTAKE_READ);
  assert_int_equal(block->count, count);
  assert_int_equal(block->lines[count - 1], count);
  const BlockFault *fault = record_block_fault(block, 0);
  g_autofree char *is = fault ? g_strdup(fault->code)
                              : g_strdup_printf("%" G_GINT64_FORMAT, record_block_integer(block, (guint)seconds, 0));
  assert_string_equal(is, first_seconds);
}

#define REST "\"member\":\"M\",\"product\":\"P\",\"zone\":\"Z\",\"at\":\"2026-11-30T10:00:00Z\""
#define TITLES "serial,member,seconds,product,zone,at\n"
#define CELLS "P,Z,2026-11-30T10:00:00Z\n"

static void records_are_read_by_their_fields_names(void **state) {
  (void)state;
  Site site;
  site_open(&site, 2, body);
  assert_non_null(site.plan);
  expect_records(&site, INTAKE_JSON, "[{\"serial\":\"S\",\"seconds\":60," REST "}]", 1, "60");
  expect_records(&site, INTAKE_JSON, " [ {\"seconds\":\"-9223372036854775808\",\"serial\":\"S\"," REST "} , {} ] \n", 2,
                 "-9223372036854775808");
  expect_records(&site, INTAKE_JSON, "[{\"serial\":\"S\\nT\",\"seconds\":60," REST "}]", 1, "L007");
  expect_records(&site, INTAKE_JSON, "[{\"serial\":\"\\\"-0\",\"seconds\":-10," REST "}]", 1, "-10");
  expect_records(&site, INTAKE_JSON, "[{\"serial\":null,\"seconds\":60," REST "}]", 1, "L010");
  expect_records(&site, INTAKE_CSV, TITLES "S,M,60," CELLS, 1, "60");
  expect_records(&site, INTAKE_CSV, "\xef\xbb\xbf" TITLES "\"S,\"\"\",M,60,\"P\n\"\"\",Z,2026-11-30T10:00:00Z", 1,
                 "L007");
  expect_records(&site, INTAKE_CSV, TITLES "\xff,M,60," CELLS, 1, "L001");
  expect_records(&site, INTAKE_CSV, TITLES "S,M,60,P,Z,2026-11-30T10:00:00Z\r\nT,,1," CELLS, 2, "60");
  site_close(&site);
}

static void a_body_that_is_no_batch_is_refused_wherever_it_is_cut(void **state) {
  (void)state;
  static const char *const wrong[] = {"", "[", "[]", "{}", "[1]", "[{},]", "[{}]]", "[{\"x\":\"\"}]",
                                      "[{\"serial\":{}}]", "[{\"seconds\":1.0}]", "[{\"seconds\":-0.5}]",
                                      "[{\"seconds\":true}]", "[{\"seconds\":-0}]",
                                      "[{\"serial\":\"\\\"\",\"seconds\": -0 }]",
                                      "[{\"serial\":\"\\u0000\"}]",
                                      "[{\"serial\":\"a\",\"serial\":\"a\"}]"},
                    *const wrong_csv[] = {"", "serial", "serial,serial\nS,S\n", "x\nS\n", "serial\n\"S",
                                          "serial\nS\"\n", "serial\n\"S\"T\n", "serial,seconds\nS\n"};
  const char *const whole[] = {"[{\"serial\":\"S\",\"seconds\":60," REST "}, {\"serial\":\"T\\u00e9\"}]",
                               TITLES "\"S\"\"\",M,60," CELLS "\"T\",,,,,\r\n"};
  Site site;
  RecordBlock *block;
  site_open(&site, 2, body);
  assert_non_null(site.plan);
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
    if (read_text(&site, INTAKE_JSON, wrong[i], strlen(wrong[i]), &block) != INTAKE_UNREADABLE)
      fail_msg("%s is read", wrong[i]);
  for (guint i = 0; i < G_N_ELEMENTS(wrong_csv); i++)
    if (read_text(&site, INTAKE_CSV, wrong_csv[i], strlen(wrong_csv[i]), &block) != INTAKE_UNREADABLE)
      fail_msg("%s is read", wrong_csv[i]);
  assert_int_equal(read_text(&site, INTAKE_JSON, "[{},{},{},{}]", 13, &block), INTAKE_TOO_MANY);
  for (guint form = INTAKE_JSON; form <= INTAKE_CSV; form++)
    for (gsize length = 0; length <= strlen(whole[form]); length++) {
      g_autofree char *part = length ? g_memdup2(whole[form], length) : g_strdup(""); /* and no byte behind it */
      read_text(&site, (IntakeForm)form, part, length, &block);
      record_block_free(block);
    }
  site_close(&site);
}

static void enter(IntakeTill *till, IntakeBatch *batch, const char *file, guint status) {
  *batch = (IntakeBatch){.file = g_strdup(file)};
  assert_int_equal(intake_till_enter(till, batch), status == 0);
  assert_int_equal(batch->status, status);
}

static void one_of_a_key_and_so_many_of_all_are_served_at_once(void **state) {
  (void)state;
  Site site;
  IntakeBatch batches[4];
  site_open(&site, 2, body);
  assert_non_null(site.plan);
  ConfRating rating = *rating_plan_conf(site.plan);
  rating.intake.waiting = 2;
  const LaneHost host = {.conf = site.conf};
  IntakeTill *till = intake_till_new(&host, NULL, &rating, NULL);
  assert_non_null(till);
  enter(till, &batches[0], "http:bank:a", 0);
  enter(till, &batches[1], "http:bank:a", 409);
  enter(till, &batches[2], "http:bank:b", 0);
  enter(till, &batches[3], "http:bank:c", 429);
  intake_till_leave(till, &batches[0]);
  intake_batch_clear(&batches[1]);
  intake_batch_clear(&batches[3]);
  enter(till, &batches[1], "http:bank:a", 0);
  intake_till_leave(till, &batches[1]);
  intake_till_leave(till, &batches[2]);
  for (guint i = 0; i < 3; i++)
    intake_batch_clear(&batches[i]);
  intake_till_free(till);
  site_close(&site);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_are_read_by_their_fields_names),
      cmocka_unit_test(a_body_that_is_no_batch_is_refused_wherever_it_is_cut),
      cmocka_unit_test(one_of_a_key_and_so_many_of_all_are_served_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
