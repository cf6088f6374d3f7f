#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "tests/unit/gateway/records/answers.h"

static ConfLayout *usual(void) {
  return layouts_conf("|", "H partner:text day:date=%Y%m%d",
                      "D member:text ref:text points:int amount:dec=2 day:date=%Y%m%d", "T n:int#count");
}
static const char USUAL[] =
    "H|ACME|20261120\nD|M1|R1|5|1.50|20261119\nD|M2|R2|7|-0.05|20261118\nD|M3|R3|9|10|20261117\nT|3\n";

static void every_record_has_its_line_and_the_totals_close(void **state) {
  (void)state;
  Case *it = staged_text(usual(), USUAL);
  it->options.amount_column = 2;
  it->options.amount_accepted = 21;
  add_batch(it, 1, 2, 2, 0, 0, 12);
  add_batch(it, 3, 3, 1, 0, 0, 9);
  expect(it, "H|ACME|20261120|ACCEPTED||\nD|R1|OK|\nD|R2|OK|\nD|R3|OK|\nT|3|3|0|0|21\n");
}

static void echoed_columns_look_as_they_came(void **state) {
  (void)state;
  char *columns[] = {(char *)"amount", (char *)"day", (char *)"member", NULL};
  Case *it = staged_text(usual(), USUAL);
  it->feedback.columns = columns;
  it->options.amount_column = 3;
  it->options.amount_accepted = 150 - 5 + 1000;
  add_batch(it, 1, 3, 3, 0, 0, 1145);
  expect(it, "H|ACME|20261120|ACCEPTED||\nD|1.50|20261119|M1|OK|\nD|-0.05|20261118|M2|OK|\nD|10.00|20261117|M3|OK|\nT|"
             "3|3|0|0|11.45\n");
}

static void refused_and_repeated_records_say_so(void **state) {
  (void)state;
  Case *it = staged_text(usual(), USUAL);
  it->options.amount_column = 2;
  it->options.amount_accepted = 7;
  it->options.accepted = it->options.rejected = it->options.duplicates = 1;
  BookBatch *batch = add_batch(it, 1, 3, 1, 1, 1, 7);
  except(batch, 1, OUTCOME_REJECTED, "E012,E013");
  except(batch, 3, OUTCOME_DUPLICATE, "K001");
  expect(it, "H|ACME|20261120|ACCEPTED||\nD|R1|REJECTED|E012,E013\nD|R2|OK|\nD|R3|DUPLICATE|K001\nT|3|1|1|1|7\n");
}

static const char FAULTY[] =
    "H|ACME|20261120\nD|M1|R1|5|1.50|20261119\nD|M2|R2|x|-0.05|20261118\nD|M3|R3|9|10|20261117\nT|3\n";

static void a_file_refused_as_a_whole_credits_nothing(void **state) {
  (void)state;
  Case *it = staged_text(usual(), FAULTY);
  it->options.verdict = "REJECTED";
  it->options.code = "T003";
  it->options.message = "count: 4 declared|\nthe count is 3";
  it->options.batches = NULL;
  it->options.amount_column = 2;
  it->options.accepted = 0;
  it->options.rejected = 3;
  expect(it, "H|ACME|20261120|REJECTED|T003|count: 4 declared  the count is "
             "3\nD|R1|REJECTED|T003\nD||REJECTED|L012\nD|R3|REJECTED|T003\nT|3|0|3|0|0\n");
}

static void a_refused_file_with_batches_keeps_each_records_own_code(void **state) {
  (void)state;
  Case *it = staged_text(usual(), FAULTY);
  it->options.verdict = "REJECTED";
  it->options.code = "F010";
  it->options.accepted = 0;
  it->options.rejected = 3;
  BookBatch *batch = add_batch(it, 1, 3, 0, 3, 0, 0);
  except(batch, 2, OUTCOME_REJECTED, "L012");
  except(batch, 3, OUTCOME_REJECTED, "E012");
  expect(it, "H|ACME|20261120|REJECTED|F010|\nD|R1|REJECTED|F010\nD||REJECTED|L012\nD|R3|REJECTED|E012\nT|3|0|3|0|\n");
}

static void a_duplicate_file_says_so_on_every_line(void **state) {
  (void)state;
  Case *it = staged_text(usual(), USUAL);
  it->options.verdict = "DUPLICATE";
  it->options.code = "F020";
  it->options.batches = NULL;
  it->options.accepted = 0;
  it->options.duplicates = 3;
  expect(
      it,
      "H|ACME|20261120|DUPLICATE|F020|\nD|R1|DUPLICATE|F020\nD|R2|DUPLICATE|F020\nD|R3|DUPLICATE|F020\nT|3|0|0|3|\n");
}

static void a_file_that_was_never_staged_has_its_name(void **state) {
  (void)state;
  Case *it = staged_text(usual(), USUAL);
  it->options.staging = NULL;
  it->options.batches = NULL;
  it->options.records = it->options.accepted = 0;
  it->options.verdict = "REJECTED";
  it->options.code = "F003";
  it->options.message = "cannot be decrypted";
  it->options.file_name = "POINTS|1.dat";
  it->options.amount_column = 2;
  expect(it, "H|POINTS 1.dat|REJECTED|F003|cannot be decrypted\nT|0|0|0|0|0\n");
}

static void quoting_layouts_quote_what_needs_it(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf(",", "H partner:text", "D ref:text", "T n:int#count");
  conf->quote = CONF_QUOTE_RFC4180;
  conf->line_end = CONF_LINE_END_CRLF;
  Case *it = staged_text(conf, "H,\"ACME, Ltd\"\r\nD,\"a\"\"b\"\r\nD,\"two\r\nlines\"\r\nD,plain\r\nT,3\r\n");
  it->options.message = "one, two";
  add_batch(it, 1, 3, 3, 0, 0, 0);
  expect(it, "H,\"ACME, Ltd\",ACCEPTED,,\"one, "
             "two\"\r\nD,\"a\"\"b\",OK,\r\nD,\"two\r\nlines\",OK,\r\nD,plain,OK,\r\nT,3,3,0,0,\r\n");
}

static ConfLayout *chinese(const char *charset) {
  ConfLayout *conf = layouts_conf("|", NULL, "D ref:text", NULL);
  conf->charset = g_strdup(charset);
  return conf;
}

static void the_answer_is_in_the_layouts_character_set(void **state) {
  (void)state;
  Case *it = staged_text(chinese("GB18030"), "D|\272\272\327\326\n");
  it->options.message = "\346\261\211";
  add_batch(it, 1, 1, 1, 0, 0, 0);
  expect(it, "H|POINTS.dat|ACCEPTED||\272\272\nD|\272\272\327\326|OK|\nT|1|1|0|0|\n");
}

static void a_message_that_the_character_set_lacks_is_spelled(void **state) {
  (void)state;
  Case *it = staged_text(chinese("ISO-8859-1"), "D|x\n");
  it->options.message = "\303\251 \346\261\211";
  add_batch(it, 1, 1, 1, 0, 0, 0);
  expect(it, "H|POINTS.dat|ACCEPTED||\351 \\u6c49\nD|x|OK|\nT|1|1|0|0|\n");
}

static void a_value_that_the_character_set_lacks_is_named(void **state) {
  (void)state;
  Case *it = staged_text(chinese("UTF-8"), "D|x\nD|a\346\261\211\n");
  ConfLayout *changed = chinese("ISO-8859-1");
  g_autoptr(Layout) layout = layout_new(changed, NULL);
  it->options.layout = layout;
  add_batch(it, 1, 2, 2, 0, 0, 0);
  expect_error(it, SALLYPORT_ERROR_CONFIGURATION,
               "line 3 of the answer: \"\346\261\211\" cannot be expressed in the character set ISO-8859-1");
  g_clear_pointer(&layout, layout_free);
  layouts_free(changed);
}

static void lines_by_position_have_no_tags(void **state) {
  (void)state;
  ConfLayout *conf = layouts_conf(";", "- partner:text", "- ref:text points:int", "- n:int#count");
  conf->lines_by = CONF_LINES_BY_POSITION;
  Case *it = staged_text(conf, "ACME\nR1;5\n1\n");
  add_batch(it, 1, 1, 1, 0, 0, 0);
  expect(it, "ACME;ACCEPTED;;\nR1;OK;\n1;1;0;0;\n");
}

static void what_does_not_conserve_is_never_finished(void **state) {
  (void)state;
  for (int fault = 0; fault < 11; fault++) {
    Case *it = staged_text(usual(), fault == 9 ? FAULTY : USUAL);
    it->options.amount_column = 2;
    it->options.amount_accepted = fault == 9 ? 14 : fault == 10 ? 16 : 21;
    BookBatch *batch =
        fault == 3 ? NULL : add_batch(it, fault == 4 ? 2 : 1, fault == 5 ? 2 : 3, 3, 0, 0, it->options.amount_accepted);
    if (fault == 0)
      it->options.amount_accepted++;
    else if (fault == 1)
      it->options.records++, it->options.accepted++;
    else if (fault == 2)
      it->options.accepted--, it->options.rejected++;
    else if (fault == 6)
      batch->accepted = 2, batch->rejected = 1;
    else if (fault == 7)
      batch->amount = 20;
    else if (fault == 8)
      it->options.accepted--;
    else if (fault == 10)
      except(batch, 1, OUTCOME_REJECTED, "E012");
    expect_error(it, SALLYPORT_ERROR_BUG, "feedback");
  }
}

static void exceptions_that_do_not_belong_are_damage(void **state) {
  (void)state;
  Case *it = staged_text(usual(), USUAL);
  BookBatch *batch = add_batch(it, 1, 3, 2, 1, 0, 0);
  except(batch, 4, OUTCOME_REJECTED, "E012");
  it->options.accepted = 2;
  it->options.rejected = 1;
  expect_error(it, SALLYPORT_ERROR_STORAGE, "another batch");
  it = staged_text(usual(), USUAL);
  batch = add_batch(it, 1, 3, 3, 0, 0, 0);
  batch->exceptions = g_bytes_new_static("\1\5\1", 3);
  expect_error(it, SALLYPORT_ERROR_STORAGE, "damaged");
}

static void a_column_that_does_not_exist_is_a_configuration_error(void **state) {
  (void)state;
  Case *it = staged_text(usual(), USUAL);
  it->options.key_field = "nothing";
  expect_error(it, SALLYPORT_ERROR_CONFIGURATION, "nothing");
}

static void many_records_stream_in_flat_memory(void **state) {
  (void)state;
  g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new("H|POINTS.dat|ACCEPTED||\n");
  for (int i = 1; i <= 10000; i++) {
    g_string_append_printf(text, "D|reference-%d\n", i);
    g_string_append_printf(expected, "D|reference-%d|%s\n", i, i % 1000 == 0 ? "REJECTED|E012" : "OK|");
  }
  g_string_append(expected, "T|10000|9990|10|0|\n");
  Case *it = staged_text(layouts_conf("|", NULL, "D ref:text", NULL), text->str);
  for (guint64 first = 1; first <= 10000; first += 2500) {
    BookBatch *batch = add_batch(it, first, first + 2499, first == 1 || first == 5001 ? 2498 : 2497,
                                 first == 1 || first == 5001 ? 2 : 3, 0, 0);
    for (guint64 record = first; record < first + 2500; record++)
      if (record % 1000 == 0)
        except(batch, record, OUTCOME_REJECTED, "E012");
  }
  it->options.accepted = 9990;
  it->options.rejected = 10;
  expect(it, expected->str);
}

static void names_are_made_from_templates(void **state) {
  (void)state;
  static const struct {
    const char *template, *name, *made;
  } cases[] = {{"{stem}_FB.dat.pgp", "POINTS_1.dat.pgp", "POINTS_1_FB.dat.pgp"},
               {"{name}.ok", "a.pgp", "a.pgp.ok"},
               {"{stem}{extension}", "a.b.c", "a.b.c"},
               {"{stem}-{extension}", "plain", "plain-"},
               {"{stem}", ".hidden", ".hidden"},
               {"{stem}{extension}", ".hidden.x", ".hidden.x"},
               {"FB_{date}_{time}_{id}", "x", "FB_20261120_235959_0123"},
               {"FB_{sequence}", "x", "FB_42"},
               {"FB_{sequence:6}", "x", "FB_000042"},
               {"FB_{sequence:1}", "x", "FB_42"},
               {"{name}", "\377\376", "\377\376"},
               {"{open", "x", "{open"},
               {"{name}", "a/b", NULL},
               {"{name}", "..", NULL},
               {"{name}", ".", NULL},
               {"x/{name}", "a", NULL},
               {"{stem}", "", NULL}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) name = g_bytes_new(cases[i].name, strlen(cases[i].name));
    const FeedbackName facts = {
        .name = name, .file_id = "0123", .at = G_GINT64_CONSTANT(1795219199) * G_USEC_PER_SEC, .sequence = 42};
    g_autofree char *made = feedback_name(cases[i].template, &facts, &error);
    if (cases[i].made)
      assert_string_equal(made, cases[i].made);
    else
      assert_int_equal(error->code, SALLYPORT_ERROR_FILE);
  }
  g_autoptr(GBytes) nul = g_bytes_new("a\0b", 3);
  g_autofree char *wide = g_strnfill(256, 'x');
  g_autoptr(GBytes) long_name = g_bytes_new(wide, 256);
  assert_null(feedback_name("{name}", &(FeedbackName){.name = nul, .file_id = "0"}, NULL));
  assert_null(feedback_name("{name}", &(FeedbackName){.name = long_name, .file_id = "0"}, NULL));
  static const char *const unknown[] = {"{nmae}",       "{sequence}",    "{sequence:6}", "{sequence:}",
                                        "{sequence:0}", "{sequence:19}", "{sequence:6x}"};
  for (guint i = 0; i < G_N_ELEMENTS(unknown); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(
        feedback_name(unknown[i], &(FeedbackName){.name = nul, .file_id = "0", .sequence = i > 2 ? 1 : 0}, &error));
    assert_int_equal(error->code, SALLYPORT_ERROR_CONFIGURATION);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_record_has_its_line_and_the_totals_close),
      cmocka_unit_test(echoed_columns_look_as_they_came),
      cmocka_unit_test(refused_and_repeated_records_say_so),
      cmocka_unit_test(a_file_refused_as_a_whole_credits_nothing),
      cmocka_unit_test(a_refused_file_with_batches_keeps_each_records_own_code),
      cmocka_unit_test(a_duplicate_file_says_so_on_every_line),
      cmocka_unit_test(a_file_that_was_never_staged_has_its_name),
      cmocka_unit_test(quoting_layouts_quote_what_needs_it),
      cmocka_unit_test(the_answer_is_in_the_layouts_character_set),
      cmocka_unit_test(a_message_that_the_character_set_lacks_is_spelled),
      cmocka_unit_test(a_value_that_the_character_set_lacks_is_named),
      cmocka_unit_test(lines_by_position_have_no_tags),
      cmocka_unit_test(what_does_not_conserve_is_never_finished),
      cmocka_unit_test(exceptions_that_do_not_belong_are_damage),
      cmocka_unit_test(a_column_that_does_not_exist_is_a_configuration_error),
      cmocka_unit_test(many_records_stream_in_flat_memory),
      cmocka_unit_test(names_are_made_from_templates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
