/* Spreads the work of one file over threads that live as long as it does. */
#pragma once
#include <glib.h>

/* Runs work(data) in `threads` threads at once, the caller's own among them, and returns when all have returned. The
 * function shares the work out itself (a cursor under a lock in *data). If a thread cannot be made, fewer do it. */
void crew_run(guint threads, void (*work)(gpointer data), gpointer data);
