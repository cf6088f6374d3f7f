/* What came of the service's last reload: RUNTIME/reload.json, for whoever has asked for it (`sallyport reload`).
 *
 *   {"begun":N, "configuration":"/etc/…", "taken":true, "digest":"…",
 *    "lanes":[{"lane":"points","change":"replaced"}], "problems":["file:line: …"]}
 *
 * begun: monotonic microseconds, before the configuration was read: an answer that was begun after the signal is the
 * answer to it, also where several came at once. change: replaced, started, removed, kept. problems: why it was not
 * taken. A file of an earlier run of the service is older than every signal to this one. */
#pragma once
#include "gateway/base/error.h"
#include <jansson.h>

/* Takes the outcome. Old or new, never a mixture. */
gboolean outcome_write(const char *runtime, json_t *outcome, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* *outcome: of the last reload, when it was begun at or after `since`; else NULL. The caller's. FALSE: unreadable. */
gboolean outcome_read(const char *runtime, gint64 since, json_t **outcome, GError **error) G_GNUC_WARN_UNUSED_RESULT;
