/* Files over FTP. What was got is what the server says that it is: its SIZE before and after, every byte of it, and its
 * 226. What was put is there: its SIZE is read back. Servers without SIZE are looked at by MLST or a listing of the
 * folder. */
#include "transfer/ftp/ftp_private.h"
#include <string.h>

typedef struct {
  Ftp *ftp;
  int fd;
  guint64 at, end;
  const char *path;
} Transfer;

/* SIZE's "213 1234". FALSE: not said. */
static gboolean size_of(const FtpReply *reply, guint64 *size) {
  if (!reply || reply->code != 213)
    return FALSE;
  g_autofree char *text = g_strstrip(g_strdup(reply->text->str));
  return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, size, NULL);
}

/* --- Get. */

static size_t take_bytes(char *bytes, size_t one, size_t length, void *user) {
  Transfer *get = user;
  CurlLink *link = &get->ftp->link;
  (void)one;
  if (length > get->end - get->at) {
    sallyport_error_set(&link->failure, SALLYPORT_ERROR_PARTNER, "more than %" G_GUINT64_FORMAT " bytes", get->end);
    return 0;
  }
  return driver_write(get->fd, bytes, length, &get->at, get->path, &link->failure) &&
                 curl_link_moved(link, length, get->at)
             ? length
             : 0;
}

static gboolean changed(const DriverTransfer *get, guint64 got, guint64 size, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                             "get %s: changed while it was read: %" G_GUINT64_FORMAT " bytes here, %" G_GUINT64_FORMAT
                             " there",
                             get->path, got, size);
}

/* libcurl would stop at the size that SIZE (or the reply to RETR) tells: so it is told to ignore both, SIZE is asked
 * around RETR by commands of ours, and a file goes on until the server ends it. */
static CURLcode fetch(Ftp *ftp, const DriverTransfer *get, const char *path, Transfer *transfer) {
  g_autofree char *url = ftp_url(ftp, path), *size = g_strconcat("*SIZE ", path, NULL),
                  *rest = g_strdup_printf("REST %" G_GUINT64_FORMAT, get->offset);
  struct curl_slist *before = curl_slist_append(NULL, size), *after = curl_slist_append(NULL, size);
  if (get->offset > 0)
    before = curl_slist_append(before, rest);
  ftp_begin(ftp, url);
  curl_easy_setopt(ftp->link.easy, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(ftp->link.easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(ftp->link.easy, CURLOPT_IGNORE_CONTENT_LENGTH, 1L);
  curl_easy_setopt(ftp->link.easy, CURLOPT_PREQUOTE, before);
  curl_easy_setopt(ftp->link.easy, CURLOPT_POSTQUOTE, after);
  CURLcode code = ftp_run(ftp);
  curl_easy_setopt(ftp->link.easy, CURLOPT_PREQUOTE, NULL);
  curl_easy_setopt(ftp->link.easy, CURLOPT_POSTQUOTE, NULL);
  curl_slist_free_all(before);
  curl_slist_free_all(after);
  return code;
}

gboolean ftp_get(Driver *driver, const DriverTransfer *get, guint64 *end, GError **error) {
  Ftp *ftp = (Ftp *)driver;
  g_autofree char *path = ftp_path(ftp, get->path, error);
  if (!path || !ftp_make_binary(ftp, "get", error))
    return FALSE;
  Transfer transfer = {.ftp = ftp, .fd = get->fd, .at = get->offset, .end = get->size, .path = get->path};
  guint64 before = 0, later = 0;
  CURLcode code;
  do
    code = fetch(ftp, get, path, &transfer);
  while (ftp_goes_on_with_pasv(ftp, code));
  gboolean is_known = size_of(ftp_reply(ftp, "SIZE", 0), &before),
           is_known_later = size_of(ftp_reply(ftp, "SIZE", 1), &later);
  if (is_known && before > get->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                               "get %s: %" G_GUINT64_FORMAT " bytes are more than %" G_GUINT64_FORMAT, get->path,
                               before, get->size);
  if (is_known && before < get->offset)
    return changed(get, get->offset, before, error);
  if (code != CURLE_OK)
    return ftp_failed(ftp, code, "get", get->path, error);
  if (is_known && is_known_later && before == later && before != transfer.at)
    return driver_wrong_size(get->path, before, transfer.at, error);
  if (is_known && before != transfer.at)
    return changed(get, transfer.at, before, error);
  if (is_known_later && later != transfer.at)
    return changed(get, transfer.at, later, error);
  *end = transfer.at;
  return TRUE;
}

/* --- Put. */

static gboolean size_there(Ftp *ftp, const char *path, guint64 *size, gboolean *there, GError **error) {
  CourierStat stat;
  if (!ftp_stat(ftp, path, &stat, error))
    return FALSE;
  *there = stat.exists;
  *size = stat.exists && stat.is_file ? stat.size : 0;
  return TRUE;
}

/* APPE goes on with a part whose size is exactly where we go on; anything else would make a file that nobody has
 * written. */
static gboolean may_append(Ftp *ftp, const DriverTransfer *put, GError **error) {
  guint64 size;
  gboolean there;
  if (!size_there(ftp, put->path, &size, &there, error))
    return FALSE;
  return size == put->offset ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                             "put %s: a part of %" G_GUINT64_FORMAT " bytes is there, not of %" G_GUINT64_FORMAT,
                             put->path, size, put->offset);
}

static CURLcode send_file(Ftp *ftp, const DriverTransfer *put, const char *path) {
  g_autofree char *url = ftp_url(ftp, path), *again = g_strconcat("*SIZE ", path, NULL);
  struct curl_slist *after = curl_slist_append(NULL, again);
  CurlUpload upload = {&ftp->link, put->fd, put->offset, put->size, put->path, .tells_lane = TRUE};
  ftp_begin(ftp, url);
  curl_easy_setopt(ftp->link.easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(ftp->link.easy, CURLOPT_APPEND, put->offset > 0 ? 1L : 0L);
  curl_easy_setopt(ftp->link.easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)(put->size - put->offset));
  curl_easy_setopt(ftp->link.easy, CURLOPT_READFUNCTION, curl_link_give);
  curl_easy_setopt(ftp->link.easy, CURLOPT_READDATA, &upload);
  curl_easy_setopt(ftp->link.easy, CURLOPT_POSTQUOTE, after);
  CURLcode code = ftp_run(ftp);
  curl_easy_setopt(ftp->link.easy, CURLOPT_POSTQUOTE, NULL);
  curl_slist_free_all(after);
  return code;
}

/* Where neither SIZE nor a look shows the file, its 226 is all there is: *there tells the caller. */
gboolean ftp_put(Driver *driver, const DriverTransfer *put, gboolean *there, GError **error) {
  Ftp *ftp = (Ftp *)driver;
  guint64 size;
  g_autofree char *path = ftp_path(ftp, put->path, error);
  if (!path || (put->offset > 0 && !may_append(ftp, put, error)))
    return FALSE;
  if (put->offset > 0 && put->offset == put->size)
    return TRUE;
  if (!ftp_make_binary(ftp, "put", error))
    return FALSE;
  CURLcode code;
  do
    code = send_file(ftp, put, path);
  while (ftp_goes_on_with_pasv(ftp, code));
  if (code != CURLE_OK)
    return ftp_failed(ftp, code, "put", put->path, error);
  *there = TRUE;
  if (!size_of(ftp_reply(ftp, "SIZE", 0), &size) && !size_there(ftp, put->path, &size, there, error))
    return FALSE;
  return size == put->size || !*there ||
         sallyport_error_set(error, SALLYPORT_ERROR_AGAIN,
                             "put %s: %" G_GUINT64_FORMAT " bytes are there, not %" G_GUINT64_FORMAT, put->path, size,
                             put->size);
}
