#include "gateway/flow/flow.h"

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
