/* The control socket of a lane or the front: one JSON object per line in, one out. Only root and the service's own user
 * may connect (the socket's mode and SO_PEERCRED). Requests are bounded to 64 KiB and 5 seconds; several clients at a
 * time.
 *
 *   {"do":"status"}                           → {"ok":true,…}
 *   {"do":"retry","file":"0k3x…","by":"root"} → {"ok":true,"file":…,"state":…} or
 *                                               {"ok":false,"code":"file","error":"…"}
 *
 * The front answers to status only. A lane's own requests, in gateway/lane/control.c: status; poll (with "feed");
 * retry, release; hold, reject (with "reason"). Those of its capabilities stand in their LaneService: acknowledge (with
 * "alarm" and its "kind"), test-alarm; recon-run (with "name", "date", "again"), recon-fetched, recon-acknowledged
 * (with "task"); reference-rollback, reference-load, reference-job; exchange-new-epoch (with "mailbox"). */
#pragma once
#include "gateway/base/error.h"
#include <jansson.h>

typedef struct ControlServer ControlServer;
/* Answers a request: returns a new object; called in the server's thread, one request at a time. `who` is the caller's
 * user name. */
typedef json_t *(*ControlAnswer)(gpointer user, const char *who, const json_t *request);
/* Binds PATH (long paths are fine: bound through /proc/self/fd of the folder; a leftover of a dead process is
 * replaced), starts a thread. */
ControlServer *control_server_start(const char *path, ControlAnswer answer, gpointer user,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void control_server_stop(ControlServer *server); /* removes the socket */

/* The client's side: NULL with AGAIN when no lane listens there. The caller owns the answer. */
json_t *control_ask(const char *path, const json_t *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* {"ok":false,"code":…,"error":…} of an error. */
json_t *control_failure(const GError *error);
/* The same of a text. */
json_t *control_refusal(SallyportErrorCode code, const char *format, ...) G_GNUC_PRINTF(2, 3);
