/* The description of the interface, as packaging/doc/openapi.json has it. */
#include "gateway/front/routes.h"
#include "packaging/doc/openapi.json.h"

static enum MHD_Result route_description(FrontRequest *request, char **words) {
  (void)words;
  return front_answer_text(request, MHD_HTTP_OK, g_strdup(doc_openapi_json), NULL);
}

const FrontRoute front_description_routes[] = {
    {"GET", "/v1/openapi.json", route_description, front_is_requester, NULL}, {0}};
