#include "conf/read/url.h"
#include "conf/read/value.h"
#include <arpa/inet.h>
#include <string.h>

static const char *const schemes[] = {CONF_SCHEMES(CONF_WORD)};
static const guint ports[] = {[CONF_URL_SFTP] = 22,  [CONF_URL_FILE] = 0,    [CONF_URL_FTP] = 21,
                              [CONF_URL_FTPS] = 990, [CONF_URL_HTTPS] = 443, [CONF_URL_HTTP] = 80,
                              [CONF_URL_MAILBOX] = 443};

const char *url_scheme_word(ConfScheme scheme) {
  return schemes[scheme];
}
gboolean url_has_folders(ConfScheme scheme) {
  return scheme != CONF_URL_HTTP && scheme != CONF_URL_HTTPS;
}

void url_clear(Url *url) {
  g_free(url->user);
  g_free(url->host);
  g_free(url->folder);
  *url = (Url){0};
}

static gboolean is_host_name(const char *text) {
  gsize length = strlen(text);
  if (length == 0 || length > 253 || *text == '-' || *text == '.')
    return FALSE;
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum(*c) && !strchr("-._", *c))
      return FALSE;
  return !strstr(text, "..");
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
static const char *read_host(const char *text, Url *url) {
  const char *port = NULL;
  if (*text == '[') {
    const char *close = strchr(text, ']');
    if (!close || (close[1] != '\0' && close[1] != ':'))
      return "the URL's IPv6 address needs its closing bracket";
    url->host = g_strndup(text + 1, (gsize)(close - text - 1));
    struct in6_addr address;
    if (inet_pton(AF_INET6, url->host, &address) != 1)
      return "what the URL has in brackets is not an IPv6 address";
    port = close[1] == ':' ? close + 2 : NULL;
  } else {
    const char *colon = strchr(text, ':');
    if (colon && strchr(colon + 1, ':'))
      return "an IPv6 address in a URL stands in brackets: sftp://user@[2001:db8::1]:22";
    url->host = !colon ? g_strdup(text) : g_strndup(text, (gsize)(colon - text));
    if (!is_host_name(url->host))
      return "the URL's host must be a name of letters, digits, - and . (others as xn--…), or an address";
    port = !colon ? NULL : colon + 1;
  }
  guint64 number = ports[url->scheme];
  if (port && (!value_number(port, &number) || number < 1 || number > 65535))
    return "the URL's port must be from 1 to 65535";
  url->port = (guint)number;
  return NULL;
}

/* USER@HOST; without a user only where one need not be. */
static const char *read_authority(char *authority, gboolean needs_user, Url *url) {
  char *at = strrchr(authority, '@');
  if (!at && needs_user)
    return "the URL needs the user to log in as: sftp://user@host";
  if (!at)
    return read_host(authority, url);
  *at = '\0';
  if (strchr(authority, ':'))
    return "the URL holds a password: put it into a file that only the gateway can read, and name that with "
           "password-file";
  if (strchr(at + 1, '/'))
    return "the URL ends with the host and port; the folder goes into 'path' of source and feedback";
  url->user = g_uri_unescape_string(authority, "/");
  if (!url->user || *url->user == '\0' || strlen(url->user) > 255 || !value_is_text(url->user))
    return "the URL's user is not a name (%40 stands for @)";
  return read_host(at + 1, url);
}

static const char *read_server(const char *rest, Url *url) {
  g_autofree char *authority = g_strdup(rest);
  gsize length = strlen(authority);
  if (length > 0 && authority[length - 1] == '/')
    authority[length - 1] = '\0';
  return read_authority(authority, TRUE, url);
}

static const char *read_file_url(const char *rest, Url *url) {
  if (*rest != '/')
    return "a file URL is file:///absolute/folder, with three slashes";
  g_autofree char *folder = g_uri_unescape_string(rest, NULL);
  if (!folder || value_has_dot_dot(folder) || !value_is_text(folder))
    return "the file URL's folder is not a plain absolute path";
  url->folder = value_clean_path(folder);
  return NULL;
}

/* Sent as it stands: what is not plain must be percent-encoded, and nothing may lead upwards, encoded or not. */
gboolean url_is_path(const char *path) {
  if (*path != '/' || strlen(path) > 1024)
    return FALSE;
  for (const char *c = path; *c != '\0'; c++) {
    if (*c == '%' && (!g_ascii_isxdigit(c[1]) || !g_ascii_isxdigit(c[2])))
      return FALSE;
    if (!g_ascii_isalnum(*c) && !strchr("-._~/%?&=+,:@!$'()*;", *c))
      return FALSE;
  }
  g_auto(GStrv) parts = g_strsplit(path, "?", 2);
  g_autofree char *decoded = g_uri_unescape_string(parts[0], NULL);
  return decoded && !value_has_dot_dot(decoded) && value_is_text(decoded);
}

static const char *read_web(const char *rest, Url *url) {
  const char *slash = strchr(rest, '/');
  g_autofree char *authority = !slash ? g_strdup(rest) : g_strndup(rest, (gsize)(slash - rest));
  const char *problem = read_authority(authority, FALSE, url);
  if (problem || !slash || slash[1] == '\0')
    return problem;
  if (!url_is_path(slash) || strchr(slash, '?'))
    return "the URL's path must be plain: letters, digits, - . _ ~ / and percent-encoded others, without '..', '?' and "
           "'#'";
  url->folder = value_clean_path(slash);
  return NULL;
}

const char *url_read(const char *text, Url *url) {
  *url = (Url){0};
  for (guint i = 0; i < G_N_ELEMENTS(schemes); i++) {
    gsize length = strlen(schemes[i]);
    if (!g_str_has_prefix(text, schemes[i]) || !g_str_has_prefix(text + length, "://"))
      continue;
    url->scheme = (ConfScheme)i;
    const char *rest = text + length + strlen("://");
    gboolean is_web = i == CONF_URL_MAILBOX || !url_has_folders(url->scheme);
    return i == CONF_URL_FILE ? read_file_url(rest, url) : is_web ? read_web(rest, url) : read_server(rest, url);
  }
  if (g_str_has_prefix(text, "ftpes://"))
    return "FTP that is secured by AUTH TLS is written ftp:// here";
  return "the URL must begin with sftp://, ftp://, ftps://, https://, http://, mailbox:// or file://";
}
