/* A file of the book as JSON, the same wherever one is shown. Every member is always there; null: not known (yet). */
#pragma once
#include "gateway/status/lanes.h"
#include <jansson.h>

/* "waits for its marker X.ok"; of one that ends by itself with `until`, which spells due_at. What a partner wrote is
 * escaped. NULL: it waits for nothing. The caller frees. */
char *status_wait_words(const BookFile *file, const char *until);
/* The file's object behind what `into` has, in one line; times are in the zone. */
void status_file_put(GTimeZone *zone, const Conf *conf, const StatusLane *lane, const BookFile *file, GString *into);
/* The same as a value. */
json_t *status_file_json(GTimeZone *zone, const Conf *conf, const StatusLane *lane, const BookFile *file);
