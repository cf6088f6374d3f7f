#include "gateway/base/error.h"
#include <errno.h>

/* GLib's own macro for it races, harmlessly, where threads meet their first errors at once. */
GQuark sallyport_error_quark(void) {
  static gsize quark;
  if (g_once_init_enter(&quark)) {
    gsize made = g_quark_from_static_string("sallyport-error");
    g_once_init_leave(&quark, made);
  }
  return (GQuark)quark;
}

const char *sallyport_error_word(int code) {
  static const char *const words[] = {
      [SALLYPORT_ERROR_AGAIN] = "again",
      [SALLYPORT_ERROR_PARTNER] = "partner",
      [SALLYPORT_ERROR_LOGIN] = "login",
      [SALLYPORT_ERROR_FILE] = "file",
      [SALLYPORT_ERROR_CONFIGURATION] = "configuration",
      [SALLYPORT_ERROR_UNCERTAIN] = "uncertain",
      [SALLYPORT_ERROR_STORAGE] = "storage",
      [SALLYPORT_ERROR_BUG] = "bug",
  };
  return code >= 0 && code < (int)G_N_ELEMENTS(words) ? words[code] : "bug";
}

SallyportErrorCode sallyport_error_code(const GError *error) {
  return error && error->domain == SALLYPORT_ERROR ? (SallyportErrorCode)error->code : SALLYPORT_ERROR_BUG;
}

static SallyportErrorCode code_of_errno(int number) {
  switch (number) {
  case ENOSPC:
  case EDQUOT:
  case EAGAIN:
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case EINTR:
  case ENOLCK:
    return SALLYPORT_ERROR_AGAIN;
  case EIO:
  case EROFS:
    return SALLYPORT_ERROR_STORAGE;
  default:
    return SALLYPORT_ERROR_BUG;
  }
}

static void set_valist(GError **error, SallyportErrorCode code, const char *tail, const char *format,
                       va_list arguments) {
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  g_set_error(error, SALLYPORT_ERROR, (int)code, "%s%s%s", text, tail ? ": " : "", tail ? tail : "");
}

gboolean sallyport_error_errno(GError **error, int number, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_valist(error, code_of_errno(number), g_strerror(number), format, arguments);
  va_end(arguments);
  return FALSE;
}

gboolean sallyport_error_set(GError **error, SallyportErrorCode code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  set_valist(error, code, NULL, format, arguments);
  va_end(arguments);
  return FALSE;
}
