/* What the front serves of reconciliation: manifests and their forms, shards by opaque ids, acknowledgements. The
 * routes and what their answers share. */
#pragma once
#include "gateway/front/routes.h"
#include "store/book_recon.h"

extern const FrontRoute front_recon_routes[]; /* ends with a NULL method */

/* The requester's reconcile block of that type, and the shelf of its lane; NULL: none. */
const ConfReconcile *recon_route_find(const FrontRequest *request, const char *type, Shelf **shelf);

enum MHD_Result recon_route_list(FrontRequest *request, char **words);
enum MHD_Result recon_route_manifest(FrontRequest *request, char **words); /* type, period, and perhaps a form */
enum MHD_Result recon_route_object(FrontRequest *request, char **words);
enum MHD_Result recon_route_acknowledge(FrontRequest *request, char **words); /* type, period */
