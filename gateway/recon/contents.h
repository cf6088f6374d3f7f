/* The records in a shard as it was fetched: decrypted, unpacked, counted and summed, against what the manifest says of
 * it. For the requester's tool; flat memory, and no plaintext gets a name on the disk but the file that the caller asks
 * for. */
#pragma once
#include "gateway/recon/manifest.h"

typedef struct {
  const char *scratch;    /* folder for unnamed files */
  const char *gnupg_home; /* of an encrypted shard: where our secret key is; NULL: gpg's own place */
  const char *passphrase_file;
  const char *const *signed_by; /* who must have signed it; NULL-terminated fingerprints */
} ReconKeys;

/* The shard's records as bytes: `shard_fd` itself where it is neither encrypted nor compressed (then *plain ==
 * shard_fd), else a new unnamed file, the caller's to close. FILE when it is not what the manifest says. */
gboolean recon_contents_open(const ReconManifest *manifest, const ReconManifestShard *shard, const ReconKeys *keys,
                             int shard_fd, int *plain, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Reads them all: their number, their total, their size and digest must be the manifest's. FILE says which is not.
 * Where the shard's own bytes are the records, the caller has looked at size and digest. */
gboolean recon_contents_check(const ReconManifest *manifest, const ReconManifestShard *shard, int plain,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Appends them to `out`, without the header line unless it is the first. */
gboolean recon_contents_append(const ReconManifest *manifest, int plain, gboolean is_first, int out,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
