/* The caller's side: starts the process, waits for its one result, kills it at the deadline, and believes nothing that
 * it can look up itself. A process per file costs some milliseconds; none outlives its call. */
#include "gateway/packing/packing.h"
#include "gateway/base/child.h"
#include "gateway/base/files.h"
#include "gateway/packing/packing_private.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  PATIENCE = 60,
  LEAST_BYTES = 4 * 1024 * 1024 /* per second: the slowest that is called work */,
  LONGEST = 86400
};

static const struct {
  const char *code, *word;
} verdicts[] = {
#define PACKING_VERDICT_ROW(name, code, word) [PACKING_##name] = {code, word},
    PACKING_VERDICTS(PACKING_VERDICT_ROW)};
const char *packing_code(PackingVerdict verdict) {
  return verdicts[(guint)verdict < PACKING_N_VERDICTS ? verdict : PACKING_UNKNOWN].code;
}
const char *packing_word(PackingVerdict verdict) {
  return verdicts[(guint)verdict < PACKING_N_VERDICTS ? verdict : PACKING_UNKNOWN].word;
}

const char *packing_name(ConfPacking packing) {
  static const char *const names[] = {
      [CONF_PACK_NONE] = "none", [CONF_PACK_GZIP] = "gzip", [CONF_PACK_ZSTD] = "zstd", [CONF_PACK_ZIP] = "zip"};
  return names[packing];
}

typedef struct {
  const char *program;
  char *const *arguments;
  int in, out, result; /* the caller's numbers */
} Child;

/* First all to numbers above all of these, then to ours: no copy can land on a descriptor that is still to be copied.
 */
static int place_descriptors(posix_spawn_file_actions_t *actions, gconstpointer data) {
  const Child *child = data;
  const int from[] = {child->in, child->out, child->result}, to[] = {PACKING_IN, PACKING_OUT, PACKING_RESULT};
  const int high = MAX(MAX(child->in, child->out), MAX(child->result, PACKING_RESULT)) + 1;
  int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (failed == 0)
    failed = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  for (int i = 0; i < 3 && failed == 0; i++)
    failed = posix_spawn_file_actions_adddup2(actions, from[i], high + i);
  for (int i = 0; i < 3 && failed == 0; i++)
    failed = posix_spawn_file_actions_adddup2(actions, high + i, to[i]);
  return failed != 0 ? failed : posix_spawn_file_actions_addclosefrom_np(actions, PACKING_RESULT + 1);
}

static int spawn(const Child *child, pid_t *pid) {
  char *const environment[] = {NULL};
  ChildPlan plan = {.program = child->program,
                    .arguments = child->arguments,
                    .environment = environment,
                    .describe = place_descriptors,
                    .data = child};
  return child_spawn(&plan, pid);
}

/* TRUE: a whole result came before the deadline. */
static gboolean await_result(int pipe, guint deadline, PackingResult *result, gboolean *late) {
  gint64 until = g_get_monotonic_time() + (gint64)deadline * G_USEC_PER_SEC;
  struct pollfd wanted = {.fd = pipe, .events = POLLIN};
  *late = FALSE;
  for (;;) {
    gint64 left = (until - g_get_monotonic_time() + 999) / 1000;
    int ready = left > 0 ? poll(&wanted, 1, (int)MIN(left, G_MAXINT)) : 0;
    if (ready < 0 && errno == EINTR)
      continue;
    *late = ready == 0;
    return ready > 0 && read(pipe, result, sizeof *result) == (ssize_t)sizeof *result;
  }
}

static char *end_of(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
    return g_strdup("it tried what its cage forbids (SIGSYS)");
  return WIFSIGNALED(status) ? g_strdup_printf("signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)))
                             : g_strdup_printf("exit %d", WEXITSTATUS(status));
}

/* Which of the ways to fail are the input's doing cannot be known: a crash on hostile bytes looks like any other. So
 * all are PARTNER: tried again, then held for a person; but that the cage cannot be entered is the system's. */
static gboolean judge_packing(const PackingResult *result, gboolean came, gboolean late, const char *how,
                              GError **error) {
  g_autofree char *shown = files_show_bytes(result->message, strnlen(result->message, sizeof result->message), 200);
  if (came && result->kind == PACKING_RESULT_DONE)
    return TRUE;
  if (came && result->kind == PACKING_RESULT_CAGE)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION, "the packing process cannot lock itself in: %s",
                               shown);
  if (came && result->kind == PACKING_RESULT_TROUBLE)
    return sallyport_error_set(error,
                               g_str_equal(shown, g_strerror(ENOSPC)) ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_PARTNER,
                               "the packing process gave up: %s", shown);
  return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "the packing process %s: %s",
                             late ? "was stopped at its deadline" : "ended without a result", how);
}

static gboolean run_packing(Child *child, guint deadline, PackingResult *result, GError **error) {
  int ends[2];
  pid_t pid;
  gboolean late = FALSE;
  if (pipe2(ends, O_CLOEXEC) != 0)
    return sallyport_error_errno(error, errno, "make a pipe");
  child->result = ends[1];
  child->program = child->program ? child->program : "/proc/self/exe";
  int failed = spawn(child, &pid);
  close(ends[1]);
  if (failed != 0) {
    close(ends[0]);
    return sallyport_error_errno(error, failed, "start %s", child->program);
  }
  gboolean came = await_result(ends[0], deadline, result, &late);
  close(ends[0]);
  if (!came)
    kill(pid, SIGKILL);
  g_autofree char *how = end_of(pid); /* after its result it has nothing to do but to end */
  return judge_packing(result, came, late, how, error);
}

static void explain(Unpacked *unpacked, const PackingResult *result, ConfPacking packing) {
  gsize length = strnlen(result->message, sizeof result->message);
  while (length > 0 && result->message[length - 1] == '\n')
    length--;
  g_autofree char *shown = files_show_bytes(result->message, length, 120);
  g_snprintf(unpacked->message, sizeof unpacked->message, "%s: %s%s%s", packing_name(packing),
             packing_word(unpacked->verdict), shown[0] ? ": " : "", shown);
}

gboolean packing_unpack(const UnpackOptions *options, int in, int out, Unpacked *unpacked, GError **error) {
  guint64 size = 0;
  *unpacked = (Unpacked){0};
  if (!files_size(in, &size, error))
    return FALSE;
  guint ratio = MAX(options->ratio_limit, 1);
  guint64 base = options->ratio_base ? options->ratio_base : size;
  guint64 most = MIN(options->size_limit,
                     MAX(base > G_MAXUINT64 / ratio ? G_MAXUINT64 : base * ratio, PACKING_RATIO_FREE));
  guint deadline = options->deadline ? options->deadline : PATIENCE + (guint)MIN((size + most) / LEAST_BYTES, LONGEST);
  g_autofree char *limit = g_strdup_printf("%" G_GUINT64_FORMAT, options->size_limit),
                  *base_text = g_strdup_printf("%" G_GUINT64_FORMAT, base), *ratio_text = g_strdup_printf("%u", ratio),
                  *kind = g_strdup(packing_name(options->packing));
  char name[] = "sallyport", role[] = "unpack";
  char *const arguments[] = {name, role, kind, limit, ratio_text, base_text, NULL};
  Child child = {.program = options->program, .arguments = arguments, .in = in, .out = out};
  PackingResult result = {0};
  if (!run_packing(&child, deadline, &result, error) || !files_size(out, &unpacked->size, error))
    return FALSE;
  if (result.verdict == PACKING_GOOD && (unpacked->size != result.size || unpacked->size > options->size_limit))
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                               "the packing process speaks of %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT
                               " are there",
                               result.size, unpacked->size);
  unpacked->verdict = result.verdict > PACKING_UNKNOWN && result.verdict < PACKING_N_VERDICTS
                          ? (PackingVerdict)result.verdict
                          : PACKING_UNKNOWN;
  explain(unpacked, &result, options->packing);
  return TRUE;
}

gboolean packing_pack(const PackOptions *options, int in, int out, GError **error) {
  guint64 size = 0;
  if (!files_size(in, &size, error))
    return FALSE;
  g_autofree char *kind = g_strdup(packing_name(options->packing)), *member = g_strdup(options->member);
  char name[] = "sallyport", role[] = "pack";
  char *const arguments[] = {name, role, kind, options->packing == CONF_PACK_ZIP ? member : NULL, NULL};
  Child child = {.program = options->program, .arguments = arguments, .in = in, .out = out};
  PackingResult result = {0};
  return run_packing(&child, options->deadline ? options->deadline : PATIENCE + (guint)MIN(size / LEAST_BYTES, LONGEST),
                     &result, error);
}
