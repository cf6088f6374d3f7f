#include "gateway/flow/claim.h"
#include "gateway/base/digest.h"
#include "gateway/base/faultpoint.h"
#include "gateway/base/files.h"
#include "gateway/common/log.h"
#include "gateway/common/remote_path.h"
#include <string.h>
#include <unistd.h>

#define PREFIX ".sallyport-"
enum { MOST_COPIES = 10 };

gboolean claim_is_one(const char *name) {
  return g_str_has_prefix(name, PREFIX);
}

static char *claimed_path(const Claim *claim) {
  g_autofree char *name = g_strconcat(PREFIX, claim->step->file->id, claim->suffix, NULL);
  return remote_path_join(claim->step->file->folder, name, strlen(name));
}

static char *partners_path(const Claim *claim) {
  return remote_path_join(claim->step->file->folder, claim->name, claim->length);
}

static gboolean is_same(const CourierStat *one, const CourierStat *other) {
  return one->exists == other->exists && one->size == other->size && one->modified == other->modified;
}

gboolean claim_exists(const Claim *claim, gboolean *exists, GError **error) {
  g_autofree char *path = claimed_path(claim);
  CourierStat now;
  if (!courier_stat(claim->step->courier, path, &now, error))
    return FALSE;
  *exists = now.exists;
  return TRUE;
}

/* --- Is it ours? */

static gboolean has_content(const Claim *claim, const char *path, guint64 size, gboolean *has, GError **error) {
  Step *step = claim->step;
  guint64 end = 0, read = 0;
  guint8 digest[DIGEST_SHA256_SIZE];
  g_autoptr(GError) failure = NULL;
  int copy = files_open_unnamed(step->flow->paths->in, error);
  if (copy < 0)
    return FALSE;
  CourierGet get = {.path = path, .size_limit = step->file->cipher_size, .fd = copy};
  gboolean ok = courier_get(step->courier, &get, &end, &failure) &&
                digest_file_sha256(copy, 0, G_MAXUINT64, digest, &read, &failure);
  close(copy);
  g_autofree char *hex = ok ? digest_hex(digest, sizeof digest) : NULL;
  *has = ok && g_strcmp0(hex, claim->sha256) == 0;
  if (ok || (size > step->file->cipher_size && sallyport_error_code(failure) == SALLYPORT_ERROR_PARTNER))
    return TRUE; /* of another file the rest need not be read */
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static gboolean is_ours(const Claim *claim, const char *path, gboolean *ours, GError **error) {
  CourierStat now;
  if (!courier_stat(claim->step->courier, path, &now, error))
    return FALSE;
  *ours = claim->known && is_same(&now, claim->known);
  if (*ours || !claim->sha256)
    return TRUE;
  return has_content(claim, path, now.size, ours, error);
}

static ClaimResult give_back(const Claim *claim, const char *from, GError **error) {
  g_autofree char *to = partners_path(claim);
  g_autoptr(GError) failure = NULL;
  CourierRename rename = {.from = from, .to = to, .if_exists = COURIER_TARGET_REFUSE};
  if (courier_rename(claim->step->courier, &rename, &failure))
    return CLAIM_OTHER;
  if (sallyport_error_code(failure) == SALLYPORT_ERROR_PARTNER)
    sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                        "the partner has put newer files under the name of this one; one of them is kept as %s "
                        "until the place is free again (%s)",
                        from, failure->message);
  else
    g_propagate_error(error, g_steal_pointer(&failure));
  return CLAIM_FAILED;
}

/* --- Claiming */

/* A server that copies when it should rename has left the file where it was. */
static ClaimResult undo_copy(const Claim *claim, const char *path, const char *claimed, GError **error) {
  if (courier_remove(claim->step->courier, claimed, error))
    sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                        "%s is still there, although the server says that it was renamed: let the partner look "
                        "after its server",
                        path);
  return CLAIM_FAILED;
}

static ClaimResult look_at_claimed(const Claim *claim, const char *path, const char *claimed, GError **error) {
  CourierStat left, now;
  gboolean ours;
  Courier *courier = claim->step->courier;
  if (!courier_stat(courier, claimed, &now, error) || !courier_stat(courier, path, &left, error))
    return CLAIM_FAILED;
  if (!now.exists) {
    sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s: the server says that it was renamed, but %s", path,
                        left.exists ? "it is still there" : "the file is gone");
    return CLAIM_FAILED;
  }
  if (left.exists && claim->known && is_same(&left, claim->known) && is_same(&now, claim->known))
    return undo_copy(claim, path, claimed, error);
  if (!is_ours(claim, claimed, &ours, error))
    return CLAIM_FAILED;
  return ours ? CLAIM_HELD : give_back(claim, claimed, error);
}

ClaimResult claim_take(const Claim *claim, GError **error) {
  Courier *courier = claim->step->courier;
  g_autofree char *path = partners_path(claim), *claimed = claimed_path(claim);
  CourierStat now, there;
  gboolean ours;
  if (!courier_stat(courier, claimed, &now, error) || !courier_stat(courier, path, &there, error))
    return CLAIM_FAILED;
  if (now.exists && !claim->sha256)
    return CLAIM_HELD;
  if (now.exists)
    return !is_ours(claim, claimed, &ours, error) ? CLAIM_FAILED : ours ? CLAIM_HELD : give_back(claim, claimed, error);
  if (!there.exists)
    return CLAIM_GONE;
  if (!claim->known || !is_same(&there, claim->known))
    return CLAIM_OTHER;
  fault_point("close-before-claim");
  g_autoptr(GError) failure = NULL;
  CourierRename rename = {.from = path, .to = claimed, .if_exists = COURIER_TARGET_REFUSE};
  if (courier_rename(courier, &rename, &failure)) {
    fault_point("close-after-claim");
    return look_at_claimed(claim, path, claimed, error);
  }
  if (courier_is_lost(courier) || sallyport_error_code(failure) == SALLYPORT_ERROR_UNCERTAIN) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return CLAIM_FAILED;
  }
  log_event(LOG_WARNING, "claim-refused", {"feed", claim->step->feed->conf->name}, {"file", claim->step->file->id},
            {"path", path}, {"error", failure->message});
  return CLAIM_HELD;
}

/* --- Settling */

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

static gboolean archive(const Claim *claim, const char *path, GError **error) {
  Step *step = claim->step;
  g_autofree char *owned = NULL;
  const char *folder = archive_folder(&step->feed->conf->source, &owned);
  g_autofree char *to = remote_path_join(folder, claim->name, claim->length), *to_unique = NULL;
  if (!free_name(step, to, &to_unique, error))
    return FALSE;
  CourierRename rename = {.from = path, .to = to_unique, .if_exists = COURIER_TARGET_REFUSE};
  if (courier_rename(step->courier, &rename, NULL))
    return TRUE;
  if (courier_is_lost(step->courier))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the connection broke while %s was archived", path);
  return courier_make_folder(step->courier, folder, error) && courier_rename(step->courier, &rename, error);
}

/* What the server says that it has done is looked at: a file that stays would be taken for one that was sent again. */
static gboolean check_taken_away(const Claim *claim, const char *path, const CourierStat *before, GError **error) {
  CourierStat now;
  if (!courier_stat(claim->step->courier, path, &now, error))
    return FALSE;
  return !now.exists || !is_same(&now, before) ||
         sallyport_error_set(
             error, SALLYPORT_ERROR_PARTNER,
             "%s is still there, although the server says that it was %s: let the partner look after its server", path,
             claim->step->feed->conf->source.after == CONF_AFTER_DELETE ? "removed" : "renamed");
}

gboolean claim_settle(const Claim *claim, GError **error) {
  g_autofree char *path = claimed_path(claim);
  CourierStat before;
  if (!courier_stat(claim->step->courier, path, &before, error))
    return FALSE;
  if (!before.exists) { /* the server lets nobody claim */
    g_free(path);
    path = partners_path(claim);
    if (!courier_stat(claim->step->courier, path, &before, error))
      return FALSE;
  }
  if (!before.exists)
    return TRUE;
  fault_point("close-before-source");
  gboolean is_removed = claim->step->feed->conf->source.after == CONF_AFTER_DELETE;
  gboolean ok = is_removed ? courier_remove(claim->step->courier, path, error) : archive(claim, path, error);
  fault_point("close-after-source");
  return ok && check_taken_away(claim, path, &before, error);
}
