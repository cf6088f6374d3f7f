/* The manifest (对账明细) of one reconciliation task: what is to be fetched, and what proves that it has been fetched
 * whole.
 *
 * JSON with the members of sallyport-manifest(5), in that order, always the same bytes for the same struct; our OpenPGP
 * signature is beside it (NAME.asc), and so are NAME.sha256 and NAME.md5, which sha256sum and md5sum check. It is
 * published last, when every shard is durable, and never changes. Reading is strict: a manifest with a member that is
 * missing, unknown, twice there or out of range, with names that are no plain file names, or with numbers that do not
 * add up is refused as a whole. */
#pragma once
#include "gateway/base/error.h"

#define RECON_MANIFEST_FORMAT "sallyport-manifest-1"
enum { RECON_SHARDS_MAX = 100000 }; /* of one manifest */
#define RECON_MANIFEST_SIZE_MAX ((gsize)128 << 20)

typedef struct {
  guint number; /* from 1 */
  char *name;   /* a plain file name: visible ASCII or UTF-8 without '/', not beginning with '.' */
  /* absolute (served by the front), or relative to the manifest's own place: the name, percent-encoded */
  char *url;
  guint64 size;
  char *md5, *sha256; /* of the bytes as they are fetched; lower-case hex */
  /* of the records' bytes, after decryption and decompression; the same where there is neither */
  guint64 plain_size;
  char *plain_sha256;
  /* total: scaled by the manifest's scale; 0 without an amount column */
  guint64 records;
  gint64 total;
} ReconManifestShard;

typedef enum { RECON_COMPRESS_NONE, RECON_COMPRESS_GZIP, RECON_COMPRESS_ZSTD } ReconCompress;

typedef struct ReconManifest {
  char *requester, *type;
  char *period;                         /* "2026-11-20" or "2026-11" */
  guint version;                        /* from 1; a later one replaces it as a whole, or adds to it: */
  guint supplements;                    /* the version that this one adds to; 0: it has all of the period */
  gint64 made_at;                       /* seconds since 1970: when the task's data were read; "2026-11-21T01:00:03Z" */
  char **columns;                       /* in the order in which they stand in a line; NULL-terminated */
  char *amount;                         /* the column of the control total; NULL: none, and then no total anywhere */
  guint scale;                          /* decimals of the totals, 0 … 18 */
  char *delimiter, *charset, *line_end; /* of the records; "lf" or "crlf" */
  gboolean quote, header_line;          /* every shard begins with the columns' names; that line is no record */
  guint64 threshold;                    /* most records of a shard */
  /* compressed first, then OpenPGP: signed by us, encrypted to the requester */
  ReconCompress compression;
  gboolean encrypted;
  guint64 records;
  gint64 total;
  GPtrArray *shards; /* ReconManifestShard*, by number; empty for a period without records */
} ReconManifest;

ReconManifest *recon_manifest_new(void);
void recon_manifest_free(ReconManifest *manifest);
void recon_manifest_shard_free(ReconManifestShard *shard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReconManifest, recon_manifest_free)

/* Everything that can be seen without the shards: numbers 1 … n, names plain and each once, digests' forms, records and
 * totals that add up, no shard empty or over the threshold, none but the last below it. FILE names the first fault. */
gboolean recon_manifest_check(const ReconManifest *manifest, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same struct gives the same bytes. */
void recon_manifest_to_json(const ReconManifest *manifest, GString *json);
/* The same in three pieces, for a manifest whose shards are not held in memory: `shards` is how many there will be. */
void recon_manifest_begin(const ReconManifest *manifest, guint shards, GString *json);
void recon_manifest_add(const ReconManifest *manifest, const ReconManifestShard *shard, guint shards, GString *json);
void recon_manifest_end(guint shards, GString *json);
/* NULL with FILE: it is no manifest, or one that recon_manifest_check refuses; the message says where. */
ReconManifest *recon_manifest_from_json(const void *bytes, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The delimited form for old systems, a line per shard between H and T: sallyport-manifest(5). Likewise in pieces. */
void recon_manifest_text_begin(const ReconManifest *manifest, guint shards, GString *text);
void recon_manifest_text_add(const ReconManifest *manifest, const ReconManifestShard *shard, guint shards,
                             GString *text);
void recon_manifest_text_end(const ReconManifest *manifest, guint shards, GString *text);

/* "-12.30" for -1230 at scale 2, and strictly back: exactly `scale` decimals, no other spelling. */
char *recon_decimal(gint64 value, guint scale);
gboolean recon_decimal_parse(const char *text, guint scale, gint64 *value);
/* Whether it may be a file's name on any machine that fetches it. */
gboolean recon_name_is_plain(const char *name);
/* A manifest's member `url` for what the front serves, FRONT_URL/v1/objects/OBJECT, and for what is pushed only. The
 * caller frees. */
char *recon_object_url(const char *front_url, const char *object);
char *recon_relative_url(const char *name);
const char *recon_compress_word(ReconCompress compress); /* "none", "gzip", "zstd" */
