/* What opening a message and verifying a detached signature have in common around a run of gpg: whom we trust, GPGME's
 * word beside ours, our clock, and the sentence for people. Private to crypto/. */
#pragma once
#include "crypto/gpg.h"
#include "crypto/verdict.h"

/* CONFIGURATION unless signed_by names at least one key, all by full fingerprints. */
gboolean results_check_pins(const OpenpgpOpenOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The options and the clock as evidence; then, on each status line, the line and the clock again. */
typedef struct {
  gint64 wall, monotonic; /* µs, at the beginning */
} ResultsClock;
ResultsClock results_begin(const OpenpgpOpenOptions *options, Evidence *evidence);
void results_see_status(Evidence *evidence, const char *keyword, const char *arguments);

/* GPGME's own reading of the same status lines has to agree with ours. */
void results_see(Evidence *evidence, gpgme_ctx_t context, const char *const *signed_by);

/* The clock was set while gpg ran, and what it said of a signature may come of that alone. */
gboolean results_are_out_of_time(const Evidence *evidence, const ResultsClock *clock);

/* gpg ended without a word: AGAIN when that is our side's doing, CONFIGURATION when it cannot work at all. */
gboolean results_no_answer(const char *home, gpgme_error_t outcome, GError **error);

/* The second run over the same bytes, after one that ended without an answer: if it ends in the same way with the same
 * log, it ends so because of the bytes, and *opened says so. Else it is what the second run came to. */
typedef struct {
  gboolean reached, is_unclear;
  const Evidence *evidence;
  const char *first_log; /* gpg's; NULL: none */
  char *log;             /* of the second run; taken */
  GError *failure;       /* when it has not reached a verdict; taken */
} ResultsAgain;
gboolean results_of_again(const ResultsAgain *again, const OpenpgpOpenOptions *options, OpenpgpOpened *opened,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reasons speak for themselves; this adds who, which digest, what to do, and what gpg's own error was. */
void results_explain(const Evidence *evidence, const OpenpgpOpenOptions *options, gpgme_error_t outcome,
                     const char *hint, OpenpgpOpened *opened);
