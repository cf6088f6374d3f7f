/* The lane's decoder of what a courier says (and the courier's of what the lane says): no input crashes it, what it
 * takes is within the limits, and encodes to the same bytes again. */
#include "transfer/wire/names.h"
#include "transfer/wire/wire.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void take_entries(WireBytes rest) {
  WireEntry entry;
  gboolean bad;
  gsize before = rest.length;
  while (wire_entry_take(&rest, &entry, &bad)) {
    if (entry.name_length > before || rest.length >= before)
      abort();
    before = rest.length;
    (void)name_judge(entry.name, entry.name_length);
  }
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size) {
  static WireBuffer buffer;
  WireMessage message;
  for (guint fds = 0; fds < 2; fds++) {
    if (!wire_decode(data, size, fds, &message))
      continue;
    if (wire_encode(&message, &buffer) != size || memcmp(buffer.bytes, data, size) != 0)
      abort();
    take_entries(message.entries);
  }
  return 0;
}
