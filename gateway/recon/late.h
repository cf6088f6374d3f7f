/* What is credited (or, where the read rule has files or their records, decided) for a period after its files were
 * published is in no published version. It is told by an alarm, recon-late, and by the block's `late` the next version
 * is made. */
#pragma once
#include "gateway/recon/recon_private.h"

/* Looks at what was decided since the last look; from the thread of reconciliation. */
gboolean recon_look_for_late(Recon *recon, GError **error) G_GNUC_WARN_UNUSED_RESULT;
