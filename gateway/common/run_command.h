/* Runs one program: arguments as configured and nothing else, a text on its standard input, a minimal
 * environment, no shell, a deadline, and a bound on what is read of its output. The calling thread waits. */
#pragma once
#include "gateway/base/error.h"

typedef struct {
  char *const *argv; /* NULL-terminated; a name without slash is looked for in PATH */
  const char *input; /* on its standard input, from a file that is whole before it starts */
  guint seconds;     /* then it is killed, with all that it has started */
  int cancel;        /* readable: kill it now. -1: none */
} CommandRun;
/* PARTNER when it ends with another status than 0 or is killed, with the beginning of what it printed; AGAIN when it
 * could not be started for want of something. */
gboolean command_run(const CommandRun *run, GError **error) G_GNUC_WARN_UNUSED_RESULT;
