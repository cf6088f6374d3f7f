/* The OpenPGP keys that the configuration names, each held against the ring: is it there, can it do what it is named
 * for, and how long is it good. What `sallyport keys` shows and `check` reports. */
#pragma once
#include "conf/conf.h"
#include "crypto/openpgp.h"

typedef enum { KEY_ENCRYPT_TO, KEY_SIGNED_BY, KEY_DECRYPT_WITH, KEY_SIGN_WITH } KeyPurpose;
const char *key_purpose_word(KeyPurpose purpose); /* "encrypt-to", … as in the configuration */

typedef enum {
  KEY_GOOD,
  KEY_WEAK,      /* may sign over SHA-1 for a while */
  KEY_ENDS_SOON, /* within node { key-warning-days } */
  KEY_ENDED,     /* expired, revoked or disabled: time did it, not the configuration */
  KEY_UNFIT,     /* no secret part, or not made for this use */
  KEY_MISSING
} KeyCondition;
const char *key_condition_word(KeyCondition condition);

typedef struct {
  const ConfPartner *partner;
  KeyPurpose purpose;
  const char *fingerprint;
  const OpenpgpKey *key; /* borrowed from the ring; NULL: missing */
  KeyCondition condition;
  char *remark; /* for people: what it means and what to do; NULL: all is well */
} KeyUse;

/* By partner, in the configuration's order. `ring` is openpgp_keys()'s and has to live as long. */
GPtrArray *key_uses(const Conf *conf, GPtrArray *ring, gint64 now) G_GNUC_WARN_UNUSED_RESULT;

/* When the use that the key is named for ends, seconds since 1970; 0: never, or no such key. */
gint64 key_use_ends(const KeyUse *use);

/* Whether the configuration names any key at all: without one no gpg is needed. */
gboolean key_uses_any(const Conf *conf);
