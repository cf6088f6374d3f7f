/* Answers in other forms than the delimited UTF-8 of test_feedback.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/answers.h"

static void of_several_types_each_line_has_its_tag(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", "H p:text", "D ref:text points:int at:date=%Y%m%d?", NULL);
  layouts_record(conf, "E at:date=%d.%m.%Y points:int ref:text fee:dec=2");
  Case *it = staged_text(conf,
                         "H|ACME\nD|r1|5|20261120\nE|20.11.2026|7|r2|1.50\nE|20.11.2026|x|r3|1.50\nX|1\nD|r5|1|\n");
  char *columns[] = {(char *)"ref", (char *)"record_type", (char *)"at", (char *)"fee", NULL};
  it->feedback.columns = columns;
  it->options.amount_column = layout_column(it->layout, "points");
  it->options.amount_accepted = 13;
  it->options.accepted = 3;
  it->options.rejected = 2;
  BookBatch *batch = add_batch(it, 1, 5, 3, 2, 0, 13);
  except(batch, 3, OUTCOME_REJECTED, "L012");
  except(batch, 4, OUTCOME_REJECTED, "L005");
  expect(it, "H|ACME|ACCEPTED||\nD|r1|D|20261120||OK|\nE|r2|E|20.11.2026|1.50|OK|\nE||E|||REJECTED|L012\nD|||||"
             "REJECTED|L005\nD|r5|D|||OK|\nT|5|3|2|0|13\n");
}

static void numbers_and_dates_come_back_as_they_came(void **state) {
  (void)state;
  static char *columns[] = {(char *)"ref", (char *)"amount", (char *)"at", NULL};
  static const char text[] = "D|000123|1.5|2026-11-20T01:02:03+0800\nD|7|-0.50|2026-11-20T01:02:03Z\n"
                             "D|0|2.00|2026-11-20T01:02:03+08\nE|-1|-007.1\nD|x|1.5|2026-11-20T01:02:03Z\n";
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:int amount:dec=2 at:time", NULL);
  layouts_record(conf, "E ref:int amount:dec=2");
  Case *it = staged_spelled(conf, (const char *const *)columns, text, strlen(text));
  it->feedback.columns = columns;
  it->options.rejected = 1;
  it->options.accepted = 4;
  except(add_batch(it, 1, 5, 4, 1, 0, 0), 5, OUTCOME_REJECTED, "L012");
  expect(it, "H|POINTS.dat|ACCEPTED||\nD|000123|1.5|2026-11-20T01:02:03+0800|OK|\nD|7|-0.50|2026-11-20T01:02:03Z|OK|\n"
             "D|0|2.00|2026-11-20T01:02:03+08|OK|\nE|-1|-007.1||OK|\nD||||REJECTED|L012\nT|5|4|1|0|\n");
}

static void fixed_numbers_come_back_as_they_came(void **state) {
  (void)state;
  static char *columns[] = {(char *)"ref", (char *)"points", (char *)"fee", NULL};
  static const char text[] = "D0001+0005  012\nD0002-0005   1C\nD0003000050000}\n";
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:int@4>0 points:int@5>0 fee:dec=2@5>~^", NULL);
  conf->kind = CONF_LAYOUT_FIXED;
  Case *it = staged_spelled(conf, (const char *const *)columns, text, strlen(text));
  it->feedback.columns = columns;
  it->feedback.line_end = (char *)"lf";
  g_autofree char *told = written(&it->options, 4096, NULL);
  assert_null(told);
  add_batch(it, 1, 3, 3, 0, 0, 0);
  told = written(&it->options, 4096, NULL);
  assert_non_null(told);
  assert_non_null(strstr(told, "\nD0001+0005  012OK "));
  assert_non_null(strstr(told, "\nD0002-0005   1COK "));
  assert_non_null(strstr(told, "\nD0003000050000}OK "));
  finish(it);
}

static void a_key_in_its_normal_form_is_answered_as_it_came(void **state) {
  (void)state;
  static const char *const spelled[] = {"ref", NULL};
  static const char text[] = "D|ab1 \t|1\nD|AB1|1\nD|\357\274\241\357\275\202\357\274\221\343\200\200|1\n"
                             "D|ab-\346\261\211|1\nD| |1\n";
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:text points:int", NULL);
  ConfField *field = conf->record.fields->pdata[0];
  field->normal_form = 1 << CONF_NORMAL_TRIM | 1 << CONF_NORMAL_WIDTH | 1 << CONF_NORMAL_CASE;
  Case *it = staged_spelled(conf, spelled, text, strlen(text));
  g_autoptr(RecordBlock) block = staging_block_new(it->staging, 5);
  assert_true(staging_read(it->staging, 1, 5, block, NULL));
  static const char *const kept[] = {"AB1", "AB1", "AB1", "AB-\346\261\211"};
  for (guint i = 0; i < G_N_ELEMENTS(kept); i++) {
    gsize length;
    const char *key = record_block_text(block, 0, i, &length);
    assert_int_equal(length, strlen(kept[i]));
    assert_memory_equal(key, kept[i], length);
  }
  assert_string_equal(record_block_fault(block, 4)->code, "L010");
  it->options.rejected = 1;
  it->options.accepted = 4;
  except(add_batch(it, 1, 5, 4, 1, 0, 0), 5, OUTCOME_REJECTED, "L010");
  expect(it, "H|POINTS.dat|ACCEPTED||\nD|ab1 \t|OK|\nD|AB1|OK|\n"
             "D|\357\274\241\357\275\202\357\274\221\343\200\200|OK|\nD|ab-\346\261\211|OK|\n"
             "D||REJECTED|L010\nT|5|4|1|0|\n");
}

static void a_prefix_and_a_missing_sign_come_back_as_they_came(void **state) {
  (void)state;
  static char *columns[] = {(char *)"ref", (char *)"points", NULL};
  static const char text[] = "D|`r1|`5\nD|`r2|`-5\nD|r3|`5\n";
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:text points:int", NULL);
  conf->value_prefix = (char *)"`";
  ((ConfField *)conf->record.fields->pdata[1])->below_zero = TRUE;
  Case *it = staged_spelled(conf, (const char *const *)columns, text, strlen(text));
  it->feedback.columns = columns;
  it->options.amount_column = layout_column(it->layout, "points");
  it->options.accepted = 1;
  it->options.rejected = 2;
  it->options.amount_accepted = -5;
  BookBatch *batch = add_batch(it, 1, 3, 1, 2, 0, -5);
  except(batch, 2, OUTCOME_REJECTED, "L012");
  except(batch, 3, OUTCOME_REJECTED, "L019");
  expect(it, "H|POINTS.dat|ACCEPTED||\nD|`r1|`5|OK|\nD|||REJECTED|L012\nD|||REJECTED|L019\nT|3|1|2|0|-5\n");
}

static void answers_in_fixed_lines_have_the_gaps(void **state) {
  (void)state;
  static char *columns[] = {(char *)"ref", (char *)"points", NULL};
  static const char text[] = "D0001 00012  x\nD0002 0001200 \nD0003 00012   \n";
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:text@4 points:int@5>0 name:text?@1", NULL);
  conf->kind = CONF_LAYOUT_FIXED;
  ((ConfField *)conf->record.fields->pdata[0])->gap = 1;
  ((ConfField *)conf->record.fields->pdata[1])->gap = 2;
  Case *it = staged_spelled(conf, NULL, text, strlen(text));
  it->feedback.columns = columns;
  it->options.accepted = 2;
  it->options.rejected = 1;
  except(add_batch(it, 1, 3, 2, 1, 0, 0), 2, OUTCOME_REJECTED, "L009");
  g_autofree char *told = written(&it->options, 4096, NULL);
  assert_non_null(told);
  assert_non_null(strstr(told, "\nD0001 00012  OK "));
  assert_non_null(strstr(told, "\nD            REJECTED L009 "));
  assert_non_null(strstr(told, "\nD0003 00012  OK "));
  finish(it);
}

/* Deposits of accounts: two groups, one in the other; the second deposit has none but a faulty record, and account b's
 * first record is one. */
static ConfLayout *deposits(void) {
  ConfLayout *conf = layouts_conf("|", "H p:text", "D ref:text points:int", NULL);
  layouts_group(conf, "account", "A name:text opened:date=%d.%m.%Y", "Z t:int?");
  layouts_group(conf, "deposit", "B number:int fee:dec=2?", "Y t:int?");
  layouts_beside(&conf->addenda, "X words:text");
  return conf;
}
static const char DEPOSITS[] = "H|ACME\nA|a|20.11.2026\nB|7|\nD|r1|5\nX|tea\nD|r2|2\nY|1\nB|8|1.50\nD|r3|x\nY|1\nZ|1\n"
                               "A|b|\nY|\nZ|1\nA|b|21.11.2026\nB|9|\nD|r4|x\nD|r5|1\nY|1\nZ|1\n";

static void groups_stand_around_their_records_with_what_became_of_them(void **state) {
  (void)state;
  for (guint is_refused = 0; is_refused < 2; is_refused++) {
    Case *it = staged_text(deposits(), DEPOSITS);
    it->feedback.group_lines = TRUE;
    it->options.amount_column = layout_column(it->layout, "points");
    it->options.amount_accepted = is_refused ? 0 : 8;
    it->options.accepted = is_refused ? 0 : 3;
    it->options.rejected = 5 - it->options.accepted;
    it->options.verdict = is_refused ? "REJECTED" : "ACCEPTED";
    it->options.code = is_refused ? "T004" : "";
    BookBatch *batch = add_batch(it, 1, 5, 3, 2, 0, 8);
    except(batch, 3, OUTCOME_REJECTED, "L012");
    except(batch, 4, OUTCOME_REJECTED, "L012");
    expect(it, is_refused ? "H|ACME|REJECTED|T004|\nA|a|20.11.2026\nB|7|\nD|r1|REJECTED|T004\nD|r2|REJECTED|T004\n"
                            "Y|2|0|2|0|0\nB|8|1.50\nD||REJECTED|L012\nY|1|0|1|0|0\nZ|3|0|3|0|0\n"
                            "A|b|21.11.2026\nB|9|\nD||REJECTED|L012\nD|r5|REJECTED|T004\nY|2|0|2|0|0\nZ|2|0|2|0|0\n"
                            "T|5|0|5|0|0\n"
                          : "H|ACME|ACCEPTED||\nA|a|20.11.2026\nB|7|\nD|r1|OK|\nD|r2|OK|\nY|2|2|0|0|7\nB|8|1.50\n"
                            "D||REJECTED|L012\nY|1|0|1|0|0\nZ|3|2|1|0|7\nA|b|21.11.2026\nB|9|\nD||REJECTED|L012\n"
                            "D|r5|OK|\nY|2|1|1|0|1\nZ|2|1|1|0|1\nT|5|3|2|0|8\n");
  }
}

static void an_answer_explains_itself_where_it_is_asked_to(void **state) {
  (void)state;
  Case *it = staged_text(layouts_conf("|", NULL, "D ref:text points:int", NULL),
                         "D|r1|5\nD|r2|x|\nD|r3|7x\nD|r1|5\nD|r5|1\n");
  it->feedback.explain = 1 << CONF_EXPLAIN_LINE | 1 << CONF_EXPLAIN_FIELD | 1 << CONF_EXPLAIN_REASON;
  it->options.accepted = 1;
  it->options.rejected = 3;
  it->options.duplicates = 1;
  BookBatch *batch = add_batch(it, 1, 5, 1, 3, 1, 0);
  except(batch, 2, OUTCOME_REJECTED, "L004");
  except(batch, 3, OUTCOME_REJECTED, "L012");
  except(batch, 4, OUTCOME_DUPLICATE, "K001");
  except(batch, 5, OUTCOME_REJECTED, "E012");
  expect(it, "H|POINTS.dat|ACCEPTED||\nD|r1|OK||1||\nD||REJECTED|L004|2||why\nD||REJECTED|L012|3|points|why\n"
             "D|r1|DUPLICATE|K001|4|ref|why\nD|r5|REJECTED|E012|5||why\nT|5|1|3|1|\n");
}

#define BLANKS_9 "         "
#define BLANKS_32 "                                "
#define BLANKS_100 BLANKS_32 BLANKS_32 BLANKS_32 "    "

static ConfLayout *fixed_conf(void) {
  ConfLayout *conf = layouts_conf("|", "H p:text@6 d:date=%Y%m%d@8 q:int@4>0",
                                  "D ref:text@4 points:int@5>0 fee:dec=2?@6>0~^ name:text?@6", NULL);
  conf->kind = CONF_LAYOUT_FIXED;
  return conf;
}

static char *fixed_columns[] = {(char *)"ref", (char *)"points", (char *)"fee", (char *)"name", NULL};

static void fixed_lines_are_answered_in_fixed_lines(void **state) {
  (void)state;
  Case *it = staged_text(
      fixed_conf(), "HACME  202611200017\nDr1  0000500012Cab    \nDr2  -0007            \nDr3  x0007            \n");
  it->feedback.columns = fixed_columns;
  it->options.amount_column = layout_column(it->layout, "fee");
  it->options.amount_accepted = 123;
  it->options.accepted = 2;
  it->options.rejected = 1;
  except(add_batch(it, 1, 3, 2, 1, 0, 123), 3, OUTCOME_REJECTED, "L012");
  expect(it, "HACME  202611200017ACCEPTED " BLANKS_32 BLANKS_100 "\nDr1  0000500012Cab    OK       " BLANKS_32
             "\nDr2  -0007            OK       " BLANKS_32
             "\nD                     REJECTED L012                            \n"
             "T"
             "000000000000000003"
             "000000000000000002"
             "000000000000000001"
             "000000000000000000"
             "00000000000000000012C"
             "\n");
}

static void fixed_answers_have_the_bytes_of_their_character_set(void **state) {
  (void)state;
  ConfLayout *conf = fixed_conf();
  conf->charset = g_strdup("GBK");
  Case *it = staged_text(conf, "HACME  202611200017\nDr1  00005      \272\272\327\326x \n");
  it->feedback.columns = fixed_columns;
  it->options.verdict = "REJECTED";
  it->options.code = "E012,A-very-long-code-of-an-operator,E014";
  it->options.message = "\346\261\211\360\237\230\200";
  it->options.accepted = 0;
  it->options.rejected = 1;
  it->options.batches = NULL;
  expect(it, "HACME  202611200017REJECTED E012,A-very-long-code-of-an-oper\272\272\\u1f600" BLANKS_32 BLANKS_32
             "                           "
             "\nDr1  00005      \272\272\327\326x REJECTED E012                            \n"
             "T"
             "000000000000000001"
             "000000000000000000"
             "000000000000000001"
             "000000000000000000" BLANKS_9 "            "
             "\n");
}

static void without_line_ends_all_lines_are_as_long(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:text@4", NULL);
  conf->kind = CONF_LAYOUT_FIXED;
  conf->line_end = CONF_LINE_END_NONE;
  conf->charset = g_strdup("IBM037");
  Case *it = staged(conf, "\304\231\361\100\100", 5);
  g_autofree char *text = written(&it->options, 100, NULL);
  assert_null(text); /* no batch for the record */
  add_batch(it, 1, 1, 1, 0, 0, 0);
  GError *error = NULL;
  FeedbackWriter *writer = feedback_writer_new(&it->options, &error);
  assert_non_null(writer);
  guint8 bytes[2000];
  gsize length = 0;
  for (gssize n; (n = feedback_writer_read(writer, bytes + length, sizeof bytes - length, NULL)) > 0;)
    length += (gsize)n;
  feedback_writer_free(writer);
  gsize line = 1 + 100 + 9 + 32 + 100;
  assert_int_equal(length, 3 * line);
  assert_memory_equal(bytes, "\310\327\326\311\325\343\342", 7); /* HPOINTS */
  assert_memory_equal(bytes + line, "\304\231\361\100\100\326\322\100", 8);
  assert_memory_equal(bytes + 2 * line, "\343\360\360", 3);
  assert_int_equal(bytes[3 * line - 1], 0x40);
  finish(it);
}

static void an_answer_has_the_form_that_the_feed_wants(void **state) {
  (void)state;
  Case *it = staged_text(fixed_conf(),
                         "HACME,I202611200017\nDr\"1 0000500012Ca,b   \nDr2  -0007      \346\261\211   \n");
  it->feedback.columns = fixed_columns;
  it->feedback.delimiter = (char *)",";
  it->feedback.line_end = (char *)"crlf";
  it->feedback.charset = (char *)"GB18030";
  add_batch(it, 1, 2, 2, 0, 0, 0);
  expect(it, "H,\"ACME,I\",20261120,0017,ACCEPTED,,\r\nD,\"r\"\"1\",5,1.23,\"a,b\",OK,\r\nD,r2,-7,,\272\272,OK,\r\nT,2,"
             "2,0,0,\r\n");
}

static void formulas_are_told_to_be_text(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf(",", "H p:text q:int", "D ref:text points:int fee:dec=2 c:enum=-/A", NULL);
  conf->quote = CONF_QUOTE_RFC4180;
  Case *it = staged_text(conf, "H,=1,-5\nD,=1+1,-5,-1.50,-\nD,\"@a,b\",5,1.50,A\nD,\"\tx\",5,1.50,A\nD,\"\rx\",5,1.50,"
                               "A\nD,+1,5,1.50,A\nD,-1,5,1.50,A\nD,a=1,5,1.50,A\n");
  char *columns[] = {(char *)"ref", (char *)"points", (char *)"fee", (char *)"c", NULL};
  it->feedback.columns = columns;
  it->feedback.neutralise = TRUE;
  it->options.verdict = "REJECTED";
  it->options.code = "E012";
  it->options.message = "=cmd|' /C calc'!A0";
  it->options.batches = NULL;
  it->options.accepted = 0;
  it->options.rejected = it->options.records;
  expect(
      it,
      "H,'=1,-5,REJECTED,E012,'=cmd|' /C "
      "calc'!A0\nD,'=1+1,-5,-1.50,'-,REJECTED,E012\nD,\"'@a,b\",5,1.50,A,REJECTED,E012\nD,'\tx,5,1.50,A,REJECTED,E012\n"
      "D,\"'\rx\",5,1.50,A,REJECTED,E012\nD,'+1,5,1.50,A,REJECTED,E012\nD,'-1,5,1.50,A,REJECTED,E012\nD,a=1,5,1.50,A,"
      "REJECTED,E012\nT,7,0,7,0,\n");
}

static void without_being_asked_nothing_is_neutralised(void **state) {
  (void)state;
  Case *it = staged_text(layouts_conf("|", NULL, "D ref:text", NULL), "D|=1+1\n");
  add_batch(it, 1, 1, 1, 0, 0, 0);
  expect(it, "H|POINTS.dat|ACCEPTED||\nD|=1+1|OK|\nT|1|1|0|0|\n");
}

static void a_set_that_has_not_the_value_is_a_configuration_error(void **state) {
  (void)state;
  Case *it = staged_text(layouts_conf("|", NULL, "D ref:text", NULL), "D|\346\261\211\n");
  add_batch(it, 1, 1, 1, 0, 0, 0);
  it->feedback.charset = (char *)"ISO-8859-1";
  expect_error(it, SALLYPORT_ERROR_CONFIGURATION, "line 2 of the answer");
  ConfLayout *conf = fixed_conf();
  conf->charset = g_strdup("GBK");
  it = staged_text(conf, "HACME  202611200017\nDr1  00005      \272\272\327\326xy\n");
  add_batch(it, 1, 1, 1, 0, 0, 0);
  it->feedback.columns = fixed_columns;
  it->feedback.charset = (char *)"UTF-8";
  expect_error(it, SALLYPORT_ERROR_CONFIGURATION,
               "line 2 of the answer: \"\346\261\211\345\255\227xy\" does not fit into 6 bytes of UTF-8");
}

static void forms_that_cannot_be_are_refused(void **state) {
  (void)state;
  static const struct {
    ConfFeedback conf;
    const char *word;
  } cases[] = {{{.charset = (char *)"UTF-16"}, "UTF-16"},
               {{.charset = (char *)"IBM037"}, "EBCDIC"},
               {{.neutralise = TRUE}, "fixed"},
               {{.charset = (char *)"nonsense"}, "nonsense"}};
  ConfLayout *conf = fixed_conf();
  Layout *layout = layout_new(conf, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    assert_false(feedback_check(layout, &cases[i].conf, &error));
    assert_int_equal(error->code, SALLYPORT_ERROR_CONFIGURATION);
    assert_non_null(strstr(error->message, cases[i].word));
  }
  assert_true(feedback_check(
      layout, &(ConfFeedback){.charset = (char *)"GBK", .delimiter = (char *)";", .neutralise = TRUE}, NULL));
  layout_free(layout);
  layouts_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_and_dates_come_back_as_they_came),
      cmocka_unit_test(fixed_numbers_come_back_as_they_came),
      cmocka_unit_test(a_key_in_its_normal_form_is_answered_as_it_came),
      cmocka_unit_test(a_prefix_and_a_missing_sign_come_back_as_they_came),
      cmocka_unit_test(answers_in_fixed_lines_have_the_gaps),
      cmocka_unit_test(groups_stand_around_their_records_with_what_became_of_them),
      cmocka_unit_test(an_answer_explains_itself_where_it_is_asked_to),
      cmocka_unit_test(of_several_types_each_line_has_its_tag),
      cmocka_unit_test(fixed_lines_are_answered_in_fixed_lines),
      cmocka_unit_test(fixed_answers_have_the_bytes_of_their_character_set),
      cmocka_unit_test(without_line_ends_all_lines_are_as_long),
      cmocka_unit_test(an_answer_has_the_form_that_the_feed_wants),
      cmocka_unit_test(formulas_are_told_to_be_text),
      cmocka_unit_test(without_being_asked_nothing_is_neutralised),
      cmocka_unit_test(a_set_that_has_not_the_value_is_a_configuration_error),
      cmocka_unit_test(forms_that_cannot_be_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
