/* A lane's part of the configuration as text: the node, the lane with all its sections, what they name (partners,
 * systems, layouts, calendars), and the alarms; not where in which file it stands. Two equal texts: the lane need not
 * be replaced. It is made from conf's tables, so that a new setting is in it. Secrets are in no part: the configuration
 * holds only the paths of their files. */
#pragma once
#include "conf/conf.h"

char *part_of_lane(const Conf *conf, const ConfLane *lane) G_GNUC_WARN_UNUSED_RESULT;
/* The same for the front: the node, its own block, who may ask for what, and the lanes' reconcile blocks. */
char *part_of_front(const Conf *conf) G_GNUC_WARN_UNUSED_RESULT;
