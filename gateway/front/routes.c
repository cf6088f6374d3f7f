#include "gateway/front/routes.h"
#include "gateway/front/exchange/exchange_routes.h"
#include "gateway/front/metrics/metrics.h"
#include "gateway/front/rating/rating_routes.h"
#include "gateway/front/recon/recon_routes.h"
#include <string.h>

/* A capability's routes are its own; where two match, the one that stands first answers. */
static const FrontRoute *const tables[] = {front_description_routes, front_metrics_routes, front_recon_routes,
                                           front_exchange_routes, front_rating_routes};

enum { PARTS_MOST = 12 };

/* "." and "..", however they are escaped, never leave a client that follows RFC 3986: it would ask for the folder. */
static gboolean is_word(const char *text) {
  gsize length = strlen(text);
  if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum(text[i]) && !strchr("._-", text[i]))
      return FALSE;
  return length > 0 && length <= 64;
}

/* words: room for PARTS_MOST and a NULL; or NULL. What is put there belongs to `parts`. */
static gboolean matches(const FrontRoute *route, char **parts, char **words) {
  g_auto(GStrv) wanted = g_strsplit(route->pattern, "/", PARTS_MOST);
  guint n = 0;
  for (guint i = 0; wanted[i] || parts[i]; i++) {
    if (!wanted[i] || !parts[i])
      return FALSE;
    gboolean is_any = strcmp(wanted[i], "{}") == 0;
    if (is_any ? !is_word(parts[i]) : strcmp(wanted[i], parts[i]) != 0)
      return FALSE;
    if (is_any && words)
      words[n++] = parts[i];
  }
  return TRUE;
}

static const FrontRoute *first_match(char **parts, char **words) {
  for (gsize i = 0; i < G_N_ELEMENTS(tables); i++)
    for (const FrontRoute *route = tables[i]; route->method; route++)
      if (matches(route, parts, words))
        return route;
  return NULL;
}

const FrontRoute *front_route_of(const char *path) {
  g_auto(GStrv) parts = g_strsplit(path, "/", PARTS_MOST);
  return first_match(parts, NULL);
}

static gboolean is_method(const FrontRoute *route, const char *method) {
  return strcmp(method, route->method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* Those of the first match's path stand one after the other. */
static const FrontRoute *with_method(const FrontRoute *first, const char *method, GString *allowed) {
  for (const FrontRoute *route = first; route->method && strcmp(route->pattern, first->pattern) == 0; route++) {
    if (is_method(route, method))
      return route;
    g_string_append_printf(allowed, "%s%s%s", allowed->len ? ", " : "", route->method,
                           strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
  }
  return NULL;
}

enum MHD_Result front_route_begin(FrontRequest *request) {
  g_auto(GStrv) parts = g_strsplit(request->path, "/", PARTS_MOST);
  char *words[PARTS_MOST + 1] = {NULL};
  g_autoptr(GString) allowed = g_string_new(NULL);
  const FrontRoute *first = first_match(parts, words), *route = first ? with_method(first, request->method, allowed)
                                                                     : NULL;
  request->takes = route ? route->body : NULL;
  return request->takes ? request->takes->begin(request, words) : MHD_YES;
}

enum MHD_Result front_route_answer(FrontRequest *request) {
  g_auto(GStrv) parts = g_strsplit(request->path, "/", PARTS_MOST); /* "/v1/x" has an empty part in front */
  char *words[PARTS_MOST + 1] = {NULL};
  const FrontRoute *first = first_match(parts, words);
  if (!first)
    return front_nothing(request);
  g_autoptr(GString) allowed = g_string_new(NULL);
  const FrontRoute *route = with_method(first, request->method, allowed);
  if (route)
    return route->handler(request, words);
  return front_answer_json(request, MHD_HTTP_METHOD_NOT_ALLOWED,
                           json_pack("{s:s, s:s}", "error", "this is not done here", "allow", allowed->str));
}
