/* Answers: JSON, refusals, and files with their ranges. */
#include "gateway/common/log.h"
#include "gateway/front/front_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 * 1024 };
#define BUSY_SECONDS "5" /* when to ask again what cannot be answered at the moment */

static enum MHD_Result queue(FrontRequest *request, guint status, struct MHD_Response *response, guint64 bytes) {
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-store");
  enum MHD_Result result = MHD_queue_response(request->connection, status, response);
  MHD_destroy_response(response);
  request->status = status;
  request->bytes = bytes;
  request->is_answered = TRUE;
  return result;
}

static struct MHD_Response *response_of_text(char *text) {
  struct MHD_Response *response =
      text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE)
           : MHD_create_response_from_buffer(0, (void *)(intptr_t) "", MHD_RESPMEM_PERSISTENT);
  if (!response)
    free(text);
  return response;
}

enum MHD_Result front_answer_text(FrontRequest *request, guint status, char *text, const FrontHeader *headers) {
  gsize length = text ? strlen(text) : 0;
  struct MHD_Response *response = response_of_text(text);
  if (!response)
    return MHD_NO;
  if (status == MHD_HTTP_UNAUTHORIZED)
    MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"sallyport\"");
  if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
    MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, BUSY_SECONDS);
  for (; headers && headers->name; headers++)
    if (headers->value)
      MHD_add_response_header(response, headers->name, headers->value);
  if (text && !MHD_get_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE))
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  return queue(request, status, response, length);
}

enum MHD_Result front_answer_json(FrontRequest *request, guint status, json_t *object) {
  const char *allowed = json_string_value(json_object_get(object, "allow"));
  g_autofree char *copy = g_strdup(allowed);
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  FrontHeader headers[] = {{MHD_HTTP_HEADER_ALLOW, copy}, {NULL, NULL}};
  return text ? front_answer_text(request, status, text, headers) : MHD_NO;
}

enum MHD_Result front_refuse(FrontRequest *request, guint status, const char *error) {
  return front_answer_json(request, status, json_pack("{s:s}", "error", error));
}

enum MHD_Result front_nothing(FrontRequest *request) {
  return front_refuse(request, MHD_HTTP_NOT_FOUND, "there is nothing of this name for you");
}

enum MHD_Result front_trouble(FrontRequest *request, const GError *error) {
  log_event(LOG_ERROR, "front-trouble", {"requester", request->requester ? request->requester->name : NULL},
            {"error", error ? error->message : "unknown"});
  return front_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "this cannot be told at the moment; ask again");
}

enum MHD_Result front_not_ready(FrontRequest *request, const char *state, guint retry_after) {
  json_t *object = json_pack("{s:s, s:s, s:i}", "status", "not-ready", "state", state, "retry_after", (int)retry_after);
  g_autofree char *seconds = g_strdup_printf("%u", retry_after);
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  FrontHeader headers[] = {{MHD_HTTP_HEADER_RETRY_AFTER, seconds}, {NULL, NULL}};
  return text ? front_answer_text(request, MHD_HTTP_ACCEPTED, text, headers) : MHD_NO;
}

/* --- Files */

static const char *header(const FrontRequest *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* If-None-Match: a list of tags, or * for any; a weak one may match, too (RFC 9110, 13.1.2). */
static gboolean names_tag(const char *list, const char *tag) {
  if (!list)
    return FALSE;
  g_auto(GStrv) tags = g_strsplit(list, ",", 32);
  for (char **one = tags; *one; one++) {
    const char *text = g_strstrip(*one);
    text += g_str_has_prefix(text, "W/") ? 2 : 0;
    if (strcmp(text, "*") == 0 || strcmp(text, tag) == 0)
      return TRUE;
  }
  return FALSE;
}

/* The library reads files in pieces of 4 KiB, and each becomes a TLS record of its own: that halves the speed. Here a
 * piece is four of the largest records. In clear text the library has the kernel send the file, which nothing is faster
 * than. */
typedef struct {
  int fd;
  guint64 first;
} Reading;

static ssize_t read_piece(void *user, uint64_t at, char *buffer, size_t length) {
  const Reading *reading = user;
  ssize_t got;
  do
    got = pread(reading->fd, buffer, length, (off_t)(reading->first + at));
  while (got < 0 && errno == EINTR);
  /* it has become shorter: the connection ends before the length that was said */
  return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void end_reading(void *user) {
  Reading *reading = user;
  close(reading->fd);
  g_free(reading);
}

static struct MHD_Response *response_of(const FrontRequest *request, const FrontFile *file, guint64 first,
                                        guint64 length) {
  if (length == 0 || request->front->conf->front.clear_text)
    return MHD_create_response_from_fd_at_offset64(length, file->fd, first);
  Reading *reading = g_new(Reading, 1);
  *reading = (Reading){file->fd, first};
  struct MHD_Response *response = MHD_create_response_from_callback(length, PIECE_BYTES, read_piece, reading,
                                                                    end_reading);
  if (!response)
    g_free(reading);
  return response;
}

static void add_file_headers(struct MHD_Response *response, const FrontFile *file, const char *tag) {
  g_autofree char *disposition = g_strdup_printf("attachment; filename=\"%s\"", file->name);
  MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
  MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, file->content_type);
  if (!strpbrk(file->name, "\"\\\r\n"))
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
}

static enum MHD_Result answer_empty(FrontRequest *request, const FrontFile *file, guint status, const char *tag) {
  struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)(intptr_t) "", MHD_RESPMEM_PERSISTENT);
  g_autofree char *range = g_strdup_printf("bytes */%" G_GUINT64_FORMAT, file->size);
  close(file->fd);
  if (!response)
    return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
  if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE)
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
  return queue(request, status, response, 0);
}

/* The tag is the content's SHA-256: a range of these bytes is always a range of these bytes, also after a restart or
 * from another node. */
enum MHD_Result front_answer_file(FrontRequest *request, const FrontFile *file) {
  g_autofree char *tag = g_strdup_printf("\"%s\"", file->sha256);
  if (names_tag(header(request, MHD_HTTP_HEADER_IF_NONE_MATCH), tag))
    return answer_empty(request, file, MHD_HTTP_NOT_MODIFIED, tag);
  const char *if_range = header(request, MHD_HTTP_HEADER_IF_RANGE);
  gboolean may_be_part = !if_range || strcmp(if_range, tag) == 0;
  ByteRange range = {0, file->size ? file->size - 1 : 0};
  RangeKind kind = may_be_part ? range_parse(header(request, MHD_HTTP_HEADER_RANGE), file->size, &range) : RANGE_WHOLE;
  if (kind == RANGE_UNSATISFIABLE)
    return answer_empty(request, file, MHD_HTTP_RANGE_NOT_SATISFIABLE, tag);
  guint64 length = file->size == 0 ? 0 : range.last - range.first + 1;
  struct MHD_Response *response = response_of(request, file, range.first, length);
  if (!response) {
    close(file->fd);
    return MHD_NO;
  }
  add_file_headers(response, file, tag);
  if (kind == RANGE_PART) {
    g_autofree char *part = g_strdup_printf("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                                            range.first, range.last, file->size);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, part);
  }
  return queue(request, kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response, length);
}
