/* Asking: at a terminal until the answer is good; elsewhere what is not told takes its default, or is missed. */
#include "gateway/cli/init/init.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  Cli *cli;
  InitAnswers *answers;
  const char *save;
  gboolean is_terminal;
  guint asked;
} Asking;

/* A line without its end; NULL: there is no more. */
static char *read_line(void) {
  g_autoptr(GString) line = g_string_new(NULL);
  int byte;
  while ((byte = getchar()) != EOF && byte != '\n')
    g_string_append_c(line, (char)byte);
  return byte == EOF ? NULL : g_strstrip(g_strdup(line->str));
}

static void show_host_keys(const Asking *asking) {
  const GPtrArray *shown = asking->answers->shown;
  FILE *file = asking->cli->out->file;
  fprintf(file, "\nThe server shows:\n");
  for (guint i = 0; i < shown->len; i++)
    fprintf(file, "  %s\n", (const char *)shown->pdata[i]);
  fprintf(file, "Compare it with what the partner tells you by another way (a call, a letter).\n");
}

/* "yes" is the first of the keys that stand above it. */
static char *meant(const Asking *asking, InitName name, char *text) {
  if (name != INIT_HOST_KEY || strcmp(text, "yes") != 0)
    return text;
  g_free(text);
  return g_strdup(init_shown_fingerprint(asking->answers, 0));
}

/* TRUE: answered. FALSE: broken off. */
static gboolean ask_person(Asking *asking, InitName name) {
  const InitQuestion *question = &init_questions[name];
  FILE *file = asking->cli->out->file;
  g_autofree char *offered = name == INIT_HOST_KEY ? g_strdup("no") : init_default(asking->answers, name);
  asking->asked++;
  for (;;) {
    fprintf(file, "\n%u. %s", asking->asked, question->text);
    fprintf(file, offered ? " [%s]: " : ": ", offered);
    fflush(file);
    g_autofree char *typed = read_line();
    if (!typed)
      return FALSE;
    g_autofree char *text = meant(asking, name, g_strdup(*typed || !offered ? typed : offered));
    if (name == INIT_HOST_KEY && strcmp(text, "no") == 0)
      return FALSE;
    g_autofree char *wrong = init_wrong(asking->answers, name, text);
    if (!wrong) {
      asking->answers->texts[name] = g_steal_pointer(&text);
      return TRUE;
    }
    fprintf(file, "   %s\n", wrong);
  }
}

static CliExit take_given(Asking *asking, InitName name) {
  const char *text = asking->answers->texts[name];
  g_autofree char *wrong = init_wrong(asking->answers, name, text);
  if (!wrong)
    return CLI_EXIT_FINE;
  g_autofree char *shown = cli_printable(g_strdup(text));
  cli_complain("%s = %s: %s", init_questions[name].name, shown, wrong);
  return CLI_EXIT_CONFIGURATION;
}

static CliExit take_default(Asking *asking, InitName name) {
  asking->answers->texts[name] = init_default(asking->answers, name);
  if (asking->answers->texts[name])
    return take_given(asking, name);
  cli_complain("the answer \"%s\" is missing: %s", init_questions[name].name, init_questions[name].text);
  return CLI_EXIT_USAGE;
}

static CliExit broken_off(const Asking *asking) {
  if (asking->answers->shown && !asking->answers->texts[INIT_HOST_KEY])
    cli_complain("without the partner's host key nothing is set up; ask the partner for its fingerprint");
  cli_complain("no configuration was written; the answers so far are in %s, and the next `sallyport init` offers them",
               asking->save);
  return CLI_EXIT_FAILED;
}

static CliExit ask_one(Asking *asking, InitName name);

/* Nobody is there, or no SSH server: the address may be mistyped. It is offered again, and Ctrl-D ends it. */
static CliExit ask_host_again(Asking *asking, const GError *error) {
  InitAnswers *answers = asking->answers;
  fprintf(asking->cli->out->file, "   %s\n", error->message);
  g_free(answers->before[INIT_HOST]);
  answers->before[INIT_HOST] = g_steal_pointer(&answers->texts[INIT_HOST]);
  asking->asked--;
  g_clear_pointer(&answers->shown, g_ptr_array_unref);
  CliExit status = ask_one(asking, INIT_HOST);
  return status == CLI_EXIT_FINE ? ask_one(asking, INIT_HOST_KEY) : status;
}

static CliExit ask_one(Asking *asking, InitName name) {
  g_autoptr(GError) error = NULL;
  if (name == INIT_HOST_KEY && !init_fetch_host_keys(asking->answers, &error))
    return asking->is_terminal ? ask_host_again(asking, error) : cli_fail(error);
  if (name == INIT_HOST_KEY && !asking->answers->texts[name] && asking->is_terminal)
    show_host_keys(asking);
  if (asking->answers->texts[name])
    return take_given(asking, name);
  if (!asking->is_terminal)
    return take_default(asking, name);
  if (!ask_person(asking, name))
    return broken_off(asking);
  return init_answers_save(asking->answers, asking->save, &error) ? CLI_EXIT_FINE : cli_fail(error);
}

CliExit init_ask(Cli *cli, InitAnswers *answers, const char *save) {
  Asking asking = {.cli = cli, .answers = answers, .save = save, .is_terminal = isatty(STDIN_FILENO) == 1};
  if (asking.is_terminal)
    fprintf(cli->out->file, "At most %d questions. What stands in [ ] is taken when you only press Enter.\n",
            INIT_ASKED_MOST);
  for (InitName name = 0; name < INIT_QUESTIONS; name++) {
    if (!init_is_asked(answers, name)) {
      g_clear_pointer(&answers->texts[name], g_free);
      continue;
    }
    CliExit status = ask_one(&asking, name);
    if (status != CLI_EXIT_FINE)
      return status;
  }
  return CLI_EXIT_FINE;
}
