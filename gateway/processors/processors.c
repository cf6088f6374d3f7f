#include "gateway/processors/processors.h"

extern const Processor processor_ledger, processor_http, processor_hand_over;

static const Processor *const processors[] = {[CONF_PROCESS_LEDGER] = &processor_ledger,
                                              [CONF_PROCESS_HTTP] = &processor_http,
                                              [CONF_PROCESS_DELIVER] = &processor_hand_over};

const Processor *processor_of(const ConfFeed *feed) {
  return processors[feed->process];
}
