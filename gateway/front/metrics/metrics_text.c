/* The families, in Prometheus' text format. A family's lines stand together, so it is one pass over all lanes for each:
 * a table of families, of which each row writes its samples of one lane. */
#include "gateway/front/metrics/metrics.h"
#include "store/exchange.h"
#include <string.h>

typedef struct {
  GString *text;
  const char *family;
  const LaneStatus *status; /* of the lane that is written */
  const char *lane;
} Sheet;

/* Names and values of labels in turn, up to NULL. Our names hold no quote, no backslash and no line end; what partners
 * write is no label. */
static void put_sample(const Sheet *sheet, const char *suffix, double value, ...) {
  va_list labels;
  g_string_append_printf(sheet->text, "%s%s{lane=\"%s\"", sheet->family, suffix, sheet->lane);
  va_start(labels, value);
  for (const char *name; (name = va_arg(labels, const char *));)
    g_string_append_printf(sheet->text, ",%s=\"%s\"", name, va_arg(labels, const char *));
  va_end(labels);
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append_printf(sheet->text, "} %s\n", g_ascii_dtostr(number, sizeof number, value));
}

static void put_up(const Sheet *sheet) {
  put_sample(sheet, "", sheet->status->answer != NULL, NULL);
}

static void put_files(const Sheet *sheet) {
  const GPtrArray *counts = sheet->status->counts;
  for (guint i = 0; counts && i < counts->len; i++) {
    const BookCount *count = counts->pdata[i];
    put_sample(sheet, "", (double)count->files, "feed", count->feed, "state", file_state_word(count->state), NULL);
  }
}

static void put_records(const Sheet *sheet) {
  const GPtrArray *feeds = sheet->status->lane->conf->feeds;
  for (guint i = 0; i < feeds->len; i++) {
    FeedStatus feed;
    lane_status_feed(sheet->status, ((const ConfFeed *)feeds->pdata[i])->name, &feed);
    put_sample(sheet, "", (double)feed.accepted, "feed", feed.name, "result", "accepted", NULL);
    put_sample(sheet, "", (double)feed.rejected, "feed", feed.name, "result", "rejected", NULL);
    put_sample(sheet, "", (double)feed.duplicates, "feed", feed.name, "result", "duplicate", NULL);
  }
}

static void put_polls(const Sheet *sheet) {
  const GPtrArray *polls = sheet->status->polls;
  for (guint i = 0; polls && i < polls->len; i++) {
    const BookPoll *poll = polls->pdata[i];
    put_sample(sheet, "", (double)poll->last_ok_at / G_USEC_PER_SEC, "feed", poll->feed, NULL);
  }
}

static void put_pending(const Sheet *sheet) {
  put_sample(sheet, "", sheet->status->pending, NULL);
}

static void put_alarms(const Sheet *sheet) {
  const GPtrArray *alarms = sheet->status->alarms;
  g_autoptr(GHashTable) kinds = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; alarms && i < alarms->len; i++) {
    const BookAlarm *alarm = alarms->pdata[i];
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(kinds, alarm->kind));
    if (alarm->state != ALARM_CLEARED)
      g_hash_table_insert(kinds, alarm->kind, GUINT_TO_POINTER(before + 1));
  }
  GHashTableIter all;
  gpointer kind, number;
  g_hash_table_iter_init(&all, kinds);
  while (g_hash_table_iter_next(&all, &kind, &number))
    put_sample(sheet, "", GPOINTER_TO_UINT(number), "kind", (const char *)kind, NULL);
}

static void put_reconciliations(const Sheet *sheet) {
  const GPtrArray *tasks = sheet->status->statements, *reconciles = sheet->status->lane->conf->reconciles;
  for (guint i = 0; reconciles && i < reconciles->len; i++) {
    const char *name = ((const ConfReconcile *)reconciles->pdata[i])->name;
    guint open = 0;
    for (guint j = 0; tasks && j < tasks->len; j++)
      open += strcmp(((const ReconTask *)tasks->pdata[j])->name, name) == 0;
    put_sample(sheet, "", open, "reconcile", name, NULL);
  }
}

/* --- Interfaces: what the lane says of those that it feeds. */

static void put_interfaces(const Sheet *sheet, const char *what) {
  const GPtrArray *feeds = sheet->status->lane->conf->feeds;
  for (guint i = 0; i < feeds->len; i++) {
    const char *feed = ((const ConfFeed *)feeds->pdata[i])->name;
    const json_t *number = json_object_get(lane_status_told(sheet->status, feed, "pressure"), what);
    if (number)
      put_sample(sheet, "", (double)json_integer_value(number), "feed", feed, NULL);
  }
}

static void put_batch_size(const Sheet *sheet) {
  put_interfaces(sheet, "x");
}

static void put_calls(const Sheet *sheet) {
  put_interfaces(sheet, "calls");
}

static void put_failed_calls(const Sheet *sheet) {
  put_interfaces(sheet, "failed");
}

/* --- Mailboxes */

static void put_items(const Sheet *sheet) {
  const GPtrArray *exchanges = sheet->status->lane->conf->exchanges;
  for (guint i = 0; exchanges && sheet->status->lane->reader && i < exchanges->len; i++) {
    const char *mailbox = ((const ConfExchange *)exchanges->pdata[i])->name;
    for (guint d = 0; d < 2; d++) {
      ExchangeTally tally;
      if (!exchange_tally(sheet->status->lane->reader, mailbox, (ExchangeDirection)d, &tally, NULL))
        continue;
      for (guint state = 0; state < EXCHANGE_N_STATES; state++)
        put_sample(sheet, "", (double)tally.counts[state], "mailbox", mailbox, "direction",
                   exchange_direction_word((ExchangeDirection)d), "state", exchange_state_word((ExchangeState)state),
                   NULL);
    }
  }
}

static void put_histogram(const Sheet *sheet, const char *mailbox, const char *phase, const json_t *told) {
  const json_t *bounds = json_object_get(told, "bounds"), *counts = json_object_get(told, "counts");
  json_int_t all = 0;
  for (size_t i = 0; i < json_array_size(counts); i++) {
    char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";
    if (i < json_array_size(bounds))
      g_ascii_dtostr(bound, sizeof bound, (double)json_integer_value(json_array_get(bounds, i)) / G_USEC_PER_SEC);
    all += json_integer_value(json_array_get(counts, i));
    put_sample(sheet, "_bucket", (double)all, "mailbox", mailbox, "phase", phase, "le", bound, NULL);
  }
  put_sample(sheet, "_sum", (double)json_integer_value(json_object_get(told, "sum")) / G_USEC_PER_SEC, "mailbox",
             mailbox, "phase", phase, NULL);
  put_sample(sheet, "_count", (double)all, "mailbox", mailbox, "phase", phase, NULL);
}

static void put_lags(const Sheet *sheet) {
  const json_t *mailboxes = json_object_get(json_object_get(sheet->status->answer, "exchange"), "mailboxes");
  for (size_t i = 0; i < json_array_size(mailboxes); i++) {
    const json_t *mailbox = json_array_get(mailboxes, i);
    const char *phase;
    json_t *told;
    json_object_foreach(json_object_get(mailbox, "lag"), phase, told)
      put_histogram(sheet, json_string_value(json_object_get(mailbox, "mailbox")), phase, told);
  }
}

/* --- The ratings' intakes */

static void put_usage(const Sheet *sheet, gboolean of_answers) {
  const json_t *intakes = json_object_get(json_object_get(sheet->status->answer, "rating"), "intakes");
  for (size_t i = 0; i < json_array_size(intakes); i++) {
    const json_t *intake = json_array_get(intakes, i);
    const char *rating = json_string_value(json_object_get(intake, "rating")), *status;
    json_t *count;
    if (!of_answers)
      put_sample(sheet, "", json_number_value(json_object_get(intake, "records")), "rating", rating, NULL);
    json_object_foreach(of_answers ? json_object_get(intake, "answers") : NULL, status, count)
      put_sample(sheet, "", json_number_value(count), "rating", rating, "status", status, NULL);
  }
}

static void put_usage_records(const Sheet *sheet) {
  put_usage(sheet, FALSE);
}

static void put_usage_batches(const Sheet *sheet) {
  put_usage(sheet, TRUE);
}

static const struct {
  const char *name, *type, *help;
  void (*put)(const Sheet *sheet);
} families[] = {
    {"sallyport_lane_up", "gauge", "1: the lane answers.", put_up},
    {"sallyport_files", "gauge", "Files by feed and state.", put_files},
    {"sallyport_records_total", "counter", "Lines of files that were decided, by result.", put_records},
    {"sallyport_poll_success_timestamp_seconds", "gauge", "When a feed's folder was last looked into.", put_polls},
    {"sallyport_effects_pending", "gauge", "Effects outside of the book that are still to be done.", put_pending},
    {"sallyport_alarms", "gauge", "Alarms that stand, by kind.", put_alarms},
    {"sallyport_reconciliations_open", "gauge", "Reconciliations that are not made, not out, or not told.",
     put_reconciliations},
    {"sallyport_interface_batch_records", "gauge", "Records in a batch, as the pressure allows.", put_batch_size},
    {"sallyport_interface_calls_total", "counter", "Calls since the lane's start.", put_calls},
    {"sallyport_interface_failed_calls_total", "counter", "Calls that failed, since the lane's start.",
     put_failed_calls},
    {"sallyport_exchange_items", "gauge", "Items of a mailbox by direction and state.", put_items},
    {"sallyport_exchange_lag_seconds", "histogram", "From put to seen, to obtained, to acknowledged, since the start.",
     put_lags},
    {"sallyport_usage_batches_total", "counter", "Batches of usage by the status of their answers, since the start.",
     put_usage_batches},
    {"sallyport_usage_records_total", "counter", "Records of the batches that were answered, since the start.",
     put_usage_records},
};

GString *metrics_text(const Conf *conf, gboolean *all_up) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) lanes = status_lanes_open(conf, NULL, &error);
  GString *text = g_string_new(NULL);
  guint n = lanes ? lanes->len : 0;
  g_autofree LaneStatus *all = g_new0(LaneStatus, n + 1);
  *all_up = lanes != NULL;
  for (guint i = 0; i < n; i++) {
    const StatusLane *lane = lanes->pdata[i];
    if (!lane_status_read(lane, &all[i], NULL))
      *all_up = FALSE;
    *all_up = *all_up && (all[i].answer || lane->own);
  }
  for (guint f = 0; f < G_N_ELEMENTS(families); f++) {
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", families[f].name, families[f].help, families[f].name,
                           families[f].type);
    for (guint i = 0; i < n; i++)
      families[f].put(&(Sheet){text, families[f].name, &all[i], all[i].lane->conf->name});
  }
  for (guint i = 0; i < n; i++)
    lane_status_clear(&all[i]);
  return text;
}
