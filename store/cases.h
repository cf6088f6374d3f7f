/* The case library: records of real files, each with what it came to, by feed, scenario and channel. A database of its
 * own in the lane's folder, cases.db: the flow does not wait for it, and can do without it.
 *
 * Of each cell (feed, scenario, channel) it holds the cases with the smallest ids, as many as it is told to keep. An
 * id is a keyed hash of what the record is, so that the same records are kept whatever the order in which they came,
 * and however often. */
#pragma once
#include "gateway/base/error.h"

#define CASES_NO_CHANNEL "" /* also no scenario: the record belongs to none */

typedef struct {
  const char *id;                      /* 64 hexadecimal digits */
  const char *feed, *scenario, *channel;
  const char *rules;                   /* digest of those by which it came to its result */
  const char *file;                    /* the book's id */
  guint64 line;
  gint64 collected_at;                 /* microseconds since 1970 */
  const char *header, *fields, *result; /* JSON, which only their maker reads */
} LibraryCase;

typedef struct CaseLibrary CaseLibrary; /* one thread at a time */
/* Made when it is missing. CONFIGURATION: a newer version made it; STORAGE: it is none. */
CaseLibrary *case_library_open(const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* To read only, beside the lane. NULL without an error: there is none. */
CaseLibrary *case_library_read(const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void case_library_close(CaseLibrary *library); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaseLibrary, case_library_close)

/* Adds those that it does not have, and takes away what is beyond the `keep` smallest of their cells: all of them are
 * durable on return, or none. AGAIN when it would hold more than `most` cases. LibraryCase*, borrowed. */
typedef struct {
  guint keep;
  guint64 most;
} CaseBounds;
gboolean case_library_add(CaseLibrary *library, const GPtrArray *cases, const CaseBounds *bounds,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts these in the place of all cases of the feed that are of other rules: as a whole, durable on return.
 * LibraryCase*, borrowed. */
typedef struct {
  const char *feed, *rules; /* what is in force now */
  const GPtrArray *cases;
} CaseChange;
gboolean case_library_supersede(CaseLibrary *library, const CaseChange *change,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Calls `told` for each case of a feed (NULL: of all) with that id (NULL: any), by feed and header, and within by id;
 * until it returns FALSE, which is no error here. */
typedef gboolean (*CaseTold)(gpointer user, const LibraryCase *found);
gboolean case_library_each(CaseLibrary *library, const char *feed, const char *id, CaseTold told, gpointer user,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a cell holds, in the order of their names. */
typedef struct {
  char *feed, *scenario, *channel;
  guint64 cases;
  gint64 oldest, newest; /* collected at */
} LibraryCell;
void library_cell_free(LibraryCell *cell);
GPtrArray *case_library_cells(CaseLibrary *library, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* LibraryCell* */
