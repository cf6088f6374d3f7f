/* `sallyport init`: the first configuration, from answers. A question is a row: when it is asked, its default and its
 * check stand in it. Answers come from a file, from --answer, and from a person at a terminal, in this order; each is
 * held to the same check. Nothing but the answers so far is written before the last one is there. */
#pragma once
#include "gateway/base/error.h"
#include "gateway/cli/command.h"

typedef enum {
  INIT_PARTNER,
  INIT_WAY,
  INIT_HOST,
  INIT_USER,
  INIT_HOST_KEY,
  INIT_IDENTITY,
  INIT_ROOT,
  INIT_FETCH,
  INIT_PUT,
  INIT_MATCH,
  INIT_READY,
  INIT_LAYOUT,
  INIT_THEN,
  INIT_INTO,
  INIT_FIELDS,
  INIT_ZONE,
  INIT_STATE,
  INIT_QUESTIONS
} InitName;
enum { INIT_ASKED_MOST = 15 }; /* of one person */

typedef struct {
  char *texts[INIT_QUESTIONS];  /* good answers; NULL: not answered */
  char *before[INIT_QUESTIONS]; /* what was answered the last time, and is offered; NULL: nothing */
  GPtrArray *shown;             /* char*: "TYPE SHA256:…", what the server has shown; NULL: not asked yet */
} InitAnswers;

typedef struct {
  const char *name, *text;
  const char *otherwise;                           /* its default; NULL: none, or `find` */
  const char *choices;                             /* "sftp folder"; NULL: any */
  InitName of;                                     /* asked only where the answer to this … */
  const char *is;                                  /* … is this; NULL: always */
  char *(*find)(const InitAnswers *answers);       /* the default, found out; the caller frees; NULL: none */
  char *(*wrong)(const InitAnswers *, const char *); /* what is wrong with it, for people; NULL: nothing. May be NULL */
} InitQuestion;
extern const InitQuestion init_questions[INIT_QUESTIONS];

/* --- questions.c */
gboolean init_is_asked(const InitAnswers *answers, InitName name);
/* What is offered for it: what was answered before, or its default; the caller frees; NULL: nothing. */
char *init_default(const InitAnswers *answers, InitName name);
/* What is wrong with the answer; the caller frees; NULL: it is good. */
char *init_wrong(const InitAnswers *answers, InitName name, const char *text);
/* The layout that the answer names: a text of configuration, and its name. "lines", a sample, or a file *.conf. */
char *init_layout(const char *answer, const char *partner, char **name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- answers.c. CONFIGURATION, with file and line, or the option's text. */
void init_answers_clear(InitAnswers *answers);
/* "name = value" lines, `#` begins a remark line. into: texts or before. The file has to be there. */
gboolean init_answers_read(char **into, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean init_answers_take(char **into, const char *line, const char *where, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Durable on return, mode 0600; none of the answers is a secret. */
gboolean init_answers_save(const InitAnswers *answers, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- host_key.c: connects without a login and fills answers->shown, the type that is liked best first. */
gboolean init_fetch_host_keys(InitAnswers *answers, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* HOST[:PORT] or [ADDRESS][:PORT]; port 0: none given. FALSE: it is not that. */
gboolean init_split_host(const char *text, char **host, guint *port);
const char *init_shown_fingerprint(const InitAnswers *answers, guint at);

/* --- ask.c: fills answers->texts. `save`: where answers are kept meanwhile, at a terminal. */
CliExit init_ask(Cli *cli, InitAnswers *answers, const char *save);

/* --- write.c: the configuration; the caller frees. `identity`: of the SSH key, NULL: none. */
char *init_text(const InitAnswers *answers, const char *identity, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- place.c */
#define INIT_SERVICE_USER "sallyport" /* as the package makes it */
/* Whom what is made is given to: NULL when this machine has no such user, or we are not root. */
const char *init_service_user(void);
/* The SSH key's path: the one that was named, or keys/PARTNER_ed25519 beside the configuration, which is made if it is
 * not there yet (ssh-keygen), 0600 and the service's. It is whole whenever it has its name. */
char *init_identity(const InitAnswers *answers, const char *configuration, gboolean *made, GError **error);
/* A folder of the service's own, 0700, unless it is there; of the path, which is whole, also those above it. */
gboolean init_own_folder(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Writes the draft; and gives it its name, unless something has that name. Both are durable on return. */
gboolean init_draft(const char *draft, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean init_publish(const char *draft, const char *configuration, GError **error) G_GNUC_WARN_UNUSED_RESULT;
