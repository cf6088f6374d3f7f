#include "gateway/common/log.h"
#include "gateway/flow/flow.h"

typedef struct {
  BookFile *file;
  FileState to;
  const char *detail;
} Advance;

static gboolean advance_change(BookTransaction *tx, gpointer data, GError **error) {
  const Advance *advance = data;
  return book_advance_file(tx, advance->file, advance->to, advance->detail, error);
}

void flow_tell(Step *step, const char *detail) {
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
  flow_tell(step, detail);
  return TRUE;
}

void flow_set_reason(BookFile *file, const char *code, const char *reason) {
  char *old_code = file->reason_code, *old_reason = file->reason;
  file->reason_code = g_strdup(code);
  file->reason = g_strdup(reason);
  g_free(old_code);
  g_free(old_reason);
}

gboolean flow_reject(Step *step, const char *code, const char *reason, GError **error) {
  BookFile *file = step->file;
  flow_set_reason(file, code, reason);
  file->due_at = g_get_real_time();
  g_autofree char *detail = g_strdup_printf("%s %s", code, reason);
  return flow_advance(step, FILE_REJECTED, detail, error);
}
