/* The courier's process as the lane sees it: started, watched, ended. Used by courier.c only. */
#pragma once
#include "gateway/base/error.h"
#include <pthread.h>
#include <sys/types.h>

typedef struct {
  pthread_mutex_t lock; /* guards pid against a kill after the number has been given to somebody else */
  pid_t pid;            /* 0: none, or reaped */
  int socket;           /* the lane's end; -1: closed */
} CourierProcess;

/* Starts PROGRAM (NULL: this one) as "sallyport courier": descriptors 0 and 1 are /dev/null, 2 is ours, 3 the socket;
 * all else is closed, the environment is empty, signals are as by default. */
gboolean courier_process_start(CourierProcess *process, const char *program, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void courier_process_kill(CourierProcess *process); /* from any thread */
/* Waits for its end at most so long and reaps it; TRUE when it is gone. *how then says how it ended, for people. */
gboolean courier_process_reap(CourierProcess *process, int milliseconds, char **how);
/* Closes the socket, waits politely, then kills. */
void courier_process_end(CourierProcess *process, int milliseconds);
