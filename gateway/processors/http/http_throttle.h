/* One interface of another system, as all threads of a lane see it that call it: how many of them may do so at a time,
 * with how many records, and from when on again (pressure.h decides; this is its lock, its clock and its log). */
#pragma once
#include "conf/conf.h"
#include "gateway/processors/http/pressure.h"

typedef struct Interface Interface;
Interface *interface_new(const char *name, const ConfBatch *batch);
void interface_share(Interface *interface, const ConfBatch *batch); /* with another feed; before the first call */
void interface_free(Interface *interface);
const char *interface_name(const Interface *interface);

/* Waits for its turn, at most so long, and not when *stopping. FALSE: not now. TRUE: interface_end has to follow. */
gboolean interface_begin(Interface *interface, gint64 patience, const gint *stopping,
                         PressureCall *call) G_GNUC_WARN_UNUSED_RESULT;
void interface_sent(Interface *interface, PressureCall *call);
void interface_end(Interface *interface, const PressureCall *call, const PressureEnd *end);
/* x for this feed: within its own bounds. */
guint interface_size(Interface *interface, const ConfBatch *batch);
guint interface_threads(Interface *interface, const ConfBatch *batch); /* calls that may be in flight at present */
/* Microseconds until calls are allowed again; 0: they are. */
gint64 interface_pause_left(Interface *interface);
void interface_pause(Interface *interface, guint seconds);
void interface_resume(Interface *interface); /* an operator has repaired it: no more waiting */
void interface_state(Interface *interface, PressureState *state);
