/* Groups, addenda and remarks: what belongs to what, totals of each, and what is refused; from any chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/gateway/records/pieces.h"
#include <stdio.h>
#include <cmocka.h>

/* Banks of accounts of movements, with all that a group can declare. */
static ConfLayout *bank_conf(void) {
  ConfLayout *conf = layouts_conf("|", "H day:text", "D key:text n:int text:text?",
                                  "T banks:int#count/B lines:int#lines total:int#sum=total/Y");
  layouts_group(conf, "bank", "B bank_name:text", "Y accounts:int#count/A total:int#sum=sum/Z lines:int#lines");
  layouts_group(conf, "account", "A owner:text? opened:int?",
                "Z count:int#count both:int#count/D+C sum:int#sum=n debits:int#debits=n");
  layouts_beside(&conf->addenda, "C text:text? extra:int?");
  layouts_beside(&conf->remarks, "R words:text");
  return conf;
}

static void expect(ConfLayout *conf, const char *text, const char *wanted) {
  g_autofree char *told = pieces_tell(conf, text, 3);
  if (!strstr(told, wanted))
    fail_msg("%s\nis told as\n%swithout %s", text, told, wanted);
  layouts_free(conf);
}

/* --- What is right */

#define GOOD                                                                                                  \
  "H|x\nB|one\nA|ann|7\nD|k1|5|a\nC|b|1\nC|c|2\nD|k2|-2|\nZ|2|4|3|2\nA||\nR|no record\nZ|0|0|0|0\nY|2|3|11\n" \
  "B|two\nA|bob|\nD|k3|1|\nC||9\nZ|1|2|1|0\nY|1|1|6\nT|2|19|4\n"

static void records_have_what_their_groups_and_addenda_say(void **state) {
  (void)state;
  expect(bank_conf(), GOOD,
         "4 D \"k1\" 5 \"a b c\" 2 \"one\" 3 \"ann\" 7 1 6\n"
         "7 D \"k2\" -2 null 2 \"one\" 3 \"ann\" 7 null 7\n"
         "15 D \"k3\" 1 null 13 \"two\" 14 \"bob\" null 9 16\n"
         "H 1 \"x\"\nT 19 \"2\" \"19\" \"4\"\n= 19 lines, 3 records, ok\n");
}

/* Such a group has only a header, which the next one's ends. */
static void a_group_without_a_trailer_is_ended_by_what_comes_next(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D key:text", "T groups:int#count/G");
  layouts_group(conf, "part", "G declared:int#count", NULL);
  expect(conf, "G|1\nD|a\nG|2\nD|b\nD|c\nT|2\n",
         "2 D \"a\" 1 1\n4 D \"b\" 3 2\n5 D \"c\" 3 2\nT 6 \"2\"\n= 6 lines, 3 records, ok");
  conf = layouts_conf("|", NULL, "D key:text", "T groups:int#count/G");
  layouts_group(conf, "part", "G declared:int#count", NULL);
  expect(conf, "G|2\nD|a\nG|2\nD|b\nD|c\nT|2\n", "T003 in 3");
  conf = layouts_conf("|", NULL, "D key:text", "T groups:int#count/G");
  layouts_group(conf, "part", "G declared:int#count", NULL);
  expect(conf, "G|1\nD|a\nG|2\nD|b\nT|2\n", "T003 in 3");
}

static void fixed_lines_without_ends_have_groups_too(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("", NULL, "D key:text@3 n:int@2>0", NULL);
  conf->kind = CONF_LAYOUT_FIXED;
  conf->line_end = CONF_LINE_END_NONE;
  layouts_group(conf, "part", "G owner:text@5", "E count:int@2>0#count sum:int@3>0#sum=n");
  layouts_beside(&conf->addenda, "C more:text@5");
  expect(conf, "Gann  Dk  01CnoteaCnotebDl  02E02003",
         "2 D \"k\" 1 1 \"ann\" \"notea noteb\" 4\n5 D \"l\" 2 1 \"ann\" null 5\n= 6 lines, 2 records, ok\n");
}

/* --- What is refused */

static void wrong_groups_are_refused_with_their_line_and_cause(void **state) {
  (void)state;
  static const struct {
    const char *text, *verdict;
  } cases[] = {
      {"H|x\nD|k|1|\nT|0|3|0\n", "T014 in 2"},
      {"H|x\nB|o\nD|k|1|\nY|0|0|3\nT|1|5|0\n", "T014 in 3"},
      {"H|x\nA|a|\nZ|0|0|0|0\nT|0|4|0\n", "T014 in 2"},
      {"H|x\nY|0|0|1\nT|0|3|0\n", "T014 in 2"},
      {"H|x\nB|o\nZ|0|0|0|0\nY|0|0|3\nT|1|5|0\n", "T014 in 3"},
      {"H|x\nC|b|1\nT|0|3|0\n", "T014 in 2"},
      {"H|x\nB|o\nA|a|\nC|b|1\nZ|0|1|0|0\nY|1|0|5\nT|1|7|0\n", "T014 in 4"},
      {"H|x\nB|o\nA|a|\nD|k|1|\nR|r\nC|b|1\nZ|1|2|1|0\nY|1|1|7\nT|1|9|1\n", "T014 in 6"},
      {"H|x\nB|o\nT|1|3|0\n", "T015 in 2"},
      {"H|x\nB|o\nB|p\nY|0|0|2\nT|2|5|0\n", "T015 in 3"},
      {"H|x\nB|o\nA|a|\nA|b|\nZ|0|0|0|0\nY|2|0|5\nT|1|7|0\n", "T015 in 4"},
      {"H|x\nB|o\nA|a|\nY|1|0|3\nT|1|5|0\n", "T015 in 4"},
      {"H|x\nB|o\nY|0|0|2\nT|1|4|0\nB|o\nY|0|0|2\n", "T008 in 5"},
      {"H|x\nB|o\nY|0|0|2\nT|1|4|0\nD|k|1|\nD|l|1|\n", "T008 in 5"},
      {"H|x\nB|o\nY|0|0|2\nT|1|4|0\n?\n", "T008 in 5"},
      {"B|o\nH|x\nY|0|0|3\nT|1|4|0\n", "T007 in 2"},
      {"H|x\nB|o\nY|1|0|2\nT|1|4|0\n", "T003 in 3"},
      {"H|x\nB|o\nY|0|0|3\nT|1|4|0\n", "T003 in 3"},
      {"H|x\nB|o\nY|0|1|2\nT|1|4|0\n", "T004 in 3"},
      {"H|x\nB|o\nY|0|0|2\nT|2|4|0\n", "T003 in 4"},
      {"H|x\nB|o\nY|0|0|2\nT|1|4|9\n", "T004 in 4"},
      {"H|x\nB|o\nA|a|\nD|k|x|\nZ|1|1|1|0\nY|1|1|5\nT|1|7|1\n", "T005 in 4"},
      {"H|x\nB|o\nA|a|\nD|k|9223372036854775807|\nD|k|1|\nZ|2|2|1|0\nY|1|1|6\nT|1|8|1\n", "T006 in 6"},
      {"H|x\nB|o|p\nY|0|0|2\nT|1|4|0\n", "L004 in 2"},
      {"H|x\nB|o\nA|a|x\nZ|0|0|0|0\nY|1|0|4\nT|1|6|0\n", "L012 in 3"},
      {"H|x\nR\nT|0|3|0\n", "L004 in 2"},
      {"H|x\nR|\nT|0|3|0\n", "L010 in 2"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    expect(bank_conf(), cases[i].text, cases[i].verdict);
}

static void a_message_says_which_group_and_where(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  ConfLayout *conf = bank_conf();
  g_autoptr(Layout) layout = layout_new(conf, &error);
  const char text[] = "H|x\nB|o\nA|a|\nD|k|5|\nZ|1|1|6|0\nY|1|5|5\nT|1|7|5\n";
  LayoutTotals *totals = layout_totals_new(layout);
  LayoutChunk *chunk = layout_chunk_new(layout);
  LayoutSpan span = {.text = (const guint8 *)text, .end = strlen(text), .is_first = TRUE, .is_last = TRUE};
  layout_parse(layout, &span, chunk);
  layout_totals_add(totals, chunk);
  assert_string_equal(layout_totals_check(totals)->reason,
                      "group account, lines 3 to 5: sum: 6 declared, the sum of n is 5");
  layout_chunk_free(chunk);
  layout_totals_free(totals);
  layouts_free(conf);
}

/* The record is what an addendum says something of: it is refused with it, and its amount still belongs to the sums. */
static void a_record_answers_for_its_addenda(void **state) {
  (void)state;
  expect(bank_conf(), "H|x\nB|o\nA|a|\nD|k|5|t\nC|b|x\nC|c|1\nZ|1|3|5|0\nY|1|5|7\nT|1|9|5\n",
         "4 L012 8 \"o\" \"a\"\nH 1 \"x\"\nT 9 \"1\" \"9\" \"5\"\n= 9 lines, 1 records, ok");
}

static void a_record_has_at_most_ten_thousand_addenda(void **state) {
  (void)state;
  for (guint n = 10000; n <= 10001; n++) {
    GError *error = NULL;
    ConfLayout *conf = layouts_conf("|", NULL, "D key:text", NULL);
    layouts_beside(&conf->addenda, "C n:int");
    Layout *layout = layout_new(conf, &error);
    assert_null(error);
    g_autoptr(GString) text = g_string_new("D|k\n");
    for (guint i = 0; i < n; i++)
      g_string_append(text, "C|1\n");
    g_string_append(text, "D|l\nC|2\n");
    for (gsize wanted = 1; wanted <= text->len; wanted *= 64) {
      g_autofree char *told = layouts_tell(layout, text->str, text->len, wanted);
      assert_true(g_str_has_suffix(told, n == 10000 ? "records, ok\n" : "records, T014 in 10002\n"));
    }
    layout_free(layout);
    layouts_free(conf);
  }
}

/* What the partner reads: the line of his file, wherever the chunks that it was parsed in begin. */
static void a_fault_of_an_addendum_has_its_line_of_the_file(void **state) {
  (void)state;
  g_autoptr(GError) error = NULL;
  static const char text[] = "H|x\nB|o\nA|a|\nD|k|1|\nC|b|1\nD|l|1|\nC|b|2\nC|c|x\nC|c|y\nD|m|1|\nC|d|z\n"
                             "Z|3|8|3|0\nY|1|3|13\nT|1|15|3\n";
  ConfLayout *conf = bank_conf();
  g_autoptr(Layout) layout = layout_new(conf, &error);
  LayoutChunk *chunk = layout_chunk_new(layout);
  for (gsize wanted = 1; wanted <= sizeof text; wanted++) {
    g_autoptr(GString) told = g_string_new(NULL);
    guint64 lines = 0;
    for (gsize at = 0, end; at < sizeof text - 1; at = end, lines += chunk->lines) {
      end = layout_next_chunk(layout, (const guint8 *)text, sizeof text - 1, at, wanted);
      layout_parse(layout,
                   &(LayoutSpan){.text = (const guint8 *)text,
                                 .offset = at,
                                 .end = end,
                                 .is_first = at == 0,
                                 .is_last = end == sizeof text - 1},
                   chunk);
      layout_chunk_rebase(chunk, lines);
      for (guint i = 0; i < chunk->block->faults->len; i++)
        g_string_append_printf(told, "%s\n", g_array_index(chunk->block->faults, BlockFault, i).reason);
    }
    assert_string_equal(told->str, "line 8, an addendum of it: extra: not an integer: 'x'\n"
                                   "line 11, an addendum of it: extra: not an integer: 'z'\n");
  }
  layout_chunk_free(chunk);
  layouts_free(conf);
}

/* A header is copied into each of its records, so it may not be large. */
static void a_header_of_too_much_text_is_refused(void **state) {
  (void)state;
  g_autofree char *large = g_strnfill(1025, 'x');
  g_autofree char *text = g_strdup_printf("H|x\nB|%s\nY|0|0|2\nT|1|4|0\n", large);
  expect(bank_conf(), text, "L003 in 2");
}

static void what_records_have_from_other_lines_has_names_of_its_own(void **state) {
  (void)state;
  static const struct {
    const char *header, *addendum;
  } cases[] = {{"G key:text", "C more:text"}, {"G part:text", "C more:text"}, {"G owner:text", "C n:int"},
               {"G owner:text", "C owner:text"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    ConfLayout *conf = layouts_conf("|", NULL, "D key:text n:int", NULL);
    layouts_group(conf, "part", cases[i].header, NULL);
    layouts_beside(&conf->addenda, cases[i].addendum);
    assert_null(layout_new(conf, &error));
    assert_non_null(strstr(error->message, "of this name"));
    layouts_free(conf);
  }
}

/* --- Any file */

static guint64 random_state;
static guint next_random(guint below) {
  random_state = random_state * G_GUINT64_CONSTANT(6364136223846793005) + 1442695040888963407u;
  return (guint)((random_state >> 33) % below);
}

typedef struct {
  GString *text, *told;
  GArray *totals; /* gsize: where in the text a digit of a total stands */
  guint line, records;
} Made;

static void put_total(Made *made, gint64 number, gboolean is_last) {
  gsize at = made->text->len + (number < 0 ? 1 : 0);
  g_array_append_val(made->totals, at);
  g_string_append_printf(made->text, "|%" G_GINT64_FORMAT "%s", number, is_last ? "\n" : "");
  made->line += is_last ? 1 : 0;
}

static guint make_record(Made *made, guint bank, guint account, gint64 n) {
  guint line = ++made->line, addenda = next_random(3) == 0 ? 1 + next_random(3) : 0;
  g_autoptr(GString) text = g_string_new(NULL);
  g_string_append_printf(made->text, "D|k%u|%" G_GINT64_FORMAT "|\n", line, n);
  for (guint i = 0; i < addenda; i++) {
    g_string_append_printf(made->text, "C|w%u|%u\n", i, i);
    g_string_append_printf(text, "%sw%u", i ? " " : "", i);
    made->line++;
  }
  g_string_append_printf(made->told, "%u D \"k%u\" %" G_GINT64_FORMAT, line, line, n);
  g_string_append_printf(made->told, addenda ? " \"%s\"" : " null", text->str);
  g_string_append_printf(made->told, " %u \"b%u\" %u \"a%u\" %u", bank, bank, account, account, account);
  g_string_append_printf(made->told, addenda ? " 0 %u\n" : " null %u\n", made->line);
  made->records++;
  return addenda;
}

static gint64 make_account(Made *made, guint bank) {
  guint account = ++made->line, records = next_random(6), addenda = 0;
  gint64 sum = 0, debits = 0;
  g_string_append_printf(made->text, "A|a%u|%u\n", account, account);
  for (guint i = 0; i < records; i++) {
    gint64 n = (gint64)next_random(2000) - 1000;
    sum += n;
    debits += n < 0 ? -n : 0;
    addenda += make_record(made, bank, account, n);
  }
  g_string_append_c(made->text, 'Z');
  put_total(made, records, FALSE);
  put_total(made, records + addenda, FALSE);
  put_total(made, sum, FALSE);
  put_total(made, debits, TRUE);
  return sum;
}

static gint64 make_bank(Made *made) {
  guint bank = ++made->line, accounts = next_random(5);
  gint64 sum = 0;
  g_string_append_printf(made->text, "B|b%u\n", bank);
  for (guint i = 0; i < accounts; i++)
    sum += make_account(made, bank);
  g_string_append_c(made->text, 'Y');
  put_total(made, accounts, FALSE);
  put_total(made, sum, FALSE);
  put_total(made, made->line - bank + 2, TRUE);
  return sum;
}

static void make_file(Made *made) {
  guint banks = 1 + next_random(4);
  gint64 sum = 0;
  *made = (Made){g_string_new("H|x\n"), g_string_new(NULL), g_array_new(FALSE, FALSE, sizeof(gsize)), 1, 0};
  for (guint i = 0; i < banks; i++)
    sum += make_bank(made);
  g_string_append_c(made->text, 'T');
  put_total(made, banks, FALSE);
  put_total(made, made->line + 1, FALSE);
  put_total(made, sum, TRUE);
}

static void clear_made(Made *made) {
  g_string_free(made->text, TRUE);
  g_string_free(made->told, TRUE);
  g_array_unref(made->totals);
}

static void any_file_is_read_as_what_it_was_made_of(void **state) {
  (void)state;
  for (guint round = 1; round <= 60; round++) {
    Made made;
    random_state = round;
    make_file(&made);
    ConfLayout *conf = bank_conf();
    g_autofree char *told = pieces_tell(conf, made.text->str, 3);
    g_autofree char *end = g_strdup_printf("= %u lines, %u records, ok\n", made.line, made.records);
    if (!g_str_has_prefix(told, made.told->str) || !g_str_has_suffix(told, end))
      fail_msg("seed %u:\n%s\nis told as\n%sand not as\n%s", round, made.text->str, told, made.told->str);
    layouts_free(conf);
    clear_made(&made);
  }
}

/* Each total of each group, and of the file. */
static void one_changed_byte_in_a_total_is_caught(void **state) {
  (void)state;
  for (guint round = 1; round <= 10; round++) {
    Made made;
    random_state = round;
    make_file(&made);
    for (guint i = 0; i < made.totals->len; i++) {
      ConfLayout *conf = bank_conf();
      char *digit = &made.text->str[g_array_index(made.totals, gsize, i) + 1], right = *digit;
      *digit = (char)('0' + (right - '0' + 1 + (int)next_random(9)) % 10);
      g_autofree char *told = pieces_tell(conf, made.text->str, 3);
      if (g_str_has_suffix(told, ", ok\n"))
        fail_msg("seed %u, total %u:\n%s", round, i, made.text->str);
      *digit = right;
      layouts_free(conf);
    }
    clear_made(&made);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_have_what_their_groups_and_addenda_say),
      cmocka_unit_test(a_group_without_a_trailer_is_ended_by_what_comes_next),
      cmocka_unit_test(fixed_lines_without_ends_have_groups_too),
      cmocka_unit_test(wrong_groups_are_refused_with_their_line_and_cause),
      cmocka_unit_test(a_message_says_which_group_and_where),
      cmocka_unit_test(a_record_answers_for_its_addenda),
      cmocka_unit_test(a_record_has_at_most_ten_thousand_addenda),
      cmocka_unit_test(a_fault_of_an_addendum_has_its_line_of_the_file),
      cmocka_unit_test(a_header_of_too_much_text_is_refused),
      cmocka_unit_test(what_records_have_from_other_lines_has_names_of_its_own),
      cmocka_unit_test(any_file_is_read_as_what_it_was_made_of),
      cmocka_unit_test(one_changed_byte_in_a_total_is_caught)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
