/* Numbers in the forms that a field declares, each only there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/layouts.h"
#include <cmocka.h>

enum { PLUS = 1 << CONF_NUMBER_PLUS,
       BEHIND = 1 << CONF_NUMBER_TRAILING_SIGN,
       PARENTHESES = 1 << CONF_NUMBER_PARENTHESES,
       BARE = 1 << CONF_NUMBER_BARE_POINT,
       TRIM = 1 << CONF_NUMBER_TRIM,
       EXACT = 1 << CONF_NUMBER_EXACT };

typedef struct {
  const char *type; /* as layouts_field has it */
  guint forms;
  const char *point, *thousands;
} Form;

static char *read_number(const Form *form, const char *text) {
  g_autoptr(GError) error = NULL;
  g_autofree char *record = g_strconcat("D n:", form->type, NULL), *line = g_strdup_printf("D;%s\n", text);
  ConfLayout *conf = layouts_conf(";", NULL, record, NULL);
  ConfField *field = conf->record.fields->pdata[0];
  field->number_forms = form->forms;
  field->decimal_point = g_strdup(form->point);
  field->thousands = g_strdup(form->thousands);
  g_autoptr(Layout) layout = layout_new(conf, &error);
  if (!layout)
    fail_msg("%s", error->message);
  g_autofree char *told = layouts_tell(layout, line, strlen(line), 1);
  g_clear_pointer(&layout, layout_free);
  layouts_free(conf);
  g_auto(GStrv) lines = g_strsplit(told, "\n", 2);
  g_auto(GStrv) words = g_strsplit(lines[0], " ", 3);
  return g_strdup(*words[1] == 'D' ? words[2] : words[1]);
}

static void expect(Form form, const char *const cases[][2]) {
  for (guint i = 0; cases[i][0]; i++) {
    g_autofree char *told = read_number(&form, cases[i][0]);
    if (!g_str_equal(told, cases[i][1]))
      fail_msg("%s '%s': %s, not %s", form.type, cases[i][0], told, cases[i][1]);
  }
}
#define EXPECT(form, ...) expect((Form)form, (const char *const[][2]){__VA_ARGS__, {NULL, NULL}})
#define FORM(...) {__VA_ARGS__}

static void a_decimal_comma_is_read_where_it_is_declared(void **state) {
  (void)state;
  EXPECT(FORM("dec=2", 0, ",", NULL), {"12,30", "1230"}, {"-0,5", "-50"}, {"12", "1200"}, {"12.30", "L013"},
         {"12,301", "L014"}, {",5", "L013"}, {"5,", "L013"}, {"1,2,3", "L013"}, {"1,2.3", "L013"}, {"", "L010"});
}

static void thousands_stand_in_their_places_or_nowhere(void **state) {
  (void)state;
  EXPECT(FORM("dec=2", 0, NULL, ","), {"1,234.50", "123450"}, {"1234.50", "123450"}, {"12,345,678", "1234567800"},
         {"123,456", "12345600"}, {"-1,234", "-123400"}, {"1,23.4", "L013"}, {"1,2345", "L013"}, {",234", "L013"},
         {"1234,567", "L013"}, {"1,,234", "L013"}, {"1,234,56", "L013"}, {"1,234.567,8", "L013"}, {"12,34,567", "L013"},
         {"1.234,50", "L013"});
  EXPECT(FORM("dec=2", 0, ",", "."), {"1.234,5", "123450"}, {"1.234.567", "123456700"}, {"1,234.5", "L013"});
  EXPECT(FORM("int", 0, NULL, "'"), {"1'234", "1234"}, {"1'23", "L012"}, {"999", "999"},
         {"9'223'372'036'854'775'807", "9223372036854775807"}, {"9'223'372'036'854'775'808", "L014"});
  EXPECT(FORM("dec=2", TRIM, ",", " "), {"1 234,50", "123450"}, {" 1 234,50 ", "123450"}, {"1  234", "L013"});
}

static void a_sign_stands_where_it_is_declared_and_nowhere_else(void **state) {
  (void)state;
  EXPECT(FORM("dec=2", BEHIND, NULL, NULL), {"12.30-", "-1230"}, {"12.30", "1230"}, {"-12.30", "L013"},
         {"12.30+", "L013"}, {"12.30--", "L013"}, {"-", "L013"}, {"-12.30-", "L013"}, {"0.00-", "L013"});
  EXPECT(FORM("int", BEHIND | PLUS, NULL, NULL), {"12+", "12"}, {"12-", "-12"}, {"+12", "L012"});
  EXPECT(FORM("int", PLUS, NULL, NULL), {"+12", "12"}, {"-12", "-12"}, {"12", "12"}, {"12+", "L012"}, {"+-12", "L012"},
         {"+", "L012"});
  EXPECT(FORM("dec=2", PARENTHESES, NULL, ","), {"(1,234.5)", "-123450"}, {"1,234.5", "123450"}, {"(-1)", "L013"},
         {"(1", "L013"}, {"1)", "L013"}, {"()", "L013"}, {"((1))", "L013"});
}

static void a_point_may_be_first_and_decimals_may_be_counted(void **state) {
  (void)state;
  EXPECT(FORM("dec=2", BARE, NULL, NULL), {".5", "50"}, {"-.05", "-5"}, {"0.5", "50"}, {".", "L013"}, {"5.", "L013"},
         {"-.", "L013"});
  EXPECT(FORM("dec=2", EXACT, NULL, NULL), {"12.30", "1230"}, {"12.3", "L014"}, {"12", "L014"}, {"12.300", "L014"});
}

static void blanks_around_it_are_taken_off_where_it_is_declared(void **state) {
  (void)state;
  EXPECT(FORM("int", TRIM, NULL, NULL), {"  12", "12"}, {"12 \t", "12"}, {"1 2", "L012"}, {"- 12", "L012"},
         {"   ", "L010"});
  EXPECT(FORM("int?", TRIM, NULL, NULL), {"   ", "null"}, {"", "null"}, {" 7 ", "7"});
}

static void what_is_too_long_is_no_number(void **state) {
  (void)state;
  for (gsize length = 60; length < 300; length++) {
    g_autofree char *digits = g_strnfill(length, '0');
    g_autofree char *told = read_number(&(Form){"int", PLUS, NULL, ","}, digits);
    assert_string_equal(told, length <= 125 ? "0" : "L012");
  }
}

/* Any number, written as each form has it, is that number; and with one separator moved it is none. */
static void every_number_is_read_in_every_form(void **state) {
  (void)state;
  static const Form forms[] = {{"dec=3", BEHIND, ",", "."}, {"dec=3", PARENTHESES | TRIM, NULL, ","},
                               {"dec=3", PLUS | EXACT, ",", " "}, {"dec=3", BEHIND | PLUS, NULL, "'"}};
  GRand *random = g_rand_new_with_seed(20261120);
  for (guint round = 0; round < 400; round++) {
    const Form *form = &forms[round % G_N_ELEMENTS(forms)];
    gint64 large = (gint64)g_rand_int(random) << 20 | g_rand_int_range(random, 0, 1 << 20),
           number = large >> g_rand_int_range(random, 0, 50);
    gboolean below = number > 0 && g_rand_boolean(random);
    g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, number / 1000);
    GString *text = g_string_new(!below || form->forms & BEHIND ? "" : form->forms & PARENTHESES ? "(" : "-");
    for (gsize i = 0, length = strlen(digits); i < length; i++) {
      g_string_append_c(text, digits[i]);
      if (i + 1 < length && (length - i - 1) % 3 == 0)
        g_string_append(text, form->thousands);
    }
    g_string_append_printf(text, "%s%03d", form->point ? form->point : ".", (int)(number % 1000));
    g_string_append(text, !below ? "" : form->forms & PARENTHESES ? ")" : form->forms & BEHIND ? "-" : "");
    g_autofree char *told = read_number(form, text->str),
                    *wanted = g_strdup_printf("%" G_GINT64_FORMAT, below ? -number : number);
    if (!g_str_equal(told, wanted))
      fail_msg("%s: %s, not %s", text->str, told, wanted);
    char *separator = strstr(text->str, form->thousands);
    if (separator) {
      char moved = separator[0];
      separator[0] = separator[1];
      separator[1] = moved;
      g_autofree char *wrong = read_number(form, text->str);
      assert_string_equal(wrong, "L013");
    }
    g_string_free(text, TRUE);
  }
  g_rand_free(random);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_decimal_comma_is_read_where_it_is_declared),
      cmocka_unit_test(thousands_stand_in_their_places_or_nowhere),
      cmocka_unit_test(a_sign_stands_where_it_is_declared_and_nowhere_else),
      cmocka_unit_test(a_point_may_be_first_and_decimals_may_be_counted),
      cmocka_unit_test(blanks_around_it_are_taken_off_where_it_is_declared),
      cmocka_unit_test(what_is_too_long_is_no_number),
      cmocka_unit_test(every_number_is_read_in_every_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
