#include "gateway/flow/remote_look.h"
#include <string.h>

typedef struct {
  const char *name;
} Wanted;

static gboolean is_wanted(gpointer user, const char *name) {
  return strcmp(((const Wanted *)user)->name, name) == 0;
}

/* Whether a listing shows it as the book has it. */
static gboolean is_listed_so(const Step *step, gboolean *so, GError **error) {
  gsize length;
  const char *bytes = g_bytes_get_data(step->file->name, &length);
  g_autofree char *name = g_strndup(bytes, length);
  Wanted wanted = {name};
  CourierListing listing = {.folder = step->file->folder, .wanted = is_wanted, .user = &wanted};
  gboolean truncated;
  guint refused;
  g_autoptr(GPtrArray) entries = courier_list(step->courier, &listing, &truncated, &refused, error);
  const CourierEntry *entry = entries && entries->len > 0 ? entries->pdata[0] : NULL;
  *so = entry && entry->is_file && entry->size == step->file->size && entry->modified == step->file->modified;
  return entries != NULL;
}

RemoteCopy remote_compare(const Step *step, const char *path, CourierStat *now, GError **error) {
  gboolean so;
  if (!courier_stat(step->courier, path, now, error))
    return REMOTE_UNKNOWN;
  gboolean same_size = now->exists && now->is_file && now->size == step->file->size;
  if (same_size && now->modified == step->file->modified)
    return REMOTE_SAME;
  if (!is_listed_so(step, &so, error))
    return REMOTE_UNKNOWN;
  if (!so)
    return now->exists ? REMOTE_OTHER : REMOTE_GONE;
  if (same_size)
    return REMOTE_SAME;
  if (now->exists)
    sallyport_error_set(error, SALLYPORT_ERROR_PARTNER,
                        "%s is listed with %" G_GUINT64_FORMAT " bytes, but asked for itself it has %" G_GUINT64_FORMAT
                        ": the partner's server must be mended, or the file is not a plain one",
                        path, step->file->size, now->size);
  else
    sallyport_error_set(error, SALLYPORT_ERROR_PARTNER, "%s is listed, but asked for itself it is not there", path);
  return REMOTE_UNKNOWN;
}
