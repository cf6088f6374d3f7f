#include "gateway/front/recon/recon_routes.h"
#include <string.h>

const FrontRoute front_recon_routes[] = {
    {"GET", "/v1/manifests", recon_route_list, front_is_requester, NULL},
    {"GET", "/v1/manifests/{}/{}", recon_route_manifest, front_is_requester, NULL},
    {"POST", "/v1/manifests/{}/{}/acknowledgement", recon_route_acknowledge, front_is_requester, NULL},
    {"GET", "/v1/manifests/{}/{}/{}", recon_route_manifest, front_is_requester, NULL},
    {"GET", "/v1/objects/{}", recon_route_object, front_is_requester, NULL},
    {0}};

const ConfReconcile *recon_route_find(const FrontRequest *request, const char *type, Shelf **shelf) {
  const GPtrArray *shelves = request->front->shelves;
  for (guint i = 0; i < shelves->len; i++) {
    *shelf = shelves->pdata[i];
    const GPtrArray *reconciles = (*shelf)->lane->reconciles;
    for (guint j = 0; reconciles && j < reconciles->len; j++) {
      const ConfReconcile *reconcile = reconciles->pdata[j];
      if (reconcile->serve && strcmp(reconcile->requester, request->requester->name) == 0 &&
          strcmp(reconcile->type, type) == 0)
        return reconcile;
    }
  }
  *shelf = NULL;
  return NULL;
}
