#include "gateway/threads/crew.h"
#include <pthread.h>

typedef struct {
  void (*work)(gpointer);
  gpointer data;
} Job;

static void *run_job(void *job) {
  ((Job *)job)->work(((Job *)job)->data);
  return NULL;
}

void crew_run(guint threads, void (*work)(gpointer data), gpointer data) {
  Job job = {work, data};
  pthread_t *mates = g_new0(pthread_t, threads + 1);
  guint started = 0;
  while (started + 1 < threads && pthread_create(&mates[started], NULL, run_job, &job) == 0)
    started++;
  work(data);
  for (guint i = 0; i < started; i++)
    pthread_join(mates[i], NULL);
  g_free(mates);
}
