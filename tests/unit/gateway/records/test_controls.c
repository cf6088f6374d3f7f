/* Control totals that are no plain count or sum: lines, blocks, an opening balance, the low digits of a hash, running
 * numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

static ConfField *field_of(const ConfLine *line, guint index) {
  return line->fields->pdata[index];
}

/* The verdict, the same in one piece and in the smallest. */
static void expect(ConfLayout *conf, const char *text, const char *verdict) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Layout) layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s", error->message);
  for (gsize wanted = 1; wanted < 1000; wanted = wanted * 30 + 1) {
    g_autofree char *told = layouts_tell(layout, text, strlen(text), wanted);
    g_autofree char *end = g_strdup_printf(" records, %s\n", verdict);
    if (!g_str_has_suffix(told, end))
      fail_msg("%s: %s", text, told);
  }
  layouts_free(conf);
}

static ConfLayout *with_comments(const char *control) {
  static const char *const beginnings[] = {"#", NULL};
  g_autofree char *trailer = g_strdup_printf("T n:int#%s", control);
  ConfLayout *conf = layouts_conf("|", "H of:text", "D key:text", trailer);
  conf->pass_over = (ConfPassOver){.present = TRUE, .beginning = (char **)(gsize)beginnings};
  return conf;
}

static void lines_are_counted_with_header_and_trailer(void **state) {
  (void)state;
  expect(with_comments("count"), "H|x\nD|a\n#\nD|b\nT|2\n#\n\n", "ok");
  expect(with_comments("lines"), "H|x\nD|a\n#\nD|b\nT|4\n#\n\n", "ok");
  expect(with_comments("lines"), "H|x\nD|a\n#\nD|b\nT|2\n#\n", "T003 in 5");
  expect(with_comments("all-lines"), "H|x\nD|a\n#\nD|b\nT|6\n#\n\n", "ok");
  expect(with_comments("all-lines"), "H|x\nD|a\n#\nD|b\nT|4\n#\n", "T003 in 5");
}

static void two_fields_are_summed_together(void **state) {
  (void)state;
  static const char *const record = "D goods:dec=2 tax:dec=3? fee:int";
  const char *const text = "D|1.50|0.125|2\nD|2.00||-1\nT|4.625\n";
  expect(layouts_conf("|", NULL, record, "T all:dec=3#sum=goods+tax+fee"), text, "ok");
  expect(layouts_conf("|", NULL, record, "T all:dec=3#sum=goods+fee"), text, "T004 in 3");
  expect(layouts_conf("|", NULL, record, "T all:dec=3#gross=goods+fee"), "D|1.50||2\nD|2.00||-1\nT|6.500\n", "ok");
  expect(layouts_conf("|", NULL, record, "T all:dec=3#sum=goods+fee"), "D|1.50|0.125|x\nT|1.500\n", "T005 in 1");
}

/* As NACHA's block count, of ten lines each, the last block filled up. */
static void blocks_are_counted(void **state) {
  (void)state;
  static const struct {
    const char *text, *verdict;
  } cases[] = {{"H|x\nD|a\nT|1\n", "ok"},
               {"H|x\nD|a\nD|b\nT|2\n", "ok"},
               {"H|x\nD|a\nD|b\nT|1\n", "T003 in 4"},
               {"H|x\nD|a\nD|b\nD|c\nT|2\n#\n", "ok"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = with_comments("all-lines");
    field_of(&conf->trailer, 0)->per_block = 3;
    expect(conf, cases[i].text, cases[i].verdict);
  }
}

static void opening_and_movements_are_the_closing_balance(void **state) {
  (void)state;
  static const struct {
    const char *text, *verdict;
  } cases[] = {{"H|100.00|C\nD|30.50|D\nD|1.00|C\nT|70.50|C\n", "ok"},
               {"H|10.00|D\nD|30.50|D\nT|40.50|D\n", "ok"},
               {"H|10.00|D\nD|30.50|D\nT|40.50|C\n", "T004 in 3"},
               {"H|10.00|C\nD|30.50|D\nT|40.50|D\n", "T004 in 3"},
               {"H|10.00|D\nT|10.00|D\n", "ok"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf("|", "H opening:dec=2$dc=D dc:enum=C/D", "D amount:dec=2$dc=D dc:enum=C/D",
                                    "T closing:dec=2$dc=D#sum=amount dc:enum=C/D");
    field_of(&conf->trailer, 0)->opening = g_strdup("opening");
    expect(conf, cases[i].text, cases[i].verdict);
  }
}

/* As NACHA's entry hash: the sum of routing numbers, of which the field has room for the last ten digits. */
static void a_hash_total_has_the_low_digits_of_the_sum(void **state) {
  (void)state;
  static const struct {
    const char *text, *verdict;
  } cases[] = {{"D|9000000001\nD|9000000002\nT|8000000003\n", "ok"},
               {"D|9000000001\nD|9000000002\nT|18000000003\n", "T004 in 3"},
               {"D|9000000001\nD|9000000003\nT|8000000003\n", "T004 in 3"},
               {"D|9223372036854775807\nD|9223372036854775807\nT|3709551614\n", "ok"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf("|", NULL, "D routing:int", "T hash:int#sum=routing");
    field_of(&conf->trailer, 0)->low_digits = 10;
    expect(conf, cases[i].text, cases[i].verdict);
  }
}

static void running_numbers_are_those_of_their_lines_or_records(void **state) {
  (void)state;
  static const struct {
    ConfNumbers numbers;
    const char *text, *verdict;
  } cases[] = {{CONF_NUMBERS_RECORDS, "H|x\nD|1\nD|2\nD|3\n", "ok"},
               {CONF_NUMBERS_LINES, "H|x\nD|2\nD|3\nD|4\n", "ok"},
               {CONF_NUMBERS_RECORDS, "H|x\nD|1\nD|3\n", "T013 in 3"},
               {CONF_NUMBERS_LINES, "H|x\nD|2\nD|4\nD|3\n", "T013 in 3"},
               {CONF_NUMBERS_RECORDS, "H|x\nD|1\nD|x\nD|3\n", "ok"}, /* the second has its own fault */
               {CONF_NUMBERS_NOTHING, "H|x\nD|7\nD|5\n", "ok"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    ConfLayout *conf = layouts_conf("|", "H of:text", "D n:int", NULL);
    field_of(&conf->record, 0)->numbers = cases[i].numbers;
    expect(conf, cases[i].text, cases[i].verdict);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_are_counted_with_header_and_trailer),
      cmocka_unit_test(two_fields_are_summed_together),
      cmocka_unit_test(blocks_are_counted),
      cmocka_unit_test(opening_and_movements_are_the_closing_balance),
      cmocka_unit_test(a_hash_total_has_the_low_digits_of_the_sum),
      cmocka_unit_test(running_numbers_are_those_of_their_lines_or_records),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
