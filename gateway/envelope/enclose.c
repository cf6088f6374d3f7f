#include "gateway/envelope/enclose.h"
#include "gateway/base/digest.h"
#include "gateway/base/files.h"
#include "gateway/envelope/patience.h"
#include "gateway/packing/packing.h"
#include "gateway/common/paths.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

gssize enclose_read_file(gpointer user, void *into, gsize limit, GError **error) {
  EncloseFile *file = user;
  ssize_t got;
  do
    got = pread(file->fd, into, limit, (off_t)file->at);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    sallyport_error_errno(error, errno, "read what is to be sent");
  else
    file->at += (guint64)got;
  return got;
}

static gboolean copy(OpenpgpSource source, gpointer user, int target, GError **error) {
  g_autofree char *piece = g_malloc(PIECE);
  gssize got;
  while ((got = source(user, piece, PIECE, error)) > 0)
    if (!files_write_all(target, piece, (gsize)got, error))
      return FALSE;
  return got == 0;
}

/* A packed copy in an unnamed file; -1 on error. */
static int pack(const EncloseOptions *options, ConfPacking packing, OpenpgpSource source, gpointer user,
                GError **error) {
  PackOptions pack_options = {.packing = packing, .member = options->member};
  int plain = files_open_unnamed(options->scratch, error),
      packed = plain < 0 ? -1 : files_open_unnamed(options->scratch, error);
  gboolean ok = packed >= 0 && copy(source, user, plain, error) && packing_pack(&pack_options, plain, packed, error);
  if (plain >= 0)
    close(plain);
  if (!ok && packed >= 0)
    close(packed);
  return ok ? packed : -1;
}

static OpenpgpSealOptions seal_options(const EncloseOptions *options) {
  return (OpenpgpSealOptions){.home = options->home,
                              .encrypt_to = options->encrypt_to,
                              .sign_with = options->keys->sign_with ? options->keys->sign_with
                                                                    : options->keys->decrypt_with,
                              .passphrase_file = secret_path(options->keys->passphrase_file),
                              .compression = options->compression,
                              .deadline = GPG_PATIENCE + (guint)MIN(options->lines / GPG_LEAST_LINES, 86400)};
}

static gboolean sign(const EncloseOptions *options, int content, int signature, GError **error) {
  OpenpgpSealed sealed;
  EncloseFile file = {.fd = content};
  OpenpgpSealOptions seal = seal_options(options);
  return openpgp_sign_detached(&seal, enclose_read_file, &file, signature, &sealed, error);
}

static gboolean put_in_envelope(const EncloseOptions *options, OpenpgpSource source, gpointer user, int target,
                                int signature, GError **error) {
  OpenpgpSealed sealed;
  OpenpgpSealOptions seal = seal_options(options);
  switch (options->envelope) {
  case CONF_ENVELOPE_OPENPGP:
    return openpgp_seal(&seal, source, user, target, &sealed, error);
  case CONF_ENVELOPE_DETACHED:
    return copy(source, user, target, error) && sign(options, target, signature, error);
  case CONF_ENVELOPE_NONE:
    return copy(source, user, target, error);
  }
  return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no such envelope");
}

static gboolean put_in_envelopes(const EncloseOptions *options, OpenpgpSource source, gpointer user, int target,
                                 int signature, GError **error) {
  if (options->outer_packing == CONF_PACK_NONE)
    return put_in_envelope(options, source, user, target, signature, error);
  PackOptions pack_options = {.packing = options->outer_packing, .member = options->member};
  int within = files_open_unnamed(options->scratch, error);
  if (within < 0)
    return FALSE;
  gboolean ok = put_in_envelope(options, source, user, within, signature, error) &&
                packing_pack(&pack_options, within, target, error);
  close(within);
  return ok;
}

gboolean enclose(const EncloseOptions *options, OpenpgpSource source, gpointer user, int target, int signature,
                 Enclosed *enclosed, GError **error) {
  EncloseFile packed = {.fd = -1};
  if (options->packing != CONF_PACK_NONE && (packed.fd = pack(options, options->packing, source, user, error)) < 0)
    return FALSE;
  gboolean is_packed = packed.fd >= 0;
  gboolean ok = put_in_envelopes(options, is_packed ? enclose_read_file : source, is_packed ? &packed : user, target,
                                 signature, error) &&
                digest_file_sha256(target, 0, G_MAXUINT64, enclosed->sha256, &enclosed->size, error);
  if (is_packed)
    close(packed.fd);
  return ok;
}

char *enclose_member(const char *name) {
  static const char *const suffixes[] = {".pgp", ".gpg", ".asc", ".zip", ".gz", ".zst"};
  char *member = g_strdup(name);
  for (gboolean again = TRUE; again;) {
    again = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
      if (strlen(member) > strlen(suffixes[i]) && g_str_has_suffix(member, suffixes[i])) {
        member[strlen(member) - strlen(suffixes[i])] = '\0';
        again = TRUE;
      }
  }
  return member;
}
