#include "gateway/idle/signals.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MOST = 64 * 1024, PROCESSES_MOST = 4096 };

/* --- Files of the kernel */

static char *read_text(const IdleSources *sources, const char *format, ...) G_GNUC_PRINTF(2, 3);
static char *read_text(const IdleSources *sources, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *path = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autofree char *whole = g_strconcat(sources->root, path, NULL);
  int fd = open(whole, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  char *text = g_malloc(TEXT_MOST + 1);
  gsize length = 0;
  for (ssize_t got; length < TEXT_MOST && (got = read(fd, text + length, TEXT_MOST - length)) > 0;)
    length += (gsize)got;
  close(fd);
  text[length] = '\0';
  return text;
}

/* The number behind a word. */
static gboolean number_behind(const char *text, const char *word, guint64 *number) {
  const char *at = text ? strstr(text, word) : NULL;
  if (!at)
    return FALSE;
  *number = strtoull(at + strlen(word), NULL, 10);
  return TRUE;
}

/* --- Processors */

static guint64 ticks_as_microseconds(guint64 ticks) {
  long per_second = sysconf(_SC_CLK_TCK);
  return ticks * (guint64)(G_USEC_PER_SEC / MAX(per_second, 1));
}

/* user nice system idle iowait irq softirq steal; guests are in user. */
static gboolean read_processors(const IdleSources *sources, IdleReading *reading, GError **error) {
  g_autofree char *text = read_text(sources, "/proc/stat");
  unsigned long long n[8] = {0};
  if (!text || sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
                      &n[6], &n[7]) < 7)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s/proc/stat cannot be read: how busy the machine is cannot be told (a service unit "
                               "with ProcSubset=pid hides it)",
                               sources->root);
  reading->busy = ticks_as_microseconds(n[0] + n[1] + n[2] + n[5] + n[6] + n[7]);
  reading->disk = ticks_as_microseconds(n[4]);
  reading->total = reading->busy + reading->disk + ticks_as_microseconds(n[3]);
  return TRUE;
}

/* --- Our own */

/* utime, stime and those of children that have ended: fields 14 to 17, behind the name, which may hold anything. */
static guint64 used_by(const IdleSources *sources, pid_t pid) {
  g_autofree char *text = read_text(sources, "/proc/%d/stat", (int)pid);
  const char *behind = text ? strrchr(text, ')') : NULL;
  unsigned long long n[4];
  if (!behind || sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &n[0], &n[1],
                        &n[2], &n[3]) != 4)
    return 0;
  return ticks_as_microseconds(n[0] + n[1] + n[2] + n[3]);
}

/* Of all threads, whose children stand apart. */
static void add_children(const IdleSources *sources, pid_t pid, GArray *pids) {
  g_autofree char *path = g_strdup_printf("%s/proc/%d/task", sources->root, (int)pid);
  g_autoptr(GDir) tasks = g_dir_open(path, 0, NULL);
  for (const char *task; tasks && (task = g_dir_read_name(tasks));) {
    g_autofree char *text = read_text(sources, "/proc/%d/task/%s/children", (int)pid, task);
    char *end = text;
    for (pid_t child; text && (child = (pid_t)strtol(end, &end, 10)) > 0 && pids->len < PROCESSES_MOST;)
      g_array_append_val(pids, child);
  }
}

static GArray *our_processes(const IdleSources *sources) {
  GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
  g_array_append_val(pids, sources->ours);
  for (guint i = 0; i < pids->len; i++)
    add_children(sources, g_array_index(pids, pid_t, i), pids);
  return pids;
}

/* What gpg starts for us leaves our tree. */
static gboolean is_of_gpg(const IdleSources *sources, pid_t pid) {
  static const char *const names[] = {"gpg-agent\n", "keyboxd\n", "scdaemon\n", "dirmngr\n", NULL};
  g_autofree char *name = read_text(sources, "/proc/%d/comm", (int)pid);
  return name && g_strv_contains(names, name);
}

static gboolean is_among(const GArray *pids, pid_t pid) {
  for (guint i = 0; i < pids->len; i++)
    if (g_array_index(pids, pid_t, i) == pid)
      return TRUE;
  return FALSE;
}

static gboolean is_all_ours(const IdleSources *sources, const char *cgroup, const GArray *ours) {
  g_autofree char *text = read_text(sources, "/sys/fs/cgroup%s/cgroup.procs", cgroup);
  char *end = text;
  for (pid_t pid; text && (pid = (pid_t)strtol(end, &end, 10)) > 0;)
    if (!is_among(ours, pid) && !is_of_gpg(sources, pid))
      return FALSE;
  return text != NULL;
}

/* Of version 2; NULL: the root, or none, or others are in it, too. */
static char *own_cgroup(const IdleSources *sources, const GArray *ours) {
  g_autofree char *text = read_text(sources, "/proc/self/cgroup");
  const char *at = text && g_str_has_prefix(text, "0::") ? text : text ? strstr(text, "\n0::") : NULL;
  if (!at)
    return NULL;
  at = strchr(at, '/');
  char *path = at ? g_strndup(at, strcspn(at, "\n")) : NULL;
  if (path && path[1] != '\0' && is_all_ours(sources, path, ours))
    return path;
  g_free(path);
  return NULL;
}

static void read_own(const IdleSources *sources, const GArray *ours, const char *cgroup, IdleReading *reading) {
  g_autofree char *text = cgroup ? read_text(sources, "/sys/fs/cgroup%s/cpu.stat", cgroup) : NULL;
  reading->has_cgroup = number_behind(text, "usage_usec ", &reading->own);
  for (guint i = 0; !reading->has_cgroup && i < ours->len; i++)
    reading->own += used_by(sources, g_array_index(ours, pid_t, i));
}

/* --- Pressure */

/* The first line: "some avg10=… total=MICROSECONDS". */
static gboolean read_pressure(const IdleSources *sources, const char *cgroup, const char *what, guint64 *waited) {
  guint64 own = 0;
  g_autofree char *all = read_text(sources, "/proc/pressure/%s", what),
                  *ours = cgroup ? read_text(sources, "/sys/fs/cgroup%s/%s.pressure", cgroup, what) : NULL;
  if (!number_behind(all, "total=", waited))
    return FALSE;
  if (number_behind(ours, "total=", &own))
    *waited -= MIN(own, *waited);
  return TRUE;
}

gboolean idle_read(const IdleSources *sources, IdleReading *reading, GError **error) {
  *reading = (IdleReading){.at = g_get_monotonic_time()};
  if (!read_processors(sources, reading, error))
    return FALSE;
  GArray *ours = our_processes(sources);
  g_autofree char *cgroup = own_cgroup(sources, ours);
  read_own(sources, ours, cgroup, reading);
  g_array_unref(ours);
  reading->has_pressure = read_pressure(sources, cgroup, "io", &reading->io) &&
                          read_pressure(sources, cgroup, "memory", &reading->memory);
  return TRUE;
}

/* Both counters may be a little behind: less than nothing is nothing. */
static guint share(guint64 before, guint64 now, guint64 less, guint64 of) {
  guint64 grown = now > before ? now - before : 0, left = grown > less ? grown - less : 0;
  return of > 0 ? (guint)MIN(left * 1000 / of, 1000) : 0;
}

gboolean idle_between(const IdleReading *before, const IdleReading *now, IdleSample *sample) {
  if (before->at == 0 || now->at <= before->at || now->total <= before->total ||
      now->has_cgroup != before->has_cgroup || now->has_pressure != before->has_pressure)
    return FALSE;
  guint64 span = (guint64)(now->at - before->at), total = now->total - before->total,
          own = now->own > before->own ? now->own - before->own : 0;
  *sample = (IdleSample){.cpu = share(before->busy, now->busy, own, total),
                         .io = now->has_pressure ? share(before->io, now->io, 0, span)
                                                 : share(before->disk, now->disk, 0, total),
                         .memory = now->has_pressure ? share(before->memory, now->memory, 0, span) : 0,
                         .is_reduced = !now->has_cgroup || !now->has_pressure};
  return TRUE;
}
