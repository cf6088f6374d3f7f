#include "gateway/base/faultpoint.h"
#ifdef SALLYPORT_FAULTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void log_passage(const char *name) {
  const char *path = getenv("SALLYPORT_FAULT_LOG");
  int log = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (log < 0)
    return;
  char line[128];
  size_t length = strnlen(name, sizeof line - 1);
  memcpy(line, name, length);
  line[length++] = '\n';
  if (write(log, line, length) < 0) { /* the log only helps the tests */
  }
  close(log);
}

static int is_first_anywhere(void) {
  const char *path = getenv("SALLYPORT_FAULT_ONCE");
  if (!path)
    return 1;
  int made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0)
    return 0;
  close(made);
  return 1;
}

void fault_point(const char *name) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static int passes;
  log_passage(name);
  const char *armed = getenv("SALLYPORT_FAULT");
  if (!armed)
    return;
  size_t length = strcspn(armed, ":");
  if (strlen(name) != length || strncmp(armed, name, length) != 0)
    return;
  int wanted = armed[length] == ':' ? atoi(armed + length + 1) : 1;
  pthread_mutex_lock(&lock);
  int due = ++passes == wanted && is_first_anywhere();
  pthread_mutex_unlock(&lock);
  if (due)
    kill(getpid(), SIGKILL);
}
#endif
