#include "gateway/flow/flow.h"
#include "gateway/common/log.h"
#include <string.h>

StepFunction flow_step_of(const BookFile *file, Place *place, const char **name) {
  static const struct {
    FileState state;
    gboolean is_sealed; /* the answer exists */
    Place place;
    const char *name;
    StepFunction run;
  } steps[] = {
      {FILE_ADMITTED, FALSE, AT_SOURCE, "fetch", flow_fetch},
      {FILE_FETCHED, FALSE, AT_WORKER, "open", flow_open},
      {FILE_OPENED, FALSE, AT_WORKER, "stage", flow_open},
      {FILE_STAGED, FALSE, AT_WORKER, "validate", flow_validate},
      {FILE_VALIDATED, FALSE, AT_PROCESS, "post", flow_post},
      {FILE_POSTING, FALSE, AT_PROCESS, "post", flow_post},
      {FILE_POSTED, FALSE, AT_WORKER, "answer", flow_answer},
      {FILE_REJECTED, FALSE, AT_WORKER, "answer", flow_answer},
      {FILE_DUPLICATE, FALSE, AT_WORKER, "answer", flow_answer},
      {FILE_POSTED, TRUE, AT_FEEDBACK, "deliver", flow_deliver},
      {FILE_REJECTED, TRUE, AT_FEEDBACK, "deliver", flow_deliver},
      {FILE_DUPLICATE, TRUE, AT_FEEDBACK, "deliver", flow_deliver},
      {FILE_ANSWERED, FALSE, AT_SOURCE, "close", flow_close},
      {FILE_ANSWERED, TRUE, AT_SOURCE, "close", flow_close},
  };
  gboolean is_sealed = file->feedback_name != NULL;
  for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
    if (steps[i].state == file->state && steps[i].is_sealed == is_sealed) {
      *place = steps[i].place;
      *name = steps[i].name;
      return steps[i].run;
    }
  return NULL;
}

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

char *flow_remote_path(const char *folder, const void *name, gsize length) {
  gboolean needs_slash = folder[0] != '\0' && !g_str_has_suffix(folder, "/");
  return g_strdup_printf("%s%s%.*s", folder, needs_slash ? "/" : "", (int)length, (const char *)name);
}
