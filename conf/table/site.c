/* Where alarms go, and the front. */
#include "conf/check/references.h"
#include "conf/read/section.h"
#include "conf/read/url.h"
#include "conf/read/value.h"
#include "conf/table/kinds.h"
#include "conf/table/tables.h"
#include <arpa/inet.h>
#include <string.h>

/* --- Alarms. */

static void check_command(const Section *section, gpointer into) {
  char **command = ((ConfAlarms *)into)->command;
  if (command && (*command[0] != '/' || value_has_dot_dot(command[0])))
    section_error(section, "command",
                  "'command' begins with the program's absolute path; its arguments follow, each a value of its own");
}

static void check_webhook(const Section *section, gpointer into) {
  const ConfAlarms *alarms = into;
  reference_system_endpoint(section, alarms->system, ENDPOINT_WEB, alarms->endpoint);
}

static const Row webhook_rows[] = {
    ROW(ConfAlarms, "system", system, system, .needed = "the inner system that is told"),
    ROW(ConfAlarms, "endpoint", endpoint, name, .needed = "one of the system's endpoints"),
    CHECK(check_webhook),
    ROW(ConfAlarms, "path", path, url_path, .needed = "where alarms are posted to"),
    ROWS_END,
};
static const Table table_webhook = TABLE(ConfAlarms, webhook_rows);

static const Row alarms_rows[] = {
    WHERE(ConfAlarms),
    ROW(ConfAlarms, "command", command, list, .most = 50),
    CHECK(check_command),
    WITHIN("webhook", table_webhook),
    ROW(ConfAlarms, "repeat", repeat, seconds, .otherwise = 3600, .least = 1, .most = 7 * 86400),
    ROW(ConfAlarms, "repeat-limit", repeat_limit, number, .otherwise = 24, .least = 0, .most = 1000),
    ROWS_END,
};
const Table table_alarms = TABLE(ConfAlarms, alarms_rows);

/* --- The front. */

typedef enum { LISTEN_WRONG, LISTEN_LOOPBACK, LISTEN_OPEN } Listen;

/* ADDRESS:PORT, both numeric: whether it is reached from outside must be plain to see. */
static Listen read_listen(const char *text) {
  const char *colon = strrchr(text, ':');
  guint64 port = 0;
  if (!colon || !value_number(colon + 1, &port) || port < 1 || port > 65535)
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

static void check_listen(const Section *section, gpointer into) {
  const ConfFront *front = into;
  if (!front->listen)
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

static void check_tls(const Section *section, gpointer into) {
  if (((ConfFront *)into)->clear_text)
    return;
  section_require(section, "certificate-file",
                  "the certificate that requesters check (PEM, with those between it and its root)");
  section_require(section, "private-key-file", "the certificate's private key");
}

static void check_url(const Section *section, gpointer into) {
  ConfFront *front = into;
  if (!front->url)
    return;
  Url url;
  const char *problem = url_read(front->url, &url);
  if (problem)
    section_error(section, "url", "'url': %s", problem);
  else if (url_has_folders(url.scheme) || url.user)
    section_error(section, "url", "'url' must be https:// (or http://), a host and perhaps a path, without a user");
  else if (url.scheme == CONF_URL_HTTP && !front->clear_text)
    section_error(section, "url", "'url' is http://, and the front speaks TLS");
  url_clear(&url);
  gsize length = strlen(front->url);
  if (length > 0 && front->url[length - 1] == '/')
    front->url[length - 1] = '\0';
}

static void check_proxy(const Section *section, gpointer into) {
  const ConfFront *front = into;
  guint8 address[sizeof(struct in6_addr)];
  for (char **one = front->proxy_addresses; one && *one; one++)
    if (inet_pton(AF_INET, *one, address) != 1 && inet_pton(AF_INET6, *one, address) != 1)
      section_error(section, "proxy-address", "'proxy-address': %s is no IP address", *one);
  section_only_with(section, "certificate-header", front->proxy_addresses != NULL, "proxy-address");
  if (front->proxy_addresses)
    section_require(section, "certificate-header", "the header in which the proxy tells the client's certificate");
}

#define WITH_TLS                                                                                 \
  .only_with = "TLS, which clear-text = yes turns off", .with = offsetof(ConfFront, clear_text), \
  .with_values = 1u << FALSE
static const Row front_rows[] = {
    WHERE(ConfFront),
    PRESENT(ConfFront),
    ROW(ConfFront, "clear-text", clear_text, yes),
    ROW(ConfFront, "listen", listen, text, .needed = "the address and port, as \"[::]:8443\" or \"0.0.0.0:8443\""),
    CHECK(check_listen),
    CHECK(check_tls),
    ROW(ConfFront, "certificate-file", certificate_file, file, WITH_TLS),
    ROW(ConfFront, "private-key-file", private_key_file, file, WITH_TLS),
    ROW(ConfFront, "client-ca-file", client_ca_file, file, WITH_TLS),
    ROW(ConfFront, "proxy-address", proxy_addresses, list, .most = 16),
    CHECK(check_proxy),
    ROW(ConfFront, "certificate-header", certificate_header, name),
    ROW(ConfFront, "url", url, text,
        .needed = "how requesters reach the front, as \"https://files.example\": manifests hold it"),
    CHECK(check_url),
    ROW(ConfFront, "connections", connections, number, .otherwise = 256, .least = 1, .most = 10000),
    ROW(ConfFront, "connections-per-address", connections_per_address, number, .otherwise = 16, .least = 1,
        .most = 10000),
    ROW(ConfFront, "timeout", timeout, seconds, .otherwise = 30, .least = 1, .most = 3600),
    ROW(ConfFront, "metrics-token-sha256", metrics_token_sha256, digests),
    ROWS_END,
};
const Table table_front = TABLE(ConfFront, front_rows);
