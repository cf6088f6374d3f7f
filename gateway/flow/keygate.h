/* Keeps two files with overlapping record keys from being between validation and posting at the same time.
 *
 * Validation asks the ledger which keys were posted before; between that answer and the posting no other file may post one
 * of them. A file therefore reserves the range [least key, greatest key] of its records before it asks, and gives it back
 * when it is posted or refused. Files of different ranges, the usual case, never wait. The reservations live in memory: after a crash,
 * files found in `validated` or `posting` hold the whole range until they are through (keygate_hold_all). */
#pragma once
#include <glib.h>

typedef struct KeyGate KeyGate;
KeyGate *keygate_new(void);
void keygate_free(KeyGate *gate);
/* FALSE: another file holds an overlapping range of this ledger; ask again later. A file's second reservation replaces its first. Any thread. */
gboolean keygate_reserve(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest) G_GNUC_WARN_UNUSED_RESULT;
void keygate_hold_all(KeyGate *gate, gconstpointer ledger, const char *file);
void keygate_release(KeyGate *gate, const char *file);
