/* Fetch: brings the partner's bytes into the spool. admitted → fetched.
 *
 * Written to ID.part, resumed where it broke, synced, renamed to ID.pgp, folder synced, then the commit.
 *   crash while reading        ID.part has a prefix: the next run goes on behind it
 *   power lost while reading   the prefix was never synced and cannot be trusted: a part from before this boot is begun
 *                              anew
 *   crash after the rename     ID.pgp is there, the state is admitted: the next run finds it complete and only commits
 * The partner's copy is not touched. If it is no longer what was admitted, the evidence is void: back to `seen`. A
 * detached signature is fetched first, to ID.sig, as often as the step runs: a partner who replaces both puts the
 * signature last, so that a new signature with an old file is noticed by the file. What a declaration said of size and
 * digest is held against what came, before the commit; of a difference the file is fetched again, then the partner is
 * told. */
#include "gateway/common/codes.h"
#include "gateway/flow/step.h"
#include "gateway/flow/remote_look.h"
#include "gateway/base/digest.h"
#include "gateway/flow/admission/admit.h"
#include "gateway/flow/admission/declarations.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SIGNATURE = 64 * 1024 };

/* The evidence no longer holds: what was read so far is another file's. */
static gboolean start_over(Step *step, const CourierStat *now, const char *part, GError **error) {
  unlink(part);
  g_autofree char *signature = lane_path_in_signature(step->flow->paths, step->file->id);
  unlink(signature);
  if (!now->exists)
    return flow_advance(step, FILE_GONE, "no longer in the partner's folder", error);
  step->file->size = now->size;
  step->file->modified = now->modified;
  g_clear_pointer(&step->file->evidence, g_free);
  return flow_advance(step, FILE_SEEN, "it changed after it was admitted: the evidence is void", error);
}

/* The digest is taken beside the transfer, of what is on disk already, and so is write-back: only the last stretch is
 * waited for. The file is written by us alone: no courier has a descriptor of it (transfer/courier.h). */
typedef struct {
  int fd;
  Digest *digest;
  guint64 digested;
  GError *error;
} Intake;

static gboolean take_in(Intake *intake, guint64 end) {
  sync_file_range(intake->fd, (off_t)intake->digested, (off_t)(end - intake->digested), SYNC_FILE_RANGE_WRITE);
  return end <= intake->digested ||
         digest_update_from_file(intake->digest, intake->fd, &intake->digested, end, &intake->error);
}

static gboolean on_progress(gpointer user, guint64 bytes) {
  return take_in(user, bytes);
}

static gboolean settle(Step *step, Intake *intake, guint64 size, const char *part, const char *final, GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  if (!take_in(intake, size)) {
    g_propagate_error(error, g_steal_pointer(&intake->error));
    return FALSE;
  }
  if (!files_sync(intake->fd, part, error))
    return FALSE;
  fault_point("fetch-before-rename");
  if (rename(part, final) != 0)
    return sallyport_error_errno(error, errno, "rename %s", part);
  if (!files_sync_folder(step->flow->paths->in, error))
    return FALSE;
  fault_point("fetch-after-rename");
  digest_finish(g_steal_pointer(&intake->digest), digest);
  step->file->cipher_size = size;
  g_free(step->file->cipher_sha256);
  step->file->cipher_sha256 = digest_hex(digest, sizeof digest);
  return TRUE;
}

/* Killing a process loses nothing that it has written; a power cut may. Parts are not synced until they are complete.
 */
static gboolean is_from_an_earlier_boot(const struct stat *status) {
  struct timespec up, now;
  clock_gettime(CLOCK_BOOTTIME, &up);
  clock_gettime(CLOCK_REALTIME, &now);
  return status->st_mtim.tv_sec < now.tv_sec - up.tv_sec;
}

/* An item of a mailbox never changes, and its digest is known: it is gone on with. */
static gboolean may_be_of_two_files(const Step *step, const GError *failed) {
  SallyportErrorCode code = sallyport_error_code(failed);
  return (code == SALLYPORT_ERROR_AGAIN || code == SALLYPORT_ERROR_PARTNER) &&
         step->feed->conf->source.ready != CONF_READY_LISTED && !courier_is_lost(step->courier);
}

/* A transfer that breaks off is resumed; what came whole and is not what the server said (it changed meanwhile, or the
 * server errs) is begun anew: it may be of two files. */
static gboolean fetch_into(Step *step, Intake *intake, const char *remote, const char *part, const char *final,
                           GError **error) {
  struct stat status;
  int fd = intake->fd;
  if (fstat(fd, &status) != 0)
    return sallyport_error_errno(error, errno, "stat %s", part);
  guint64 have = (guint64)status.st_size, end = have;
  if (have > step->file->size || is_from_an_earlier_boot(&status)) {
    have = end = 0;
    if (ftruncate(fd, 0) != 0)
      return sallyport_error_errno(error, errno, "truncate %s", part);
  }
  CourierGet get = {.path = remote,
                    .offset = have,
                    .size_limit = step->feed->conf->source.size_limit,
                    .fd = fd,
                    .progress = on_progress,
                    .user = intake};
  if ((have < step->file->size || have == 0) && !courier_get(step->courier, &get, &end, error)) {
    if (intake->error) { /* ours, which ended the transfer */
      g_clear_error(error);
      g_propagate_error(error, g_steal_pointer(&intake->error));
    } else if (error && may_be_of_two_files(step, *error) && ftruncate(fd, 0) != 0) {
      g_prefix_error(error, "(and the part could not be emptied: %s) ", g_strerror(errno));
    }
    return FALSE;
  }
  if (end != step->file->size)
    return sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                               "%s: %" G_GUINT64_FORMAT " bytes came, %" G_GUINT64_FORMAT
                               " were announced: the server tells two sizes of one file",
                               step->file->name_shown, end, step->file->size);
  return settle(step, intake, end, part, final, error);
}

/* An earlier run that was killed between rename and commit. */
static gboolean is_here(const char *path, guint64 size) {
  struct stat status;
  return stat(path, &status) == 0 && (guint64)status.st_size == size;
}

/* Seconds for which it had not changed when it was admitted. */
static gint64 stood_still(const BookFile *file) {
  json_t *evidence = file->evidence ? json_loads(file->evidence, 0, NULL) : NULL;
  gint64 seconds = json_integer_value(json_object_get(evidence, "unchanged_seconds"));
  json_decref(evidence);
  return seconds;
}

/* The bytes are not those that were declared. Either may still be written: it is tried again while there are tries,
 * unless the file had stood there unchanged for as long before it was taken. */
static gboolean differs(Step *step, const Declared *declared, const char *code, const char *reason, GError **error) {
  gboolean changed, is_last = step->file->attempts + 1 >= MAX(step->feed->conf->retry_limit, 1);
  g_autofree char *part = lane_path_in_part(step->flow->paths, step->file->id),
                  *final = lane_path_in(step->flow->paths, step->file->id);
  DeclaredPlace place = {.source = &step->feed->conf->source,
                         .courier = step->courier,
                         .folder = step->file->folder,
                         .scratch = step->flow->paths->in,
                         .name = step->file->name};
  unlink(part);
  unlink(final);
  /* an item never changes: other bytes are a fault on the way */
  if (step->feed->conf->source.ready == CONF_READY_LISTED)
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s", reason);
  if (!declared_has_changed(&place, declared, &changed, error))
    return FALSE;
  if (changed) {
    declarations_read_anew(step->feed->declarations);
    g_clear_pointer(&step->file->evidence, g_free);
    return flow_advance(step, FILE_SEEN, "its declaration has changed since: the evidence is void", error);
  }
  if (is_last || stood_still(step->file) >= MAX(flow_patience(step->feed), 1))
    return flow_reject(step, code, reason, error);
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s", reason);
}

static gboolean check_size(Step *step, const Declared *declared, guint64 size, gboolean *fits, GError **error) {
  *fits = !declared || !declared->has_size || declared->size == size;
  if (*fits)
    return TRUE;
  g_autofree char *reason = g_strdup_printf("%" G_GUINT64_FORMAT " bytes are declared in %s, %" G_GUINT64_FORMAT
                                            " are there",
                                            declared->size, declared->file, size);
  return differs(step, declared, CODE_DECLARED_SIZE, reason, error);
}

static gboolean check_digests(Step *step, const Declared *declared, const char *final, gboolean *fits, GError **error) {
  g_autofree char *found = NULL;
  DigestKind kind;
  *fits = TRUE;
  if (!declared)
    return TRUE;
  int fd = open(final, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open %s", final);
  gboolean ok = declared_check_digests(declared, fd, &kind, &found, error);
  close(fd);
  *fits = !found;
  if (!ok || *fits)
    return ok;
  g_autofree char *reason = g_strdup_printf("%s %s is declared in %s, what came has %s", digest_word(kind),
                                            declared->digests[kind], declared->file, found);
  return differs(step, declared, CODE_DECLARED_DIGEST, reason, error);
}

static gboolean commit_fetched(Step *step, GError **error) {
  step->file->due_at = g_get_real_time();
  g_autofree char *detail = g_strdup_printf("%" G_GUINT64_FORMAT " bytes, sha256 %s", step->file->cipher_size,
                                            step->file->cipher_sha256);
  return flow_advance(step, FILE_FETCHED, detail, error);
}

static gboolean settle_fetched(Step *step, const Declared *declared, const char *final, GError **error) {
  gboolean fits;
  if (!check_digests(step, declared, final, &fits, error))
    return FALSE;
  if (fits && step->file->cipher_size == 0 && step->feed->conf->source.empty != CONF_EMPTY_ACCEPT)
    return flow_reject(step, CODE_EMPTY, "the file is empty: 0 bytes came", error);
  return !fits || commit_fetched(step, error);
}

static gboolean take_over(Step *step, const Declared *declared, const char *final, GError **error) {
  int fd = open(final, O_RDONLY | O_CLOEXEC);
  guint8 digest[DIGEST_SHA256_SIZE];
  if (fd < 0)
    return sallyport_error_errno(error, errno, "open %s", final);
  gboolean ok = digest_file_sha256(fd, 0, G_MAXUINT64, digest, &step->file->cipher_size, error) &&
                files_sync(fd, final, error);
  close(fd);
  if (!ok)
    return FALSE;
  g_free(step->file->cipher_sha256);
  step->file->cipher_sha256 = digest_hex(digest, sizeof digest);
  return settle_fetched(step, declared, final, error);
}

/* Durable under its name, or *there is FALSE and the evidence is void. */
static gboolean fetch_signature(Step *step, gboolean *there, GError **error) {
  g_autoptr(GBytes) companion = admit_companion(&step->feed->conf->source, COMPANION_SIGNATURE, step->file->name);
  gsize length;
  guint64 end = 0;
  *there = TRUE;
  if (!companion)
    return TRUE;
  const char *name = g_bytes_get_data(companion, &length);
  g_autofree char *remote = remote_path_join(step->file->folder, name, length),
                  *final = lane_path_in_signature(step->flow->paths, step->file->id);
  g_autofree char *part = g_strdup_printf("%s.part", final);
  CourierStat now;
  if (!courier_stat(step->courier, remote, &now, error))
    return FALSE;
  if (!now.exists) {
    *there = FALSE;
    g_clear_pointer(&step->file->evidence, g_free);
    return flow_advance(step, FILE_SEEN, "its signature is gone: the evidence is void", error);
  }
  int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "create %s", part);
  CourierGet get = {.path = remote, .size_limit = MOST_SIGNATURE, .fd = fd};
  gboolean ok = courier_get(step->courier, &get, &end, error) && files_sync(fd, part, error);
  close(fd);
  fault_point("fetch-signature-before-rename");
  if (ok && rename(part, final) != 0)
    return sallyport_error_errno(error, errno, "rename %s", part);
  return ok && files_sync_folder(step->flow->paths->in, error);
}

static gboolean fetch_data(Step *step, const Declared *declared, const char *part, const char *final, GError **error) {
  gsize length;
  const char *name = g_bytes_get_data(step->file->name, &length);
  g_autofree char *remote = remote_path_join(step->file->folder, name, length);
  CourierStat now;
  gboolean fits;
  RemoteCopy copy = remote_compare(step, remote, &now, error);
  if (copy == REMOTE_UNKNOWN)
    return FALSE;
  if (copy != REMOTE_SAME)
    return start_over(step, &now, part, error);
  if (!check_size(step, declared, now.size, &fits, error))
    return FALSE;
  if (!fits) /* moved already */
    return TRUE;
  if (now.size > step->feed->conf->source.size_limit) {
    g_autofree char *reason = g_strdup_printf("%" G_GUINT64_FORMAT
                                              " bytes are more than the feed's size-limit of %" G_GUINT64_FORMAT,
                                              now.size, step->feed->conf->source.size_limit);
    return flow_reject(step, CODE_FILE_TOO_LARGE, reason, error);
  }
  int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return sallyport_error_errno(error, errno, "create %s", part);
  Intake intake = {.fd = fd, .digest = digest_new_sha256()};
  gboolean ok = fetch_into(step, &intake, remote, part, final, error);
  digest_free(intake.digest);
  close(fd);
  return ok && settle_fetched(step, declared, final, error);
}

gboolean flow_fetch(Step *step, GError **error) {
  g_autofree char *part = lane_path_in_part(step->flow->paths, step->file->id);
  g_autofree char *final = lane_path_in(step->flow->paths, step->file->id);
  g_autoptr(Declared) declared = NULL;
  gboolean there;
  if (!declared_from_evidence(step->file->evidence, &declared, error) || !fetch_signature(step, &there, error))
    return FALSE;
  if (!there)
    return TRUE;
  return is_here(final, step->file->size) ? take_over(step, declared, final, error)
                                          : fetch_data(step, declared, part, final, error);
}
