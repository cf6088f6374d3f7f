/* The one error domain. Its codes are what the caller does about it, not what went wrong: the message says that, and
 * where (file:line, partner, remote path), and what to do. Each library's own codes are mapped to these in one function
 * of the room that uses the library. Every room may include gateway/base; it is the only thing that they share. */
#pragma once
#include <glib.h>

#define SALLYPORT_ERROR sallyport_error_quark()
GQuark sallyport_error_quark(void);

typedef enum {
  SALLYPORT_ERROR_AGAIN,         /* try again later: network, a busy store, no space */
  SALLYPORT_ERROR_PARTNER,       /* the partner's server refuses or misbehaves; trying again soon will not help */
  SALLYPORT_ERROR_LOGIN,         /* host key or login refused: a breaker, never a plain retry */
  SALLYPORT_ERROR_FILE,          /* this file's fault: the partner is told */
  SALLYPORT_ERROR_CONFIGURATION, /* the operator must change something */
  SALLYPORT_ERROR_UNCERTAIN,     /* an effect outside may or may not have happened: look before repeating it */
  SALLYPORT_ERROR_STORAGE,       /* our disk or store cannot be trusted any more (EIO, fsync failed): the lane stops */
  SALLYPORT_ERROR_BUG,           /* an invariant does not hold */
} SallyportErrorCode;

/* The code as a word for logs and JSON: "again", "partner", … Static text. */
const char *sallyport_error_word(int code);

/* The code of an error of any domain: errors of other domains count as SALLYPORT_ERROR_BUG. */
SallyportErrorCode sallyport_error_code(const GError *error);

/* Sets *error from errno: ENOSPC, EDQUOT, EAGAIN, EMFILE, ENOMEM are AGAIN; EIO, EROFS are STORAGE; all else BUG.
 * Always returns false, so that a caller can `return sallyport_error_errno(error, errno, "…", …);`. */
gboolean sallyport_error_errno(GError **error, int number, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same for any code of the domain; always returns false. */
gboolean sallyport_error_set(GError **error, SallyportErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);
