#include "gateway/recon/pull_private.h"
#include "gateway/base/files.h"
#include "gateway/common/remote_path.h"
#include "gateway/recon/folder.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_SUFFIX ".manifest.json"
enum { SMALL_ANSWER = 64 * 1024, SIGNATURE_LIMIT = 1 << 20, ASK_AGAIN = 300, ACKNOWLEDGEMENTS = 6 };

static PullEnd fail(PullReport *report, PullEnd end, char *problem) {
  g_free(report->problem);
  report->problem = problem;
  return end;
}

static PullEnd fail_with(PullReport *report, const GError *error) {
  SallyportErrorCode code = sallyport_error_code(error);
  gboolean passes = code == SALLYPORT_ERROR_AGAIN || code == SALLYPORT_ERROR_UNCERTAIN;
  return fail(report,
              code == SALLYPORT_ERROR_FILE ? PULL_CORRUPT
              : passes                     ? PULL_INCOMPLETE
                                           : PULL_FAILED,
              g_strdup(error->message));
}

char *pull_shard_path(const PullOptions *options, const ReconManifestShard *shard) {
  if (options->endpoint->kind != COURIER_HTTP)
    return remote_path_join(options->remote_folder ? options->remote_folder : "", shard->name, strlen(shard->name));
  const char *object = strstr(shard->url, "/v1/objects/");
  return g_strdup(object ? object + 1 : "");
}

/* --- A name in our folder: new bytes under a temporary name, then renamed. */

static int open_new(int folder, const char *name, GError **error) {
  g_autofree char *part = g_strconcat(name, ".part", NULL);
  int fd = openat(folder, part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    sallyport_error_errno(error, errno, "make %s", part);
  return fd;
}

static gboolean keep_new(int folder, const char *name, int fd, GError **error) {
  g_autofree char *part = g_strconcat(name, ".part", NULL);
  gboolean ok = files_sync(fd, name, error);
  close(fd);
  if (ok && renameat(folder, part, folder, name) != 0)
    ok = sallyport_error_errno(error, errno, "rename %s", part);
  return ok;
}

static void drop_new(int folder, const char *name, int fd) {
  g_autofree char *part = g_strconcat(name, ".part", NULL);
  close(fd);
  unlinkat(folder, part, 0);
}

/* --- HTTP */

typedef struct {
  const PullOptions *options;
  Courier *courier;
  int folder;
  PullReport *report;
} Asking;

static char *read_small(int fd, guint64 size) {
  char *text = g_malloc0(SMALL_ANSWER + 1);
  ssize_t got = pread(fd, text, (gsize)MIN(size, (guint64)SMALL_ANSWER), 0);
  text[MAX(got, 0)] = '\0';
  return text;
}

static char *error_text(int fd, guint64 size) {
  g_autofree char *text = read_small(fd, size);
  json_t *answer = json_loads(text, 0, NULL);
  const char *error = json_string_value(json_object_get(answer, "error"));
  char *shown = error ? files_show_bytes(error, strlen(error), 200) : g_strdup("it gives no reason");
  json_decref(answer);
  return shown;
}

static PullEnd not_ready(PullReport *report, int fd, const CourierReply *reply) {
  g_autofree char *text = read_small(fd, reply->size);
  json_t *answer = json_loads(text, 0, NULL);
  const char *state = json_string_value(json_object_get(answer, "state"));
  g_autofree char *shown = state ? files_show_bytes(state, strlen(state), 40) : g_strdup("not ready");
  json_decref(answer);
  report->retry_after = reply->retry_after >= 0 ? (guint)MIN(reply->retry_after, 86400) : ASK_AGAIN;
  return fail(report, PULL_NOT_READY,
              g_strdup_printf("it is not ready (%s); ask again in %u s", shown, report->retry_after));
}

static PullEnd judge_manifest(Asking *asking, int fd, const CourierReply *reply) {
  if (reply->status == 200)
    return PULL_WHOLE;
  if (reply->status == 202)
    return not_ready(asking->report, fd, reply);
  g_autofree char *why = error_text(fd, reply->size);
  PullEnd end = reply->status == 404                           ? PULL_NOT_FOUND
                : reply->status >= 500 || reply->status == 429 ? PULL_INCOMPLETE
                                                               : PULL_FAILED;
  return fail(asking->report, end, g_strdup_printf("the server answers %u: %s", reply->status, why));
}

/* GETs the path into NAME of our folder. */
static PullEnd get_http(Asking *asking, const char *path, const char *name, guint64 limit) {
  g_autoptr(GError) error = NULL;
  CourierReply reply;
  int fd = open_new(asking->folder, name, &error);
  if (fd < 0)
    return fail_with(asking->report, error);
  CourierPost post = {.path = path, .body = -1, .answer = fd, .answer_limit = limit};
  PullEnd end = courier_post(asking->courier, &post, &reply, &error) ? judge_manifest(asking, fd, &reply)
                                                                     : fail_with(asking->report, error);
  if (end != PULL_WHOLE) {
    drop_new(asking->folder, name, fd);
    return end;
  }
  return keep_new(asking->folder, name, fd, &error) ? PULL_WHOLE : fail_with(asking->report, error);
}

static PullEnd get_manifest_http(Asking *asking) {
  const PullOptions *options = asking->options;
  g_autofree char *version = options->version ? g_strdup_printf("?version=%u", options->version) : g_strdup("");
  g_autofree char *base = g_strdup_printf("v1/manifests/%s/%s", options->type, options->period);
  g_autofree char *path = g_strconcat(base, version, NULL), *signature = g_strconcat(base, "/signature", version, NULL);
  g_autofree char *beside = g_strconcat(asking->report->manifest_name, ".asc", NULL);
  PullEnd end = get_http(asking, path, asking->report->manifest_name, RECON_MANIFEST_SIZE_MAX);
  return end == PULL_WHOLE && options->keys.signed_by ? get_http(asking, signature, beside, SIGNATURE_LIMIT) : end;
}

/* --- Folders */

static PullEnd get_file(Asking *asking, const char *name, guint64 limit) {
  g_autoptr(GError) error = NULL;
  g_autofree char *path = remote_path_join(asking->options->remote_folder ? asking->options->remote_folder : "", name,
                                           strlen(name));
  CourierStat stat;
  if (!courier_stat(asking->courier, path, &stat, &error))
    return fail_with(asking->report, error);
  if (!stat.exists)
    return fail(asking->report, PULL_NOT_READY, g_strdup_printf("%s is not there (yet)", path));
  int fd = open_new(asking->folder, name, &error);
  if (fd < 0)
    return fail_with(asking->report, error);
  guint64 size = 0;
  CourierGet get = {.path = path, .size_limit = limit, .fd = fd};
  if (courier_get(asking->courier, &get, &size, &error))
    return keep_new(asking->folder, name, fd, &error) ? PULL_WHOLE : fail_with(asking->report, error);
  drop_new(asking->folder, name, fd);
  return fail_with(asking->report, error);
}

/* TYPE_PERIOD.manifest.json is version 1, TYPE_PERIOD_vN.manifest.json version N: as the gateway names them unless it
 * is told otherwise. 0: it is another file. */
static guint version_of(const PullOptions *options, const char *name) {
  g_autofree char *stem = g_strdup_printf("%s_%s", options->type, options->period);
  const char *rest = g_str_has_prefix(name, stem) ? name + strlen(stem) : "";
  char *end = NULL;
  guint64 version = strcmp(rest, MANIFEST_SUFFIX) == 0                         ? 1
                    : g_str_has_prefix(rest, "_v") && g_ascii_isdigit(rest[2]) ? g_ascii_strtoull(rest + 2, &end, 10)
                                                                               : 0;
  return (end && strcmp(end, MANIFEST_SUFFIX) != 0) || version > G_MAXINT32 ? 0 : (guint)version;
}

static char *name_of_version(const PullOptions *options, guint version) {
  return version <= 1 ? g_strdup_printf("%s_%s" MANIFEST_SUFFIX, options->type, options->period)
                      : g_strdup_printf("%s_%s_v%u" MANIFEST_SUFFIX, options->type, options->period, version);
}

static gboolean is_manifest_name(gpointer user, const char *name) {
  return version_of(user, name) > 0;
}

/* The version that was asked for, or the newest that is there. */
static PullEnd choose_name(Asking *asking) {
  g_autoptr(GError) error = NULL;
  const PullOptions *options = asking->options;
  CourierListing listing = {.folder = options->remote_folder && *options->remote_folder ? options->remote_folder : ".",
                            .wanted = is_manifest_name,
                            .user = (gpointer)(intptr_t)options};
  gboolean truncated;
  guint refused, newest = options->version;
  g_autoptr(GPtrArray) entries = newest ? NULL : courier_list(asking->courier, &listing, &truncated, &refused, &error);
  if (error)
    return fail_with(asking->report, error);
  for (guint i = 0; entries && i < entries->len; i++) {
    gsize length;
    const char *bytes = g_bytes_get_data(((const CourierEntry *)entries->pdata[i])->name, &length);
    g_autofree char *name = g_strndup(bytes, length);
    newest = MAX(newest, version_of(options, name));
  }
  asking->report->manifest_name = name_of_version(options, newest);
  return PULL_WHOLE;
}

static PullEnd get_manifest_file(Asking *asking) {
  PullEnd chosen = asking->report->manifest_name ? PULL_WHOLE : choose_name(asking);
  if (chosen != PULL_WHOLE)
    return chosen;
  g_autofree char *beside = g_strconcat(asking->report->manifest_name, ".asc", NULL);
  PullEnd end = get_file(asking, asking->report->manifest_name, RECON_MANIFEST_SIZE_MAX);
  if (end == PULL_WHOLE && asking->options->keys.signed_by)
    end = get_file(asking, beside, SIGNATURE_LIMIT);
  asking->report->retry_after = end == PULL_NOT_READY ? ASK_AGAIN : 0;
  return end;
}

/* --- The manifest, verified */

static gboolean is_what_was_asked(const PullOptions *options, const ReconManifest *manifest) {
  return strcmp(manifest->type, options->type) == 0 && strcmp(manifest->period, options->period) == 0 &&
         (options->version == 0 || manifest->version == options->version);
}

/* The sums in the forms that sha256sum -c and md5sum -c read: for whoever checks without us. */
static gboolean write_sums(const PullOptions *options, const PullReport *report, GError **error) {
  GString *sha256 = g_string_new(NULL), *md5 = g_string_new(NULL);
  g_autofree char *first = g_strconcat(report->manifest_name, ".sha256", NULL),
                  *second = g_strconcat(report->manifest_name, ".md5", NULL);
  for (guint i = 0; i < report->manifest->shards->len; i++) {
    const ReconManifestShard *shard = report->manifest->shards->pdata[i];
    g_string_append_printf(sha256, "%s  %s\n", shard->sha256, shard->name);
    g_string_append_printf(md5, "%s  %s\n", shard->md5, shard->name);
  }
  gboolean ok = files_replace(options->folder, first, sha256->str, error) &&
                files_replace(options->folder, second, md5->str, error);
  g_string_free(sha256, TRUE);
  g_string_free(md5, TRUE);
  return ok;
}

static PullEnd read_manifest(const PullOptions *options, int folder, PullReport *report) {
  g_autoptr(GError) error = NULL;
  report->manifest = recon_folder_manifest(folder, report->manifest_name, &options->keys, &report->manifest_sha256,
                                           &error);
  if (!report->manifest)
    return fail_with(report, error);
  if (!is_what_was_asked(options, report->manifest))
    return fail(report, PULL_CORRUPT,
                g_strdup_printf("the manifest is of %s %s version %u: not what was asked for", report->manifest->type,
                                report->manifest->period, report->manifest->version));
  return write_sums(options, report, &error) ? PULL_WHOLE : fail_with(report, error);
}

static PullEnd ask_for_it(Asking *asking) {
  PullEnd end = asking->options->endpoint->kind == COURIER_HTTP ? get_manifest_http(asking) : get_manifest_file(asking);
  return end == PULL_WHOLE ? read_manifest(asking->options, asking->folder, asking->report) : end;
}

PullEnd pull_manifest(const PullOptions *options, int folder, PullReport *report) {
  g_autoptr(GError) error = NULL;
  report->manifest_name = options->manifest_name                    ? g_strdup(options->manifest_name)
                          : options->endpoint->kind == COURIER_HTTP ? name_of_version(options, 1)
                                                                    : NULL;
  Asking asking = {
      .options = options, .folder = folder, .report = report, .courier = courier_open(options->endpoint, &error)};
  if (!asking.courier)
    return fail_with(report, error);
  PullEnd end = ask_for_it(&asking);
  /* Of the newest version, another may have been published between manifest and signature: asked once more, they are of
   * one. */
  if (end == PULL_CORRUPT && options->endpoint->kind == COURIER_HTTP && options->version == 0 && !report->manifest) {
    g_clear_pointer(&report->problem, g_free);
    end = ask_for_it(&asking);
  }
  courier_close(asking.courier);
  return end;
}

/* --- The acknowledgement. Saying it twice does no harm: the server notes the first. */

static PullEnd post_acknowledgement(Asking *asking, int body, int answer) {
  g_autoptr(GError) error = NULL;
  PullReport *report = asking->report;
  if (!asking->courier && !(asking->courier = courier_open(asking->options->endpoint, &error)))
    return fail_with(report, error);
  g_autofree char *path = g_strdup_printf("v1/manifests/%s/%s/acknowledgement", asking->options->type,
                                          asking->options->period);
  g_autofree char *text = g_strdup_printf("{\"manifest_sha256\":\"%s\",\"records\":%" G_GUINT64_FORMAT "}",
                                          report->manifest_sha256, report->manifest->records);
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  CourierReply reply;
  if (pwrite(body, text, strlen(text), 0) != (ssize_t)strlen(text)) {
    sallyport_error_errno(&error, errno, "write the acknowledgement");
    return fail_with(report, error);
  }
  CourierPost post = {.path = path,
                      .headers = headers,
                      .body = body,
                      .body_size = strlen(text),
                      .answer = answer,
                      .answer_limit = SMALL_ANSWER};
  if (!courier_post(asking->courier, &post, &reply, &error))
    return fail_with(report, error);
  return judge_manifest(asking, answer, &reply);
}

PullEnd pull_acknowledge(const PullOptions *options, PullReport *report) {
  g_autoptr(GError) error = NULL;
  if (options->endpoint->kind != COURIER_HTTP)
    return PULL_WHOLE; /* a folder has nobody to tell it to */
  Asking asking = {.options = options, .folder = -1, .report = report};
  int body = files_open_unnamed(options->folder, &error),
      answer = body >= 0 ? files_open_unnamed(options->folder, &error) : -1;
  PullEnd end = answer >= 0 ? PULL_INCOMPLETE : fail_with(report, error);
  for (guint tries = 0; end == PULL_INCOMPLETE && tries < ACKNOWLEDGEMENTS; tries++) {
    g_usleep(tries * G_USEC_PER_SEC / 2);
    end = post_acknowledgement(&asking, body, answer);
    if (end != PULL_WHOLE)
      g_clear_pointer(&asking.courier, courier_close);
  }
  courier_close(asking.courier);
  if (end == PULL_WHOLE)
    g_clear_pointer(&report->problem, g_free);
  if (body >= 0)
    close(body);
  if (answer >= 0)
    close(answer);
  report->is_acknowledged = end == PULL_WHOLE;
  return end;
}
