/* The configuration as text, with what a person may want to change next to it. */
#include "gateway/cli/init/init.h"
#include <string.h>

static void write_node(GString *text, char *const *answers) {
  g_string_append_printf(text,
                         "# Written by `sallyport init`. See sallyport.conf(5) and `sallyport check`.\n\n"
                         "node {\n"
                         "  name      = \"gw-01\"                  # in logs and in the audit chain\n"
                         "  state     = \"%s\"    # books, ledgers, spool\n"
                         "  time-zone = \"%s\"    # of schedules and of the day of arrival\n"
                         "  # archive-days = 30                  # how long finished files are kept\n"
                         "}\n\n",
                         answers[INIT_STATE], answers[INIT_ZONE]);
}

static void write_partner(GString *text, char *const *answers, const char *identity) {
  g_string_append_printf(text, "partner \"%s\" {\n  endpoint \"main\" {\n", answers[INIT_PARTNER]);
  if (identity)
    g_string_append_printf(text,
                           "    url           = \"sftp://%s@%s\"\n"
                           "    host-key      = { \"%s\" }    # two places: the current key and the next one\n"
                           "    identity-file = \"%s\"\n"
                           "    # connections = 2                  # at one time\n",
                           answers[INIT_USER], answers[INIT_HOST], answers[INIT_HOST_KEY], identity);
  else
    g_string_append_printf(text, "    url = \"file://%s\"\n", answers[INIT_ROOT]);
  g_string_append(text, "  }\n}\n\n");
}

static void write_source(GString *text, char *const *answers) {
  gboolean has_marker = strcmp(answers[INIT_READY], "marker") == 0;
  g_string_append_printf(text,
                         "    source {\n"
                         "      endpoint = \"main\"\n"
                         "      path     = \"%s\"\n"
                         "      match    = '%s'\n"
                         "      ready    = %s\n"
                         "%s"
                         "      every    = \"60s\"\n"
                         "      after    = archive               # or delete, keep\n"
                         "      envelope = unprotected-plain-text    # openpgp: sealed, see sallyport.conf(5)\n"
                         "    }\n",
                         answers[INIT_FETCH], answers[INIT_MATCH], answers[INIT_READY],
                         has_marker ? "      marker   = '{name}.ok'\n" : "");
}

static void write_process(GString *text, char *const *answers) {
  if (answers[INIT_FIELDS]) {
    g_auto(GStrv) fields = g_strsplit(answers[INIT_FIELDS], " ", 3);
    g_string_append_printf(text,
                           "    process ledger {\n"
                           "      name    = \"main\"\n"
                           "      account = \"%s\"\n"
                           "      amount  = \"%s\"\n"
                           "    }\n",
                           fields[1], fields[2]);
  } else {
    g_string_append(text, "    process deliver {\n"
                          "      system   = \"inside\"\n"
                          "      endpoint = \"folder\"\n"
                          "      path     = \".\"\n"
                          "      name     = '{name}'\n"
                          "      envelope = unprotected-plain-text\n"
                          "    }\n");
  }
}

static void write_feedback(GString *text, char *const *answers) {
  g_string_append_printf(text,
                         "    # Every file is answered: by an exception file when it was not accepted.\n"
                         "    feedback {\n"
                         "      endpoint       = \"main\"\n"
                         "      path           = \"%s\"\n"
                         "      name           = '{stem}_FB.txt'\n"
                         "      exception-name = '{stem}_EX.txt'\n"
                         "%s"
                         "      explain        = { line, field, reason }\n"
                         "      envelope       = unprotected-plain-text\n"
                         "    }\n",
                         answers[INIT_PUT],
                         strcmp(answers[INIT_READY], "marker") == 0 ? "      marker         = '{name}.ok'\n" : "");
}

static void write_feed(GString *text, char *const *answers, const char *layout) {
  g_string_append_printf(text,
                         "# A lane is a process with a book of its own: one for each line of business.\n"
                         "lane \"main\" {\n"
                         "  feed \"%s\" {\n"
                         "    partner   = \"%s\"\n"
                         "    layout    = \"%s\"\n"
                         "    on-reject = file                     # one bad record sends back the file; or: record\n",
                         answers[INIT_PARTNER], answers[INIT_PARTNER], layout);
  if (answers[INIT_FIELDS])
    g_string_append_printf(text, "    key       = \"%.*s\"    # tells records apart: none is credited twice\n",
                           (int)strcspn(answers[INIT_FIELDS], " "), answers[INIT_FIELDS]);
  write_source(text, answers);
  write_process(text, answers);
  write_feedback(text, answers);
  g_string_append(text, "  }\n}\n");
}

char *init_text(const InitAnswers *answers, const char *identity, GError **error) {
  g_autofree char *name = NULL;
  g_autofree char *layout = init_layout(answers->texts[INIT_LAYOUT], answers->texts[INIT_PARTNER], &name, error);
  if (!layout)
    return NULL;
  GString *text = g_string_new(NULL);
  write_node(text, answers->texts);
  write_partner(text, answers->texts, identity);
  if (answers->texts[INIT_INTO])
    g_string_append_printf(text, "system \"inside\" {\n  endpoint \"folder\" { url = \"file://%s\" }\n}\n\n",
                           answers->texts[INIT_INTO]);
  g_string_append_printf(text, "%s\n", layout);
  write_feed(text, answers->texts, name);
  return g_string_free(text, FALSE);
}
