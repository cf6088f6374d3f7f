/* Crash windows: the requester may have taken a status of which we never heard the answer; it is told again, with the
 * same body, and knows it by its task. */
#include "crypto/openpgp.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/json_text.h"
#include "gateway/recon/manifest.h"
#include "gateway/recon/names.h"
#include "gateway/recon/ways.h"
#include "gateway/common/paths.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 64 * 1024, SIGN_SECONDS = 60, SIGNATURE_LIMIT = 4096 };

static json_t *manifest_of(const Conf *conf, const ConfReconcile *reconcile, const ReconTask *task) {
  json_t *manifest = json_pack("{s:s, s:I, s:s}", "name", task->manifest_name, "size", (json_int_t)task->manifest_size,
                               "sha256", task->manifest_sha256);
  if (reconcile->serve && conf->front.url) {
    g_autofree char *url = recon_object_url(conf->front.url, task->object);
    json_object_set_new(manifest, "url", json_string(url));
  }
  return manifest;
}

char *recon_status_body(const Conf *conf, const ConfReconcile *reconcile, const ReconTask *task) {
  g_autofree char *total = recon_decimal(task->total, task->scale), *done_at = json_text_utc(task->done_at);
  json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:s, s:i, s:s, s:o}", "format",
                           "sallyport-status-1", "task", task->id, "requester", task->requester, "type", task->type,
                           "period", task->period, "version", (int)task->version, "state", "done", "records",
                           (json_int_t)task->records, "total", total, "shards", (int)task->shards, "done_at", done_at,
                           "manifest", manifest_of(conf, reconcile, task));
  return json_text_take(body);
}

typedef struct {
  const char *at;
  gsize left;
} Body;

static gssize read_body(gpointer user, void *into, gsize limit, GError **error) {
  (void)error;
  Body *body = user;
  gsize length = MIN(limit, body->left);
  memcpy(into, body->at, length);
  body->at += length;
  body->left -= length;
  return (gssize)length;
}

/* Base64 of the binary signature: one header line, which `base64 -d` and `gpg --verify` undo. */
static char *signature_of(const ReconHost *host, const ConfReconcile *reconcile, const char *text, GError **error) {
  const ConfOpenpgp *keys = &conf_partner(host->conf, reconcile->requester)->openpgp;
  OpenpgpSealOptions options = {.home = host->conf->node.gnupg_home,
                                .sign_with = keys->sign_with ? keys->sign_with : keys->decrypt_with,
                                .passphrase_file = secret_path(keys->passphrase_file),
                                .deadline = SIGN_SECONDS};
  Body body = {text, strlen(text)};
  OpenpgpSealed sealed;
  guint8 bytes[SIGNATURE_LIMIT];
  int fd = files_open_unnamed(host->paths->out, error);
  if (fd < 0)
    return NULL;
  ssize_t length = openpgp_sign_detached(&options, read_body, &body, fd, &sealed, error)
                       ? pread(fd, bytes, sizeof bytes, 0)
                       : -1;
  close(fd);
  return length > 0 ? g_base64_encode(bytes, (gsize)length) : NULL;
}

static gboolean told_change(BookTransaction *tx, gpointer data, GError **error) {
  return recon_note_way(tx, data, RECON_WAS_TOLD, error);
}

static gboolean post(const ConfReconcile *reconcile, const char *text, const char *const *headers, int body, int answer,
                     Courier *courier, gint64 *retry_after, GError **error) {
  CourierReply reply;
  CourierPost request = {.path = reconcile->status_path,
                         .headers = headers,
                         .body = body,
                         .body_size = strlen(text),
                         .answer = answer,
                         .answer_limit = ANSWER_LIMIT};
  if (!courier_post(courier, &request, &reply, error))
    return FALSE;
  *retry_after = reply.retry_after;
  return (reply.status >= 200 && reply.status < 300) ||
         sallyport_error_set(
             error, reply.status >= 500 || reply.status == 429 ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_PARTNER,
             "the status interface %s answers %u", reconcile->status_path, reply.status);
}

gboolean recon_notify(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, Courier *courier,
                    gint64 *retry_after, GError **error) {
  g_autofree char *text = recon_status_body(host->conf, reconcile, task),
                  *signature = signature_of(host, reconcile, text, error);
  *retry_after = -1;
  if (!signature)
    return FALSE;
  g_autofree char *signed_header = g_strdup_printf("Sallyport-Signature: %s", signature),
                  *key = g_strdup_printf("Idempotency-Key: %s", task->id);
  const char *headers[] = {"Content-Type: application/json", signed_header, key, NULL};
  int body = files_open_unnamed(host->paths->out, error),
      answer = body >= 0 ? files_open_unnamed(host->paths->out, error) : -1;
  gboolean ok = answer >= 0 && files_write_all(body, text, strlen(text), error) &&
                post(reconcile, text, headers, body, answer, courier, retry_after, error);
  if (body >= 0)
    close(body);
  if (answer >= 0)
    close(answer);
  if (!ok)
    return FALSE;
  fault_point("recon-tell-before-commit");
  return book_write(host->book, told_change, task, error);
}
