/* A batch comes into a file in memory, which the lane gets when it is whole: nothing of it is on a disk before the lane
 * has made it durable, and a body as large as it may be costs no second copy. Sealed, so that the lane need not trust
 * that it stays as it is. */
#include "gateway/front/rating/rating_routes.h"
#include "gateway/common/packet_desk.h"
#include "gateway/front/link.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of a million records is decided between two admissions of it; it takes as long as one. */
enum { ANSWER_SECONDS = 60, ANSWER_LIMIT = 64 << 20 };
#define RETRY_SECONDS "1"
#define KEY_HEADER "Idempotency-Key"

typedef struct {
  Link *link;
  const Shelf *shelf;
  const ConfRating *rating;
  char *key; /* NULL: it is a quote */
  const char *form;
  int fd;
  gboolean is_too_large;
  LinkCall *call;
} Sent;

static void sent_free(gpointer data) {
  Sent *sent = data;
  if (sent->fd >= 0)
    close(sent->fd);
  link_call_unref(sent->call);
  g_free(sent->key);
  g_free(sent);
}

/* --- The head */

static const ConfRating *rating_of(const FrontRequest *request, const char *name, const Shelf **shelf) {
  for (guint i = 0; i < request->front->shelves->len; i++) {
    *shelf = request->front->shelves->pdata[i];
    const GPtrArray *ratings = (*shelf)->lane->ratings;
    for (guint j = 0; ratings && j < ratings->len; j++) {
      const ConfRating *rating = ratings->pdata[j];
      if (strcmp(rating->name, name) == 0 && rating->intake.present &&
          g_strv_contains((const char *const *)rating->intake.partners, request->requester->name))
        return rating;
    }
  }
  return NULL;
}

static const char *header(const FrontRequest *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result refuse(FrontRequest *request, guint status, const char *error, const char *text) {
  gboolean is_later = status == MHD_HTTP_TOO_MANY_REQUESTS || status == MHD_HTTP_CONFLICT;
  FrontHeader headers[] = {{MHD_HTTP_HEADER_RETRY_AFTER, is_later ? RETRY_SECONDS : NULL}, {NULL, NULL}};
  json_t *object = json_pack("{s:s, s:s*}", "error", error, "text", text);
  char *body = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  return front_answer_text(request, status, body, headers);
}

/* "text/csv; charset=utf-8" is text/csv. NULL: neither of the two. */
static const char *form_of(const char *type) {
  static const struct {
    const char *type, *form;
  } forms[] = {{"application/json", "json"}, {"text/csv", "csv"}};
  gsize length = type ? strcspn(type, "; ") : 0;
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++)
    if (strlen(forms[i].type) == length && g_ascii_strncasecmp(forms[i].type, type, length) == 0)
      return forms[i].form;
  return NULL;
}

/* A structured header's string has quotes (draft-ietf-httpapi-idempotency-key-header); many send it without. */
static char *key_of(const char *value) {
  gsize length = value ? strlen(value) : 0;
  if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
    return g_strndup(value + 1, length - 2);
  return g_strdup(value);
}

static enum MHD_Result count_key(void *user, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  (void)value;
  *(guint *)user += g_ascii_strcasecmp(name, KEY_HEADER) == 0;
  return MHD_YES;
}

static guint keys_of(const FrontRequest *request) {
  guint keys = 0;
  MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_key, &keys);
  return keys;
}

static enum MHD_Result begin(FrontRequest *request, const char *name, gboolean has_key) {
  g_autoptr(GError) error = NULL;
  const Shelf *shelf;
  const ConfRating *rating = rating_of(request, name, &shelf);
  Link *link = rating ? link_of(request->front, &error) : NULL;
  if (!rating)
    return front_nothing(request);
  Sent *sent = g_new0(Sent, 1);
  *sent = (Sent){.link = link, .shelf = shelf, .rating = rating};
  sent->fd = memfd_create("usage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  request->own = sent;
  request->own_free = sent_free;
  sent->form = form_of(header(request, MHD_HTTP_HEADER_CONTENT_TYPE));
  sent->key = has_key ? key_of(header(request, KEY_HEADER)) : NULL;
  if (!link || sent->fd < 0)
    return front_trouble(request, error);
  if (has_key && !sent->key)
    return refuse(request, MHD_HTTP_BAD_REQUEST, "key",
                  KEY_HEADER " says which batch this is, so that it is rated once however often it is sent");
  if (has_key && keys_of(request) > 1)
    return refuse(request, MHD_HTTP_BAD_REQUEST, "key", "a batch has one " KEY_HEADER);
  if (!sent->form)
    return refuse(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "type", "Content-Type is application/json or text/csv");
  if (request->has_length && request->length > rating->intake.size_limit)
    return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "the batch is larger than this intake takes");
  return MHD_YES;
}

static enum MHD_Result begin_batch(FrontRequest *request, char **words) {
  return begin(request, words[0], TRUE);
}

static enum MHD_Result begin_quote(FrontRequest *request, char **words) {
  return begin(request, words[0], FALSE);
}

/* --- The body */

static gboolean take_piece(FrontRequest *request, const char *bytes, gsize length) {
  Sent *sent = request->own;
  sent->is_too_large |= request->received > sent->rating->intake.size_limit;
  while (length > 0 && !sent->is_too_large) {
    ssize_t put = write(sent->fd, bytes, length);
    if (put < 0 && errno != EINTR)
      return FALSE;
    bytes += put > 0 ? put : 0;
    length -= put > 0 ? (gsize)put : 0;
  }
  return request->received <= 4 * sent->rating->intake.size_limit; /* it is told when the body has ended, if it does */
}

static const FrontBody batch_body = {begin_batch, take_piece}, quote_body = {begin_quote, take_piece};

/* --- The answer */

static char *text_of(const LinkCall *call) {
  struct stat file;
  gsize length, done = 0;
  const char *bytes = call->bytes ? g_bytes_get_data(call->bytes, &length) : NULL;
  if (bytes)
    return g_strndup(bytes, length);
  if (call->fd < 0 || fstat(call->fd, &file) != 0 || file.st_size > ANSWER_LIMIT)
    return NULL;
  char *text = malloc((gsize)file.st_size + 1);
  while (text && done < (gsize)file.st_size) {
    ssize_t got = pread(call->fd, text + done, (gsize)file.st_size - done, (off_t)done);
    if (got == 0 || (got < 0 && errno != EINTR))
      break;
    done += got > 0 ? (gsize)got : 0;
  }
  if (text)
    text[done] = '\0';
  return text;
}

static enum MHD_Result tell(FrontRequest *request, const LinkCall *call) {
  guint status = call ? (guint)json_integer_value(json_object_get(call->head, "status")) : 0;
  const char *error = call ? json_string_value(json_object_get(call->head, "error")) : NULL;
  char *text = status && !error ? text_of(call) : NULL;
  if (text)
    return front_answer_text(request, status, text, NULL);
  if (status && error)
    return refuse(request, status, error, json_string_value(json_object_get(call->head, "text")));
  return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "trouble", "this cannot be done at the moment; ask again");
}

static void ask_lane(FrontRequest *request, Sent *sent) {
  g_autofree char *path = packet_desk_path(sent->shelf->paths, PACKET_DESK_USAGE);
  fcntl(sent->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  Packet packet = {.head = json_pack("{s:s, s:s, s:s, s:s*, s:s}", "do", sent->key ? "rate" : "quote", "rating",
                                     sent->rating->name, "partner", request->requester->name, "key", sent->key, "form",
                                     sent->form),
                   .fd = sent->fd};
  sent->call = packet.head ? link_ask(sent->link, path, &packet) : NULL; /* a key may be no UTF-8 */
  if (sent->call)
    front_wait_for(request, sent->call, ANSWER_SECONDS);
}

static enum MHD_Result route_batch(FrontRequest *request, char **words) {
  Sent *sent = request->own;
  (void)words;
  if (sent->is_too_large)
    return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "the batch is larger than this intake takes");
  if (!sent->call)
    ask_lane(request, sent);
  if (sent->call && !link_call_is_done(sent->call) && front_wait(request))
    return MHD_YES;
  return tell(request, sent->call && link_call_is_done(sent->call) ? sent->call : NULL);
}

const FrontRoute front_rating_routes[] = {
    {"POST", "/v1/rating/{}/batches", route_batch, front_is_requester, &batch_body},
    {"POST", "/v1/rating/{}/quote", route_batch, front_is_requester, &quote_body},
    {0}};
