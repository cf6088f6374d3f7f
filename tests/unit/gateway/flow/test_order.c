/* The turn of a staged file: every verdict on its number under every policy, in a real book. */
#include "gateway/common/codes.h"
#include "gateway/flow/order.h"
#include "gateway/flow/repeats.h"
#include "gateway/common/log.h"
#include "gateway/flow/feed_calendar.h"
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

typedef struct {
  char *folder;
  ConfFeed conf;
  FeedWatch watch;
  Feed feed;
  Flow flow;
  Step step;
  Order order;
} Fixture;

static int set_up(void **state) {
  Fixture *f = g_new0(Fixture, 1);
  f->folder = g_dir_make_tmp("order-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(f->folder, "book.db", NULL), *tip = g_build_filename(f->folder, "tip", NULL);
  f->conf = (ConfFeed){
      .name = (char *)"points",
      .sequence = {
          .present = TRUE, .name = (char *)"P_{sequence}", .first = 1, .reset = CONF_RESET_DAILY, .wait_limit = 60}};
  f->watch = (FeedWatch){.conf = &f->conf, .cut_off_zone = g_time_zone_new_utc()};
  f->feed = (Feed){.conf = &f->conf, .watch = &f->watch};
  f->flow = (Flow){.book = book_open(path, tip, NULL), .gate = keygate_new()};
  f->step = (Step){.flow = &f->flow, .feed = &f->feed, .reader = book_reader_open(path, NULL), .order = &f->order};
  assert_non_null(f->flow.book);
  assert_non_null(f->step.reader);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  order_clear(&f->order);
  book_reader_close(f->step.reader);
  book_close(f->flow.book);
  keygate_free(f->flow.gate);
  g_time_zone_unref(f->watch.cut_off_zone);
  book_file_free(f->step.file);
  GDir *listing = g_dir_open(f->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name(listing));) {
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    g_unlink(path);
  }
  g_dir_close(listing);
  g_rmdir(f->folder);
  g_free(f->folder);
  g_free(f);
  return 0;
}

static gboolean add_change(BookTransaction *tx, gpointer file, GError **error) {
  return book_add_file(tx, file, error);
}
static gboolean next_change(BookTransaction *tx, gpointer data, GError **error) {
  BookFile *file = data;
  return book_advance_file(tx, file, (FileState)(file->state + 1), NULL, error);
}

static void write_book(const Fixture *f, BookChange change, gpointer data) {
  g_autoptr(GError) error = NULL;
  if (!book_write(f->flow.book, change, data, &error))
    fail_msg("%s", error->message);
}

static BookFile *staged(const Fixture *f, guint number, FileState until) {
  static guint64 size;
  g_autofree char *name = g_strdup_printf("P_%u", number);
  BookFile *file = book_file_new();
  file->feed = g_strdup("points");
  file->name = g_bytes_new(name, strlen(name));
  file->name_shown = g_strdup(name);
  file->size = ++size; /* another content each time */
  file->business_date = g_strdup("2026-11-20");
  file->plain_sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)&size, sizeof size);
  write_book(f, add_change, file);
  while (file->state < until)
    write_book(f, next_change, file);
  return file;
}

static gboolean validate_change(BookTransaction *tx, gpointer data, GError **error) {
  const Step *step = data;
  return flow_keep_order(tx, step, error) && book_advance_file(tx, step->file, FILE_VALIDATED, NULL, error);
}

/* Judges the file; NULL when it goes on, and then its number is used: else what became of it. */
static const char *judge(Fixture *f, guint number) {
  g_autoptr(GError) error = NULL;
  gboolean moved;
  order_clear(&f->order);
  if (!flow_judge_order(&f->step, &moved, &error))
    fail_msg("number %u: %s", number, error->message);
  if (!moved && !book_write(f->flow.book, validate_change, &f->step, &error))
    fail_msg("number %u: %s", number, error->message);
  return moved ? file_state_word(f->step.file->state) : NULL;
}

static const char *bring(Fixture *f, guint number) {
  book_file_free(f->step.file);
  f->step.file = staged(f, number, FILE_STAGED);
  return judge(f, number);
}

static BookSequenceFile *row_of(const Fixture *f) {
  BookSequenceFile *row;
  assert_true(book_sequence_of_file(f->step.reader, f->step.file->id, &row, NULL));
  return row;
}

static gboolean stands(const Fixture *f, const char *kind) {
  g_autoptr(GPtrArray) alarms = book_live_alarms(f->step.reader, NULL);
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
  f->conf.sequence.reset = CONF_RESET_DAILY;
  for (guint v = 0; v < G_N_ELEMENTS(verdicts); v++)
    for (guint p = 0; p < G_N_ELEMENTS(policies); p++) {
      if (policies[p].policy == CONF_SEQUENCE_WAIT && v != 1)
        continue; /* one can wait for what is missing only */
      void *fresh = NULL;
      set_up(&fresh);
      Fixture *one = fresh;
      one->conf.sequence.on_gap = CONF_SEQUENCE_ACCEPT;
      assert_null(bring(one, 1));
      assert_null(bring(one, 4)); /* 2 and 3 are missing */
      one->conf.sequence.on_reused = one->conf.sequence.on_gap = one->conf.sequence.on_late = policies[p].policy;
      one->conf.repeats.same_name = CONF_AGAIN_ACCEPT; /* the number has the say here */
      const char *became = bring(one, verdicts[v].number);
      g_autoptr(BookSequenceFile) row = row_of(one);
      if (g_strcmp0(became, policies[p].becomes) != 0 || strcmp(row->verdict, verdicts[v].verdict) != 0 ||
          strcmp(row->outcome, policies[p].outcome) != 0)
        fail_msg("%s under policy %u: %s, %s, %s", verdicts[v].verdict, p, became ? became : "on", row->verdict,
                 row->outcome);
      assert_int_equal(row->used, policies[p].becomes == NULL);
      assert_int_equal(stands(one, verdicts[v].alarm), policies[p].alarm);
      if (policies[p].policy == CONF_SEQUENCE_HOLD || policies[p].policy == CONF_SEQUENCE_REJECT)
        assert_string_equal(one->step.file->reason_code, verdicts[v].code);
      tear_down(&fresh);
    }
}

static gboolean release_change(BookTransaction *tx, gpointer data, GError **error) {
  return book_advance_file(tx, data, ((BookFile *)data)->held_from, "release", error);
}

static void what_a_person_releases_is_not_held_again(void **state) {
  Fixture *f = *state;
  f->conf.sequence.on_gap = CONF_SEQUENCE_HOLD;
  assert_string_equal(bring(f, 3), "held");
  write_book(f, release_change, f->step.file);
  assert_null(judge(f, 3));
  g_autoptr(BookSequenceFile) row = row_of(f);
  assert_string_equal(row->outcome, "released");
  assert_true(row->used);
}

static void a_name_without_a_number_is_held_and_released_without_one(void **state) {
  Fixture *f = *state;
  f->conf.sequence.name = (char *)"Q_{sequence}";
  assert_string_equal(bring(f, 1), "held");
  assert_string_equal(f->step.file->reason_code, CODE_NO_NUMBER);
  write_book(f, release_change, f->step.file);
  assert_null(judge(f, 1));
}

static void a_gap_is_none_while_the_missing_one_is_on_its_way(void **state) {
  Fixture *f = *state;
  f->conf.sequence.on_gap = CONF_SEQUENCE_REJECT;
  g_autoptr(BookFile) sibling = staged(f, 1, FILE_ADMITTED);
  assert_string_equal(bring(f, 2), "staged");
  assert_true(f->step.file->due_at > g_get_real_time());
  g_autoptr(BookFile) second = g_steal_pointer(&f->step.file);
  f->step.file = g_steal_pointer(&sibling);
  while (f->step.file->state < FILE_STAGED)
    write_book(f, next_change, f->step.file);
  assert_null(judge(f, 1));
  book_file_free(f->step.file);
  f->step.file = g_steal_pointer(&second);
  assert_null(judge(f, 2));
}

static void of_two_with_one_number_that_are_judged_at_once_one_is_judged_again(void **state) {
  Fixture *f = *state;
  g_autoptr(GError) error = NULL;
  gboolean moved;
  f->conf.sequence.on_reused = CONF_SEQUENCE_HOLD;
  Order other = {0};
  Step first = f->step;
  first.order = &other;
  first.file = staged(f, 1, FILE_STAGED);
  f->step.file = staged(f, 1, FILE_STAGED);
  f->conf.repeats.same_name = CONF_AGAIN_ACCEPT;
  assert_true(flow_judge_order(&first, &moved, &error) && !moved);
  assert_true(flow_judge_order(&f->step, &moved, &error) && !moved);
  assert_true(book_write(f->flow.book, validate_change, &first, &error));
  assert_false(book_write(f->flow.book, validate_change, &f->step, &error));
  assert_int_equal(error->code, SALLYPORT_ERROR_AGAIN);
  f->step.file->state = FILE_STAGED;
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
    gboolean moved;
    book_file_free(f->step.file);
    f->step.file = staged(f, i + 1, FILE_STAGED);
    f->conf.repeats.same_name = rows[i].policy;
    assert_true(repeats_judge(&f->step, &moved, &error) && !moved);
    assert_true(repeats_allowed(&f->step, &allowed, &error));
    assert_true(book_write(f->flow.book, settled_change, (gpointer[]){first, &allowed}, &error));
    assert_int_equal(book_write(f->flow.book, settled_change, (gpointer[]){f->step.file, &allowed}, &error),
                     rows[i].both);
    if (rows[i].both)
      continue;
    assert_int_equal(error->code, SALLYPORT_ERROR_AGAIN);
    f->step.file->state = FILE_STAGED;
    assert_true(repeats_judge(&f->step, &moved, NULL) && moved);
  }
}

static void the_alarm_of_a_gap_ends_when_nothing_is_missing_any_more(void **state) {
  Fixture *f = *state;
  f->conf.sequence.on_gap = CONF_SEQUENCE_ALARM;
  f->conf.sequence.on_late = CONF_SEQUENCE_ACCEPT;
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
  f->conf.sequence.on_gap = CONF_SEQUENCE_WAIT;
  assert_string_equal(bring(f, 2), "staged");
  f->step.file->changed_at -= 61 * (gint64)G_USEC_PER_SEC;
  assert_null(judge(f, 2));
  assert_true(stands(f, "sequence-gap"));
}

static void the_cut_off_holds_or_rejects_once(void **state) {
  Fixture *f = *state;
  f->conf.sequence.present = FALSE;
  f->conf.cut_off = (ConfCutOff){.present = TRUE, .at = 0, .after = CONF_CUTOFF_HOLD};
  assert_string_equal(bring(f, 1), "held");
  assert_string_equal(f->step.file->reason_code, CODE_AFTER_CUT_OFF);
  write_book(f, release_change, f->step.file);
  assert_null(judge(f, 1));
  f->conf.cut_off.after = CONF_CUTOFF_REJECT;
  assert_string_equal(bring(f, 2), "rejected");
  f->conf.cut_off.after = CONF_CUTOFF_NEXT_DAY;
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
