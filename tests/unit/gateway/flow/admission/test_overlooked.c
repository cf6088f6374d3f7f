/* What lies in a folder and is never taken: under a clock of our own. */
#include "gateway/flow/admission/overlooked.h"
#include "tests/unit/conf/parse.h"
#include "tests/unit/store/book/book_fixture.h"

#define FEED(name, match, source, answers)                                                                            \
  "  feed \"" name "\" { partner = \"bank\" layout = \"points\" key = \"ref\"\n"                                      \
  "    source { endpoint = \"main\" path = \"/out\" match = '" match "' " source " }\n"                               \
  "    batch { size-min = 2500 size-max = 5000 }\n"                                                                   \
  "    process ledger { name = \"miles\" account = \"member\" amount = \"points\" }\n"                                \
  "    feedback { endpoint = \"main\" path = \"" answers "\" name = '{stem}_FB.x' } }\n"

typedef struct {
  Conf *conf;
  Overlooked *overlooked[2];
  Book *book;
  gboolean is_whole;
  guint which;
} World;

static World world_of(const Fixture *f, const char *feeds) {
  g_autofree char *head = g_strndup(right_one, (gsize)(strstr(right_one, "lane \"points\"") - right_one)),
                  *text = g_strdup_printf("%slane \"points\" {\n%s}\n", head, feeds);
  ConfReport *report = conf_report_new();
  ConfSource *source = conf_source_from_text("c", text, strlen(text));
  World world = {.conf = conf_parse(source, report), .book = f->book};
  for (guint i = 0; !world.conf && i < report->findings->len; i++)
    print_message("%s\n", ((const ConfFinding *)report->findings->pdata[i])->message);
  conf_report_free(report);
  conf_source_free(source);
  assert_non_null(world.conf);
  const ConfLane *lane = world.conf->lanes->pdata[0];
  for (guint i = 0; i < lane->feeds->len; i++)
    world.overlooked[i] = overlooked_new(world.conf, lane->feeds->pdata[i]);
  return world;
}

static void end(World *world) {
  overlooked_free(world->overlooked[0]);
  overlooked_free(world->overlooked[1]);
  conf_free(world->conf);
}

static gboolean tell(BookTransaction *tx, gpointer data, GError **error) {
  World *world = data;
  return overlooked_tell(tx, world->overlooked[world->which], world->is_whole, 0, error);
}

/* A listing of feed `which` in that second, with these names that it does not take, and how many files that have waited
 * for a marker for 100 s; then the alarms that stand must be these: "KIND detail", oldest first. */
static void listing(World *world, guint which, gint64 second, const char *names, guint waiting, gboolean is_whole,
                    const char *standing) {
  g_auto(GStrv) each = g_strsplit(names, " ", -1);
  overlooked_begin(world->overlooked[which], second * G_USEC_PER_SEC);
  for (char **name = each; *name; name++)
    if (**name)
      overlooked_pass(world->overlooked[which], *name, 1, 2);
  const BookFile file = {.id = (char *)"0mx2k3tz8b5fp9wu", .name_shown = (char *)"A.dat"};
  for (guint i = 0; i < waiting; i++)
    overlooked_wait(world->overlooked[which], &file, "A.dat.ok", (second - 100) * G_USEC_PER_SEC);
  world->which = which;
  world->is_whole = is_whole;
  GError *error = NULL;
  if (!book_write(world->book, tell, world, &error))
    no_error(error);
  g_autoptr(BookReader) reader = book_reader_open(world->book->path, NULL);
  g_autoptr(GPtrArray) alarms = book_live_alarms(reader, NULL);
  g_autoptr(GString) got = g_string_new(NULL);
  for (guint i = 0; i < alarms->len; i++) {
    const BookAlarm *alarm = alarms->pdata[i];
    g_string_append_printf(got, "%s%s %s", got->len ? "; " : "", alarm->kind, alarm->detail);
  }
  assert_string_equal(got->str, standing);
}

static void a_name_that_no_feed_takes_is_told_when_it_has_lain_there(void **state) {
  World world = world_of(*state, FEED("a", "A_*", "tell-after = \"60s\" ignore = { 'README*' }", "/in")
                                     FEED("b", "B_*", "ready = rename temporary = { '*.tmp' }", "/in"));
  const char *names = "X_1 README.txt .hidden B_2 B_3.tmp";
  listing(&world, 0, 1000, names, 0, TRUE, "");
  listing(&world, 0, 1059, names, 0, TRUE, "");
  listing(&world, 0, 1060, names, 0, TRUE, "file-misnamed X_1");
  listing(&world, 1, 5000, "X_1 A_1", 0, TRUE, "file-misnamed X_1"); /* one feed of the folder tells */
  listing(&world, 1, 9000, "X_1 A_1", 0, TRUE, "file-misnamed X_1");
  listing(&world, 0, 1061, "", 0, FALSE, "file-misnamed X_1; listing-cut (null)"); /* who knows */
  listing(&world, 0, 1062, "X_2", 0, TRUE, "");                /* new: not for so long */
  listing(&world, 0, 1200, "X_2 X_3", 0, TRUE, "file-misnamed X_2");
  end(&world);
}

static void a_restart_ends_no_alarm_before_it_knows_better(void **state) {
  World world = world_of(*state, FEED("a", "A_*", "tell-after = \"60s\"", "/in"));
  listing(&world, 0, 1000, "X_1", 2, TRUE, "file-incomplete A.dat waits for A.dat.ok");
  overlooked_free(world.overlooked[0]);
  world.overlooked[0] = overlooked_new(world.conf, ((const ConfLane *)world.conf->lanes->pdata[0])->feeds->pdata[0]);
  listing(&world, 0, 50, "", 1, TRUE, "file-incomplete A.dat waits for A.dat.ok");
  listing(&world, 0, 51, "", 0, TRUE, "");
  end(&world);
}

static void what_is_normal_is_not_told(void **state) {
  World ours = world_of(*state, FEED("a", "A_*.pgp", "tell-after = \"60s\"", "/out"));
  listing(&ours, 0, 1000, "X_1", 0, TRUE, "");
  listing(&ours, 0, 2000, "X_1", 0, TRUE, ""); /* we put files there ourselves */
  end(&ours);
  World never = world_of(*state, FEED("a", "A_*", "tell-after = \"0s\"", "/in"));
  listing(&never, 0, 1000, "X_1", 1, TRUE, "");
  listing(&never, 0, 999999, "X_1", 1, TRUE, "");
  end(&never);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_name_that_no_feed_takes_is_told_when_it_has_lain_there),
      TEST(a_restart_ends_no_alarm_before_it_knows_better),
      TEST(what_is_normal_is_not_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
