#include "gateway/cli/status_state.h"
#include "gateway/move/compare.h"

json_t *cli_contradictions(const Cli *cli) {
  g_autoptr(GPtrArray) held = held_lanes(&cli->conf->node);
  g_autoptr(GPtrArray) found = state_compare(cli->conf, held);
  json_t *list = json_array();
  for (guint i = 0; i < found->len; i++) {
    const Contradiction *one = found->pdata[i];
    if (one->is_warning)
      continue;
    json_t *object = json_object();
    json_object_set_new(object, "lane", one->lane ? json_string(one->lane) : json_null());
    cli_json_text(object, "text", one->text);
    json_array_append_new(list, object);
  }
  return list;
}

void cli_contradictions_print(const CliOutput *out, const json_t *found) {
  for (size_t i = 0; i < json_array_size(found); i++) {
    const json_t *one = json_array_get(found, i);
    const char *lane = json_string_value(json_object_get(one, "lane"));
    g_autofree char *before = lane ? g_strdup_printf("lane %s cannot start:", lane) : g_strdup("contradiction:");
    cli_sentence(out, CLI_RED, before, "%s", json_string_value(json_object_get(one, "text")));
  }
  if (json_array_size(found))
    cli_sentence(out, CLI_PLAIN, "While",
                 "it is so, a reload of this configuration is refused, and the one before stays in force.");
}
