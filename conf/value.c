#include "conf/value.h"
#include <arpa/inet.h>
#include <string.h>

gboolean value_is_name(const char *text) {
  if (!g_ascii_isalnum(*text) || strlen(text) > 64) return FALSE;
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum(*c) && strchr("._-", *c) == NULL) return FALSE;
  return TRUE;
}

gboolean value_is_field(const char *text) {
  if (!g_utf8_validate(text, -1, NULL) || *text == '\0' || strlen(text) > 64 || g_ascii_isdigit(*text)) return FALSE;
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
    if (!g_unichar_isalnum(g_utf8_get_char(c)) && *c != '_') return FALSE;
  return TRUE;
}

gboolean value_is_text(const char *text) {
  if (!g_utf8_validate(text, -1, NULL) || strlen(text) > 1024) return FALSE;
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
    if (g_unichar_iscntrl(g_utf8_get_char(c))) return FALSE;
  return TRUE;
}

gboolean value_has_dot_dot(const char *path) {
  g_auto(GStrv) parts = g_strsplit(path, "/", -1);
  return g_strv_contains((const char *const *)parts, "..");
}

char *value_clean_path(const char *path) {
  GString *clean = g_string_new(NULL);
  for (const char *c = path; *c != '\0'; c++)
    if (*c != '/' || c[1] != '/') g_string_append_c(clean, *c);
  if (clean->len > 1 && clean->str[clean->len - 1] == '/') g_string_truncate(clean, clean->len - 1);
  return g_string_free(clean, FALSE);
}

/* The digits at the beginning of the text, and what follows them. */
static gboolean read_digits(const char *text, guint64 *number, const char **rest) {
  *number = 0;
  *rest = text;
  for (; g_ascii_isdigit(**rest); (*rest)++)
    if (!g_uint64_checked_mul(number, *number, 10) || !g_uint64_checked_add(number, *number, (guint64)(**rest - '0'))) return FALSE;
  return *rest > text;
}

gboolean value_number(const char *text, guint64 *number) {
  const char *rest = NULL;
  return read_digits(text, number, &rest) && *rest == '\0';
}

typedef struct { const char *unit; guint64 factor; } Factor;

static gboolean read_with_unit(const char *text, const Factor *factors, guint64 *number) {
  const char *rest = NULL;
  if (!read_digits(text, number, &rest)) return FALSE;
  while (*rest == ' ') rest++;
  for (; factors->unit != NULL; factors++)
    if (strcmp(rest, factors->unit) == 0) return g_uint64_checked_mul(number, *number, factors->factor);
  return FALSE;
}

static const Factor durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const Factor sizes[] = {{"T", 1ULL << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1024}, {"", 1}, {NULL, 0}};

gboolean value_duration(const char *text, guint64 *milliseconds) { return read_with_unit(text, durations, milliseconds); }
gboolean value_size(const char *text, guint64 *bytes) { return read_with_unit(text, sizes, bytes); }

static char *show_with_unit(guint64 number, const Factor *factors) {
  while (factors->factor > 1 && (number == 0 || number % factors->factor != 0)) factors++;
  return g_strdup_printf("%" G_GUINT64_FORMAT "%s", number / factors->factor, factors->unit);
}
char *value_show_duration(guint64 milliseconds) { return milliseconds == 0 ? g_strdup("0s") : show_with_unit(milliseconds, durations); }
char *value_show_size(guint64 bytes) { return show_with_unit(bytes, sizes); }

char *value_fingerprint(const char *text) {
  g_autoptr(GString) digits = g_string_new(NULL);
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == ' ') continue;
    if (!g_ascii_isxdigit(*c) || digits->len == 64) return NULL;
    g_string_append_c(digits, g_ascii_toupper(*c));
  }
  if (digits->len != 40 && digits->len != 64) return NULL;
  return g_strdup(digits->str);
}

gboolean value_is_host_key(const char *text) {
  if (!g_str_has_prefix(text, "SHA256:") || strlen(text) != 7 + 43) return FALSE;
  for (const char *c = text + 7; *c != '\0'; c++)
    if (!g_ascii_isalnum(*c) && *c != '+' && *c != '/') return FALSE;
  return TRUE;
}

/* ---- URLs ---- */

void value_url_clear(Url *url) {
  g_free(url->user);
  g_free(url->host);
  g_free(url->folder);
  *url = (Url){0};
}

static gboolean is_host_name(const char *text) {
  gsize length = strlen(text);
  if (length == 0 || length > 253 || *text == '-' || *text == '.') return FALSE;
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum(*c) && strchr("-._", *c) == NULL) return FALSE;
  return strstr(text, "..") == NULL;
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
static const char *read_host(const char *text, Url *url) {
  const char *port = NULL;
  if (*text == '[') {
    const char *close = strchr(text, ']');
    if (close == NULL || (close[1] != '\0' && close[1] != ':')) return "the URL's IPv6 address needs its closing bracket";
    url->host = g_strndup(text + 1, (gsize)(close - text - 1));
    struct in6_addr address;
    if (inet_pton(AF_INET6, url->host, &address) != 1) return "what the URL has in brackets is not an IPv6 address";
    port = close[1] == ':' ? close + 2 : NULL;
  } else {
    const char *colon = strchr(text, ':');
    if (colon != NULL && strchr(colon + 1, ':') != NULL) return "an IPv6 address in a URL stands in brackets: sftp://user@[2001:db8::1]:22";
    url->host = colon == NULL ? g_strdup(text) : g_strndup(text, (gsize)(colon - text));
    if (!is_host_name(url->host)) return "the URL's host must be a name of letters, digits, - and . (others as xn--…), or an address";
    port = colon == NULL ? NULL : colon + 1;
  }
  guint64 number = 22;
  if (port != NULL && (!value_number(port, &number) || number < 1 || number > 65535)) return "the URL's port must be from 1 to 65535";
  url->port = (guint)number;
  return NULL;
}

static const char *read_sftp(const char *rest, Url *url) {
  g_autofree char *authority = g_strdup(rest);
  gsize length = strlen(authority);
  if (length > 0 && authority[length - 1] == '/') authority[length - 1] = '\0';
  char *at = strrchr(authority, '@');
  if (at == NULL) return "the URL needs the user to log in as: sftp://user@host";
  *at = '\0';
  if (strchr(authority, ':') != NULL) return "the URL holds a password: put it into a file that only the gateway can read, and name that with password-file";
  if (strchr(at + 1, '/') != NULL) return "the URL ends with the host and port; the folder goes into 'path' of source and feedback";
  url->user = g_uri_unescape_string(authority, "/");
  if (url->user == NULL || *url->user == '\0' || strlen(url->user) > 255 || !value_is_text(url->user)) return "the URL's user is not a name (%40 stands for @)";
  return read_host(at + 1, url);
}

static const char *read_file_url(const char *rest, Url *url) {
  if (*rest != '/') return "a file URL is file:///absolute/folder, with three slashes";
  g_autofree char *folder = g_uri_unescape_string(rest, NULL);
  if (folder == NULL || value_has_dot_dot(folder) || !value_is_text(folder)) return "the file URL's folder is not a plain absolute path";
  url->folder = value_clean_path(folder);
  return NULL;
}

const char *value_url(const char *text, Url *url) {
  *url = (Url){0};
  if (g_str_has_prefix(text, "sftp://")) {
    url->scheme = CONF_URL_SFTP;
    return read_sftp(text + 7, url);
  }
  if (g_str_has_prefix(text, "file://")) {
    url->scheme = CONF_URL_FILE;
    return read_file_url(text + 7, url);
  }
  static const char *const later[] = {"ftp://", "ftps://", "ftpes://", "https://", "http://"};
  for (guint i = 0; i < G_N_ELEMENTS(later); i++)
    if (g_str_has_prefix(text, later[i])) return "FTP, FTPS and HTTP are not supported yet by this version: sftp:// and file:// are";
  return "the URL must begin with sftp:// or file://";
}
