/* A lane's part of the configuration as text: the node, the lane with its feeds and reconciliations, and what they name
 * (partners, systems, layouts, calendars), and the alarms; not where in which file it stands. Two equal texts: the lane
 * need not be replaced. Secrets are in no part: the configuration holds only the paths of their files. */
#pragma once
#include "conf/conf.h"

char *part_of_lane(const Conf *conf, const ConfLane *lane) G_GNUC_WARN_UNUSED_RESULT;
/* The same for the front: the node, its own block, who may ask for what, and the lanes' reconcile blocks. */
char *part_of_front(const Conf *conf) G_GNUC_WARN_UNUSED_RESULT;

/* How many bytes of the structs in conf.h the part's tables do not cover, the padding that their alignment asks for
 * aside, and the first struct that has some: a test holds this to none, so that a new setting cannot be forgotten here.
 */
gsize part_uncovered(const char **first);
