#include "gateway/cli/status_front.h"
#include "gateway/status/status.h"

gboolean cli_is_front_shown(const Cli *cli) {
  return cli->conf->front.present && !cli->options.lane;
}

json_t *cli_front_ask(const Cli *cli) {
  return cli_is_front_shown(cli) ? front_status_ask(&cli->conf->node) : NULL;
}

json_t *cli_front_json(const CliOutput *out, const json_t *front) {
  json_t *object = json_pack("{s:b}", "running", front != NULL);
  const char *const as_told[] = {"pid", "listen", "connections"};
  for (gsize i = 0; i < G_N_ELEMENTS(as_told); i++)
    if (json_object_get(front, as_told[i]))
      json_object_set(object, as_told[i], json_object_get(front, as_told[i]));
  cli_json_time(out, object, "since", (gint64)json_integer_value(json_object_get(front, "since")));
  return object;
}

void cli_front_print(const CliOutput *out, const json_t *front) {
  if (!front) {
    cli_coloured(out, CLI_RED, "the front is down\n");
    return;
  }
  g_autofree char *since = cli_time(out, (gint64)json_integer_value(json_object_get(front, "since")));
  cli_sentence(out, CLI_PLAIN, "the", "front runs, process %d, on %s, since %s; connections: %d",
               (int)json_integer_value(json_object_get(front, "pid")),
               json_string_value(json_object_get(front, "listen")), since,
               (int)json_integer_value(json_object_get(front, "connections")));
}
