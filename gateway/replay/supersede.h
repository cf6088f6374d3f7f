/* When rules have changed and are in force, cases of the rules before come to something else from then on: what the
 * next change is held against. */
#pragma once
#include "gateway/replay/evaluate.h"
#include "store/cases.h"

typedef struct {
  guint64 superseded; /* come to something by the rules in force now, perhaps the same */
  guint64 dropped;    /* do not fit any more, or come to nothing */
} CasesSuperseded;
/* Of this feed; a crash leaves all of them as they were, and the next start does it. */
gboolean cases_supersede(CaseLibrary *library, ReplayFeed *feed, CasesSuperseded *counts,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
