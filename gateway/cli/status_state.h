/* status: where the configuration contradicts what the books hold. */
#pragma once
#include "gateway/cli/command.h"
#include <jansson.h>

/* [{lane, text}, …]; lane is null where no lane of the configuration is meant. The caller's. */
json_t *cli_contradictions(const Cli *cli);
void cli_contradictions_print(const CliOutput *out, const json_t *found);
