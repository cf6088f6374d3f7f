/* Prices worked out by hand, and plans that are refused. */
#include "tests/unit/gateway/rating/rating_fixture.h"

#define SECONDS(increment, first) "quantity { value = \"seconds\" increment = " increment " first = " first " }\n"
#define ROUND(mode, scale) "round { mode = " mode " scale = " scale " }\n"
#define PRICE "step \"rate\" { amount = \"price(quantity, price, 60)\" }\n"
#define ONE "quantity { value = \"seconds\" }\n"
#define MINUTE ONE PRICE
#define GIVEN ONE "step \"rate\" { amount = \"price(quantity, price, 1)\" }\n"
#define MEMBER "step \"member\" { when = \"tier IS NOT NULL\" amount = \"portion(amount, 95, 100)\" }\n"
#define CAMPAIGN "step \"C7\" { when = \"campaign = 'C7'\" amount = \"portion(amount, 88, 100)\" campaign = yes }\n"
#define OFF "step \"off\" { amount = \"minus(amount, scaled('1.00', 2))\" }\n"
#define TIERS(kind) \
  ONE "tiers { kind = " kind " table = \"tiers\" key = { \"product\" } up-to = \"up_to\" rate = \"tier_rate\" }\n"
#define BANDS " tiers=10000:1.40/50000:1.32/:1.25"

typedef struct {
  guint scale;
  const char *body, *in, *out;
} Worked;

static const Worked worked[] = {
    /* where and how it is rounded: 78 s at 0.25 a minute is 0.325 */
    {2, MINUTE ROUND("half-up", "2"), "seconds=78 price=0.25", "0.33"},
    {2, MINUTE ROUND("half-even", "2"), "seconds=78 price=0.25", "0.32"},
    {2, MINUTE ROUND("down", "2"), "seconds=78 price=0.25", "0.32"},
    {2, MINUTE ROUND("up", "2"), "seconds=78 price=0.25", "0.33"},
    {2, MINUTE ROUND("half-up", "2"), "seconds=78 price=-0.25", "-0.33"},
    {2, MINUTE ROUND("half-even", "2"), "seconds=78 price=-0.25", "-0.32"},
    {2, MINUTE ROUND("down", "2"), "seconds=78 price=-0.25", "-0.32"},
    {2, MINUTE ROUND("up", "2"), "seconds=78 price=-0.25", "-0.33"},
    /* 0.025 × 95 % × 88 % */
    {3, GIVEN MEMBER CAMPAIGN ROUND("half-up", "2"), "seconds=1 price=0.025 tier=gold campaign=C7", "0.02"},
    {3, GIVEN MEMBER CAMPAIGN "round { mode = half-up scale = 2 at = each-step }",
     "seconds=1 price=0.025 tier=gold campaign=C7", "0.03"},
    {3, GIVEN MEMBER CAMPAIGN ROUND("half-up", "2"), "seconds=1 price=10.000", "10.00"},
    /* the order of steps */
    {2, GIVEN MEMBER OFF ROUND("half-up", "2"), "seconds=1 price=10.00 tier=gold", "8.50"},
    {2, GIVEN OFF MEMBER ROUND("half-up", "2"), "seconds=1 price=10.00 tier=gold", "8.55"},
    /* increments: 0.006 for 60 s, at least 30, then 6 */
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=0 price=0.006", "0.0000"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=1 price=0.006", "0.0030"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=30 price=0.006", "0.0030"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=31 price=0.006", "0.0036"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=32 price=0.006", "0.0036"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=57 price=0.006", "0.0060"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=60 price=0.006", "0.0060"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=61 price=0.006", "0.0066"},
    {4, SECONDS("6", "30") PRICE ROUND("half-up", "4"), "seconds=75 price=0.006", "0.0078"},
    {4, "quantity { value = \"seconds\" increment = 6 first = 30 charge-zero = yes }" PRICE ROUND("half-up", "4"),
     "seconds=0 price=0.006", "0.0030"},
    {2, SECONDS("7", "60") "step \"q\" { amount = \"quantity\" }" ROUND("half-up", "2"), "seconds=61", "0.67"},
    /* tiers */
    {2, TIERS("graduated") ROUND("half-up", "2"), "seconds=10000" BANDS, "14000.00"},
    {2, TIERS("volume") ROUND("half-up", "2"), "seconds=10000" BANDS, "14000.00"},
    {2, TIERS("graduated") ROUND("half-up", "2"), "seconds=10001" BANDS, "14001.32"},
    {2, TIERS("volume") ROUND("half-up", "2"), "seconds=10001" BANDS, "13201.32"},
    {2, TIERS("graduated") ROUND("half-up", "2"), "seconds=10500" BANDS, "14660.00"},
    {2, TIERS("volume") ROUND("half-up", "2"), "seconds=10500" BANDS, "13860.00"},
    {2, TIERS("graduated") ROUND("half-up", "2"), "seconds=50001" BANDS, "66801.25"},
    {2, TIERS("volume") ROUND("half-up", "2"), "seconds=50001" BANDS, "62501.25"},
    {2, TIERS("graduated") ROUND("half-up", "2"), "seconds=20 counter=9990" BANDS, "27.20"},
    {2, TIERS("volume") ROUND("half-up", "2"), "seconds=1 counter=10000" BANDS, "1.32"},
    {2, TIERS("volume") ROUND("half-up", "2"), "seconds=10000 tiers=9999:1.00", "B006"},
    /* what cannot be priced */
    {2, MINUTE ROUND("half-up", "2"), "seconds=-1 price=0.25", "B005"},
    {2, MINUTE ROUND("half-up", "2"), "price=0.25", "B005"},
    {2, MINUTE ROUND("half-up", "2"), "seconds=1", "B006"},
    {2, GIVEN ROUND("half-up", "2"), "seconds=9223372036854775807 price=1.00", "B006"},
    {0, GIVEN ROUND("half-up", "0"), "seconds=9223372036854775807 price=1", "9223372036854775807"},
    {0, GIVEN ROUND("half-up", "0"), "seconds=9223372036854775807 price=2", "B006"},
    /* the minimum */
    {2, GIVEN OFF ROUND("half-up", "2") "minimum = \"0.00\"", "seconds=1 price=0.40", "0.00"},
    {2, GIVEN OFF ROUND("half-up", "2"), "seconds=1 price=0.40", "-0.60"},
    /* campaigns */
    {2, GIVEN CAMPAIGN "step \"C8\" { amount = \"portion(amount, 1, 2)\" campaign = yes }" ROUND("half-up", "2"),
     "seconds=1 price=1.00 campaign=C7", "0.88"},
    {2, GIVEN CAMPAIGN "step \"C8\" { amount = \"portion(amount, 1, 2)\" campaign = yes }" ROUND("half-up", "2"),
     "seconds=1 price=1.00", "0.50"},
    {2,
     GIVEN CAMPAIGN "step \"C8\" { amount = \"portion(amount, 1, 2)\" campaign = yes stack = yes }" ROUND("half-up",
                                                                                                        "2"),
     "seconds=1 price=1.00 campaign=C7", "0.44"},
    {2,
     GIVEN "step \"a\" { amount = \"portion(amount, 9, 10)\" choose = \"best\" }"
           "step \"b\" { amount = \"minus(amount, scaled('1.50', 2))\" choose = \"best\" }" ROUND("half-up", "2"),
     "seconds=1 price=10.00", "8.50"},
    {2,
     GIVEN "step \"a\" { amount = \"portion(amount, 9, 10)\" choose = \"best\" campaign = yes }"
           "step \"b\" { amount = \"minus(amount, scaled('1.50', 2))\" choose = \"best\" campaign = yes }"
           "step \"c\" { amount = \"portion(amount, 1, 2)\" campaign = yes stack = yes }" ROUND("half-up", "2"),
     "seconds=1 price=20.00", "9.00"},
};

static void prices_are_those_that_were_worked_out_by_hand(void **state) {
  guint failed = 0;
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(worked); i++) {
    Site site;
    g_autoptr(GError) error = NULL;
    site_open(&site, worked[i].scale, worked[i].body);
    g_autofree char *out = site.plan ? rating_example(site.plan, worked[i].in, &error) : NULL;
    if (g_strcmp0(out, worked[i].out) != 0) {
      print_error("case %u, %s: %s, not %s; %s\n%s\n", i, worked[i].in, out ? out : "nothing", worked[i].out,
                  error       ? error->message
                  : site.error ? site.error->message
                               : "",
                  worked[i].body);
      failed++;
    }
    site_close(&site);
  }
  assert_int_equal(failed, 0);
}

typedef struct {
  const char *body, *part;
} Refused;

static const Refused refused[] = {
    {ONE "step \"x\" { amount = \"price * 2\" }" ROUND("up", "2"), "x: * is not for amounts"},
    {ONE "step \"x\" { amount = \"price / 2\" }" ROUND("up", "2"), "x: / is not for amounts"},
    {ONE "step \"x\" { amount = \"amount - 100\" }" ROUND("up", "2"), "x: what price()"},
    {ONE "step \"x\" { amount = \"abs(amount)\" }" ROUND("up", "2"), "x: what price()"},
    {ONE "step \"x\" { when = \"amount > 0\" amount = \"amount\" }" ROUND("up", "2"), "x: what price()"},
    {ONE "step \"x\" { amount = \"1.5\" }" ROUND("up", "2"), "x: 1.5 is a REAL number"},
    {ONE "step \"x\" { amount = \"serial\" }" ROUND("up", "2"), "x gives no amount of money"},
    {ONE "step \"x\" { amount = \"nowhere\" }" ROUND("up", "2"), "no such column: nowhere"},
    {"quantity { value = \"serial\" }" ROUND("up", "2"), "quantity gives no whole number"},
    {"quantity { value = \"quantity\" }" ROUND("up", "2"), "no such column: quantity"},
    {ONE "lookup \"a\" { table = \"none\" key = { \"product\" } }" ROUND("up", "2"), "no feed loads"},
    {ONE "lookup \"a\" { table = \"rates\" key = { \"product\" } }" ROUND("up", "2"), "has 2 fields, not 1"},
    {ONE "tiers { kind = volume table = \"rates\" key = { \"product\" } up-to = \"zone_code\" rate = \"rate\" }" ROUND(
         "up", "2"),
     "an integer"},
    {ONE "minimum = \"0.001\"" ROUND("up", "2"), "'minimum' must be a decimal with 2 decimals"},
};

static void what_could_go_wrong_with_money_is_refused_by_the_plan(void **state) {
  (void)state;
  for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
    Site site;
    site_open(&site, 2, refused[i].body);
    if (site.plan || !strstr(site.error->message, refused[i].part))
      fail_msg("%s: %s", refused[i].body, site.plan ? "no refusal" : site.error->message);
    assert_int_equal(sallyport_error_code(site.error), SALLYPORT_ERROR_CONFIGURATION);
    site_close(&site);
  }
}

static void an_example_that_comes_to_something_else_is_told_with_what_it_comes_to(void **state) {
  (void)state;
  Site site;
  GError *error = NULL;
  site_open(&site, 2, MINUTE ROUND("half-up", "2"));
  ConfExample tie = {.name = (char *)"tie", .in = (char *)"seconds=78 price=0.25", .out = (char *)"0.33"};
  assert_true(rating_example_check(site.plan, &tie, &error));
  tie.out = (char *)"0.32";
  assert_false(rating_example_check(site.plan, &tie, &error));
  assert_string_equal(error->message, "example \"tie\" comes to 0.33, and not to 0.32");
  g_clear_error(&error);
  tie.in = (char *)"second=78";
  assert_false(rating_example_check(site.plan, &tie, &error));
  assert_string_equal(error->message, "example \"tie\": there is no field \"second\"");
  g_clear_error(&error);
  site_close(&site);
}

static void a_name_that_the_rating_has_itself_is_refused_with_its_line(void **state) {
  static const char *const taken[] = {"amount", "Quantity"};
  Site site;
  (void)state;
  site_open(&site, 2, "quantity { value = \"seconds\" } step \"s\" { amount = \"price(quantity, price, 60)\" }\n"
                      "round { mode = half-up scale = 2 }\n");
  assert_non_null(site.plan);
  const ConfLane *lane = site.conf->lanes->pdata[0];
  const ConfRating *rating = lane->ratings->pdata[0];
  ConfField *field = conf_layout(site.conf, rating->layout)->record.fields->pdata[7];
  for (guint i = 0; i < G_N_ELEMENTS(taken); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *where = g_strdup_printf("%s:%u: the name \"%s\" is taken", field->where.file, field->where.line,
                                             taken[i]);
    g_free(field->name);
    field->name = g_strdup(taken[i]);
    assert_null(rating_plan_new(site.conf, rating, &error));
    assert_non_null(strstr(error->message, where));
  }
  site_close(&site);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prices_are_those_that_were_worked_out_by_hand),
      cmocka_unit_test(what_could_go_wrong_with_money_is_refused_by_the_plan),
      cmocka_unit_test(an_example_that_comes_to_something_else_is_told_with_what_it_comes_to),
      cmocka_unit_test(a_name_that_the_rating_has_itself_is_refused_with_its_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
