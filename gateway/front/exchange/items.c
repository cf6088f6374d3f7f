/* An item's body comes in. A small one is kept until it is whole and goes to the lane with the question; of a larger
 * one, and where the client waits to be told to go on, the lane is asked before the first byte, and gives the
 * descriptor of the file. Until it has, nothing of the body is read, no 100 Continue is sent, and no thread waits. */
#include "gateway/base/digest.h"
#include "gateway/front/exchange/exchange_routes.h"
#include <errno.h>
#include <string.h>

enum { OPEN_SECONDS = 10, FINISH_SECONDS = 600 /* a large item's digest and sync */, DECLARED_LIMIT = 255 };

/* --- The head */

/* What who puts says of the item: header, and member of the question. */
static const struct {
  const char *header, *member;
} declared[] = {{"Item-Name", "name"},       {"Item-Type", "type"},     {"Item-Business-Date", "business_date"},
                {"Item-Records", "records"}, {"Item-Totals", "totals"}, {"Item-Correlation", "correlation"}};

static gboolean is_fit(const char *text) {
  gsize length = strlen(text);
  for (gsize i = 0; i < length; i++)
    if ((guchar)text[i] < ' ' || text[i] == 0x7f)
      return FALSE;
  return length <= DECLARED_LIMIT && g_utf8_validate(text, (gssize)length, NULL);
}

/* Repr-Digest (RFC 9530): a list, of which the one by SHA-256 counts: sha-256=:BASE64: */
static char *digest_of(const char *header) {
  static const char name[] = "sha-256=:";
  const char *at = header ? strstr(header, name) : NULL, *end = at ? strchr(at + sizeof name - 1, ':') : NULL;
  if (!end)
    return NULL;
  gsize length;
  g_autofree char *base64 = g_strndup(at + sizeof name - 1, (gsize)(end - (at + sizeof name - 1)));
  g_autofree guint8 *bytes = g_base64_decode(base64, &length);
  return length == DIGEST_SHA256_SIZE ? digest_hex(bytes, length) : NULL;
}

/* How long the whole item is: as long as the body, unless that is said to be its first part only. FALSE: refused,
 * *result. */
static gboolean read_size(FrontRequest *request, guint64 *size, enum MHD_Result *result) {
  const char *whole = exchange_header(request, "Upload-Length");
  *size = request->length;
  if (!whole || (g_ascii_string_to_unsigned(whole, 10, 0, G_MAXINT64, size, NULL) && *size >= request->length))
    return TRUE;
  *result = exchange_refuse(request, MHD_HTTP_BAD_REQUEST, "invalid",
                            "Upload-Length says how long the whole item is: at least as long as the body");
  return FALSE;
}

/* FALSE: refused, *result. */
static gboolean read_announced(FrontRequest *request, Asked *asked, enum MHD_Result *result) {
  guint64 size;
  g_autofree char *sha256 = digest_of(exchange_header(request, "Repr-Digest"));
  if (!sha256) {
    *result = exchange_refuse(request, MHD_HTTP_BAD_REQUEST, "digest-missing",
                              "Repr-Digest: sha-256=:BASE64: says what the whole item is");
    return FALSE;
  }
  if (!read_size(request, &size, result))
    return FALSE;
  asked->announced = json_pack("{s:I, s:s}", "size", (json_int_t)size, "sha256", sha256);
  for (guint i = 0; i < G_N_ELEMENTS(declared); i++) {
    const char *value = exchange_header(request, declared[i].header);
    if (value && !is_fit(value)) {
      *result = exchange_refuse(request, MHD_HTTP_BAD_REQUEST, "invalid",
                                "what is declared of an item is at most 255 bytes of UTF-8 without control characters");
      return FALSE;
    }
    if (value)
      json_object_set_new(asked->announced, declared[i].member, json_string(value));
  }
  return TRUE;
}

static char *upload_key(const Asked *asked, const char *id) {
  return g_strdup_printf("%s/%d/%s", asked->conf->name, asked->is_source, id);
}

/* At each call while the lane is asked for the file: it has given it, or the request is answered with what it said. */
static enum MHD_Result take_file(FrontRequest *request, Asked *asked, const char *id) {
  LinkCall *call = asked->call;
  enum MHD_Result result = MHD_YES;
  request->begins = call && !link_call_is_done(call) && front_wait(request);
  if (request->begins)
    return MHD_YES;
  gboolean is_done = call && link_call_is_done(call);
  if (is_done && call->fd >= 0) {
    g_autofree char *key = upload_key(asked, id);
    asked->upload = upload_begin(asked->link, key, call->fd);
    asked->upload->offset = (guint64)json_integer_value(json_object_get(call->head, "offset"));
    asked->end = (guint64)json_integer_value(json_object_get(call->head, "size"));
    asked->file = g_strdup(json_string_value(json_object_get(call->head, "file")));
    call->fd = -1;
  } else {
    result = exchange_tell(request, is_done ? call : NULL);
  }
  asked->call = NULL;
  link_call_unref(call);
  return result;
}

/* Who wrote until now writes no more, before the lane is asked: where the file ends does not move. */
static enum MHD_Result open_upload(FrontRequest *request, Asked *asked, const char *id, json_t *question) {
  g_autofree char *key = upload_key(asked, id);
  upload_fence(asked->link, key);
  exchange_ask(request, asked, question, OPEN_SECONDS);
  return take_file(request, asked, id);
}

/* 411 before all else. NULL: answered, *result. */
static Asked *begin(FrontRequest *request, char **words, enum MHD_Result *result) {
  Asked *asked = exchange_asked(request, words[0], result);
  if (!asked || request->has_length)
    return asked;
  *result = exchange_refuse(request, MHD_HTTP_LENGTH_REQUIRED, "length-required",
                            "Content-Length says how long the body is");
  return NULL;
}

static enum MHD_Result put_begin(FrontRequest *request, char **words) {
  enum MHD_Result result;
  if (request->own)
    return take_file(request, request->own, words[1]);
  Asked *asked = begin(request, words, &result);
  if (!asked || !read_announced(request, asked, &result))
    return result;
  const ExchangeVerdictRow *too_large = exchange_verdict(VERDICT_TOO_LARGE);
  guint64 size = (guint64)json_integer_value(json_object_get(asked->announced, "size"));
  if (size > exchange_limit(asked->conf, words[1]))
    return exchange_refuse(request, too_large->status, too_large->word, too_large->text);
  if (size <= EXCHANGE_SMALL && size == request->length && !exchange_header(request, "Expect"))
    return MHD_YES;
  json_t *question = exchange_question(asked, "open", words[1]);
  json_object_update(question, asked->announced);
  return open_upload(request, asked, words[1], question);
}

static enum MHD_Result resume(FrontRequest *request, char **words) {
  enum MHD_Result result;
  Asked *asked = begin(request, words, &result);
  if (!asked)
    return result;
  const char *text = exchange_header(request, "Upload-Offset");
  guint64 offset;
  if (!text || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &offset, NULL))
    return exchange_refuse(request, MHD_HTTP_BAD_REQUEST, "invalid", "Upload-Offset says where the body goes on");
  json_t *question = exchange_question(asked, "resume", words[1]);
  json_object_set_new(question, "offset", json_integer((json_int_t)offset));
  return open_upload(request, asked, words[1], question);
}

static enum MHD_Result patch_begin(FrontRequest *request, char **words) {
  enum MHD_Result result = request->own ? take_file(request, request->own, words[1]) : resume(request, words);
  const Asked *asked = request->own;
  if (asked && asked->upload && request->length > asked->end - asked->upload->offset)
    return exchange_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "the item ends before this body does");
  return result;
}

/* --- The body, and what comes of it */

static gboolean take(FrontRequest *request, const char *bytes, gsize length) {
  Asked *asked = request->own;
  int number;
  if (!asked->upload) {
    g_string_append_len(request->body, bytes, (gssize)length);
    return request->body->len <= EXCHANGE_SMALL;
  }
  if (asked->is_without_space || upload_write(asked->upload, bytes, length, &number))
    return TRUE;
  asked->is_without_space = number == ENOSPC || number == EDQUOT; /* told when the body has ended */
  return asked->is_without_space;
}

const FrontBody exchange_put_body = {put_begin, take}, exchange_patch_body = {patch_begin, take};

enum MHD_Result exchange_route_put(FrontRequest *request, char **words) {
  Asked *asked = request->own;
  const ExchangeVerdictRow *no_space = exchange_verdict(VERDICT_NO_SPACE);
  if (asked->is_without_space)
    return exchange_refuse(request, no_space->status, no_space->word, no_space->text);
  if (!asked->call) {
    json_t *question = exchange_question(asked, asked->upload ? "finish" : "put", words[1]);
    if (asked->upload) {
      upload_end(asked->upload);
      json_object_set_new(question, "file", json_string(asked->file));
    } else {
      json_object_update(question, asked->announced);
    }
    exchange_ask(request, asked, question, asked->upload ? FINISH_SECONDS : OPEN_SECONDS);
  }
  return exchange_answer(request, asked);
}
