/* What a good configuration means where nobody looks it up: behind the summary of `sallyport check`. */
#pragma once
#include "conf/conf.h"
#include "gateway/cli/output.h"

/* Of a layout: its groups, addenda, remarks and totals. */
void read_aloud_groups(const CliOutput *out, const ConfLayout *layout);
void read_aloud(const CliOutput *out, const Conf *conf);
