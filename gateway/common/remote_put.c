#include "gateway/common/remote_put.h"
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/remote_path.h"
#include "gateway/common/put_note_private.h"
#include "gateway/common/log.h"
#include "transfer/courier_mailbox.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MOST_NAMES = 3, MOST_LOST = 3 };

/* The hidden name beside the target under which it is uploaded. */
static char *temporary_name(const char *to, const char *owner, guint number) {
  g_autofree char *folder = g_path_get_dirname(to), *name = g_path_get_basename(to);
  g_autofree char *hidden = number > 0 ? g_strdup_printf(".%.200s.%s.%u.part", name, owner, number)
                                       : g_strdup_printf(".%.200s.%s.part", name, owner);
  return strchr(to, '/') ? remote_path_join(folder, hidden, strlen(hidden)) : g_steal_pointer(&hidden);
}

/* --- What is there */

typedef enum { LOOK_FAILED, MISSING, THERE, UNSEEN } PutLook;

/* UNSEEN: the server lets nobody look, as some do where files are only to be put. */
static PutLook look_at(const RemotePut *put, const char *path, CourierStat *stat, GError **error) {
  GError *failed = NULL;
  if (courier_stat(put->courier, path, stat, &failed))
    return stat->exists ? THERE : MISSING;
  if (sallyport_error_code(failed) == SALLYPORT_ERROR_PARTNER && !courier_is_lost(put->courier)) {
    g_error_free(failed);
    return UNSEEN;
  }
  g_propagate_error(error, failed);
  return LOOK_FAILED;
}

static char *digest_of(int fd, guint64 *size, GError **error) {
  guint8 digest[DIGEST_SHA256_SIZE];
  return digest_file_sha256(fd, 0, G_MAXUINT64, digest, size, error) ? digest_hex(digest, sizeof digest) : NULL;
}

/* Whether the remote file has these very bytes: it is read back, since a size proves little. */
static gboolean is_ours(const RemotePut *put, gboolean *ours, GError **error) {
  guint64 end = 0, size = 0, own = 0;
  int copy = files_open_unnamed(put->scratch, error);
  if (copy < 0)
    return FALSE;
  CourierGet get = {.path = put->to, .size_limit = put->size + 1, .fd = copy};
  g_autofree char *theirs = courier_get(put->courier, &get, &end, error) ? digest_of(copy, &size, error) : NULL;
  close(copy);
  g_autofree char *mine = !theirs ? NULL : put->sha256 ? g_strdup(put->sha256) : digest_of(put->fd, &own, error);
  *ours = mine && size == put->size && strcmp(theirs, mine) == 0;
  return mine != NULL;
}

/* *look is THERE when it is there and ours. What a direct upload has left half done is ours, too, and is written over.
 */
static gboolean is_there(const RemotePut *put, const PutNote *note, PutLook *look, GError **error) {
  CourierStat stat;
  gboolean ours = FALSE;
  *look = look_at(put, put->to, &stat, error);
  if (*look != THERE)
    return *look != LOOK_FAILED;
  if (stat.size == put->size && !is_ours(put, &ours, error))
    return FALSE;
  if (ours)
    return TRUE;
  *look = MISSING;
  return put->replace || (put->direct && note->stage == NOTE_UPLOAD) ||
         sallyport_error_set(
             error, SALLYPORT_ERROR_PARTNER,
             "%s exists on the other side with other content; remove it there, or set if-exists = replace, then retry",
             put->to);
}

/* --- What has vanished */

static void tell_unseen(const RemotePut *put, const char *reason) {
  log_event(LOG_WARNING, "answer-not-seen", {"file", put->owner}, {"to", put->to}, {"reason", reason});
}

static gboolean needs_a_person(const RemotePut *put, GError **error) {
  return sallyport_error_set(
      error, SALLYPORT_ERROR_PARTNER,
      "%s: it was uploaded or renamed, and was gone right after that, whether taken away or lost: it is not sent once "
      "more by itself. Ask the partner: if it has the file, set vanishes = delivered (and write = direct, if its "
      "server takes away "
      "what is uploaded under a temporary name); if not, `sallyport retry` sends it again",
      put->to);
}

static gboolean was_cut_off(const RemotePut *put, GError **error) {
  return sallyport_error_set(
      error, SALLYPORT_ERROR_PARTNER,
      "%s: its upload was cut off, and whether the other side has got it cannot be seen: ask there; "
      "`sallyport retry` sends it again",
      put->to);
}

/* TRUE: it counts as put. */
static gboolean vanished(const RemotePut *put, PutNote *note, guint most, GError **error) {
  if (put->vanishes) {
    tell_unseen(put, "it is gone right after its upload, which counts as delivered here (vanishes = delivered)");
    put_note_remove(note);
    return TRUE;
  }
  note->vanished++;
  if (!put_note_write(note, note->vanished >= most ? NOTE_VANISHED : NOTE_UPLOAD, error))
    return FALSE;
  return note->stage == NOTE_VANISHED
             ? needs_a_person(put, error)
             : sallyport_error_set(
                   error, SALLYPORT_ERROR_AGAIN,
                   "%s: the file is gone after its rename; nobody may take it before its marker is there", put->to);
}

/* An earlier run was cut off, and neither name is there, or (is_unseen) nobody may look. *done: nothing is left to do.
 */
static gboolean judge_note(const RemotePut *put, PutNote *note, gboolean is_unseen, gboolean *done, GError **error) {
  gboolean may_be_taken = put->vanishes || (put->direct && !put->marker_follows);
  *done = FALSE;
  if (note->stage == NOTE_VANISHED && put->vanishes)
    return *done = vanished(put, note, 0, error);
  if (note->stage == NOTE_VANISHED)
    return needs_a_person(put, error);
  if (note->stage == NOTE_ASKED || (note->stage == NOTE_UPLOAD && may_be_taken) ||
      (note->stage == NOTE_RENAME && is_unseen))
    return put_note_write(note, NOTE_ASKED, error) && was_cut_off(put, error);
  if (note->stage != NOTE_RENAME || put->marker_follows)
    return TRUE;
  tell_unseen(put,
              "its rename was under way when the connection or this program ended, and neither name is there: it was "
              "renamed and taken away");
  put_note_remove(note);
  return *done = TRUE;
}

/* What was begun before: is its temporary name there still, then nobody has taken anything. */
static gboolean go_on(const RemotePut *put, PutNote *note, const char *temporary, gboolean *done, GError **error) {
  CourierStat stat;
  *done = FALSE;
  if (note->stage == NOTE_NONE)
    return TRUE;
  PutLook rest = put->direct ? MISSING : look_at(put, temporary, &stat, error);
  if (rest == LOOK_FAILED)
    return FALSE;
  return rest == THERE || judge_note(put, note, rest == UNSEEN, done, error);
}

/* --- The upload */

static gboolean upload_to(const RemotePut *put, const char *path, gboolean *is_gone, GError **error) {
  CourierPut upload = {.path = path, .fd = put->fd, .size = put->size, .vanished = is_gone};
  return courier_put(put->courier, &upload, error);
}

static gboolean is_refused(const RemotePut *put, const GError *failed) {
  return sallyport_error_code(failed) == SALLYPORT_ERROR_PARTNER && !courier_is_lost(put->courier);
}

static gboolean may_be_in_the_way(const RemotePut *put, const char *path) {
  CourierStat stat;
  PutLook look = look_at(put, path, &stat, NULL);
  return look == THERE || look == UNSEEN;
}

/* Where the server lets nobody write over what is there (ProFTPD's default), a part that an earlier try has left is in
 * the way: it is removed, and where that is refused, too, another name is taken. *name is the one that was taken. */
static gboolean upload(const RemotePut *put, char **name, gboolean *is_gone, GError **error) {
  GError *failed = NULL;
  *name = put->direct ? g_strdup(put->to) : temporary_name(put->to, put->owner, 0);
  gboolean ok = upload_to(put, *name, is_gone, &failed);
  if (ok || !is_refused(put, failed) || !may_be_in_the_way(put, *name)) {
    if (failed)
      g_propagate_error(error, failed);
    return ok;
  }
  if (courier_remove(put->courier, *name, NULL)) {
    GError *again = NULL;
    ok = upload_to(put, *name, is_gone, &again);
    if (again)
      g_clear_error(&failed);
    failed = again ? again : failed;
  }
  for (guint i = 2; !ok && !put->direct && is_refused(put, failed) && i <= MOST_NAMES; i++) {
    g_free(*name);
    *name = temporary_name(put->to, put->owner, i);
    ok = upload_to(put, *name, is_gone, NULL);
  }
  if (!ok)
    g_propagate_error(error, failed);
  else
    g_clear_error(&failed);
  return ok;
}

static gboolean not_there(const RemotePut *put, const char *what, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "%s: the server says that its rename was done, but %s",
                             put->to, what);
}

/* After the rename. A server that copies instead leaves the temporary one, which is ours to remove. */
static gboolean check_renamed(const RemotePut *put, PutNote *note, const char *temporary, GError **error) {
  CourierStat target, rest;
  PutLook there = look_at(put, put->to, &target, error),
          left = there == LOOK_FAILED ? LOOK_FAILED : look_at(put, temporary, &rest, error);
  if (left == LOOK_FAILED)
    return FALSE;
  if (there == THERE && target.size != put->size)
    return not_there(put, "what is there has another size", error);
  if (there == THERE)
    return left != THERE || courier_remove(put->courier, temporary, error);
  if (left == THERE)
    return not_there(put, "the file has its temporary name still", error);
  if (there == MISSING && (put->marker_follows || put->vanishes))
    return vanished(put, note, MOST_LOST, error);
  tell_unseen(put, there == UNSEEN
                       ? "the server lets nobody look whether it is there: its word is all there is"
                       : "it is gone right after its rename: taken away at once, or lost by the server; a marker would "
                         "tell the two apart");
  return TRUE;
}

/* The rename was refused: because the file is gone, which the partner's server (or somebody there) has taken? */
static gboolean is_taken(const RemotePut *put, const char *temporary) {
  CourierStat stat;
  return !courier_is_lost(put->courier) && look_at(put, put->to, &stat, NULL) == MISSING &&
         look_at(put, temporary, &stat, NULL) == MISSING;
}

static gboolean rename_there(const RemotePut *put, PutNote *note, const char *temporary, gboolean is_gone,
                             GError **error) {
  GError *failed = NULL;
  const CourierRename rename = {
      .from = temporary, .to = put->to, .if_exists = put->replace ? COURIER_TARGET_REPLACE : COURIER_TARGET_REFUSE};
  if (!put_note_write(note, NOTE_RENAME, error))
    return FALSE;
  if (courier_rename(put->courier, &rename, &failed))
    return TRUE;
  if (sallyport_error_code(failed) == SALLYPORT_ERROR_PARTNER && is_taken(put, temporary)) {
    g_error_free(failed);
    return vanished(put, note, is_gone || !put->marker_follows ? 1 : MOST_LOST, error) && FALSE;
  }
  g_autoptr(GError) unnoted = NULL;
  if (sallyport_error_code(failed) != SALLYPORT_ERROR_UNCERTAIN && !put_note_write(note, NOTE_UPLOAD, &unnoted))
    g_prefix_error(&failed, "(%s) ", unnoted->message);
  g_propagate_error(error, failed);
  return FALSE;
}

static gboolean put_by_rename(const RemotePut *put, PutNote *note, GError **error) {
  g_autofree char *temporary = NULL;
  gboolean is_gone = FALSE;
  if (!upload(put, &temporary, &is_gone, error))
    return FALSE;
  fault_point(put->before_rename ? put->before_rename : "deliver-before-rename");
  g_autoptr(GError) failed = NULL;
  if (!rename_there(put, note, temporary, is_gone, &failed)) {
    if (!failed) /* it counts as put */
      return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
  }
  fault_point(put->after_rename ? put->after_rename : "deliver-after-rename");
  return check_renamed(put, note, temporary, error);
}

static gboolean put_directly(const RemotePut *put, PutNote *note, GError **error) {
  g_autofree char *name = NULL;
  gboolean is_gone = FALSE;
  return upload(put, &name, &is_gone, error) && (!is_gone || vanished(put, note, 1, error));
}

/* A refusal has uploaded nothing, unless a direct upload has begun; after anything else nobody knows. */
static gboolean is_clear(const RemotePut *put, const PutNote *note, const GError *failed) {
  CourierStat stat;
  return note->stage == NOTE_UPLOAD && note->vanished == 0 && is_refused(put, failed) &&
         (!put->direct || look_at(put, put->to, &stat, NULL) == MISSING);
}

static gboolean run_put(const RemotePut *put, PutNote *note, GError **error) {
  PutLook look;
  gboolean done;
  g_autofree char *temporary = temporary_name(put->to, put->owner, 0);
  if (!is_there(put, note, &look, error))
    return FALSE;
  if (look == THERE)
    return TRUE;
  if (!go_on(put, note, temporary, &done, error))
    return FALSE;
  if (done)
    return TRUE;
  return put_note_write(note, NOTE_UPLOAD, error) &&
         (put->direct ? put_directly(put, note, error) : put_by_rename(put, note, error));
}

/* What of a piece stands in the memory of this machine is given back: the file is ours, and nobody else reads it. */
static gboolean put_item(const RemotePut *put, GError **error) {
  guint64 size, reached = 0;
  const RemotePace *pace = put->pace;
  g_autofree char *sha256 = put->sha256 ? g_strdup(put->sha256) : digest_of(put->fd, &size, error);
  const CourierPut item = {.path = put->to,
                           .fd = put->fd,
                           .size = put->size,
                           .sha256 = sha256,
                           .about = put->about,
                           .part = pace ? pace->piece : 0,
                           .reached = &reached};
  gboolean ok = sha256 != NULL;
  do {
    ok = ok && (!pace || pace->next(pace->user, MIN(pace->piece, put->size - reached), error)) &&
         courier_put(put->courier, &item, error);
    if (pace)
      posix_fadvise(put->fd, 0, (off_t)reached, POSIX_FADV_DONTNEED);
  } while (ok && reached < put->size);
  return ok;
}

gboolean remote_put(const RemotePut *put, GError **error) {
  PutNote note;
  GError *failed = NULL;
  if (courier_is_of_mailboxes(put->courier))
    return put_item(put, error);
  put_note_read(&note, put->scratch, put->owner, put->to);
  note.synced = put->vanishes || put->direct;
  gboolean ok = run_put(put, &note, &failed);
  if (ok || is_clear(put, &note, failed))
    put_note_remove(&note);
  put_note_clear(&note);
  if (failed)
    g_propagate_error(error, failed);
  return ok;
}

gboolean remote_put_marker(Courier *courier, const char *scratch, const char *to, GError **error) {
  RemotePut marker = {.courier = courier, .to = to};
  CourierStat stat;
  gboolean is_gone = FALSE, /* a marker that is taken at once has done its work */
      is_item = courier_is_of_mailboxes(courier);
  PutLook look = is_item ? MISSING : look_at(&marker, to, &stat, error);
  if (look == THERE || look == LOOK_FAILED)
    return look == THERE;
  int empty = marker.fd = files_open_unnamed(scratch, error);
  if (empty < 0)
    return FALSE;
  CourierPut upload = {.path = to, .fd = empty, .size = 0, .vanished = &is_gone};
  gboolean ok = is_item ? put_item(&marker, error) : courier_put(courier, &upload, error);
  close(empty);
  fault_point("deliver-after-marker");
  return ok;
}
