#include "gateway/status/status.h"
#include "gateway/common/control.h"
#include <string.h>

void lane_status_clear(LaneStatus *status) {
  json_decref(status->answer);
  g_clear_pointer(&status->counts, g_ptr_array_unref);
  g_clear_pointer(&status->polls, g_ptr_array_unref);
  g_clear_pointer(&status->posting, g_ptr_array_unref);
  g_clear_pointer(&status->unsent, g_ptr_array_unref);
  g_clear_pointer(&status->alarms, g_ptr_array_unref);
  g_clear_pointer(&status->dues, g_ptr_array_unref);
  g_clear_pointer(&status->statements, g_ptr_array_unref);
}

static json_t *ask(const char *control) {
  json_t *request = json_pack("{s:s}", "do", "status");
  json_t *answer = control_ask(control, request, NULL);
  json_decref(request);
  return answer;
}

/* Those that have failed at least once. */
static GPtrArray *read_unsent(BookReader *reader, GError **error) {
  BookFilter filter = {.states = 1u << FILE_SEALED, .limit = 1000};
  GPtrArray *files = book_files(reader, &filter, error);
  for (guint i = 0; files && i < files->len;) {
    const BookFile *file = files->pdata[i];
    if (file->problem)
      i++;
    else
      g_ptr_array_remove_index(files, i);
  }
  return files;
}

gboolean lane_status_read(const StatusLane *lane, LaneStatus *status, GError **error) {
  BookReader *reader = lane->reader;
  *status = (LaneStatus){.lane = lane, .answer = ask(lane->paths->control)};
  if (!reader)
    return TRUE;
  BookFilter posting = {.states = G_GUINT64_CONSTANT(1) << FILE_POSTING, .limit = 100};
  g_autoptr(GPtrArray) pending = book_intents(reader, NULL, error);
  if (!pending || !(status->counts = book_counts(reader, error)) || !(status->polls = book_polls(reader, error)) ||
      !(status->posting = book_files(reader, &posting, error)) ||
      !(status->unsent = read_unsent(reader, error)) || !(status->alarms = book_live_alarms(reader, error)) ||
      !(status->dues = book_open_dues(reader, error)) ||
      !(status->statements = recon_tasks(reader, &(ReconFilter){.open = TRUE, .limit = 100}, error)))
    return FALSE;
  status->pending = pending->len;
  return TRUE;
}

static void add_count(FeedStatus *feed, const BookCount *count) {
  if (count->state == FILE_HELD)
    feed->held += count->files;
  else if (file_state_is_terminal(count->state))
    feed->closed += count->state == FILE_CLOSED ? count->files : 0;
  else
    feed->under_way += count->files;
  feed->records += count->records;
  feed->accepted += count->accepted;
  feed->rejected += count->rejected;
  feed->duplicates += count->duplicates;
}

json_t *lane_status_told(const LaneStatus *status, const char *feed, const char *what) {
  const json_t *feeds = json_object_get(status->answer, "feeds");
  for (size_t i = 0; i < json_array_size(feeds); i++) {
    const json_t *row = json_array_get(feeds, i);
    if (g_strcmp0(json_string_value(json_object_get(row, "feed")), feed) == 0)
      return json_object_get(row, what);
  }
  return NULL;
}

void lane_status_feed(const LaneStatus *status, const char *name, FeedStatus *feed) {
  *feed = (FeedStatus){.name = name};
  for (guint i = 0; status->counts && i < status->counts->len; i++) {
    const BookCount *count = status->counts->pdata[i];
    if (strcmp(count->feed, name) == 0)
      add_count(feed, count);
  }
  for (guint i = 0; status->polls && i < status->polls->len; i++) {
    const BookPoll *poll = status->polls->pdata[i];
    if (strcmp(poll->feed, name) == 0)
      feed->poll = poll;
  }
  /* Only a lane that runs will poll; what its book says of the next time is then out of date. */
  feed->next_poll = status->answer ? (gint64)json_integer_value(lane_status_told(status, name, "next_poll")) : 0;
  if (status->answer && feed->next_poll == 0 && feed->poll)
    feed->next_poll = feed->poll->next_at;
}

json_t *lane_status_without_feed(const LaneStatus *status) {
  json_t *found = json_object();
  for (guint i = 0; status->counts && i < status->counts->len; i++) {
    const BookCount *count = status->counts->pdata[i];
    gboolean is_known = FALSE;
    for (guint j = 0; j < status->lane->conf->feeds->len && !is_known; j++)
      is_known = strcmp(((const ConfFeed *)status->lane->conf->feeds->pdata[j])->name, count->feed) == 0;
    if (is_known || file_state_is_terminal(count->state))
      continue;
    json_int_t before = json_integer_value(json_object_get(found, count->feed));
    json_object_set_new(found, count->feed, json_integer(before + (json_int_t)count->files));
  }
  return found;
}

json_t *front_status_ask(const ConfNode *node) {
  g_autofree char *path = front_path_control(node);
  return ask(path);
}
