/* The front's routes: a table per capability, listed in routes.c. A route says its method, its path, who may ask, and
 * what answers. */
#pragma once
#include "gateway/front/front_private.h"

struct FrontRoute {
  const char *method;  /* GET (HEAD is answered, too), or POST */
  const char *pattern; /* "/v1/things/{}": each {} is one word of letters, digits, dots, dashes, underscores */
  /* The words that stand for {}, in order. Queues exactly one response. */
  enum MHD_Result (*handler)(FrontRequest *request, char **words);
  /* Finds out who asks, before a byte of a body is read. FALSE: 401 */
  gboolean (*access)(FrontRequest *request);
};

/* The first route of that path, whatever its method; NULL: none. */
const FrontRoute *front_route_of(const char *path);
/* Finds the path's route with the request's method and has it answer; else answers 404, or 405 with the methods that
 * the path has. */
enum MHD_Result front_route_answer(FrontRequest *request);
