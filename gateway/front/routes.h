/* The front's routes: a table per capability, listed in routes.c. A route says its method, its path, who may ask, and
 * what answers. */
#pragma once
#include "gateway/front/front_private.h"

/* How a route takes bodies of any size. */
struct FrontBody {
  /* The head is there; may answer, and then not a byte of the body is read. May wait, as handlers do (front_private.h):
   * then it sets request->begins, and is called again. */
  enum MHD_Result (*begin)(FrontRequest *request, char **words);
  /* The next piece. FALSE: the connection is ended. */
  gboolean (*take)(FrontRequest *request, const char *bytes, gsize length);
};

struct FrontRoute {
  const char *method;  /* GET (HEAD is answered, too, where no row before says otherwise), POST, PUT … */
  const char *pattern; /* "/v1/things/{}": each {} is one word of letters, digits, dots, dashes, underscores */
  /* The words that stand for {}, in order. Queues exactly one response. */
  enum MHD_Result (*handler)(FrontRequest *request, char **words);
  /* Finds out who asks, before a byte of a body is read. FALSE: 401 */
  gboolean (*access)(FrontRequest *request);
  const FrontBody *body; /* NULL: a POST's at most, 64 KiB, which is in request->body when the handler is called */
};

extern const FrontRoute front_description_routes[];

/* The first route of that path, whatever its method; NULL: none. */
const FrontRoute *front_route_of(const char *path);
/* Where the route of this path and method takes bodies itself, request->takes is set, and `begin` has been asked. */
enum MHD_Result front_route_begin(FrontRequest *request);
/* Finds the path's route with the request's method and has it answer; else answers 404, or 405 with the methods that
 * the path has. */
enum MHD_Result front_route_answer(FrontRequest *request);
