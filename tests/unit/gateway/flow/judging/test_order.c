/* The turn of a staged file: every verdict on its number under every policy, in a real book. */
#include "gateway/common/codes.h"
#include "gateway/flow/feed_calendar.h"
#include "gateway/flow/judging/order.h"
#include "gateway/flow/judging/repeats.h"
#include "tests/unit/gateway/flow/step_fixture.h"

typedef struct {
  StepFixture base;
  FeedWatch watch;
  Order order;
} Fixture;

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  step_set_up(&f->base);
  f->base.conf.sequence = (ConfSequence){
      .present = TRUE, .name = (char *)"P_{sequence}", .first = 1, .reset = CONF_RESET_DAILY, .wait_limit = 60};
  f->watch = (FeedWatch){.conf = &f->base.conf, .cut_off_zone = g_time_zone_new_utc()};
  f->base.feed.watch = &f->watch;
  f->base.step.order = &f->order;
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  order_clear(&f->order);
  g_time_zone_unref(f->watch.cut_off_zone);
  step_tear_down(&f->base);
  g_free(f);
  return 0;
}

static BookFile *staged(const Fixture *f, guint number, FileState until) {
  static guint64 size;
  g_autofree char *name = g_strdup_printf("P_%u", number);
  BookFile *file = step_file_named(name);
  file->size = ++size; /* another content each time */
  file->business_date = g_strdup("2026-11-20");
  file->plain_sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)&size, sizeof size);
  step_bring(&f->base, file, until);
  return file;
}

static gboolean validate_change(BookTransaction *tx, gpointer data, GError **error) {
  const Step *step = data;
  return flow_keep_order(tx, step, error) && book_advance_file(tx, step->file, FILE_VALIDATED, NULL, error);
}

/* Judges the file; NULL when it goes on, and then its number is used: else what became of it. */
static const char *judge(Fixture *f, guint number) {
  g_autoptr(GError) error = NULL;
  order_clear(&f->order);
  StepResult result = flow_judge_order(&f->base.step, &error);
  if (result == STEP_FAILED)
    fail_msg("number %u: %s", number, error->message);
  if (result == STEP_ON && !book_write(f->base.flow.book, validate_change, &f->base.step, &error))
    fail_msg("number %u: %s", number, error->message);
  return result == STEP_MOVED ? file_state_word(f->base.step.file->state) : NULL;
}

static const char *bring(Fixture *f, guint number) {
  book_file_free(f->base.step.file);
  f->base.step.file = staged(f, number, FILE_STAGED);
  return judge(f, number);
}

static BookSequenceFile *row_of(const Fixture *f) {
  BookSequenceFile *row;
  assert_true(book_sequence_of_file(f->base.step.reader, f->base.step.file->id, &row, NULL));
  return row;
}

static gboolean stands(const Fixture *f, const char *kind) {
  g_autoptr(GPtrArray) alarms = book_live_alarms(f->base.step.reader, NULL);
  for (guint i = 0; i < alarms->len; i++)
    if (g_str_equal(((BookAlarm *)alarms->pdata[i])->kind, kind))
      return TRUE;
  return FALSE;
}

static void every_verdict_under_every_policy(void **state) {
  Fixture *f = *state;
  static const struct {
    const char *verdict, *alarm, *code;
    guint number;
  } verdicts[] = {{"reused", "sequence-reused", CODE_NUMBER_REUSED, 1},
                  {"gap", "sequence-gap", CODE_NUMBER_GAP, 6},
                  {"late", "sequence-late", CODE_NUMBER_LATE, 2}};
  static const struct {
    ConfSequencePolicy policy;
    const char *becomes, *outcome;
    gboolean alarm;
  } policies[] = {{CONF_SEQUENCE_ACCEPT, NULL, "accepted", FALSE},
                  {CONF_SEQUENCE_ALARM, NULL, "alarm", TRUE},
                  {CONF_SEQUENCE_HOLD, "held", "held", FALSE},
                  {CONF_SEQUENCE_REJECT, "rejected", "rejected", FALSE},
                  {CONF_SEQUENCE_WAIT, "staged", "waiting", FALSE}};
  f->base.conf.sequence.reset = CONF_RESET_DAILY;
  for (guint v = 0; v < G_N_ELEMENTS(verdicts); v++)
    for (guint p = 0; p < G_N_ELEMENTS(policies); p++) {
      if (policies[p].policy == CONF_SEQUENCE_WAIT && v != 1)
        continue; /* one can wait for what is missing only */
      void *fresh = NULL;
      set_up(&fresh);
      Fixture *one = fresh;
      one->base.conf.sequence.on_gap = CONF_SEQUENCE_ACCEPT;
      assert_null(bring(one, 1));
      assert_null(bring(one, 4)); /* 2 and 3 are missing */
      one->base.conf.sequence.on_reused = one->base.conf.sequence.on_gap = one->base.conf.sequence.on_late =
          policies[p].policy;
      one->base.conf.repeats.same_name = CONF_AGAIN_ACCEPT; /* the number has the say here */
      const char *became = bring(one, verdicts[v].number);
      g_autoptr(BookSequenceFile) row = row_of(one);
      if (g_strcmp0(became, policies[p].becomes) != 0 || strcmp(row->verdict, verdicts[v].verdict) != 0 ||
          strcmp(row->outcome, policies[p].outcome) != 0)
        fail_msg("%s under policy %u: %s, %s, %s", verdicts[v].verdict, p, became ? became : "on", row->verdict,
                 row->outcome);
      assert_int_equal(row->used, policies[p].becomes == NULL);
      assert_int_equal(stands(one, verdicts[v].alarm), policies[p].alarm);
      if (policies[p].policy == CONF_SEQUENCE_HOLD || policies[p].policy == CONF_SEQUENCE_REJECT)
        assert_string_equal(one->base.step.file->reason_code, verdicts[v].code);
      tear_down(&fresh);
    }
}

static gboolean release_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_advance_file(tx, data, ((BookFile *)data)->held_from, "release", error);
}

static void what_a_person_releases_is_not_held_again(void **state) {
  Fixture *f = *state;
  f->base.conf.sequence.on_gap = CONF_SEQUENCE_HOLD;
  assert_string_equal(bring(f, 3), "held");
  step_write(&f->base, release_change, f->base.step.file);
  assert_null(judge(f, 3));
  g_autoptr(BookSequenceFile) row = row_of(f);
  assert_string_equal(row->outcome, "released");
  assert_true(row->used);
}

static void a_name_without_a_number_is_held_and_released_without_one(void **state) {
  Fixture *f = *state;
  f->base.conf.sequence.name = (char *)"Q_{sequence}";
  assert_string_equal(bring(f, 1), "held");
  assert_string_equal(f->base.step.file->reason_code, CODE_NO_NUMBER);
  step_write(&f->base, release_change, f->base.step.file);
  assert_null(judge(f, 1));
}

static void a_gap_is_none_while_the_missing_one_is_on_its_way(void **state) {
  Fixture *f = *state;
  f->base.conf.sequence.on_gap = CONF_SEQUENCE_REJECT;
  g_autoptr(BookFile) sibling = staged(f, 1, FILE_ADMITTED);
  gint64 before = g_get_real_time();
  assert_string_equal(bring(f, 2), "staged");
  assert_true(f->base.step.file->due_at > before);
  assert_int_equal(f->base.step.file->waits_for, FILE_WAIT_NUMBER);
  assert_string_equal(f->base.step.file->waits_on, "1 of 2026-11-20");
  g_autoptr(BookFile) second = g_steal_pointer(&f->base.step.file);
  f->base.step.file = g_steal_pointer(&sibling);
  while (f->base.step.file->state < FILE_STAGED)
    step_write(&f->base, step_next_change, f->base.step.file);
  assert_null(judge(f, 1));
  book_file_free(f->base.step.file);
  f->base.step.file = g_steal_pointer(&second);
  assert_null(judge(f, 2));
}

static void of_two_with_one_number_that_are_judged_at_once_one_is_judged_again(void **state) {
  Fixture *f = *state;
  g_autoptr(GError) error = NULL;
  f->base.conf.sequence.on_reused = CONF_SEQUENCE_HOLD;
  Order other = {0};
  Step first = f->base.step;
  first.order = &other;
  first.file = staged(f, 1, FILE_STAGED);
  f->base.step.file = staged(f, 1, FILE_STAGED);
  f->base.conf.repeats.same_name = CONF_AGAIN_ACCEPT;
  assert_int_equal(flow_judge_order(&first, &error), STEP_ON);
  assert_int_equal(flow_judge_order(&f->base.step, &error), STEP_ON);
  assert_true(book_write(f->base.flow.book, validate_change, &first, &error));
  assert_false(book_write(f->base.flow.book, validate_change, &f->base.step, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_AGAIN);
  f->base.step.file->state = FILE_STAGED;
  assert_string_equal(judge(f, 1), "held");
  book_file_free(first.file);
  order_clear(&other);
}

static gboolean settled_change(BookTransaction *tx, gpointer data, GError **error) {
  gpointer *both = data;
  return repeats_are_settled(tx, both[0], both[1], error) &&
         book_advance_file(tx, both[0], FILE_VALIDATED, NULL, error);
}

/* Neither counted when they were looked at, and no key keeps them apart. */
static void of_two_with_one_name_that_are_judged_at_once_one_is_judged_again(void **state) {
  Fixture *f = *state;
  static const struct {
    ConfAgain policy;
    gboolean both;
  } rows[] = {{CONF_AGAIN_HOLD, FALSE}, {CONF_AGAIN_REJECT, FALSE}, {CONF_AGAIN_ACCEPT, TRUE}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BookFile) first = staged(f, i + 1, FILE_STAGED);
    RepeatsAllowed allowed = {{FALSE}};
    book_file_free(f->base.step.file);
    f->base.step.file = staged(f, i + 1, FILE_STAGED);
    f->base.conf.repeats.same_name = rows[i].policy;
    assert_int_equal(repeats_judge(&f->base.step, &error), STEP_ON);
    repeats_allowed(&f->base.step, &allowed);
    assert_true(book_write(f->base.flow.book, settled_change, (gpointer[]){first, &allowed}, &error));
    assert_int_equal(book_write(f->base.flow.book, settled_change, (gpointer[]){f->base.step.file, &allowed}, &error),
                     rows[i].both);
    if (rows[i].both)
      continue;
    assert_int_equal(error->code, SALLYPORT_ERROR_AGAIN);
    f->base.step.file->state = FILE_STAGED;
    assert_int_equal(repeats_judge(&f->base.step, NULL), STEP_MOVED);
  }
}

static void the_alarm_of_a_gap_ends_when_nothing_is_missing_any_more(void **state) {
  Fixture *f = *state;
  f->base.conf.sequence.on_gap = CONF_SEQUENCE_ALARM;
  f->base.conf.sequence.on_late = CONF_SEQUENCE_ACCEPT;
  assert_null(bring(f, 1));
  assert_null(bring(f, 4));
  assert_true(stands(f, "sequence-gap"));
  assert_null(bring(f, 2));
  assert_true(stands(f, "sequence-gap"));
  assert_null(bring(f, 3));
  assert_false(stands(f, "sequence-gap"));
}

static void a_wait_that_is_over_is_an_alarm_and_the_file_goes_on(void **state) {
  Fixture *f = *state;
  f->base.conf.sequence.on_gap = CONF_SEQUENCE_WAIT;
  assert_string_equal(bring(f, 2), "staged");
  f->base.step.file->changed_at -= 61 * (gint64)G_USEC_PER_SEC;
  assert_null(judge(f, 2));
  assert_true(stands(f, "sequence-gap"));
}

static void the_cut_off_holds_or_rejects_once(void **state) {
  Fixture *f = *state;
  f->base.conf.sequence.present = FALSE;
  f->base.conf.cut_off = (ConfCutOff){.present = TRUE, .at = 0, .after = CONF_CUTOFF_HOLD};
  assert_string_equal(bring(f, 1), "held");
  assert_string_equal(f->base.step.file->reason_code, CODE_AFTER_CUT_OFF);
  step_write(&f->base, release_change, f->base.step.file);
  assert_null(judge(f, 1));
  f->base.conf.cut_off.after = CONF_CUTOFF_REJECT;
  assert_string_equal(bring(f, 2), "rejected");
  f->base.conf.cut_off.after = CONF_CUTOFF_NEXT_DAY;
  assert_null(bring(f, 3));
}

int main(void) {
  log_setup(LOG_ERROR, FALSE, NULL);
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(every_verdict_under_every_policy),
      TEST(what_a_person_releases_is_not_held_again),
      TEST(a_name_without_a_number_is_held_and_released_without_one),
      TEST(a_gap_is_none_while_the_missing_one_is_on_its_way),
      TEST(of_two_with_one_number_that_are_judged_at_once_one_is_judged_again),
      TEST(of_two_with_one_name_that_are_judged_at_once_one_is_judged_again),
      TEST(the_alarm_of_a_gap_ends_when_nothing_is_missing_any_more),
      TEST(a_wait_that_is_over_is_an_alarm_and_the_file_goes_on),
      TEST(the_cut_off_holds_or_rejects_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
