/* What the files of `move` share. */
#pragma once
#include "gateway/common/paths.h"
#include "gateway/move/move.h"

/* --- change.c
 * Opened to be changed. AGAIN when the lane runs, FILE when the state is another user's. */
Book *move_open_book(const LanePaths *paths, const char *lane, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* "moving" and its audit row, and their end. `detail`: "ledger miles points by root: why". */
gboolean move_begin(Book *book, const Move *move, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *move_words(const Move *move); /* "ledger miles points": what stands in "moving" */
char *move_detail(const Move *move);
gboolean move_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* lane.c, ledger.c */
char *move_lane(const Move *move, const GPtrArray *held, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *move_ledger(const Move *move, const HeldLane *held, GError **error) G_GNUC_WARN_UNUSED_RESULT;
