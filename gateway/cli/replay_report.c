#include "gateway/cli/replay_report.h"
#include <string.h>

enum { DELTA_SCALE = WIDE_SCALE_MAX };

/* Cases that differ alike. */
typedef struct {
  char *feed, *scenario, *channel;
  ReplayStatus status;
  char *field; /* REPLAY_INCONSISTENT; else why */
  int sign;    /* of the amount's change */
  guint64 cases;
  Wide sum, largest; /* changes of the amount, at DELTA_SCALE */
  gboolean is_beyond; /* the sum leaves its bits */
  char *example;      /* the case with the largest change, or the first */
} ReplayGroup;

struct ReplayReport {
  guint64 counts[REPLAY_N_STATUSES];
  GHashTable *groups; /* name → ReplayGroup */
  GHashTable *feeds;  /* names */
  json_t *differences;
};

static void group_free(gpointer data) {
  ReplayGroup *group = data;
  g_free(group->feed);
  g_free(group->scenario);
  g_free(group->channel);
  g_free(group->field);
  g_free(group->example);
  g_free(group);
}

ReplayReport *replay_report_new(void) {
  ReplayReport *report = g_new0(ReplayReport, 1);
  report->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);
  report->feeds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  report->differences = json_array();
  return report;
}

void replay_report_free(ReplayReport *report) {
  if (!report)
    return;
  g_hash_table_unref(report->groups);
  g_hash_table_unref(report->feeds);
  json_decref(report->differences);
  g_free(report);
}

guint64 replay_report_count(const ReplayReport *report, ReplayStatus status) {
  return report->counts[status];
}

guint64 replay_report_cases(const ReplayReport *report) {
  guint64 all = 0;
  for (guint i = 0; i < REPLAY_N_STATUSES; i++)
    all += report->counts[i];
  return all;
}

gboolean replay_report_has_feed(const ReplayReport *report, const char *feed) {
  return g_hash_table_contains(report->feeds, feed);
}

/* --- Changes of amounts */

/* "12.30", brought to DELTA_SCALE. */
static gboolean read_amount(const char *text, Wide *amount) {
  gboolean negative = text && *text == '-', behind = FALSE;
  guint decimals = 0;
  *amount = 0;
  for (const char *at = text ? text + negative : ""; *at; at++) {
    if (*at == '.') {
      behind = TRUE;
      continue;
    }
    decimals += behind ? 1 : 0;
    if (__builtin_mul_overflow(*amount, (Wide)10, amount) || __builtin_add_overflow(*amount, *at - '0', amount))
      return FALSE;
  }
  for (; decimals < DELTA_SCALE; decimals++)
    if (__builtin_mul_overflow(*amount, (Wide)10, amount))
      return FALSE;
  *amount = negative ? -*amount : *amount;
  return text != NULL;
}

static char *show_amount(Wide amount) {
  char digits[WIDE_BYTES];
  gsize length = wide_print(amount, DELTA_SCALE, digits);
  while (digits[length - 1] == '0')
    length--;
  return g_strndup(digits, digits[length - 1] == '.' ? length - 1 : length);
}

static gboolean change_of(const LibraryCase *one, const ReplayVerdict *verdict, Wide *change) {
  json_t *before = json_loads(one->result, 0, NULL), *now = verdict->got ? json_loads(verdict->got, 0, NULL) : NULL;
  Wide stored, got;
  gboolean has = read_amount(json_string_value(json_object_get(before, "amount")), &stored) &&
                 read_amount(json_string_value(json_object_get(now, "amount")), &got) &&
                 !__builtin_sub_overflow(got, stored, change);
  json_decref(before);
  json_decref(now);
  return has;
}

/* --- Adding */

static ReplayGroup *group_of(ReplayReport *report, const LibraryCase *one, const ReplayVerdict *verdict, int sign) {
  const char *field = verdict->status == REPLAY_INCONSISTENT ? verdict->field : verdict->why;
  g_autofree char *name = g_strdup_printf("%s\n%s\n%s\n%d\n%s\n%d", one->feed, one->scenario, one->channel,
                                          (int)verdict->status, field, sign);
  ReplayGroup *group = g_hash_table_lookup(report->groups, name);
  if (group)
    return group;
  group = g_new0(ReplayGroup, 1);
  *group = (ReplayGroup){.feed = g_strdup(one->feed),
                   .scenario = g_strdup(one->scenario),
                   .channel = g_strdup(one->channel),
                   .status = verdict->status,
                   .field = g_strdup(field),
                   .sign = sign,
                   .example = g_strdup(one->id)};
  g_hash_table_insert(report->groups, g_steal_pointer(&name), group);
  return group;
}

static void add_to(ReplayGroup *group, const LibraryCase *one, Wide change) {
  Wide size = change < 0 ? -change : change;
  group->cases++;
  if (__builtin_add_overflow(group->sum, change, &group->sum))
    group->is_beyond = TRUE;
  if (size <= group->largest)
    return;
  group->largest = size;
  g_free(group->example);
  group->example = g_strdup(one->id);
}

static void note_difference(ReplayReport *report, const LibraryCase *one, const ReplayVerdict *verdict,
                            const char *change) {
  if (json_array_size(report->differences) == REPLAY_DIFFERENCES_SHOWN)
    return;
  json_array_append_new(report->differences,
                        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s?, s:o, s:o?, s:s?, s:s?}", "case", one->id,
                                  "feed", one->feed, "scenario", one->scenario, "channel", one->channel, "file",
                                  one->file, "line", (json_int_t)one->line, "status",
                                  replay_status_word(verdict->status), "field", verdict->field, "stored",
                                  json_loads(one->result, 0, NULL), "got",
                                  verdict->got ? json_loads(verdict->got, 0, NULL) : NULL, "delta", change, "why",
                                  verdict->why));
}

gboolean replay_report_add(gpointer user, const LibraryCase *one, const ReplayVerdict *verdict) {
  ReplayReport *report = user;
  Wide change = 0;
  report->counts[verdict->status]++;
  if (!g_hash_table_contains(report->feeds, one->feed))
    g_hash_table_add(report->feeds, g_strdup(one->feed));
  if (verdict->status == REPLAY_CONSISTENT)
    return TRUE;
  gboolean has = change_of(one, verdict, &change) && change != 0;
  g_autofree char *shown = has ? show_amount(change) : NULL;
  add_to(group_of(report, one, verdict, has ? (change < 0 ? -1 : 1) : 0), one, change);
  note_difference(report, one, verdict, shown);
  return TRUE;
}

/* --- Told */

static gint by_name(gconstpointer a, gconstpointer b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *sorted_groups(const ReplayReport *report) {
  GPtrArray *names = g_ptr_array_new();
  GHashTableIter each;
  gpointer name;
  g_hash_table_iter_init(&each, report->groups);
  while (g_hash_table_iter_next(&each, &name, NULL))
    g_ptr_array_add(names, name);
  g_ptr_array_sort(names, by_name);
  for (guint i = 0; i < names->len; i++)
    names->pdata[i] = g_hash_table_lookup(report->groups, names->pdata[i]);
  return names;
}

static char *sum_of(const ReplayGroup *group) {
  return group->is_beyond ? g_strdup("beyond") : group->sign ? show_amount(group->sum) : NULL;
}

json_t *replay_report_json(const ReplayReport *report) {
  g_autoptr(GPtrArray) groups = sorted_groups(report);
  json_t *counts = json_object(), *list = json_array();
  for (guint i = 0; i < REPLAY_N_STATUSES; i++)
    json_object_set_new(counts, replay_status_word(i), json_integer((json_int_t)report->counts[i]));
  for (guint i = 0; i < groups->len; i++) {
    const ReplayGroup *group = groups->pdata[i];
    g_autofree char *sum = sum_of(group), *largest = group->sign ? show_amount(group->largest) : NULL;
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s?, s:s?, s:s}", "feed", group->feed,
                                          "scenario", group->scenario, "channel", group->channel, "status",
                                          replay_status_word(group->status), "differs", group->field, "cases",
                                          (json_int_t)group->cases, "sum", sum, "largest", largest, "case",
                                          group->example));
  }
  return json_pack("{s:I, s:o, s:o, s:O}", "cases", (json_int_t)replay_report_cases(report), "counts", counts, "groups",
                   list, "differences", report->differences);
}

void replay_report_print(const ReplayReport *report, const CliOutput *out) {
  static const CliColumn columns[] = {{"STATUS", CLI_LEFT, CLI_WHOLE},   {"FEED", CLI_LEFT, CLI_WHOLE},
                                      {"SCENARIO", CLI_LEFT, CLI_WHOLE}, {"CHANNEL", CLI_LEFT, CLI_WHOLE},
                                      {"DIFFERS", CLI_LEFT, CLI_SHRINKS}, {"CASES", CLI_RIGHT, CLI_WHOLE},
                                      {"SUM", CLI_RIGHT, CLI_WHOLE},     {"CASE", CLI_LEFT, CLI_WHOLE}};
  g_autoptr(GPtrArray) groups = sorted_groups(report);
  CliTable *table = cli_table_new(columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < groups->len; i++) {
    const ReplayGroup *group = groups->pdata[i];
    cli_table_coloured(table, g_strdup(replay_status_chinese(group->status)), CLI_RED);
    cli_table_cell(table, g_strdup(group->feed));
    cli_table_cell(table, g_strdup(group->scenario));
    cli_table_cell(table, g_strdup(group->channel));
    cli_table_cell(table, g_strdup(group->field));
    cli_table_cell(table, cli_unsigned(out, group->cases));
    cli_table_cell(table, sum_of(group));
    cli_table_cell(table, g_strndup(group->example, 12));
  }
  if (groups->len > 0)
    cli_table_print(table, out);
  else
    cli_table_free(table);
  for (guint i = 0; i < REPLAY_N_STATUSES; i++) {
    g_autofree char *count = cli_unsigned(out, report->counts[i]);
    fprintf(out->file, "%s%s %s %s", i ? ", " : "", count, replay_status_chinese(i), replay_status_word(i));
  }
  fprintf(out->file, "\n");
}
