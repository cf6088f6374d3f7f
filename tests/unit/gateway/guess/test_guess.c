/* What is proposed for the sample of each format, held against the layout that the format really has; and for samples
 * made here, long enough for totals to be certain. What is proposed always reads the sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "conf/conf.h"
#include "gateway/guess/guess.h"
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* from the root of the tree, where make runs */
static const char *const FORMATS = "tests/corpus/formats", *const SHIPPED = "conf/samples/layouts";

static Conf *read_layout(const char *name, const char *text) {
  g_autofree char *whole = g_strconcat("node { name = \"n\"  state = \"/nowhere\" }\n", text, NULL);
  ConfSource *source = conf_source_from_text(name, whole, strlen(whole));
  ConfReport *report = conf_report_new();
  Conf *conf = conf_parse(source, report);
  for (guint i = 0; !conf && i < report->findings->len; i++)
    print_error("%s:%u: %s\n", name, ((ConfFinding *)report->findings->pdata[i])->where.line - 1,
                ((ConfFinding *)report->findings->pdata[i])->message);
  if (!conf)
    fail_msg("%s:\n%s", name, text);
  conf_report_free(report);
  conf_source_free(source);
  return conf;
}

/* --- What is right of a proposal */

/* The ends of the fields of a fixed line, in bytes; TRUE: `end` is one. Blanks behind a field may belong to it. */
static gboolean ends_field(const ConfLayout *layout, const ConfLine *line, guint end) {
  guint at = layout->lines_by != CONF_LINES_BY_TAG ? 0
             : layout->tag_bytes > 0               ? layout->tag_bytes
                                                   : (guint)strlen(line->tag);
  gboolean is_end = end == at;
  for (guint i = 0; i < line->fields->len; i++) {
    const ConfField *field = line->fields->pdata[i];
    at += field->bytes;
    is_end = is_end || (end >= at && end <= at + field->gap);
    at += field->gap;
  }
  return is_end;
}

static guint line_bytes(const ConfLayout *layout, const ConfLine *line) {
  guint bytes = layout->lines_by != CONF_LINES_BY_TAG ? 0
                : layout->tag_bytes > 0               ? layout->tag_bytes
                                                      : (guint)strlen(line->tag);
  for (guint i = 0; i < line->fields->len; i++)
    bytes += ((const ConfField *)line->fields->pdata[i])->bytes + ((const ConfField *)line->fields->pdata[i])->gap;
  return bytes;
}

typedef struct {
  gboolean is_type, is_place; /* delimited or fixed; the delimiter, or the length of a record */
  guint edges, right_edges;   /* of the first kind of record */
  gboolean has_total;
} Score;

static Score score_of(const ConfLayout *ours, const ConfLayout *theirs, const char *text) {
  const ConfLine *our_line = ours->records->pdata[0], *their_line = theirs->records->pdata[0];
  Score score = {.is_type = ours->kind == theirs->kind, .has_total = strstr(text, "control = ") != NULL};
  if (!score.is_type)
    return score;
  if (ours->kind == CONF_LAYOUT_DELIMITED) {
    score.is_place = g_str_equal(ours->delimiter, theirs->delimiter);
    return score;
  }
  score.is_place = line_bytes(ours, our_line) == line_bytes(theirs, their_line);
  guint at = ours->lines_by == CONF_LINES_BY_TAG ? ours->tag_bytes : 0;
  for (guint i = 0; i + 1 < our_line->fields->len; i++) {
    at += ((const ConfField *)our_line->fields->pdata[i])->bytes;
    score.edges++;
    score.right_edges += ends_field(theirs, their_line, at) ? 1 : 0;
  }
  return score;
}

static GuessReport guess_of(const char *name, const void *text, gsize length) {
  GuessReport report;
  GError *error = NULL;
  if (!guess_layout(text, length, name, &report, &error))
    fail_msg("%s: %s", name, error->message);
  return report;
}

/* --- */

static const struct {
  const char *format;
  guint of_edges; /* at least so many hundredths of the edges that are proposed are some; delimited: 0 */
  gboolean has_total;
  gboolean is_other; /* the sample is too small to see what it is, and that is said */
} TABLE[] = {
    {"aba", 55, TRUE, FALSE},          {"ach-p01", 70, TRUE, FALSE},    {"aeb43", 50, TRUE, FALSE},
    {"alipay", 0, FALSE, FALSE},       {"bai2", 0, TRUE, FALSE},        {"bgmax", 70, TRUE, FALSE},
    {"cfonb120", 50, FALSE, FALSE},    {"clieop03", 0, TRUE, FALSE},   {"cnab400", 50, TRUE, FALSE},
    {"elixir", 0, FALSE, FALSE},       {"huadan", 0, TRUE, TRUE},     {"ktl", 35, FALSE, FALSE},
    {"masav", 50, TRUE, FALSE},        {"nacha", 50, TRUE, FALSE},      {"riba", 80, TRUE, FALSE},
    {"star-accrual", 80, TRUE, FALSE}, {"unionpay-zm", 75, FALSE, FALSE}, {"wechat", 0, TRUE, FALSE},
    {"yibao-3202", 0, FALSE, FALSE},   {"zengin", 80, TRUE, FALSE},     {"minguo", 0, TRUE, FALSE},
    {"types", 0, TRUE, FALSE},         {"cents", 0, TRUE, FALSE},       {"quoted", 0, TRUE, FALSE},
    {"erp", 0, FALSE, FALSE},          {"buddhist", 0, TRUE, FALSE},    {"fixed", 30, TRUE, FALSE},
    {"fixed-gbk", 50, TRUE, FALSE},    {"gbk", 0, TRUE, FALSE},         {"euc-kr", 0, FALSE, FALSE},
    {"shift-jis", 0, FALSE, FALSE},    {"edited", 0, FALSE, FALSE},    {"fixed-types", 50, TRUE, FALSE},
    {"fixed-stream", 0, FALSE, TRUE},
};

static void each_sample_gets_its_type_and_its_places_and_a_total_where_one_holds(void **state) {
  (void)state;
  guint right = 0, totals = 0, edges = 0, right_edges = 0;
  for (guint i = 0; i < G_N_ELEMENTS(TABLE); i++) {
    const char *name = TABLE[i].format;
    g_autofree char *data_path = g_strconcat(FORMATS, "/", name, ".good.dat", NULL), *data = NULL,
                    *own = g_strconcat(FORMATS, "/", name, ".conf", NULL),
                    *shipped = g_strconcat(SHIPPED, "/", name, ".conf", NULL), *truth = NULL;
    gsize length;
    assert_true(g_file_get_contents(data_path, &data, &length, NULL));
    assert_true(g_file_get_contents(own, &truth, NULL, NULL) || g_file_get_contents(shipped, &truth, NULL, NULL));
    GuessReport report = guess_of(name, data, length);
    Conf *ours = read_layout(name, report.text), *theirs = read_layout(name, truth);
    Score score = score_of(conf_layout(ours, name), conf_layout(theirs, name), report.text);
    gboolean is_right = score.is_type && score.is_place &&
                        score.right_edges * 100 >= score.edges * TABLE[i].of_edges;
    if (g_getenv("GUESS_TELL"))
      print_message("%-14s type %d place %d edges %u of %u total %d unsure %u%s\n", name, score.is_type, score.is_place,
                    score.right_edges, score.edges, score.has_total, report.unsure->len,
                    report.verdict ? report.verdict : "");
    else if (is_right == TABLE[i].is_other || score.has_total != TABLE[i].has_total || report.unsure->len == 0)
      fail_msg("%s: type %d, place %d, %u of %u edges, total %d:\n%s", name, score.is_type, score.is_place,
               score.right_edges, score.edges, score.has_total, report.text);
    right += is_right ? 1 : 0;
    totals += score.has_total ? 1 : 0;
    edges += score.edges;
    right_edges += score.right_edges;
    conf_free(ours);
    conf_free(theirs);
    guess_report_clear(&report);
  }
  print_message("%u of %u right, %u with a total, %u of %u edges\n", right, (guint)G_N_ELEMENTS(TABLE), totals,
                right_edges, edges);
}

/* --- Samples made here */

static void expect(const GuessReport *report, const char *words) {
  if (!strstr(report->text, words))
    fail_msg("not said: %s\n%s", words, report->text);
}

static void totals_of_many_lines_are_certain_and_stand_as_settings(void **state) {
  (void)state;
  g_autoptr(GString) text = g_string_new("HD|ACME|2026-11-20\n");
  gint64 sum = 0;
  for (guint i = 1; i <= 500; i++) {
    guint cents = i * 7919 % 100000;
    sum += cents;
    g_string_append_printf(text, "DT|R%06u|%u.%02u|%02u/11/2026|%s\n", i * 17, cents / 100, cents % 100, 1 + i % 28,
                           i % 3 ? "" : "shop");
  }
  g_string_append_printf(text, "TR|500|%u.%02u\n", (guint)sum / 100, (guint)sum % 100);
  GuessReport report = guess_of("made", text->str, text->len);
  assert_null(report.verdict);
  assert_int_equal(report.records, 500);
  expect(&report, "delimiter = \"|\"");
  expect(&report, "header \"HD\"");
  expect(&report, "field \"h2\" {  type = date }");
  expect(&report, "field \"f1\" { }  # no value comes twice in 500 lines: may be the key");
  expect(&report, "field \"f2\" {  type = decimal  scale = 2 }");
  expect(&report, "field \"f3\" {  type = date  format = \"%d/%m/%Y\" }");
  expect(&report, "field \"f4\" {  optional = yes }");
  expect(&report, "control = count }  # holds over the whole file");
  expect(&report, "control = \"sum(f2)\" }  # holds over the whole file");
  guess_report_clear(&report);
}

/* Longer than what is looked at closely, and another thing in the middle: seen, as the whole file is read. */
/* `codes`: above and below zero; `late`: a third one near the end. */
static GuessReport guess_of_codes(const char *above, const char *below, const char *late, gboolean has_both) {
  g_autoptr(GString) text = g_string_new("HD|ACME|2026-11-20\n");
  guint sums[2] = {0, 0};
  for (guint i = 1; i <= 500; i++) {
    guint n = i * 7919 % 100000, side = i * 31 % 7 % 2;
    sums[side] += n;
    g_string_append_printf(text, "DT|R%06u|%s|%u\n", i * 17, late && i == 490 ? late : side ? below : above, n);
  }
  g_string_append_printf(text, "TR|500|%u|%u|%u\n", sums[1], has_both ? sums[0] : 17, sums[0] + sums[1]);
  return guess_of("codes", text->str, text->len);
}

static void two_codes_are_a_sign_where_the_sums_of_both_stand_in_the_trailer(void **state) {
  (void)state;
  GuessReport report = guess_of_codes("C", "D", NULL, TRUE);
  assert_null(report.verdict);
  expect(&report, "field \"f2\" {  type = enumeration  values = { \"C\", \"D\" } }");
  expect(&report, "field \"f3\" {  type = integer  sign-from = \"f2\"  negative = { \"D\" } }\n");
  expect(&report, "field \"t2\" {  type = integer  control = \"debits(f3)\" }  # holds over the whole file");
  expect(&report, "field \"t3\" {  type = integer  control = \"credits(f3)\" }  # holds over the whole file");
  expect(&report, "field \"t4\" {  type = integer  control = \"gross(f3)\" }  # holds over the whole file");
  guess_report_clear(&report);
  report = guess_of_codes("1", "2", NULL, TRUE);
  assert_null(report.verdict);
  expect(&report, "# unsure: which of the two codes means below zero");
  guess_report_clear(&report);
  for (guint i = 0; i < 2; i++) { /* one side only, and a code that is neither */
    report = guess_of_codes("C", "D", i ? "X" : NULL, i > 0);
    assert_null(report.verdict);
    assert_null(strstr(report.text, "sign-from"));
    expect(&report, "control = \"sum(f3)\" }  # holds over the whole file");
    guess_report_clear(&report);
  }
}

static void what_only_the_middle_of_a_long_file_has_is_seen(void **state) {
  (void)state;
  g_autoptr(GString) text = g_string_new(NULL);
  gint64 sum = 0;
  for (guint i = 0; i < 60000; i++) {
    g_string_append_printf(text, "D;%s;%u;%u\n", i == 30000 ? "" : "x", i % 977, i);
    sum += i;
  }
  g_string_append_printf(text, "T;60000;%" G_GINT64_FORMAT "\n", sum);
  GuessReport report = guess_of("long", text->str, text->len);
  assert_null(report.verdict);
  assert_int_equal(report.records, 60000);
  expect(&report, "60001 lines");
  expect(&report, "field \"f1\" {  optional = yes }");
  expect(&report, "control = \"sum(f3)\" }  # holds over the whole file");
  guess_report_clear(&report);
  char *middle = strstr(text->str, "D;x;0;40057\n");
  assert_non_null(middle);
  memcpy(middle, "D;x;!;40057", 11);
  report = guess_of("long", text->str, text->len);
  assert_null(report.verdict);
  expect(&report, "field \"f2\" { }  # not all values are of one type");
  guess_report_clear(&report);
}

/* Fixed lines of digits, where only the first bytes tell the last line from the others. */
static void a_trailer_like_its_records_is_told_by_its_tag(void **state) {
  (void)state;
  g_autoptr(GString) text = g_string_new(NULL);
  guint64 sum = 0;
  for (guint i = 1; i <= 300; i++) {
    sum += i * 7919 % 500000;
    g_string_append_printf(text, "002010001628%027u%010u      \n", i * 104729, i * 7919 % 500000);
  }
  g_string_append_printf(text, "999010001628999999999999999999999999999%012" G_GUINT64_FORMAT "%04u\n", sum, 300);
  GuessReport report = guess_of("digits", text->str, text->len);
  assert_null(report.verdict);
  assert_int_equal(report.records, 300);
  expect(&report, "record \"0\" {  # 300 lines");
  expect(&report, "trailer \"9\" {  # 1 line ");
  expect(&report, "bytes = 10  type = integer }\n");
  expect(&report, "control = \"sum(");
  guess_report_clear(&report);
}

static void a_total_that_does_not_hold_is_none(void **state) {
  (void)state;
  static const char text[] = "D|a|1230\nD|b|5125\nT|2|6356\n";
  GuessReport report = guess_of("off", text, strlen(text));
  assert_null(strstr(report.text, "sum("));
  guess_report_clear(&report);
}

static void names_of_columns_become_titles(void **state) {
  (void)state;
  static const char text[] = "Reference,\"Amount, net\",Day\r\nA1,\"12,50\",20.11.2026\r\nA2,\"3,00\",21.11.2026\r\n"
                             "A3,\"0,99\",22.11.2026\r\n";
  GuessReport report = guess_of("names", text, strlen(text));
  assert_null(report.verdict);
  expect(&report, "quote = rfc4180  lines-by = position  # lines end in CR LF");
  expect(&report, "title = \"Amount, net\"  type = decimal  scale = 2  decimal-point = \",\"");
  expect(&report, "type = date  format = \"%d.%m.%Y\"");
  guess_report_clear(&report);
}

static void what_is_no_file_of_lines_is_told(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    gsize length;
    const char *why;
  } cases[] = {{"", 0, "empty"},
               {"\xff\xfe" "D\0", 4, "UTF-16"},
               {"ab\0cd\n", 6, "NUL"},
               {"\n\n \n", 4, "no lines"},
               {"words of a letter\nand some more of them\nof no form\nat all, really none\nbye\n", 74, "neither"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GuessReport report;
    GError *error = NULL;
    assert_false(guess_layout((const guint8 *)cases[i].bytes, cases[i].length, "n", &report, &error));
    if (!strstr(error->message, cases[i].why))
      fail_msg("%u: %s", i, error->message);
    g_error_free(error);
  }
}

/* Bytes exchanged, taken out, doubled: whatever is proposed is a layout. */
static void changed_samples_are_harmless(void **state) {
  (void)state;
  guint32 seed = g_getenv("SALLYPORT_SEED") ? (guint32)atoi(g_getenv("SALLYPORT_SEED")) : 1;
  GRand *random = g_rand_new_with_seed(seed);
  for (guint i = 0; i < 6 * G_N_ELEMENTS(TABLE); i++) {
    g_autofree char *path = g_strconcat(FORMATS, "/", TABLE[i % G_N_ELEMENTS(TABLE)].format, ".good.dat", NULL),
                    *data = NULL;
    gsize length;
    assert_true(g_file_get_contents(path, &data, &length, NULL));
    for (guint n = (guint)g_rand_int_range(random, 1, 12); n > 0 && length > 4; n--) {
      gsize at = (gsize)g_rand_int_range(random, 0, (gint32)length - 2);
      static const char bytes[] = "\r\n\"|,;0 9\377\201A";
      if (g_rand_int_range(random, 0, 4) == 0)
        memmove(data + at, data + at + 1, --length - at);
      else
        data[at] = bytes[g_rand_int_range(random, 0, sizeof bytes - 1)];
    }
    GuessReport report;
    g_autoptr(GError) error = NULL;
    if (guess_layout((const guint8 *)data, length, "sample", &report, &error))
      conf_free(read_layout("sample", report.text));
    guess_report_clear(&report);
  }
  g_rand_free(random);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_sample_gets_its_type_and_its_places_and_a_total_where_one_holds),
      cmocka_unit_test(totals_of_many_lines_are_certain_and_stand_as_settings),
      cmocka_unit_test(two_codes_are_a_sign_where_the_sums_of_both_stand_in_the_trailer),
      cmocka_unit_test(what_only_the_middle_of_a_long_file_has_is_seen),
      cmocka_unit_test(a_trailer_like_its_records_is_told_by_its_tag),
      cmocka_unit_test(a_total_that_does_not_hold_is_none),
      cmocka_unit_test(names_of_columns_become_titles),
      cmocka_unit_test(what_is_no_file_of_lines_is_told),
      cmocka_unit_test(changed_samples_are_harmless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
