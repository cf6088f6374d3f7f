/* Which versions of a reference table the details of the lane's ratings name: what explains them must not be lost. */
#pragma once
#include "conf/conf.h"

/* gint64, ascending, the caller's; NULL: no rating of the lane looks into the table. Of an admission that is under way
 * some may be missing. `folder`: the lane's. Memory: by the versions that were in force, not by the records. */
gboolean rating_versions_named(const ConfLane *lane, const char *folder, const char *table, GArray **versions,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
