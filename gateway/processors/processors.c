#include "gateway/processors/processors.h"

/* Each kind's row stands in its own folder: processor_WORD. */
#define PROCESSOR_DECLARE(constant, word, type, keeps_ledger) extern const Processor processor_##word;
CONF_PROCESSES(PROCESSOR_DECLARE)
#define PROCESSOR_ROW(constant, word, type, keeps_ledger) [constant] = &processor_##word,
static const Processor *const processors[] = {CONF_PROCESSES(PROCESSOR_ROW)};

const Processor *processor_of(const ConfFeed *feed) {
  return processors[feed->process];
}
