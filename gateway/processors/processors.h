/* The kinds of `process`: a folder and a row each. The flow knows gateway/flow/processor.h only; this is for those who
 * start from the configuration. */
#pragma once
#include "gateway/flow/processor.h"

const Processor *processor_of(const ConfFeed *feed);
