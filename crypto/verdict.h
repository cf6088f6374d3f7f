/* From what was seen to a verdict: the evidence about one message, and the one pure function that judges it. The
 * evidence comes from three sides that have to agree: the outline of the ciphertext, gpg's status lines, and GPGME's
 * results. All of it zero means "not trusted". Private to crypto/. */
#pragma once
#include "crypto/openpgp.h"
#include "crypto/outline.h"

/* What gpg said about a signature; the order is of no meaning. */
typedef enum {
  SIGNATURE_NONE = 0,
  SIGNATURE_GOOD,
  SIGNATURE_BAD,     /* BADSIG, or ERRSIG for another reason than a missing key */
  SIGNATURE_UNKNOWN, /* its key is not in the ring */
  SIGNATURE_REVOKED,
  SIGNATURE_KEY_EXPIRED,
  SIGNATURE_EXPIRED,
  SIGNATURE_FROM_FUTURE, /* it, or its key, was made later than our clock says it is now */
  SIGNATURE_WEAK,        /* over a digest that gpg does not take */
} SignatureState;

typedef struct {
  /* seconds since 1970, the earliest that our clock said during the run; 0: signatures are not held against it */
  gint64 now;
  guint skew;                /* seconds that a signature may be ahead of it */
  gint64 weak_digest_until;  /* SHA-1 passes before this time */
  gboolean is_aead_doubtful; /* this gpg cannot vouch for AEAD messages */
  Outline outline;
  gboolean over_size, over_ratio; /* we stopped it */

  /* gpg's status lines, in counts: more than one of a thing is as suspicious as none */
  guint decryptions_begun, decryptions_ended, decryptions_okay, integrity_good;
  guint plaintexts, plaintexts_elsewhere; /* in the decrypted message; before or after it */
  gboolean aead;                          /* gpg named an AEAD algorithm */
  gboolean session_key_found;             /* a key of ours opened it, or gpg began to decrypt with one */
  gboolean is_text;                       /* the literal data is of a type of which gpg takes every CR out */
  gboolean literal_size_known;
  guint64 literal_size;           /* of the literal data as it was sent */
  guint64 delivered;              /* bytes that gpg delivered */
  gboolean returns_counted;       /* in the literal data: */
  guint64 pairs, lone_returns, bare_feeds; /* CR LF; CR with no LF behind it; LF with no CR before it */
  guint signatures;                       /* begun to be checked */
  guint statements;                       /* about signatures: good, bad, unknown, … */
  guint valid_signatures;
  gboolean decryption_failed, integrity_bad, unprotected, no_secret_key;
  gboolean key_refused;      /* gpg-agent did not decrypt the session key, for a reason that may be the message's */
  gboolean asked_passphrase; /* for a message to a passphrase; never answered */
  gboolean said_failure;     /* gpg ended on its own, and said that it failed */
  gboolean gave_up;          /* gpg ended over what it found in the message, and only its log says so */
  guint32 our_fault;         /* the agent's error, when it is about us: a passphrase, the agent itself */
  guint32 gpg_failure;       /* the last error number of gpg */
  SignatureState signature;
  gint64 signed_at;
  int signature_class; /* of a valid one: 0 over bytes, 1 over text */
  int digest;          /* its algorithm, by OpenPGP's numbers; 0 unknown */
  char signer[65];     /* primary fingerprint */
  char issuer[65];     /* fingerprint or id of the key that signed */

  /* GPGME's word on the same */
  guint32 gpgme_error;
  guint gpgme_signatures;
  gboolean gpgme_clean; /* its one signature: status success, no red flag, made by `issuer` */

  gboolean pinned; /* `signer` is one of signed_by */
} Evidence;

/* One status line of gpg. Unknown ones are no evidence. */
void evidence_status(Evidence *evidence, const char *keyword, const char *arguments);

/* The verdict. *reason is GOOD exactly when it is TRUSTED. */
OpenpgpVerdict evidence_judge(const Evidence *evidence, OpenpgpReason *reason);

/* The same of a detached signature: there is no message, so no outline. */
OpenpgpVerdict evidence_judge_detached(const Evidence *evidence, OpenpgpReason *reason);

/* What the outline alone already decides: TRUE if the message cannot be trusted whatever gpg would say. */
gboolean evidence_is_hopeless(const Outline *outline, OpenpgpReason *reason);

/* Something has been seen that no further evidence can make good: there is a verdict, whatever became of gpg. The
 * outline has to be of the whole ciphertext. */
gboolean evidence_is_settled(const Evidence *evidence);

/* gpg ended without a word about a message that looks whole (killed, out of memory): nothing can be said about it. */
gboolean evidence_is_cut_short(const Evidence *evidence);

/* gpg's log, of a run that ended without a status line about its end. Some faults of a message end gpg so: a compressed
 * part that does not decompress, a wrong checksum of the armour, a failed assertion. */
typedef enum {
  LOG_SILENT,  /* killed, or never started */
  LOG_OURS,    /* memory, disk, agent */
  LOG_MESSAGE, /* the message: also recorded in the evidence */
  LOG_UNCLEAR
} LogWord;
LogWord evidence_log(Evidence *evidence, const char *log);

/* The words for a digest's number; NULL: it is none of the weak ones. */
const char *evidence_weak_digest(int digest);
/* TRUE if the signature is over a weak digest that the partner may still use. */
gboolean evidence_is_weak_allowed(const Evidence *evidence);

/* Full fingerprints, compared whole; hexadecimal digits of any case. */
gboolean fingerprint_is_full(const char *fingerprint);
gboolean fingerprint_is_among(const char *fingerprint, const char *const *list);
