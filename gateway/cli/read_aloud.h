/* What a good configuration means where nobody looks it up: behind the summary of `sallyport check`. */
#pragma once
#include "conf/conf.h"
#include "gateway/cli/output.h"

/* Of a layout: how its lines are told apart, and what they may have; its groups, addenda, remarks and totals. */
void read_aloud_lines(const CliOutput *out, const ConfLayout *layout);
void read_aloud_groups(const CliOutput *out, const ConfLayout *layout);
void read_aloud(const CliOutput *out, const Conf *conf);
