/* One HTTP service of another system that takes records, as all threads of a lane see it that call it: how many of them
 * may do so at a time, with how many records, and from when on again (pressure.h decides; this is its lock, its clock
 * and its log). */
#pragma once
#include "conf/conf.h"
#include "gateway/processors/http/pressure.h"
#include <jansson.h>

typedef struct AccrualService AccrualService;
AccrualService *accrual_service_new(const char *name, const ConfBatch *batch);
void accrual_service_share(AccrualService *service,
                           const ConfBatch *batch); /* with another feed; before the first call */
void accrual_service_free(AccrualService *service);
const char *accrual_service_name(const AccrualService *service);

/* Waits for its turn, at most so long, and not when *stopping. FALSE: not now. TRUE: accrual_service_end has to follow.
 */
gboolean accrual_service_begin(AccrualService *service, gint64 patience, const gint *stopping,
                               PressureCall *call) G_GNUC_WARN_UNUSED_RESULT;
void accrual_service_sent(AccrualService *service, PressureCall *call);
void accrual_service_end(AccrualService *service, const PressureCall *call, const PressureEnd *end);
/* x for this feed: within its own bounds. */
guint accrual_service_size(AccrualService *service, const ConfBatch *batch);
guint accrual_service_threads(AccrualService *service,
                              const ConfBatch *batch); /* calls that may be in flight at present */
/* Microseconds until calls are allowed again; 0: they are. */
gint64 accrual_service_pause_left(AccrualService *service);
void accrual_service_pause(AccrualService *service, guint seconds);
void accrual_service_resume(AccrualService *service); /* an operator has repaired it: no more waiting */
void accrual_service_state(AccrualService *service, PressureState *state);
/* The same for the lane's status, with x for this feed. Times in milliseconds. */
json_t *accrual_service_json(AccrualService *service, const ConfBatch *batch);
