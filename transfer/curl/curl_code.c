#include "transfer/curl/curl_link.h"
#include "gateway/base/files.h"
#include <string.h>

SallyportErrorCode curl_code(CURLcode code, guint reply) {
  switch (code) {
  /* the peer is not who it should be, or does not protect what we say, or does not let us in */
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_USE_SSL_FAILED:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_LOGIN_DENIED:
  case CURLE_AUTH_ERROR:
    return reply / 100 == 4 ? SALLYPORT_ERROR_AGAIN : SALLYPORT_ERROR_LOGIN; /* 421 to USER: too many connections */
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_SSL_CLIENTCERT:
    return SALLYPORT_ERROR_CONFIGURATION;
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_FAILED_INIT:
  case CURLE_NOT_BUILT_IN:
  case CURLE_BAD_FUNCTION_ARGUMENT:
  case CURLE_UNKNOWN_OPTION:
  case CURLE_SETOPT_OPTION_SYNTAX:
  case CURLE_RECURSIVE_API_CALL:
    return SALLYPORT_ERROR_BUG;
  /* an answer that says no; with 4yz, FTP's "not now" */
  case CURLE_REMOTE_ACCESS_DENIED:
  case CURLE_QUOTE_ERROR:
  case CURLE_FTP_COULDNT_RETR_FILE:
  case CURLE_UPLOAD_FAILED:
  case CURLE_REMOTE_FILE_NOT_FOUND:
  case CURLE_REMOTE_FILE_EXISTS:
  case CURLE_FTP_COULDNT_SET_TYPE:
  case CURLE_FTP_COULDNT_USE_REST:
    return reply / 100 == 4 ? SALLYPORT_ERROR_AGAIN : reply == 530 ? SALLYPORT_ERROR_LOGIN : SALLYPORT_ERROR_PARTNER;
  /* answers that are none */
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_FTP_WEIRD_PASS_REPLY:
  case CURLE_FTP_WEIRD_PASV_REPLY:
  case CURLE_FTP_WEIRD_227_FORMAT:
  case CURLE_RANGE_ERROR:
  case CURLE_BAD_CONTENT_ENCODING:
  case CURLE_FILESIZE_EXCEEDED:
  case CURLE_TOO_MANY_REDIRECTS:
    return SALLYPORT_ERROR_PARTNER;
  default: /* connections, time-outs, early ends, TLS that breaks off, 452 and 552 (no space there), memory: another try
              may do */
    return SALLYPORT_ERROR_AGAIN;
  }
}

gboolean curl_link_failed(CurlLink *link, CURLcode code, guint reply, const char *what, GError **error) {
  if (link->failure) {
    g_propagate_prefixed_error(error, g_steal_pointer(&link->failure), "%s: ", what);
    return FALSE;
  }
  const char *words = link->problem[0] ? link->problem : curl_easy_strerror(code);
  g_autofree char *shown = files_show_bytes(words, strlen(words), 300);
  return sallyport_error_set(error, curl_code(code, reply), "%s: %s (libcurl %d)", what, shown, (int)code);
}
