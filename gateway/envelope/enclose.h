/* The way out of what unwrap.h is the way in: a content gets its inner packing, its envelope and its outer packing. For
 * answers, and for files that are handed on to an inner system.
 *
 * What is not needed is not made: without packing the content streams straight into the envelope. In between it lies in
 * unnamed files in `scratch`. Memory is constant. All but encryption is deterministic: the same content makes the same
 * bytes. */
#pragma once
#include "conf/conf.h"
#include "crypto/openpgp.h"

typedef struct {
  const char *home;
  const ConfOpenpgp *keys;       /* our signing key */
  const char *const *encrypt_to; /* envelope openpgp */
  ConfEnvelope envelope;
  ConfPacking packing, outer_packing;
  OpenpgpCompression compression;
  const char *member; /* in a zip */
  const char *scratch;
  guint64 lines; /* about so many: for gpg's patience */
} EncloseOptions;

typedef struct {
  guint64 size;
  guint8 sha256[32];
} Enclosed;

/* Into `target`, empty; a detached signature (over what is within the outer packing) into `signature`. Neither is
 * synced. */
gboolean enclose(const EncloseOptions *options, OpenpgpSource source, gpointer user, int target, int signature,
                 Enclosed *enclosed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* An OpenpgpSource over a descriptor, from its start. */
typedef struct {
  int fd;
  guint64 at;
} EncloseFile;
gssize enclose_read_file(gpointer file, void *into, gsize limit, GError **error);

/* What a file is called within a zip when nothing else is said: its name without the suffixes of envelopes and
 * packings. The caller frees. */
char *enclose_member(const char *name);
