/* What check finds in the configuration, for the commands that look at it before they go on. */
#pragma once
#include "gateway/cli/command.h"

/* Reads all of the configuration into cli->source and cli->conf and checks it: by itself, against this machine, and
 * against what the books hold. FALSE: there are errors in the report, or it could not be read: then cli->source is
 * NULL and why has been told. */
gboolean cli_check(Cli *cli, ConfReport *report) G_GNUC_WARN_UNUSED_RESULT;
json_t *cli_findings_json(const ConfReport *report);
/* One a line, as editors and compilers' readers know it. */
void cli_findings_print(const CliOutput *out, const ConfReport *report);
