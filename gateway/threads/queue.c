#include "gateway/threads/queue.h"
#include "gateway/base/clock.h"
#include <time.h>

void task_queue_init(TaskQueue *queue) {
  pthread_mutex_init(&queue->lock, NULL);
  clock_condition_init(&queue->changed);
  clock_condition_init(&queue->warm);
  g_queue_init(&queue->tasks);
}

void task_queue_add(TaskQueue *queue, Task *task, gboolean first) {
  pthread_mutex_lock(&queue->lock);
  gboolean stopping = queue->stopping;
  if (!stopping && first)
    g_queue_push_head(&queue->tasks, task);
  else if (!stopping)
    g_queue_push_tail(&queue->tasks, task);
  /* A warm thread that was woken counts as waiting until it is awake, and what woke it as queued. */
  pthread_cond_signal(queue->warm_waiting >= queue->tasks.length ? &queue->warm : &queue->changed);
  pthread_mutex_unlock(&queue->lock);
  if (stopping)
    task->drop(task);
}

/* TRUE: the time is over. */
static gboolean wait_warm(TaskQueue *queue, gint64 until) {
  queue->warm_waiting++;
  gboolean over = !clock_condition_wait(&queue->warm, &queue->lock, until);
  queue->warm_waiting--;
  return over;
}

Task *task_queue_take(TaskQueue *queue, guint seconds, gboolean *idle) {
  gint64 until = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
  *idle = FALSE;
  pthread_mutex_lock(&queue->lock);
  while (!queue->stopping && g_queue_is_empty(&queue->tasks) && !*idle)
    if (seconds == 0)
      pthread_cond_wait(&queue->changed, &queue->lock);
    else
      *idle = wait_warm(queue, until) && g_queue_is_empty(&queue->tasks);
  Task *task = queue->stopping ? NULL : g_queue_pop_head(&queue->tasks);
  *idle = *idle && !queue->stopping && !task;
  pthread_mutex_unlock(&queue->lock);
  return task;
}

void task_queue_stop(TaskQueue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->stopping = TRUE;
  GQueue left = queue->tasks;
  g_queue_init(&queue->tasks);
  pthread_cond_broadcast(&queue->changed);
  pthread_cond_broadcast(&queue->warm);
  pthread_mutex_unlock(&queue->lock);
  for (Task *task; (task = g_queue_pop_head(&left));)
    task->drop(task);
}

void task_queue_clear(TaskQueue *queue) {
  pthread_cond_destroy(&queue->changed);
  pthread_cond_destroy(&queue->warm);
  pthread_mutex_destroy(&queue->lock);
}

/* --- Threads. */

GPtrArray *hands_start(guint count, const char *book_path, void *(*run)(void *), gpointer owner, GError **error) {
  GPtrArray *hands = g_ptr_array_new();
  for (guint i = 0; i < count; i++) {
    Hand *hand = g_new0(Hand, 1);
    hand->owner = owner;
    hand->reader = book_reader_open(book_path, error);
    if (hand->reader && pthread_create(&hand->thread, NULL, run, hand) == 0) {
      g_ptr_array_add(hands, hand);
      continue;
    }
    if (hand->reader)
      sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "cannot start a thread");
    g_clear_pointer(&hand->reader, book_reader_close);
    g_free(hand);
    break;
  }
  return hands;
}

void hands_join(GPtrArray *hands) {
  for (guint i = 0; i < hands->len; i++) {
    Hand *hand = hands->pdata[i];
    pthread_join(hand->thread, NULL);
    book_reader_close(hand->reader);
    g_free(hand);
  }
  g_ptr_array_unref(hands);
}
