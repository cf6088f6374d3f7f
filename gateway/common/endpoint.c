#include "gateway/common/endpoint.h"
#include "gateway/common/paths.h"

static CourierKind kind_of(ConfScheme scheme) {
  switch (scheme) {
  case CONF_URL_FILE:
    return COURIER_LOCAL;
  case CONF_URL_FTP:
  case CONF_URL_FTPS:
    return COURIER_FTP;
  case CONF_URL_HTTP:
  case CONF_URL_HTTPS:
    return COURIER_HTTP;
  case CONF_URL_MAILBOX:
    return COURIER_MAILBOX;
  case CONF_URL_SFTP:
  default:
    return COURIER_SFTP;
  }
}

/* In the clear only where the configuration asks for it in as many words. */
static CourierTls tls_of(const ConfEndpoint *conf) {
  switch (conf->scheme) {
  case CONF_URL_FTPS:
  case CONF_URL_HTTPS:
    return COURIER_TLS_IMPLICIT;
  case CONF_URL_FTP:
    return conf->clear_text ? COURIER_TLS_NONE : COURIER_TLS_EXPLICIT;
  case CONF_URL_MAILBOX:
    return conf->clear_text ? COURIER_TLS_NONE : COURIER_TLS_IMPLICIT;
  case CONF_URL_SFTP:
  case CONF_URL_FILE:
  case CONF_URL_HTTP:
  default:
    return COURIER_TLS_NONE;
  }
}

CourierEndpoint endpoint_of(const ConfPartner *partner, const ConfEndpoint *conf) {
  /* a partner may be called so, too */
  g_autofree char *name = g_strdup_printf("%s%s/%s", partner->is_system ? "system " : "", partner->name, conf->name);
  return (CourierEndpoint){.kind = kind_of(conf->scheme),
                           .name = g_intern_string(name),
                           .host = conf->host,
                           .port = conf->port,
                           .user = conf->user,
                           .host_keys = (const char *const *)conf->host_keys,
                           .identity_file = secret_path(conf->identity_file),
                           .passphrase_file = secret_path(conf->passphrase_file),
                           .password_file = secret_path(conf->password_file),
                           .tls = tls_of(conf),
                           .ca_file = secret_path(conf->ca_file),
                           .tls_keys = (const char *const *)conf->tls_keys,
                           .certificate_file = secret_path(conf->certificate_file),
                           .private_key_file = secret_path(conf->private_key_file),
                           .token_file = secret_path(conf->token_file),
                           .listing_time_zone = conf->listing_time_zone,
                           .folder = conf->folder,
                           .connect_timeout = conf->connect_timeout,
                           .io_timeout = conf->io_timeout};
}
