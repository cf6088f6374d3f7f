/* The front: the process that serves reconciliation files over HTTPS to the partners that ask for them. It opens the
 * lanes' books read-only and serves files that are durable and published; what changes something (an acknowledgement)
 * it asks of the lane.
 *
 * Who asks is known by a bearer token (whose SHA-256 the configuration has) or a client certificate, before a byte of a
 * body is read; without either every route answers 401. A requester sees its own files only: another's, a wrong and a
 * missing name are one and the same 404. Names in URLs are types, periods and opaque ids; none is ever made a path.
 *
 * The routes are a table (routes.c), those of a capability in its own folder. recon/ has
 *
 *   GET  /v1/manifests                           what there is for the requester: types, periods, versions, states
 *                                                (JSON)
 *   GET  /v1/manifests/TYPE/PERIOD[?version=N]   the manifest; 202 and Retry-After while it is not ready
 *   GET  /v1/manifests/TYPE/PERIOD/FORM          signature (.asc), sha256, md5, text (the delimited form)
 *   GET  /v1/objects/ID                          a shard (or a manifest) by its opaque id: ETag, one byte range,
 *                                                If-Range
 *   POST /v1/manifests/TYPE/PERIOD/acknowledgement   {"manifest_sha256":…, "records":…, "total":…}
 * HEAD where there is GET. The whole of it is in sallyport-front(7). */
#pragma once
#include "conf/conf.h"

/* `sallyport front`: started by the supervisor, as a lane is (gateway/lane/lane.h). Exit status: 0 asked to finish,
 * 1 cannot start. */
typedef struct {
  int configuration_fd, supervisor_fd;
} FrontOptions;
int front_run(const FrontOptions *options);
