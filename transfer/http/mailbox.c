/* Mailboxes of an exchange as folders: MAILBOX is one, the id of an item is a name in it. The interface is told in
 * sallyport-exchange(7).
 *
 * Every request may be sent again: an item is put once under its id whatever is repeated, and an acknowledgement is
 * one. So a connection that breaks is no doubt about anything (AGAIN). What the exchange says is a server's: bounded,
 * and read strictly. Where an item goes on is asked anew for each part that is sent; a part that was stored with other
 * bytes than those of the digest is refused at its end, forgotten there, and begun anew by the next try. */
#include "gateway/base/files.h"
#include "transfer/http/http_private.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
  TEXT_LIMIT = 1 << 20, /* of a page, which is said to have at most 256 KiB */
  PAGE = 500,
  LISTED_MOST = 5000, /* at once: the cursor goes on */
  SMALL = 64 * 1024,  /* goes in one request, and is not asked for first */
  ID_LIMIT = 64,
};

/* --- Paths */

static gboolean is_word(const char *text, gsize length) {
  gsize dots = strspn(text, ".");
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum(text[i]) && !strchr("._-", text[i]))
      return FALSE;
  return length > 0 && length <= ID_LIMIT && (dots < length || length > 2);
}

/* "/v1/mailboxes/MAILBOX/items", with "/ID" where one is named. */
static char *url_path(const char *path, gboolean has_id, GError **error) {
  const char *mailbox = path + strspn(path, "/");
  gsize length = strcspn(mailbox, "/");
  const char *id = mailbox + length + strspn(mailbox + length, "/");
  if (has_id && is_word(mailbox, length) && is_word(id, strlen(id)))
    return g_strdup_printf("/v1/mailboxes/%.*s/items/%s", (int)length, mailbox, id);
  if (!has_id && is_word(mailbox, length) && !*id)
    return g_strdup_printf("/v1/mailboxes/%.*s/items", (int)length, mailbox);
  sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                      "%s: a mailbox is one folder, and the name of an item in it has 1 to %d letters, digits, dots, "
                      "dashes and underscores",
                      path, ID_LIMIT);
  return NULL;
}

/* --- Requests */

/* Runs it; the answer's text is in *text, whatever its status. */
static gboolean run(Http *http, const char *what, const char *path, guint wait, GString *text, GError **error) {
  http->text = text;
  http->limit = TEXT_LIMIT;
  gint64 limit = wait > 0 ? (gint64)wait * G_USEC_PER_SEC + http->link.host->io_timeout : 0;
  CURLcode code = curl_link_run(&http->link, limit);
  http->text = NULL;
  if (http->link.failure && http->link.failure->code == SALLYPORT_ERROR_UNCERTAIN)
    http->link.failure->code = SALLYPORT_ERROR_AGAIN;
  return code == CURLE_OK || http_failed(http, code, what, path, error);
}

/* The exchange's own words about why not. Always FALSE. */
static gboolean refused(const Http *http, const char *what, const char *path, const GString *text, GError **error) {
  guint status = http_status(http);
  json_t *body = json_loadb(text->str, text->len, JSON_REJECT_DUPLICATES, NULL);
  const char *why = json_string_value(json_object_get(body, "text"));
  g_autofree char *shown = why ? files_show_bytes(why, strlen(why), 200) : NULL;
  json_decref(body);
  /* 409: it goes on elsewhere; 400: what was stored before was not of these bytes, and is forgotten now */
  gboolean later = status >= 500 || status == 400 || status == 408 || status == 409 || status == 429;
  SallyportErrorCode code = status == 401 ? SALLYPORT_ERROR_LOGIN
                            : later       ? SALLYPORT_ERROR_AGAIN
                                          : SALLYPORT_ERROR_PARTNER;
  return sallyport_error_set(error, code, "%s %s: the exchange answers with status %u%s%s", what, path, status,
                             shown ? ": " : "", shown ? shown : "");
}

/* --- List */

static int digit_of(char digit) {
  return g_ascii_islower(digit) || g_ascii_isdigit(digit) ? g_ascii_xdigit_value(digit) : -1;
}

static gboolean read_digest(const char *hex, guint8 digest[WIRE_DIGEST_SIZE]) {
  if (!hex || strlen(hex) != 2 * WIRE_DIGEST_SIZE)
    return FALSE;
  for (gsize i = 0; i < WIRE_DIGEST_SIZE; i++) {
    int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
    if (high < 0 || low < 0)
      return FALSE;
    digest[i] = (guint8)(high << 4 | low);
  }
  return TRUE;
}

typedef struct {
  const DriverSink *sink;
  const char *path;
  char *cursor;
  gboolean unacknowledged, is_restarted, is_at_end;
  guint listed;
} Listing;

/* FALSE: it is no item. What was acknowledged, or is not kept any more, is none that somebody has to fetch. */
static gboolean take_item(Listing *listing, const json_t *item) {
  guint8 digest[WIRE_DIGEST_SIZE];
  const char *id = json_string_value(json_object_get(item, "id")),
             *state = json_string_value(json_object_get(item, "state"));
  json_int_t size = json_integer_value(json_object_get(item, "size"));
  if (!id || !state || size < 0 || !read_digest(json_string_value(json_object_get(item, "sha256")), digest))
    return FALSE;
  listing->listed++;
  if (strcmp(state, "stored") != 0 && strcmp(state, "listed") != 0)
    return TRUE;
  const WireEntry entry = {
      .name = (const guint8 *)id, .name_length = strlen(id), .size = (guint64)size, .is_file = TRUE, .sha256 = digest};
  return listing->sink->take(listing->sink->user, &entry);
}

static gboolean take_page(Listing *listing, const GString *text, GError **error) {
  json_t *page = json_loadb(text->str, text->len, JSON_REJECT_DUPLICATES, NULL), *item;
  const char *cursor = json_string_value(json_object_get(page, "cursor"));
  const json_t *items = json_object_get(page, "items");
  gboolean ok = cursor && strlen(cursor) <= WIRE_CURSOR_LIMIT && json_array_size(items) > 0;
  size_t i;
  json_array_foreach(items, i, item)
    ok = ok && take_item(listing, item);
  if (ok) {
    g_free(listing->cursor);
    listing->cursor = g_strdup(cursor);
  }
  json_decref(page);
  return ok || sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "list %s: this is no page of a mailbox's list",
                                   listing->path);
}

/* The mailbox has begun anew: what nobody has acknowledged is listed again, and what is known of it is known. */
static gboolean begin_anew(Listing *listing, GError **error) {
  if (listing->is_restarted)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "list %s: it knows no cursor, not even none",
                               listing->path);
  g_clear_pointer(&listing->cursor, g_free);
  listing->unacknowledged = listing->is_restarted = TRUE;
  return TRUE;
}

static gboolean list_page(Http *http, Listing *listing, guint wait, GError **error) {
  g_autofree char *escaped = listing->cursor ? g_uri_escape_string(listing->cursor, NULL, FALSE) : NULL,
                  *query = g_strdup_printf("%s?limit=%d&wait=%us%s%s%s", listing->path, PAGE, wait,
                                           listing->unacknowledged ? "&unacknowledged=yes" : "",
                                           escaped ? "&after=" : "", escaped ? escaped : "");
  GString *text = g_string_new(NULL);
  gboolean ok = http_begin(http, query, NULL, error) && run(http, "list", listing->path, wait, text, error);
  guint status = ok ? http_status(http) : 0;
  const char *cursor = ok ? http_header(http, "Exchange-Cursor") : NULL;
  listing->is_at_end = status == 204;
  if (status == 200)
    ok = take_page(listing, text, error);
  else if (status == 410)
    ok = begin_anew(listing, error);
  else if (status == 204 && cursor && strlen(cursor) <= WIRE_CURSOR_LIMIT && !listing->cursor)
    listing->cursor = g_strdup(cursor);
  else if (ok && status != 204)
    ok = refused(http, "list", listing->path, text, error);
  g_string_free(text, TRUE);
  return ok;
}

/* With a cursor and a wait one page is enough: who waits comes again at once. */
static gboolean mailbox_list(Driver *driver, const char *folder, const DriverSink *sink, GError **error) {
  Http *http = (Http *)driver;
  g_autofree char *path = url_path(folder, FALSE, error);
  Listing listing = {
      .sink = sink, .path = path, .cursor = g_strdup(sink->after), .unacknowledged = sink->after == NULL};
  guint wait = sink->after ? sink->wait : 0;
  gboolean ok = path != NULL;
  gboolean goes_on = path != NULL;
  while (ok && goes_on) {
    gboolean waits = wait > 0 && !listing.is_restarted;
    ok = list_page(http, &listing, waits ? wait : 0, error);
    goes_on = !listing.is_at_end && listing.listed < LISTED_MOST && (!waits || listing.is_restarted);
  }
  if (ok && sink->cursor)
    *sink->cursor = g_steal_pointer(&listing.cursor);
  g_free(listing.cursor);
  return ok;
}

/* --- Stat, get */

/* By its first byte: HEAD tells who puts how far it is, and an item of the same id may go the other way. */
static gboolean mailbox_stat(Driver *driver, const char *name, CourierStat *stat, GError **error) {
  Http *http = (Http *)driver;
  g_autofree char *path = url_path(name, TRUE, error);
  *stat = (CourierStat){0};
  if (!path || !http_begin(http, path, "Range: bytes=0-0", error))
    return FALSE;
  GString *text = g_string_new(NULL);
  gboolean ok = run(http, "look at", path, 0, text, error);
  guint status = ok ? http_status(http) : 0;
  const HttpRange range = http_range(ok ? http_header(http, "Content-Range") : NULL);
  if (status == 200 || ((status == 206 || status == 416) && range.total >= 0))
    *stat = (CourierStat){
        .exists = TRUE, .is_file = TRUE, .size = status == 200 ? http->written : (guint64)range.total};
  else if (ok && status != 404 && status != 410)
    ok = refused(http, "look at", path, text, error);
  g_string_free(text, TRUE);
  return ok;
}

static gboolean mailbox_get(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error) {
  g_autofree char *path = url_path(get->path, TRUE, error);
  DriverTransfer wanted = *get;
  wanted.path = path;
  return path && http_get(driver, &wanted, end, error);
}

/* --- Put */

/* How far it is. *is_begun stays FALSE when it has to be announced first. */
static gboolean ask_offset(Http *http, const DriverTransfer *put, const char *path, gboolean *is_begun,
                           GError **error) {
  guint64 length;
  if (!http_begin(http, path, NULL, error))
    return FALSE;
  curl_easy_setopt(http->link.easy, CURLOPT_NOBODY, 1L);
  GString *text = g_string_new(NULL);
  gboolean ok = run(http, "put", path, 0, text, error);
  guint status = ok ? http_status(http) : 0;
  const char *state = ok ? http_header(http, "Item-State") : NULL;
  if (ok && status != 200 && status != 404)
    ok = refused(http, "put", path, text, error);
  else if (status == 200 && g_strcmp0(state, "receiving") == 0)
    *is_begun = g_ascii_string_to_unsigned(http_header(http, "Upload-Length"), 10, 0, G_MAXINT64, &length, NULL) &&
                length == put->size && g_ascii_string_to_unsigned(http_header(http, "Upload-Offset"), 10, 0, put->size,
                                                                  put->reached, NULL);
  g_string_free(text, TRUE);
  return ok;
}

static gboolean add_announced(Http *http, const DriverTransfer *put, GError **error) {
  guint8 digest[WIRE_DIGEST_SIZE];
  if (!read_digest(put->sha256, digest))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "put %s: without its digest", put->path);
  g_autofree char *base64 = g_base64_encode(digest, sizeof digest),
                  *line = g_strdup_printf("Repr-Digest: sha-256=:%s:", base64),
                  *length = g_strdup_printf("Upload-Length: %" G_GUINT64_FORMAT, put->size),
                  *about = put->about ? g_strdup_printf("Item-Correlation: %s", put->about) : NULL;
  http_add_header(http, line);
  http_add_header(http, length);
  if (about)
    http_add_header(http, about);
  return TRUE;
}

/* Where the item is after this request. */
static gboolean judge_put(const Http *http, const DriverTransfer *put, const char *path, const GString *text,
                          GError **error) {
  guint status = http_status(http);
  const char *offset = http_header(http, "Upload-Offset");
  if (status == 200 || status == 201)
    *put->reached = put->size;
  else if (status != 204)
    return refused(http, "put", path, text, error);
  else if (!offset || !g_ascii_string_to_unsigned(offset, 10, 0, put->size, put->reached, NULL))
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "put %s: it does not say how far it is", path);
  return TRUE;
}

/* So many bytes from where it is, *put->reached; PUT announces the item. */
static gboolean send_part(Http *http, const DriverTransfer *put, const char *path, const char *method, guint64 length,
                          GError **error) {
  guint64 from = *put->reached;
  CurlUpload body = {&http->link, put->fd, from, from + length, put->path, .tells_lane = TRUE};
  g_autofree char *offset = g_strdup_printf("Upload-Offset: %" G_GUINT64_FORMAT, from);
  gboolean announces = strcmp(method, "PUT") == 0;
  if (!http_begin(http, path, "Content-Type: application/octet-stream", error) ||
      (announces && !add_announced(http, put, error)))
    return FALSE;
  if (!announces)
    http_add_header(http, offset);
  http_send(http, &body, length);
  curl_easy_setopt(http->link.easy, CURLOPT_CUSTOMREQUEST, method);
  GString *text = g_string_new(NULL);
  gboolean ok = run(http, "put", path, 0, text, error) && judge_put(http, put, path, text, error);
  g_string_free(text, TRUE);
  return ok;
}

/* Of a large one the announcement is empty: the exchange may have it, or refuse it, and nothing is sent then. */
static gboolean mailbox_put(Driver *driver, const DriverTransfer *put, gboolean *there, GError **error) {
  Http *http = (Http *)driver;
  g_autofree char *path = url_path(put->path, TRUE, error);
  gboolean is_begun = FALSE;
  *there = TRUE;
  *put->reached = 0;
  if (!path)
    return FALSE;
  if (put->size <= SMALL)
    return send_part(http, put, path, "PUT", put->size, error);
  if (!ask_offset(http, put, path, &is_begun, error) ||
      (!is_begun && !send_part(http, put, path, "PUT", 0, error)))
    return FALSE;
  guint64 left = put->size - *put->reached;
  return (left == 0 && !is_begun) ||
         send_part(http, put, path, "PATCH", put->part > 0 ? MIN(put->part, left) : left, error);
}

/* --- Acknowledge */

static gboolean mailbox_acknowledge(Driver *driver, const CourierAcknowledgement *wanted, GError **error) {
  Http *http = (Http *)driver;
  g_autofree char *item = url_path(wanted->path, TRUE, error),
                  *path = item ? g_strconcat(item, "/acknowledgement", NULL) : NULL;
  if (!path || !http_begin(http, path, "Content-Type: application/json", error))
    return FALSE;
  json_t *said = json_pack("{s:s, s:I}", "sha256", wanted->sha256, "size", (json_int_t)wanted->size);
  char *body = json_dumps(said, JSON_COMPACT);
  json_decref(said);
  curl_easy_setopt(http->link.easy, CURLOPT_COPYPOSTFIELDS, body ? body : "");
  free(body);
  GString *text = g_string_new(NULL);
  gboolean ok = run(http, "acknowledge", item, 0, text, error);
  guint status = ok ? http_status(http) : 0;
  if (ok && status == 409)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                             "acknowledge %s: the mailbox says that these are not the item's bytes", item);
  else if (ok && status != 200 && status != 404 && status != 410)
    ok = refused(http, "acknowledge", item, text, error);
  g_string_free(text, TRUE);
  return ok;
}

static const DriverOperations mailbox_operations = {.list = mailbox_list,
                                                    .stat = mailbox_stat,
                                                    .get = mailbox_get,
                                                    .put = mailbox_put,
                                                    .acknowledge = mailbox_acknowledge,
                                                    .probe = http_probe,
                                                    .idle = http_idle,
                                                    .close = http_close};

Driver *driver_mailbox_open(const DriverHost *host, const WireMessage *open, GError **error) {
  json_object_seed(0); /* reads a file, which the cage forbids */
  return http_open(host, open, &mailbox_operations, error);
}
