/* The life of full files by a clock of the test's own: days, their grace, time zones, late events, supplements, closure
 * reasons, the archive, and what is held when files are taken apart. */
#include "gateway/move/compare.h"
#include "gateway/processors/rating/cdr.h"
#include "gateway/time/instant.h"
#include "tests/unit/gateway/rating/rating_fixture.h"

#define PRICED "quantity { value = \"seconds\" } step \"s\" { amount = \"price(quantity, price, 60)\" }\n" \
  "round { mode = half-up scale = 2 }\n"
#define FULL(settings) \
  "full-file { name = 'M_{period}_{sequence}.dat' fields = { \"serial\", \"period\", \"late\", \"amount\" } " \
  settings " }\n"
#define BOSS "platform \"boss\" { when = \"amount > 0\" fields = { \"serial\" } file = 'B_{period}_{sequence}.dat' }\n"

typedef struct {
  Site site;
  RatingDesk *desk;
  char *folder;
  guint puts;
} House;

static gint64 at(const char *text) {
  gint64 instant;
  g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
  assert_int_equal(instant_parse(text, strlen(text), utc, &instant), INSTANT_FINE);
  return instant;
}

static void open_desk(House *house) {
  GError *error = NULL;
  house->desk = rating_desk_new("music");
  DeskPlace place = {house->site.conf, house->site.conf->lanes->pdata[0], house->folder};
  if (!rating_desk_open(house->desk, &place, &error))
    fail_msg("%s", error->message);
}

/* Another configuration over the same details. */
static void reopen(House *house, const char *zone, const char *body) {
  if (house->desk) {
    rating_desk_free(house->desk);
    site_close(&house->site);
  }
  site_zone = zone;
  site_open(&house->site, 2, body);
  if (house->site.error)
    fail_msg("%s", house->site.error->message);
  open_desk(house);
}

static void move_in(House *house, const char *zone, const char *body) {
  *house = (House){.folder = g_dir_make_tmp("sallyport-cdr-XXXXXX", NULL)};
  reopen(house, zone, body);
}

static void move_out(House *house) {
  rating_desk_free(house->desk);
  site_close(&house->site);
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", house->folder);
  assert_int_equal(system(command), 0);
  g_free(house->folder);
}

static guint column_of(const char *shape, const char *name) {
  guint n, found = 0;
  StagingColumn *columns = details_shape_columns(shape, &n);
  while (found < n && strcmp(columns[found].name, name) != 0)
    found++;
  assert_true(found < n);
  details_shape_free(columns, n);
  return DETAIL_COLUMNS + found;
}

/* An event with its price in hundredths; the serial is its text. */
static void rate(House *house, const char *event, gint64 amount) {
  RatingDesk *desk = house->desk;
  g_autoptr(RecordBlock) block = details_block_new(desk->shape, 1);
  g_autofree char *key = g_strdup_printf("K%u", ++house->puts);
  guint shard = house->puts % details_shards(desk->details);
  char account[16] = "A";
  for (guint i = 0; details_shard_of(desk->details, account, strlen(account)) != shard; i++)
    g_snprintf(account, sizeof account, "A%u", i);
  record_block_begin(block, 1);
  record_block_put_text(block, DETAIL_KEY, key, strlen(key));
  record_block_put_text(block, DETAIL_ACCOUNT, account, strlen(account));
  record_block_put_integer(block, DETAIL_AT, at(event));
  record_block_put_integer(block, DETAIL_STATUS, DETAIL_RATED);
  record_block_put_integer(block, DETAIL_AMOUNT, amount);
  record_block_put_text(block, column_of(desk->shape, "serial"), event, strlen(event));
  record_block_end(block);
  details_begin(desk->details);
  assert_true(details_put(desk->details, shard, &(DetailPut){block, "file", desk->shape, "{}"}, NULL));
  for (guint i = 0; i < details_shards(desk->details); i++)
    assert_true(details_commit(desk->details, i, NULL));
  details_settle(desk->details);
}

static void look(House *house, const char *now, gboolean close_now) {
  guint written;
  GError *error = NULL;
  CdrTurn turn = {NULL, house->folder, at(now), close_now};
  if (!cdr_take_turn(house->desk, &turn, &written, &error))
    fail_msg("%s", error->message);
}

static DetailsReader *reader_of(const House *house) {
  DetailsReader *reader = details_reader_open(house->folder, "music", NULL);
  assert_non_null(reader);
  return reader;
}

static char *content_of(const House *house, const DetailFile *file) {
  g_autofree char *folder = cdr_folder(house->folder, "music"),
                  *name = cdr_file_name(file),
                  *path = g_build_filename(folder, name, NULL);
  char *content = NULL;
  assert_true(g_file_get_contents(path, &content, NULL, NULL));
  return content;
}

/* Each file as "PERIOD[_S] REASON COUNT/LATE SERIAL …", one a line; and that verify finds nothing. */
static void expect_files(const House *house, const char *expected) {
  g_autoptr(DetailsReader) reader = reader_of(house);
  g_autoptr(GString) told = g_string_new(NULL);
  GError *error = NULL;
  if (!details_verify_files(reader, &error))
    fail_msg("%s", error->message);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, NULL);
  for (guint i = 0; i < files->len; i++) {
    const DetailFile *file = files->pdata[i];
    g_autofree char *content = content_of(house, file);
    g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
    g_string_append_printf(told, "%s%s %s %u/%u", file->period, file->supplement ? "_S" : "", file->reason,
                           (guint)file->sums.count, (guint)file->sums.late);
    for (guint j = 2; lines[j] && lines[j][0] == 'D'; j++) {
      g_auto(GStrv) values = g_strsplit(lines[j], "|", -1);
      g_string_append_printf(told, " %s%s", values[1], values[3]);
    }
    g_string_append_c(told, '\n');
  }
  assert_string_equal(told->str, expected);
}

static void a_day_ends_in_its_own_zone_and_its_events_may_come_within_the_grace(void **state) {
  House house;
  (void)state;
  move_in(&house, "Asia/Shanghai", PRICED FULL("grace = \"30m\"") BOSS);
  look(&house, "2026-11-30T10:00:00Z", FALSE);
  rate(&house, "2026-11-30T16:00:00Z", 1);     /* midnight there: the next day's */
  rate(&house, "2026-11-30T15:59:59.999Z", 2); /* the old day's, behind it */
  look(&house, "2026-11-30T16:29:59Z", FALSE);
  expect_files(&house, "");
  look(&house, "2026-11-30T16:30:00Z", FALSE);
  expect_files(&house, "2026-11-30 period 1/0 2026-11-30T15:59:59.999Z\n");
  rate(&house, "2026-11-30T15:00:00Z", 3); /* too late for its day */
  look(&house, "2026-12-02T17:00:00Z", FALSE);
  expect_files(&house, "2026-11-30 period 1/0 2026-11-30T15:59:59.999Z\n"
                       "2026-12-01 period 2/1 2026-11-30T16:00:00Z 2026-11-30T15:00:00Zlate\n"
                       "2026-12-02 period 0/0\n");
  look(&house, "2026-11-30T10:00:00Z", FALSE); /* the clock is put back: no day is closed twice */
  look(&house, "2026-12-02T17:00:00Z", FALSE);
  g_autoptr(DetailsReader) reader = reader_of(&house);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, NULL);
  assert_int_equal(files->len, 3);
  g_autofree char *text = content_of(&house, files->pdata[1]);
  assert_non_null(strstr(text, "|2026-12-01|2026-12-01T00:30:00+08:00|2026-12-03T01:00:00+08:00|period|2|0.04|"
                               "2026-11-30T15:00:00Z|2026-11-30T16:00:00Z|1|0.03|0|0|"));
  move_out(&house);
}

static void a_day_of_23_or_25_hours_ends_when_its_clock_says_so(void **state) {
  House house;
  (void)state;
  move_in(&house, "Europe/Berlin", PRICED FULL("grace = \"0s\" empty = no"));
  look(&house, "2026-03-29T10:00:00Z", FALSE);
  rate(&house, "2026-03-28T23:00:00Z", 1); /* its first instant */
  rate(&house, "2026-03-29T21:59:59Z", 1); /* its last second: 23 hours */
  rate(&house, "2026-03-29T22:00:00Z", 1);
  look(&house, "2026-03-29T22:00:00Z", FALSE);
  look(&house, "2026-10-25T10:00:00Z", FALSE);
  rate(&house, "2026-10-25T22:59:59Z", 1); /* 25 hours behind 22:00 of the day before */
  rate(&house, "2026-10-25T23:00:00Z", 1);
  look(&house, "2026-10-25T22:59:59Z", FALSE);
  look(&house, "2026-10-25T23:00:00Z", FALSE);
  look(&house, "2026-10-25T23:00:01Z", TRUE);
  expect_files(&house, "2026-03-29 period 2/0 2026-03-29T21:59:59Z 2026-03-28T23:00:00Z\n"
                       "2026-03-30 period 1/0 2026-03-29T22:00:00Z\n"
                       "2026-10-25 period 1/0 2026-10-25T22:59:59Z\n"
                       "2026-10-26 manual 1/0 2026-10-25T23:00:00Z\n");
  move_out(&house);
}

static void what_is_late_gets_a_supplement_of_its_own_day(void **state) {
  House house;
  (void)state;
  move_in(&house, "UTC", PRICED FULL("late = supplement"));
  look(&house, "2026-11-03T10:00:00Z", FALSE);
  rate(&house, "2026-11-02T10:00:00Z", 1);
  rate(&house, "2026-11-03T10:00:00Z", 1);
  rate(&house, "2026-11-01T10:00:00Z", 1);
  rate(&house, "2026-11-02T11:00:00Z", 1);
  look(&house, "2026-11-03T11:00:00Z", TRUE);
  rate(&house, "2026-11-02T12:00:00Z", 1);
  look(&house, "2026-11-04T00:30:00Z", FALSE);
  expect_files(&house, "2026-11-01_S manual 1/1 2026-11-01T10:00:00Z\n"
                       "2026-11-02_S manual 2/2 2026-11-02T11:00:00Z 2026-11-02T10:00:00Z\n"
                       "2026-11-03 manual 1/0 2026-11-03T10:00:00Z\n"
                       "2026-11-02_S period 1/1 2026-11-02T12:00:00Z\n"
                       "2026-11-03 period 0/0\n");
  g_autofree char *folder = cdr_folder(house.folder, "music"),
                  *second = g_build_filename(folder, "M_2026-11-02_000004_S02.dat", NULL);
  assert_true(g_file_test(second, G_FILE_TEST_EXISTS));
  move_out(&house);
}

static void another_form_closes_what_was_rated_before(void **state) {
  House house;
  (void)state;
  move_in(&house, "UTC", PRICED FULL("records = 1"));
  rate(&house, "2026-11-03T10:00:00Z", 1);
  look(&house, "2026-11-03T11:00:00Z", FALSE);
  rate(&house, "2026-11-03T11:00:00Z", 1);
  reopen(&house, "UTC",
         PRICED "full-file { name = 'M_{period}_{sequence}.dat' fields = { \"serial\" } period = none }");
  look(&house, "2026-11-03T11:00:01Z", FALSE);
  rate(&house, "2026-11-03T11:00:02Z", 1);
  look(&house, "2026-11-03T11:00:03Z", FALSE);
  look(&house, "2026-11-03T11:00:04Z", TRUE);
  g_autoptr(DetailsReader) reader = reader_of(&house);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, NULL);
  assert_int_equal(files->len, 3);
  static const char *const reasons[] = {"records", "format", "manual"}, *const fields[] = {
      "\nF|serial|period|late|amount\n", "\nF|serial|period|late|amount\n", "\nF|serial\n"};
  for (guint i = 0; i < 3; i++) {
    g_autofree char *text = content_of(&house, files->pdata[i]);
    assert_string_equal(((const DetailFile *)files->pdata[i])->reason, reasons[i]);
    assert_non_null(strstr(text, fields[i]));
  }
  move_out(&house);
}

static void expect_held(const House *house, guint file, const char *why) {
  g_autoptr(DetailsReader) reader = reader_of(house);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, NULL);
  const DetailFile *held = files->pdata[file];
  if (!why) {
    assert_null(held->held);
    assert_true(held->split_at > 0);
    return;
  }
  assert_int_equal(held->split_at, 0);
  assert_non_null(strstr(held->held ? held->held : "", why));
}

static void what_goes_nowhere_or_to_several_is_held_where_that_is_said(void **state) {
  House house;
  (void)state;
  move_in(&house, "UTC", PRICED FULL("") BOSS "unrouted = hold\n");
  rate(&house, "2026-11-03T10:00:00Z", 0);
  look(&house, "2026-11-03T11:00:00Z", TRUE);
  rate(&house, "2026-11-03T10:00:00Z", 7);
  look(&house, "2026-11-03T11:00:01Z", TRUE);
  expect_held(&house, 0, "1 records go to no platform");
  expect_held(&house, 1, ""); /* it waits for the one before */
  g_autofree char *parts = cdr_platforms(house.folder, "music"),
                  *part = g_build_filename(parts, "B_2026-11-03_000001.dat", NULL);
  assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
  reopen(&house, "UTC", PRICED FULL("") BOSS "unrouted = drop\n");
  look(&house, "2026-11-03T11:00:02Z", FALSE);
  expect_held(&house, 0, NULL);
  expect_held(&house, 1, NULL);
  reopen(&house, "UTC", PRICED FULL("") BOSS
         "platform \"all\" { fields = { \"serial\" } file = 'A_{period}_{sequence}.dat' } route = one\n");
  rate(&house, "2026-11-03T10:00:00Z", 7);
  look(&house, "2026-11-03T11:00:03Z", TRUE);
  expect_held(&house, 2, "1 records go to several platforms");
  reopen(&house, "UTC", PRICED FULL("") BOSS
         "platform \"all\" { fields = { \"serial\" } file = 'A_{period}_{sequence}.dat' }\n");
  look(&house, "2026-11-03T11:00:04Z", FALSE);
  expect_held(&house, 2, NULL);
  g_autoptr(DetailsReader) reader = reader_of(&house);
  g_autoptr(GPtrArray) matrix = details_reader_platforms(reader, 3, NULL);
  assert_int_equal(matrix->len, 2);
  assert_int_equal(((const PlatformFile *)matrix->pdata[0])->count, 1);
  assert_true(((const PlatformFile *)matrix->pdata[1])->amount == 7);
  expect_files(&house, "2026-11-03 manual 1/0 2026-11-03T10:00:00Z\n2026-11-03 manual 1/0 2026-11-03T10:00:00Z\n"
                       "2026-11-03 manual 1/0 2026-11-03T10:00:00Z\n");
  move_out(&house);
}

static void a_file_keeps_its_name_whatever_the_name_is_from_then_on(void **state) {
  House house;
  (void)state;
  move_in(&house, "UTC", PRICED FULL("") BOSS "unrouted = hold\n");
  rate(&house, "2026-11-03T10:00:00Z", 0);
  look(&house, "2026-11-03T11:00:00Z", TRUE);
  expect_held(&house, 0, "go to no platform");
  reopen(&house, "UTC", PRICED "full-file { name = 'N_{period}_{sequence}.dat' fields = { \"serial\", \"amount\" } }\n"
         BOSS "unrouted = drop\n");
  look(&house, "2026-11-03T11:00:01Z", TRUE);
  expect_held(&house, 0, NULL);
  rate(&house, "2026-11-03T10:00:00Z", 7);
  look(&house, "2026-11-03T11:00:02Z", TRUE);
  expect_held(&house, 1, NULL);
  g_autoptr(DetailsReader) reader = reader_of(&house);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, NULL);
  g_autofree char *first = cdr_file_name(files->pdata[0]), *second = cdr_file_name(files->pdata[1]);
  assert_string_equal(first, "M_2026-11-03_000001.dat");
  assert_string_equal(second, "N_2026-11-03_000002.dat");
  move_out(&house);
}

static void expect_contradiction(const House *house, const char *expected) {
  HeldLane held = {.name = ((const ConfLane *)house->site.conf->lanes->pdata[0])->name, .folder = house->folder};
  g_autoptr(GPtrArray) lanes = g_ptr_array_new();
  g_ptr_array_add(lanes, &held);
  g_autoptr(GPtrArray) found = state_compare(house->site.conf, lanes);
  assert_int_equal(found->len, expected ? 1 : 0);
  if (expected)
    assert_non_null(strstr(((const Contradiction *)found->pdata[0])->text, expected));
}

static void push_to_boss(const House *house) {
  ((ConfPlatform *)house->desk->rating->platforms->pdata[0])->push_endpoint = g_strdup("in");
}

static void a_platform_for_which_files_wait_stays_in_the_configuration(void **state) {
  House house;
  (void)state;
  move_in(&house, "UTC", PRICED FULL("") BOSS);
  push_to_boss(&house);
  rate(&house, "2026-11-03T10:00:00Z", 7);
  look(&house, "2026-11-03T11:00:00Z", TRUE);
  expect_contradiction(&house, NULL);
  reopen(&house, "UTC", PRICED FULL("") BOSS);
  expect_contradiction(&house, "B_2026-11-03_000001.dat waits to be pushed to platform \"boss\", which has no push");
  reopen(&house, "UTC", PRICED FULL(""));
  expect_contradiction(&house, "to platform \"boss\", which stands in the configuration no more");
  g_autoptr(PlatformFile) file = NULL;
  assert_true(details_next_push(house.desk->details, "boss", &file, NULL));
  assert_true(details_pushed(house.desk->details, file, at("2026-11-03T11:00:01Z"), NULL));
  expect_contradiction(&house, NULL);
  move_out(&house);
}

static void a_day_may_have_more_than_99_supplements(void **state) {
  House house;
  (void)state;
  move_in(&house, "UTC", PRICED FULL("late = supplement") BOSS);
  for (guint i = 0; i < 101; i++) {
    rate(&house, "2026-11-01T10:00:00Z", 7);
    look(&house, "2026-11-03T11:00:00Z", TRUE);
  }
  expect_held(&house, 100, NULL);
  move_out(&house);
}

static void an_archive_that_has_other_bytes_holds_the_file(void **state) {
  House house;
  (void)state;
  g_autofree char *archive = g_dir_make_tmp("sallyport-archive-XXXXXX", NULL),
                  *body = g_strdup_printf(PRICED "full-file { name = 'M_{sequence}.dat' "
                                                 "fields = { \"serial\", \"amount\" } "
                                                 "archive = \"%s\" }\n" BOSS "unrouted = hold\n", archive),
                  *copy = g_build_filename(archive, "M_000001.dat", NULL), *text = NULL;
  g_autofree char *fine = g_strdup(body);
  move_in(&house, "UTC", body);
  rate(&house, "2026-11-03T10:00:00Z", 0);
  look(&house, "2026-11-03T11:00:00Z", TRUE);
  g_autoptr(DetailsReader) reader = reader_of(&house);
  g_autoptr(GPtrArray) files = details_reader_files(reader, 0, NULL);
  g_autofree char *written = content_of(&house, files->pdata[0]);
  assert_true(g_file_get_contents(copy, &text, NULL, NULL));
  assert_string_equal(text, written);
  assert_true(g_file_set_contents(copy, "other\n", -1, NULL));
  fine = put_in(g_steal_pointer(&fine), "unrouted = hold", "unrouted = drop");
  reopen(&house, "UTC", fine);
  look(&house, "2026-11-03T11:00:01Z", FALSE);
  expect_held(&house, 0, "has other bytes than the file that it is of");
  assert_true(g_file_set_contents(copy, written, -1, NULL));
  look(&house, "2026-11-03T11:00:02Z", TRUE);
  expect_held(&house, 0, NULL);
  g_unlink(copy);
  g_autofree char *empty = g_build_filename(archive, "M_000002.dat", NULL);
  g_unlink(empty);
  g_rmdir(archive);
  move_out(&house);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_day_ends_in_its_own_zone_and_its_events_may_come_within_the_grace),
      cmocka_unit_test(a_day_of_23_or_25_hours_ends_when_its_clock_says_so),
      cmocka_unit_test(what_is_late_gets_a_supplement_of_its_own_day),
      cmocka_unit_test(another_form_closes_what_was_rated_before),
      cmocka_unit_test(what_goes_nowhere_or_to_several_is_held_where_that_is_said),
      cmocka_unit_test(a_file_keeps_its_name_whatever_the_name_is_from_then_on),
      cmocka_unit_test(a_platform_for_which_files_wait_stays_in_the_configuration),
      cmocka_unit_test(a_day_may_have_more_than_99_supplements),
      cmocka_unit_test(an_archive_that_has_other_bytes_holds_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
