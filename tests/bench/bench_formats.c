/* What reading and staging costs by format: the same records as UTF-8 delimited, GB18030 delimited, and fixed lines of
 * both; and as many lines of a clearing file (NACHA, which calls each a record): entries with an addendum each, ten in
 * a batch.
 *
 *   bench_formats [records] [rounds] [folder]
 *
 * Prints per format, separated by tabs: its name, bytes, the median CPU seconds of parsing alone (one thread) and of
 * staging (two threads). Every format is measured once per round, so that all have the machine's same moods. */
#include "gateway/records/stage.h"
#include "tests/unit/gateway/records/layouts.h"
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ROUNDS = 99 };

typedef struct {
  const char *name, *charset, *record;
  Layout *layout;
  GByteArray *text;
  int fd;
  double parsing[MOST_ROUNDS], staging[MOST_ROUNDS];
  gboolean is_clearing;
  guint records; /* clearing: entries */
} Format;

#define DELIMITED \
  "D member:text=16* reference:text name:text=20 points:int amount:dec=2 at:time currency:enum=CNY/USD note:text?"
#define FIXED                                                                                      \
  "D member:text@16* reference:text@24 name:text@16 points:int@7>0 amount:dec=2@11>0~ at:time@25 " \
  "currency:enum=CNY/USD@3 note:text?@8"

#define ENTRY                                                                                                       \
  "6 code:enum=22/27@2 bank:int@8>0 check:text@1 account:text@17 amount:dec=2@10>0~$code=27 id:text?@15 "           \
  "name:text@22 free:text?@2 more:enum=0/1@1 trace:text@15"
static const char *const BATCH_HEADER =
    "5 service:text@3 company:text@16 data:text?@20 company_id:text@10 class:text@3 purpose:text@10 day:text?@6 "
    "effective:text@6 settlement:text?@3 status:text@1 originator:text@8 number:int@7>0";
static const char *const BATCH_TRAILER =
    "8 service2:text@3 lines:int@6>0#count/6+7 hash:int@10>0#sum=bank debits:dec=2@12>0~#debits=amount "
    "credits:dec=2@12>0~#credits=amount company2:text@10 mac:text?@19 free2:text?@6 originator2:text@8 n2:int@7>0";
static const char *const ADDENDUM = "7 kind:enum=05@2 information:text?@80 n:int@4>0 entry:int@7>0";

static Format formats[] = {{.name = "UTF-8, delimited", .record = DELIMITED},
                           {.name = "GB18030, delimited", .charset = "GB18030", .record = DELIMITED},
                           {.name = "UTF-8, fixed", .record = FIXED},
                           {.name = "GB18030, fixed", .charset = "GB18030", .record = FIXED},
                           {.name = "GB18030, fixed, no line ends", .charset = "GB18030", .record = FIXED},
                           {.name = "clearing: as many lines", .record = ENTRY, .is_clearing = TRUE}};

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* what else the machine does is not measured */
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(gboolean ok, const GError *error) {
  if (ok)
    return;
  fprintf(stderr, "bench_formats: %s\n", error ? error->message : "failed");
  exit(1);
}

static gboolean is_fixed(const Format *format) {
  return strchr(format->record, '@') != NULL;
}
static gboolean has_line_ends(const Format *format) {
  return !strstr(format->name, "no line ends");
}

/* --- The files */

static guint64 random_state = 1;
static guint next_random(guint below) {
  random_state = random_state * G_GUINT64_CONSTANT(6364136223846793005) + 1442695040888963407u;
  return (guint)((random_state >> 33) % below);
}

/* Two to four characters, as a person's name has. */
static char *make_name(void) {
  GString *name = g_string_new(NULL);
  for (guint i = 2 + next_random(3); i > 0; i--)
    g_string_append_unichar(name, 0x4e00 + next_random(5000));
  return g_string_free(name, FALSE);
}

static void put(Format *format, const char *text, guint width, gboolean is_last) {
  gsize length = strlen(text);
  g_autofree char *encoded = format->charset ? g_convert(text, -1, format->charset, "UTF-8", NULL, &length, NULL)
                                             : g_strdup(text);
  g_assert(encoded && (!is_fixed(format) || length <= width));
  g_byte_array_append(format->text, (const guint8 *)encoded, (guint)length);
  for (gsize n = length; is_fixed(format) && n < width; n++)
    g_byte_array_append(format->text, (const guint8 *)" ", 1);
  if (!is_last && !is_fixed(format))
    g_byte_array_append(format->text, (const guint8 *)"|", 1);
}

/* Ten entries to a batch. */
static void put_entry(GByteArray *text, guint record, guint records) {
  static gint64 debits, credits, hash;
  static guint first;
  g_autoptr(GString) lines = g_string_new(NULL);
  guint cents = next_random(1000000), bank = 6100000 + next_random(1000);
  gboolean is_debit = record % 7 == 0;
  if (record % 10 == 1) {
    debits = credits = hash = 0;
    first = record;
    g_string_append_printf(lines, "5200%-16s%20s1234567890PPDPAYROLL   261201261202   106100010%07u\n", "TIDE WATER",
                           "", record / 10 + 1);
  }
  *(is_debit ? &debits : &credits) += cents;
  hash += bank;
  g_string_append_printf(lines, "6%s%08u4%-17u%010uID%-13uMEMBER %-15u  106100010%07u\n", is_debit ? "27" : "22", bank,
                         next_random(1000000), cents, record, record, record % 10000000);
  g_string_append_printf(lines, "705%-80s%04u%07u\n", "BONUS 2026", 1, record % 10000000);
  if (record % 10 == 0 || record == records)
    g_string_append_printf(lines, "8200%06u%010" G_GINT64_FORMAT "%012" G_GINT64_FORMAT "%012" G_GINT64_FORMAT
                           "1234567890%25s06100010%07u\n",
                           2 * (record - first + 1), hash, debits, credits, "", record / 10 + 1);
  g_byte_array_append(text, (const guint8 *)lines->str, (guint)lines->len);
}

static void put_record(guint record) {
  static const guint widths[] = {16, 24, 16, 7, 11, 25, 3, 8};
  guint points = 1 + next_random(9999), cents = next_random(10000000);
  g_autofree char *name = make_name();
  g_autofree char *member = g_strdup_printf("M%09u", next_random(1000000)),
                  *reference = g_strdup_printf("T20261120-%012u", record);
  g_autofree char *at = g_strdup_printf("2026-11-20T%02u:%02u:%02u+08:00", next_random(24), next_random(60),
                                        next_random(60));
  for (guint f = 0; f < G_N_ELEMENTS(formats); f++) {
    Format *format = &formats[f];
    if (format->is_clearing)
      continue;
    gboolean fixed = is_fixed(format);
    g_autofree char *shown_points = g_strdup_printf(fixed ? "%07u" : "%u", points);
    g_autofree char *amount = fixed ? g_strdup_printf("%011u", cents)
                                    : g_strdup_printf("%u.%02u", cents / 100, cents % 100);
    const char *values[] = {member, reference, name, shown_points, amount, at, "CNY", record % 3 ? "" : "GROCERY"};
    g_byte_array_append(format->text, (const guint8 *)"D|", fixed ? 1 : 2);
    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
      put(format, values[i], widths[i], i + 1 == G_N_ELEMENTS(values));
    if (has_line_ends(format))
      g_byte_array_append(format->text, (const guint8 *)"\n", 1);
  }
}

static void make_files(guint records) {
  for (guint f = 0; f < G_N_ELEMENTS(formats); f++) {
    GError *error = NULL;
    ConfLayout *conf = layouts_conf("|", NULL, formats[f].record, NULL); /* as long as the program */
    conf->kind = is_fixed(&formats[f]) ? CONF_LAYOUT_FIXED : CONF_LAYOUT_DELIMITED;
    conf->line_end = has_line_ends(&formats[f]) ? CONF_LINE_END_ANY : CONF_LINE_END_NONE;
    conf->charset = g_strdup(formats[f].charset);
    formats[f].records = formats[f].is_clearing ? records / 22 * 10 : records; /* 22 lines a batch */
    if (formats[f].is_clearing) {
      layouts_group(conf, "batch", BATCH_HEADER, BATCH_TRAILER);
      layouts_beside(&conf->addenda, ADDENDUM);
    }
    formats[f].layout = layout_new(conf, &error);
    check(formats[f].layout != NULL, error);
    formats[f].text = g_byte_array_new();
  }
  for (guint record = 1; record <= records; record++) {
    put_record(record);
    if (record <= formats[G_N_ELEMENTS(formats) - 1].records)
      put_entry(formats[G_N_ELEMENTS(formats) - 1].text, record, formats[G_N_ELEMENTS(formats) - 1].records);
  }
  for (guint f = 0; f < G_N_ELEMENTS(formats); f++) {
    formats[f].fd = memfd_create("format", MFD_CLOEXEC);
    check(formats[f].fd >= 0 &&
              write(formats[f].fd, formats[f].text->data, formats[f].text->len) == (gssize)formats[f].text->len,
          NULL);
  }
}

/* --- Measuring */

static double parse_once(const Format *format) {
  LayoutChunk *chunk = layout_chunk_new(format->layout);
  const guint8 *text = format->text->data;
  gsize length = format->text->len;
  guint64 read = 0;
  double begun = seconds();
  for (gsize offset = 0, end; offset < length; offset = end) {
    end = layout_next_chunk(format->layout, text, length, offset, 512 * 1024);
    LayoutSpan span = {.text = text, .offset = offset, .end = end, .is_first = offset == 0, .is_last = end == length};
    layout_parse(format->layout, &span, chunk);
    read += chunk->block->count;
    check(chunk->block->faults->len == 0, NULL);
  }
  double took = seconds() - begun;
  check(read == format->records, NULL);
  layout_chunk_free(chunk);
  return took;
}

static double stage_once(const Format *format, const char *path) {
  StageOptions options = {.layout = format->layout, .plaintext = format->fd, .path = path, .threads = 2};
  Staged staged;
  GError *error = NULL;
  double begun = seconds();
  check(stage_plaintext(&options, NULL, &staged, &error), error);
  g_autoptr(StagingReader) reader = staging_reader_open(path, &error);
  check(reader != NULL, error);
  g_autofree char *problem = staging_get(reader, "problem.reason");
  if (problem)
    fprintf(stderr, "%s: %s\n", format->name, problem);
  check(problem == NULL, NULL);
  double took = seconds() - begun;
  staged_clear(&staged);
  staging_remove(path);
  return took;
}

static int compare(const void *a, const void *b) {
  return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double median(double *values, guint n) {
  qsort(values, n, sizeof *values, compare);
  return values[n / 2];
}

int main(int argc, char **argv) {
  guint records = argc > 1 ? (guint)atoi(argv[1]) : 500000, rounds = argc > 2 ? (guint)atoi(argv[2]) : 5;
  g_autofree char *path = g_build_filename(argc > 3 ? argv[3] : g_get_tmp_dir(), "bench-formats.db", NULL);
  rounds = CLAMP(rounds, 1, MOST_ROUNDS);
  make_files(records);
  for (guint round = 0; round < rounds; round++)
    for (guint f = 0; f < G_N_ELEMENTS(formats); f++) {
      formats[f].parsing[round] = parse_once(&formats[f]);
      formats[f].staging[round] = stage_once(&formats[f], path);
    }
  for (guint f = 0; f < G_N_ELEMENTS(formats); f++)
    printf("%s\t%u\t%.6f\t%.6f\n", formats[f].name, formats[f].text->len, median(formats[f].parsing, rounds),
           median(formats[f].staging, rounds));
  return 0;
}
