/* What a good configuration means where nobody looks it up: behind the summary of `sallyport check`. */
#pragma once
#include "conf/conf.h"
#include "gateway/cli/output.h"

void read_aloud(const CliOutput *out, const Conf *conf);
