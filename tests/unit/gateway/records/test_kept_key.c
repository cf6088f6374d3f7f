/* Keys as people write them, in the form in which the ledger keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "gateway/records/kept_key.h"
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static char *const PARTS[] = {(char *)(gsize) "shop", (char *)(gsize) "n", (char *)(gsize) "day", NULL};

/* "-": no key of this feed */
static void expect(ConfKeyScope scope, gboolean is_shown, const char *text, const char *wanted) {
  ConfLayout *conf = layouts_conf("|", NULL, "D shop:text n:int day:date=%d.%m.%Y points:int", NULL);
  ConfField *shop = conf->record.fields->pdata[0];
  shop->normal_form = 1 << CONF_NORMAL_TRIM | 1 << CONF_NORMAL_CASE;
  shop->strip_prefix = (char *)(gsize) "SH-";
  ConfFeed feed = {.key = (char *)(gsize)CONF_KEY_COLUMN, .key_fields = (char **)(gsize)PARTS, .key_scope = scope};
  KeyForm form = {.layout = conf, .feed = &feed, .is_shown = is_shown};
  g_autofree char *kept = key_kept_as(&form, text);
  assert_string_equal(kept ? kept : "-", wanted);
  assert_true(key_has_forms(&form));
  layouts_free(conf);
}

static void each_part_is_kept_in_the_form_of_its_field(void **state) {
  (void)state;
  expect(CONF_KEY_EVER, FALSE, "S1/7/2026-11-20", "S1/7/2026-11-20");
  expect(CONF_KEY_EVER, FALSE, " sh-s1 /0007/20.11.2026", "S1/7/2026-11-20");
  expect(CONF_KEY_EVER, FALSE, "a\\/b\\\\c/7/20.11.2026", "A\\/B\\\\C/7/2026-11-20");
  expect(CONF_KEY_EVER, TRUE, "sh-s1/007/2026-11-20", "SH-S1/7/2026-11-20");
}

static void what_lacks_a_part_or_has_one_too_many_is_no_key(void **state) {
  (void)state;
  static const char *const none[] = {"", "S1", "S1/7", "S1/7/2026-11-20/1", "S1/x/2026-11-20", "S1\\/7/2026-11-20"};
  for (guint i = 0; i < G_N_ELEMENTS(none); i++)
    expect(CONF_KEY_EVER, FALSE, none[i], "-");
  expect(CONF_KEY_FILE, FALSE, "S1/7/2026-11-20", "-");
}

static void what_bounds_a_key_stays_as_it_is(void **state) {
  (void)state;
  expect(CONF_KEY_BUSINESS_DAY, FALSE, "2026-11-20/s1/07/20.11.2026", "2026-11-20/S1/7/2026-11-20");
  expect(CONF_KEY_FILE, FALSE, "0mx25bpq/s1/07/20.11.2026", "0mx25bpq/S1/7/2026-11-20");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_part_is_kept_in_the_form_of_its_field),
                                     cmocka_unit_test(what_lacks_a_part_or_has_one_too_many_is_no_key),
                                     cmocka_unit_test(what_bounds_a_key_stays_as_it_is)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
