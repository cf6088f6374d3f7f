/* Keeps two files with overlapping record keys from being between validation and posting at the same time.
 *
 * Validation asks the ledger which keys were posted before; between that answer and the posting no other file may post
 * one of them. A file therefore reserves the range [least key, greatest key] of its records before it asks, and gives
 * it back when it is posted or refused. Files of different ranges, the usual case, never wait. The reservations live in
 * memory: after a crash, files found in `validated` or `posting` hold every key (keygate_hold_all) until their own are
 * known again (keygate_narrow), so that one which cannot be posted stops none but those that share its keys.
 *
 * Whoever asks first after a release gets the range: to queue would cost every file the waiting of all before it. But a
 * file that has asked in vain for STARVING seconds is not passed over any more, while it goes on asking. */
#pragma once
#include <glib.h>

typedef struct KeyGate KeyGate;
KeyGate *keygate_new(void);
void keygate_free(KeyGate *gate);
/* FALSE: another file holds an overlapping range of this ledger; ask again later. A file's second reservation replaces
 * its first. Any thread. */
gboolean keygate_reserve(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least,
                         GBytes *greatest) G_GNUC_WARN_UNUSED_RESULT;
/* The file that stands in the way of such a reservation, or has asked for longer; NULL: none does any more. The caller
 * frees. */
char *keygate_holder(KeyGate *gate, gconstpointer ledger, const char *file, GBytes *least, GBytes *greatest);
void keygate_hold_all(KeyGate *gate, gconstpointer ledger, const char *file);
gboolean keygate_holds_all(KeyGate *gate, const char *file);
/* of one that holds all: to less, so always granted */
void keygate_narrow(KeyGate *gate, const char *file, GBytes *least, GBytes *greatest);
void keygate_release(KeyGate *gate, const char *file); /* also what it waits for */
/* seconds: since the first asking; since the last, when it does not wait any more */
enum { KEYGATE_STARVING = 10, KEYGATE_FORGOTTEN = 15 };
void keygate_set_clock(KeyGate *gate, gint64 (*now)(void)); /* monotonic microseconds; for tests */
