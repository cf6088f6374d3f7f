/* The threads of one endpoint: as many as it may have connections, each with a courier of its own. They share one
 * back-off after a failed connection, and one breaker after refused logins. A server that refuses one more connection
 * while another of ours stands takes no more at once: the thread gives its task to the others and rests for a while. */
#pragma once
#include "gateway/threads/queue.h"

typedef struct EndpointPool EndpointPool;
typedef struct {
  CourierEndpoint endpoint; /* what it points to outlives the pool */
  guint connections;
  guint idle_seconds; /* a courier is closed after this long without work; 0: 60 */
  const char *book_path;
} EndpointPoolOptions;
EndpointPool *endpoint_pool_start(const EndpointPoolOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
const char *endpoint_pool_name(const EndpointPool *pool);
void endpoint_pool_add(EndpointPool *pool, Task *task);
void endpoint_pool_add_first(EndpointPool *pool, Task *task); /* polls: before files */
/* Begins no more tasks, drops what waits; what is added from now on is dropped. */
void endpoint_pool_halt(EndpointPool *pool);
/* Halts it and waits for its threads; transfers that are still under way after the grace are aborted. FALSE: a thread
 * is still connecting to a server that does not answer, which cannot be cut short. It will touch nothing any more but
 * what its endpoint points to: that and the pool must be left as they are until the process ends. */
gboolean endpoint_pool_stop(EndpointPool *pool, guint grace_seconds);
/* After an endpoint_pool_stop that was TRUE, and when nobody can add to it any more. */
void endpoint_pool_free(EndpointPool *pool);

/* After a failed connection no other is tried before a back-off; after three refused logins none at all until
 * endpoint_pool_reset. */
typedef enum {
  ENDPOINT_POOL_GOOD,
  ENDPOINT_POOL_FEWER, /* connections than may be: the server refuses more */
  ENDPOINT_POOL_WAITING,
  ENDPOINT_POOL_BREAKER
} EndpointPoolState;
typedef struct {
  EndpointPoolState state;
  guint connected, queued;
  guint resting; /* threads, after a connection that the server has refused beside others */
  gint64 retry_at;
  char *problem;
  char *describe;
} EndpointPoolStatus;
void endpoint_pool_status(EndpointPool *pool, EndpointPoolStatus *status); /* free problem and describe */
void endpoint_pool_reset(EndpointPool *pool);
