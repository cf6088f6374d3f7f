/* What is around the records of a file: what protects it, and how it is packed. */
#pragma once
#include "conf/model/where.h"

/* OpenPGP, a detached OpenPGP signature beside the plaintext, or nothing (in as many words). */
#define CONF_ENVELOPES(X)                             \
  X(CONF_ENVELOPE_OPENPGP, "openpgp")                 \
  X(CONF_ENVELOPE_DETACHED, "detached-signature")     \
  X(CONF_ENVELOPE_NONE, "unprotected-plain-text")
typedef enum { CONF_ENVELOPES(CONF_CONSTANT) } ConfEnvelope;

#define CONF_PACKINGS(X)        \
  X(CONF_PACK_NONE, "none")     \
  X(CONF_PACK_GZIP, "gzip")     \
  X(CONF_PACK_ZSTD, "zstd")     \
  X(CONF_PACK_ZIP, "zip")
typedef enum { CONF_PACKINGS(CONF_CONSTANT) } ConfPacking;

/* What is done when a file of the name is there already. */
#define CONF_IF_EXISTS(X)               \
  X(CONF_EXISTS_REFUSE, "refuse")       \
  X(CONF_EXISTS_REPLACE, "replace")
typedef enum { CONF_IF_EXISTS(CONF_CONSTANT) } ConfIfExists;

/* How a file gets its name there: by a rename when it is whole, or at once. */
#define CONF_WRITES(X)                \
  X(CONF_WRITE_RENAME, "rename")      \
  X(CONF_WRITE_DIRECT, "direct")
typedef enum { CONF_WRITES(CONF_CONSTANT) } ConfWrite;

/* What it means that a file is gone right after it was put there. */
#define CONF_VANISHES(X)                    \
  X(CONF_VANISHES_UNKNOWN, "unknown")       \
  X(CONF_VANISHES_DELIVERED, "delivered")
typedef enum { CONF_VANISHES(CONF_CONSTANT) } ConfVanishes;
