/* Close: takes the partner's copy away as configured, keeps our ciphertext in the archive, and removes what is left of
 * the work. answered → closed. Each part may be run again: what is gone already is fine.
 *
 * Order: the partner's file is claimed (claim.h), then its marker, signature and declaration go (so that a file that is
 * sent again under this name is not admitted by the old ones; an index of many files with the last of them), then what
 * was claimed, then our own; the commit last. A copy that is no longer the one that was fetched is somebody's new file
 * and is left alone, and what stands beside it with it. An item of a mailbox is acknowledged, with the digest of what
 * was obtained; a crash behind that says it again. */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/remote_put.h"
#include "gateway/flow/admission/admit.h"
#include "gateway/flow/claim.h"
#include "gateway/flow/admission/declarations.h"
#include "gateway/flow/step.h"
#include "gateway/flow/remote_look.h"
#include "gateway/common/log.h"
#include "transfer/courier_mailbox.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const suffixes[COMPANIONS] = {
    [COMPANION_MARKER] = "-marker", [COMPANION_SIGNATURE] = "-signature", [COMPANION_DECLARATION] = "-declaration"};

/* What stands beside the file, as it was while that was still there. */
typedef struct {
  gboolean is_known; /* FALSE: the file was claimed in an earlier run */
  CourierStat of[COMPANIONS];
} Beside;

static gboolean look_beside(Step *step, Beside *beside, GError **error) {
  beside->is_known = TRUE;
  for (Companion which = 0; which < COMPANIONS; which++) {
    g_autoptr(GBytes) companion = admit_companion(&step->feed->conf->source, which, step->file->name);
    gsize length;
    if (!companion)
      continue;
    const char *name = g_bytes_get_data(companion, &length);
    g_autofree char *path = remote_path_join(step->file->folder, name, length);
    if (!courier_stat(step->courier, path, &beside->of[which], error))
      return FALSE;
  }
  return TRUE;
}

/* Only as it was seen: another one is a newer file's. */
static gboolean take_away(Step *step, const char *suffix, const void *name, gsize length, const CourierStat *known,
                          GError **error) {
  Claim claim = {.step = step, .suffix = suffix, .name = name, .length = length, .known = known};
  ClaimResult result = claim_take(&claim, error);
  return result == CLAIM_HELD ? claim_settle(&claim, error) : result != CLAIM_FAILED;
}

/* After a crash it is not known how it was: it is the old one if the partner has put no new file there. */
static gboolean guess(Step *step, const char *path, CourierStat *known, GError **error) {
  gsize length;
  const char *name = g_bytes_get_data(step->file->name, &length);
  g_autofree char *data = remote_path_join(step->file->folder, name, length);
  CourierStat newer;
  if (!courier_stat(step->courier, path, known, error) || !courier_stat(step->courier, data, &newer, error))
    return FALSE;
  if (newer.exists)
    *known = (CourierStat){0};
  return TRUE;
}

/* What stood beside it. The same name may be marker and declaration. */
static gboolean take_companion_away(Step *step, Companion which, const Beside *beside, GError **error) {
  g_autoptr(GBytes) companion = admit_companion(&step->feed->conf->source, which, step->file->name);
  if (!companion)
    return TRUE;
  gsize length;
  const char *name = g_bytes_get_data(companion, &length);
  g_autofree char *path = remote_path_join(step->file->folder, name, length);
  CourierStat known = beside->of[which];
  if (!beside->is_known && !guess(step, path, &known, error))
    return FALSE;
  return take_away(step, suffixes[which], name, length, &known, error);
}

/* Whether the row is the file that this line is about: yesterday's of the same name is not. */
static gboolean is_of_entry(const BookFile *row, const Declared *entry, gboolean *is, GError **error) {
  g_autoptr(Declared) declared = NULL;
  if (!declared_from_evidence(row->evidence, &declared, error))
    return FALSE;
  *is = row->state == FILE_GONE || (declared && declared_equal(declared, entry));
  return TRUE;
}

/* A file that the index lists, other than ours: is nothing more to come of it? One that was never seen is still
 * expected. */
static gboolean is_through(Step *step, GBytes *name, const Declared *entry, gboolean *through, GError **error) {
  *through = g_bytes_equal(name, step->file->name);
  if (*through)
    return TRUE;
  g_autoptr(GPtrArray) rows = book_files_named(step->reader, step->file->feed, name, error);
  gboolean any = FALSE, is_live = FALSE;
  for (guint i = 0; rows && i < rows->len; i++) {
    const BookFile *row = rows->pdata[i];
    gboolean is = FALSE;
    is_live |= !file_state_is_terminal(row->state) && row->state != FILE_ANSWERED;
    if (!any && !is_of_entry(row, entry, &is, error))
      return FALSE;
    any |= is;
  }
  *through = any && !is_live;
  return rows != NULL;
}

#define INDEX "-index"

/* An index goes with the last of its files. Two that close at once both find themselves the last: the second finds it
 * gone. */
static gboolean take_index_away(Step *step, GError **error) {
  const ConfSourceFolder *source = &step->feed->conf->source;
  g_autoptr(Declared) declared = NULL;
  GError *failure = NULL;
  if (!source->declared.present || strchr(source->declared.file, '{'))
    return TRUE;
  if (!declared_from_evidence(step->file->evidence, &declared, error))
    return FALSE;
  DeclaredPlace place = {.source = source,
                         .courier = step->courier,
                         .folder = step->file->folder,
                         .scratch = step->flow->paths->in,
                         .name = step->file->name};
  if (!declared)
    return TRUE;
  /* claimed by a run that ended there: it is not under its own name any more */
  Claim left = {.step = step, .suffix = INDEX, .name = declared->file, .length = strlen(declared->file)};
  gboolean is_claimed = FALSE;
  if (!claim_exists(&left, &is_claimed, error))
    return FALSE;
  if (is_claimed)
    return take_away(step, INDEX, declared->file, left.length, NULL, error);
  g_autofree char *path = declared_path(&place, declared);
  g_autoptr(GHashTable) entries = path ? declared_read_again(&place, declared, &failure) : NULL;
  GHashTableIter iterator;
  gpointer name, entry;
  gboolean through = entries != NULL;
  if (entries)
    g_hash_table_iter_init(&iterator, entries);
  while (through && g_hash_table_iter_next(&iterator, &name, &entry))
    if (!is_through(step, name, entry, &through, &failure))
      break;
  if (failure) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  CourierStat there;
  if (!through || !courier_stat(step->courier, path, &there, error))
    return !through;
  return !there.exists || take_away(step, INDEX, declared->file, strlen(declared->file), &there, error);
}

static gboolean take_companions_away(Step *step, const Beside *beside, GError **error) {
  for (Companion which = 0; which < COMPANIONS; which++)
    if (!take_companion_away(step, which, beside, error))
      return FALSE;
  return take_index_away(step, error);
}

static void tell_left(const Step *step) {
  log_event(LOG_WARNING, "source-left", {"feed", step->feed->conf->name}, {"file", step->file->id},
            {"reason", "the partner has put another file under this name"});
}

/* *known: how it is now, when it is the one that was fetched and not claimed yet. */
static gboolean look_at_source(Step *step, const Claim *claim, RemoteCopy *copy, CourierStat *known, GError **error) {
  gboolean is_claimed;
  *copy = REMOTE_GONE;
  if (!claim_exists(claim, &is_claimed, error))
    return FALSE;
  if (is_claimed)
    return TRUE;
  g_autofree char *path = remote_path_join(step->file->folder, claim->name, claim->length);
  *copy = remote_compare(step, path, known, error);
  return *copy != REMOTE_UNKNOWN;
}

/* An item that was refused without being obtained is done with, too. */
static gboolean acknowledge(Step *step, GError **error) {
  g_autoptr(Declared) listed = NULL;
  gsize length;
  const char *name = g_bytes_get_data(step->file->name, &length);
  g_autofree char *path = remote_path_join(step->file->folder, name, length);
  if (!declared_from_evidence(step->file->evidence, &listed, error))
    return FALSE;
  const char *announced = listed ? listed->digests[DIGEST_SHA256] : NULL;
  const CourierAcknowledgement said = {.path = path,
                                       .sha256 = step->file->cipher_sha256 ? step->file->cipher_sha256 : announced,
                                       .size = step->file->size};
  if (!said.sha256)
    return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "item %s: there is no digest to acknowledge it with", path);
  return courier_acknowledge(step->courier, &said, error);
}

static gboolean close_source(Step *step, GError **error) {
  if (step->feed->conf->source.after == CONF_AFTER_ACKNOWLEDGE)
    return acknowledge(step, error);
  if (step->feed->conf->source.after == CONF_AFTER_KEEP)
    return TRUE;
  Claim claim = {.step = step, .suffix = "", .sha256 = step->file->cipher_sha256};
  Beside beside = {FALSE};
  CourierStat known;
  RemoteCopy copy;
  claim.name = g_bytes_get_data(step->file->name, &claim.length);
  if (!look_at_source(step, &claim, &copy, &known, error) ||
      (copy == REMOTE_SAME && !look_beside(step, &beside, error)))
    return FALSE;
  claim.known = copy == REMOTE_SAME ? &known : NULL;
  ClaimResult result = copy == REMOTE_OTHER ? CLAIM_OTHER : claim_take(&claim, error);
  if (result == CLAIM_FAILED)
    return FALSE;
  if (result == CLAIM_OTHER) {
    tell_left(step);
    return TRUE;
  }
  return take_companions_away(step, &beside, error) && (result == CLAIM_GONE || claim_settle(&claim, error));
}

static gboolean close_spool(Step *step, GError **error) {
  const LanePaths *paths = step->flow->paths;
  g_autofree char *stage = lane_path_stage(paths, step->file->id), *in = lane_path_in(paths, step->file->id);
  g_autofree char *part = lane_path_in_part(paths, step->file->id);
  g_autofree char *feedback = lane_path_out(paths, step->file->id, "feedback.pgp");
  g_autofree char *exception = lane_path_out(paths, step->file->id, "exception.pgp");
  staging_remove(stage);
  g_autofree char *archived = lane_path_archive(paths, step->file->id, step->file->seen_at);
  g_autofree char *folder = g_path_get_dirname(archived);
  if (!files_make_folder(folder, error))
    return FALSE;
  g_autofree char *signature = lane_path_in_signature(paths, step->file->id);
  g_autofree char *archived_signature = lane_path_archive_signature(paths, step->file->id, step->file->seen_at);
  if (rename(in, archived) != 0 && errno != ENOENT)
    return sallyport_error_errno(error, errno, "archive %s", in);
  if (rename(signature, archived_signature) != 0 && errno != ENOENT)
    return sallyport_error_errno(error, errno, "archive %s", signature);
  unlink(part);
  g_autofree char *handed_on = lane_path_out(paths, step->file->id, "deliver.pgp");
  if (!answer_keep(feedback, folder, error) || !answer_keep(exception, folder, error))
    return FALSE;
  unlink(handed_on);
  /* of uploads that had ended, of the answer and of what was handed on; a loss of power may bring their notes back */
  remote_put_forget(paths->out, step->file->id);
  remote_put_forget(paths->stage, step->file->id);
  return files_sync_folder(folder, error) && files_sync_folder(paths->in, error) &&
         files_sync_folder(paths->stage, error);
}

gboolean flow_close(Step *step, GError **error) {
  if (!close_source(step, error) || !close_spool(step, error))
    return FALSE;
  fault_point("close-before-commit");
  return flow_advance(step, FILE_CLOSED, NULL, error);
}
