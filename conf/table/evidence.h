/* What shows that a file in a drop folder is complete, as source { … } and drop-folder { … } both say it. */
#pragma once
#include "conf/model/source.h"

/* The defaults of the markers' names, and of those that are still being written. */
void evidence_fill(ConfReady ready, char **marker, char ***temporary);
