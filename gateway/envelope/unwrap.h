/* From the bytes as they were fetched to a plaintext that may be parsed: outer packing, envelope, inner packing, each
 * as the feed says, and nothing that it does not say. The same for the lane's open, for `deliver`, which hands the
 * plaintext on, and for `try`.
 *
 * Everything in between lies in unnamed files in `scratch`, gone with their descriptors. Outer packing is opened before
 * anything is verified, in a caged process (gateway/packing/); what comes out of it is believed no more than what went
 * in. */
#pragma once
#include "conf/conf.h"
#include "gateway/base/error.h"

typedef struct {
  const char *home;
  const ConfOpenpgp *openpgp;
  const ConfFeed *feed;   /* envelope, packings, limits */
  const char *scratch;    /* folder of unnamed files */
  int fetched;            /* read from its start */
  int signature;          /* with a detached one; else -1 */
  gboolean keeps_returns; /* the layout's lines end in CR LF or have no ends: no CR may be taken out */
} UnwrapOptions;

/* Whether a plaintext of this layout has to keep its CR. */
gboolean unwrap_keeps_returns(const ConfLayout *layout);

typedef struct {
  gboolean trusted;         /* or the configuration says in as many words that nothing protects it */
  gboolean is_for_a_person; /* not trusted, and perhaps our own side's fault: to be held, not refused */
  gboolean is_from_future;  /* … because of a clock, theirs or ours */
  char *code, *reason;      /* of one that is not trusted */
  char *trust;              /* the verdict's word for the book: "good", "unprotected", … */
  char *signer;             /* NULL: none */
  guint64 size;             /* of the plaintext; what came out so far when it is not trusted */
  char *sha256;             /* of the plaintext when it is trusted, hex */
  int plaintext;            /* -1 unless trusted */
} Unwrapped;
void unwrapped_clear(Unwrapped *unwrapped); /* closes the plaintext, too */

#define UNWRAP_UNPROTECTED "unprotected"

/* TRUE: there is a verdict. Errors as openpgp_open's and packing_unpack's. Clear *unwrapped in both cases. */
gboolean unwrap(const UnwrapOptions *options, Unwrapped *unwrapped, GError **error) G_GNUC_WARN_UNUSED_RESULT;
