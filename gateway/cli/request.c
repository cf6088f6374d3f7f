/* request: an end of a mailbox asks something and waits for the one answer, or answers. It goes by an endpoint
 * mailbox:// of the configuration, as the feeds of a lane do, and needs no lane.
 *
 * The id is made of the file's name and bytes, so that the same call, after whatever broke, is the same request. An
 * answer is acknowledged when it is durable here, under its name. */
#include "gateway/base/digest.h"
#include "gateway/base/files.h"
#include "gateway/cli/command.h"
#include "gateway/common/endpoint.h"
#include "transfer/courier_mailbox.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOOK_SECONDS = 1, LOOK_MOST = 30, TEXT_LIMIT = 64 * 1024, ID_DIGITS = 20, ITEM_DIGITS = 16 };

typedef struct {
  char *endpoint, *id, *into, *token;
  gboolean wait;
} Given;
static const CliOption options[] = {
    CLI_TEXT(Given, endpoint, "endpoint", 'e', "PARTNER/NAME", "the endpoint mailbox://, where there are several",
             CLI_VALUE_TEXT),
    CLI_TEXT(Given, id, "id", 'i', "ID", "send: the request's id; else it is made of the file", CLI_VALUE_TEXT),
    CLI_FLAG(Given, wait, "wait", 'w', "send, take: wait for the answer, or for a request"),
    CLI_TEXT(Given, into, "into", 'o', "FILE", "send, wait, take: where what comes is written; send: FILE.answer",
             CLI_VALUE_PATH),
    CLI_TEXT(Given, token, "token", 't', "N", "answer: the token that take has told", CLI_VALUE_TEXT),
    {0},
};

typedef struct {
  Cli *cli;
  const Given *given;
  const char *mailbox;
  Courier *items, *web; /* the same server, as mailboxes and as HTTP */
} Asking;

/* --- The server */

static gboolean add_found(GPtrArray *found, const Cli *cli, const char *wanted, CourierEndpoint *endpoint) {
  for (guint i = 0; i < cli->conf->partners->len; i++) {
    const ConfPartner *partner = cli->conf->partners->pdata[i];
    for (guint j = 0; partner->endpoints && j < partner->endpoints->len; j++) {
      const ConfEndpoint *conf = partner->endpoints->pdata[j];
      if (conf->scheme != CONF_URL_MAILBOX)
        continue;
      CourierEndpoint one = endpoint_of(partner, conf);
      if (wanted && strcmp(wanted, one.name) != 0)
        continue;
      *endpoint = one;
      g_ptr_array_add(found, (gpointer)(gintptr)one.name);
    }
  }
  return found->len == 1;
}

static CliExit connect_to(Asking *asking, GError **error) {
  CourierEndpoint endpoint;
  g_autoptr(GPtrArray) found = g_ptr_array_new();
  if (!add_found(found, asking->cli, asking->given->endpoint, &endpoint)) {
    cli_complain(found->len ? "there are several endpoints mailbox://: --endpoint PARTNER/NAME says which"
                            : "there is no such endpoint mailbox:// in the configuration");
    return CLI_EXIT_USAGE;
  }
  asking->items = courier_open(&endpoint, error);
  endpoint.kind = COURIER_HTTP;
  asking->web = asking->items ? courier_open(&endpoint, error) : NULL;
  return asking->web ? CLI_EXIT_FINE : cli_fail(*error);
}

static json_t *read_text(int fd, guint64 size) {
  g_autofree char *text = g_malloc(size + 1);
  ssize_t got = pread(fd, text, size, 0);
  return got > 0 ? json_loadb(text, (size_t)got, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

/* What the server says to a POST with this body, which is taken, or to a GET (NULL). The caller frees *said. */
static gboolean ask_web(Asking *asking, const char *what, json_t *body, guint seconds, guint *status, json_t **said,
                    GError **error) {
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  g_autofree char *path = g_strdup_printf("/v1/mailboxes/%s/requests%s", asking->mailbox, what);
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
  int sent = text ? memfd_create("request", MFD_CLOEXEC) : -1, answer = memfd_create("answer", MFD_CLOEXEC);
  CourierReply reply = {0};
  CourierPost post = {.path = path, .headers = headers, .body = sent, .body_size = text ? strlen(text) : 0,
                      .answer = answer, .answer_limit = TEXT_LIMIT, .timeout = seconds};
  *said = NULL;
  gboolean ok = answer >= 0 && (!text || (sent >= 0 && files_write_all(sent, text, post.body_size, error)));
  if (!ok && !*error)
    sallyport_error_errno(error, errno, "keep what is sent");
  ok = ok && courier_post(asking->web, &post, &reply, error);
  if (ok)
    *said = read_text(answer, reply.size);
  *status = reply.status;
  json_decref(body);
  free(text);
  if (sent >= 0)
    close(sent);
  if (answer >= 0)
    close(answer);
  return ok;
}

static CliExit refused(guint status, const json_t *said) {
  const char *text = json_string_value(json_object_get(said, "text")),
             *word = json_string_value(json_object_get(said, "error"));
  g_autofree char *shown = cli_printable(g_strdup(text ? text : word ? word : "no reason is given"));
  cli_complain("the exchange refuses it (%u): %s", status, shown);
  return status == 503 ? CLI_EXIT_UNCERTAIN : CLI_EXIT_REFUSED;
}

/* --- Files */

typedef struct {
  int fd;
  guint64 size;
  char *sha256;
} Content;

static void content_clear(Content *content) {
  if (content->fd >= 0)
    close(content->fd);
  g_free(content->sha256);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Content, content_clear)

static gboolean take_digest(Content *content, GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  if (!digest_file_sha256(content->fd, 0, G_MAXUINT64, digest, &content->size, error))
    return FALSE;
  content->sha256 = digest_hex(digest, sizeof digest);
  return TRUE;
}

static gboolean content_open(Content *content, const char *path, GError **error) {
  content->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (content->fd < 0) {
    sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "open %s: %s", path, g_strerror(errno));
    return FALSE;
  }
  return take_digest(content, error);
}

static gboolean put_item(Asking *asking, const Content *content, const char *id, GError **error) {
  g_autofree char *path = g_strdup_printf("%s/%s", asking->mailbox, id);
  CourierPut upload = {.path = path, .fd = content->fd, .size = content->size, .sha256 = content->sha256};
  return courier_put(asking->items, &upload, error);
}

/* Under a temporary name first: what stands at `into` is whole. */
static gboolean get_item(Asking *asking, const char *id, const char *into, Content *content, GError **error) {
  g_autofree char *path = g_strdup_printf("%s/%s", asking->mailbox, id), *part = g_strconcat(into, ".part", NULL),
                  *folder = g_path_get_dirname(into);
  guint64 end;
  content->fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  CourierGet wanted = {.path = path, .size_limit = G_MAXINT64, .fd = content->fd};
  if (content->fd < 0)
    return sallyport_error_errno(error, errno, "make %s", part);
  if (!courier_get(asking->items, &wanted, &end, error) || !take_digest(content, error))
    return FALSE;
  const char *digits = strrchr(id, '.');
  if (g_str_has_prefix(id, "answer-") && digits && strncmp(digits + 1, content->sha256, ITEM_DIGITS) != 0)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s: what came has another digest than its id", id);
  return files_sync(content->fd, part, error) &&
         (rename(part, into) == 0 || sallyport_error_errno(error, errno, "rename %s", part)) &&
         files_sync_folder(folder, error);
}

/* What the mailbox does not take is refused; all else may be asked again. */
static CliExit not_put(const GError *error) {
  if (sallyport_error_code(error) != SALLYPORT_ERROR_PARTNER)
    return cli_fail(error);
  cli_complain("%s", error->message);
  return CLI_EXIT_REFUSED;
}

/* --- Asking */

static char *id_of(const char *path, const Content *content) {
  g_autofree char *name = g_path_get_basename(path), *all = g_strdup_printf("%s/%s", name, content->sha256);
  guint8 digest[DIGEST_SHA256_SIZE];
  digest_sha256(all, strlen(all), digest);
  g_autofree char *hex = digest_hex(digest, sizeof digest);
  return g_strdup_printf("s-%.*s", ID_DIGITS, hex);
}

static void tell(const Asking *asking, json_t *state, const char *into) {
  const CliOutput *out = asking->cli->out;
  if (into)
    json_object_set_new(state, "file", json_string(into));
  if (out->is_json) {
    cli_json(out, json_incref(state));
    return;
  }
  g_autofree char *id = cli_printable(g_strdup(json_string_value(json_object_get(state, "id")))),
                  *word = cli_printable(g_strdup(json_string_value(json_object_get(state, "state")))),
                  *reason = cli_printable(g_strdup(json_string_value(json_object_get(state, "reason"))));
  gboolean is_deferred = json_object_get(state, "deferred_since") != NULL;
  fprintf(out->file, "%s %s%s%s%s%s%s\n", id ? id : "?", word ? word : "?", reason ? ": " : "", reason ? reason : "",
          is_deferred ? ", waits for an idle source" : "", into ? ", in " : "", into ? into : "");
}

/* A look that broke off changes nothing: the next one may find the answer. */
static CliExit look_failed(const GError *error) {
  SallyportErrorCode code = sallyport_error_code(error);
  CliExit exit = code == SALLYPORT_ERROR_AGAIN || code == SALLYPORT_ERROR_UNCERTAIN ? CLI_EXIT_NOT_READY
                                                                                   : cli_fail(error);
  if (exit == CLI_EXIT_NOT_READY)
    cli_complain("%s; the request stands", error->message);
  return exit;
}

static CliExit obtain(Asking *asking, json_t *state, const char *into) {
  g_autoptr(GError) error = NULL;
  g_auto(Content) content = {.fd = -1};
  const char *item = json_string_value(json_object_get(state, "answer"));
  g_autofree char *path = g_strdup_printf("%s/%s", asking->mailbox, item ? item : "");
  if (!item || strchr(item, '/'))
    return refused(200, state);
  if (!get_item(asking, item, into, &content, &error) ||
      !courier_acknowledge(asking->items, &(CourierAcknowledgement){path, content.sha256, content.size}, &error))
    return look_failed(error);
  tell(asking, state, into);
  return CLI_EXIT_FINE;
}

static CliExit look_at(Asking *asking, const char *id, const char *into, gboolean waits) {
  g_autoptr(GError) error = NULL;
  g_autofree char *what = g_strdup_printf("/%s", id);
  guint status;
  json_t *state;
  if (!ask_web(asking, what, NULL, 0, &status, &state, &error))
    return look_failed(error);
  const char *word = json_string_value(json_object_get(state, "state"));
  gboolean is_open = status == 503 || g_strcmp0(word, "new") == 0 || g_strcmp0(word, "taken") == 0,
           is_over = g_strcmp0(word, "expired") == 0 || g_strcmp0(word, "failed") == 0;
  CliExit exit = is_open ? CLI_EXIT_NOT_READY : is_over ? CLI_EXIT_FAILED : CLI_EXIT_FINE;
  if (status != 200 && status != 503)
    exit = status == 404 ? CLI_EXIT_NOT_FOUND : refused(status, state);
  else if (exit == CLI_EXIT_FINE)
    exit = obtain(asking, state, into);
  else if (is_over || !waits)
    tell(asking, state, NULL);
  if (status == 404)
    cli_complain("mailbox %s has no request %s", asking->mailbox, id);
  json_decref(state);
  return exit;
}

/* How it stands, until it stands so that nothing more comes: longer between the looks as time goes by. */
static CliExit wait_for(Asking *asking, const char *id, const char *into, gboolean waits) {
  for (guint seconds = LOOK_SECONDS;; seconds = MIN(seconds * 2, LOOK_MOST)) {
    CliExit exit = look_at(asking, id, into, waits);
    if (exit != CLI_EXIT_NOT_READY || !waits)
      return exit;
    g_usleep(seconds * G_USEC_PER_SEC);
  }
}

static CliExit send_request(Asking *asking) {
  g_autoptr(GError) error = NULL;
  g_auto(Content) content = {.fd = -1};
  const char *path = asking->cli->arguments[2];
  g_autofree char *into = asking->given->into ? g_strdup(asking->given->into) : g_strconcat(path, ".answer", NULL);
  guint status;
  json_t *said;
  if (!content_open(&content, path, &error))
    return cli_fail(error);
  g_autofree char *id = asking->given->id ? g_strdup(asking->given->id) : id_of(path, &content),
                  *item = g_strconcat("request-", id, NULL);
  if (!put_item(asking, &content, item, &error) ||
      !ask_web(asking, "", json_pack("{s:s}", "id", id), 0, &status, &said, &error))
    return not_put(error);
  CliExit exit = status == 200 || status == 201 ? CLI_EXIT_FINE : refused(status, said);
  json_decref(said);
  return exit == CLI_EXIT_FINE ? wait_for(asking, id, into, asking->given->wait) : exit;
}

static CliExit wait_request(Asking *asking) {
  if (asking->given->into)
    return wait_for(asking, asking->cli->arguments[2], asking->given->into, TRUE);
  cli_complain("request wait needs --into FILE, where the answer is written");
  return CLI_EXIT_USAGE;
}

/* --- Answering */

static CliExit take_request(Asking *asking) {
  g_autoptr(GError) error = NULL;
  g_auto(Content) content = {.fd = -1};
  guint status;
  json_t *said;
  if (!asking->given->into) {
    cli_complain("request take needs --into FILE, where what is asked is written");
    return CLI_EXIT_USAGE;
  }
  do {
    if (!ask_web(asking, asking->given->wait ? "/take?wait=30" : "/take", json_object(), 60, &status, &said, &error))
      return cli_fail(error);
  } while (status == 204 && asking->given->wait); /* 204 has no body: nothing was said */
  if (status != 200) {
    CliExit exit = status == 204 ? CLI_EXIT_NOT_READY : refused(status, said);
    json_decref(said);
    return exit;
  }
  const char *item = json_string_value(json_object_get(said, "item"));
  gboolean ok = item && !strchr(item, '/') && get_item(asking, item, asking->given->into, &content, &error);
  if (ok && !asking->cli->out->is_json)
    fprintf(asking->cli->out->file, "%s token=%" JSON_INTEGER_FORMAT " in %s\n",
            json_string_value(json_object_get(said, "id")), json_integer_value(json_object_get(said, "token")),
            asking->given->into);
  else if (ok)
    tell(asking, said, asking->given->into);
  json_decref(said);
  return ok ? CLI_EXIT_FINE : error ? cli_fail(error) : refused(status, NULL);
}

static CliExit answer_request(Asking *asking) {
  g_autoptr(GError) error = NULL;
  g_auto(Content) content = {.fd = -1};
  const char *id = asking->cli->arguments[2];
  guint64 token = 0;
  guint status;
  json_t *said;
  if (!asking->given->token || !g_ascii_string_to_unsigned(asking->given->token, 10, 1, G_MAXINT64, &token, NULL)) {
    cli_complain("request answer needs --token N, as take has told it");
    return CLI_EXIT_USAGE;
  }
  if (!content_open(&content, asking->cli->arguments[3], &error))
    return cli_fail(error);
  g_autofree char *item = g_strdup_printf("answer-%s.%" G_GUINT64_FORMAT ".%.*s", id, token, ITEM_DIGITS,
                                          content.sha256),
                  *what = g_strdup_printf("/%s/answer", id);
  if (!put_item(asking, &content, item, &error))
    return not_put(error);
  json_t *body = json_pack("{s:I, s:s}", "token", (json_int_t)token, "item", item);
  if (!ask_web(asking, what, body, 0, &status, &said, &error))
    return cli_fail(error);
  CliExit exit = status == 200 || status == 201 ? CLI_EXIT_FINE : refused(status, said);
  if (exit == CLI_EXIT_FINE)
    tell(asking, said, NULL);
  json_decref(said);
  return exit;
}

static CliExit request_command(Cli *cli) {
  static const struct {
    const char *word;
    guint arguments;
    CliExit (*function)(Asking *asking);
  } rows[] = {{"send", 3, send_request}, {"wait", 3, wait_request}, {"take", 2, take_request},
              {"answer", 4, answer_request}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    Asking asking = {.cli = cli, .given = cli->own, .mailbox = cli->arguments[1]};
    if (strcmp(cli->arguments[0], rows[i].word) != 0 || cli->n_arguments != rows[i].arguments)
      continue;
    if (!cli_load(cli))
      return CLI_EXIT_CONFIGURATION;
    CliExit exit = connect_to(&asking, &error);
    if (exit == CLI_EXIT_FINE)
      exit = rows[i].function(&asking);
    courier_close(asking.items);
    courier_close(asking.web);
    return exit;
  }
  cli_complain("request %s: send MAILBOX FILE, wait MAILBOX ID, take MAILBOX, or answer MAILBOX ID FILE; sallyport "
               "request --help tells more",
               cli->arguments[0]);
  return CLI_EXIT_USAGE;
}

static const char *const verbs[] = {"send", "wait", "take", "answer", NULL};
const CliCommand cli_command_request = {
    .name = "request",
    .arguments = "send|wait|take|answer MAILBOX …",
    .least = 2,
    .most = 4,
    .verbs = verbs,
    .own = options,
    .own_size = sizeof(Given),
    .summary = "ask the other end of a mailbox, or answer it",
    .text = "By an endpoint mailbox:// of the configuration. send asks with a file, and with --wait writes the one "
            "answer\n"
            "to --into; wait does so for a request that was sent. It ends with 0: answered, 9: not yet, 1: it expired "
            "or\n"
            "failed, 7: refused. The same file is the same request, however often it is sent, unless --id says "
            "another.\n"
            "take obtains the oldest request of the other end, and answer answers it with the token that take tells."
            "\n\n"
            "  sallyport request send medical-claims person.req --wait\n"
            "  sallyport request take medical-claims --into asked\n"
            "  sallyport request answer medical-claims q1 answer.dat --token 1795000000000000\n",
    .run = request_command,
};
