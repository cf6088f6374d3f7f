/* What systemd is told about the service, by hand over NOTIFY_SOCKET (sd_notify(3) describes the protocol): one
 * datagram of NAME=value lines. Without systemd, and when the datagram cannot be sent, nothing happens. */
#pragma once
#include <glib.h>

/* TRUE when there is somebody to tell and the datagram was sent. */
gboolean notify_send(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* How often WATCHDOG=1 is due, in microseconds: half of what systemd allows this process; 0: never. */
gint64 notify_watchdog_period(void);
