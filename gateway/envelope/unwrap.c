#include "gateway/envelope/unwrap.h"
#include "gateway/base/digest.h"
#include "crypto/openpgp.h"
#include "gateway/base/files.h"
#include "gateway/common/codes.h"
#include "gateway/envelope/patience.h"
#include "gateway/packing/packing.h"
#include "gateway/common/paths.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  const UnwrapOptions *options;
  Unwrapped *found;
  guint64 fetched_size;
  int at; /* what has been brought out so far; owned */
} Unwrapping;

static gboolean refuse_content(Unwrapping *run, const char *code, const char *reason, const char *trust) {
  run->found->code = g_strdup(code);
  run->found->reason = g_strdup(reason);
  run->found->trust = g_strdup(trust);
  return TRUE;
}

static void go_on_with(Unwrapping *run, int fd) {
  close(run->at);
  run->at = fd;
}

/* The limits are those of the feed at every layer, and the ratio is to what was fetched: layers do not multiply it. An
 * OpenPGP message may be a little larger than its plaintext. */
static gboolean unpack(Unwrapping *run, ConfPacking packing, guint64 allowance, GError **error) {
  const ConfFeed *feed = run->options->feed;
  UnpackOptions options = {.packing = packing,
                           .size_limit = feed->plain_limit + allowance,
                           .ratio_limit = feed->ratio_limit,
                           .ratio_base = run->fetched_size};
  Unpacked unpacked;
  int out = files_open_unnamed(run->options->scratch, error);
  if (out < 0)
    return FALSE;
  if (!packing_unpack(&options, run->at, out, &unpacked, error)) {
    close(out);
    return FALSE;
  }
  go_on_with(run, out);
  run->found->size = unpacked.size;
  return unpacked.verdict == PACKING_GOOD ||
         refuse_content(run, packing_code(unpacked.verdict), unpacked.message, "not-unpacked");
}

gboolean unwrap_keeps_returns(const ConfLayout *layout) {
  return layout->line_end == CONF_LINE_END_CRLF || layout->line_end == CONF_LINE_END_CR ||
         layout->line_end == CONF_LINE_END_NONE || (layout->terminator && strchr(layout->terminator, '\r'));
}

/* Sent as text: what gpg delivered has LF where CR LF was signed. A layout that takes LF reads the same records in it.
 */
static gboolean is_changed_text(const Unwrapping *run, const OpenpgpOpened *opened) {
  return opened->is_text && (run->options->keeps_returns || run->options->feed->source.inner_packing != CONF_PACK_NONE);
}

static gboolean refuse_text(Unwrapping *run) {
  const char *word = openpgp_reason_word(OPENPGP_REASON_TEXT);
  g_autofree char *code = g_strdup_printf("P%03d", (int)OPENPGP_REASON_TEXT);
  return refuse_content(run, code,
                        "it was sent as text, so gpg made CR LF into LF: let the partner send it as binary "
                        "(no --textmode)",
                        word);
}

static gboolean judge_opened(Unwrapping *run, const OpenpgpOpened *opened) {
  Unwrapped *found = run->found;
  found->signer = opened->signer[0] ? g_strdup(opened->signer) : NULL;
  found->size = opened->plaintext_size;
  if (opened->verdict == OPENPGP_TRUSTED && is_changed_text(run, opened))
    return refuse_text(run);
  if (opened->verdict == OPENPGP_TRUSTED) {
    found->trust = g_strdup(openpgp_reason_word(opened->reason));
    found->sha256 = digest_hex(opened->sha256, sizeof opened->sha256);
    return TRUE;
  }
  found->is_from_future = opened->reason == OPENPGP_REASON_FROM_FUTURE;
  found->is_for_a_person = found->is_from_future || opened->reason == OPENPGP_REASON_UNANSWERED;
  g_autofree char *code = g_strdup_printf("P%03d", (int)opened->reason);
  const char *word = openpgp_reason_word(opened->reason);
  return refuse_content(run, code, opened->message[0] ? opened->message : word, word);
}

static OpenpgpOpenOptions openpgp_options(const Unwrapping *run, guint64 size) {
  const UnwrapOptions *options = run->options;
  return (OpenpgpOpenOptions){.home = options->home,
                              .signed_by = (const char *const *)options->openpgp->signed_by,
                              .passphrase_file = secret_path(options->openpgp->passphrase_file),
                              .clock_skew = options->openpgp->clock_skew,
                              .weak_digest_until = conf_sha1_ends(options->openpgp),
                              .size_limit = options->feed->plain_limit,
                              .ratio_limit = options->feed->ratio_limit,
                              .deadline = GPG_PATIENCE + (guint)MIN(size / GPG_LEAST_BYTES, 86400)};
}

static gboolean decrypt(Unwrapping *run, GError **error) {
  OpenpgpOpened opened = {0};
  OpenpgpOpenOptions options = openpgp_options(run, run->fetched_size);
  int out = files_open_unnamed(run->options->scratch, error);
  if (out < 0)
    return FALSE;
  if (!openpgp_open(&options, run->at, out, &opened, error)) {
    close(out);
    return FALSE;
  }
  go_on_with(run, out);
  return judge_opened(run, &opened);
}

/* A plaintext that lay in the clear: only its size can be refused. */
static gboolean check_size(Unwrapping *run, gboolean *fits, GError **error) {
  guint64 size = 0, most = run->options->feed->plain_limit;
  if (!files_size(run->at, &size, error))
    return FALSE;
  run->found->size = size;
  *fits = size <= most;
  g_autofree char *reason = g_strdup_printf(
      "%" G_GUINT64_FORMAT " bytes are more than the feed's plain-limit of %" G_GUINT64_FORMAT, size, most);
  return *fits ? TRUE : refuse_content(run, CODE_FILE_TOO_LARGE, reason, "too-large");
}

static gboolean verify(Unwrapping *run, GError **error) {
  OpenpgpOpened opened = {0};
  gboolean fits;
  if (!check_size(run, &fits, error))
    return FALSE;
  if (!fits)
    return TRUE;
  OpenpgpOpenOptions options = openpgp_options(run, run->found->size);
  return openpgp_verify_detached(&options, run->at, run->options->signature, &opened, error) &&
         judge_opened(run, &opened);
}

static gboolean take_unprotected(Unwrapping *run, GError **error) {
  gboolean fits;
  if (!check_size(run, &fits, error))
    return FALSE;
  if (fits)
    run->found->trust = g_strdup(UNWRAP_UNPROTECTED);
  return TRUE;
}

static gboolean open_envelope(Unwrapping *run, GError **error) {
  switch (run->options->feed->source.envelope) {
  case CONF_ENVELOPE_OPENPGP:
    return decrypt(run, error);
  case CONF_ENVELOPE_DETACHED:
    return verify(run, error);
  case CONF_ENVELOPE_NONE:
    return take_unprotected(run, error);
  }
  return sallyport_error_set(error, SALLYPORT_ERROR_BUG, "no such envelope");
}

enum { RATIO_FREE = 1 << 20 }; /* below it no ratio is too high */

/* Two layers, each within the limit, may be over it together. */
static gboolean is_too_dense(const Unwrapping *run) {
  guint64 size = run->found->size;
  return size > RATIO_FREE && size / MAX(run->options->feed->ratio_limit, 1) > run->fetched_size;
}

static gboolean finish(Unwrapping *run, GError **error) {
  Unwrapped *found = run->found;
  guint8 digest[DIGEST_SHA256_SIZE];
  if (is_too_dense(run)) {
    g_clear_pointer(&found->trust, g_free);
    g_clear_pointer(&found->sha256, g_free);
    return refuse_content(run, packing_code(PACKING_TOO_DENSE), packing_word(PACKING_TOO_DENSE), "not-unpacked");
  }
  if (!found->sha256) {
    if (!digest_file_sha256(run->at, 0, G_MAXUINT64, digest, &found->size, error))
      return FALSE;
    found->sha256 = digest_hex(digest, sizeof digest);
  }
  found->trusted = TRUE;
  found->plaintext = run->at;
  run->at = -1;
  return TRUE;
}

static gboolean unwrap_layers(Unwrapping *run, GError **error) {
  const ConfSourceFolder *source = &run->options->feed->source;
  guint64 allowance = source->envelope == CONF_ENVELOPE_OPENPGP ? 1 << 20 : 0;
  if (source->outer_packing != CONF_PACK_NONE && !unpack(run, source->outer_packing, allowance, error))
    return FALSE;
  if (run->found->code)
    return TRUE;
  if (!open_envelope(run, error))
    return FALSE;
  if (run->found->code || source->inner_packing == CONF_PACK_NONE)
    return run->found->code ? TRUE : finish(run, error);
  g_clear_pointer(&run->found->sha256, g_free); /* the plaintext is what comes out of the inner packing */
  g_autofree char *trust = g_steal_pointer(&run->found->trust);
  if (!unpack(run, source->inner_packing, 0, error))
    return FALSE;
  if (run->found->code)
    return TRUE;
  run->found->trust = g_steal_pointer(&trust);
  return finish(run, error);
}

gboolean unwrap(const UnwrapOptions *options, Unwrapped *unwrapped, GError **error) {
  *unwrapped = (Unwrapped){.plaintext = -1};
  Unwrapping run = {.options = options, .found = unwrapped, .at = fcntl(options->fetched, F_DUPFD_CLOEXEC, 3)};
  if (run.at < 0)
    return sallyport_error_errno(error, errno, "duplicate a descriptor");
  gboolean ok = files_size(run.at, &run.fetched_size, error) && unwrap_layers(&run, error);
  if (run.at >= 0)
    close(run.at);
  return ok;
}

void unwrapped_clear(Unwrapped *unwrapped) {
  g_clear_pointer(&unwrapped->code, g_free);
  g_clear_pointer(&unwrapped->reason, g_free);
  g_clear_pointer(&unwrapped->trust, g_free);
  g_clear_pointer(&unwrapped->signer, g_free);
  g_clear_pointer(&unwrapped->sha256, g_free);
  if (unwrapped->plaintext >= 0)
    close(unwrapped->plaintext);
  unwrapped->plaintext = -1;
}
