/* What a courier of mailboxes has beyond files (courier.h). An item's id is the name of a file in the folder MAILBOX.
 */
#pragma once
#include "transfer/courier.h"

gboolean courier_is_of_mailboxes(const Courier *courier);

typedef struct {
  const char *path, *sha256; /* hex, of the bytes that are kept here */
  guint64 size;
} CourierAcknowledgement;
/* The item need not be kept for us any more. TRUE also when it was acknowledged before, or is not there any more;
 * PARTNER: what is there has other bytes. May be said again after any failure. */
gboolean courier_acknowledge(Courier *courier, const CourierAcknowledgement *acknowledgement,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
