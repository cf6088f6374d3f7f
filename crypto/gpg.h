/* One run of gpg under GPGME: a context for this home, our own event loop around it, a deadline, and gpg's status
 * lines. Private to crypto/: no other room includes this.
 *
 * Why a loop of our own (gpgme_set_io_cbs): the loop of GPGME has no deadline, and GPGME hides gpg's process id (it
 * forks twice, so that gpg is nobody's child and leaves no zombie). Here every pipe to gpg is seen as it is registered;
 * it is made larger, and its inode later tells which process is at its other end and has to be killed. */
#pragma once
#include "gateway/base/error.h"
#include <gpgme.h>

typedef void (*GpgStatus)(gpointer user, const char *keyword, const char *arguments);

/* Where gpg's input comes from: the number of bytes, 0 at the end, -1 on a failure that the source has recorded. */
typedef gssize (*GpgSource)(gpointer user, void *into, gsize limit);
/* Where gpg's output goes. FALSE on a failure that the sink has recorded. */
typedef gboolean (*GpgSink)(gpointer user, const void *bytes, gsize length);

typedef struct {
  const char *home;
  const char *signer;          /* of a sealing: contexts are kept with their signer, and reused for the same one only */
  const char *passphrase_file; /* NULL: a key that asks for one is CONFIGURATION */
  /* A key whose passphrase we do not have fails alone, and gpg goes on to the next one; gpg_run_passphrase_trouble()
   * tells of it. Else it ends the run. */
  gboolean goes_on_without_passphrase;
  guint deadline; /* seconds for the whole run; 0: 3600 */
  GpgSource source;
  GpgSink sink;
  GpgStatus status;       /* called for each status line; may be NULL */
  gpointer user;          /* of the three */
  gboolean other_program; /* the operation is gpgme_op_spawn_start(): gpgconf */
  GPtrArray *keys;        /* of a listing: where the keys (gpgme_key_t, references) go */
} GpgRunOptions;

typedef struct GpgRun GpgRun;

/* CONFIGURATION when the home is missing, not ours or has too long a path, or gpg is missing. */
GpgRun *gpg_run_new(const GpgRunOptions *options, GError **error);
gpgme_ctx_t gpg_run_context(GpgRun *run);

/* The data objects of the operation, over source and sink. */
gpgme_data_t gpg_run_input(GpgRun *run);
gpgme_data_t gpg_run_output(GpgRun *run);

/* Carries what gpgme_op_…_start() began (its return is `started`) to its end. TRUE: gpg ran, and *outcome is GPGME's
 * word on it; also when the source or the sink failed, gpg is killed then. FALSE: deadline, no process or memory
 * (AGAIN), no gpg, an unreadable passphrase file (CONFIGURATION); gpg is dead then. */
gboolean gpg_run_wait(GpgRun *run, gpgme_error_t started, gpgme_error_t *outcome,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Why a passphrase could not be given; NULL: none was missing. Borrowed. */
const GError *gpg_run_passphrase_trouble(const GpgRun *run);

/* What gpg wrote for people during the last operation; NULL if it cannot be had. The caller frees. */
char *gpg_run_diagnostics(GpgRun *run);

/* Results of the context die with it: read them first. */
void gpg_run_free(GpgRun *run);

/* The one mapping of GPGME's errors that are our own side's fault to our domain; FALSE and nothing set for the others,
 * which are about the message or the keys. */
gboolean gpg_error_is_ours(gpgme_error_t code, SallyportErrorCode *ours);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GpgRun, gpg_run_free)
