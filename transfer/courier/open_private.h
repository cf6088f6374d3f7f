/* The beginnings of a courier that courier_open() and a survey share. Used by open.c and probe.c only. */
#pragma once
#include "transfer/courier/call_private.h"

#define COURIER_KEY_TYPES 4u

/* A process that waits for its first request; NULL with *error. courier_close() ends it. */
Courier *courier_new(const CourierEndpoint *endpoint, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* "ed25519" for SSH_KEY_ED25519, … Static. */
const char *courier_key_name(guint64 type);
/* Connects until the server has shown a host key of a type that is not in `avoid`, and goes no further. 0: none, or
 * *error. */
guint8 courier_show_key(const CourierEndpoint *endpoint, guint8 avoid, char **fingerprint, GError **error);
