#include "gateway/status/file_json.h"
#include "gateway/base/files.h"
#include "gateway/common/json_put.h"
#include <string.h>

/* A file is written as text: a book has hundreds of thousands. Every member is written; null: not known (yet). */
static void put_name(GString *json, const char *name) {
  if (json->str[json->len - 1] != '{')
    g_string_append_c(json, ',');
  g_string_append_c(json, '"');
  g_string_append(json, name);
  g_string_append(json, "\":");
}

static void put_text(GString *json, const char *name, const char *value) {
  put_name(json, name);
  json_put_shown(json, value);
}

static void put_time(GTimeZone *zone, GString *json, const char *name, gint64 at) {
  put_name(json, name);
  if (at == 0 || !json_put_time(json, zone, at))
    g_string_append(json, "null");
}

static void put_count(GString *json, const char *name, guint64 value) {
  char digits[24];
  gsize at = sizeof digits;
  do
    digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  put_name(json, name);
  g_string_append_len(json, digits + at, (gssize)(sizeof digits - at));
}

static void put_amount(GString *json, const char *name, gint64 value, guint scale) {
  put_name(json, name);
  json_put_decimal(json, value, scale);
}

/* Evidence and header are JSON in the book; what is not is shown as text rather than lost. */
static void put_parsed(GString *json, const char *name, const char *text) {
  if (!text || !json_put_fits(text)) {
    put_text(json, name, text);
    return;
  }
  put_name(json, name);
  g_string_append(json, text);
}

static void put_totals(GString *json, const BookFile *file, guint scale) {
  put_count(json, "records", file->records);
  put_count(json, "accepted", file->accepted);
  put_count(json, "rejected", file->rejected);
  put_count(json, "duplicates", file->duplicates);
  put_amount(json, "amount", file->amount, scale);
  put_amount(json, "amount_accepted", file->amount_accepted, scale);
  put_amount(json, "amount_rejected", file->amount_rejected, scale);
  put_amount(json, "amount_duplicate", file->amount_duplicate, scale);
  put_count(json, "batches", file->batches);
  put_count(json, "batches_posted", file->batches_posted);
}

/* What a file waits for, in words: before and behind what it waits on, which is left out where it is not known. */
static const struct {
  const char *before, *behind, *without;
  gboolean is_timed; /* it is looked at again at due_at */
} waits[FILE_N_WAITS] = {
    [FILE_WAIT_EVIDENCE] = {"waits for evidence that it is complete: ", "", "waits for evidence that it is complete",
                            FALSE},
    [FILE_WAIT_MARKER] = {"waits for its marker ", "", "waits for its marker", FALSE},
    [FILE_WAIT_SIGNATURE] = {"waits for its signature ", "", "waits for its signature", FALSE},
    [FILE_WAIT_DECLARATION] = {"waits for its declaration ", "", "waits for its declaration", FALSE},
    [FILE_WAIT_KEYS] = {"waits for keys that file ", " holds", "waits for keys that another file holds", FALSE},
    [FILE_WAIT_NUMBER] = {"waits for number ", " of the sequence", "waits for its turn in the sequence", FALSE},
    [FILE_WAIT_ENDPOINT] = {"waits for endpoint ", "", "waits for its endpoint", TRUE},
    [FILE_WAIT_INTERFACE] = {"waits for the end of a pause that interface ", " asked for", "waits for its interface",
                             TRUE},
    [FILE_WAIT_RETRY] = {"waits for the next try to ", "", "waits for its next try", TRUE},
    [FILE_WAIT_OPERATOR] = {"waits for an operator (", ")", "waits for an operator", FALSE},
};

char *status_wait_words(const BookFile *file, const char *until) {
  if (file->waits_for == FILE_WAIT_NOTHING || file_state_is_terminal(file->state))
    return NULL;
  GString *words = g_string_new(NULL);
  if (file->waits_on)
    g_string_append_printf(words, "%s%s%s", waits[file->waits_for].before, file->waits_on,
                           waits[file->waits_for].behind);
  else
    g_string_append(words, waits[file->waits_for].without);
  if (waits[file->waits_for].is_timed && file->due_at)
    g_string_append_printf(words, " until %s", until);
  if (file->waits_why)
    g_string_append_printf(words, ": %s", file->waits_why);
  g_autofree char *raw = g_string_free(words, FALSE);
  return files_show_bytes(raw, strlen(raw), G_MAXSIZE);
}

static char *until_of(GTimeZone *zone, gint64 at) {
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC);
  g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, zone) : NULL;
  return local ? g_date_time_format(local, "%Y-%m-%dT%H:%M:%S%:z") : g_strdup("-");
}

static void put_wait(GTimeZone *zone, GString *object, const BookFile *file) {
  gint64 until = waits[file->waits_for].is_timed ? file->due_at : 0;
  g_autofree char *shown = until ? until_of(zone, until) : NULL;
  g_autofree char *words = status_wait_words(file, shown);
  put_name(object, "waits");
  g_string_append(object, words ? "{" : "null");
  if (!words)
    return;
  put_text(object, "for", file_wait_word(file->waits_for));
  put_text(object, "on", file->waits_on);
  put_text(object, "why", file->waits_why);
  put_time(zone, object, "until", until);
  put_text(object, "words", words);
  g_string_append_c(object, '}');
}

void status_file_put(GTimeZone *zone, const Conf *conf, const StatusLane *lane, const BookFile *file,
                     GString *object) {
  g_string_append_c(object, '{');
  put_text(object, "id", file->id);
  put_text(object, "lane", lane->conf->name);
  put_text(object, "feed", file->feed);
  put_text(object, "name", file->name_shown);
  put_text(object, "folder", file->folder);
  put_text(object, "state", file_state_word(file->state));
  put_text(object, "outcome", file_outcome_word(file->outcome));
  put_wait(zone, object, file);
  put_text(object, "held_from", file->state == FILE_HELD ? file_state_word(file->held_from) : NULL);
  put_count(object, "size", file->size);
  put_time(zone, object, "modified", file->modified * G_USEC_PER_SEC);
  put_time(zone, object, "seen_at", file->seen_at);
  put_time(zone, object, "changed_at", file->changed_at);
  put_time(zone, object, "due_at", file_state_is_terminal(file->state) ? 0 : file->due_at);
  put_count(object, "attempts", file->attempts);
  put_text(object, "problem", file->problem);
  put_count(object, "deaths", file->deaths);
  put_text(object, "reason_code", file->reason_code);
  put_text(object, "reason", file->reason);
  put_text(object, "duplicate_of", file->duplicate_of);
  put_parsed(object, "evidence", file->evidence);
  put_count(object, "cipher_size", file->cipher_size);
  put_text(object, "cipher_sha256", file->cipher_sha256);
  put_count(object, "plain_size", file->plain_size);
  put_text(object, "plain_sha256", file->plain_sha256);
  put_text(object, "signer", file->signer);
  put_text(object, "trust", file->trust);
  put_text(object, "business_date", file->business_date);
  put_parsed(object, "header", file->header);
  put_totals(object, file, status_file_scale(conf, lane, file));
  put_text(object, "feedback_name", file->feedback_name);
  g_string_append_c(object, '}');
}

json_t *status_file_json(GTimeZone *zone, const Conf *conf, const StatusLane *lane, const BookFile *file) {
  g_autoptr(GString) text = g_string_new(NULL);
  status_file_put(zone, conf, lane, file, text);
  return json_loads(text->str, 0, NULL);
}
