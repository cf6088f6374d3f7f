#include "gateway/flow/flow.h"

StepFunction flow_step_of(const BookFile *file, StepPlace *place, const char **name) {
  static const struct {
    FileState state;
    StepPlace place;
    const char *name;
    StepFunction run;
  } steps[] = {
      {FILE_ADMITTED, AT_SOURCE, "fetch", flow_fetch},
      {FILE_FETCHED, AT_WORKER, "open", flow_open},
      {FILE_OPENED, AT_WORKER, "stage", flow_open},
      {FILE_STAGED, AT_WORKER, "validate", flow_validate},
      {FILE_VALIDATED, AT_PROCESS, "post", flow_post},
      {FILE_POSTING, AT_PROCESS, "post", flow_post},
      {FILE_POSTED, AT_WORKER, "answer", flow_answer},
      {FILE_REJECTED, AT_WORKER, "answer", flow_answer},
      {FILE_DUPLICATE, AT_WORKER, "answer", flow_answer},
      {FILE_SEALED, AT_FEEDBACK, "deliver", flow_deliver},
      {FILE_ANSWERED, AT_SOURCE, "close", flow_close},
  };
  for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
    if (steps[i].state == file->state) {
      *place = steps[i].place;
      *name = steps[i].name;
      return steps[i].run;
    }
  return NULL;
}
