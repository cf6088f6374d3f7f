/* Close: takes the partner's copy away as configured, keeps our ciphertext in the archive, and removes what is left of
 * the work. answered → closed. Each part may be run again: what is gone already is fine.
 *
 * Order: marker, signature and declaration first (so that a file which is sent again under this name is not admitted by
 * the old ones; an index of many files with the last of them), then the partner's file, then our own; the commit last.
 * A copy that is no longer the one that was fetched is somebody's new file and is left alone. */
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/flow/admit.h"
#include "gateway/flow/declarations.h"
#include "gateway/flow/step.h"
#include "gateway/flow/remote_look.h"
#include "gateway/common/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_COPIES = 10 };

static const char *archive_folder(const ConfSourceFolder *source, char **owned) {
  return source->archive ? source->archive : (*owned = remote_path_join(source->path, "archive", strlen("archive")));
}

/* A name in the archive that nobody has: the file's own; where that is taken, with the file's id behind it; where that
 * is taken too (a server that copied when it should have renamed), with a number. */
static gboolean free_name(Step *step, const char *to, char **name, GError **error) {
  CourierStat taken;
  *name = NULL;
  for (guint i = 0; i < MOST_COPIES; i++) {
    g_free(*name);
    *name = i == 0   ? g_strdup(to)
            : i == 1 ? g_strdup_printf("%s.%s", to, step->file->id)
                     : g_strdup_printf("%s.%s.%u", to, step->file->id, i);
    if (!courier_stat(step->courier, *name, &taken, error))
      return FALSE;
    if (!taken.exists)
      return TRUE;
  }
  return TRUE;
}

/* Into the archive folder. */
static gboolean archive(Step *step, const char *path, const void *name, gsize length, GError **error) {
  g_autofree char *owned = NULL;
  const char *folder = archive_folder(&step->feed->conf->source, &owned);
  g_autofree char *to = remote_path_join(folder, name, length);
  g_autofree char *to_unique = NULL;
  if (!free_name(step, to, &to_unique, error))
    return FALSE;
  CourierRename rename = {.from = path, .to = to_unique, .if_exists = COURIER_TARGET_REFUSE};
  if (courier_rename(step->courier, &rename, NULL))
    return TRUE;
  if (courier_is_lost(step->courier))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the connection broke while %s was archived", path);
  return courier_make_folder(step->courier, folder, error) && courier_rename(step->courier, &rename, error);
}

/* What the server says that it has done is looked at: a file that stays would be taken for one that was sent again. One
 * that differs from `before` was. */
static gboolean check_taken_away(Step *step, const char *path, const CourierStat *before, GError **error) {
  CourierStat now;
  if (!courier_stat(step->courier, path, &now, error))
    return FALSE;
  if (!now.exists || now.size != before->size || now.modified != before->modified)
    return TRUE;
  return sallyport_error_set(
      error, SALLYPORT_ERROR_PARTNER,
      "%s is still there, although the server says that it was %s: let the partner look after its server", path,
      step->feed->conf->source.after == CONF_AFTER_DELETE ? "removed" : "renamed");
}

static gboolean take_away(Step *step, const char *path, const void *name, gsize length, const CourierStat *before,
                          GError **error) {
  fault_point("close-before-source");
  gboolean ok = step->feed->conf->source.after == CONF_AFTER_DELETE ? courier_remove(step->courier, path, error)
                                                                    : archive(step, path, name, length, error);
  fault_point("close-after-source");
  return ok && check_taken_away(step, path, before, error);
}

/* What stood beside it. The same name may be marker and declaration. */
static gboolean take_companion_away(Step *step, Companion which, GError **error) {
  g_autoptr(GBytes) companion = admit_companion(&step->feed->conf->source, which, step->file->name);
  if (!companion)
    return TRUE;
  gsize length;
  const char *name = g_bytes_get_data(companion, &length);
  g_autofree char *path = remote_path_join(step->file->folder, name, length);
  CourierStat there;
  if (!courier_stat(step->courier, path, &there, error))
    return FALSE;
  return !there.exists || take_away(step, path, name, length, &there, error);
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
  g_autofree char *path = declared ? declared_path(&place, declared) : NULL;
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
  return !there.exists || take_away(step, path, declared->file, strlen(declared->file), &there, error);
}

static gboolean take_companions_away(Step *step, GError **error) {
  return take_companion_away(step, COMPANION_MARKER, error) && take_companion_away(step, COMPANION_SIGNATURE, error) &&
         take_companion_away(step, COMPANION_DECLARATION, error) && take_index_away(step, error);
}

static gboolean close_source(Step *step, GError **error) {
  if (step->feed->conf->source.after == CONF_AFTER_KEEP)
    return TRUE;
  gsize length;
  const char *name = g_bytes_get_data(step->file->name, &length);
  g_autofree char *path = remote_path_join(step->file->folder, name, length);
  CourierStat now;
  RemoteCopy copy = remote_compare(step, path, &now, error);
  if (copy == REMOTE_UNKNOWN)
    return FALSE;
  if (copy == REMOTE_OTHER) {
    log_event(LOG_WARNING, "source-left", {"feed", step->feed->conf->name}, {"file", step->file->id},
              {"reason", "the partner has put another file under this name"});
    return TRUE;
  }
  return take_companions_away(step, error) && (copy == REMOTE_GONE || take_away(step, path, name, length, &now, error));
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
  answer_remove(feedback);
  answer_remove(exception);
  unlink(handed_on);
  return files_sync_folder(folder, error) && files_sync_folder(paths->in, error) &&
         files_sync_folder(paths->stage, error);
}

gboolean flow_close(Step *step, GError **error) {
  if (!close_source(step, error) || !close_spool(step, error))
    return FALSE;
  fault_point("close-before-commit");
  return flow_advance(step, FILE_CLOSED, NULL, error);
}
