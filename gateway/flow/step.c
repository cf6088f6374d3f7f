#include "gateway/flow/step.h"
#include "gateway/common/log.h"
#include "store/book_watch.h"

typedef struct {
  BookFile *file;
  FileState to;
  const char *detail;
} Advance;

static gboolean advance_change(BookTransaction *tx, gpointer data, GError **error) {
  const Advance *advance = data;
  return book_advance_file(tx, advance->file, advance->to, advance->detail, error);
}

void flow_log(Step *step, const char *detail) {
  const BookFile *file = step->file;
  gboolean is_aside = file->state == FILE_REJECTED || file->state == FILE_HELD;
  gint64 now = g_get_monotonic_time();
  log_event(is_aside ? LOG_WARNING : LOG_INFO, "file", {"feed", step->feed->conf->name}, {"file", file->id},
            {"state", file_state_word(file->state)}, {"name", file->name_shown}, {"detail", detail},
            {"ms", log_number((now - step->since) / 1000)});
  step->since = now;
}

gboolean flow_advance(Step *step, FileState to, const char *detail, GError **error) {
  FileState from = step->file->state;
  Advance advance = {step->file, to, detail};
  step->file->changed_at = g_get_real_time();
  if (!book_write(step->flow->book, advance_change, &advance, error)) {
    step->file->state = from;
    return FALSE;
  }
  flow_log(step, detail);
  return TRUE;
}

void flow_set_reason(BookFile *file, const char *code, const char *reason) {
  char *old_code = file->reason_code, *old_reason = file->reason;
  file->reason_code = g_strdup(code);
  file->reason = g_strdup(reason);
  g_free(old_code);
  g_free(old_reason);
}

/* --- Waiting */

/* What is usual, and what a person should see go by. */
static const LogLevel levels[FILE_N_WAITS] = {
    [FILE_WAIT_NOTHING] = LOG_DEBUG,
    [FILE_WAIT_EVIDENCE] = LOG_DEBUG,
    [FILE_WAIT_MARKER] = LOG_INFO,
    [FILE_WAIT_SIGNATURE] = LOG_INFO,
    [FILE_WAIT_DECLARATION] = LOG_INFO,
    [FILE_WAIT_KEYS] = LOG_INFO,
    [FILE_WAIT_NUMBER] = LOG_INFO,
    [FILE_WAIT_ENDPOINT] = LOG_INFO,
    [FILE_WAIT_INTERFACE] = LOG_INFO,
    [FILE_WAIT_RETRY] = LOG_DEBUG, /* the failure has a line of its own */
    [FILE_WAIT_OPERATOR] = LOG_INFO,
};

static gboolean is_as_before(const BookFile *file, const Wait *wait) {
  return file->waits_for == wait->what && g_strcmp0(file->waits_on, wait->on) == 0;
}

typedef struct {
  const BookFile *file;
  const Wait *wait;
} PutOff;

static gboolean put_off_change(BookTransaction *tx, gpointer data, GError **error) {
  const PutOff *put_off = data;
  const Wait *wait = put_off->wait;
  return (!wait->also || wait->also(tx, wait->data, error)) && book_note_file(tx, put_off->file, wait->note, error);
}

gboolean flow_put_off(Step *step, gint64 until, const Wait *wait, GError **error) {
  BookFile *file = step->file;
  LogLevel level = is_as_before(file, wait) ? LOG_DEBUG : levels[wait->what];
  PutOff put_off = {file, wait};
  file->due_at = until;
  book_file_set_wait(file, wait->what, wait->on, wait->why);
  if (!book_write(step->flow->book, put_off_change, &put_off, error))
    return FALSE;
  log_event(level, "waits", {"feed", step->feed->conf->name}, {"file", file->id},
            {"for", file_wait_word(wait->what)}, {"on", wait->on}, {"why", wait->why},
            {"ms", log_number((until - g_get_real_time()) / 1000)});
  return TRUE;
}

/* --- Out of the way */

gboolean flow_raise_rejected(BookTransaction *tx, const Step *step, const BookFile *file, const char *code,
                             const char *reason, GError **error) {
  const char *feed = step->feed->conf->name;
  g_autofree char *text = g_strdup_printf("%s: file %s is refused as a whole, its answer says so (%s)", feed, file->id,
                                          code);
  AlarmCall call = {.kind = "file-rejected",
                    .subject = feed,
                    .feed = feed,
                    .text = text,
                    .detail = reason,
                    .weight = g_get_real_time(),
                    .ways = step->flow->alarm_ways};
  return book_raise_alarm(tx, &call, error);
}

void flow_release_keys(const Step *step) {
  keygate_release(step->flow->gate, step->file->id);
  if (step->feed->ledger)
    ledger_forget_promise(step->feed->ledger, step->file->id);
}

typedef struct {
  const Step *step;
  BookFile *file;
  const Aside *aside;
  const char *detail;
} SetAside;

static gboolean aside_change(BookTransaction *tx, gpointer data, GError **error) {
  const SetAside *set = data;
  const Aside *aside = set->aside;
  return (!aside->also || aside->also(tx, aside->data, error)) &&
         (aside->to != FILE_REJECTED ||
          flow_raise_rejected(tx, set->step, set->file, aside->code, aside->reason, error)) &&
         book_advance_file(tx, set->file, aside->to, set->detail, error);
}

gboolean flow_set_aside(Step *step, const Aside *aside, GError **error) {
  BookFile *file = step->file;
  FileState from = file->state, held_from = file->held_from;
  g_autofree char *detail = g_strdup_printf("%s %s", aside->code, aside->reason);
  SetAside set = {step, file, aside, detail};
  flow_set_reason(file, aside->code, aside->reason);
  file->held_from = aside->to == FILE_HELD ? from : held_from;
  file->due_at = g_get_real_time();
  if (!book_write(step->flow->book, aside_change, &set, error)) {
    file->state = from;
    file->held_from = held_from;
    return FALSE;
  }
  flow_release_keys(step);
  flow_log(step, detail);
  return TRUE;
}

gboolean flow_hold(Step *step, const char *code, const char *reason, GError **error) {
  return flow_set_aside(step, &(Aside){.to = FILE_HELD, .code = code, .reason = reason}, error);
}

gboolean flow_reject(Step *step, const char *code, const char *reason, GError **error) {
  return flow_set_aside(step, &(Aside){.to = FILE_REJECTED, .code = code, .reason = reason}, error);
}
