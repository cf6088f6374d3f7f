/* The requester says that it has everything: what it has is held against what was published, and the lane notes it. */
#include "gateway/front/recon/recon_routes.h"
#include <string.h>

enum { NOTED_WITHIN = 20 /* seconds */ };

static ReconTask *acknowledged_task(BookReader *reader, const ConfReconcile *reconcile, const char *period,
                                    const char *sha256, GError **error) {
  ReconFilter filter = {.name = reconcile->name, .period = period};
  g_autoptr(GPtrArray) tasks = recon_tasks(reader, &filter, error);
  for (guint i = 0; tasks && i < tasks->len; i++) {
    ReconTask *task = tasks->pdata[i];
    if (task->state != RECON_DONE || strcmp(task->requester, reconcile->requester) != 0 ||
        g_strcmp0(task->manifest_sha256, sha256) != 0)
      continue;
    tasks->pdata[i] = NULL;
    return task;
  }
  return NULL;
}

/* At its second call the lane has answered, or the time is over. To note it late, or twice, does no harm. */
static enum MHD_Result note_it(FrontRequest *request, const Shelf *shelf, const ReconTask *task) {
  if (!request->question) {
    request->question = front_ask(shelf, json_pack("{s:s, s:s, s:s}", "do", "recon-acknowledged", "task", task->id,
                                                   "by", request->requester->name));
    if (!request->question)
      return front_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "others are being noted at the moment; acknowledge it again");
    front_wait_for(request, request->question, NOTED_WITHIN);
  }
  LaneAnswer answer = front_question_answer(request->question);
  if (answer == LANE_SILENT && front_wait(request))
    return MHD_YES;
  if (answer != LANE_DID)
    return front_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                        "it cannot be noted at the moment; acknowledge it again");
  return front_answer_json(
      request, MHD_HTTP_OK,
      json_pack("{s:s, s:s, s:i}", "status", "acknowledged", "period", task->period, "version", (int)task->version));
}

static enum MHD_Result acknowledge_with(FrontRequest *request, Shelf *shelf, const ConfReconcile *reconcile,
                                        const char *period, const json_t *body) {
  g_autoptr(GError) error = NULL;
  const char *sha256 = json_string_value(json_object_get(body, "manifest_sha256"));
  const json_t *records = json_object_get(body, "records");
  if (!sha256)
    return front_refuse(request, MHD_HTTP_BAD_REQUEST, "the body is {\"manifest_sha256\": …, \"records\": …}");
  BookReader *reader = shelf_take(shelf, &error);
  g_autoptr(ReconTask) task = reader ? acknowledged_task(reader, reconcile, period, sha256, &error) : NULL;
  shelf_return(shelf, reader);
  if (error)
    return front_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                        "it cannot be looked up at the moment; acknowledge it again");
  if (!task)
    return front_refuse(request, MHD_HTTP_CONFLICT, "no manifest of this period has this digest");
  if (records && (!json_is_integer(records) || (guint64)json_integer_value(records) != task->records))
    return front_refuse(request, MHD_HTTP_CONFLICT, "the number of records is not the manifest's");
  return note_it(request, shelf, task);
}

enum MHD_Result recon_route_acknowledge(FrontRequest *request, char **words) {
  Shelf *shelf;
  json_error_t wrong;
  const ConfReconcile *reconcile = recon_route_find(request, words[0], &shelf);
  if (!reconcile)
    return front_nothing(request);
  json_t *body = json_loadb(request->body->str, request->body->len, JSON_REJECT_DUPLICATES, &wrong);
  enum MHD_Result result = body ? acknowledge_with(request, shelf, reconcile, words[1], body)
                                : front_refuse(request, MHD_HTTP_BAD_REQUEST, "the body is no JSON");
  json_decref(body);
  return result;
}
