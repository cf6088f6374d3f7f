#include "gateway/lane/services.h"
#include "gateway/exchange/exchange.h"
#include "gateway/processors/rating/rating_service.h"
#include "gateway/idle/idle.h"
#include "gateway/processors/reference/reference.h"
#include "gateway/query/query.h"
#include "gateway/recon/recon.h"
#include "gateway/replay/collect.h"
#include "gateway/watch/watch.h"
#include <string.h>

/* In the order of their start. */
static const LaneService *const rows[] = {&watch_service, &recon_service, &exchange_service, &reference_service,
                                          &rating_service, &query_service, &idle_service, &replay_service};

struct Services {
  gpointer running[G_N_ELEMENTS(rows)]; /* NULL: it does not run in this lane */
};

Services *services_new(void) {
  return g_new0(Services, 1);
}

gboolean services_start(Services *services, const LaneHost *host, GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    GError *failure = NULL;
    services->running[i] = rows[i]->start(host, &failure);
    if (failure) {
      g_propagate_error(error, failure);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean services_stop(Services *services, guint grace_seconds) {
  gboolean all = TRUE;
  for (guint i = G_N_ELEMENTS(rows); services && i-- > 0;)
    if (services->running[i] && !rows[i]->stop(services->running[i], grace_seconds))
      all = FALSE;
  return all;
}

void services_free(Services *services) {
  for (guint i = G_N_ELEMENTS(rows); services && i-- > 0;)
    if (services->running[i])
      rows[i]->free(services->running[i]);
  g_free(services);
}

json_t *services_answer(Services *services, const LaneHost *host, const char *name, const char *who,
                        const json_t *request) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    for (const LaneRequest *row = rows[i]->requests; row && row->name; row++)
      if (strcmp(row->name, name) == 0)
        return row->answer(host, services->running[i], who, request);
  return NULL;
}

void services_add_status(Services *services, json_t *status) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    if (services->running[i] && rows[i]->status)
      json_object_set_new(status, rows[i]->name, rows[i]->status(services->running[i]));
}

void services_book_unwritable(Services *services, const char *why) {
  for (guint i = 0; services && i < G_N_ELEMENTS(rows); i++)
    if (services->running[i] && rows[i]->book_unwritable)
      rows[i]->book_unwritable(services->running[i], why);
}
