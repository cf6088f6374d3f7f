#include "transfer/courier.h"
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "transfer/courier/call_private.h"
#include "transfer/wire/names.h"
#include "transfer/courier_mailbox.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LIST_LIMIT 50000u
#define READ_FOR_ONE_KEPT 16u

gboolean courier_is_lost(const Courier *courier) {
  return courier_has_ended(courier);
}
pid_t courier_pid(const Courier *courier) {
  return courier->process.pid;
}
const char *courier_describe(const Courier *courier) {
  return courier->description ? courier->description : "";
}
gboolean courier_is_of_mailboxes(const Courier *courier) {
  return courier->is_of_mailboxes;
}
void courier_abort(Courier *courier) {
  courier_process_kill(&courier->process);
}

/* --- List. */

static void free_entry(gpointer entry) {
  g_bytes_unref(((CourierEntry *)entry)->name);
  g_free(((CourierEntry *)entry)->sha256);
  g_free(entry);
}

static gint by_name(gconstpointer a, gconstpointer b) {
  return g_bytes_compare((*(const CourierEntry *const *)a)->name, (*(const CourierEntry *const *)b)->name);
}

static gboolean may_keep(Call *call, const WireEntry *entry) {
  if (call->listing->wanted) {
    g_autofree char *name = g_strndup((const char *)entry->name, entry->name_length);
    if (!call->listing->wanted(call->listing->user, name)) {
      if (call->listing->passed && entry->is_file)
        call->listing->passed(call->listing->user, name, entry->size, entry->modified);
      return FALSE;
    }
  }
  call->truncated = call->truncated || call->entries->len >= call->listing->limit;
  return !call->truncated;
}

/* The courier has judged the names already; it is not believed. */
static gboolean gather_entries(Call *call, WireBytes packed) {
  WireEntry each;
  gboolean bad;
  while (wire_entry_take(&packed, &each, &bad)) {
    if (++call->told > call->limit || name_judge(each.name, each.name_length) != NAME_ACCEPTED)
      return FALSE;
    if (!may_keep(call, &each))
      continue;
    CourierEntry *entry = g_new(CourierEntry, 1);
    *entry = (CourierEntry){.name = g_bytes_new(each.name, each.name_length),
                            .size = each.size,
                            .modified = each.modified,
                            .is_file = each.is_file,
                            .is_link = each.is_link,
                            .sha256 = each.sha256 ? digest_hex(each.sha256, WIRE_DIGEST_SIZE) : NULL};
    g_ptr_array_add(call->entries, entry);
  }
  return !bad;
}

/* A server that lists a name twice would make one file look like two. */
static guint drop_repeated(GPtrArray *entries) {
  guint dropped = 0;
  for (guint i = 1; i < entries->len;) {
    if (by_name(&entries->pdata[i - 1], &entries->pdata[i]) != 0) {
      i++;
      continue;
    }
    g_ptr_array_remove_index(entries, i);
    dropped++;
  }
  return dropped;
}

GPtrArray *courier_list(Courier *courier, const CourierListing *listing, gboolean *truncated, guint *refused,
                        GError **error) {
  g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_entry);
  CourierListing bounded = *listing;
  bounded.limit = listing->limit > 0 ? MIN(listing->limit, G_MAXUINT32 / READ_FOR_ONE_KEPT) : LIST_LIMIT;
  guint limit = bounded.limit * (listing->wanted ? READ_FOR_ONE_KEPT : 1);
  const WireMessage request = {.type = WIRE_LIST,
                               .fd = -1,
                               .path = wire_text(listing->folder),
                               .limit = limit,
                               .target = wire_text(listing->after),
                               .timeout = listing->wait};
  Call call = {.doing = "list",
               .if_lost = SALLYPORT_ERROR_AGAIN,
               .entries = entries,
               .listing = &bounded,
               .gather = gather_entries,
               .patience = listing->wait > 0 ? listing->wait + courier->io_timeout : 0,
               .limit = limit};
  WireMessage answer;
  if (!courier_call(courier, &request, &call, &answer, error))
    return NULL;
  g_ptr_array_sort(entries, by_name);
  guint repeated = drop_repeated(entries);
  if (truncated)
    *truncated = answer.truncated != 0 || call.truncated;
  if (refused)
    *refused = (guint)answer.refused + (guint)answer.unknown + repeated;
  if (listing->unknown)
    *listing->unknown = answer.unknown > 0 ? files_show_bytes(answer.text.data, answer.text.length, 200) : NULL;
  if (listing->cursor)
    *listing->cursor = wire_string_or_null(answer.name);
  return g_steal_pointer(&entries);
}

/* --- The rest. */

gboolean courier_stat(Courier *courier, const char *path, CourierStat *stat, GError **error) {
  const WireMessage request = {.type = WIRE_STAT, .fd = -1, .path = wire_text(path)};
  Call call = {.doing = "stat", .if_lost = SALLYPORT_ERROR_AGAIN};
  WireMessage answer;
  if (!courier_call(courier, &request, &call, &answer, error))
    return FALSE;
  *stat = (CourierStat){.exists = answer.exists != 0,
                        .is_file = answer.is_file != 0,
                        .size = answer.size,
                        .modified = (gint64)answer.modified};
  return TRUE;
}

/* What the courier says and what has come must agree. Of a failure of ours the courier only knows that the pipe has
 * ended. */
static gboolean settle_channel(Courier *courier, const Call *call, gboolean ok, guint64 told, GError **error) {
  Channel *channel = call->channel;
  if (channel->error) {
    g_clear_error(error);
    g_propagate_error(error, g_steal_pointer(&channel->error));
    return FALSE;
  }
  if (!ok || (told == channel->at && !channel->is_over))
    return ok;
  g_autofree char *why = g_strdup_printf("%s: it tells of another size than came", call->doing);
  return courier_lose(courier, call->if_lost, why, error);
}

gboolean courier_get(Courier *courier, const CourierGet *get, guint64 *end, GError **error) {
  const guint64 most = MIN(get->size_limit, (guint64)G_MAXINT64);
  Channel channel;
  if (get->offset > most)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "get %s: resumes beyond its limit", get->path);
  if (!channel_open(&channel, get->fd, get->offset, most, error))
    return FALSE;
  const WireMessage request = {
      .type = WIRE_GET, .fd = channel.theirs, .path = wire_text(get->path), .offset = get->offset, .size = most};
  Call call = {.doing = "get",
               .if_lost = SALLYPORT_ERROR_AGAIN,
               .progress = get->progress,
               .user = get->user,
               .limit = most,
               .channel = &channel};
  WireMessage answer = {0};
  gboolean ok = courier_call(courier, &request, &call, &answer, error);
  if (ok)
    fault_point("courier-get-after");
  ok = settle_channel(courier, &call, ok, answer.size, error);
  *end = ok ? answer.size : *end;
  channel_clear(&channel);
  return ok;
}

gboolean courier_put(Courier *courier, const CourierPut *put, GError **error) {
  gboolean is_new;
  int fd = channel_read_only(put->fd, &is_new, error);
  if (fd < 0)
    return FALSE;
  const WireMessage request = {.type = WIRE_PUT,
                               .fd = fd,
                               .path = wire_text(put->path),
                               .offset = put->offset,
                               .size = put->size,
                               .target = wire_text(put->sha256),
                               .name = wire_text(put->about),
                               .limit = put->part};
  Call call = {.doing = "put",
               .if_lost = SALLYPORT_ERROR_AGAIN,
               .progress = put->progress,
               .user = put->user,
               .limit = put->size};
  WireMessage answer;
  gboolean ok = courier_call(courier, &request, &call, &answer, error);
  if (is_new)
    close(fd);
  if (!ok)
    return FALSE;
  fault_point("courier-put-after");
  if (answer.size > put->size || (put->part == 0 && courier->is_of_mailboxes && answer.size != put->size))
    return courier_lose(courier, SALLYPORT_ERROR_AGAIN, "put: it answers with a size that cannot be", error);
  if (put->reached)
    *put->reached = answer.size;
  if (put->vanished)
    *put->vanished = answer.exists == 0;
  return answer.exists != 0 || put->vanished ||
         sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                             "%s: put %s: the server took it, and it is not there right afterwards", courier->name,
                             put->path);
}

gboolean courier_rename(Courier *courier, const CourierRename *rename, GError **error) {
  const WireMessage request = {.type = WIRE_RENAME,
                               .fd = -1,
                               .path = wire_text(rename->from),
                               .target = wire_text(rename->to),
                               .replace = rename->if_exists == COURIER_TARGET_REPLACE ? 1 : 0};
  Call call = {.doing = "rename", .if_lost = SALLYPORT_ERROR_UNCERTAIN};
  WireMessage answer;
  fault_point("courier-rename-before");
  gboolean ok = courier_call(courier, &request, &call, &answer, error);
  if (ok)
    fault_point("courier-rename-after");
  return ok;
}

gboolean courier_remove(Courier *courier, const char *path, GError **error) {
  const WireMessage request = {.type = WIRE_REMOVE, .fd = -1, .path = wire_text(path)};
  Call call = {.doing = "remove", .if_lost = SALLYPORT_ERROR_UNCERTAIN};
  WireMessage answer;
  fault_point("courier-remove-before");
  gboolean ok = courier_call(courier, &request, &call, &answer, error);
  if (ok)
    fault_point("courier-remove-after");
  return ok;
}

gboolean courier_acknowledge(Courier *courier, const CourierAcknowledgement *acknowledgement, GError **error) {
  const WireMessage request = {.type = WIRE_ACKNOWLEDGE,
                               .fd = -1,
                               .path = wire_text(acknowledgement->path),
                               .target = wire_text(acknowledgement->sha256),
                               .size = acknowledgement->size};
  Call call = {.doing = "acknowledge", .if_lost = SALLYPORT_ERROR_AGAIN};
  WireMessage answer;
  fault_point("courier-acknowledge-before");
  gboolean ok = courier_call(courier, &request, &call, &answer, error);
  if (ok)
    fault_point("courier-acknowledge-after");
  return ok;
}

gboolean courier_make_folder(Courier *courier, const char *path, GError **error) {
  const WireMessage request = {.type = WIRE_MAKE_FOLDER, .fd = -1, .path = wire_text(path)};
  Call call = {.doing = "make folder", .if_lost = SALLYPORT_ERROR_AGAIN};
  WireMessage answer;
  return courier_call(courier, &request, &call, &answer, error);
}

/* --- HTTP. */

/* As one text of lines; a line that would be two is our own mistake. */
static gboolean join_headers(const Courier *courier, const char *const *headers, char **joined, GError **error) {
  GString *text = g_string_new(NULL);
  for (const char *const *each = headers; each && *each; each++) {
    if (strpbrk(*each, "\r\n") || !strchr(*each, ':')) {
      g_string_free(text, TRUE);
      return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "%s: post: a header that is none", courier->name);
    }
    g_string_append_printf(text, "%s\n", *each);
  }
  *joined = g_string_free(text, FALSE);
  return TRUE;
}

/* body: -1 for none, else open for reading only. */
static gboolean post_body(Courier *courier, const CourierPost *post, int body, const char *headers,
                          CourierReply *reply, GError **error) {
  const guint64 limit = MIN(post->answer_limit, (guint64)G_MAXINT64);
  gboolean has_body = body >= 0;
  Channel channel;
  if (!channel_open(&channel, post->answer, 0, limit, error))
    return FALSE;
  const WireMessage request = {.type = has_body ? WIRE_POST : WIRE_QUERY,
                               .fd = has_body ? body : channel.theirs,
                               .second_fd = has_body ? channel.theirs : -1,
                               .path = wire_text(post->path),
                               .headers = wire_text(headers),
                               .size = post->body_size,
                               .limit = limit,
                               .timeout = post->timeout};
  Call call = {.doing = "post",
               .if_lost = has_body ? SALLYPORT_ERROR_UNCERTAIN : SALLYPORT_ERROR_AGAIN,
               .wants_reply = TRUE,
               .patience = post->timeout,
               .limit = limit,
               .channel = &channel};
  WireMessage answer = {0};
  fault_point("courier-post-before");
  gboolean ok = courier_call(courier, &request, &call, &answer, error);
  if (ok)
    fault_point("courier-post-after");
  ok = settle_channel(courier, &call, ok, answer.size, error);
  if (ok)
    *reply = (CourierReply){
        .status = (guint)answer.status, .retry_after = (gint64)answer.retry_after - 1, .size = answer.size};
  channel_clear(&channel);
  return ok;
}

gboolean courier_post(Courier *courier, const CourierPost *post, CourierReply *reply, GError **error) {
  g_autofree char *headers = NULL;
  gboolean is_new = FALSE;
  if (!join_headers(courier, post->headers, &headers, error))
    return FALSE;
  int body = post->body >= 0 ? channel_read_only(post->body, &is_new, error) : -1;
  gboolean ok = (body >= 0 || post->body < 0) && post_body(courier, post, body, headers, reply, error);
  if (is_new)
    close(body);
  return ok;
}
