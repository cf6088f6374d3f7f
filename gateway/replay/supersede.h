/* When rules have changed and are in force, cases of the rules before come to something else from then on: what the
 * next change is held against. */
#pragma once
#include "gateway/replay/values.h"
#include "store/cases.h"

typedef struct {
  guint64 superseded; /* come to something by the rules in force now, perhaps the same */
  guint64 differing[RESULT_FIELDS]; /* of these, come to something else: by what differs first */
  guint64 dropped;    /* do not fit any more, or come to nothing */
} CasesSuperseded;
/* Of one feed, whose cases are of other rules than are in force. FALSE: it could not be told. */
typedef gboolean (*SupersedeTold)(gconstpointer user, const ReplayFeed *feed, const CasesSuperseded *counts,
                                  GError **error);
/* `told` is called when there are such cases, before one of them is changed. A crash in between, or when it fails,
 * leaves all of them as they were: the next start tells it again, and none goes untold. */
gboolean cases_supersede(CaseLibrary *library, ReplayFeed *feed, SupersedeTold told, gconstpointer user,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
