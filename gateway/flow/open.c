/* Open: unpacks, decrypts, verifies (unwrap.h), and has what is trusted staged (stage.c). fetched → opened → staged.
 *
 * The plaintext lies in an unnamed file that only this process can reach; it is gone with its descriptor, whatever
 * happens.
 *   crash before `opened` is committed     the ciphertext is opened again
 *   crash between `opened` and `staged`    the plaintext is gone, what is staged is not whole: opened and staged again
 *
 * Nothing parses a byte before the verdict is TRUSTED. */
#include "gateway/base/files.h"
#include "gateway/common/codes.h"
#include "gateway/flow/step.h"
#include "gateway/flow/judging/repeats.h"
#include "gateway/envelope/unwrap.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int open_spooled(char *path, GError **error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    sallyport_error_errno(error, errno, "open %s", path);
  g_free(path);
  return fd;
}

gboolean flow_unwrap(Step *step, Unwrapped *unwrapped, GError **error) {
  const LanePaths *paths = step->flow->paths;
  gboolean is_detached = step->feed->conf->source.envelope == CONF_ENVELOPE_DETACHED;
  *unwrapped = (Unwrapped){.plaintext = -1};
  int fetched = open_spooled(lane_path_in(paths, step->file->id), error);
  int signature = fetched >= 0 && is_detached ? open_spooled(lane_path_in_signature(paths, step->file->id), error) : -1;
  gboolean ok = fetched >= 0 && (signature >= 0 || !is_detached);
  if (ok) {
    UnwrapOptions options = {.home = step->feed->gnupg_home,
                             .openpgp = &step->feed->partner->openpgp,
                             .feed = step->feed->conf,
                             .scratch = paths->stage,
                             .fetched = fetched,
                             .signature = signature,
                             .keeps_returns = unwrap_keeps_returns(layout_conf(step->feed->layout))};
    ok = unwrap(&options, unwrapped, error);
  }
  if (signature >= 0)
    close(signature);
  if (fetched >= 0)
    close(fetched);
  return ok;
}

static void learn(BookFile *file, const Unwrapped *unwrapped) {
  g_free(file->signer);
  g_free(file->trust);
  g_free(file->plain_sha256);
  file->signer = g_strdup(unwrapped->signer);
  file->trust = g_strdup(unwrapped->trust);
  file->plain_size = unwrapped->trusted ? unwrapped->size : 0;
  file->plain_sha256 = g_strdup(unwrapped->sha256);
}

/* Of a signature later than now either clock may be the wrong one, and a gpg that gives no answer may be ours to mend:
 * the partner is told nothing that is perhaps our own fault. */
static gboolean hold_for_a_person(Step *step, const Unwrapped *unwrapped, GError **error) {
  g_autofree char *reason = g_strdup_printf("%s: %s, then release", unwrapped->reason,
                                            unwrapped->is_from_future ? "look at this system's clock"
                                                                      : "try gpg on the file by hand");
  return flow_hold(step, unwrapped->is_from_future ? CODE_CLOCK : unwrapped->code, reason, error);
}

static gboolean refuse_file(Step *step, const Unwrapped *unwrapped, GError **error) {
  return unwrapped->is_for_a_person ? hold_for_a_person(step, unwrapped, error)
                                    : flow_reject(step, unwrapped->code, unwrapped->reason, error);
}

static char *describe_opened(const BookFile *file) {
  return file->signer ? g_strdup_printf("signed by %s", file->signer)
                      : g_strdup("unprotected plain text, as configured");
}

static gboolean take_in(Step *step, const Unwrapped *unwrapped, GError **error) {
  learn(step->file, unwrapped);
  if (!unwrapped->trusted)
    return refuse_file(step, unwrapped, error);
  if (step->file->state == FILE_FETCHED) {
    g_autofree char *detail = describe_opened(step->file);
    if (!flow_advance(step, FILE_OPENED, detail, error))
      return FALSE;
  }
  if (unwrapped->size == 0 && step->feed->conf->source.empty != CONF_EMPTY_ACCEPT)
    return flow_reject(step, CODE_EMPTY, "there is nothing in the file: 0 bytes of content", error);
  StepResult result = repeats_judge(step, error);
  return result == STEP_MOVED || (result == STEP_ON && flow_stage(step, unwrapped->plaintext, error));
}

gboolean flow_open(Step *step, GError **error) {
  Unwrapped unwrapped;
  gboolean ok = flow_unwrap(step, &unwrapped, error) && take_in(step, &unwrapped, error);
  unwrapped_clear(&unwrapped);
  return ok;
}
