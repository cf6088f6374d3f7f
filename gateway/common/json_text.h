/* JSON and its times as text, for what is stored or sent. */
#pragma once
#include <glib.h>
#include <jansson.h>

/* Compact. Frees the value; the text is the caller's. NULL for NULL, or when memory is short. */
char *json_text_take(json_t *value);
/* Microseconds as "2026-11-20T08:00:00Z"; the caller's. */
char *json_text_utc(gint64 at);
