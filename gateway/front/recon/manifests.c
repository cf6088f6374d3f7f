/* What a requester may have: its manifests by type and period, and its objects by their opaque ids. */
#include "gateway/base/files.h"
#include "gateway/front/recon/recon_routes.h"
#include "gateway/common/log.h"
#include "gateway/recon/names.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOONEST = 30, LATEST = 3600, LISTED_MOST = 1000, DAYS_EXPECTED = 62 };

/* --- Files of a task. Names are the manifest's, which we made; still only a plain name is opened, and no link is
 * followed. */

static int open_file(const Shelf *shelf, const ReconTask *task, const char *name, guint64 *size) {
  g_autofree char *folder = recon_folder(shelf->paths->folder, task->id), *path = g_build_filename(folder, name, NULL);
  struct stat status;
  int fd = strchr(name, '/') || name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
    close(fd);
    return -1;
  }
  *size = fd >= 0 ? (guint64)status.st_size : 0;
  return fd;
}

/* A file whose digest the book has: one that is not as long as it says is not served. */
static enum MHD_Result serve(FrontRequest *request, const Shelf *shelf, const ReconTask *task, FrontFile *file,
                             guint64 expected) {
  file->fd = open_file(shelf, task, file->name, &file->size);
  if (file->fd < 0)
    return front_refuse(request, MHD_HTTP_GONE, "it was published, and is not kept any more");
  if (file->size == expected)
    return front_answer_file(request, file);
  close(file->fd);
  log_event(LOG_ERROR, "front-damaged", {"task", task->id}, {"name", file->name},
            {"size", log_number((gint64)file->size)}, {"expected", log_number((gint64)expected)});
  return front_refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "the file is damaged here; it is not served");
}

/* --- Finding the task */

static gboolean is_period(const char *period) {
  gboolean is_month = strlen(period) == 7;
  int year, month, day = 1, used = 0;
  if (strlen(period) != 10 && !is_month)
    return FALSE;
  int found = is_month ? sscanf(period, "%4d-%2d%n", &year, &month, &used)
                       : sscanf(period, "%4d-%2d-%2d%n", &year, &month, &day, &used);
  return found == (is_month ? 2 : 3) && (gsize)used == strlen(period) && year > 0 && month > 0 &&
         g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year);
}

/* A period that may still come: not longer ago than anybody waits. */
static gboolean is_to_come(const char *period) {
  int year = 0, month = 0, day = 1;
  if (sscanf(period, "%4d-%2d-%2d", &year, &month, &day) < 2)
    return FALSE;
  GDate of, today;
  g_date_clear(&of, 1);
  g_date_clear(&today, 1);
  g_date_set_dmy(&of, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
  g_date_set_time_t(&today, g_get_real_time() / G_USEC_PER_SEC);
  return g_date_days_between(&of, &today) <= DAYS_EXPECTED;
}

static guint version_asked(const FrontRequest *request, gboolean *is_sound) {
  const char *text = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "version");
  guint64 version = 0;
  *is_sound = !text || (g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT32, &version, NULL));
  return (guint)version;
}

/* The newest version that is done, or the one that was asked for; *open: one that is not done yet (the caller frees
 * both). FALSE: *error. */
static gboolean find_task(BookReader *reader, const ConfReconcile *reconcile, const char *period, guint version,
                          ReconTask **done, ReconTask **open, GError **error) {
  ReconFilter filter = {.name = reconcile->name, .period = period, .version = version};
  g_autoptr(GPtrArray) tasks = recon_tasks(reader, &filter, error);
  *done = *open = NULL;
  for (guint i = 0; tasks && i < tasks->len; i++) {
    ReconTask *task = tasks->pdata[i];
    ReconTask **place = task->state == RECON_DONE ? done : open;
    if (*place || strcmp(task->requester, reconcile->requester) != 0)
      continue;
    *place = task;
    tasks->pdata[i] = NULL;
  }
  return tasks != NULL;
}

static guint when_to_ask_again(const ReconTask *open) {
  gint64 seconds = open ? (open->due_at - g_get_real_time()) / G_USEC_PER_SEC : LATEST;
  return (guint)CLAMP(seconds, SOONEST, LATEST);
}

/* --- The manifest and what is beside it */

static const struct {
  const char *form, *suffix, *type;
} forms[] = {{"signature", ".asc", "application/pgp-signature"},
             {"sha256", ".sha256", "text/plain; charset=utf-8"},
             {"md5", ".md5", "text/plain; charset=utf-8"},
             {"text", ".txt", "text/plain; charset=utf-8"},
             {"text-signature", ".txt.asc", "application/pgp-signature"}};

/* Small, and without a digest in the book: its tag is the manifest's with the form's name. */
static enum MHD_Result serve_form(FrontRequest *request, const Shelf *shelf, const ReconTask *task,
                                  const char *manifest, const char *form) {
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
    if (strcmp(forms[i].form, form) != 0)
      continue;
    g_autofree char *name = g_strconcat(manifest, forms[i].suffix, NULL),
                    *tag = g_strconcat(task->manifest_sha256, "-", form, NULL);
    FrontFile file = {.name = name, .sha256 = tag, .content_type = forms[i].type};
    file.fd = open_file(shelf, task, name, &file.size);
    return file.fd < 0 ? front_nothing(request) : front_answer_file(request, &file);
  }
  return front_nothing(request);
}

/* The lane notes when its manifest was first asked for. */
static void note_fetched(const Shelf *shelf, const ReconTask *task, const FrontRequest *request) {
  if (task->fetched_at == 0 && strcmp(request->method, "GET") == 0)
    front_question_unref(front_ask(shelf, json_pack("{s:s, s:s, s:s}", "do", "recon-fetched", "task", task->id, "by",
                                                    request->requester->name)));
}

/* Under the name that it was published with: the template may be another one now. */
static enum MHD_Result serve_manifest(FrontRequest *request, const Shelf *shelf, const ReconTask *task,
                                      const char *form) {
  const char *name = task->manifest_name;
  if (!name)
    return front_nothing(request);
  if (form)
    return serve_form(request, shelf, task, name, form);
  note_fetched(shelf, task, request);
  FrontFile file = {.name = name, .sha256 = task->manifest_sha256, .content_type = "application/json"};
  return serve(request, shelf, task, &file, task->manifest_size);
}

static enum MHD_Result manifest_with(FrontRequest *request, Shelf *shelf, const ConfReconcile *reconcile,
                                     const char *period, const char *form, BookReader *reader) {
  g_autoptr(GError) error = NULL;
  gboolean is_sound;
  guint version = version_asked(request, &is_sound);
  ReconTask *done, *open;
  if (!is_sound)
    return front_refuse(request, MHD_HTTP_BAD_REQUEST, "version is a number from 1 on");
  if (!find_task(reader, reconcile, period, version, &done, &open, &error))
    return front_trouble(request, error);
  enum MHD_Result result;
  if (done)
    result = serve_manifest(request, shelf, done, form);
  else if (open)
    result = front_not_ready(request, recon_state_word(open->state), when_to_ask_again(open));
  else if (version == 0 && is_to_come(period))
    result = front_not_ready(request, "not-due", when_to_ask_again(NULL));
  else
    result = front_nothing(request);
  recon_task_free(done);
  recon_task_free(open);
  return result;
}

enum MHD_Result recon_route_manifest(FrontRequest *request, char **words) {
  const char *type = words[0], *period = words[1], *form = words[2];
  g_autoptr(GError) error = NULL;
  Shelf *shelf;
  const ConfReconcile *reconcile = recon_route_find(request, type, &shelf);
  if (!reconcile || !is_period(period))
    return front_nothing(request);
  BookReader *reader = shelf_take(shelf, &error);
  if (!reader)
    return front_trouble(request, error);
  enum MHD_Result result = manifest_with(request, shelf, reconcile, period, form, reader);
  shelf_return(shelf, reader);
  return result;
}

/* --- Objects */

static enum MHD_Result serve_object(FrontRequest *request, const Shelf *shelf, BookReader *reader,
                                    const ReconTask *task, guint number) {
  g_autoptr(GError) error = NULL;
  Shelf *of_type;
  const ConfReconcile *reconcile = recon_route_find(request, task->type, &of_type);
  if (!reconcile || strcmp(task->requester, request->requester->name) != 0 || task->state != RECON_DONE)
    return front_nothing(request);
  if (number == 0)
    return serve_manifest(request, shelf, task, NULL);
  g_autoptr(GPtrArray) shards = recon_shards_after(reader, task->id, number - 1, 1, &error);
  if (!shards)
    return front_trouble(request, error);
  const ReconShard *shard = shards->len > 0 ? shards->pdata[0] : NULL;
  if (!shard || shard->number != number)
    return front_nothing(request);
  FrontFile file = {.name = shard->name, .sha256 = shard->sha256, .content_type = "application/octet-stream"};
  return serve(request, shelf, task, &file, shard->size);
}

/* Other lanes' books are not even opened. */
static gboolean reconciles(const Shelf *shelf) {
  return shelf->lane->reconciles && shelf->lane->reconciles->len > 0;
}

static gboolean is_object(const char *text) {
  return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

enum MHD_Result recon_route_object(FrontRequest *request, char **words) {
  const char *object = words[0];
  for (guint i = 0; is_object(object) && i < request->front->shelves->len; i++) {
    g_autoptr(GError) error = NULL;
    Shelf *shelf = request->front->shelves->pdata[i];
    if (!reconciles(shelf))
      continue;
    BookReader *reader = shelf_take(shelf, &error);
    guint number;
    ReconTask *task = reader ? recon_find_object(reader, object, &number, &error) : NULL;
    enum MHD_Result result = MHD_NO;
    gboolean is_here = task || error;
    if (is_here)
      result = task ? serve_object(request, shelf, reader, task, number) : front_trouble(request, error);
    recon_task_free(task);
    shelf_return(shelf, reader);
    if (is_here)
      return result;
  }
  return front_nothing(request);
}

/* --- The list */

static json_t *task_json(const ReconTask *task) {
  json_t *object = json_pack("{s:s, s:s, s:i, s:s}", "type", task->type, "period", task->period, "version",
                             (int)task->version, "status", task->state == RECON_DONE ? "ready" : "not-ready");
  if (task->state == RECON_DONE)
    json_object_set_new(object, "records", json_integer((json_int_t)task->records));
  if (task->acknowledged_at > 0)
    json_object_set_new(object, "acknowledged", json_true());
  return object;
}

static gboolean list_shelf(const FrontRequest *request, Shelf *shelf, json_t *list, GError **error) {
  BookReader *reader = shelf_take(shelf, error);
  ReconFilter filter = {.requester = request->requester->name, .limit = LISTED_MOST};
  g_autoptr(GPtrArray) tasks = reader ? recon_tasks(reader, &filter, error) : NULL;
  shelf_return(shelf, reader);
  for (guint i = 0; tasks && i < tasks->len; i++) {
    const ReconTask *task = tasks->pdata[i];
    Shelf *of_type;
    if (recon_route_find(request, task->type, &of_type) && of_type == shelf)
      json_array_append_new(list, task_json(task));
  }
  return tasks != NULL;
}

enum MHD_Result recon_route_list(FrontRequest *request, char **words) {
  (void)words;
  g_autoptr(GError) error = NULL;
  json_t *list = json_array();
  for (guint i = 0; i < request->front->shelves->len; i++)
    if (reconciles(request->front->shelves->pdata[i]) &&
        !list_shelf(request, request->front->shelves->pdata[i], list, &error)) {
      json_decref(list);
      return front_trouble(request, error);
    }
  return front_answer_json(request, MHD_HTTP_OK,
                           json_pack("{s:s, s:o}", "requester", request->requester->name, "manifests", list));
}
