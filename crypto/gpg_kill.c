#include "crypto/gpg_kill.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean holds_a_pipe(const char *process, const ino_t *inodes, guint count) {
  g_autofree char *folder = g_strdup_printf("/proc/%s/fd", process);
  DIR *open_files = opendir(folder);
  gboolean holds = FALSE;
  struct dirent *entry;
  while (open_files && !holds && (entry = readdir(open_files))) {
    struct stat status;
    if (fstatat(dirfd(open_files), entry->d_name, &status, 0) != 0 || !S_ISFIFO(status.st_mode))
      continue;
    for (guint i = 0; i < count; i++)
      holds |= inodes[i] == status.st_ino;
  }
  if (open_files)
    closedir(open_files);
  return holds;
}

static gboolean is_gpg(const char *process) {
  char name[32] = "";
  g_autofree char *path = g_strdup_printf("/proc/%s/comm", process);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return FALSE;
  ssize_t length = read(file, name, sizeof name - 1);
  close(file);
  return length >= 3 && strncmp(name, "gpg", 3) == 0 && strncmp(name, "gpg-agent", 9) != 0;
}

void gpg_kill(const ino_t *inodes, guint count) {
  DIR *processes = opendir("/proc");
  struct dirent *entry;
  while (processes && (entry = readdir(processes))) {
    pid_t pid = (pid_t)atoi(entry->d_name);
    if (pid > 1 && pid != getpid() && is_gpg(entry->d_name) && holds_a_pipe(entry->d_name, inodes, count))
      kill(pid, SIGKILL);
  }
  if (processes)
    closedir(processes);
}
