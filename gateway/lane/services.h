/* The capabilities that run in a lane: the one table of them, and what the lane does with all. */
#pragma once
#include "gateway/flow/lane_service.h"

typedef struct Services Services;
/* FALSE: those before the one that failed run, and are to be stopped. */
Services *services_new(void);
gboolean services_start(Services *services, const LaneHost *host, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* In the reverse order of their start. FALSE: not all threads could be ended, and none may be freed. NULL is fine. */
gboolean services_stop(Services *services, guint grace_seconds);
void services_free(Services *services);

/* NULL: none has a request of this name. */
json_t *services_answer(Services *services, const LaneHost *host, const char *name, const char *who,
                        const json_t *request);
void services_add_status(Services *services, json_t *status);
void services_book_unwritable(Services *services, const char *why); /* any thread */
