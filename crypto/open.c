/* Opens a message: outline, gpg, evidence, verdict. The order of things: the ciphertext's first part is outlined, which
 * refuses what is no encrypted message without gpg; then gpg runs, fed by read_ciphertext() and drained by
 * take_plaintext(); then our own side's faults are told from the message's; only what remains is judged. Of a message
 * that was sent as text gpg runs once more, to see what it took out of it (recount()). */
#include "gateway/base/digest.h"
#include "crypto/gpg.h"
#include "crypto/home.h"
#include "crypto/literal.h"
#include "crypto/openpgp.h"
#include "crypto/results.h"
#include "crypto/seen.h"
#include "crypto/verdict.h"
#include "gateway/base/files.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SIZE_LIMIT ((guint64)16 << 30)
#define DEFAULT_RATIO_LIMIT 200
#define RATIO_FREE ((guint64)1 << 20) /* below it no ratio is too high: a file of zeros is no attack */
#define FIRST_LOOK (64 * 1024)

typedef struct {
  const OpenpgpOpenOptions *options;
  GpgRun *run;
  int ciphertext, plaintext;
  guint64 ciphertext_size, plaintext_size, size_limit, ratio_limit;
  Digest *digest;
  Evidence evidence;
  ResultsClock clock;
  Literal *literal; /* of the second run */
  const char *seen; /* of what is no message */
  char *log;        /* gpg's, of a run that ended without a word on the message */
  GError *error;    /* of our own reading or writing */
} Opening;

static gssize read_piece(Opening *opening, void *into, gsize limit) {
  ssize_t got;
  do
    got = pread(opening->ciphertext, into, limit, (off_t)opening->ciphertext_size);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    sallyport_error_errno(&opening->error, errno, "read of the ciphertext");
  else
    opening->ciphertext_size += (guint64)got;
  return got;
}

/* gpg gets the packets, without their armour. */
static gssize read_ciphertext(gpointer user, void *into, gsize limit) {
  Opening *opening = user;
  Outline *outline = &opening->evidence.outline;
  for (;;) {
    gssize got = read_piece(opening, into, limit);
    if (got <= 0)
      return got;
    gboolean is_text = outline->form == OUTLINE_EMPTY && !(*(const guint8 *)into & 0x80);
    if (!is_text && outline->form != OUTLINE_ARMOR) {
      outline_feed(outline, into, (gsize)got);
      return got;
    }
    g_autofree guint8 *text = g_memdup2(into, (gsize)got);
    gsize decoded = outline_feed_decoding(outline, text, (gsize)got, into);
    if (decoded > 0)
      return (gssize)decoded;
  }
}

/* What is over a limit is not written: the plaintext file never grows past the cap. */
static gboolean is_over_a_limit(Opening *opening, gsize length) {
  guint64 size = opening->plaintext_size + length;
  opening->evidence.over_size = size > opening->size_limit;
  opening->evidence.over_ratio = size > RATIO_FREE && size / opening->ratio_limit > opening->ciphertext_size;
  return opening->evidence.over_size || opening->evidence.over_ratio;
}

static gboolean take_plaintext(gpointer user, const void *bytes, gsize length) {
  Opening *opening = user;
  gsize done = 0;
  if (opening->error || is_over_a_limit(opening, length))
    return FALSE;
  while (done < length) {
    ssize_t put = pwrite(opening->plaintext, (const char *)bytes + done, length - done,
                         (off_t)(opening->plaintext_size + done));
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return sallyport_error_errno(&opening->error, errno, "write of the plaintext");
    done += (gsize)put;
  }
  digest_update(opening->digest, bytes, length);
  opening->plaintext_size += length;
  opening->evidence.delivered = opening->plaintext_size;
  return TRUE;
}

/* gpg may end without reading on; the outline needs the rest. */
static gboolean outline_the_rest(Opening *opening) {
  g_autofree guint8 *bytes = g_malloc(FIRST_LOOK);
  gssize got;
  while ((got = read_ciphertext(opening, bytes, FIRST_LOOK)) > 0)
    ;
  outline_end(&opening->evidence.outline);
  return got == 0;
}

static void see_status(gpointer user, const char *keyword, const char *arguments) {
  results_see_status(&((Opening *)user)->evidence, keyword, arguments);
}

static void see_results(Opening *opening, gpgme_ctx_t context) {
  gpgme_decrypt_result_t decrypted = gpgme_op_decrypt_result(context);
  results_see(&opening->evidence, context, opening->options->signed_by);
  opening->evidence.unprotected |= decrypted && decrypted->legacy_cipher_nomdc;
}

/* The verdict that the outline of the first part gives. A file shorter than that part is outlined to its end. */
static gboolean first_look(Opening *opening, gboolean *hopeless, OpenpgpReason *reason, GError **error) {
  g_autofree guint8 *bytes = g_malloc(FIRST_LOOK);
  gsize length = 0;
  Outline outline;
  outline_init(&outline);
  while (length < FIRST_LOOK) {
    ssize_t got = pread(opening->ciphertext, bytes + length, FIRST_LOOK - length, (off_t)length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return sallyport_error_errno(error, errno, "read of the ciphertext");
    if (got == 0)
      break;
    length += (gsize)got;
  }
  outline_feed(&outline, bytes, length);
  if (length < FIRST_LOOK)
    outline_end(&outline);
  *hopeless = evidence_is_hopeless(&outline, reason);
  if (!*hopeless && outline.body == OUTLINE_AEAD && opening->evidence.is_aead_doubtful) {
    *hopeless = TRUE;
    *reason = OPENPGP_REASON_AEAD;
  }
  if (*hopeless)
    opening->evidence.outline = outline;
  opening->seen = *hopeless && *reason == OPENPGP_REASON_NOT_OPENPGP ? seen_as(bytes, length) : NULL;
  return TRUE;
}

/* What went wrong on our own side, and is no word about the message. With one key that opened it, no trouble with
 * another one counts. */
static gboolean check_our_side(Opening *opening, gpgme_error_t outcome, GError **error) {
  const Evidence *evidence = &opening->evidence;
  const char *home = opening->options->home;
  const GError *passphrase = gpg_run_passphrase_trouble(opening->run);
  SallyportErrorCode code = SALLYPORT_ERROR_CONFIGURATION;
  if (opening->error) {
    g_propagate_error(error, g_steal_pointer(&opening->error));
    return FALSE;
  }
  if (evidence_is_settled(evidence) || evidence->decryptions_okay > 0)
    return TRUE;
  if (passphrase && !evidence->session_key_found) {
    g_propagate_error(error, g_error_copy(passphrase));
    return FALSE;
  }
  if (evidence->our_fault) {
    (void)gpg_error_is_ours(evidence->our_fault, &code);
    return sallyport_error_set(error, code, "the decryption key of %s cannot be used: %s", home,
                               gpgme_strerror(evidence->our_fault));
  }
  return !evidence_is_cut_short(evidence) || results_no_answer(home, outcome, error);
}

static gboolean is_our_key(const GPtrArray *keys, const char *key_id, gpgme_pubkey_algo_t algorithm, gboolean *any) {
  for (guint i = 0; i < keys->len; i++) {
    gpgme_key_t key = keys->pdata[i];
    for (gpgme_subkey_t subkey = key->subkeys; subkey; subkey = subkey->next) {
      *any |= subkey->secret;
      if (subkey->secret && subkey->pubkey_algo == algorithm && g_ascii_strcasecmp(subkey->keyid, key_id) == 0)
        return TRUE;
    }
  }
  return FALSE;
}

/* gpg says "no secret key" also when its agent cannot be reached or the home is empty. A partner must not get a good
 * file back for that, so the recipients are looked for among our secret keys before it becomes a verdict. */
static gboolean check_missing_key(Opening *opening, gpgme_ctx_t context, GError **error) {
  const char *home = opening->options->home;
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)gpgme_key_unref);
  GpgRunOptions listing = {.home = home, .deadline = 60, .keys = keys};
  g_autoptr(GpgRun) run = gpg_run_new(&listing, error);
  gpgme_error_t outcome;
  gboolean any = FALSE;
  if (!run)
    return FALSE;
  gpgme_set_keylist_mode(gpg_run_context(run),
                         GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_WITH_SECRET | GPGME_KEYLIST_MODE_WITH_KEYGRIP);
  if (!gpg_run_wait(run, gpgme_op_keylist_start(gpg_run_context(run), NULL, 0), &outcome, error))
    return FALSE;
  for (guint i = 0; i < keys->len; i++)
    if (home_keeps_secret_of(home, keys->pdata[i]))
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "gpg-agent for %s does not answer", home);
  gpgme_decrypt_result_t decrypted = gpgme_op_decrypt_result(context);
  for (gpgme_recipient_t to = decrypted ? decrypted->recipients : NULL; to; to = to->next)
    if (is_our_key(keys, to->keyid, to->pubkey_algo, &any))
      return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the key %s is in %s, but gpg could not use it",
                                 to->keyid, home);
  (void)is_our_key(keys, "", GPGME_PK_RSA, &any);
  if (!any)
    return sallyport_error_set(error, SALLYPORT_ERROR_CONFIGURATION,
                               "%s holds no secret key, or its gpg-agent cannot be reached", home);
  return TRUE;
}

/* What is known of the message itself, for people. */
static char *hint_of(const Opening *opening, OpenpgpReason reason) {
  const Evidence *evidence = &opening->evidence;
  const Outline *outline = &evidence->outline;
  g_autoptr(GString) text = g_string_new(opening->seen ? opening->seen : "");
  const char *comma = opening->seen ? ", " : "";
  if (evidence->over_size)
    g_string_append_printf(text, "%smore than %" G_GUINT64_FORMAT " bytes", comma, opening->size_limit);
  else if (evidence->over_ratio)
    g_string_append_printf(text, "%sexpands more than %" G_GUINT64_FORMAT " times", comma, opening->ratio_limit);
  else if (reason == OPENPGP_REASON_AEAD)
    g_string_append(text, "encrypted by AEAD (OCB), which GnuPG before 2.3 cannot vouch for: let the partner encrypt "
                          "without it (gpg --rfc4880), or run this on a system with GnuPG 2.4");
  else if (outline->body == OUTLINE_AEAD_RFC9580)
    g_string_append_printf(text, "%sencrypted in a format (RFC 9580) that gpg does not read", comma);
  else if (reason == OPENPGP_REASON_TEXT)
    g_string_append(text, "it was sent as text, and gpg takes carriage returns out of text: let the partner send it as "
                          "binary (no --textmode)");
  else if (evidence->signature == SIGNATURE_BAD && evidence->is_text)
    g_string_append(text, "it is signed as text, which programs spell differently: let the partner sign it as binary");
  else if (outline->form == OUTLINE_ARMOR && reason == OPENPGP_REASON_TRUNCATED)
    g_string_append(text, "the armour's END line was not reached");
  else if (outline->beside)
    g_string_append_printf(text, "bytes beside the message%s",
                           outline->form == OUTLINE_ARMOR ? ": text behind the armour" : "");
  else if (evidence->asked_passphrase || (outline->passphrase_sessions && !outline->public_key_sessions))
    g_string_append(text, "encrypted with a passphrase");
  else if (evidence->gave_up && opening->log)
    g_string_append(text, opening->log);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static void conclude(Opening *opening, gpgme_error_t outcome, OpenpgpOpened *opened) {
  guint8 digest[DIGEST_SHA256_SIZE];
  opened->verdict = evidence_judge(&opening->evidence, &opened->reason);
  opened->plaintext_size = opening->plaintext_size;
  g_strlcpy(opened->signer, opening->evidence.signer, sizeof opened->signer);
  opened->signed_at = opening->evidence.signed_at;
  digest_finish(g_steal_pointer(&opening->digest), digest);
  if (opened->verdict == OPENPGP_TRUSTED)
    memcpy(opened->sha256, digest, sizeof digest);
  opened->is_text = opened->verdict == OPENPGP_TRUSTED && opening->evidence.pairs > 0;
  opened->is_weak = opened->verdict == OPENPGP_TRUSTED && evidence_weak_digest(opening->evidence.digest);
  g_autofree char *hint = hint_of(opening, opened->reason);
  results_explain(&opening->evidence, opening->options, outcome, hint, opened);
}

static gboolean count_literal(gpointer user, const void *bytes, gsize length) {
  return literal_feed(((Opening *)user)->literal, bytes, length);
}

static GpgRun *new_run(Opening *opening, GpgSink sink, GpgStatus status, GError **error) {
  GpgRunOptions run = {.home = opening->options->home,
                       .passphrase_file = opening->options->passphrase_file,
                       .goes_on_without_passphrase = TRUE,
                       .deadline = opening->options->deadline,
                       .source = read_ciphertext,
                       .sink = sink,
                       .status = status,
                       .user = opening};
  return gpg_run_new(&run, error);
}

/* Of text whose length gpg does not tell, or that lost something: which line ends had it? Decrypted once more, without
 * reading what is inside. What cannot be counted stays refused. */
static gboolean recount(Opening *opening, GError **error) {
  gpgme_error_t outcome = 0;
  Evidence evidence = opening->evidence;
  LiteralCounts counts;
  g_autoptr(GpgRun) run = new_run(opening, count_literal, NULL, error);
  if (!run)
    return FALSE;
  opening->ciphertext_size = 0;
  outline_init(&opening->evidence.outline);
  opening->literal = literal_new();
  gboolean ran = gpg_run_wait(
      run,
      gpgme_op_decrypt_ext_start(gpg_run_context(run), GPGME_DECRYPT_UNWRAP, gpg_run_input(run), gpg_run_output(run)),
      &outcome, error);
  evidence.returns_counted = ran && outcome == 0 && literal_counts(opening->literal, &counts);
  literal_free(opening->literal);
  opening->evidence = evidence; /* the outline was fed a second time */
  if (evidence.returns_counted) {
    opening->evidence.pairs = counts.pairs;
    opening->evidence.lone_returns = counts.lone_returns;
    opening->evidence.bare_feeds = counts.bare_feeds;
  }
  if (opening->error) {
    g_propagate_error(error, g_steal_pointer(&opening->error));
    return FALSE;
  }
  return ran;
}

static gboolean judge_opening(Opening *opening, gpgme_error_t outcome, OpenpgpOpened *opened, GError **error) {
  gpgme_ctx_t context = gpg_run_context(opening->run);
  OpenpgpReason reason;
  see_results(opening, context);
  (void)evidence_judge(&opening->evidence, &reason);
  if (reason == OPENPGP_REASON_TEXT && !recount(opening, error))
    return FALSE;
  if (results_are_out_of_time(&opening->evidence, &opening->clock))
    return sallyport_error_set(error, SALLYPORT_ERROR_AGAIN, "the clock was set while gpg for %s ran",
                               opening->options->home);
  conclude(opening, outcome, opened);
  return opened->reason != OPENPGP_REASON_NO_SECRET_KEY || check_missing_key(opening, context, error);
}

/* *is_unclear: gpg ended without a word on the message, and its log (opening->log) does not say whose fault that was.
 */
static gboolean open_with_gpg(Opening *opening, OpenpgpOpened *opened, gboolean *is_unclear, GError **error) {
  gpgme_error_t outcome = 0;
  g_autoptr(GError) failure = NULL;
  GpgRun *run = opening->run;
  gpgme_error_t started = gpgme_op_decrypt_verify_start(gpg_run_context(run), gpg_run_input(run), gpg_run_output(run));
  gboolean ran = gpg_run_wait(run, started, &outcome, &failure);
  if (!ran && !opening->error) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  gboolean stopped = opening->error || opening->evidence.over_size || opening->evidence.over_ratio;
  if (!stopped)
    (void)outline_the_rest(opening); /* a failure is in opening->error */
  opening->evidence.gpgme_error = gpg_err_code(outcome);
  if (!opening->error && evidence_is_cut_short(&opening->evidence)) {
    opening->log = gpg_run_diagnostics(opening->run);
    *is_unclear = evidence_log(&opening->evidence, opening->log) == LOG_UNCLEAR;
  }
  return check_our_side(opening, outcome, error) && judge_opening(opening, outcome, opened, error);
}

static gboolean open_once(Opening *opening, OpenpgpOpened *opened, gboolean *is_unclear, GError **error) {
  opening->run = new_run(opening, take_plaintext, see_status, error);
  if (!opening->run)
    return FALSE;
  opening->clock = results_begin(opening->options, &opening->evidence);
  outline_init(&opening->evidence.outline);
  opening->digest = digest_new_sha256();
  gboolean reached = open_with_gpg(opening, opened, is_unclear, error);
  digest_free(opening->digest);
  g_clear_error(&opening->error);
  gpg_run_free(opening->run);
  return reached;
}

/* A gpg that ends in the same way, with the same log, over the same bytes ends so because of them. */
static gboolean open_again(Opening *first, OpenpgpOpened *opened, GError **error) {
  Opening second = *first;
  second.evidence = (Evidence){.is_aead_doubtful = first->evidence.is_aead_doubtful};
  second.ciphertext_size = second.plaintext_size = 0;
  second.log = NULL;
  ResultsAgain again = {.evidence = &second.evidence, .first_log = first->log};
  again.reached = open_once(&second, opened, &again.is_unclear, &again.failure);
  again.log = second.log;
  return results_of_again(&again, first->options, opened, error);
}

gboolean openpgp_open(const OpenpgpOpenOptions *options, int ciphertext, int plaintext, OpenpgpOpened *opened,
                      GError **error) {
  gboolean hopeless = FALSE, is_unclear = FALSE;
  g_autoptr(GError) failure = NULL;
  Opening opening = {
      .options = options,
      .ciphertext = ciphertext,
      .plaintext = plaintext,
      .size_limit = options->size_limit ? options->size_limit : DEFAULT_SIZE_LIMIT,
      .ratio_limit = options->ratio_limit ? options->ratio_limit : DEFAULT_RATIO_LIMIT,
      .evidence = {.is_aead_doubtful = !home_gpg_vouches_for_aead()},
  };
  memset(opened, 0, sizeof *opened);
  if (!results_check_pins(options, error) || !first_look(&opening, &hopeless, &opened->reason, error))
    return FALSE;
  if (hopeless) {
    g_autofree char *hint = hint_of(&opening, opened->reason);
    results_explain(&opening.evidence, options, 0, hint, opened);
    return TRUE;
  }
  gboolean reached = open_once(&opening, opened, &is_unclear, &failure);
  if (!reached && is_unclear)
    reached = open_again(&opening, opened, error);
  else if (!reached)
    g_propagate_error(error, g_steal_pointer(&failure));
  g_free(opening.log);
  if (!reached) /* nothing that looks like a verdict stays behind an error */
    memset(opened, 0, sizeof *opened);
  return reached;
}
