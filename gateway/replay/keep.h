/* What was picked of a file, into the library: masked, tried, and all of it in one change. */
#pragma once
#include "gateway/replay/evaluate.h"
#include "gateway/replay/picks.h"
#include "store/cases.h"

/* What a case's fields come to, with the header that is set. NULL: they do not fit, or come to nothing. The caller
 * frees. */
char *case_comes_to(ReplayFeed *feed, const char *fields);

typedef struct {
  CaseLibrary *library;
  ReplayFeed *feed;
  Picks *picks; /* those that have fields are kept, and have none afterwards */
  const char *mask_key, *file, *header;
  CaseBounds bounds;
} CasesToKeep;
typedef struct {
  guint64 cases;
  guint64 dropped; /* masking changes what they come to */
} CasesKept;
gboolean cases_keep(const CasesToKeep *keeping, CasesKept *kept, GError **error) G_GNUC_WARN_UNUSED_RESULT;
