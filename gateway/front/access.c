/* Who asks. A token is as good as its entropy: the configuration has only its SHA-256, so that who reads the
 * configuration cannot use it. Every token of every partner is compared, and each comparison takes the same time, so
 * that an answer's time tells nothing. */
#include "gateway/base/digest.h"
#include "gateway/front/front_private.h"
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <string.h>

enum { TOKEN_LIMIT = 1024 };

static gboolean is_same(const char *a, const char *b) {
  guint8 difference = strlen(a) != strlen(b);
  for (gsize i = 0; a[i] && b[i]; i++)
    difference |= (guint8)(g_ascii_tolower(a[i]) ^ g_ascii_tolower(b[i]));
  return difference == 0;
}

static gboolean has(char *const *hashes, const char *hash) {
  gboolean found = FALSE;
  for (; hashes && *hashes; hashes++)
    found |= is_same(*hashes, hash);
  return found;
}

static const ConfPartner *owner_of(const Front *front, const char *token_hash, const char *certificate_hash) {
  const ConfPartner *found = NULL;
  for (guint i = 0; i < front->conf->partners->len; i++) {
    const ConfPartner *partner = front->conf->partners->pdata[i];
    if ((token_hash && has(partner->access.token_sha256, token_hash)) ||
        (certificate_hash && has(partner->access.certificate_sha256, certificate_hash)))
      found = partner;
  }
  return found;
}

static char *hash_of(const void *bytes, gsize length) {
  guint8 digest[DIGEST_SHA256_SIZE];
  digest_sha256(bytes, length, digest);
  return digest_hex(digest, sizeof digest);
}

static char *token_hash(struct MHD_Connection *connection) {
  const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
  if (!value || g_ascii_strncasecmp(value, "Bearer ", 7) != 0 || strlen(value) > TOKEN_LIMIT)
    return NULL;
  const char *token = value + 7 + strspn(value + 7, " ");
  return *token ? hash_of(token, strlen(token)) : NULL;
}

/* Of the client's certificate, when it has one that our CA signed and that is in date; what the handshake let through
 * is not enough. */
static char *certificate_hash(const Front *front, struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = front->client_ca
                                             ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
                                             : NULL;
  guint n = 0, status = 1;
  if (!info || !info->tls_session)
    return NULL;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers(info->tls_session, &n);
  if (!chain || n == 0 || gnutls_certificate_verify_peers2(info->tls_session, &status) != GNUTLS_E_SUCCESS ||
      status != 0)
    return NULL;
  return hash_of(chain[0].data, chain[0].size);
}

static gboolean is_proxy(const Front *front, struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  char *const *addresses = front->conf->front.proxy_addresses;
  for (; info && addresses && *addresses; addresses++) {
    struct in_addr v4;
    struct in6_addr v6;
    const struct sockaddr *peer = info->client_addr;
    if (peer->sa_family == AF_INET && inet_pton(AF_INET, *addresses, &v4) == 1 &&
        memcmp(&v4, &((const struct sockaddr_in *)(gconstpointer)peer)->sin_addr, sizeof v4) == 0)
      return TRUE;
    if (peer->sa_family == AF_INET6 && inet_pton(AF_INET6, *addresses, &v6) == 1 &&
        memcmp(&v6, &((const struct sockaddr_in6 *)(gconstpointer)peer)->sin6_addr, sizeof v6) == 0)
      return TRUE;
  }
  return FALSE;
}

/* The certificate that our proxy has checked, and tells in its header. Who reaches us past it has no such header,
 * whatever it sends. */
static char *told_certificate_hash(const Front *front, struct MHD_Connection *connection) {
  static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
  const char *header = front->conf->front.certificate_header;
  const char *value = header && is_proxy(front, connection)
                          ? MHD_lookup_connection_value(connection, MHD_HEADER_KIND, header)
                          : NULL;
  g_autofree char *pem = value ? g_uri_unescape_string(value, NULL) : NULL;
  char *from = pem ? strstr(pem, begin) : NULL, *to = from ? strstr(from, end) : NULL;
  gsize length = 0;
  if (!to)
    return NULL;
  *to = '\0';
  g_autofree guint8 *der = g_base64_decode(from + strlen(begin), &length);
  return length > 0 ? hash_of(der, length) : NULL;
}

gboolean front_is_watcher(FrontRequest *request) {
  g_autofree char *token = token_hash(request->connection);
  return token && has(request->front->conf->front.metrics_token_sha256, token);
}

gboolean front_is_anybody(FrontRequest *request) {
  (void)request;
  return TRUE;
}

gboolean front_is_requester(FrontRequest *request) {
  g_autofree char *token = token_hash(request->connection),
                  *certificate = certificate_hash(request->front, request->connection);
  if (!certificate)
    certificate = told_certificate_hash(request->front, request->connection);
  request->requester = token || certificate ? owner_of(request->front, token, certificate) : NULL;
  return request->requester != NULL;
}
