/* Taking the partner's copy away without ever taking a newer one: claimed first, then looked at, then archived or
 * removed.
 *
 * To look at a name and then to remove it leaves a moment in which the partner puts another file there. A rename is one
 * step: whatever stands under the name is ours to look at then, under a name that nobody else uses (.sallyport-ID,
 * beside it). What is not the file that was fetched is given back, refusing to write over what came meanwhile.
 *
 *   crash after the claim        the next run finds it, and compares its content, since what it was before is not known
 *   given back, but a still      left claimed, told, and tried again: when that one is done with, its place is free
 *   newer one stands there
 *   the server refuses the       taken away by its name, as it stands: the log tells that a newer file may be taken
 *   rename                       unseen there */
#pragma once
#include "gateway/flow/step.h"

/* Whether a name in a drop folder is such a claim, of any file. */
gboolean claim_is_one(const char *name);

typedef struct {
  Step *step;
  const char *suffix;       /* of the claim's name, for what stands beside the file; "": the file itself */
  const void *name;         /* the partner's bytes, without folder */
  gsize length;
  const CourierStat *known; /* as it was when it was seen to be ours; NULL: not known */
  const char *sha256;       /* of its content; NULL: what is claimed already is ours */
} Claim;
typedef enum {
  CLAIM_FAILED, /* *error */
  CLAIM_HELD,   /* it is ours, and claimed: claim_settle() */
  CLAIM_OTHER,  /* somebody's newer file has its name: left, or given back */
  CLAIM_GONE
} ClaimResult;
/* Whether it is claimed since an earlier run. */
gboolean claim_exists(const Claim *claim, gboolean *exists, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ClaimResult claim_take(const Claim *claim, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Archives or removes what is held. */
gboolean claim_settle(const Claim *claim, GError **error) G_GNUC_WARN_UNUSED_RESULT;
