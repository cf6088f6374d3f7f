/* The ways out of a published task: its files pushed into the requester's folder, and its being done told to the
 * requester's status interface. Both run in the threads of an endpoint, are tried until they succeed, and may be run
 * again at any point. */
#pragma once
#include "gateway/recon/publish.h"
#include "gateway/threads/endpoint_pool.h"

/* Shards, then sums and signature, then the manifest, then the marker; each under a temporary name, its size checked,
 * renamed; one that is there with our bytes is taken as pushed. Works for SLICE_SECONDS at the longest, between files:
 * *more says that it is to be called again. On the last call's TRUE the task is pushed, in the book, too. */
gboolean recon_push(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, Courier *courier,
                    gboolean *more, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* POST of a JSON body with our signature in a header (sallyport-status in sallyport(1)); TRUE once the answer was 2xx
 * and the book knows. *retry_after: seconds that the requester asks us to wait, or -1. */
gboolean recon_notify(const ReconHost *host, const ConfReconcile *reconcile, ReconTask *task, Courier *courier,
                    gint64 *retry_after, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The body; made of the task's facts alone, so that it is the same at every try. The caller frees. */
char *recon_status_body(const Conf *conf, const ConfReconcile *reconcile, const ReconTask *task);
