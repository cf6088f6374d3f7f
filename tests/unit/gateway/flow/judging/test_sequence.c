#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "gateway/flow/judging/sequence.h"
#include <string.h>
#include <cmocka.h>

static void names_are_matched_against_their_template(void **state) {
  (void)state;
  static const struct {
    const char *template, *name;
    gint64 number;
    const char *date;
  } cases[] = {
      {"POINTS_{date}_{sequence}.dat.pgp", "POINTS_20261120_0017.dat.pgp", 17, "2026-11-20"},
      {"POINTS_{date}_{sequence}.dat.pgp", "POINTS_20261120_.dat.pgp", -1, NULL},
      {"POINTS_{date}_{sequence}.dat.pgp", "POINTS_20261320_1.dat.pgp", -1, NULL},
      {"POINTS_{date}_{sequence}.dat.pgp", "POINTS_20261120_1.dat.pgp.x", -1, NULL},
      {"{sequence}", "000000000000000017", 17, NULL},
      {"{sequence}", "0000000000000000017", -1, NULL}, /* nineteen digits */
      {"{sequence:3}{date}.x", "01720261120.x", 17, "2026-11-20"},
      {"{sequence:3}.x", "0017.x", -1, NULL},
      {"{date}{time}{sequence:2}", "2026112010111299", 99, "2026-11-20"},
      {"*_{sequence}.*", "a_b_12.dat", 12, NULL},
      {"*{sequence}", "a12", 12, NULL}, /* the star takes as little as it can */
      {"N?{sequence}",
       "N\xff"
       "7",
       7, NULL},
      {"N{date", "N{date", 0, NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    SequenceName found;
    gboolean ok = sequence_match(cases[i].template, cases[i].name, strlen(cases[i].name), &found);
    if (ok != (cases[i].number >= 0) || (ok && found.number != (guint64)cases[i].number) ||
        (ok && found.has_date != !!cases[i].date))
      fail_msg("%s against %s: %d, %d", cases[i].name, cases[i].template, ok, (int)found.number);
    g_autofree char *date = ok && found.has_date ? day_text(found.date) : NULL;
    assert_true(g_strcmp0(date, cases[i].date) == 0);
  }
}

static void a_hostile_name_does_not_take_for_ever(void **state) {
  (void)state;
  char name[255];
  SequenceName found;
  memset(name, 'a', sizeof name);
  assert_false(sequence_match("*a*a*a*a*a*a*a*a*{sequence}", name, sizeof name, &found));
}

static void fields_are_numbers_or_none(void **state) {
  (void)state;
  guint64 number;
  assert_true(sequence_parse("000017", &number));
  assert_int_equal(number, 17);
  const char *const wrong[] = {"", "-1", "+1", "1.0", "1e3", " 1", "1 ", "1234567890123456789", "１"};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_false(sequence_parse(wrong[i], &number));
}

static void periods_are_of_the_business_date(void **state) {
  (void)state;
  static const char *const wanted[] = {[CONF_RESET_NEVER] = "",
                                       [CONF_RESET_DAILY] = "2026-11-20",
                                       [CONF_RESET_MONTHLY] = "2026-11",
                                       [CONF_RESET_YEARLY] = "2026"};
  for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
    ConfSequence conf = {.reset = i};
    g_autofree char *period = sequence_period(&conf, "2026-11-20");
    assert_string_equal(period, wanted[i]);
  }
}

/* A small model of the book: which positions are used. */
typedef struct {
  ConfSequence conf;
  BookSequence known;
  gboolean used[1000];
} Model;

static SequenceVerdict say(const Model *model, guint64 number) {
  gint64 position = sequence_position(&model->conf, number, &model->known);
  return sequence_judge(&model->conf, position, &model->known, position >= 0 && model->used[position]);
}

static void use(Model *model, guint64 number) {
  gint64 position = sequence_position(&model->conf, number, &model->known);
  if (!model->known.known)
    model->known.last = sequence_from(&model->conf, position) - 1;
  model->known.known = TRUE;
  model->used[position] = TRUE;
  model->known.last = MAX(model->known.last, position);
}

static void every_verdict_is_given(void **state) {
  (void)state;
  Model daily = {.conf = {.first = 1, .reset = CONF_RESET_DAILY}, .known = {FALSE, -1, -1}};
  assert_int_equal(say(&daily, 2), SEQUENCE_GAP); /* a day begins with 1 */
  assert_int_equal(say(&daily, 1), SEQUENCE_NEXT);
  assert_int_equal(say(&daily, 0), SEQUENCE_NONE);
  use(&daily, 1);
  assert_int_equal(say(&daily, 1), SEQUENCE_REUSED);
  assert_int_equal(say(&daily, 2), SEQUENCE_NEXT);
  assert_int_equal(say(&daily, 3), SEQUENCE_GAP);
  use(&daily, 4);
  assert_int_equal(say(&daily, 5), SEQUENCE_NEXT);
  assert_int_equal(say(&daily, 2), SEQUENCE_LATE);
  use(&daily, 2);
  assert_int_equal(say(&daily, 2), SEQUENCE_REUSED);
  assert_int_equal(say(&daily, 3), SEQUENCE_LATE);
  assert_int_equal(say(&daily, 5), SEQUENCE_NEXT);
}

static void a_gateway_may_begin_in_the_middle_of_a_sequence(void **state) {
  (void)state;
  Model model = {.conf = {.first = 1, .reset = CONF_RESET_NEVER}, .known = {FALSE, -1, -1}};
  assert_int_equal(say(&model, 41), SEQUENCE_NEXT);
  use(&model, 41);
  assert_int_equal(say(&model, 42), SEQUENCE_NEXT);
  assert_int_equal(say(&model, 43), SEQUENCE_GAP);
  assert_int_equal(say(&model, 40), SEQUENCE_LATE);
}

static void numbers_wrap_behind_the_last(void **state) {
  (void)state;
  Model model = {.conf = {.first = 1, .most = 9, .reset = CONF_RESET_NEVER}, .known = {FALSE, -1, -1}};
  use(&model, 7);
  for (guint round = 0; round < 3; round++)
    for (guint64 number = round ? 1 : 8; number <= 9; number++) {
      assert_int_equal(say(&model, number), SEQUENCE_NEXT);
      use(&model, number);
      assert_int_equal(sequence_number(&model.conf, model.known.last), number);
    }
  assert_int_equal(say(&model, 9), SEQUENCE_REUSED);
  assert_int_equal(say(&model, 3), SEQUENCE_GAP); /* nearer ahead than behind */
  assert_int_equal(say(&model, 8), SEQUENCE_REUSED);
  assert_int_equal(say(&model, 10), SEQUENCE_NONE);
  Model fresh = {.conf = {.first = 1, .most = 999, .reset = CONF_RESET_DAILY}, .known = {TRUE, 1, 1}};
  assert_int_equal(say(&fresh, 999), SEQUENCE_GAP); /* nothing stands before the beginning */
}

static void each_verdict_has_the_policy_of_its_feed(void **state) {
  (void)state;
  ConfSequence conf = {.on_reused = CONF_SEQUENCE_REJECT, .on_gap = CONF_SEQUENCE_WAIT, .on_late = CONF_SEQUENCE_ALARM};
  assert_int_equal(sequence_policy(&conf, SEQUENCE_NEXT), CONF_SEQUENCE_ACCEPT);
  assert_int_equal(sequence_policy(&conf, SEQUENCE_REUSED), CONF_SEQUENCE_REJECT);
  assert_int_equal(sequence_policy(&conf, SEQUENCE_GAP), CONF_SEQUENCE_WAIT);
  assert_int_equal(sequence_policy(&conf, SEQUENCE_LATE), CONF_SEQUENCE_ALARM);
  assert_int_equal(sequence_policy(&conf, SEQUENCE_NONE), CONF_SEQUENCE_HOLD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_matched_against_their_template),
      cmocka_unit_test(a_hostile_name_does_not_take_for_ever),
      cmocka_unit_test(fields_are_numbers_or_none),
      cmocka_unit_test(periods_are_of_the_business_date),
      cmocka_unit_test(every_verdict_is_given),
      cmocka_unit_test(a_gateway_may_begin_in_the_middle_of_a_sequence),
      cmocka_unit_test(numbers_wrap_behind_the_last),
      cmocka_unit_test(each_verdict_has_the_policy_of_its_feed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
