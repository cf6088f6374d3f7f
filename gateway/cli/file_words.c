#include "gateway/cli/file_words.h"
#include "gateway/status/file_json.h"
#include <stdlib.h>

char *cli_wait_words(const CliOutput *out, const BookFile *file) {
  g_autofree char *until = cli_time_brief(out, file->due_at);
  return status_wait_words(file, until);
}

char *cli_flat_json(const char *text) {
  json_t *object = text ? json_loads(text, 0, NULL) : NULL;
  if (!json_is_object(object))
    return json_decref(object), g_strdup(text);
  GString *flat = g_string_new(NULL);
  const char *name;
  json_t *value;
  json_object_foreach(object, name, value) {
    char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    g_string_append_printf(flat, "%s%s=%s", flat->len ? ", " : "", name, dumped ? dumped : json_string_value(value));
    free(dumped);
  }
  json_decref(object);
  return g_string_free(flat, FALSE);
}

const char *cli_outcome_word(Outcome outcome) {
  return outcome == OUTCOME_ACCEPTED ? "accepted" : outcome == OUTCOME_REJECTED ? "rejected" : "duplicate";
}

json_t *cli_refused_json(const GPtrArray *refused) {
  json_t *list = json_array();
  for (guint i = 0; refused && i < refused->len; i++) {
    const RecordException *row = refused->pdata[i];
    json_t *object = json_pack("{s:I, s:I, s:s}", "record", (json_int_t)row->record, "line", (json_int_t)row->line,
                               "outcome", cli_outcome_word(row->outcome));
    cli_json_text(object, "code", row->code);
    cli_json_text(object, "reason", row->reason);
    json_array_append_new(list, object);
  }
  return list;
}
