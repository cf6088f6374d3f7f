/* A queue of tasks, and the threads that take from it: what workers and the pools of endpoints have in common. */
#pragma once
#include "gateway/base/error.h"
#include "store/book.h"
#include "transfer/courier.h"
#include <pthread.h>

typedef struct Task Task;
struct Task {
  /* Runs it and disposes of it. `reader` is the thread's own. In a thread of an endpoint's pool either `courier` is
   * connected or `failure` says why it is not; elsewhere both are NULL. A courier that was lost in the task
   * (courier_is_lost) is replaced before the next one. */
  void (*run)(Task *task, BookReader *reader, Courier *courier, const GError *failure);
  void (*drop)(Task *task); /* instead of run, when the queue ends first */
  gboolean only_waits; /* nothing is lost when it is cut short: it need not be waited for at the end */
};

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  /* of threads that have a connection: they are woken first, so that no more of them connect than there is work for */
  pthread_cond_t warm;
  guint warm_waiting;
  GQueue tasks;
  gboolean stopping;
} TaskQueue;
void task_queue_init(TaskQueue *queue);
void task_queue_add(TaskQueue *queue, Task *task, gboolean first); /* of a queue that has ended: drops it */
/* The next task; NULL when the queue ends, or (with *idle) after `seconds` without one; seconds 0: no limit. */
Task *task_queue_take(TaskQueue *queue, guint seconds, gboolean *idle);
void task_queue_stop(TaskQueue *queue); /* drops what waits; what is added from now on is dropped */
void task_queue_clear(TaskQueue *queue);

/* A thread has a reader of the book, opened before it starts, so that a failure is the starter's to report. */
typedef struct {
  pthread_t thread;
  gpointer owner;
  BookReader *reader;
  Courier *courier;    /* under the pool's lock */
  gboolean only_waits; /* with a task of that kind; likewise */
} Hand;
/* Hand*: `count` of them, or as many as could be started and *error. */
GPtrArray *hands_start(guint count, const char *book_path, void *(*run)(void *), gpointer owner, GError **error);
void hands_join(GPtrArray *hands); /* frees them */
