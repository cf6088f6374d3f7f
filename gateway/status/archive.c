#include "gateway/status/archive.h"
#include "gateway/base/digest.h"
#include "gateway/common/codes.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static gint by_text(gconstpointer a, gconstpointer b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Midnight in UTC, by which the archive's folders are named; NULL: no day. */
static GDateTime *day_begins(const char *day) {
  g_autofree char *text = g_strdup_printf("%sT00:00:00Z", day);
  return strlen(day) == strlen("2026-11-20") ? g_date_time_new_from_iso8601(text, NULL) : NULL;
}

GPtrArray *archive_days(const LanePaths *paths) {
  GPtrArray *days = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) folder = g_dir_open(paths->archive, 0, NULL);
  const char *name;
  while (folder && (name = g_dir_read_name(folder))) {
    g_autoptr(GDateTime) begins = day_begins(name);
    if (begins)
      g_ptr_array_add(days, g_strdup(name));
  }
  g_ptr_array_sort(days, by_text);
  return days;
}

static gboolean refuse(const BookFile *file, const char *path, const char *what, GError **error) {
  return sallyport_error_set(error, SALLYPORT_ERROR_STORAGE, "file %s (%s): %s %s", file->id, file->name_shown, path,
                             what);
}

/* What was given up before it was taken for good has a digest of what came, and nothing was kept. */
static gboolean was_kept(const BookFile *file) {
  static const char *const given_up[] = {CODE_DECLARED_DIGEST, CODE_DECLARED_SIZE, CODE_FILE_TOO_LARGE, NULL};
  return !file->reason_code || !g_strv_contains(given_up, file->reason_code);
}

static gboolean check_file(const ArchiveDay *day, const BookFile *file, gboolean may_be_gone, guint64 *verified,
                           GError **error) {
  g_autofree char *path = lane_path_archive(day->paths, file->id, file->seen_at), *found = NULL;
  guint8 digest[DIGEST_SHA256_SIZE];
  guint64 size = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return (errno == ENOENT && (may_be_gone || !was_kept(file))) || refuse(file, path, g_strerror(errno), error);
  gboolean ok = digest_file_sha256(fd, 0, G_MAXUINT64, digest, &size, error);
  close(fd);
  if (!ok)
    return FALSE;
  found = digest_hex(digest, sizeof digest);
  if (strcmp(found, file->cipher_sha256) != 0 || size != file->cipher_size)
    return refuse(file, path, "is not what came: it was changed since", error);
  ++*verified;
  return TRUE;
}

static gboolean is_past(GDateTime *begins, guint kept_days) {
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autoptr(GDateTime) oldest = g_date_time_add_days(now, -(gint)kept_days);
  g_autofree char *limit = g_date_time_format(oldest, "%Y-%m-%d"), *day = g_date_time_format(begins, "%Y-%m-%d");
  return strcmp(day, limit) < 0;
}

gboolean archive_check_day(const ArchiveDay *day, guint64 *verified, GError **error) {
  g_autoptr(GDateTime) begins = day_begins(day->day);
  gint64 from = g_date_time_to_unix(begins) * G_USEC_PER_SEC;
  gboolean may_be_gone = is_past(begins, day->kept_days);
  BookFilter filter = {.states = G_GUINT64_CONSTANT(1) << FILE_CLOSED,
                       .since = from,
                       .until = from + (gint64)24 * 3600 * G_USEC_PER_SEC - 1};
  g_autoptr(BookWalk) walk = book_walk_new(day->reader, &filter);
  for (;;) {
    BookFile *next;
    if (!book_walk_next(walk, &next, error))
      return FALSE;
    if (!next)
      return TRUE;
    g_autoptr(BookFile) file = next;
    if (file->cipher_sha256 && !check_file(day, file, may_be_gone, verified, error))
      return FALSE;
  }
}
