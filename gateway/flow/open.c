/* Open: decrypts, verifies, and stages what is trusted. fetched → opened → staged.
 *
 * The plaintext lies in an unnamed file that only this process can reach; it is gone with its descriptor, whatever happens.
 *   crash before `opened` is committed   the ciphertext is opened again
 *   crash between `opened` and `staged`  the plaintext is gone, the staging file is incomplete: opened and staged again
 *   crash after staging is complete      staged again over it: same ciphertext, same result
 * Nothing parses a byte before the verdict is TRUSTED. */
#include "crypto/digest.h"
#include "crypto/openpgp.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/flow/codes.h"
#include "gateway/flow/flow.h"
#include "gateway/flow/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static gboolean decrypt(Step *step, int plaintext, OpenpgpOpened *opened, GError **error) {
  const ConfOpenpgp *conf = &step->feed->partner->openpgp;
  g_autofree char *path = lane_path_in(step->flow->paths, step->file->id);
  int ciphertext = open(path, O_RDONLY | O_CLOEXEC);
  if (ciphertext < 0)
    return sallyport_error_errno(error, errno, "open %s", path);
  OpenpgpOpenOptions options = {.home = step->feed->gnupg_home, .signed_by = (const char *const *)conf->signed_by,
                                .passphrase_file = conf->passphrase_file, .size_limit = step->feed->conf->plain_limit,
                                .ratio_limit = step->feed->conf->ratio_limit,
                                .deadline = GPG_PATIENCE + (guint)MIN(step->file->cipher_size / GPG_LEAST_BYTES, 86400)};
  gboolean ok = openpgp_open(&options, ciphertext, plaintext, opened, error);
  close(ciphertext);
  return ok;
}

static void learn(BookFile *file, const OpenpgpOpened *opened) {
  g_free(file->signer);
  g_free(file->trust);
  g_free(file->plain_sha256);
  file->signer = opened->signer[0] ? g_strdup(opened->signer) : NULL;
  file->trust = g_strdup(openpgp_reason_word(opened->reason));
  file->plain_size = opened->plaintext_size;
  file->plain_sha256 = opened->verdict == OPENPGP_TRUSTED ? digest_hex(opened->sha256, sizeof opened->sha256) : NULL;
}

static gboolean refuse(Step *step, const OpenpgpOpened *opened, GError **error) {
  g_autofree char *code = g_strdup_printf("P%03d", (int)opened->reason);
  const char *reason = opened->message[0] ? opened->message : openpgp_reason_word(opened->reason);
  step->file->plain_size = 0;
  return flow_reject(step, code, reason, error);
}

/* An earlier file of this feed with the same content, under any name; *other: the same name had other content. */
static char *same_content(Step *step, gboolean *other, GError **error) {
  BookFile *file = step->file;
  *other = FALSE;
  g_autoptr(GPtrArray) same = book_files_with_digest(step->reader, file->feed, file->plain_sha256, file->id, error);
  if (!same)
    return NULL;
  if (same->len > 0)
    return g_strdup(((BookFile *)same->pdata[0])->id);
  g_autoptr(GPtrArray) named = book_files_named(step->reader, file->feed, file->name, error);
  for (guint i = 0; named && i < named->len; i++) {
    const BookFile *earlier = named->pdata[i];
    gboolean counts = earlier->state == FILE_VALIDATED || earlier->state == FILE_POSTING || earlier->state == FILE_POSTED ||
                      ((earlier->state == FILE_ANSWERED || earlier->state == FILE_CLOSED) && !earlier->reason_code);
    if (counts && !g_str_equal(earlier->id, file->id))
      *other = TRUE;
  }
  return g_strdup("");
}

gboolean flow_find_duplicate(Step *step, gboolean *moved, GError **error) {
  BookFile *file = step->file;
  gboolean other;
  *moved = TRUE;
  g_autofree char *original = same_content(step, &other, error);
  if (!original)
    return FALSE;
  if (original[0]) {
    g_autofree char *reason = g_strdup_printf("the same content as file %s", original);
    g_free(file->duplicate_of);
    file->duplicate_of = g_strdup(original);
    flow_set_reason(file, CODE_DUPLICATE_FILE, reason);
    return flow_advance(step, FILE_DUPLICATE, file->reason, error);
  }
  if (other && g_strcmp0(file->reason_code, CODE_SAME_NAME) != 0) { /* not released by a person yet */
    flow_set_reason(file, CODE_SAME_NAME, "a file of this name with other content was accepted before");
    file->held_from = file->state;
    return flow_advance(step, FILE_HELD, file->reason, error);
  }
  *moved = FALSE;
  return TRUE;
}

static char *day_of_arrival(const Step *step) {
  g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(step->flow->conf->node.time_zone ? step->flow->conf->node.time_zone : "UTC");
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(step->file->seen_at / G_USEC_PER_SEC);
  g_autoptr(GDateTime) local = zone ? g_date_time_to_timezone(utc, zone) : g_date_time_ref(utc);
  return g_date_time_format(local, "%Y-%m-%d");
}

static gboolean stage(Step *step, int plaintext, GError **error) {
  BookFile *file = step->file;
  g_autofree char *path = lane_path_stage(step->flow->paths, file->id);
  StageOptions options = {.layout = step->feed->layout, .plaintext = plaintext, .path = path, .threads = step->flow->threads};
  Staged staged = {0};
  if (!stage_plaintext(&options, step->feed->conf->business_date, &staged, error))
    return FALSE;
  g_free(file->header);
  g_free(file->business_date);
  file->header = g_steal_pointer(&staged.header);
  file->business_date = staged.business_date ? g_steal_pointer(&staged.business_date) : day_of_arrival(step);
  staged_clear(&staged);
  fault_point("stage-before-commit");
  g_autofree char *detail = g_strdup_printf("%" G_GUINT64_FORMAT " lines", staged.lines);
  return flow_advance(step, FILE_STAGED, detail, error);
}

static gboolean open_into(Step *step, int plaintext, GError **error) {
  OpenpgpOpened opened = {0};
  if (!decrypt(step, plaintext, &opened, error))
    return FALSE;
  learn(step->file, &opened);
  if (opened.verdict != OPENPGP_TRUSTED)
    return refuse(step, &opened, error);
  gboolean moved;
  if (step->file->state == FILE_FETCHED) {
    g_autofree char *detail = g_strdup_printf("signed by %s", opened.signer);
    if (!flow_advance(step, FILE_OPENED, detail, error))
      return FALSE;
  }
  if (!flow_find_duplicate(step, &moved, error))
    return FALSE;
  return moved || stage(step, plaintext, error);
}

gboolean flow_open(Step *step, GError **error) {
  int plaintext = files_open_unnamed(step->flow->paths->stage, error);
  if (plaintext < 0)
    return FALSE;
  gboolean ok = open_into(step, plaintext, error);
  close(plaintext);
  return ok;
}
