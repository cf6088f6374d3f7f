#include "gateway/process/process.h"

gboolean process_deliver(Step *step, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "feed %s: this build has no process deliver", step->feed->conf->name);
}
