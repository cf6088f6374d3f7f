/* Resolves a partner's host and connects to it, before the courier locks itself in. */
#pragma once
#include "gateway/base/error.h"

/* A connected, non-blocking TCP socket with TCP_NODELAY, TCP_QUICKACK and keepalive; each address is tried in turn
 * until `deadline` (monotonic microseconds). -1: AGAIN. */
int connect_to(const char *host, guint port, gint64 deadline, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same, telling how it went: microseconds, and 0 or the errno of an address that did not connect. With a watch all
 * addresses are tried, also after one has connected, so that a bad one among them is seen. */
typedef struct {
  void (*resolved)(gpointer user, gint64 took);
  void (*tried)(gpointer user, const char *address, gint64 took, int number);
  gpointer user;
} ConnectWatch;
int connect_watched(const char *host, guint port, gint64 deadline, const ConnectWatch *watch,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Linux forgets TCP_QUICKACK again and again: asked for before each wait, a request is not held back by a late ACK. */
void connect_quick_ack(int socket);
