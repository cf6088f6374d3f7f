#include "gateway/cli/output.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* An output into a file, told whether it is a terminal. */
typedef struct {
  CliOutput *out;
  FILE *file;
} Screen;

static int set_up(void **state) {
  Screen *screen = g_new0(Screen, 1);
  screen->file = tmpfile();
  screen->out = cli_output_new(screen->file, FALSE);
  screen->out->width = 60;
  cli_output_zone(screen->out, "Asia/Shanghai");
  *state = screen;
  return 0;
}

static int tear_down(void **state) {
  Screen *screen = *state;
  cli_output_free(screen->out);
  fclose(screen->file);
  g_free(screen);
  return 0;
}

static char *printed(Screen *screen) {
  fflush(screen->file);
  long size = ftell(screen->file);
  char *text = g_malloc0((gsize)size + 1);
  rewind(screen->file);
  assert_int_equal(fread(text, 1, (gsize)size, screen->file), size);
  rewind(screen->file);
  assert_int_equal(ftruncate(fileno(screen->file), 0), 0);
  return text;
}

static void be_terminal(Screen *screen, guint width) {
  screen->out->is_terminal = TRUE;
  screen->out->width = width;
}

#define expect_text(call, text) \
  do { g_autofree char *got_ = (call); assert_string_equal(got_, (text)); } while (0)

/* GLib's dates are the judge: over the ends of summer time, of years, and before 1970. */
static void times_of_json_are_what_a_calendar_says(void **state) {
  Screen *screen = *state;
  static const char *const zones[] = {"Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
                                      "UTC"};
  static const gint64 seconds[] = {0,          -1,         1,          951782399,  951782400,  1709164799,
                                   1711846799, 1711846800, 1729999799, 1730613600, 1730617200, 1735660800,
                                   4102444799, 253402214400, -30600000000};
  for (guint i = 0; i < G_N_ELEMENTS(zones) * G_N_ELEMENTS(seconds); i++) {
    gint64 second = seconds[i % G_N_ELEMENTS(seconds)];
    cli_output_zone(screen->out, zones[i / G_N_ELEMENTS(seconds)]);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(second);
    g_autoptr(GDateTime) at = g_date_time_to_timezone(utc, screen->out->time_zone);
    g_autofree char *expected = g_date_time_format(at, "%Y-%m-%dT%H:%M:%S.000007%:z");
    expect_text(cli_time_json(screen->out, second * G_USEC_PER_SEC + 7), expected);
  }
  assert_null(cli_time_json(screen->out, G_MAXINT64));
  assert_null(cli_time_json(screen->out, G_MININT64));
}

static void numbers_have_separators_on_a_terminal_only(void **state) {
  Screen *screen = *state;
  expect_text(cli_number(screen->out, -1234567), "-1234567");
  be_terminal(screen, 80);
  expect_text(cli_number(screen->out, 0), "0");
  expect_text(cli_number(screen->out, 999), "999");
  expect_text(cli_number(screen->out, 1000), "1,000");
  expect_text(cli_number(screen->out, -1234567), "-1,234,567");
  expect_text(cli_number(screen->out, G_MININT64), "-9,223,372,036,854,775,808");
  expect_text(cli_unsigned(screen->out, G_MAXUINT64), "18,446,744,073,709,551,615");
}

static void amounts_are_exact_at_their_scale(void **state) {
  Screen *screen = *state;
  expect_text(cli_amount(screen->out, 1230, 2), "12.30");
  expect_text(cli_amount(screen->out, -5, 2), "-0.05");
  expect_text(cli_amount(screen->out, 0, 4), "0.0000");
  expect_text(cli_amount(screen->out, 42, 0), "42");
  expect_text(cli_amount(screen->out, G_MININT64, 2), "-92233720368547758.08");
  be_terminal(screen, 80);
  expect_text(cli_amount(screen->out, 123456789, 2), "1,234,567.89");
}

static void times_are_in_the_nodes_zone(void **state) {
  Screen *screen = *state;
  gint64 at = G_GINT64_CONSTANT(1795132800123456); /* 2026-11-20T00:00:00Z */
  expect_text(cli_time(screen->out, at), "2026-11-20T08:00:00+08:00");
  expect_text(cli_time_json(screen->out, at), "2026-11-20T08:00:00.123456+08:00");
  expect_text(cli_time(screen->out, 0), "-");
  be_terminal(screen, 80);
  expect_text(cli_time(screen->out, at), "2026-11-20 08:00:00");
}

static void a_typed_time_is_understood_in_the_nodes_zone(void **state) {
  Screen *screen = *state;
  gint64 now = G_GINT64_CONSTANT(1795132800) * G_USEC_PER_SEC; /* 2026-11-20 08:00 in Shanghai */
  static const struct {
    const char *text;
    gint64 ago;
  } good[] = {{"90s", 90},
              {"30m", 1800},
              {"12h", 43200},
              {"7d", 604800},
              {"0s", 0},
              {"today", 28800},
              {"yesterday", 115200},
              {"2026-11-20", 28800},
              {"2026-11-19", 115200},
              {"07:30", 1800},
              {"07:30:30", 1770},
              {"2026-11-20T07:00", 3600},
              {"2026-11-20 07:00", 3600},
              {"2026-11-20T07:00:00", 3600},
              {"2026-11-20T00:00:00Z", 0},
              {"2026-11-20T00:00:00+02:00", 7200}};
  static const char *const bad[] = {"",      "tomorrow",   "h",           "12",       "12x", "-3h",
                                    "25:00", "2026-13-01", "2026-11-20T", "9999999d", "1hh"};
  gint64 at;
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
    if (!cli_parse_time(screen->out, good[i].text, now, &at))
      fail_msg("%s is not understood", good[i].text);
    assert_int_equal((now - at) / G_USEC_PER_SEC, good[i].ago);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
    if (cli_parse_time(screen->out, bad[i], now, &at))
      fail_msg("%s is taken for a time", bad[i]);
}

static void durations_are_short(void **state) {
  (void)state;
  expect_text(cli_duration(35 * G_USEC_PER_SEC), "35s");
  expect_text(cli_duration(125 * G_USEC_PER_SEC), "2m05s");
  expect_text(cli_duration(G_GINT64_CONSTANT(7500) * G_USEC_PER_SEC), "2h05m");
  expect_text(cli_duration(G_GINT64_CONSTANT(273600) * G_USEC_PER_SEC), "3d04h");
  expect_text(cli_duration(-5), "0s");
}

static void a_name_is_shortened_in_its_middle(void **state) {
  (void)state;
  expect_text(cli_shorten("POINTS_20261120_0001.dat.pgp", 15), "POINTS_…dat.pgp");
  expect_text(cli_shorten("short", 15), "short");
  expect_text(cli_shorten("积分文件异步拆分后加分", 9), "积分…加分");
  expect_text(cli_shorten("", 5), "");
}

static void a_mask_leaves_at_most_the_last_four(void **state) {
  (void)state;
  expect_text(cli_mask("6222020000000017"), "************0017");
  expect_text(cli_mask("12345678"), "********");
  expect_text(cli_mask(""), "");
  expect_text(cli_mask(NULL), "");
}

static const CliColumn columns[] = {{"ID", CLI_LEFT, CLI_WHOLE},
                                    {"NAME", CLI_LEFT, CLI_SHRINKS},
                                    {"N", CLI_RIGHT, CLI_WHOLE},
                                    {"REMARK", CLI_LEFT, CLI_SHRINKS}};

static void print_sample(Screen *screen, const char *name, const char *remark) {
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  cli_table_cell(table, g_strdup("0k3x9abcdefghijk"));
  cli_table_cell(table, g_strdup(name));
  cli_table_coloured(table, g_strdup("17"), CLI_RED);
  cli_table_cell(table, g_strdup(remark));
  assert_int_equal(cli_table_rows(table), 1);
  cli_table_print(table, screen->out);
}

static void a_table_for_a_program_can_be_taken_apart_at_spaces(void **state) {
  Screen *screen = *state;
  print_sample(screen, "a name with spaces and of any length that one may think of at all", NULL);
  g_autofree char *text = printed(screen);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  assert_non_null(strstr(lines[1], "a\\x20name\\x20with\\x20spaces\\x20and\\x20of\\x20any\\x20length"));
  g_autoptr(GRegex) gap = g_regex_new(" +", 0, 0, NULL);
  g_auto(GStrv) cells = g_regex_split(gap, lines[1], 0);
  assert_int_equal(g_strv_length(cells), 4);
  assert_string_equal(cells[3], "-");
  assert_null(strchr(text, '\t'));
  assert_null(strchr(text, '\033'));
}

static void free_text_may_stand_in_the_last_column(void **state) {
  Screen *screen = *state;
  print_sample(screen, "name", "because it is so");
  g_autofree char *text = printed(screen);
  assert_non_null(strstr(text, "17  because it is so\n"));
}

static void a_table_fits_its_terminal_and_keeps_the_id(void **state) {
  Screen *screen = *state;
  be_terminal(screen, 50);
  print_sample(screen, "POINTS_20261120_0001_with_a_very_long_tail.dat.pgp",
               "a remark that is long as well, and has an end");
  g_autofree char *text = printed(screen);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  assert_true(cli_text_width(lines[0]) <= 50);
  assert_int_equal(cli_text_width(lines[1]), 50);
  assert_non_null(strstr(lines[1], "0k3x9abcdefghijk"));
  assert_non_null(strstr(lines[1], "…"));
}

static void a_terminal_too_narrow_for_all_loses_columns_in_order(void **state) {
  static const CliColumn all[] = {{"ID", CLI_LEFT, CLI_WHOLE},
                                  {"FIRST", CLI_LEFT, CLI_DROPPED(1)},
                                  {"SECOND", CLI_LEFT, CLI_DROPPED(2)},
                                  {"LAST", CLI_LEFT, CLI_SHRINKS | CLI_DROPPED(3)}};
  static const struct {
    guint width;
    const char *heading;
  } rows[] = {{60, "ID  FIRST  SECOND  LAST"}, {26, "ID  SECOND  LAST"}, {20, "ID  LAST"}, {9, "ID"}};
  Screen *screen = *state;
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    be_terminal(screen, rows[i].width);
    CliTable *table = cli_table_new(all, G_N_ELEMENTS(all));
    const char *const cells[] = {"1", "2", "3", "a long text"};
    for (gsize j = 0; j < G_N_ELEMENTS(cells); j++)
      cli_table_cell(table, g_strdup(cells[j]));
    cli_table_print(table, screen->out);
    g_autofree char *text = printed(screen);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_strchomp(lines[0]);
    assert_string_equal(lines[0], rows[i].heading);
    assert_true(cli_text_width(lines[1]) <= rows[i].width);
  }
}

static void wide_characters_keep_the_columns_straight(void **state) {
  Screen *screen = *state;
  be_terminal(screen, 80);
  CliTable *table = cli_table_new(columns, 3);
  const char *const names[] = {"积分", "abcd", "abc"};
  for (gsize i = 0; i < 3; i++) {
    cli_table_cell(table, g_strdup("1"));
    cli_table_cell(table, g_strdup(names[i]));
    cli_table_cell(table, g_strdup("7"));
  }
  cli_table_print(table, screen->out);
  g_autofree char *text = printed(screen);
  assert_string_equal(text, "ID  NAME  N\n1   积分  7\n1   abcd  7\n1   abc   7\n");
}

static void colour_is_for_terminals_that_want_it(void **state) {
  (void)state;
  FILE *file = tmpfile();
  setenv("NO_COLOR", "1", TRUE);
  CliOutput *out = cli_output_new(file, FALSE);
  assert_false(out->is_terminal);
  assert_false(out->has_colour);
  cli_coloured(out, CLI_RED, "plain");
  fflush(file);
  assert_int_equal(ftell(file), 5);
  out->has_colour = TRUE;
  cli_coloured(out, CLI_RED, "x");
  fflush(file);
  assert_int_equal(ftell(file), 5 + 5 + 1 + 4);
  unsetenv("NO_COLOR");
  cli_output_free(out);
  fclose(file);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(numbers_have_separators_on_a_terminal_only),
      TEST(times_of_json_are_what_a_calendar_says),
      TEST(amounts_are_exact_at_their_scale),
      TEST(times_are_in_the_nodes_zone),
      TEST(a_typed_time_is_understood_in_the_nodes_zone),
      cmocka_unit_test(durations_are_short),
      cmocka_unit_test(a_name_is_shortened_in_its_middle),
      cmocka_unit_test(a_mask_leaves_at_most_the_last_four),
      TEST(a_table_for_a_program_can_be_taken_apart_at_spaces),
      TEST(free_text_may_stand_in_the_last_column),
      TEST(a_table_fits_its_terminal_and_keeps_the_id),
      TEST(a_terminal_too_narrow_for_all_loses_columns_in_order),
      TEST(wide_characters_keep_the_columns_straight),
      cmocka_unit_test(colour_is_for_terminals_that_want_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
