/* The courier process: takes requests from descriptor 3, one at a time, until the lane closes it or the connection
 * ends.
 *
 * It has no log and no exit codes that matter: whatever it has to say is an answer. It ends when the lane does, because
 * every wait also watches the lane's socket and every answer to a lane that is gone fails. (Not PR_SET_PDEATHSIG: that
 * signal comes when the thread that started us ends, and a lane's threads come and go.) */
#include "transfer/caged/driver.h"
#include "transfer/wire/names.h"
#include "transfer/process/survey_private.h"
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LANE 3
#define PROGRESS_EVERY (100 * G_TIME_SPAN_MILLISECOND)
#define ENTRIES_MOST 60000u
#define AT_ONCE 2 /* milliseconds */

typedef struct {
  int lane;
  Driver *driver;
  gint64 told_at; /* when the last progress went */
  guint64 told;
  char *unknown; /* a line of the last listing that was not understood */
  char *cursor;  /* and where the next one goes on */
} Process;

static gboolean tell_progress(gpointer user, guint64 done) {
  Process *process = user;
  gint64 now = g_get_monotonic_time();
  if (now - process->told_at < PROGRESS_EVERY || done == process->told)
    return TRUE;
  process->told_at = now;
  process->told = done;
  return wire_send_waiting(process->lane, &(WireMessage){.type = WIRE_PROGRESS, .fd = -1, .size = done}, NULL);
}

static gboolean send_failure(Process *process, const GError *failed, gboolean lost) {
  g_autofree char *text = g_strndup(failed ? failed->message : "no reason", 8000);
  const WireMessage answer = {.type = WIRE_FAILED,
                              .fd = -1,
                              .code = sallyport_error_code(failed),
                              .text = wire_text(text),
                              .lost = lost ? 1 : 0};
  return wire_send_waiting(process->lane, &answer, NULL) && !lost;
}

/* --- Listing: names go to the lane as they come, some hundred per message. */

typedef struct {
  Process *process;
  GByteArray *packed;
  guint64 limit, seen, taken;
  guint refused, unknown;
  char *first_unknown;
  gboolean truncated, broken, is_cut;
} Gathering;

static gboolean send_entries(Gathering *gathering) {
  if (gathering->packed->len == 0)
    return TRUE;
  const WireMessage part = {
      .type = WIRE_ENTRIES, .fd = -1, .entries = {gathering->packed->data, gathering->packed->len}};
  gathering->broken = !wire_send_waiting(gathering->process->lane, &part, NULL);
  g_byte_array_set_size(gathering->packed, 0);
  return !gathering->broken;
}

/* A server that lists for ever, be it names that are no names, ends at twice the limit. */
static gboolean gather(gpointer user, const WireEntry *entry) {
  Gathering *gathering = user;
  NameVerdict verdict = name_judge(entry->name, entry->name_length);
  gathering->unknown += entry->unknown != NULL;
  if (entry->unknown && !gathering->first_unknown)
    gathering->first_unknown = g_strndup((const char *)entry->unknown, MIN(entry->unknown_length, 200));
  gathering->truncated = gathering->taken >= gathering->limit ? verdict != NAME_SKIPPED
                                                              : ++gathering->seen > 2 * gathering->limit + 1000;
  if (gathering->truncated)
    return FALSE;
  gathering->refused += verdict == NAME_REFUSED && !entry->unknown;
  if (verdict != NAME_ACCEPTED)
    return TRUE;
  gathering->taken++;
  wire_entry_append(gathering->packed, entry);
  if (gathering->packed->len > ENTRIES_MOST)
    return send_entries(gathering);
  return tell_progress(gathering->process, gathering->taken);
}

static gboolean list(Process *process, const char *folder, const WireMessage *request, WireMessage *answer,
                     GError **error) {
  g_autoptr(GByteArray) packed = g_byte_array_new();
  g_autofree char *after = wire_string_or_null(request->target);
  Gathering gathering = {.process = process, .packed = packed, .limit = request->limit};
  g_clear_pointer(&process->cursor, g_free);
  const DriverSink sink = {.take = gather,
                           .user = &gathering,
                           .is_cut = &gathering.is_cut,
                           .after = after,
                           .wait = (guint)request->timeout,
                           .cursor = &process->cursor};
  gboolean ok = process->driver->operations->list(process->driver, folder, &sink, error);
  if (ok && (gathering.broken || !send_entries(&gathering)))
    ok = sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the lane is gone");
  if (ok && gathering.unknown > 0 && gathering.taken == 0 && gathering.refused == 0)
    ok = sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                             "list %s: an unknown form of listing, no line is understood; the first: %s", folder,
                             gathering.first_unknown);
  answer->truncated = gathering.truncated || gathering.is_cut ? 1 : 0;
  answer->refused = gathering.refused;
  answer->unknown = gathering.unknown;
  /* of the process's memory: it is sent before the next request is taken */
  g_free(process->unknown);
  process->unknown = gathering.first_unknown;
  answer->text = wire_text(process->unknown);
  answer->name = wire_text(process->cursor);
  return ok;
}

/* --- Facts: what probes and a survey learn goes to the lane as it comes. */

static gboolean send_fact(gpointer user, const char *name, const char *value) {
  const Process *process = user;
  const WireMessage fact = {.type = WIRE_FACT, .fd = -1, .name = wire_text(name), .text = wire_text(value)};
  return wire_send_waiting(process->lane, &fact, NULL);
}

static gboolean probe(Process *process, const WireMessage *request, WireMessage *answer, GError **error) {
  g_autofree char *path = wire_string(request->path), *target = wire_string(request->target);
  const CourierProbe wanted = {(CourierProbeKind)request->what, path, target, request->size};
  const DriverFacts facts = {send_fact, process};
  gboolean known = FALSE;
  if (process->driver->operations->probe &&
      !process->driver->operations->probe(process->driver, &wanted, &known, &facts, error))
    return FALSE;
  answer->exists = known ? 1 : 0;
  return TRUE;
}

/* FALSE always: the process is done with it. */
static gboolean make_survey(Process *process, DriverHost *host, const WireMessage *wanted) {
  g_autoptr(GError) error = NULL;
  const DriverFacts facts = {send_fact, process};
  *host = (DriverHost){.lane = process->lane, .connect_timeout = (gint64)wanted->connect_timeout * G_USEC_PER_SEC};
  if (!survey(host, wanted, &facts, &error))
    return send_failure(process, error, TRUE);
  gboolean told = wire_send_waiting(process->lane, &(WireMessage){.type = WIRE_DONE, .fd = -1}, NULL);
  return told && FALSE;
}

/* --- Requests. */

static gboolean stat_into(Process *process, const char *path, WireMessage *answer, GError **error) {
  CourierStat stat;
  if (!process->driver->operations->stat(process->driver, path, &stat, error))
    return FALSE;
  answer->exists = stat.exists ? 1 : 0;
  answer->is_file = stat.is_file ? 1 : 0;
  answer->size = stat.size;
  answer->modified = (guint64)stat.modified;
  return TRUE;
}

static gboolean put(Driver *driver, const WireMessage *request, const char *path, WireMessage *answer,
                    GError **error) {
  gboolean there = TRUE;
  g_autofree char *sha256 = wire_string(request->target), *about = wire_string_or_null(request->name);
  const DriverTransfer transfer = {.path = path,
                                   .offset = request->offset,
                                   .size = request->size,
                                   .fd = request->fd,
                                   .sha256 = sha256,
                                   .about = about,
                                   .part = request->limit,
                                   .reached = &answer->size};
  answer->size = request->size;
  if (!driver->operations->put(driver, &transfer, &there, error))
    return FALSE;
  answer->exists = there ? 1 : 0;
  return TRUE;
}

static gboolean has_operation(const DriverOperations *can, WireType type) {
  switch (type) {
  case WIRE_LIST:
    return can->list != NULL;
  case WIRE_PUT:
    return can->put != NULL;
  case WIRE_RENAME:
    return can->rename != NULL;
  case WIRE_REMOVE:
    return can->remove != NULL;
  case WIRE_ACKNOWLEDGE:
    return can->acknowledge != NULL;
  case WIRE_MAKE_FOLDER:
    return can->make_folder != NULL;
  case WIRE_POST:
  case WIRE_QUERY:
    return can->post != NULL;
  default:
    return TRUE;
  }
}

static gboolean post(Process *process, const WireMessage *request, WireMessage *answer, GError **error) {
  g_autofree char *path = wire_string(request->path), *headers = wire_string(request->headers);
  gboolean has_body = request->type == WIRE_POST;
  const DriverPost wanted = {.path = path,
                             .headers = headers,
                             .body = has_body ? request->fd : -1,
                             .body_size = has_body ? request->size : 0,
                             .answer = has_body ? request->second_fd : request->fd,
                             .answer_limit = request->limit,
                             .timeout = (guint)request->timeout};
  CourierReply reply = {.retry_after = -1};
  if (!process->driver->operations->post(process->driver, &wanted, &reply, error))
    return FALSE;
  *answer = (WireMessage){.type = WIRE_REPLY,
                          .fd = -1,
                          .status = reply.status,
                          .retry_after = (guint64)(reply.retry_after + 1),
                          .size = reply.size};
  return TRUE;
}

static gboolean perform(Process *process, const WireMessage *request, WireMessage *answer, GError **error) {
  Driver *driver = process->driver;
  const DriverOperations *can = driver->operations;
  g_autofree char *path = wire_string(request->path), *target = wire_string(request->target);
  const DriverTransfer transfer = {.path = path, .offset = request->offset, .size = request->size, .fd = request->fd};
  const CourierRename rename = {path, target, request->replace ? COURIER_TARGET_REPLACE : COURIER_TARGET_REFUSE};
  if (request->type == WIRE_PROBE && request->path.length == 0)
    return probe(process, request, answer, error);
  if (!path_is_sendable(request->path.data, request->path.length) ||
      (request->type == WIRE_RENAME && !path_is_sendable(request->target.data, request->target.length)))
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "not a path that can be sent");
  if (!has_operation(can, request->type))
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "an endpoint of this protocol has no such operation");
  switch (request->type) {
  case WIRE_LIST:
    return list(process, path, request, answer, error);
  case WIRE_STAT:
    return stat_into(process, path, answer, error);
  case WIRE_GET:
    return can->get(driver, &transfer, &answer->size, error);
  case WIRE_PUT:
    return put(driver, request, path, answer, error);
  case WIRE_RENAME:
    return can->rename(driver, &rename, error);
  case WIRE_REMOVE:
    return can->remove(driver, path, error);
  case WIRE_ACKNOWLEDGE:
    return can->acknowledge(driver, &(CourierAcknowledgement){path, target, request->size}, error);
  case WIRE_MAKE_FOLDER:
    return can->make_folder(driver, path, error);
  case WIRE_POST:
  case WIRE_QUERY:
    return post(process, request, answer, error);
  case WIRE_PROBE:
    return probe(process, request, answer, error);
  default:
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "not a request: %d", (int)request->type);
  }
}

/* What was being done when the connection broke: what breaks it may be that very folder or file. */
static void name_request(const WireMessage *request, GError **error) {
  static const char *const words[] = {[WIRE_LIST] = "list",     [WIRE_STAT] = "look at", [WIRE_GET] = "get",
                                      [WIRE_PUT] = "put",       [WIRE_RENAME] = "rename", [WIRE_REMOVE] = "remove",
                                      [WIRE_MAKE_FOLDER] = "make folder"};
  g_autofree char *path = wire_string(request->path);
  const char *word = request->type < G_N_ELEMENTS(words) ? words[request->type] : NULL;
  if (word && !strstr((*error)->message, path))
    g_prefix_error(error, "%s %s: ", word, path);
}

/* A request may be on its way already: it has its answer, and nothing of it was begun. FALSE always. */
static gboolean end_between(Process *process) {
  g_autoptr(GError) error = NULL;
  sallyport_error_set(&error, SALLYPORT_ERROR_AGAIN, "the server had ended the connection before it was asked");
  return send_failure(process, error, TRUE);
}

/* FALSE: the process ends. */
static gboolean serve(Process *process, WireMessage *request) {
  g_autoptr(GError) error = NULL;
  WireMessage answer = {.type = WIRE_DONE, .fd = -1};
  process->told_at = g_get_monotonic_time();
  process->told = 0;
  gboolean ok = perform(process, request, &answer, &error);
  if (request->fd >= 0)
    close(request->fd);
  if (request->second_fd >= 0)
    close(request->second_fd);
  if (!ok && process->driver->lost)
    name_request(request, &error);
  if (!ok)
    return send_failure(process, error, process->driver->lost);
  return wire_send_waiting(process->lane, &answer, NULL) && (!process->driver->lost || end_between(process));
}

/* Until the lane asks for something. When it does not at once, the driver may finish what it put off, and from then on
 * the connection may speak (keepalives) or end. */
static gboolean wait_for_request(Process *process) {
  struct pollfd wanted[2] = {{.fd = process->lane, .events = POLLIN},
                             {.fd = process->driver->descriptor, .events = POLLIN}};
  int patience = AT_ONCE;
  for (;;) {
    int ready = poll(wanted, 2, patience);
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready < 0)
      return FALSE;
    if (ready > 0 && wanted[0].revents)
      return TRUE;
    if (!process->driver->operations->idle(process->driver))
      return end_between(process);
    patience = -1;
  }
}

static Driver *open_driver(const DriverHost *host, const WireMessage *open, GError **error) {
  switch (open->kind) {
  case COURIER_SFTP:
    return driver_sftp_open(host, open, error);
  case COURIER_LOCAL:
    return driver_local_open(host, open, error);
  case COURIER_FTP:
    return driver_ftp_open(host, open, error);
  case COURIER_HTTP:
    return driver_http_open(host, open, error);
  case COURIER_MAILBOX:
    return driver_mailbox_open(host, open, error);
  default:
    sallyport_error_set(error, SALLYPORT_ERROR_BUG, "unknown kind of endpoint");
    return NULL;
  }
}

static gboolean begin_process(Process *process, DriverHost *host, WireBuffer *buffer) {
  g_autoptr(GError) error = NULL;
  WireMessage open;
  if (wire_receive(process->lane, -1, buffer, &open) != WIRE_GOT_MESSAGE ||
      (open.type != WIRE_OPEN && open.type != WIRE_SURVEY))
    return FALSE;
  if (open.type == WIRE_SURVEY)
    return make_survey(process, host, &open);
  *host = (DriverHost){.lane = process->lane,
                       .progress = tell_progress,
                       .user = process,
                       .connect_timeout = (gint64)open.connect_timeout * G_USEC_PER_SEC,
                       .io_timeout = (gint64)open.io_timeout * G_USEC_PER_SEC};
  process->driver = open_driver(host, &open, &error);
  if (!process->driver)
    return send_failure(process, error, TRUE);
  g_autofree char *text = g_strndup(process->driver->description, 2000);
  return wire_send_waiting(process->lane, &(WireMessage){.type = WIRE_READY, .fd = -1, .text = wire_text(text)}, NULL);
}

int courier_main(void) {
  Process process = {.lane = LANE};
  DriverHost host;
  WireMessage request;
  signal(SIGPIPE, SIG_IGN);
  /* libssh2 takes and gives back each packet: without this the heap shrinks and grows all the time (40 % of the system
   * time) */
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_TOP_PAD, 4 << 20);
  g_autofree WireBuffer *buffer = g_new0(WireBuffer, 1);
  gboolean going = begin_process(&process, &host, buffer);
  while (going && wait_for_request(&process))
    going = wire_receive(process.lane, 0, buffer, &request) == WIRE_GOT_MESSAGE && serve(&process, &request);
  if (process.driver)
    process.driver->operations->close(process.driver);
#if defined(__SANITIZE_ADDRESS__)
  _exit(0); /* the leak checker starts a thread, which the cage forbids */
#endif
  return 0;
}
