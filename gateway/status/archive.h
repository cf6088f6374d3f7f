/* The archive against the book: what lies there as evidence is what came from the partner. */
#pragma once
#include "gateway/status/lanes.h"

/* The days that the archive has, "2026-11-20", the oldest first: char *. Empty when it cannot be read or has none. */
GPtrArray *archive_days(const LanePaths *paths);

typedef struct {
  const LanePaths *paths;
  BookReader *reader;
  const char *day;
  guint kept_days; /* node { archive-days }: of an older day files may be gone already */
} ArchiveDay;
/* Hashes the ciphertext of each closed file that was seen on this day; *verified is how many. FALSE with STORAGE that
 * names the first which is not what came, cannot be read, or is not there. May run while the lane works. */
gboolean archive_check_day(const ArchiveDay *day, guint64 *verified, GError **error) G_GNUC_WARN_UNUSED_RESULT;
