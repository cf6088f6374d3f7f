/* OpenPGP: opens what a partner sent and seals what goes back to it. GPGME (and through it gpg and gpg-agent, which
 * alone hold private keys) is met in this room only.
 *
 * A verdict about trust is an enum whose zero is "not trusted"; it is never an error code, and a return of TRUE never
 * means trust. What is decrypted before the verdict goes to a descriptor that the caller keeps unnamed and throws away
 * unless the verdict is OPENPGP_TRUSTED. Nothing here parses plaintext, reaches the network, or decides what happens
 * next.
 *
 * Every function may be called from any thread at once: each call has a GPGME context of its own. openpgp_start()
 * first. */
#pragma once
#include "gateway/base/error.h"

typedef enum { OPENPGP_NOT_TRUSTED = 0, OPENPGP_TRUSTED } OpenpgpVerdict;

/* Why. One list, from which the words (openpgp_reason_word) in the book, the exception file and the log are made. */
#define OPENPGP_REASONS(X) \
  X(UNKNOWN, "unknown") \
  X(GOOD, "good") \
  X(NOT_OPENPGP, "not-openpgp") \
  X(DAMAGED, "damaged") \
  X(TRUNCATED, "truncated") \
  X(NO_SECRET_KEY, "no-secret-key") \
  X(NOT_ENCRYPTED, "not-encrypted") \
  X(NOT_PROTECTED, "no-integrity-protection") \
  X(NOT_SIGNED, "not-signed") \
  X(SEVERAL_SIGNATURES, "several-signatures") \
  X(UNKNOWN_SIGNER, "unknown-signer") \
  X(SIGNER_NOT_PINNED, "signer-not-pinned") \
  X(BAD_SIGNATURE, "bad-signature") \
  X(SIGNER_REVOKED, "signer-revoked") \
  X(SIGNER_EXPIRED, "signer-expired") \
  X(SIGNATURE_EXPIRED, "signature-expired") \
  X(TOO_LARGE, "too-large") \
  X(TOO_DENSE, "ratio-too-high") \
  X(FROM_FUTURE, "from-the-future") /* key or signature newer than our clock: a person finds out which one is wrong */ \
  X(AEAD, "aead")                   /* by AEAD, under a gpg that cannot vouch for it (before 2.3) */ \
  X(TEXT, "text-mode")              /* sent as text: gpg took carriage returns out of it */ \
  X(WEAK_DIGEST, "weak-digest")     /* signed over MD5, SHA-1 or RIPEMD-160 */ \
  X(UNANSWERED, "no-answer")        /* gpg ends over this file without a word on it, each time: for a person */
typedef enum {
#define OPENPGP_REASON_ENUM(name, word) OPENPGP_REASON_##name,
  OPENPGP_REASONS(OPENPGP_REASON_ENUM)
} OpenpgpReason;
const char *openpgp_reason_word(OpenpgpReason reason);

/* Checks the library's and gpg's presence; call once before any other function and before threads start. */
gboolean openpgp_start(GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Makes the home (0700) where it is missing and writes the gpg.conf and gpg-agent.conf that we need, unless the
 * operator has put his own there. May be called again at any time; open, seal and keys do it too for a home that
 * exists. */
gboolean openpgp_prepare_home(const char *home, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  const char *home;             /* GNUPGHOME; its path is below 80 bytes, for gpg-agent's sockets */
  const char *const *signed_by; /* NULL-terminated; full primary fingerprints, hex; only these are trusted */
  const char *passphrase_file;  /* of the decryption key; NULL: it has none */
  guint64 size_limit;           /* of the plaintext, bytes; 0: 16 GiB */
  guint ratio_limit;            /* plaintext / ciphertext, once past 1 MiB; 0: 200 */
  guint deadline;               /* seconds for the whole operation, then gpg is killed; 0: 3600 */
  guint clock_skew;             /* seconds that a signature may be ahead of our clock; 0: OPENPGP_CLOCK_SKEW */
  gint64 weak_digest_until;     /* signatures over SHA-1 pass before this time (seconds since 1970); 0: none does */
} OpenpgpOpenOptions;
enum { OPENPGP_CLOCK_SKEW = 300 };

typedef struct {
  OpenpgpVerdict verdict;
  OpenpgpReason reason;
  char signer[65];        /* primary fingerprint of the one signer, when there is one; else empty */
  gint64 signed_at;       /* seconds since 1970; 0 unknown */
  gboolean is_text;       /* sent as text with CR LF at each line's end: delivered with LF */
  gboolean is_weak;       /* trusted only because of weak_digest_until */
  guint64 plaintext_size; /* bytes delivered */
  guint8 sha256[32];      /* of the plaintext, when trusted */
  char message[256];      /* for people: what gpg said, escaped */
} OpenpgpOpened;

/* Decrypts and verifies what `ciphertext` (read from its start to its end) holds, into `plaintext` (written from offset
 * 0). Reaches a verdict: TRUE, with *opened filled in; trusted only if there is exactly one signature, its status is
 * clean, its primary fingerprint is one of signed_by, the message was encrypted and integrity-protected, and nothing
 * stood beside it. One key of ours that opens it is enough, whatever became of the others. FALSE when no verdict could
 * be reached for a reason on our side: gpg missing, no space, deadline, a clock that was set meanwhile (AGAIN), bad
 *  home
 * or passphrase (CONFIGURATION). In both cases but TRUSTED the caller discards the plaintext. Nothing is synced. */
gboolean openpgp_open(const OpenpgpOpenOptions *options, int ciphertext, int plaintext, OpenpgpOpened *opened,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Verifies that the signature (read from its start, at most 64 KiB; binary or armoured) is a detached one over all
 * bytes of `data`. Trusted by the same rules as above, apart from encryption; a signature over text (--textmode), which
 * leaves line ends open, is none over these bytes. size_limit and ratio_limit play no part. opened->sha256 is of the
 * data, when trusted. */
gboolean openpgp_verify_detached(const OpenpgpOpenOptions *options, int data, int signature, OpenpgpOpened *opened,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* FAST is zlib at level 1. ZLIB is zlib at the level that the home's gpg.conf sets; GPGME cannot pass a level on, and
 * the gpg.conf that openpgp_prepare_home() writes says 1, so with that one both are the same. */
typedef enum { OPENPGP_COMPRESS_NONE, OPENPGP_COMPRESS_FAST, OPENPGP_COMPRESS_ZLIB } OpenpgpCompression;
typedef struct {
  const char *home;
  const char *const *encrypt_to; /* NULL-terminated full fingerprints; only these, never chosen by user id */
  const char *sign_with;         /* full fingerprint of our key */
  const char *passphrase_file;   /* of sign_with; NULL: it has none */
  OpenpgpCompression compression;
  guint deadline;
  /* of a detached signature: ASCII (.asc) and not binary; a sealed message is always binary */
  gboolean armor;
} OpenpgpSealOptions;

typedef struct {
  guint64 size; /* bytes of the sealed message */
  guint8 sha256[32];
} OpenpgpSealed;

/* The next bytes of the plaintext: at most `limit` into `into`; 0 at the end; -1 with *error set. */
typedef gssize (*OpenpgpSource)(gpointer user, void *into, gsize limit, GError **error);

/* Signs and encrypts (binary, AES-256, packets that old partners read: no OCB) what `source` yields, into `sealed_fd`.
 * An expired, revoked or missing recipient or signer is CONFIGURATION. Not synced: the caller does that. */
gboolean openpgp_seal(const OpenpgpSealOptions *options, OpenpgpSource source, gpointer user, int sealed_fd,
                      OpenpgpSealed *sealed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A detached signature (binary, or armoured) over what `source` yields, by options->sign_with (encrypt_to and
 * compression play no part), into `signature_fd`. Not synced. */
gboolean openpgp_sign_detached(const OpenpgpSealOptions *options, OpenpgpSource source, gpointer user, int signature_fd,
                               OpenpgpSealed *sealed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum { OPENPGP_KEY_VALID, OPENPGP_KEY_EXPIRED, OPENPGP_KEY_REVOKED, OPENPGP_KEY_DISABLED } OpenpgpKeyState;
typedef struct {
  char fingerprint[65]; /* primary */
  char *user_id;        /* escaped for people */
  char algorithm[32];   /* "rsa3072", "ed25519", … */
  /* seconds since 1970. A use ends with the last key or subkey that can serve it, at the latest with the primary key;
   * 0: never */
  gint64 created, sign_ends, encrypt_ends;
  OpenpgpKeyState state;
  char **subkeys; /* their fingerprints, without the primary's */
  gboolean can_sign, can_encrypt, has_secret;
} OpenpgpKey;
void openpgp_key_free(OpenpgpKey *key);

/* All keys of the ring, GPtrArray of OpenpgpKey*; the caller frees the array. AGAIN when gpg or its agent cannot answer
 * now: a secret key that is not told of then is not missing. */
GPtrArray *openpgp_keys(const char *home, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Ends the gpg-agent of this home, if one runs. */
void openpgp_stop_agent(const char *home);
