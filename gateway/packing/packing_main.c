/* `sallyport unpack` and `sallyport pack`: the limits and the cage first, then the work, then the result into the pipe.
 * Whatever goes wrong before or instead of that shows the caller a process that ended without a result. */
#include "gateway/packing/packing_private.h"
#include "transfer/caged/sandbox.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static gboolean kind_of(const char *word, ConfPacking *packing) {
  for (int i = CONF_PACK_GZIP; i <= CONF_PACK_ZIP; i++)
    if (g_str_equal(word, packing_name((ConfPacking)i))) {
      *packing = (ConfPacking)i;
      return TRUE;
    }
  return FALSE;
}

/* Should the process be taken over, it still writes no more than this. The work itself stops before. */
static gboolean limit_output(guint64 size) {
  const struct rlimit limit = {size, size};
  signal(SIGXFSZ, SIG_IGN);
  return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

static gboolean lock_in(PackingResult *result) {
  g_autoptr(GError) error = NULL;
  g_autofree char *report = NULL;
  SandboxPlan plan = {.folder = -1};
  if (sandbox_enter(&plan, &report, &error))
    return TRUE;
  result->kind = PACKING_RESULT_CAGE;
  g_strlcpy(result->message, error->message, sizeof result->message);
  return FALSE;
}

static int tell_result(const PackingResult *result) {
  /* a pipe takes so little in one piece */
  gboolean ok = write(PACKING_RESULT, result, sizeof *result) == (ssize_t)sizeof *result;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  _exit(!ok); /* the leak checker starts a thread, which the cage forbids */
#endif
  return !ok;
}

int packing_main(int argc, char **argv) {
  PackingResult result = {0};
  ConfPacking packing;
  gboolean is_unpack = argc == 6 && g_str_equal(argv[1], "unpack");
  if ((!is_unpack && argc != 3 && argc != 4) || !kind_of(argv[2], &packing))
    return 2;
  signal(SIGPIPE, SIG_IGN);
  if (is_unpack) {
    UnpackTask task = {.packing = packing,
                       .size_limit = g_ascii_strtoull(argv[3], NULL, 10),
                       .ratio_limit = MAX(g_ascii_strtoull(argv[4], NULL, 10), 1),
                       .ratio_base = g_ascii_strtoull(argv[5], NULL, 10)};
    if (limit_output(task.size_limit) && lock_in(&result))
      unpack_run(&task, PACKING_IN, PACKING_OUT, &result);
  } else if (lock_in(&result)) {
    pack_run(packing, argc == 4 ? argv[3] : NULL, PACKING_IN, PACKING_OUT, &result);
  }
  return tell_result(&result);
}
