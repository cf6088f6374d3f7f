/* The front in `sallyport status`: it is asked as the lanes are. */
#pragma once
#include "gateway/cli/command.h"
#include <jansson.h>

gboolean cli_is_front_shown(const Cli *cli);
json_t *cli_front_ask(const Cli *cli); /* NULL: it is not wanted here, or does not run. The caller's */
json_t *cli_front_json(const CliOutput *out, const json_t *front);
void cli_front_print(const CliOutput *out, const json_t *front);
