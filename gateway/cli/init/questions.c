/* The questions, their defaults, and the checks of their answers. */
#include "gateway/cli/init/init.h"
#include "gateway/guess/guess.h"
#include "transfer/courier_endpoint.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MOST = 500, NAME_MOST = 40 };
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static gboolean is_of(const char *text, const char *characters) {
  return text[strspn(text, characters)] == '\0';
}

static char *wrong_partner(const InitAnswers *answers, const char *text) {
  (void)answers;
  gboolean ok = is_of(text, LETTERS DIGITS "-") && g_ascii_islower(*text) && strlen(text) <= NAME_MOST;
  return ok ? NULL
            : g_strdup_printf("a name has only a-z, 0-9 and -, begins with a letter, and has at most %d characters",
                              NAME_MOST);
}

static char *wrong_host(const InitAnswers *answers, const char *text) {
  g_autofree char *host = NULL;
  guint port;
  (void)answers;
  return init_split_host(text, &host, &port)
             ? NULL
             : g_strdup("write a host name or address, and :PORT if it is not 22: sftp.acme.example:2222");
}

static char *wrong_user(const InitAnswers *answers, const char *text) {
  (void)answers;
  return is_of(text, LETTERS CAPITALS DIGITS "._-") ? NULL : g_strdup("a user name has only letters, digits and . _ -");
}

/* Only a key that the server shows now, and that somebody has compared. */
static char *wrong_host_key(const InitAnswers *answers, const char *text) {
  for (guint i = 0; answers->shown && i < answers->shown->len; i++)
    if (strcmp(init_shown_fingerprint(answers, i), text) == 0)
      return NULL;
  return g_strdup("the server shows no such key: write one of the fingerprints that it shows, SHA256:…");
}

static char *wrong_identity(const InitAnswers *answers, const char *text) {
  g_autoptr(GError) error = NULL;
  (void)answers;
  if (strcmp(text, "make") == 0)
    return NULL;
  if (*text != '/')
    return g_strdup("write \"make\", or the whole path of a private key: it begins with /");
  return courier_identity_opens(text, NULL, &error) ? NULL : g_strdup_printf("%s: %s", text, error->message);
}

static char *wrong_root(const InitAnswers *answers, const char *text) {
  (void)answers;
  if (*text != '/' || !is_of(text, LETTERS CAPITALS DIGITS "/._-"))
    return g_strdup("write a whole path: it begins with / and has only letters, digits and / . _ -");
  return g_file_test(text, G_FILE_TEST_IS_DIR) ? NULL : g_strdup_printf("there is no folder %s", text);
}

static char *wrong_folder(const InitAnswers *answers, const char *text) {
  g_auto(GStrv) parts = g_strsplit(text, "/", -1);
  if (g_strv_contains((const char *const *)parts, ".."))
    return g_strdup("a folder's path has no ..");
  return g_strcmp0(answers->texts[INIT_FETCH], text) == 0
             ? g_strdup("answers need another folder than the one that files are taken from")
             : NULL;
}

static char *wrong_fetch(const InitAnswers *answers, const char *text) {
  (void)answers;
  return wrong_folder(&(InitAnswers){0}, text);
}

static char *wrong_match(const InitAnswers *answers, const char *text) {
  (void)answers;
  return strchr(text, '/') ? g_strdup("a pattern is of names, without a folder: *.dat") : NULL;
}

static char *wrong_layout(const InitAnswers *answers, const char *text) {
  g_autoptr(GError) error = NULL;
  g_autofree char *name = NULL, *layout = init_layout(text, answers->texts[INIT_PARTNER], &name, &error);
  return layout ? NULL : g_strdup(error->message);
}

static char *wrong_path(const InitAnswers *answers, const char *text) {
  (void)answers;
  return *text == '/' && is_of(text, LETTERS CAPITALS DIGITS "/._-")
             ? NULL
             : g_strdup("write a whole path: it begins with / and has only letters, digits and / . _ -");
}

static char *wrong_fields(const InitAnswers *answers, const char *text) {
  g_auto(GStrv) words = g_strsplit_set(text, " ", -1);
  g_autofree char *name = NULL, *layout = NULL;
  if (g_strv_length(words) != 3)
    return g_strdup("write three names of fields, with one space between: KEY ACCOUNT AMOUNT");
  layout = init_layout(answers->texts[INIT_LAYOUT], answers->texts[INIT_PARTNER], &name, NULL);
  for (char **word = words; *word; word++) {
    g_autofree char *field = g_strdup_printf("field \"%s\"", *word);
    if (layout && !strstr(layout, field))
      return g_strdup_printf("the layout has no field \"%s\"", *word);
  }
  return NULL;
}

static char *wrong_zone(const InitAnswers *answers, const char *text) {
  (void)answers;
  g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(text);
  return zone ? NULL : g_strdup("this machine knows no such time zone; write one like Asia/Shanghai or Europe/Rome");
}

static char *find_user(const InitAnswers *answers) {
  (void)answers;
  return g_strdup(g_get_user_name());
}

/* Where the service's unit lets it write. */
static char *find_into(const InitAnswers *answers) {
  return g_strdup_printf("/var/lib/sallyport/received/%s", answers->texts[INIT_PARTNER]);
}

/* The machine's own, or UTC. */
static char *find_zone(const InitAnswers *answers) {
  (void)answers;
  g_autofree char *link = g_file_read_link("/etc/localtime", NULL);
  const char *name = link ? strstr(link, "/zoneinfo/") : NULL;
  return g_strdup(name ? name + strlen("/zoneinfo/") : "UTC");
}

const InitQuestion init_questions[INIT_QUESTIONS] = {
    [INIT_PARTNER] = {.name = "partner", .text = "A short name for the partner", .otherwise = "partner",
                      .wrong = wrong_partner},
    [INIT_WAY] = {.name = "way",
                  .text = "How are files exchanged: with an SFTP server, or in a folder of this machine?",
                  .otherwise = "sftp", .choices = "sftp folder"},
    [INIT_HOST] = {.name = "host", .text = "The partner's SFTP server: HOST or HOST:PORT", .of = INIT_WAY, .is = "sftp",
                   .wrong = wrong_host},
    [INIT_USER] = {.name = "user", .text = "The user to log in as", .of = INIT_WAY, .is = "sftp", .find = find_user,
                   .wrong = wrong_user},
    [INIT_HOST_KEY] = {.name = "host-key", .text = "Is this the partner's key? yes, no, or the fingerprint that is",
                       .of = INIT_WAY, .is = "sftp", .wrong = wrong_host_key},
    [INIT_IDENTITY] = {.name = "identity", .text = "Our SSH key: \"make\" a new one, or the path of a private key",
                       .otherwise = "make", .of = INIT_WAY, .is = "sftp", .wrong = wrong_identity},
    [INIT_ROOT] = {.name = "root", .text = "The folder of this machine below which files are exchanged", .of = INIT_WAY,
                   .is = "folder", .wrong = wrong_root},
    [INIT_FETCH] = {.name = "fetch-from", .text = "The folder there from which we take the partner's files",
                    .otherwise = "/outgoing", .wrong = wrong_fetch},
    [INIT_PUT] = {.name = "answer-to", .text = "The folder there into which we put answers", .otherwise = "/incoming",
                  .wrong = wrong_folder},
    [INIT_MATCH] = {.name = "match", .text = "Which names are the partner's files? (a pattern with * and ?)",
                    .otherwise = "*.dat", .wrong = wrong_match},
    [INIT_READY] = {.name = "ready",
                    .text = "What shows that a file is complete: a second file NAME.ok (marker), that it gets its name "
                            "last (rename), or that it no longer grows (stable)?",
                    .otherwise = "marker", .choices = "marker rename stable"},
    [INIT_LAYOUT] = {.name = "layout",
                     .text = "How records are written: the path of a sample in the clear, of a layout (*.conf), or "
                             "\"lines\" for lines that are not looked into",
                     .otherwise = "lines", .wrong = wrong_layout},
    [INIT_THEN] = {.name = "then", .text = "What happens with good files: put into a folder, or credited to a ledger?",
                   .otherwise = "folder", .choices = "folder ledger"},
    [INIT_INTO] = {.name = "into", .text = "The folder of this machine that they are put into", .of = INIT_THEN,
                   .is = "folder", .find = find_into, .wrong = wrong_path},
    [INIT_FIELDS] = {.name = "fields",
                     .text = "Three fields of a record: its key (no two have the same), the account, the amount",
                     .of = INIT_THEN, .is = "ledger", .wrong = wrong_fields},
    [INIT_ZONE] = {.name = "time-zone", .text = "The time zone of business days", .find = find_zone,
                   .wrong = wrong_zone},
    [INIT_STATE] = {.name = "state", .text = "The folder for the gateway's own books",
                    .otherwise = "/var/lib/sallyport",
                    .wrong = wrong_path},
};

gboolean init_is_asked(const InitAnswers *answers, InitName name) {
  const InitQuestion *question = &init_questions[name];
  return !question->is || g_strcmp0(answers->texts[question->of], question->is) == 0;
}

char *init_default(const InitAnswers *answers, InitName name) {
  const InitQuestion *question = &init_questions[name];
  if (answers->before[name])
    return g_strdup(answers->before[name]);
  return question->find ? question->find(answers) : g_strdup(question->otherwise);
}

/* What would end a text of the configuration, or begin something else in it, is in no answer. */
static char *wrong_anywhere(const char *text) {
  if (!*text)
    return g_strdup("an answer is needed");
  if (!g_utf8_validate(text, -1, NULL) || strlen(text) > ANSWER_MOST)
    return g_strdup_printf("it is no UTF-8 text of at most %d bytes", ANSWER_MOST);
  for (const char *at = text; *at; at++)
    if ((guchar)*at < ' ' || strchr("\"'\\$", *at))
      return g_strdup("it cannot have \" ' \\ $ or control characters");
  return NULL;
}

char *init_wrong(const InitAnswers *answers, InitName name, const char *text) {
  const InitQuestion *question = &init_questions[name];
  char *wrong = wrong_anywhere(text);
  if (wrong)
    return wrong;
  g_auto(GStrv) choices = g_strsplit(question->choices ? question->choices : text, question->choices ? " " : "\n", -1);
  if (!g_strv_contains((const char *const *)choices, text)) {
    g_autofree char *list = g_strjoinv(", ", choices);
    return g_strdup_printf("write one of: %s", list);
  }
  return question->wrong ? question->wrong(answers, text) : NULL;
}

/* --- Layouts. */

#define LINES                                                                                                 \
  "# Lines that are not looked into. A layout with fields can refuse a bad record: sallyport layout guess SAMPLE\n" \
  "layout \"lines\" {\n"                                                                                      \
  "  type      = delimited\n"                                                                                 \
  "  delimiter = \"\\t\"\n"                                                                                   \
  "  lines-by  = position                  # there are no tags that tell kinds of line apart\n"                \
  "  record {\n"                                                                                              \
  "    open = { fewer, more }\n"                                                                              \
  "    field \"text\" { optional = yes }\n"                                                                   \
  "  }\n"                                                                                                     \
  "}\n"

/* The first layout's name in a text of configuration; NULL: there is none. */
static char *name_in(const char *text) {
  g_autoptr(GRegex) regex = g_regex_new("^\\s*layout\\s+\"([^\"]+)\"", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr(GMatchInfo) found = NULL;
  return g_regex_match(regex, text, 0, &found) ? g_match_info_fetch(found, 1) : NULL;
}

char *init_layout(const char *answer, const char *partner, char **name, GError **error) {
  g_autoptr(GError) problem = NULL;
  char *text = NULL;
  if (strcmp(answer, "lines") == 0) {
    text = g_strdup(LINES);
  } else if (!g_str_has_suffix(answer, ".conf")) {
    GuessReport report = {0};
    if (guess_layout_file(answer, partner, &report, error))
      text = g_strdup(report.text);
    guess_report_clear(&report);
  } else if (!g_file_get_contents(answer, &text, NULL, &problem)) {
    sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s", problem->message);
  }
  if (!text)
    return NULL;
  *name = g_utf8_validate(text, -1, NULL) ? name_in(text) : NULL;
  if (*name)
    return text;
  g_free(text);
  sallyport_error_set(error, SALLYPORT_ERROR_FILE, "%s has no layout \"NAME\" { … }", answer);
  return NULL;
}
