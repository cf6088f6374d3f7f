#include "gateway/threads/workers.h"

struct Workers {
  TaskQueue queue;
  GPtrArray *hands;
};

static void *work(void *data) {
  Hand *hand = data;
  Workers *workers = hand->owner;
  gboolean idle;
  for (Task *task; (task = task_queue_take(&workers->queue, 0, &idle));)
    task->run(task, hand->reader, NULL, NULL);
  return NULL;
}

Workers *workers_start(guint threads, const char *book_path, GError **error) {
  Workers *workers = g_new0(Workers, 1);
  task_queue_init(&workers->queue);
  workers->hands = hands_start(threads, book_path, work, workers, error);
  if (workers->hands->len == threads)
    return workers;
  workers_stop(workers);
  return NULL;
}

void workers_add(Workers *workers, Task *task) {
  task_queue_add(&workers->queue, task, FALSE);
}

void workers_stop(Workers *workers) {
  if (!workers)
    return;
  task_queue_stop(&workers->queue);
  hands_join(workers->hands);
  task_queue_clear(&workers->queue);
  g_free(workers);
}
