/* The front: how it listens, and how requesters reach it. */
#include "conf/build.h"
#include "conf/url.h"
#include "conf/value.h"
#include <arpa/inet.h>
#include <string.h>

typedef enum { LISTEN_WRONG, LISTEN_LOOPBACK, LISTEN_OPEN } Listen;

/* ADDRESS:PORT, both numeric: whether it is reached from outside must be plain to see. */
static Listen read_listen(const char *text) {
  const char *colon = strrchr(text, ':');
  guint64 port = 0;
  if (colon == NULL || !value_number(colon + 1, &port) || port < 1 || port > 65535)
    return LISTEN_WRONG;
  struct in_addr four;
  struct in6_addr six;
  gsize length = (gsize)(colon - text);
  g_autofree char *address = g_strndup(text, length);
  if (inet_pton(AF_INET, address, &four) == 1)
    return (ntohl(four.s_addr) >> 24) == 127 ? LISTEN_LOOPBACK : LISTEN_OPEN;
  if (length < 2 || *address != '[' || address[length - 1] != ']')
    return LISTEN_WRONG;
  address[length - 1] = '\0';
  if (inet_pton(AF_INET6, address + 1, &six) != 1)
    return LISTEN_WRONG;
  return IN6_IS_ADDR_LOOPBACK(&six) ? LISTEN_LOOPBACK : LISTEN_OPEN;
}

static void build_listen(const Section *section, ConfFront *front) {
  section_require(section, "listen", "the address and port, as \"[::]:8443\" or \"0.0.0.0:8443\"");
  front->listen = section_text(section, "listen");
  if (front->listen == NULL)
    return;
  Listen kind = read_listen(front->listen);
  if (kind == LISTEN_WRONG)
    section_error(section, "listen",
                  "'listen' must be an address and a port, as \"0.0.0.0:8443\", \"[::]:8443\" or \"127.0.0.1:8443\"");
  if (kind == LISTEN_OPEN && front->clear_text)
    section_warning(
        section, "listen",
        "'listen': what goes over this address is not encrypted; a proxy on this machine reaches 127.0.0.1");
}

static void build_front_tls(const Section *section, ConfFront *front) {
  static const char *const options[] = {"certificate-file", "private-key-file", "client-ca-file"};
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    section_only_with(section, options[i], !front->clear_text, "TLS, which clear-text = yes turns off");
  if (!front->clear_text) {
    section_require(section, "certificate-file",
                    "the certificate that requesters check (PEM, with those between it and its root)");
    section_require(section, "private-key-file", "the certificate's private key");
  }
  front->certificate_file = section_file(section, "certificate-file");
  front->private_key_file = section_file(section, "private-key-file");
  front->client_ca_file = section_file(section, "client-ca-file");
}

static void build_front_url(const Section *section, ConfFront *front) {
  section_require(section, "url", "how requesters reach the front, as \"https://files.example\": manifests hold it");
  g_autofree char *text = section_text(section, "url");
  if (text == NULL)
    return;
  Url url;
  const char *problem = url_read(text, &url);
  if (problem != NULL)
    section_error(section, "url", "'url': %s", problem);
  else if (url_has_folders(url.scheme) || url.user != NULL)
    section_error(section, "url", "'url' must be https:// (or http://), a host and perhaps a path, without a user");
  else if (url.scheme == CONF_URL_HTTP && !front->clear_text)
    section_error(section, "url", "'url' is http://, and the front speaks TLS");
  url_clear(&url);
  gsize length = strlen(text);
  if (length > 0 && text[length - 1] == '/')
    text[length - 1] = '\0';
  front->url = g_steal_pointer(&text);
}

void build_front(const Section *root, ConfFront *front) {
  Section section;
  if (!section_inner(root, "front", &section))
    return;
  front->where = section_where(&section, NULL);
  front->present = TRUE;
  front->clear_text = section_yes(&section, "clear-text", FALSE);
  build_listen(&section, front);
  build_front_tls(&section, front);
  build_front_url(&section, front);
  front->connections = section_number(&section, "connections", (Range){.otherwise = 256, .least = 1, .most = 10000});
  front->connections_per_address = section_number(&section, "connections-per-address",
                                                  (Range){.otherwise = 16, .least = 1, .most = 10000});
  front->timeout = section_seconds(&section, "timeout", (Range){.otherwise = 30, .least = 1, .most = 3600});
}
