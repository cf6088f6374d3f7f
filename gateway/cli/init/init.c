/* init: from nothing to a configuration that is good, and what to do with it. */
#include "gateway/cli/init/init.h"
#include "gateway/cli/findings.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct {
  char *answers, **answer;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, answers, "answers", 'a', "FILE", "lines NAME = ANSWER, instead of questions", CLI_VALUE_PATH),
    CLI_OPTION(Given, answer, "answer", 0, G_OPTION_ARG_STRING_ARRAY, "NAME=ANSWER", "one of them; may be repeated",
               CLI_VALUE_TEXT),
    {0}};

typedef struct {
  Cli *cli;
  char *configuration, *draft, *saved;
  InitAnswers answers;
} Init;

static gboolean take_answers(Init *init, GError **error) {
  const Given *given = init->cli->own;
  if (g_file_test(init->saved, G_FILE_TEST_IS_REGULAR) &&
      !init_answers_read(init->answers.before, init->saved, error))
    return FALSE;
  if (given->answers && !init_answers_read(init->answers.texts, given->answers, error))
    return FALSE;
  for (char **one = given->answer; one && *one; one++)
    if (!init_answers_take(init->answers.texts, *one, "--answer", error))
      return FALSE;
  return TRUE;
}

/* Told before the first question, not behind the last one. */
static gboolean can_begin(const Init *init, GError **error) {
  g_autofree char *folder = g_path_get_dirname(init->configuration);
  if (g_file_test(init->configuration, G_FILE_TEST_EXISTS))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s is there already, and nothing is written over it; a further partner is a file in "
                               "%s/conf.d (see sallyport.conf(5))",
                               init->configuration, folder);
  if (g_mkdir_with_parents(folder, 0755) != 0 || access(folder, W_OK) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s: %s; run it as root, or name a file elsewhere: sallyport --config FILE init", folder,
                               g_strerror(errno));
  return TRUE;
}

/* As `check` does, of the draft, which is kept where it has errors: their lines are its. */
static gboolean check_draft(Init *init) {
  Cli cli = {.out = init->cli->out, .options.config = init->draft};
  ConfReport *report = conf_report_new();
  gboolean ok = cli_check(&cli, report);
  if (!init->cli->out->is_json)
    cli_findings_print(cli.out, report);
  else if (!ok)
    cli_json(cli.out, json_pack("{s:b, s:o}", "ok", 0, "findings", cli_findings_json(report)));
  conf_report_free(report);
  conf_free(cli.conf);
  conf_source_free(cli.source);
  return ok;
}

static gboolean place(Init *init, const char *identity, GError **error) {
  const InitAnswers *answers = &init->answers;
  g_autofree char *text = init_text(answers, identity, error);
  if (!text || !init_own_folder(answers->texts[INIT_STATE], error) ||
      (answers->texts[INIT_INTO] && !init_own_folder(answers->texts[INIT_INTO], error)) ||
      !init_draft(init->draft, text, error))
    return FALSE;
  if (!check_draft(init)) {
    if (!init_answers_save(answers, init->saved, error))
      return FALSE;
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s is not good and was not put in its place; the answers are in %s: the next "
                               "`sallyport init` offers them",
                               init->draft, init->saved);
  }
  if (!init_publish(init->draft, init->configuration, error))
    return FALSE;
  (void)g_unlink(init->saved);
  return TRUE;
}

static void tell_next(const Init *init, const char *made) {
  char *const *answers = init->answers.texts;
  FILE *file = init->cli->out->file;
  const char *as = init_service_user() ? "sudo -u " INIT_SERVICE_USER " " : "";
  g_autofree char *public = made ? g_strconcat(made, ".pub", NULL) : NULL, *key = NULL,
                  *here = answers[INIT_ROOT] ? g_build_filename(answers[INIT_ROOT], answers[INIT_FETCH], NULL) : NULL;
  if (public && g_file_get_contents(public, &key, NULL, NULL))
    fprintf(file, "\nSend this public key to the partner, who lets it in as user %s:\n  %s", answers[INIT_USER], key);
  fprintf(file,
          "\n%s is written and good. Next:\n"
          "  1. %ssallyport -c %s doctor %s     what the partner's side can do\n"
          "  2. %ssallyport -c %s run           or: systemctl start sallyport\n"
          "  3. put a file like %s into %s%s; %ssallyport -c %s files\n",
          init->configuration, as, init->configuration, answers[INIT_PARTNER], as, init->configuration,
          answers[INIT_MATCH], here ? here : answers[INIT_FETCH],
          g_str_equal(answers[INIT_READY], "marker") ? ", then an empty NAME.ok" : "", as, init->configuration);
}

static CliExit tell_done(const Init *init, const char *made) {
  if (init->cli->out->is_json) {
    json_t *object = json_pack("{s:b, s:s}", "ok", 1, "configuration", init->configuration);
    g_autofree char *public = made ? g_strconcat(made, ".pub", NULL) : NULL;
    cli_json_text(object, "public_key_file", public);
    cli_json(init->cli->out, object);
  } else {
    tell_next(init, made);
  }
  return CLI_EXIT_FINE;
}

static CliExit set_up(Init *init) {
  g_autoptr(GError) error = NULL;
  gboolean made = FALSE;
  if (!can_begin(init, &error) || !take_answers(init, &error))
    return cli_fail(error);
  CliExit status = init_ask(init->cli, &init->answers, init->saved);
  if (status != CLI_EXIT_FINE)
    return status;
  g_autofree char *identity = init_identity(&init->answers, init->configuration, &made, &error);
  if (error || !place(init, identity, &error))
    return cli_fail(error);
  return tell_done(init, made ? identity : NULL);
}

static CliExit init_command(Cli *cli) {
  Init init = {.cli = cli, .configuration = g_canonicalize_filename(cli_configuration_path(cli), NULL)};
  init.draft = g_strconcat(init.configuration, ".draft", NULL);
  init.saved = g_strconcat(init.configuration, ".answers", NULL);
  CliExit status = set_up(&init);
  init_answers_clear(&init.answers);
  g_free(init.configuration);
  g_free(init.draft);
  g_free(init.saved);
  return status;
}

const CliCommand cli_command_init = {
    .name = "init",
    .own = options,
    .own_size = sizeof(Given),
    .summary = "a first configuration, by questions",
    .text = "Asks at most 15 questions, each with a check of the answer, makes an SSH key, shows the server's host key "
            "to be\n"
            "compared, writes a commented configuration, and checks it. Nothing that is there is written over; broken "
            "off, the\n"
            "next run offers the answers again. Partners are reached by SFTP or in a local folder, files are in the "
            "clear;\n"
            "the manual of sallyport.conf tells the rest.\n\n"
            "  sallyport init\n"
            "  sallyport --config gw.conf init --answers acme.answers --answer host-key=SHA256:…     without a "
            "terminal\n",
    .run = init_command,
};
