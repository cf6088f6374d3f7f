/* A folder of fetched shards, as `recon pull` fills it and `recon verify` looks at it, with nothing but the folder. */
#pragma once
#include "gateway/recon/contents.h"

typedef enum { SHARD_WHOLE, SHARD_MISSING, SHARD_CORRUPT } ShardState;
/* Which digests: SHA-256 alone says all that can be said of the bytes; MD5 is for partners that have nothing else, and
 * `recon verify` holds both against the manifest. */
typedef enum { LOOK_SHA256, LOOK_BOTH } ShardLook;
/* The bytes only: size and digests. Opens NAME in the folder (no link is followed); *fd stays open when it is WHOLE,
 * else it is -1. */
ShardState recon_folder_look(int folder, const ReconManifestShard *shard, ShardLook look, int *fd, char **problem);
gboolean recon_folder_is_right(int fd, const ReconManifestShard *shard, ShardLook look, char **problem);

typedef struct {
  ReconKeys keys;
  gboolean keep_encrypted; /* bytes only */
  /* the bytes were looked at a moment ago, and so were records that lie in the open: only `join` is left to do */
  gboolean is_known;
  /* path of one file to be made of all records; NULL: none. It appears only when all is right */
  const char *join;
  void (*progress)(gpointer user, guint shards_done, guint64 bytes_done);
  gpointer user;
} ReconFolderCheck;
/* Every shard's bytes and (unless keep_encrypted) records, and the totals. FILE names the first that is wrong; *missing
 * and *corrupt count all of them. */
gboolean recon_folder_check(const ReconManifest *manifest, int folder, const ReconFolderCheck *check, guint *missing,
                            guint *corrupt, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The manifest of that name in the folder, its signature (NAME.asc) verified when signed_by is given. FILE: it is not
 * right. */
ReconManifest *recon_folder_manifest(int folder, const char *name, const ReconKeys *keys, char **sha256,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The one *.manifest.json of the folder; NULL with FILE: none, or several. The caller frees. */
char *recon_folder_find_manifest(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
