#include "gateway/front/exchange/exchange_routes.h"
#include "gateway/common/packet_desk.h"
#include <stdlib.h>
#include <string.h>

enum { ANSWER_SECONDS = 30, LISTED_MOST = 500, WAIT_MOST = 60 };

/* --- Who asks what */

static void asked_free(gpointer data) {
  Asked *asked = data;
  if (asked->waits)
    link_poll_ends(asked->link);
  link_call_unref(asked->call);
  if (asked->upload)
    upload_free(asked->upload);
  json_decref(asked->announced);
  g_free(asked->file);
  g_free(asked);
}

static const ConfExchange *mailbox_of(const FrontRequest *request, const char *name, const Shelf **shelf) {
  const GPtrArray *shelves = request->front->shelves;
  for (guint i = 0; i < shelves->len; i++) {
    *shelf = shelves->pdata[i];
    const GPtrArray *exchanges = (*shelf)->lane->exchanges;
    for (guint j = 0; exchanges && j < exchanges->len; j++) {
      const ConfExchange *exchange = exchanges->pdata[j];
      if (strcmp(exchange->name, name) == 0 && (strcmp(exchange->source, request->requester->name) == 0 ||
                                                strcmp(exchange->consumer, request->requester->name) == 0))
        return exchange;
    }
  }
  return NULL;
}

Asked *exchange_asked(FrontRequest *request, const char *mailbox, enum MHD_Result *result) {
  g_autoptr(GError) error = NULL;
  const Shelf *shelf;
  const ConfExchange *conf = mailbox_of(request, mailbox, &shelf);
  Link *link = conf ? link_of(request->front, &error) : NULL;
  if (!link) {
    *result = conf ? front_trouble(request, error) : front_nothing(request);
    return NULL;
  }
  Asked *asked = g_new0(Asked, 1);
  *asked = (Asked){.link = link, .shelf = shelf, .conf = conf};
  asked->is_source = strcmp(conf->source, request->requester->name) == 0;
  request->own = asked;
  request->own_free = asked_free;
  return asked;
}

json_t *exchange_question(const Asked *asked, const char *what, const char *id) {
  return json_pack("{s:s, s:s, s:b, s:s*}", "do", what, "mailbox", asked->conf->name, "source", asked->is_source, "id",
                   id);
}

const char *exchange_header(const FrontRequest *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static const char *argument(const FrontRequest *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* --- Verdicts */

enum MHD_Result exchange_refuse(FrontRequest *request, guint status, const char *word, const char *text) {
  return front_answer_json(request, status, json_pack("{s:s, s:s}", "error", word, "text", text));
}

static char *body_of(const LinkCall *call, const ExchangeVerdictRow *row) {
  gsize length;
  const char *bytes = call->bytes ? g_bytes_get_data(call->bytes, &length) : NULL;
  if (bytes)
    return g_strndup(bytes, length);
  if (row->status == MHD_HTTP_NO_CONTENT)
    return NULL;
  json_t *object = json_copy(call->head);
  static const char *const inner[] = {"verdict", "file", "offset", "cursor", "judged"};
  for (guint i = 0; i < G_N_ELEMENTS(inner); i++)
    json_object_del(object, inner[i]);
  if (row->text) {
    json_object_set_new(object, "error", json_string(row->word));
    json_object_set_new(object, "text", json_string(row->text));
  }
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  return text;
}

static char *number_of(const LinkCall *call, const char *name) {
  const json_t *number = json_object_get(call->head, name);
  return number ? g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(number)) : NULL;
}

/* Verdicts that who asks is not told of have the status 0: to meet one here is a fault of ours. */
static enum MHD_Result tell_verdict(FrontRequest *request, LinkCall *call, const ExchangeVerdictRow *row) {
  g_autofree char *offset = number_of(call, "offset"), *size = offset ? number_of(call, "size") : NULL;
  gboolean is_head = strcmp(request->method, "HEAD") == 0;
  const FrontHeader headers[] = {
      {"Upload-Offset", offset},
      {"Upload-Length", size},
      {"Item-State", offset ? json_string_value(json_object_get(call->head, "state")) : NULL},
      {"Item-Verdict", offset ? json_string_value(json_object_get(call->head, "judged")) : NULL},
      {"Exchange-Cursor", json_string_value(json_object_get(call->head, "cursor"))},
      {NULL, NULL}};
  return front_answer_text(request, row->status, is_head ? NULL : body_of(call, row), headers);
}

enum MHD_Result exchange_tell(FrontRequest *request, LinkCall *call) {
  const char *word = call ? json_string_value(json_object_get(call->head, "verdict")) : NULL;
  ExchangeVerdict verdict = exchange_verdict_of(word);
  const ExchangeVerdictRow *row = exchange_verdict(verdict);
  if (verdict == VERDICT_ITEM && call->fd >= 0) {
    FrontFile file = {.fd = call->fd,
                      .size = (guint64)json_integer_value(json_object_get(call->head, "size")),
                      .sha256 = json_string_value(json_object_get(call->head, "sha256")),
                      .content_type = "application/octet-stream",
                      .name = json_string_value(json_object_get(call->head, "id"))};
    call->fd = -1;
    return front_answer_file(request, &file);
  }
  if (!word || row->status == 0)
    return exchange_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, exchange_verdict(VERDICT_TROUBLE)->word,
                           exchange_verdict(VERDICT_TROUBLE)->text);
  return tell_verdict(request, call, row);
}

void exchange_ask(FrontRequest *request, Asked *asked, json_t *question, guint seconds) {
  g_autofree char *path = packet_desk_path(asked->shelf->paths, PACKET_DESK_ITEMS);
  Packet packet = {.head = question, .fd = -1};
  if (request->takes && !asked->upload) {
    packet.bytes = request->body->str;
    packet.length = request->body->len;
  }
  asked->call = link_ask(asked->link, path, &packet);
  if (asked->call)
    front_wait_for(request, asked->call, seconds);
}

enum MHD_Result exchange_answer(FrontRequest *request, Asked *asked) {
  if (asked->call && !link_call_is_done(asked->call) && front_wait(request))
    return MHD_YES;
  gboolean is_done = asked->call && link_call_is_done(asked->call);
  return exchange_tell(request, is_done ? asked->call : NULL);
}

/* --- Routes without a body of their own */

/* "30s" or "30". */
static gint64 seconds_of(const char *text) {
  char *end;
  guint64 seconds = text ? g_ascii_strtoull(text, &end, 10) : 0;
  return text && (*end == '\0' || strcmp(end, "s") == 0) ? (gint64)MIN(seconds, WAIT_MOST) : 0;
}

/* The seconds that it waits: none when too many do already. */
static gint64 may_wait(const FrontRequest *request, Asked *asked) {
  gint64 wait = seconds_of(argument(request, "wait"));
  asked->waits = wait > 0 && link_poll_begins(asked->link, request->front->conf->front.connections / 2);
  return asked->waits ? wait : 0;
}

static enum MHD_Result route_list(FrontRequest *request, char **words) {
  enum MHD_Result result;
  Asked *asked = request->own ? request->own : exchange_asked(request, words[0], &result);
  if (!asked)
    return result;
  if (!asked->call) {
    const char *limit = argument(request, "limit");
    gint64 wait = may_wait(request, asked);
    json_t *question = exchange_question(asked, "list", NULL);
    json_t *more = json_pack("{s:s*, s:I, s:I, s:b}", "after", argument(request, "after"), "limit",
                             (json_int_t)(limit ? g_ascii_strtoull(limit, NULL, 10) : LISTED_MOST), "wait",
                             (json_int_t)wait, "unacknowledged",
                             g_strcmp0(argument(request, "unacknowledged"), "yes") == 0);
    json_object_update(question, more);
    json_decref(more);
    exchange_ask(request, asked, question, ANSWER_SECONDS + (guint)wait);
  }
  return exchange_answer(request, asked);
}

static enum MHD_Result ask_about(FrontRequest *request, char **words, const char *what) {
  enum MHD_Result result;
  Asked *asked = request->own ? request->own : exchange_asked(request, words[0], &result);
  if (!asked)
    return result;
  if (!asked->call)
    exchange_ask(request, asked, exchange_question(asked, what, words[1]), ANSWER_SECONDS);
  return exchange_answer(request, asked);
}

static enum MHD_Result route_get(FrontRequest *request, char **words) {
  return ask_about(request, words, "get");
}

static enum MHD_Result route_head(FrontRequest *request, char **words) {
  return ask_about(request, words, "head");
}

static enum MHD_Result route_acknowledge(FrontRequest *request, char **words) {
  enum MHD_Result result;
  Asked *asked = request->own ? request->own : exchange_asked(request, words[0], &result);
  if (!asked)
    return result;
  if (!asked->call) {
    json_t *body = json_loadb(request->body->str, request->body->len, JSON_REJECT_DUPLICATES, NULL);
    const char *sha256 = json_string_value(json_object_get(body, "sha256"));
    json_t *question = exchange_question(asked, "acknowledge", words[1]);
    static const char *const told[] = {"size", "records", "totals", "verdict", "code"};
    for (guint i = 0; i < G_N_ELEMENTS(told); i++)
      json_object_set(question, told[i], json_object_get(body, told[i]));
    if (sha256)
      json_object_set(question, "sha256", json_object_get(body, "sha256"));
    json_decref(body);
    if (!sha256) {
      json_decref(question);
      return exchange_refuse(request, MHD_HTTP_BAD_REQUEST, "invalid", "the body is {\"sha256\": …, \"size\": …}");
    }
    exchange_ask(request, asked, question, ANSWER_SECONDS);
  }
  return exchange_answer(request, asked);
}

/* --- Requests */

/* What the body says, as far as these questions know it. */
static enum MHD_Result ask_with_body(FrontRequest *request, const char *mailbox, const char *id, const char *what) {
  enum MHD_Result result;
  Asked *asked = request->own ? request->own : exchange_asked(request, mailbox, &result);
  if (!asked)
    return result;
  if (!asked->call) {
    static const char *const members[] = {"id", "token", "item", "reason", "deferred"};
    json_t *body = json_loadb(request->body->str, request->body->len, JSON_REJECT_DUPLICATES, NULL);
    json_t *question = exchange_question(asked, what, id);
    for (guint i = id ? 1 : 0; i < G_N_ELEMENTS(members); i++)
      json_object_set(question, members[i], json_object_get(body, members[i]));
    json_decref(body);
    exchange_ask(request, asked, question, ANSWER_SECONDS);
  }
  return exchange_answer(request, asked);
}

static enum MHD_Result route_request(FrontRequest *request, char **words) {
  return ask_with_body(request, words[0], NULL, "request");
}

static enum MHD_Result route_lease(FrontRequest *request, char **words) {
  return ask_with_body(request, words[0], words[1], "lease");
}

static enum MHD_Result route_answer(FrontRequest *request, char **words) {
  return ask_with_body(request, words[0], words[1], "answer");
}

static enum MHD_Result route_failure(FrontRequest *request, char **words) {
  return ask_with_body(request, words[0], words[1], "failure");
}

static enum MHD_Result route_state(FrontRequest *request, char **words) {
  return ask_about(request, words, "request-state");
}

static enum MHD_Result route_take(FrontRequest *request, char **words) {
  enum MHD_Result result;
  Asked *asked = request->own ? request->own : exchange_asked(request, words[0], &result);
  if (!asked)
    return result;
  if (!asked->call) {
    json_t *question = exchange_question(asked, "take", NULL);
    gint64 wait = may_wait(request, asked);
    json_object_set_new(question, "wait", json_integer(wait));
    exchange_ask(request, asked, question, ANSWER_SECONDS + (guint)wait);
  }
  return exchange_answer(request, asked);
}

#define REQUESTS "/v1/mailboxes/{}/requests"
#define ITEM "/v1/mailboxes/{}/items/{}"
const FrontRoute front_exchange_routes[] = {
    {"GET", "/v1/mailboxes/{}/items", route_list, front_is_requester, NULL},
    {"HEAD", ITEM, route_head, front_is_requester, NULL},
    {"GET", ITEM, route_get, front_is_requester, NULL},
    {"PUT", ITEM, exchange_route_put, front_is_requester, &exchange_put_body},
    {"PATCH", ITEM, exchange_route_put, front_is_requester, &exchange_patch_body},
    {"POST", ITEM "/acknowledgement", route_acknowledge, front_is_requester, NULL},
    {"POST", REQUESTS, route_request, front_is_requester, NULL},
    {"POST", REQUESTS "/take", route_take, front_is_requester, NULL},
    {"GET", REQUESTS "/{}", route_state, front_is_requester, NULL},
    {"POST", REQUESTS "/{}/lease", route_lease, front_is_requester, NULL},
    {"POST", REQUESTS "/{}/answer", route_answer, front_is_requester, NULL},
    {"POST", REQUESTS "/{}/failure", route_failure, front_is_requester, NULL},
    {0}};
