#include "gateway/flow/decided.h"

gboolean decided_endpoint(BookReader *reader, const char *file, char **endpoint, GError **error) {
  g_autoptr(GPtrArray) intents = book_intents(reader, file, error);
  *endpoint = NULL;
  for (guint i = 0; intents && i < intents->len && !*endpoint; i++) {
    const BookIntent *intent = intents->pdata[i];
    *endpoint = intent->state == INTENT_PENDING ? g_strdup(intent->endpoint) : NULL;
  }
  return intents != NULL;
}

gboolean decided_is_here(const Step *step, const BookIntent *intent, GError **error) {
  return g_strcmp0(step->endpoint, intent->endpoint) == 0 ||
         sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                             "%s was to be put to endpoint %s, which is decided and may have been begun; it is not in "
                             "the configuration any more: put it back, at least until this file is closed",
                             intent->to, intent->endpoint);
}

char *decided_source(const Step *step, const BookIntent *intent) {
  g_autofree char *name = g_path_get_basename(intent->from);
  return g_build_filename(step->flow->paths->out, name, NULL);
}
